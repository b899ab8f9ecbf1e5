//! The words for exact exchanges: what was amiss, what most likely explains it.
//!
//! `finding_words` and `cause_words` ask here. Nothing is computed.

use super::{Counted, InWords, Language, Milliseconds, Noun, Percent, Span};
use crate::say;
use harness_judge::check::{Amiss, ExchangeFinding};

/// What a check of this family saw, as a sentence without its full stop.
pub(super) fn sentence(finding: &ExchangeFinding, language: Language) -> String {
    match finding {
        ExchangeFinding::AsAsked { exchanges } => say!(language,
            en: "{exchanges} sent exactly like this; everything came as it should",
            es: "{exchanges} exactamente así; todo llegó como debía", exchanges = Counted(*exchanges, Noun::Request)),
        ExchangeFinding::LeftSilentBackend { after_ms, within_ms } => say!(language,
            en: "a backend that said nothing was left after {after}: there is a limit; what comes after it was not waited for beyond {within}",
            es: "dejó a un backend que no decía nada después de {after}: hay un límite; lo que sigue no se esperó más de {within}",
            after = Span(*after_ms), within = Span(*within_ms)),
        ExchangeFinding::CameBackToSilentBackend { within_ms } => say!(language,
            en: "a backend that said nothing was left, and asked again; nothing came within {within}, and whether it ever ends was not waited for",
            es: "dejó a un backend que no decía nada y volvió a pedirle; no llegó nada en {within}, y no se esperó para saber si termina",
            within = Span(*within_ms)),
        ExchangeFinding::Amiss { method, target, amiss, count, exchanges } => say!(language,
            en: "{method} {target}: {amiss}; something was amiss with {count} of {exchanges}",
            es: "{method} {target}: {amiss}; algo anduvo mal en {count} de {exchanges}",
            method = method, target = target, amiss = amiss, count = count, exchanges = Counted(*exchanges, Noun::Request)),
        ExchangeFinding::NotFoundKept { target } => say!(language,
            en: "the second GET {target} got its 404 from the cache, without asking a backend: allowed, and it lasts until the TTL is over",
            es: "el segundo GET {target} recibió su 404 del caché, sin pedir a un backend: está permitido, y dura hasta que se cumple el TTL",
            target = target),
        ExchangeFinding::NotFoundAskedAgain { exchanges } => say!(language,
            en: "each of {exchanges} for what does not exist reached a backend: a 404 is not cached",
            es: "cada una de {exchanges} por lo que no existe llegó a un backend: un 404 no se guarda",
            exchanges = Counted(*exchanges, Noun::Request)),
        ExchangeFinding::WaitsForBackendsEnd { kept_for_ms, after_close_ms, answer: true } => say!(language,
            en: "a backend kept its connection open for {kept_for} after its whole answer, and the client had that {after} after the close: the end of the connection is waited for, not the length",
            es: "un backend dejó su conexión abierta {kept_for} después de su respuesta completa, y el cliente la tuvo {after} después del cierre: se aguarda el fin de la conexión, no la longitud",
            kept_for = Span(*kept_for_ms), after = Milliseconds(*after_close_ms)),
        ExchangeFinding::WaitsForBackendsEnd { kept_for_ms, after_close_ms, answer: false } => say!(language,
            en: "a backend kept its connection open for {kept_for} after its whole answer; the client had that at once, and its own connection was of no use until {after} after the close: the end of the connection is waited for, not the length",
            es: "un backend dejó su conexión abierta {kept_for} después de su respuesta completa; el cliente la tuvo enseguida, y su propia conexión no sirvió hasta {after} después del cierre: se aguarda el fin de la conexión, no la longitud",
            kept_for = Span(*kept_for_ms), after = Milliseconds(*after_close_ms)),
        ExchangeFinding::ClosesUnsaid { target, closed, went_on } => say!(language,
            en: "closes without saying so: {closed} were gone right after an answer without `Connection: close`, such as the one before {target}; {went_on} went on with theirs",
            es: "cierra sin decirlo: {closed} se cerraron justo después de una respuesta sin `Connection: close`, por ejemplo la anterior a {target}; {went_on} siguieron por la suya",
            closed = Counted(*closed, Noun::Connection), target = target, went_on = Counted(*went_on, Noun::Request)),
        ExchangeFinding::ClosesAsSaid { went_on, said } => say!(language,
            en: "{went_on} went on with their connection, and {said} said `Connection: close` before it was closed",
            es: "{went_on} siguieron por su conexión, y {said} dijeron `Connection: close` antes del cierre",
            went_on = Counted(*went_on, Noun::Request), said = Counted(*said, Noun::Answer)),
        ExchangeFinding::AddedToEach { requests, least_ms, median_ms, limit_ms, varies_ms } => say!(language,
            en: "the quickest of {requests} took {least} beyond its backend, the one in the middle {median} ({limit} are allowed, and the load of the host may explain {varies})",
            es: "la más rápida de {requests} tardó {least} más que su backend, la del medio {median} (se admiten {limit}, y la carga del equipo puede explicar {varies})",
            requests = Counted(*requests, Noun::Request), least = Milliseconds(*least_ms),
            median = Milliseconds(*median_ms), limit = Milliseconds(*limit_ms), varies = Milliseconds(*varies_ms)),
        ExchangeFinding::AtRest { cpu, threads, files } => say!(language,
            en: "with nobody asking it used {cpu} of a core, and had {threads} threads and {files} descriptors more than at the beginning",
            es: "sin que nadie pidiera usó {cpu} de un núcleo, y tenía {threads} hilos y {files} descriptores más que al comienzo",
            cpu = Percent(*cpu), threads = threads, files = files),
        ExchangeFinding::ClientWaitsForClose { kept_ms } => say!(language,
            en: "the answer came at once, but its connection was neither closed nor served again until the backend closed its own, {kept} later",
            es: "la respuesta llegó enseguida, pero su conexión no se cerró ni atendió otra petición hasta que el backend cerró la suya, {kept} después",
            kept = super::Span(*kept_ms)),
    }
}

impl InWords for Amiss {
    fn in_words(&self, language: Language) -> String {
        let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".to_owned());
        let bytes = |count: &u64| Counted(*count, Noun::Byte);
        match self {
            Amiss::NotForwarded { wrong: Some(wrong) } => say!(language,
                en: "no backend received it; {wrong}", es: "ningún backend la recibió; {wrong}", wrong = wrong),
            Amiss::NotForwarded { wrong: None } => say!(language,
                en: "no backend received it, and yet an answer came", es: "ningún backend la recibió, y aun así llegó una respuesta"),
            Amiss::SentTwice { attempts } => say!(language,
                en: "it reached the backends {attempts} times", es: "llegó {attempts} veces a los backends", attempts = attempts),
            Amiss::Method { arrived } if arrived.is_empty() => say!(language,
                en: "it arrived without a method", es: "llegó sin método"),
            Amiss::Method { arrived } => say!(language,
                en: "it arrived as {arrived}", es: "llegó como {arrived}", arrived = arrived),
            Amiss::Target { arrived } => say!(language,
                en: "it arrived with the target {arrived}", es: "llegó con el destino {arrived}", arrived = arrived),
            Amiss::Field { name, arrived: None, .. } => say!(language,
                en: "its field {name} did not arrive", es: "su campo {name} no llegó", name = name),
            Amiss::Field { name, sent, arrived } => say!(language,
                en: "its field {name} was \"{sent}\" and arrived as \"{arrived}\"", es: "su campo {name} era \"{sent}\" y llegó como \"{arrived}\"",
                name = name, sent = shortened(sent), arrived = shortened(&or_none(arrived))),
            Amiss::BodyShort { sent, arrived } => say!(language,
                en: "of its body of {sent} the backend received {arrived} and waited in vain for the rest",
                es: "de su cuerpo de {sent} el backend recibió {arrived} y aguardó en vano el resto", sent = bytes(sent), arrived = bytes(arrived)),
            Amiss::BodyLength { sent, arrived } => say!(language,
                en: "its body of {sent} arrived as one of {arrived}", es: "su cuerpo de {sent} llegó como uno de {arrived}",
                sent = bytes(sent), arrived = bytes(arrived)),
            Amiss::BodyBytes => say!(language,
                en: "its body arrived with other bytes, at the same length", es: "su cuerpo llegó con otros bytes, con la misma longitud"),
            Amiss::RequestExtra { bytes: count } => say!(language,
                en: "{bytes} followed it that belong to no request", es: "le siguieron {bytes} que no son de ninguna petición", bytes = bytes(count)),
            Amiss::NotARequest { how } => say!(language,
                en: "what the backend received is no request ({how})", es: "lo que recibió el backend no es una petición ({how})", how = how),
            Amiss::Answer { wrong } => wrong.in_words(language),
            Amiss::Status { sent, came } => say!(language,
                en: "the backend sent status {sent} and the client got {came}", es: "el backend envió el estado {sent} y el cliente recibió {came}",
                sent = sent.to_string(), came = came.to_string()),
            Amiss::AnswerField { name, came: None, .. } => say!(language,
                en: "the field {name} of the answer did not come back", es: "el campo {name} de la respuesta no regresó", name = name),
            Amiss::AnswerField { name, sent, came } => say!(language,
                en: "the field {name} of the answer was \"{sent}\" and came back as \"{came}\"",
                es: "el campo {name} de la respuesta era \"{sent}\" y regresó como \"{came}\"",
                name = name, sent = shortened(sent), came = shortened(&or_none(came))),
            Amiss::UnwantedBody { bytes: count } => say!(language,
                en: "a body of {bytes} came where none may come", es: "llegó un cuerpo de {bytes} donde no puede haber ninguno", bytes = bytes(count)),
            Amiss::NotKept => say!(language,
                en: "the connection was not used for the next request", es: "la conexión no se usó para la siguiente petición"),
            Amiss::SuccessOfNothing { status } => say!(language,
                en: "the client got status {status}, although no backend gave an answer", es: "el cliente recibió el estado {status}, aunque ningún backend dio una respuesta",
                status = status.to_string()),
            Amiss::NoAnswer { wrong } => say!(language,
                en: "the client was left without an answer: {wrong}", es: "el cliente quedó sin respuesta: {wrong}", wrong = wrong),
            Amiss::PassedOffAsWhole { bytes: count } => say!(language,
                en: "{bytes} of something incomplete came as a complete answer", es: "{bytes} de algo incompleto llegaron como una respuesta completa", bytes = bytes(count)),
            Amiss::Kept => say!(language,
                en: "it was answered from the cache", es: "se respondió desde el caché"),
            Amiss::NotKeptInCache => say!(language,
                en: "it reached a backend again", es: "volvió a llegar a un backend"),
            Amiss::NotAskedAgain { backend, for_ms } => say!(language,
                en: "{backend} was back, and in {span} of requests it was not asked again",
                es: "{backend} había vuelto, y en {span} de peticiones no se le volvió a pedir", backend = backend, span = Span(*for_ms as f64)),
            Amiss::StatusOfHit { sent, came } => say!(language,
                en: "the backend had sent status {sent}, and from the cache it came with {came}",
                es: "el backend había enviado el estado {sent}, y desde el caché llegó con {came}",
                sent = sent.to_string(), came = came.to_string()),
            Amiss::Differs { difference } => say!(language,
                en: "the answer from the cache is another than the first one: {difference}",
                es: "la respuesta del caché no es igual a la primera: {difference}", difference = difference),
        }
    }
}

/// The beginning of a long value.
fn shortened(value: &str) -> String {
    const MOST: usize = 60;
    match value.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.to_owned(),
    }
}
