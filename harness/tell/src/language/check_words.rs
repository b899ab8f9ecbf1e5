//! The words for requirements, outcomes, kinds and sources.
//!
//! Reports and the terminal print them beside a verdict. What a check asks is said in `title_words`, what it saw in `finding_words`.

use super::title_words::title;
use super::{InWords, Language};
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
    use crate::language::asks;

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
