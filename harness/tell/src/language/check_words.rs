//! The words for checks, requirements, outcomes, kinds and sources.
//!
//! Reports and the terminal print them beside a verdict. What a check saw is said in `finding_words`, not here.

use super::{InWords, Language, case_words, config_words, fidelity_words, log_words};
use crate::{say, words};
use harness_judge::check::Outcome;
use harness_model::catalogue::{CheckId, Kind, Requirement, Source};
use harness_model::plan::ClientKind;

words!(Outcome {
    Outcome::Pass => { en: "pass", es: "cumple" },
    Outcome::Fail => { en: "fail", es: "no cumple" },
    Outcome::Inconclusive => { en: "inconclusive", es: "no concluyente" },
    Outcome::Unsupported => { en: "unsupported", es: "no implementado (declarado)" },
    Outcome::Blocked => { en: "blocked", es: "sin evaluar" },
    Outcome::Skipped => { en: "skipped", es: "omitido" },
    Outcome::Manual => { en: "to be reviewed", es: "por revisar" },
});

words!(Kind {
    Kind::Required => { en: "required", es: "obligatorio" },
    Kind::Optimal => { en: "optional", es: "deseable" },
    Kind::Check => { en: "finding", es: "hallazgo" },
    Kind::Manual => { en: "manual", es: "por revisar" },
});

words!(ClientKind {
    ClientKind::Raw => { en: "raw socket", es: "socket directo" },
    ClientKind::Reqwest => { en: "HTTP library", es: "biblioteca HTTP" },
    ClientKind::Curl => { en: "curl", es: "curl" },
});

impl InWords for Source {
    fn in_words(&self, language: Language) -> String {
        match self {
            Source::Assignment(point) => {
                say!(language, en: "assignment, point {point}", es: "enunciado, punto {point}", point = *point)
            }
            Source::Rfc(section) => (*section).to_owned(),
            Source::Practice => say!(language, en: "practice", es: "práctica común"),
            Source::Scenario => say!(language, en: "this scenario", es: "este escenario"),
        }
    }
}

impl InWords for CheckId {
    fn in_words(&self, language: Language) -> String {
        title(*self, language)
    }
}

/// The words for the source of a check.
pub fn source_words(check: CheckId, language: Language) -> String {
    check.source().in_words(language)
}

/// What a check asks, as a short title.
pub fn title(check: CheckId, language: Language) -> String {
    match check {
        CheckId::ConcurrencySlowFast => {
            say!(language, en: "a slow request holds up no other", es: "una petición lenta no retiene a las demás")
        }
        CheckId::ConcurrencyOverlap => {
            say!(language, en: "requests are in the backends at once", es: "hay varias peticiones a la vez en los backends")
        }
        CheckId::ConcurrencyOwnAnswers => {
            say!(language, en: "every client gets its own answer", es: "cada cliente recibe su propia respuesta")
        }
        CheckId::ConcurrencyClientKinds => {
            say!(language, en: "clients of different kinds are served", es: "se atienden clientes de distinto tipo")
        }
        CheckId::ConcurrencyCoalescing => {
            say!(language, en: "what a cold resource costs the backends", es: "lo que cuesta a los backends un recurso que no está en el caché")
        }
        CheckId::LatencyThresholds => {
            say!(language, en: "latency stays within its thresholds", es: "la latencia respeta sus umbrales")
        }
        CheckId::IntegrityBodies => {
            say!(language, en: "every answer arrives unharmed", es: "toda respuesta llega intacta")
        }
        CheckId::ProxyAlive => say!(language, en: "the proxy stays alive", es: "el proxy sigue en pie"),
        CheckId::CachePost => {
            say!(language, en: "a POST always reaches a backend", es: "un POST siempre llega a un backend")
        }
        CheckId::CacheHit => {
            say!(language, en: "a second GET is answered from the cache", es: "un segundo GET se sirve desde el caché")
        }
        CheckId::TtlExpiry => {
            say!(language, en: "what is cached expires at its TTL", es: "lo guardado expira al cumplir su TTL")
        }
        CheckId::TtlSecondValue => {
            say!(language, en: "another TTL gives another age", es: "otro TTL da otra edad de expiración")
        }
        CheckId::TtlPerResource => {
            say!(language, en: "each resource has an age of its own", es: "cada recurso tiene su propia edad")
        }
        CheckId::TtlSliding => {
            say!(language, en: "use does not prolong the life of an entry", es: "el uso no prolonga la vida de lo guardado")
        }
        CheckId::TtlAcrossRestart => {
            say!(language, en: "age goes on over a restart", es: "la edad sigue corriendo durante un reinicio")
        }
        CheckId::PersistenceSurvivesKill => {
            say!(language, en: "the cache survives SIGKILL", es: "el caché sobrevive a SIGKILL")
        }
        CheckId::PersistenceNoTornBytes => {
            say!(language, en: "a crash in mid-write leaves no wrong byte", es: "una caída en plena escritura no deja bytes errados")
        }
        CheckId::PersistenceLocation => {
            say!(language, en: "the cache lies in the directory where the proxy runs", es: "el caché está en el directorio donde corre el proxy")
        }
        CheckId::PersistenceRebind => {
            say!(language, en: "the port can be bound again at once", es: "el puerto se puede volver a usar enseguida")
        }
        CheckId::RotationSerialCycle => {
            say!(language, en: "serial requests go round the backends", es: "las peticiones en serie recorren los backends en orden")
        }
        CheckId::RotationSpread => {
            say!(language, en: "concurrent requests are shared out evenly", es: "las peticiones simultáneas se reparten por igual")
        }
        CheckId::RotationScope => {
            say!(language, en: "what kind of rotation it is", es: "qué tipo de rotación es")
        }
        CheckId::PrivacyTokens => {
            say!(language, en: "answers to tokens stay with their user", es: "lo que se responde a un token es de un solo usuario")
        }
        CheckId::PrivacyNeverShared => {
            say!(language, en: "nothing given to a token is ever shared", es: "nada de lo entregado a un token se comparte jamás")
        }
        CheckId::FreshnessDelivered => {
            say!(language, en: "what was registered is soon seen everywhere", es: "lo registrado se ve pronto en todas partes")
        }
        CheckId::FleetLostRequests => {
            say!(language, en: "no request is lost while instances come and go", es: "ninguna petición se pierde mientras van y vienen instancias")
        }
        CheckId::FleetEven => {
            say!(language, en: "all instances that are up get the same", es: "todas las instancias activas reciben lo mismo")
        }
        CheckId::FleetLatency => {
            say!(language, en: "answers stay fast while the fleet grows and shrinks", es: "las respuestas siguen siendo rápidas mientras la flota crece y se reduce")
        }
        CheckId::FleetScaled => {
            say!(language, en: "capacity comes in time and does not flap", es: "la capacidad llega a tiempo y no oscila")
        }
        CheckId::FleetBreaks => {
            say!(language, en: "the largest fleet does not break before it is full", es: "la flota más grande no se quiebra antes de llenarse")
        }
        CheckId::FleetSimulation => {
            say!(language, en: "the simulation comes to the same", es: "la simulación llega a lo mismo")
        }
        CheckId::RotationHitsTakeTurn => {
            say!(language, en: "whether a hit uses up a turn", es: "si una respuesta del caché gasta un turno")
        }
        // A check that is missing there has no title of its own, which a test below refuses.
        _ => {
            let known = fidelity_words::title(check, language)
                .or_else(|| log_words::title(check, language))
                .or_else(|| config_words::title(check, language));
            known.map(str::to_owned).or_else(|| case_words::title(check, language)).unwrap_or_default()
        }
    }
}

/// What is expected of the proxy in this check, as a sentence of its own.
pub fn asks(check: CheckId, language: Language) -> String {
    match check {
        CheckId::ConcurrencySlowFast => {
            say!(language, en: "While one client waits for a slow backend, the requests of others are answered.", es: "Mientras un cliente aguarda a un backend lento, las peticiones de los demás reciben respuesta.")
        }
        CheckId::ConcurrencyOverlap => {
            say!(language, en: "Requests that are sent together are inside the backends at the same instant, by the backends' own record.", es: "Las peticiones enviadas juntas están dentro de los backends en el mismo instante, según el registro de los backends.")
        }
        CheckId::ConcurrencyOwnAnswers => {
            say!(language, en: "With many clients at once, each gets a complete answer, and it is the one to its own request.", es: "Con muchos clientes a la vez, cada uno recibe una respuesta completa y es la de su propia petición.")
        }
        CheckId::ConcurrencyClientKinds => {
            say!(language, en: "A bare socket, an HTTP library and, where it is installed, curl are all served.", es: "Se atiende a un socket directo, a una biblioteca HTTP y, si está instalado, a curl.")
        }
        CheckId::ConcurrencyCoalescing => {
            say!(language, en: "When many clients ask at once for a resource that is not cached, one request to a backend would be enough.", es: "Cuando muchos clientes piden a la vez un recurso que no está en el caché, bastaría una petición al backend.")
        }
        CheckId::LatencyThresholds => {
            say!(language, en: "The percentiles of latency, measured from the instant each request was due, stay within the limits of the scenario.", es: "Los percentiles de latencia, medidos desde el instante en que cada petición debía salir, respetan los límites del escenario.")
        }
        CheckId::IntegrityBodies => {
            say!(language, en: "Every answer has the right bytes, all of them and no others, and belongs to the resource asked for.", es: "Toda respuesta trae los bytes correctos, completos y sin sobrantes, y es la del recurso pedido.")
        }
        CheckId::ProxyAlive => {
            say!(language, en: "The process of the proxy ends only when it is told to.", es: "El proceso del proxy termina solo cuando se le ordena.")
        }
        CheckId::CachePost => {
            say!(language, en: "A POST is forwarded to a backend, also where a GET of the same target is in the cache.", es: "Un POST se reenvía a un backend, aunque un GET del mismo destino esté en el caché.")
        }
        CheckId::CacheHit => {
            say!(language, en: "The second GET of a resource reaches no backend, and its answer equals the first.", es: "El segundo GET de un recurso no llega a ningún backend y su respuesta es igual a la primera.")
        }
        CheckId::TtlExpiry => {
            say!(language, en: "An entry is served until its age reaches the TTL given at launch, and not after.", es: "Lo guardado se sirve hasta que su edad alcanza el TTL indicado al arrancar, y no después.")
        }
        CheckId::TtlSecondValue => {
            say!(language, en: "Started with another TTL, the proxy expires its entries at that other age.", es: "Arrancado con otro TTL, el proxy da por vencido lo guardado a esa otra edad.")
        }
        CheckId::TtlPerResource => {
            say!(language, en: "Resources stored at different instants expire at different instants.", es: "Los recursos guardados en instantes distintos expiran en instantes distintos.")
        }
        CheckId::TtlSliding => {
            say!(language, en: "An entry that is asked for again and again expires as early as one that nobody asks for.", es: "Un recurso que se pide una y otra vez expira igual que uno que nadie pide.")
        }
        CheckId::TtlAcrossRestart => {
            say!(language, en: "The time during which the proxy was down counts, and a restart neither renews nor forgets the age.", es: "El tiempo en que el proxy estuvo caído cuenta, y un reinicio no renueva ni olvida la edad.")
        }
        CheckId::PersistenceSurvivesKill => {
            say!(language, en: "What was proven to be in the cache before SIGKILL is served after the restart with every backend down, byte for byte.", es: "Lo que estaba comprobadamente en el caché antes de SIGKILL se sirve tras el reinicio con todos los backends caídos, idéntico byte a byte.")
        }
        CheckId::PersistenceNoTornBytes => {
            say!(language, en: "Killed in the middle of writing to its cache, the proxy never serves a wrong byte afterwards; asking a backend again is fine.", es: "Si cae en plena escritura de su caché, el proxy nunca sirve después un byte errado; volver a pedir al backend es válido.")
        }
        CheckId::PersistenceLocation => {
            say!(language, en: "What is cached lies in files beneath the directory in which the proxy was started.", es: "Lo guardado está en archivos bajo el directorio donde se arrancó el proxy.")
        }
        CheckId::PersistenceRebind => {
            say!(language, en: "Started again right after SIGKILL, the proxy can listen on its port at once.", es: "Arrancado de nuevo justo después de SIGKILL, el proxy puede escuchar en su puerto enseguida.")
        }
        CheckId::RotationSerialCycle => {
            say!(language, en: "Requests one after the other visit all backends in turn, always in the same order.", es: "Las peticiones una tras otra visitan todos los backends por turnos, siempre en el mismo orden.")
        }
        CheckId::RotationSpread => {
            say!(language, en: "After every batch of simultaneous requests the backends have had equally many, but for the rotations declared.", es: "Después de cada tanda de peticiones simultáneas todos los backends han recibido las mismas, salvo por las rotaciones declaradas.")
        }
        CheckId::RotationScope => {
            say!(language, en: "Which rotation it is: over the whole process, per worker, per connection, weighted, random.", es: "De qué rotación se trata: de todo el proceso, por trabajador, por conexión, ponderada, al azar.")
        }
        CheckId::PrivacyTokens => {
            say!(language,
                en: "an answer to a request with a token reaches another user only if the origin said so in the words of RFC 9111 §3.5",
                es: "la respuesta a una petición con token llega a otro usuario únicamente si el origen lo permitió con las palabras de RFC 9111 §3.5")
        }
        CheckId::PrivacyNeverShared => {
            say!(language,
                en: "no answer to a request with a token reaches another user, whatever caching headers the origin sends",
                es: "ninguna respuesta a una petición con token llega a otro usuario, sin importar los campos de caché del origen")
        }
        CheckId::FreshnessDelivered => {
            say!(language,
                en: "an order that was registered is in every answer that is asked for after the time allowed, on every path",
                es: "un pedido registrado está en toda respuesta pedida después del plazo, por todas las rutas")
        }
        CheckId::FleetLostRequests => {
            say!(language,
                en: "every request that is sent while instances are launched and drained is answered with success; where one dies, no more are lost than the scenario tolerates",
                es: "toda petición enviada mientras se lanzan y se retiran instancias recibe una respuesta correcta; donde una se cae, no se pierden más de las que tolera el escenario")
        }
        CheckId::FleetEven => {
            say!(language,
                en: "in each epoch in which the same instances are up, none gets more requests than another, but for the edges",
                es: "en cada época con las mismas instancias activas, ninguna recibe más peticiones que otra, salvo en los bordes")
        }
        CheckId::FleetLatency => {
            say!(language,
                en: "the 99th percentile from the intended instant, time-outs included, is within the limit of the scenario",
                es: "el percentil 99 desde el instante previsto, con las que exceden el plazo, está dentro del límite del escenario")
        }
        CheckId::FleetScaled => {
            say!(language,
                en: "the instances are too few for the load for no longer than the scenario tolerates, stay between fewest and most, and their number does not go up and down again and again",
                es: "las instancias son muy pocas para la carga por no más tiempo del que tolera el escenario, se mantienen entre el mínimo y el máximo, y su número no sube y baja una y otra vez")
        }
        CheckId::FleetBreaks => {
            say!(language,
                en: "Where the 99th percentile of a period leaves the limit while the load grows, and what share of the capacity that is.",
                es: "Dónde el percentil 99 de un período sale del límite mientras la carga crece, y qué proporción de la capacidad es.")
        }
        CheckId::FleetSimulation => {
            say!(language,
                en: "the same policies in virtual time have never more than one instance more or less, one control period aside, and a 99th percentile within 25 %",
                es: "las mismas políticas en tiempo virtual nunca tienen más de una instancia de diferencia, salvo un período de control, y un percentil 99 a menos de 25 %")
        }
        CheckId::RotationHitsTakeTurn => {
            say!(language, en: "Whether an answer from the cache moves the turn on to the next backend.", es: "Si una respuesta del caché hace pasar el turno al siguiente backend.")
        }
        _ => {
            let known = fidelity_words::asks(check, language)
                .or_else(|| log_words::asks(check, language))
                .or_else(|| config_words::asks(check, language));
            known.map(str::to_owned).or_else(|| case_words::asks(check, language)).unwrap_or_default()
        }
    }
}

/// What the assignment asks under an identifier, in our own words.
pub fn requirement_text(requirement: Requirement, language: Language) -> String {
    match requirement {
        Requirement::Req1 => {
            say!(language, en: "Written in C, Rust or Python 3, with the choice justified.", es: "Escrito en C, Rust o Python 3, con la elección justificada.")
        }
        Requirement::Req1a => {
            say!(language, en: "In Python, only the basic libraries that are allowed.", es: "En Python, solo las bibliotecas básicas permitidas.")
        }
        Requirement::Req2 => {
            say!(language, en: "Built on the sockets API.", es: "Construido sobre la API de sockets.")
        }
        Requirement::Req3 => {
            say!(language, en: "Serves many clients of different kinds at once.", es: "Atiende a la vez a muchos clientes de distinto tipo.")
        }
        Requirement::Req4 => say!(language, en: "Speaks HTTP/1.1.", es: "Habla HTTP/1.1."),
        Requirement::Req5 => {
            say!(language, en: "Listens on port 8080 by default and forwards each request to a backend over a socket of its own.", es: "Escucha por defecto en el puerto 8080 y reenvía cada petición a un backend por su propio socket.")
        }
        Requirement::Req6 => {
            say!(language, en: "Returns the backend's response to the client, unharmed.", es: "Devuelve al cliente, intacta, la respuesta del backend.")
        }
        Requirement::Req7 => {
            say!(language, en: "Logs every request and the response given, on the screen and in a file.", es: "Registra cada petición y la respuesta dada, en pantalla y en un archivo.")
        }
        Requirement::Req8 => {
            say!(language, en: "Caches the resources that clients ask for.", es: "Guarda en un caché los recursos que piden los clientes.")
        }
        Requirement::Req8a => {
            say!(language, en: "Keeps the cache on disk, so that it survives a crash.", es: "Mantiene el caché en disco, de modo que sobrevive a una caída.")
        }
        Requirement::Req8b => {
            say!(language, en: "Keeps the cache in the directory where it runs.", es: "Mantiene el caché en el directorio donde corre.")
        }
        Requirement::Req8c => {
            say!(language, en: "Gives every cached resource a TTL, set at launch.", es: "Da a cada recurso guardado un TTL, fijado al arrancar.")
        }
        Requirement::Req9 => {
            say!(language, en: "Shares requests among the backends by round robin.", es: "Reparte las peticiones entre los backends por Round Robin.")
        }
        Requirement::Req10 => {
            say!(language, en: "Reads its port and its list of backends from a configuration file.", es: "Lee su puerto y su lista de backends de un archivo de configuración.")
        }
        Requirement::ReqArch => {
            say!(language, en: "The proxy stands before three servers with the same application.", es: "El proxy está delante de tres servidores con la misma aplicación.")
        }
        Requirement::ReqAws => say!(language, en: "Deployed on EC2.", es: "Desplegado en EC2."),
        Requirement::ReqDoc => {
            say!(language, en: "Documented in a README with the sections asked for.", es: "Documentado en un README con las secciones pedidas.")
        }
    }
}

/// How a verdict's kind and source read in one line, such as "required · assignment, point 5.8c".
pub fn demonstration(kind: Kind, check: CheckId, language: Language) -> String {
    format!("{} · {}", kind.in_words(language), source_words(check, language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_says_something_of_its_own_in_each_language() {
        for language in Language::ALL {
            let mut titles: Vec<String> = CheckId::ALL.iter().map(|&check| title(check, language)).collect();
            titles.extend(CheckId::ALL.iter().map(|&check| asks(check, language)));
            titles
                .extend(Requirement::ALL.iter().map(|&requirement| requirement_text(requirement, language)));
            let count = titles.len();
            titles.sort();
            titles.dedup();
            assert_eq!(titles.len(), count);
        }
    }

    #[test]
    fn outcomes_carry_the_words_of_the_course() {
        assert_eq!(Outcome::Fail.in_words(Language::Es), "no cumple");
        assert_eq!(Outcome::Blocked.in_words(Language::Es), "sin evaluar");
        assert_eq!(
            demonstration(Kind::Required, CheckId::TtlExpiry, Language::En),
            "required · assignment, point 5.8c"
        );
    }
}
