//! The words for the log of the proxy: what was found or missed in it.
//!
//! `finding_words` asks here. No figure is computed here.

use super::{Bytes, Counted, InWords, Language, Noun};
use crate::{say, words};
use harness_judge::check::{LogFinding, LogLack, LogPlace};

words!(LogPlace {
    LogPlace::File => { en: "its log file", es: "su archivo de log" },
    LogPlace::Screen => { en: "its standard output", es: "su salida estándar" },
});

/// What was seen of the log, as a sentence without its full stop.
pub(super) fn sentence(finding: &LogFinding, language: Language) -> String {
    match finding {
        LogFinding::Logged { place, exchanges, hits } => say!(language,
            en: "{exchanges} with their answers are in {place}, {hits} of them answered from the cache",
            es: "{exchanges} con sus respuestas están en {place}, {hits} de ellas servidas desde el caché",
            exchanges = Counted(*exchanges, Noun::Request), place = place, hits = hits),
        LogFinding::Written { place, bytes_each, lines_each, exchanges } => say!(language,
            en: "for each of {exchanges} {place} got {bytes} ({lines})",
            es: "por cada una de {exchanges}, {place} recibió {bytes} ({lines})",
            exchanges = Counted(*exchanges, Noun::Request), place = place, bytes = Bytes(*bytes_each),
            lines = Counted(*lines_each, Noun::Line)),
        LogFinding::NotLogged { place, method, target, status, lack, count, exchanges } => say!(language,
            en: "{method} {target}, answered with {status}: {lack} in {place}; something is missing or too much of {count} of {exchanges}",
            es: "{method} {target}, respondida con {status}: {lack} en {place}; algo falta o sobra de {count} de {exchanges}",
            method = method, target = target, status = status.to_string(), lack = lack, place = place,
            count = count, exchanges = Counted(*exchanges, Noun::Request)),
    }
}

impl InWords for LogLack {
    fn in_words(&self, language: Language) -> String {
        match self {
            LogLack::Request => {
                say!(language, en: "no line names the request", es: "ninguna línea nombra la petición")
            }
            LogLack::Answer => {
                say!(language, en: "no line tells of its answer", es: "ninguna línea cuenta de su respuesta")
            }
            LogLack::Some { logged, exchanges } => say!(language,
                en: "only {logged} of {exchanges} exchanges like it are", es: "solo {logged} de {exchanges} intercambios iguales están",
                exchanges = exchanges, logged = logged),
            LogLack::TooOften { logged, exchanges } => say!(language,
                en: "lines tell of it {logged} times instead of {exchanges}", es: "se cuenta {logged} veces en lugar de {exchanges}",
                exchanges = exchanges, logged = logged),
            LogLack::Method => {
                say!(language, en: "no line names its method beside its target", es: "ninguna línea nombra su método junto al destino")
            }
        }
    }
}

/// One of each, for the tests that look at every sentence.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::Finding> {
    use harness_judge::check::Finding;
    let lacks = [
        LogLack::Request,
        LogLack::Answer,
        LogLack::Some { logged: 1, exchanges: 2 },
        LogLack::TooOften { logged: 2, exchanges: 1 },
        LogLack::Method,
    ];
    let places = [LogPlace::File, LogPlace::Screen];
    let found = places.map(|place| Finding::Log(LogFinding::Logged { place, exchanges: 20, hits: 1 }));
    let missed = lacks.map(|lack| {
        Finding::Log(LogFinding::NotLogged {
            place: LogPlace::File,
            method: "GET".into(),
            target: "/t/17".into(),
            status: 410,
            lack,
            count: 3,
            exchanges: 20,
        })
    });
    let written =
        LogFinding::Written { place: LogPlace::Screen, bytes_each: 80_000, lines_each: 900, exchanges: 20 };
    found.into_iter().chain(missed).chain([Finding::Log(written)]).collect()
}
