//! Questions for the oral defence, made from what was observed, each with what a good answer contains.
//!
//! The page that `harness grade` writes for the instructor prints them. A question quotes a figure that the team can look up
//! in its own report; an answer names the place in the code, not a definition. Nothing is judged here.

use super::{Language, Listed, Milliseconds, Percent, Span};
use crate::say;
use harness_judge::check::{
    Cause, ConcurrencyFinding, Finding, HitsFinding, IntegrityFinding, LatePattern, PersistenceFinding,
    ProxyFinding, RotationFinding, RotationPattern, TtlFinding, Wrong,
};

/// A question and what a good answer contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefenceQuestion {
    /// The question, to be read aloud.
    pub question: String,
    /// What a good answer contains.
    pub answer: String,
}

/// The question that a finding suggests, where it suggests one. It speaks of no other cause than the report does.
pub fn question(finding: &Finding, cause: Option<Cause>, language: Language) -> Option<DefenceQuestion> {
    let (question, answer) = match finding {
        Finding::Hits(finding) => of_hits(finding, language),
        Finding::Ttl(finding) => of_ttl(finding, language),
        Finding::Persistence(finding) => of_persistence(finding, language),
        Finding::Concurrency(finding) => of_concurrency(finding, cause, language),
        Finding::Integrity(finding) => of_integrity(finding, language),
        Finding::Proxy(finding) => of_proxy(finding, language),
        Finding::Rotation(finding) => of_rotation(finding, language),
        Finding::DependsOn { .. }
        | Finding::NoControl { .. }
        | Finding::DeclaredUnsupported { .. }
        | Finding::Attached
        | Finding::ForAPerson
        | Finding::NotReached
        | Finding::StepProblem { .. }
        | Finding::NotSent { .. }
        | Finding::CutOffByUs { .. }
        | Finding::CutShort { .. }
        | Finding::TooFew { .. }
        | Finding::PassedOnSecondTry { .. }
        | Finding::BusyHost { .. }
        | Finding::Latencies { .. }
        | Finding::Cloud(_)
        | Finding::Case(_)
        | Finding::Exchange(_)
        | Finding::Config(_)
        | Finding::Https(_)
        | Finding::Http2(_)
        | Finding::Log(_) => None,
    }?;
    Some(DefenceQuestion { question, answer })
}

fn of_hits(finding: &HitsFinding, language: Language) -> Option<(String, String)> {
    Some(match finding {
        HitsFinding::NoHits { target, .. } => (
            say!(language,
                en: "The second GET of {target} reached a backend again, as did every other. Follow one request through your code: where is the cache asked?",
                es: "El segundo GET de {target} volvió a llegar a un backend, como todos. Sigan una petición por el código: ¿dónde se consulta el caché?",
                target = target),
            say!(language,
                en: "the key under which it is stored and the one under which it is looked for, and why they differ; or the condition that keeps it from being stored",
                es: "la clave con que se guarda y la clave con que se busca, y por qué difieren; o la condición que impide guardarlo"),
        ),
        HitsFinding::HitsProven { .. } => (
            say!(language,
                en: "What is the key of your cache? What happens with /a/b and /a_b, with another query, with a POST to a target that is stored?",
                es: "¿Cuál es la clave del caché? ¿Qué ocurre con /a/b y /a_b, con otra consulta (query), con un POST a un destino ya guardado?"),
            say!(language,
                en: "method and whole target are part of the key; how a target becomes the name of a file without two of them meeting",
                es: "el método y el destino completo forman la clave; cómo un destino se vuelve nombre de archivo sin que dos coincidan"),
        ),
        HitsFinding::HitDiffers { target, .. } => (
            say!(language,
                en: "The answer from the cache to {target} was not equal to the first one. What exactly do you store?",
                es: "La respuesta del caché a {target} no fue igual a la primera. ¿Qué se guarda exactamente?", target = target),
            say!(language,
                en: "bytes and not text, the head with the body, and the whole body also where it comes in several pieces",
                es: "bytes y no texto, el encabezado junto al cuerpo, y el cuerpo completo aunque llegue en varias partes"),
        ),
        HitsFinding::PostFromCache { target, .. } => (
            say!(language,
                en: "A POST to {target} was answered without any backend seeing it. Why is that dangerous, and which line allows it?",
                es: "Un POST a {target} recibió respuesta sin que lo viera ningún backend. ¿Por qué es peligroso, y qué línea lo permite?",
                target = target),
            say!(language,
                en: "the effect of the POST is lost although the client believes in it; the method is looked at before the cache is",
                es: "el efecto del POST se pierde aunque el cliente cree que ocurrió; el método se mira antes que el caché"),
        ),
        HitsFinding::SomeMisses { .. }
        | HitsFinding::PostsReachedBackends { .. }
        | HitsFinding::PostNotForwarded { .. } => return None,
    })
}

fn of_ttl(finding: &TtlFinding, language: Language) -> Option<(String, String)> {
    let ms = Milliseconds;
    Some(match finding {
        TtlFinding::ServedPastTtl { target, age_ms, past_ms, pattern, .. } => (
            say!(language,
                en: "The proxy answered {target} from the cache {past} after its TTL was over (age {age}). Where in your code is the age compared with the TTL, and why did it not act here?",
                es: "El proxy respondió {target} desde el caché {past} después de cumplirse su TTL (edad {age}). ¿En qué parte del código se compara la edad con el TTL, y por qué no actuó aquí?",
                target = target, past = ms(*past_ms), age = ms(*age_ms)),
            match pattern {
                LatePattern::NeverExpires => say!(language,
                    en: "the line of the look-up where the present instant minus that of storing should be compared with the TTL; that a sweep now and then is not enough",
                    es: "la línea de la consulta donde el instante actual menos el de guardado debería compararse con el TTL; que una limpieza periódica no basta"),
                LatePattern::TwiceTheTtl => say!(language,
                    en: "the two places that both count the TTL (once when storing, once when asking), and which of them goes",
                    es: "los dos lugares que cuentan el TTL (al guardar y al consultar) y cuál de ellos sobra"),
                LatePattern::Late | LatePattern::Mixed => say!(language,
                    en: "from which instant the age is counted, in which unit and with which rounding; what a sweep by a timer changes",
                    es: "desde qué instante se cuenta la edad, en qué unidad y con qué redondeo; qué cambia si lo hace una limpieza periódica"),
            },
        ),
        TtlFinding::ExpiredEarly { target, age_ms, short_ms, .. } => (
            say!(language,
                en: "{target} was asked of a backend again at the age of {age}, {short} before its TTL. What ended the entry?",
                es: "{target} se volvió a pedir a un backend a la edad de {age}, {short} antes de su TTL. ¿Qué terminó con lo guardado?",
                target = target, age = ms(*age_ms), short = ms(*short_ms)),
            say!(language,
                en: "whether the TTL of the command line is used or a constant, whole seconds cut off, or an eviction by size",
                es: "si se usa el TTL de la línea de comandos o una constante, segundos enteros truncados, o una expulsión por tamaño"),
        ),
        TtlFinding::Expiry(seen) => {
            let served = seen.last_served_ms.unwrap_or_default();
            let expired = seen.first_expired_ms.unwrap_or_default();
            (
                say!(language,
                    en: "With a TTL of {ttl} the oldest answer from the cache was {served} old, and the youngest that went to a backend again {expired}. Show the comparison in your code. From which instant does it count, and what if the clock of the machine is set back?",
                    es: "Con un TTL de {ttl}, la respuesta más antigua servida del caché tenía {served}, y la más reciente que volvió a un backend {expired}. Muestren la comparación en el código. ¿Desde qué instante cuenta, y qué pasa si el reloj de la máquina se atrasa?",
                    ttl = Span(seen.ttl_ms), served = ms(served), expired = ms(expired)),
                say!(language,
                    en: "the line; the instant stored (request sent, head received, file written); wall clock or monotonic clock, and why a restart forces the first",
                    es: "la línea; el instante guardado (petición enviada, encabezado recibido, archivo escrito); reloj de pared o monótono, y por qué un reinicio obliga al primero"),
            )
        }
        TtlFinding::OneAgeForTwoValues { first, second } => (
            say!(language,
                en: "Started with {first} and then with {second}, it kept entries for the same time. Where does the value given at launch end up?",
                es: "Arrancado con {first} y luego con {second}, conservó lo guardado el mismo tiempo. ¿A dónde llega el valor dado al arrancar?",
                first = Span(first.ttl_ms), second = Span(second.ttl_ms)),
            say!(language,
                en: "the path from the argument to the comparison, and the constant that stands in its way",
                es: "el camino desde el argumento hasta la comparación, y la constante que lo impide"),
        ),
        TtlFinding::ResourcesExpireTogether { youngest_ms, oldest_ms, .. } => (
            say!(language,
                en: "A resource was gone at {youngest}, another one served at {oldest}. Whose age is being looked at?",
                es: "Un recurso ya no estaba a los {youngest}, y otro se sirvió a los {oldest}. ¿La edad de qué se está mirando?",
                youngest = ms(*youngest_ms), oldest = ms(*oldest_ms)),
            say!(language,
                en: "that the TTL belongs to each entry, and which data structure holds one instant per entry",
                es: "que el TTL es de cada recurso, y qué estructura guarda un instante por recurso"),
        ),
        TtlFinding::HitsProlong { target, age_ms, hits, .. } => (
            say!(language,
                en: "{target}, asked for {hits} times, was still served at the age of {age}. What does a hit write?",
                es: "{target}, pedido {hits} veces, se seguía sirviendo a la edad de {age}. ¿Qué escribe una respuesta del caché?",
                target = target, hits = *hits, age = ms(*age_ms)),
            say!(language,
                en: "the difference between the instant of storing and that of last use, and where the second is written over the first",
                es: "la diferencia entre el instante de guardado y el de último uso, y dónde el segundo reemplaza al primero"),
        ),
        TtlFinding::TooFewProbes { .. }
        | TtlFinding::ResolutionTooCoarse { .. }
        | TtlFinding::TwoValues { .. }
        | TtlFinding::ResourcesExpireApart { .. }
        | TtlFinding::HitsDoNotProlong { .. }
        | TtlFinding::AgeGoesOnOverRestart { .. }
        | TtlFinding::RestartMayProlong { .. }
        | TtlFinding::RestartProlongs { .. }
        | TtlFinding::RestartForgets { .. } => return None,
    })
}

fn of_persistence(finding: &PersistenceFinding, language: Language) -> Option<(String, String)> {
    Some(match finding {
        PersistenceFinding::LostAfterKill { keys, lost, kills, .. } => (
            say!(language,
                en: "After {kills} kills, {lost} of {keys} resources that were in the cache were gone. What lies on disk, and what only in memory?",
                es: "Tras {kills} caídas, {lost} de {keys} recursos que estaban en el caché se perdieron. ¿Qué queda en disco y qué solo en memoria?",
                kills = *kills, lost = *lost, keys = *keys),
            say!(language,
                en: "how the program finds its files after a start: an index in memory only is lost, a name made from the key is not",
                es: "cómo el programa encuentra sus archivos tras arrancar: un índice solo en memoria se pierde, un nombre hecho con la clave no"),
        ),
        PersistenceFinding::KeptAfterKill { keys, kills, .. } => (
            say!(language,
                en: "{keys} resources survived {kills} kills with SIGKILL. What happens to a file that is half written at that moment, and to a power failure?",
                es: "{keys} recursos sobrevivieron a {kills} caídas con SIGKILL. ¿Qué pasa con un archivo a medio escribir en ese instante, y con un corte de energía?",
                keys = *keys, kills = *kills),
            say!(language,
                en: "temporary file and rename; that a kill leaves the data with the kernel while a power failure needs fsync",
                es: "archivo temporal y renombrado; que una caída deja los datos en el núcleo, mientras un corte de energía exige fsync"),
        ),
        PersistenceFinding::WrongAfterKill { target, .. } => (
            say!(language,
                en: "After a kill in the middle of writing, {target} was served with wrong bytes. In which order do you write?",
                es: "Tras una caída en plena escritura, {target} se sirvió con bytes errados. ¿En qué orden se escribe?", target = target),
            say!(language,
                en: "write beside, then rename; a length or a checksum that is looked at when reading",
                es: "escribir aparte y luego renombrar; una longitud o suma de verificación que se revisa al leer"),
        ),
        PersistenceFinding::DidNotStartAgain { .. }
        | PersistenceFinding::ExpiredBeforeReread { .. }
        | PersistenceFinding::WholeAfterKill { .. }
        | PersistenceFinding::CacheFiles { .. }
        | PersistenceFinding::NoCacheFiles { .. }
        | PersistenceFinding::ReboundAtOnce { .. }
        | PersistenceFinding::ReboundLate { .. }
        | PersistenceFinding::OddNamesKept { .. }
        | PersistenceFinding::OddNameLost { .. } => return None,
    })
}

fn of_concurrency(
    finding: &ConcurrencyFinding,
    cause: Option<Cause>,
    language: Language,
) -> Option<(String, String)> {
    Some(match finding {
        ConcurrencyFinding::FastWaited { waited_ms, slow_ms, .. } => (
            say!(language,
                en: "A fast request waited {waited} while a slow one of {slow} was served. What was the program doing meanwhile?",
                es: "Una petición rápida esperó {waited} mientras se atendía una lenta de {slow}. ¿Qué hacía el programa entre tanto?",
                waited = Milliseconds(*waited_ms), slow = Milliseconds(*slow_ms)),
            say!(language,
                en: "the call that blocks, and the thread, process or event loop that would let others go on",
                es: "la llamada que bloquea, y el hilo, proceso o ciclo de eventos que dejaría seguir a los demás"),
        ),
        ConcurrencyFinding::NotInsideAtOnce { asked, inside } => (
            say!(language,
                en: "Of {asked} requests sent together, at most {inside} were in the backends at once. What limits it?",
                es: "De {asked} peticiones enviadas juntas, a lo sumo {inside} estuvieron a la vez en los backends. ¿Qué lo limita?",
                asked = *asked, inside = *inside),
            say!(language,
                en: "the lock that is held during the exchange, the size of the pool, or the backlog of the socket",
                es: "el candado que se mantiene durante el intercambio, el tamaño del grupo de hilos, o la cola del socket"),
        ),
        ConcurrencyFinding::InsideAtOnce { asked, .. } => (
            say!(language,
                en: "{asked} requests were in the backends at the same instant. What happens with ten thousand clients?",
                es: "{asked} peticiones estuvieron en los backends en el mismo instante. ¿Qué pasa con diez mil clientes?", asked = *asked),
            say!(language,
                en: "the cost of a thread or a process each, the limit of open files, and what the program does when it is reached",
                es: "el costo de un hilo o proceso por cliente, el límite de archivos abiertos, y qué hace el programa al alcanzarlo"),
        ),
        ConcurrencyFinding::NotOwnAnswer { target, wrong, count, .. }
            if cause != Some(Cause::SharedState) =>
        {
            (
                say!(language,
                en: "{count} clients did not get the answer to their own request, such as the one for {target}: {wrong}. Follow that request through your code: where does it end?",
                es: "{count} clientes no recibieron la respuesta a su propia petición, por ejemplo la de {target}: {wrong}. Sigan esa petición por el código: ¿dónde termina?",
                count = *count, target = target, wrong = wrong),
                say!(language,
                en: "the path from accept to the last byte of the answer, and at which step of it others are waited for or an error is passed over",
                es: "el camino desde accept hasta el último byte de la respuesta, y en qué paso se aguarda a otros o se pasa por alto un error"),
            )
        }
        ConcurrencyFinding::NotOwnAnswer { target, count, .. } => (
            say!(language,
                en: "{count} clients did not get the answer to their own request, such as the one for {target}. Which variable do two of them share?",
                es: "{count} clientes no recibieron la respuesta a su propia petición, por ejemplo la de {target}. ¿Qué variable comparten dos de ellos?",
                count = *count, target = target),
            say!(language,
                en: "the buffer, the socket or the global that belongs to one exchange and is used by two",
                es: "el búfer, el socket o la variable global que es de un intercambio y usan dos"),
        ),
        ConcurrencyFinding::FastOvertook { .. }
        | ConcurrencyFinding::SlowWentWrong { .. }
        | ConcurrencyFinding::OwnAnswers { .. }
        | ConcurrencyFinding::ClientKindsServed { .. }
        | ConcurrencyFinding::ClientKindUnserved { .. }
        | ConcurrencyFinding::ColdKey { .. } => return None,
    })
}

fn of_integrity(finding: &IntegrityFinding, language: Language) -> Option<(String, String)> {
    Some(match finding {
        IntegrityFinding::WrongBody { target, wrong: Wrong::Foreign { of }, .. } => (
            say!(language,
                en: "The answer to {target} was the content of {of}. At which place of your code could the one be taken for the other?",
                es: "La respuesta a {target} fue el contenido de {of}. ¿En qué parte del código se pudo tomar el uno por el otro?",
                target = target, of = of),
            say!(language,
                en: "the target that is sent to the backend, the key of the cache, or what two exchanges share, and how each of these would be ruled out",
                es: "el destino que se envía al backend, la clave del caché o lo que comparten dos intercambios, y cómo se descartaría cada uno"),
        ),
        IntegrityFinding::WrongBody { target, wrong: Wrong::OfNobody, .. } => (
            say!(language,
                en: "The answer to {target} came from no backend. Who wrote it?",
                es: "La respuesta a {target} no vino de ningún backend. ¿Quién la escribió?", target = target),
            say!(language,
                en: "the branch that answers without a backend, and the status that tells the client so (502, 503, 504)",
                es: "la rama que responde sin backend, y el estado que se lo dice al cliente (502, 503, 504)"),
        ),
        IntegrityFinding::WrongBody { target, .. } => (
            say!(language,
                en: "The answer to {target} had wrong bytes. How does your program know where a body ends?",
                es: "La respuesta a {target} llegó con bytes errados. ¿Cómo sabe el programa dónde termina un cuerpo?", target = target),
            say!(language,
                en: "Content-Length, chunked and end of the connection; reading in a loop until all has come",
                es: "Content-Length, chunked y fin de la conexión; leer en un ciclo hasta que todo haya llegado"),
        ),
        IntegrityFinding::BodiesRight { .. } | IntegrityFinding::FewOfBackends { .. } => return None,
    })
}

fn of_proxy(finding: &ProxyFinding, language: Language) -> Option<(String, String)> {
    Some(match finding {
        ProxyFinding::Died { after, .. } => (
            say!(language,
                en: "The process ended by itself after {after}. What was it, and why does one client's mistake end all others?",
                es: "El proceso terminó por sí solo tras {after}. ¿Qué fue, y por qué el error de un cliente termina con los demás?",
                after = after.clone().unwrap_or_else(|| "–".to_owned())),
            say!(language,
                en: "the exception or signal, and the place where it would be caught for one connection only",
                es: "la excepción o señal, y el lugar donde se atraparía para una sola conexión"),
        ),
        ProxyFinding::Lived { .. } | ProxyFinding::StoppedByLimit { .. } => return None,
    })
}

fn of_rotation(finding: &RotationFinding, language: Language) -> Option<(String, String)> {
    Some(match finding {
        RotationFinding::CycleBroken { position, expected, saw, pattern, .. } => (
            say!(language,
                en: "Request number {position} of a series went to {saw}, and {expected} was next. Who else moves the turn on?",
                es: "La petición número {position} de una serie fue a {saw}, y seguía {expected}. ¿Quién más hace pasar el turno?",
                position = *position, saw = saw, expected = expected),
            match pattern {
                RotationPattern::Random => say!(language,
                    en: "that a random choice is even in the long run only, and is not Round Robin",
                    es: "que elegir al azar solo empareja a la larga y no es Round Robin"),
                RotationPattern::PerConnection | RotationPattern::PerWorker => say!(language,
                    en: "that the counter belongs to a connection or to a worker, and where a shared one would live",
                    es: "que el contador es de una conexión o de un trabajador, y dónde viviría uno compartido"),
                RotationPattern::Global
                | RotationPattern::Weighted
                | RotationPattern::Racy
                | RotationPattern::Sticky { .. }
                | RotationPattern::LeavesOut
                | RotationPattern::Unknown => say!(language,
                    en: "every place that changes the counter: retries, health probes, answers from the cache",
                    es: "todos los lugares que cambian el contador: reintentos, sondeos de salud, respuestas del caché"),
            },
        ),
        RotationFinding::ExactCycle { requests, order, .. } => (
            say!(language,
                en: "{requests} requests went round {order} without a slip. What if two threads pick at the same instant, and what if one backend is down?",
                es: "{requests} peticiones recorrieron {order} sin un salto. ¿Qué pasa si dos hilos eligen en el mismo instante, y si un backend está caído?",
                requests = *requests, order = Listed(order)),
            say!(language,
                en: "an atomic counter or a lock around reading and adding; whether the turn of a dead backend is skipped or lost",
                es: "un contador atómico o un candado alrededor de leer y sumar; si el turno de un backend caído se salta o se pierde"),
        ),
        RotationFinding::UnevenBatches { batch, size, spread, allowed, .. } => (
            say!(language,
                en: "In batch {batch} of {size} simultaneous requests the backends differed by {spread}, and {allowed} is the most there can be. Where are two threads in each other's way?",
                es: "En la tanda {batch} de {size} peticiones simultáneas los backends difirieron en {spread}, y lo máximo es {allowed}. ¿Dónde se estorban dos hilos?",
                batch = *batch, size = *size, spread = *spread, allowed = *allowed),
            say!(language,
                en: "the update that is lost between reading the counter and writing it, shown with two interleaved threads",
                es: "la actualización que se pierde entre leer el contador y escribirlo, mostrada con dos hilos intercalados"),
        ),
        RotationFinding::EvenBatches { batches, size, power, .. } => (
            say!(language,
                en: "{batches} batches of {size} at once were shared out evenly; a counter that loses one update in a hundred would have been caught with a chance of {power}. What makes yours safe?",
                es: "{batches} tandas de {size} a la vez se repartieron por igual; un contador que pierde una actualización de cada cien se habría detectado con probabilidad {power}. ¿Qué hace seguro al de ustedes?",
                batches = *batches, size = *size, power = Percent(*power)),
            say!(language,
                en: "one instruction that reads and adds, a lock, or a single thread that picks; what each costs",
                es: "una instrucción que lee y suma, un candado, o un único hilo que elige; qué cuesta cada opción"),
        ),
        RotationFinding::TurnPerConnection { requests, .. } => (
            say!(language,
                en: "All of {requests} requests over one connection reached the same backend, and other connections other ones. Where in your code is the backend chosen, and what would have to be known there to choose for each request?",
                es: "Las {requests} peticiones que llegaron por una misma conexión fueron al mismo backend, y otras conexiones a otros. ¿En qué parte del código se elige el backend, y qué habría que saber allí para elegirlo en cada petición?",
                requests = *requests),
            say!(language,
                en: "that it is chosen after accept, before a request is read; that the bytes must be read as requests to find where the next one begins",
                es: "que se elige tras accept, antes de leer una petición; que los bytes deben leerse como peticiones para saber dónde empieza la siguiente"),
        ),
        RotationFinding::BackendsLeftOut { names, .. } => (
            say!(language,
                en: "{names} never had a request. Where is the list of backends read, and where is it cut?",
                es: "{names} nunca recibió una petición. ¿Dónde se lee la lista de backends, y dónde se recorta?", names = Listed(names)),
            say!(language,
                en: "the modulus and the bounds of the index; a backend that failed once and was never tried again",
                es: "el módulo y los límites del índice; un backend que falló una vez y nunca se volvió a intentar"),
        ),
        RotationFinding::EvenWithinRotations { .. }
        | RotationFinding::DoubledAttempts { .. }
        | RotationFinding::NotForwarded { .. }
        | RotationFinding::RotationScope { .. }
        | RotationFinding::HitsAndTurns { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::question;
    use crate::language::{Language, samples};
    use harness_judge::check::{Cause, ConcurrencyFinding, Finding, Wrong};

    #[test]
    fn every_question_is_one_and_has_an_answer_in_both_languages() {
        let mut asked = 0;
        for finding in samples::all() {
            for language in Language::ALL {
                if let Some(question) = question(&finding, finding.likely_cause(), language) {
                    asked += 1;
                    assert!(question.question.contains('?'), "{question:?}");
                    assert!(question.answer.len() > 20, "{question:?}");
                }
            }
        }
        assert!(asked > 20, "{asked}");
    }

    #[test]
    fn a_question_speaks_of_no_cause_that_the_report_does_not() {
        let (target, count, exchanges, at_once) = ("/b/1".to_owned(), 3, 50, 50);
        let finding = Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer {
            target,
            wrong: Wrong::NoAnswer,
            count,
            exchanges,
            at_once,
        });
        let of = |cause| question(&finding, cause, Language::En).unwrap().question;
        assert!(of(Some(Cause::SharedState)).contains("variable"));
        assert!(!of(None).contains("variable") && of(None).contains("/b/1"));
    }
}
