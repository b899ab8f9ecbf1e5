//! The words of what the harness did of its own accord because of what a proxy did.
//!
//! Terminal and pages say them once, beside the verdicts. What was done is decided in `conductor`.

use super::{Language, Span};
use crate::say;
use harness_model::history::{Adaptation, BinaryBody, CutBy, Look, PortGivenUp};
use harness_platform::Signal;
use std::net::SocketAddr;

/// How the backends adapted, and why, as a sentence without its full stop.
pub fn adapted(language: Language, adaptation: Adaptation) -> String {
    match adaptation {
        Adaptation::BackendsClose => say!(language,
            en: "This proxy waits for its backends to close their connections, so they close after each answer; only where keeping a connection is the question they keep it",
            es: "Este proxy espera a que los backends cierren sus conexiones; por eso las cierran después de cada respuesta, y solo las conservan donde esa es la pregunta"),
        Adaptation::TextBodies => say!(language,
            en: "A body that is no text does not come through this proxy, so bodies are text wherever they are not the question",
            es: "Los cuerpos que no son texto no pasan por este proxy; por eso son texto donde el cuerpo no es la pregunta"),
    }
}

/// What the first look showed, where that is worth a sentence.
pub fn looked(language: Language, look: &Look) -> Option<String> {
    let Look::BinaryBody { seen: BinaryBody::Died { code, signal, .. }, .. } = look else { return None };
    let how = match (code, signal) {
        (Some(code), _) => say!(language, en: "status {code}", es: "estado {code}", code = *code),
        (None, Some(signal)) => Signal::from_number(*signal).to_string(),
        (None, None) => say!(language, en: "cause unknown", es: "causa desconocida"),
    };
    Some(say!(language,
        en: "The program ended of the first answer that was no text ({how}); it was started again",
        es: "El programa terminó con la primera respuesta que no era texto ({how}); se arrancó de nuevo", how = how))
}

/// How often requests were left without an answer and the proxy went on once every connection was closed, where it did.
pub fn went_on(language: Language, times: usize) -> Option<String> {
    let often = how_often(language, times)?;
    Some(say!(language,
        en: "After requests that it left without an answer every connection was closed, {often}, and the proxy answered plain requests at once",
        es: "Después de peticiones sin respuesta se cerraron todas las conexiones, {often}, y el proxy respondió enseguida peticiones sencillas",
        often = often))
}

/// How often the proxy had to be started again between two steps, where it had.
pub fn restarted(language: Language, times: usize) -> Option<String> {
    let often = how_often(language, times)?;
    Some(say!(language,
        en: "After requests that it left without an answer the proxy answered no plain GET either, or kept connections that its clients had closed, and was started again {often}; nothing was wiped",
        es: "Después de peticiones sin respuesta, el proxy tampoco respondió un GET sencillo y se arrancó de nuevo {often}, sin borrar nada",
        often = often))
}

fn how_often(language: Language, times: usize) -> Option<String> {
    match times {
        0 => None,
        1 => Some(say!(language, en: "once", es: "una vez")),
        times => Some(say!(language, en: "{times} times", es: "{times} veces", times = times)),
    }
}

/// It was started again between two steps, and did not get ready.
pub fn not_back(language: Language, problem: &str) -> String {
    say!(language,
        en: "After requests that it left without an answer the proxy answered no plain GET either; started again, it did not get ready, and what was still to be asked is not judged: {problem}",
        es: "Después de peticiones sin respuesta, el proxy tampoco respondió un GET sencillo; se arrancó de nuevo y no quedó listo, así que lo que faltaba por preguntar no se juzga: {problem}",
        problem = problem)
}

/// It could not go on, and was left as it was for a while.
pub fn put_off(language: Language) -> String {
    say!(language,
        en: "After requests that it left without an answer the proxy answered no plain GET either; it was not started again at once, because later steps ask for what it had stored",
        es: "Después de peticiones sin respuesta, el proxy tampoco respondió un GET sencillo; no se arrancó de nuevo enseguida, porque pasos posteriores preguntan por lo que había guardado")
}

/// It listens where it was not told to.
pub fn listens_elsewhere(language: Language, told: SocketAddr, found: SocketAddr) -> String {
    say!(language,
        en: "Told to listen on {told}, the proxy listens on {found}, and was judged there",
        es: "Se le indicó escuchar en {told}; el proxy escucha en {found} y allí se evaluó",
        told = told.to_string(), found = found.to_string())
}

/// Its port could not be bound again.
pub fn port_given_up(language: Language, given_up: &PortGivenUp) -> String {
    let waited = Span((given_up.waited.as_secs_f64() * 1e3).round());
    say!(language,
        en: "The proxy could not bind {from} again for {waited}; the run went on at {to}",
        es: "El proxy no pudo volver a usar {from} durante {waited}; la ejecución siguió en {to}",
        from = given_up.from.to_string(), waited = waited, to = given_up.to.to_string())
}

/// Why a run ended before its plan did; reads well in parentheses.
pub fn cut_by(language: Language, by: CutBy) -> &'static str {
    match by {
        CutBy::User => language.choose("interrupted from the keyboard", "interrumpida desde el teclado"),
        CutBy::Signal => language.choose("a signal asked for its end", "una señal pidió terminarla"),
        CutBy::Time => language.choose("the time allowed was over", "se agotó el tiempo permitido"),
    }
}

crate::messages! {
    /// Stands on top of everything where a run was cut.
    pub fn cut(reason: &str) {
        en: "THE RUN WAS CUT ({reason}): what had not been asked by then is not judged",
        es: "LA EJECUCIÓN SE CORTÓ ({reason}): lo que faltaba por preguntar no se juzga",
    }
}
