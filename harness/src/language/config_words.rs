//! The words for what a proxy is told at its start, and for what lies under unusual names: titles, and what was seen.
//!
//! `check_words` and `finding_words` ask here. No figure is computed here.

use super::{Counted, Language, Listed, Noun};
use crate::catalogue::CheckId;
use crate::check::Finding;
use crate::say;

/// What a check asks, as a short title.
pub(super) fn title(check: CheckId, language: Language) -> Option<&'static str> {
    Some(match check {
        CheckId::ConfigBackends => language.choose(
            "the list of backends is the one it was told",
            "la lista de backends es la que se le indicó",
        ),
        CheckId::ConfigTwoBackends => {
            language.choose("two backends are a list too", "dos backends también son una lista")
        }
        CheckId::PersistenceOddNames => language.choose(
            "the cache survives SIGKILL under unusual names too",
            "el caché sobrevive a SIGKILL también con nombres poco comunes",
        ),
        _ => return None,
    })
}

/// What is expected of the proxy, as a sentence.
pub(super) fn asks(check: CheckId, language: Language) -> Option<&'static str> {
    Some(match check {
        CheckId::ConfigBackends => language.choose(
            "Started with three backends and with four, the proxy asks every one of them and no other: their number and addresses are not in its source.",
            "Arrancado con tres backends y con cuatro, el proxy les pide a todos y a ningún otro: su número y sus direcciones no están en el código.",
        ),
        CheckId::ConfigTwoBackends => language.choose(
            "Started with two backends the proxy asks both of them and no other.",
            "Arrancado con dos backends, el proxy les pide a ambos y a ningún otro.",
        ),
        CheckId::PersistenceOddNames => language.choose(
            "What was cached under a target with a query, percent-encodings and a long path is served after SIGKILL as well.",
            "Lo guardado bajo un destino con consulta, códigos de porcentaje y una ruta larga también se sirve después de SIGKILL.",
        ),
        _ => return None,
    })
}

/// What was seen, as a sentence without its full stop.
pub(super) fn sentence(finding: &Finding, language: Language) -> Option<String> {
    Some(match finding {
        Finding::ListInForce { lists, requests } => say!(language,
            en: "told of {lists} backends, it asked all of them and no other, over {requests}",
            es: "con {lists} backends indicados les pidió a todos y a ningún otro, en {requests}",
            lists = Listed(lists), requests = Counted(*requests, Noun::Request)),
        Finding::ListIgnored { told, visited, requests } => say!(language,
            en: "told of {told}, it asked {visited} over {requests}",
            es: "se le indicaron {told} y les pidió a {visited} en {requests}",
            told = told.join(", "), visited = visited.join(", "), requests = Counted(*requests, Noun::Request)),
        Finding::ListRefused { backends, problem } => say!(language,
            en: "it did not start with {backends} backends: {problem}",
            es: "no arrancó con {backends} backends: {problem}", backends = backends, problem = problem),
        _ => return None,
    })
}

/// One of each, for the tests that look at every sentence.
#[cfg(test)]
pub(super) fn samples() -> Vec<Finding> {
    let names = |most: usize| (1..=most).map(|number| format!("b{number}")).collect();
    vec![
        Finding::ListInForce { lists: vec![3, 4], requests: 36 },
        Finding::ListIgnored { told: names(4), visited: names(3), requests: 12 },
        Finding::ListRefused { backends: 4, problem: "it ended".into() },
    ]
}
