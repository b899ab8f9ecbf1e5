//! The words for what a proxy is told at its start, and for what lies under unusual names: what was seen.
//!
//! `finding_words` asks here. No figure is computed here.

use super::{Counted, Language, Listed, Noun};
use crate::say;
use harness_judge::check::ConfigFinding;

/// What was seen, as a sentence without its full stop.
pub(super) fn sentence(finding: &ConfigFinding, language: Language) -> String {
    match finding {
        ConfigFinding::ListInForce { lists, requests } => say!(language,
            en: "told of {lists} backends, it asked all of them and no other, over {requests}",
            es: "con {lists} backends indicados les pidió a todos y a ningún otro, en {requests}",
            lists = Listed(lists), requests = Counted(*requests, Noun::Request)),
        ConfigFinding::ListIgnored { told, visited, requests } => say!(language,
            en: "told of {told}, it asked {visited} over {requests}",
            es: "se le indicaron {told} y les pidió a {visited} en {requests}",
            told = told.join(", "), visited = visited.join(", "), requests = Counted(*requests, Noun::Request)),
        ConfigFinding::ListUnserved { backends, unserved, requests } => say!(language,
            en: "told of {backends} backends, it left {unserved} of {requests} without the answer of a backend; under the first list it did not",
            es: "con {backends} backends indicados, {unserved} de {requests} quedaron sin la respuesta de un backend; con la primera lista no",
            backends = backends, unserved = unserved, requests = Counted(*requests, Noun::Request)),
        ConfigFinding::ListRefused { backends, problem } => say!(language,
            en: "it did not start with {backends} backends: {problem}",
            es: "no arrancó con {backends} backends: {problem}", backends = backends, problem = problem),
        ConfigFinding::PortInForce { first, second } => say!(language,
            en: "started on port {first}, then told {second}, it listened there",
            es: "arrancó en el puerto {first}; luego se le indicó el {second} y escuchó allí",
            first = first.to_string(), second = second.to_string()),
        ConfigFinding::PortIgnored { told, problem } => say!(language,
            en: "told port {told}, it did not get ready there: {problem}",
            es: "se le indicó el puerto {told} y allí no quedó listo: {problem}",
            told = told.to_string(), problem = problem),
        ConfigFinding::ListensElsewhere { told, found } => say!(language,
            en: "told port {told}, it listens on {found} all the same; everything else was asked there",
            es: "se le indicó el puerto {told} y aun así escucha en {found}; todo lo demás se preguntó allí",
            told = told.to_string(), found = found.to_string()),
        ConfigFinding::DefaultPortUsed => {
            say!(language, en: "told of no port, it listened on 8080", es: "sin indicarle un puerto, escuchó en el 8080")
        }
        ConfigFinding::DefaultPortUnused { problem } => say!(language,
            en: "told of no port, it did not get ready on 8080: {problem}",
            es: "sin indicarle un puerto, no quedó listo en el 8080: {problem}", problem = problem),
        ConfigFinding::WrittenIntoSource { file } => say!(language,
            en: "its profile writes it into the source ({file}), so that this proves nothing of a configuration: a person looks whether there is one",
            es: "su perfil lo escribe en el código ({file}), así que esto no prueba nada de una configuración: que una persona mire si la hay",
            file = file),
        ConfigFinding::NotHandedIn { command } => say!(language,
            en: "what listens is no file of what was handed in (`{command}`), so that this proves nothing of a configuration: a person looks whether there is one",
            es: "lo que escucha no es un archivo de la entrega (`{command}`), así que esto no prueba nada de una configuración: que una persona mire si la hay",
            command = command),
        ConfigFinding::DefaultPortNotTried { problem: None } => say!(language,
            en: "its adapter always names a port; `settings: [default_port]` says that its templates can leave it out",
            es: "su perfil siempre nombra un puerto; `settings: [default_port]` dice que sus plantillas pueden omitirlo"),
        ConfigFinding::DefaultPortNotTried { problem: Some(problem) } => say!(language,
            en: "8080 is not free here: {problem}", es: "el 8080 no está libre aquí: {problem}", problem = problem),
    }
}

/// One of each, for the tests that look at every sentence.
#[cfg(test)]
pub(super) fn samples() -> Vec<harness_judge::check::Finding> {
    use harness_judge::check::{Finding, PersistenceFinding};
    let names = |most: usize| (1..=most).map(|number| format!("b{number}")).collect();
    vec![
        Finding::Config(ConfigFinding::ListInForce { lists: vec![3, 4], requests: 36 }),
        Finding::Config(ConfigFinding::WrittenIntoSource { file: "constantes.py".into() }),
        Finding::Config(ConfigFinding::NotHandedIn { command: "python -".into() }),
        Finding::Config(ConfigFinding::ListIgnored { told: names(4), visited: names(3), requests: 12 }),
        Finding::Config(ConfigFinding::ListUnserved { backends: 2, unserved: 6, requests: 8 }),
        Finding::Config(ConfigFinding::ListRefused { backends: 4, problem: "it ended".into() }),
        Finding::Config(ConfigFinding::PortInForce { first: 20_001, second: 20_002 }),
        Finding::Config(ConfigFinding::PortIgnored { told: 20_002, problem: "nothing listens there".into() }),
        Finding::Config(ConfigFinding::ListensElsewhere {
            told: 20_002,
            found: std::net::SocketAddr::from(([127, 0, 0, 1], 8080)),
        }),
        Finding::Config(ConfigFinding::DefaultPortUsed),
        Finding::Config(ConfigFinding::DefaultPortUnused { problem: "nothing listens there".into() }),
        Finding::Config(ConfigFinding::DefaultPortNotTried { problem: None }),
        Finding::Config(ConfigFinding::DefaultPortNotTried {
            problem: Some("somebody listens there".into()),
        }),
        Finding::Persistence(PersistenceFinding::OddNamesKept { keys: 12, long: 6, kills: 2, stops: 1 }),
        Finding::Persistence(PersistenceFinding::OddNamesKept { keys: 12, long: 6, kills: 2, stops: 2 }),
        Finding::Persistence(PersistenceFinding::OddNameLost {
            target: "/a?b=c".into(),
            wrong: harness_judge::check::Wrong::FromBackend,
            killed: false,
            lost: 2,
            keys: 12,
        }),
    ]
}
