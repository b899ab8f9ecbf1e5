//! One sentence for each finding, in each language.
//!
//! The terminal and every report print it beside the outcome of the check. The families with many findings have files of
//! their own; no figure is computed here.

use super::{
    Bytes, Counted, InWords, Language, Listed, Milliseconds, Noun, Percent, Span, case_words, cloud_words,
    config_words, fidelity_words, http2_words, https_words, latency_words, log_words, persistence_words,
    rotation_words, time_words,
};
use crate::say;
use harness_judge::check::{
    ConcurrencyFinding, Finding, HitsFinding, IntegrityFinding, ProxyFinding, Verdict,
};
use harness_model::catalogue::CheckId;
use harness_model::history::LimitReached;

/// What a check saw, as a sentence without its full stop.
pub fn sentence(finding: &Finding, language: Language) -> String {
    match finding {
        Finding::Hits(finding) => hits(finding, language),
        Finding::Ttl(finding) => time_words::sentence(finding, language),
        Finding::Persistence(finding) => persistence_words::sentence(finding, language),
        Finding::Concurrency(finding) => concurrency(finding, language),
        Finding::Integrity(finding) => integrity(finding, language),
        Finding::Proxy(finding) => proxy(finding, language),
        Finding::Rotation(finding) => rotation_words::sentence(finding, language),
        Finding::Exchange(finding) => fidelity_words::sentence(finding, language),
        Finding::Config(finding) => config_words::sentence(finding, language),
        Finding::Log(finding) => log_words::sentence(finding, language),
        Finding::Http2(finding) => http2_words::sentence(finding, language),
        Finding::Https(finding) => https_words::sentence(finding, language),
        Finding::NotSent { requests, said } => say!(language,
            en: "{requests} could not be sent by our own client ({said}): that says nothing of the proxy",
            es: "{requests} no las pudo enviar nuestro propio cliente ({said}): eso no dice nada del proxy",
            requests = Counted(*requests, Noun::Request), said = said),
        Finding::CutOffByUs { target, bytes: 0, given_ms, pressure } => say!(language,
            en: "our own client gave up waiting for {target} after {given}, while others were still being answered; tasks waited for a CPU {pressure} of the time (beyond what the proxy used itself), so that the host may have been too slow",
            es: "nuestro propio cliente dejó de aguardar {target} tras {given}, mientras otros aún recibían respuesta; las tareas aguardaron CPU {pressure} del tiempo (sin contar lo que usó el propio proxy), así que el equipo pudo ser demasiado lento",
            target = target,
            given = given_ms.map_or_else(|| "–".to_owned(), |ms| Span(ms).in_words(language)),
            pressure = pressure.map_or_else(|| "–".to_owned(), |share| Percent(share).in_words(language))),
        Finding::CutOffByUs { target, bytes, given_ms, pressure } => say!(language,
            en: "our own client gave up the answer to {target} while it was coming ({bytes} in {given}); tasks waited for a CPU {pressure} of the time (beyond what the proxy used itself), so that the host may have been too slow",
            es: "nuestro propio cliente abandonó la respuesta a {target} mientras llegaba ({bytes} en {given}); las tareas aguardaron CPU {pressure} del tiempo (sin contar lo que usó el propio proxy), así que el equipo pudo ser demasiado lento",
            target = target, bytes = Bytes(*bytes),
            given = given_ms.map_or_else(|| "–".to_owned(), |ms| Span(ms).in_words(language)),
            pressure = pressure.map_or_else(|| "–".to_owned(), |share| Percent(share).in_words(language))),
        Finding::DependsOn { check } => say!(language,
            en: "depends on {check} ({requirement})", es: "depende de {check} ({requirement})",
            check = check.name(), requirement = check.requirement().id()),
        Finding::NoControl { check: CheckId::CacheHit } => say!(language,
            en: "nothing was answered from the cache in this run, so that nothing is proven by what was not ({check})",
            es: "en esta corrida nada se respondió desde el caché, así que no prueba nada lo que no se respondió desde él ({check})",
            check = CheckId::CacheHit.name()),
        Finding::NoControl { check: CheckId::RotationSerialCycle } => say!(language,
            en: "some backend was never asked in this run, so that nobody can have missed it ({check})",
            es: "en esta corrida a algún backend nunca se le pidió nada, así que nadie pudo echarlo de menos ({check})",
            check = CheckId::RotationSerialCycle.name()),
        Finding::NoControl { check } => say!(language,
            en: "too few plain requests were answered by backends in this run, so that an error proves nothing ({check})",
            es: "en esta corrida los backends respondieron muy pocas peticiones sencillas, así que un error no prueba nada ({check})",
            check = check.name()),
        Finding::DeclaredUnsupported { capability } => say!(language,
            en: "the profile of the proxy declares: {capability}", es: "el perfil del proxy declara: {capability}",
            capability = capability),
        Finding::ForAPerson => say!(language,
            en: "no run can prove it: a person looks at it, and it does not count here",
            es: "ninguna corrida lo puede probar: lo revisa una persona, y aquí no cuenta"),
        Finding::Attached => say!(language,
            en: "the proxy runs already (attach): its start and end, its files and its processes are not in the harness's hands",
            es: "el proxy ya está en marcha (attach): su inicio y su fin, sus archivos y sus procesos no están en manos del banco de pruebas"),
        Finding::StepProblem { problem } => say!(language,
            en: "a step that it needs could not be carried out: {problem}",
            es: "no se pudo realizar un paso que necesita: {problem}", problem = problem),
        Finding::CutShort { ended, steps } => say!(language,
            en: "the run was cut after {ended} of the {steps} steps that this rests on",
            es: "la ejecución se cortó tras {ended} de los {steps} pasos en que esto se apoya", ended = ended, steps = steps),
        Finding::TooFew { of, have, needed } => say!(language,
            en: "too few {of} for a conclusion: {have}, and {needed} are needed",
            es: "muy pocas muestras para concluir ({of}): {have}, y se necesitan {needed}", of = of, have = have, needed = needed),
        Finding::PassedOnSecondTry { first, pressure_first, pressure_second } => {
            let pressure = |share: &Option<f64>| {
                share.map_or_else(|| "n/a".to_owned(), |p| Percent(p).in_words(language))
            };
            say!(language,
                en: "passed only at the second try; at the first: {first}; CPU pressure {pressure_first}, then {pressure_second}",
                es: "cumplió solo en el segundo intento; en el primero: {first}; presión de CPU {pressure_first}, luego {pressure_second}",
                first = sentence(first, language), pressure_first = pressure(pressure_first), pressure_second = pressure(pressure_second))
        }
        Finding::BusyHost { found, pressure, stood_still_ms } => say!(language,
            en: "undecided, because the host was busy (tasks waited for a CPU {pressure} of the time, beyond what the proxy used itself, and it stood still for up to {still}): {found}",
            es: "sin decidir, porque el equipo estaba ocupado (las tareas aguardaron CPU {pressure} del tiempo, sin contar lo que usó el propio proxy, y se detuvo hasta {still}): {found}",
            pressure = pressure.map_or_else(|| "–".to_owned(), |share| Percent(share).in_words(language)),
            still = Span(*stood_still_ms).in_words(language), found = sentence(found, language)),
        Finding::Case(finding) => case_words::sentence(finding, language),
        Finding::Cloud(finding) => cloud_words::sentence(finding, language),
        Finding::Latencies { thresholds } => latency_words::thresholds(thresholds, language),
        Finding::NotReached => say!(language,
    en: "the steps that it needs did not take place", es: "no se realizaron los pasos que necesita"),
    }
}

/// The same, with the check that explains a failure, where another one does.
pub fn verdict_sentence(verdict: &Verdict, language: Language) -> String {
    let seen = sentence(&verdict.finding, language);
    match verdict.explained_by {
        None => seen,
        Some(check) => say!(language,
            en: "explained by {check}: {seen}", es: "se explica por {check}: {seen}", check = check.name(), seen = seen),
    }
}

fn hits(finding: &HitsFinding, language: Language) -> String {
    match finding {
        HitsFinding::HitsProven { keys } => say!(language,
            en: "the second GET of {keys} reached no backend and equals the first",
            es: "el segundo GET de {keys} no llegó a ningún backend y es igual al primero", keys = Counted(*keys, Noun::Resource)),
        HitsFinding::NoHits { keys, target } => say!(language,
            en: "{keys} were asked for twice, such as {target}, and every second GET reached a backend again",
            es: "se pidieron dos veces {keys}, por ejemplo {target}, y cada segundo GET volvió a llegar a un backend",
            keys = Counted(*keys, Noun::Resource), target = target),
        HitsFinding::SomeMisses { keys, missed, target } => say!(language,
            en: "the second GET of {missed} of {keys} reached a backend again, such as that of {target}",
            es: "el segundo GET de {missed} de {keys} volvió a llegar a un backend, por ejemplo el de {target}",
            missed = missed, keys = Counted(*keys, Noun::Resource), target = target),
        HitsFinding::HitDiffers { target, difference, count, hits } => say!(language,
            en: "the answer from the cache to {target} differs from the first one: {difference}; so do {count} of {hits}",
            es: "la respuesta del caché a {target} difiere de la primera: {difference}; así ocurrió con {count} de {hits}",
            target = target, difference = difference, count = count, hits = Counted(*hits, Noun::Hit)),
        HitsFinding::PostsReachedBackends { posts, tempting } => say!(language,
            en: "{posts} reached a backend each, {tempting} of them on a target already answered before",
            es: "{posts} llegaron cada uno a un backend, {tempting} de ellos a un destino ya respondido antes",
            posts = Counted(*posts, Noun::Post), tempting = tempting),
        HitsFinding::PostFromCache { target, count, posts } => say!(language,
            en: "a POST to {target} was answered although no backend saw it; so were {count} of {posts}",
            es: "un POST a {target} recibió respuesta sin que lo viera ningún backend; así ocurrió con {count} de {posts}",
            target = target, count = count, posts = Counted(*posts, Noun::Post)),
        HitsFinding::PostNotForwarded { target, wrong, count, posts } => say!(language,
            en: "{count} of {posts} reached no backend, such as the one to {target}: {wrong}",
            es: "{count} de {posts} no llegaron a ningún backend, por ejemplo el dirigido a {target}: {wrong}",
            target = target, wrong = wrong, count = count, posts = Counted(*posts, Noun::Post)),
    }
}

fn integrity(finding: &IntegrityFinding, language: Language) -> String {
    match finding {
        IntegrityFinding::BodiesRight { exchanges, bytes } => say!(language,
            en: "{exchanges} ({bytes}) were right to the last byte", es: "{exchanges} ({bytes}) llegaron correctas hasta el último byte",
            exchanges = Counted(*exchanges, Noun::Answer), bytes = Bytes(*bytes)),
        IntegrityFinding::FewOfBackends { right: 0, of_nobody } => say!(language,
            en: "no answer came from a backend, so that none could have been wrong; {of_nobody} came from no backend",
            es: "ninguna respuesta vino de un backend, así que ninguna podía estar errada; {of_nobody} no vinieron de ninguno",
            of_nobody = Counted(*of_nobody, Noun::Answer)),
        IntegrityFinding::FewOfBackends { right, of_nobody } => say!(language,
            en: "only {right} came from a backend and could have been wrong; {of_nobody} more came from no backend",
            es: "solo {right} vinieron de un backend y podían estar erradas; otras {of_nobody} no vinieron de ninguno",
            right = Counted(*right, Noun::Answer), of_nobody = of_nobody),
        IntegrityFinding::WrongBody { target, wrong, count, exchanges } => say!(language,
            en: "the answer to {target} is wrong: {wrong}; so are {count} of {exchanges}",
            es: "la respuesta a {target} está errada: {wrong}; así ocurrió con {count} de {exchanges}",
            target = target, wrong = wrong, count = count, exchanges = Counted(*exchanges, Noun::Answer)),
    }
}

fn proxy(finding: &ProxyFinding, language: Language) -> String {
    match finding {
        ProxyFinding::Lived { launches, exchanges } => say!(language,
            en: "it lived through {exchanges} and {launches}", es: "siguió en pie durante {exchanges} y {launches}",
            exchanges = Counted(*exchanges, Noun::Request), launches = Counted(*launches, Noun::Start)),
        ProxyFinding::Died { code, signal, after, last_lines } => {
            died(*code, *signal, after.as_deref(), last_lines, language)
        }
        ProxyFinding::StoppedByLimit { limit, after } => {
            let target = after.as_deref().unwrap_or("–");
            match limit {
                LimitReached::Written(bytes) => say!(language,
                    en: "the harness ended it: it had written more than {bytes} into its directory, which is what its adapter allows (`limits: {{written: …}}`); the last request before was {target}",
                    es: "el banco de pruebas terminó el proceso: había escrito más de {bytes} en su directorio, que es lo permitido (`limits: {{written: …}}`); la última petición anterior fue {target}",
                    bytes = Bytes(*bytes), target = target),
                LimitReached::Memory => say!(language,
                    en: "it was ended because it used up the memory that its adapter allows (`limits: {{memory: …}}`); the last request before was {target}",
                    es: "el proceso fue terminado porque agotó la memoria permitida (`limits: {{memory: …}}`); la última petición anterior fue {target}",
                    target = target),
            }
        }
    }
}

fn died(
    code: Option<i32>,
    signal: Option<i32>,
    after: Option<&str>,
    last_lines: &[String],
    language: Language,
) -> String {
    let how = match (code, signal) {
        (_, Some(signal)) => {
            say!(language, en: "ended by signal {signal}", es: "terminado por la señal {signal}", signal = signal)
        }
        (Some(code), None) => {
            say!(language, en: "ended by itself with status {code}", es: "terminó por su cuenta con estado {code}", code = code)
        }
        (None, None) => say!(language, en: "ended by itself", es: "terminó por su cuenta"),
    };
    let after = after.map_or_else(String::new, |target| {
        say!(language, en: "; the last request before was {target}", es: "; la última petición anterior fue {target}", target = target)
    });
    let said = last_lines.last().map_or_else(
        String::new,
        |line| say!(language, en: "; it said last: {line}", es: "; lo último que dijo: {line}", line = line),
    );
    say!(language, en: "the proxy {how}{after}{said}", es: "el proxy {how}{after}{said}", how = how, after = after, said = said)
}

fn concurrency(finding: &ConcurrencyFinding, language: Language) -> String {
    match finding {
        ConcurrencyFinding::FastOvertook { fast, slow_ms, slowest_ms } => say!(language,
            en: "{fast} were answered, the slowest in {slowest}, while the slow one spent {slow} in its backend",
            es: "{fast} recibieron respuesta, la más lenta en {slowest}, mientras la lenta pasaba {slow} en su backend",
            fast = Counted(*fast, Noun::Request), slowest = Milliseconds(*slowest_ms), slow = Milliseconds(*slow_ms)),
        ConcurrencyFinding::FastWaited { target, waited_ms, slow_ms, waiting, fast } => say!(language,
            en: "{target} waited {waited} while the slow request spent {slow} in its backend; so did {waiting} of {fast}",
            es: "{target} aguardó {waited} mientras la petición lenta pasaba {slow} en su backend; así ocurrió con {waiting} de {fast}",
            target = target, waited = Milliseconds(*waited_ms), slow = Milliseconds(*slow_ms), waiting = waiting,
            fast = Counted(*fast, Noun::Request)),
        ConcurrencyFinding::SlowWentWrong { target, wrong } => say!(language,
            en: "the slow request for {target} went wrong itself: {wrong}", es: "la propia petición lenta de {target} salió mal: {wrong}",
            target = target, wrong = wrong),
        ConcurrencyFinding::InsideAtOnce { asked, inside } => say!(language,
            en: "{inside} of {asked} sent together were inside the backends at the same instant",
            es: "{inside} de {asked} enviadas juntas estuvieron dentro de los backends en el mismo instante",
            inside = inside, asked = Counted(*asked, Noun::Request)),
        ConcurrencyFinding::NotInsideAtOnce { asked, inside } => say!(language,
            en: "never more than {inside} of {asked} sent together were inside the backends at the same instant",
            es: "nunca estuvieron más de {inside} de {asked} enviadas juntas dentro de los backends en el mismo instante",
            inside = inside, asked = Counted(*asked, Noun::Request)),
        ConcurrencyFinding::OwnAnswers { exchanges, at_once } => say!(language,
            en: "{exchanges}, with up to {at_once} at once, each the right one and complete",
            es: "{exchanges}, con hasta {at_once} a la vez, cada una la correcta y completa",
            exchanges = Counted(*exchanges, Noun::Answer), at_once = Counted(*at_once, Noun::Client)),
        ConcurrencyFinding::NotOwnAnswer { target, wrong, count, exchanges, at_once } => say!(language,
            en: "with {at_once} at once, {count} of {exchanges} did not get their own answer, such as {target}: {wrong}",
            es: "con {at_once} a la vez, {count} de {exchanges} no recibieron su propia respuesta, por ejemplo {target}: {wrong}",
            at_once = Counted(*at_once, Noun::Client), count = count, exchanges = Counted(*exchanges, Noun::Request),
            target = target, wrong = wrong),
        ConcurrencyFinding::ClientKindsServed { kinds, exchanges } => say!(language,
            en: "{exchanges} of {kinds} were answered rightly", es: "{exchanges} de {kinds} recibieron la respuesta correcta",
            exchanges = Counted(*exchanges, Noun::Request), kinds = Listed(kinds)),
        ConcurrencyFinding::ClientKindUnserved { kind, target, wrong, count, exchanges } => say!(language,
            en: "client \"{kind}\": {count} of {exchanges} went wrong, such as {target}: {wrong}",
            es: "cliente \"{kind}\": {count} de {exchanges} salieron mal, por ejemplo {target}: {wrong}",
            kind = kind, count = count, exchanges = Counted(*exchanges, Noun::Request), target = target, wrong = wrong),
        ConcurrencyFinding::ColdKey { requests, attempts } => say!(language,
            en: "{requests} at once for a resource that was not cached cost the backends {attempts}",
            es: "{requests} simultáneas de un recurso que no estaba en el caché costaron a los backends {attempts}",
            requests = Counted(*requests, Noun::Request), attempts = Counted(*attempts, Noun::Attempt)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{all, seen};
    use super::*;
    use harness_judge::check::TtlFinding;

    #[test]
    fn every_finding_has_a_sentence_of_its_own_in_each_language() {
        for language in Language::ALL {
            let fallback = sentence(&Finding::NotReached, language);
            let mut sentences: Vec<String> =
                all().iter().map(|finding| sentence(finding, language)).collect();
            assert!(!sentences.contains(&fallback));
            let count = sentences.len();
            sentences.sort();
            sentences.dedup();
            assert_eq!(sentences.len(), count);
        }
        for finding in all() {
            assert_ne!(sentence(&finding, Language::En), sentence(&finding, Language::Es), "{finding:?}");
        }
    }

    #[test]
    fn every_finding_is_one_flat_object_and_is_read_back() {
        for finding in all() {
            let written = serde_json::to_value(&finding).unwrap();
            assert!(written["finding"].is_string(), "{written}");
            assert_eq!(serde_json::from_value::<Finding>(written).unwrap(), finding);
        }
    }

    #[test]
    fn sentences_name_what_was_seen() {
        assert_eq!(
            sentence(&Finding::Ttl(TtlFinding::Expiry(seen())), Language::En),
            "expired between 2,003 ms and 2,011 ms (TTL 2 s), 104 probes before and 96 after"
        );
        assert_eq!(
            sentence(&Finding::Ttl(TtlFinding::Expiry(seen())), Language::Es),
            "expiró entre 2003 ms y 2011 ms (TTL 2 s), 104 sondeos antes y 96 después"
        );
        let late = all()
            .into_iter()
            .find(|finding| matches!(finding, Finding::Ttl(TtlFinding::ServedPastTtl { .. })))
            .unwrap();
        assert_eq!(
            sentence(&late, Language::En),
            "the entry /t/17 was answered from the cache 4,120 ms after it was stored: 2,120 ms past its TTL of 2 s; \
             96 probes prove the same; no entry was seen to expire"
        );
    }
}
