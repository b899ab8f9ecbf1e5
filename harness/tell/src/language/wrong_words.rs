//! The words for what was wrong with an answer, and for how a hit differs from its miss.
//!
//! `finding_words` puts them into its sentences, after the colon. They are clauses, not sentences.

use super::{Counted, InWords, Language, Noun};
use crate::{say, words};
use harness_judge::check::{Difference, Samples, Wrong};
use harness_model::history::Cut;

/// What is wrong with bytes, in the words of the reader: the record has it in English, with its figures in their places. What is not known
/// is quoted as it stands.
fn damage(how: &str, language: Language) -> String {
    const KNOWN: [([&str; 4], [&str; 4]); 4] = [
        (["ends after ", " bytes of ", "", ""], ["termina tras ", " bytes de ", "", ""]),
        (["has ", " bytes instead of ", "", ""], ["tiene ", " bytes en vez de ", "", ""]),
        (["byte ", " is ", " instead of ", ""], ["el byte ", " es ", " en vez de ", ""]),
        (
            ["not content of these backends: it begins with ", "", "", ""],
            ["no es contenido de estos backends: comienza con ", "", "", ""],
        ),
    ];
    if language == Language::En {
        return how.to_owned();
    }
    let told = |(english, spanish): &([&str; 4], [&str; 4])| {
        let mut rest = how.strip_prefix(english[0])?;
        let mut said = spanish[0].to_owned();
        for (from, to) in english.iter().zip(spanish).skip(1).filter(|(from, _)| !from.is_empty()) {
            let (before, after) = rest.split_once(from)?;
            said.push_str(before);
            said.push_str(to);
            rest = after;
        }
        Some(said + rest)
    };
    KNOWN.iter().find_map(told).unwrap_or_else(|| how.to_owned())
}

impl InWords for Cut {
    fn in_words(&self, language: Language) -> String {
        let bytes = |count: u64| Counted(count, Noun::Byte);
        let (text, error) = match self {
            Cut::Head { head_bytes, error } => (
                say!(language, en: "closed after {bytes} of its head", es: "cerrada tras {bytes} del encabezado", bytes = bytes(*head_bytes)),
                error,
            ),
            Cut::Body { body_bytes, announced: Some(announced), error } => (
                say!(language, en: "closed after {came} of {bytes} of its body", es: "cerrada tras {came} de {bytes} del cuerpo",
                    came = body_bytes, bytes = bytes(*announced)),
                error,
            ),
            Cut::Body { body_bytes, announced: None, error } => (
                say!(language, en: "closed after {bytes} of its body", es: "cerrada tras {bytes} del cuerpo", bytes = bytes(*body_bytes)),
                error,
            ),
            Cut::ClientLeft { .. } => {
                return say!(language, en: "its client broke off, as told", es: "su cliente la dejó, como se le pidió");
            }
            Cut::Said(said) => return said.clone(),
        };
        error.as_ref().map_or(text.clone(), |error| format!("{text}: {error}"))
    }
}

impl InWords for Wrong {
    fn in_words(&self, language: Language) -> String {
        match self {
            Wrong::Damaged { how } => {
                say!(language, en: "its bytes are damaged ({how})", es: "sus bytes están alterados ({how})", how = damage(how, language))
            }
            Wrong::Foreign { of } => {
                say!(language, en: "it carried the content of {of}", es: "traía el contenido de {of}", of = of)
            }
            Wrong::CutShort { received, how } => say!(language,
                en: "it was cut short after {bytes} ({how})", es: "quedó cortada a los {bytes} ({how})",
                bytes = Counted(*received, Noun::Byte), how = how.in_words(language)),
            Wrong::OfAHead => {
                say!(language, en: "a GET got the answer to a HEAD, without its body", es: "un GET recibió la respuesta a un HEAD, sin su cuerpo")
            }
            Wrong::OfNobody => {
                say!(language, en: "no backend ever gave this answer", es: "ningún backend dio nunca esa respuesta")
            }
            Wrong::ExtraBytes { extra } => say!(language,
                en: "{bytes} came after its end", es: "llegaron {bytes} después de su final", bytes = Counted(*extra, Noun::Byte)),
            Wrong::Status { status } => say!(language,
                en: "it was answered with status {status}", es: "la respuesta fue el estado {status}", status = status.to_string()),
            Wrong::NotConnected { how } => say!(language,
                en: "no connection could be made ({how})", es: "no se pudo establecer la conexión ({how})", how = how),
            Wrong::NoAnswer => say!(language,
                en: "the connection was closed without an answer", es: "la conexión se cerró sin respuesta"),
            Wrong::TimedOut => say!(language,
                en: "no complete answer came in time", es: "no llegó una respuesta completa a tiempo"),
            Wrong::Malformed { how } => {
                say!(language, en: "what came is not HTTP ({how})", es: "lo que llegó no es HTTP ({how})", how = how)
            }
            Wrong::FromBackend => say!(language,
                en: "it came from a backend, not from the cache", es: "vino de un backend y no del caché"),
            Wrong::OldVersion => say!(language,
                en: "it carried an old version of the resource", es: "traía una versión anterior del recurso"),
        }
    }
}

impl InWords for Difference {
    fn in_words(&self, language: Language) -> String {
        match self {
            Difference::Status { miss, hit } => say!(language,
                en: "status {miss} became {hit}", es: "el estado {miss} pasó a ser {hit}",
                miss = miss.to_string(), hit = hit.to_string()),
            Difference::Field { name, miss: Some(_), hit: None } => {
                say!(language, en: "the field {name} is missing", es: "falta el campo {name}", name = name)
            }
            Difference::Field { name, miss, hit } => say!(language,
                en: "the field {name} was \"{miss}\" and became \"{hit}\"", es: "el campo {name} era \"{miss}\" y pasó a ser \"{hit}\"",
                name = name, miss = miss.as_deref().unwrap_or("–"), hit = hit.as_deref().unwrap_or("–")),
            Difference::Length { miss, hit } => say!(language,
                en: "a body of {miss} became one of {hit}", es: "un cuerpo de {miss} pasó a ser de {hit}",
                miss = Counted(*miss, Noun::Byte), hit = Counted(*hit, Noun::Byte)),
            Difference::Bytes => say!(language,
                en: "its bytes are others, at the same length", es: "sus bytes son otros, con la misma longitud"),
            Difference::End { wrong } => wrong.in_words(language),
        }
    }
}

words!(Samples {
    Samples::Requests => { en: "requests", es: "peticiones" },
    Samples::Batches => { en: "batches", es: "tandas" },
    Samples::Keys => { en: "resources in the cache", es: "recursos en el caché" },
    Samples::Hits => { en: "answers from the cache", es: "respuestas del caché" },
    Samples::ClientKinds => { en: "kinds of client", es: "tipos de cliente" },
    Samples::TemptingPosts => { en: "POSTs on a target that is cached", es: "POST a un destino que está en el caché" },
    Samples::RereadsFromCache => {
        en: "answers from the cache after a kill", es: "respuestas del caché después de una caída"
    },
    Samples::Backends => { en: "backends", es: "backends" },
});

#[cfg(test)]
mod tests {
    use super::damage;
    use crate::language::Language;
    use fake_backends::content::Damage;

    #[test]
    fn what_is_wrong_with_bytes_is_told_in_the_language_of_the_reader() {
        let long = Damage::Long { received: 1025, announced: 1024 }.to_string();
        assert_eq!(damage(&long, Language::En), "has 1025 bytes instead of 1024");
        assert_eq!(damage(&long, Language::Es), "tiene 1025 bytes en vez de 1024");
        let byte = Damage::WrongByte { offset: 7, expected: 1, found: 2 }.to_string();
        assert_eq!(damage(&byte, Language::Es), "el byte 7 es 0x02 en vez de 0x01");
        let short = Damage::Short { received: 3, announced: 9 }.to_string();
        assert_eq!(damage(&short, Language::Es), "termina tras 3 bytes de 9");
        let foreign = Damage::Foreign("hola".into()).to_string();
        assert_eq!(
            damage(&foreign, Language::Es),
            "no es contenido de estos backends: comienza con \"hola\""
        );
        assert_eq!(damage("quién sabe", Language::Es), "quién sabe");
    }
}
