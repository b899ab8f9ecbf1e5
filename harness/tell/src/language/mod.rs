//! Typed facts in, sentences out: every word that a reader of the terminal or of a report sees, in English and Spanish.
//!
//! `report`, `cli` and whoever words a problem call it. A message that lacks one of its languages, or forgets one of its
//! figures in one of them, does not compile; nothing is judged or measured here.

pub mod answer_words;
pub mod argument_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod case_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod cause_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod check_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod cloud_words;
pub mod compare_words;
pub mod conduct_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod config_words;
pub mod containment_words;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod defence_words;
pub mod diff_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod fidelity_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod finding_words;
pub mod fleet_words;
pub mod grade_words;
pub mod ground_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod http2_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod https_words;
pub mod init_words;
mod input_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod latency_words;
pub mod league_words;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod live_words;
pub mod load_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod log_words;
#[deny(clippy::wildcard_enum_match_arm)]
pub mod measure_words;
pub mod mending_words;
mod numbers;
mod operation_words;
pub mod page_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod persistence_words;
pub mod plot_words;
mod problem_words;
pub mod profile_words;
pub mod report_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod rotation_words;
pub mod run_words;
#[cfg(test)]
pub(crate) mod samples;
pub mod simulate_words;
pub mod source_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod step_problem_words;
pub mod step_words;
pub mod suite_words;
pub mod threshold_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod time_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod title_words;
pub mod trend_words;
mod user_words;
mod value_words;
#[deny(clippy::wildcard_enum_match_arm)]
mod wrong_words;

pub use cause_words::explanation;
pub use check_words::{demonstration, requirement_text, source_words};
pub use finding_words::{sentence, verdict_sentence};
pub use input_words::input_problem;
pub use numbers::{Bytes, Counted, Decimal, InWords, Listed, Milliseconds, Noun, Percent, Quantile, Span};
pub use problem_words::{ProblemWords, preparation, start_problem};
pub use title_words::{asks, title};

use harness_model::plan::Bilingual;
use serde::{Deserialize, Serialize};

/// A language of the product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish as it is spoken in Colombia.
    Es,
}

impl Language {
    /// Both of them.
    pub const ALL: [Language; 2] = [Language::En, Language::Es];

    /// The code that file names and `lang` attributes carry.
    pub const fn code(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::Es => "es",
        }
    }

    /// What `LC_ALL`, `LC_MESSAGES` or `LANG` say, the first that is set and not empty: Spanish for `es*`, otherwise English.
    ///
    /// `variable` reads the environment, so that this stays a function of its arguments.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Language {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|value| !value.is_empty());
        if set.is_some_and(|value| value.to_ascii_lowercase().starts_with("es")) {
            Language::Es
        } else {
            Language::En
        }
    }

    /// One of two, for text that a file brings in both languages.
    pub fn choose<T>(self, en: T, es: T) -> T {
        match self {
            Language::En => en,
            Language::Es => es,
        }
    }

    /// A text that a file brings in both languages, in this one.
    pub fn of(self, text: &Bilingual) -> &str {
        self.choose(&text.en, &text.es)
    }
}

/// Defines functions that make a sentence in a language: both translations and every figure in each, or it does not compile.
///
/// ```
/// use harness_tell::language::{Language, Milliseconds};
/// harness_tell::messages! {
///     /// Says how long it took.
///     fn took(time: Milliseconds) { en: "it took {time}", es: "tardó {time}" }
/// }
/// assert_eq!(took(Language::Es, Milliseconds(1.5)), "tardó 1,5 ms");
/// ```
///
/// A figure that one language forgets, or a language that is missing, does not compile:
///
/// ```compile_fail
/// use harness_tell::language::{Language, Milliseconds};
/// harness_tell::messages! {
///     /// Says how long it took.
///     fn took(time: Milliseconds) { en: "it took {time}", es: "tardó" }
/// }
/// ```
///
/// ```compile_fail
/// use harness_tell::language::{Language, Milliseconds};
/// harness_tell::messages! {
///     /// Says how long it took.
///     fn took(time: Milliseconds) { en: "it took {time}" }
/// }
/// ```
#[macro_export]
macro_rules! messages {
    ($($(#[$meta:meta])* $visibility:vis fn $name:ident($($figure:ident: $kind:ty),* $(,)?) { en: $en:literal, es: $es:literal $(,)? })+) => {$(
        $(#[$meta])*
        $visibility fn $name(language: $crate::language::Language $(, $figure: $kind)*) -> String {
            let ($($figure,)*) = ($($crate::language::InWords::in_words(&$figure, language),)*);
            match language {
                // Named, and not captured, so that each language must use each of them.
                $crate::language::Language::En => ::std::format!($en $(, $figure = $figure)*),
                $crate::language::Language::Es => ::std::format!($es $(, $figure = $figure)*),
            }
        }
    )+};
}

/// One sentence in place, with its figures: `say!(language, en: "…{n}…", es: "…{n}…", n = figure)`.
#[macro_export]
macro_rules! say {
    ($language:expr, en: $en:literal, es: $es:literal $(, $figure:ident = $value:expr)* $(,)?) => {{
        let language: $crate::language::Language = $language;
        // One tuple, so that no figure hides a variable that the next one needs.
        let ($($figure,)*) = ($($crate::language::InWords::in_words(&$value, language),)*);
        match language {
            // Named, and not captured, so that each language must use each of them.
            $crate::language::Language::En => ::std::format!($en $(, $figure = $figure)*),
            $crate::language::Language::Es => ::std::format!($es $(, $figure = $figure)*),
        }
    }};
}

/// Gives the values of an enum their words in both languages, by implementing [`InWords`].
#[macro_export]
macro_rules! words {
    ($type:ty { $($pattern:pat => { en: $en:literal, es: $es:literal $(,)? }),+ $(,)? }) => {
        impl $crate::language::InWords for $type {
            fn in_words(&self, language: $crate::language::Language) -> String {
                let (en, es) = match self { $($pattern => ($en, $es)),+ };
                language.choose(en, es).to_owned()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::Language;

    fn of(set: &[(&str, &str)]) -> Language {
        Language::of_environment(|name| {
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_language_follows_the_environment() {
        assert_eq!(of(&[("LANG", "es_CO.UTF-8")]), Language::Es);
        assert_eq!(of(&[("LANG", "es_CO.UTF-8"), ("LC_ALL", "C")]), Language::En);
        assert_eq!(of(&[("LANG", "es_CO.UTF-8"), ("LC_ALL", "")]), Language::Es);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Language::En);
        assert_eq!(of(&[]), Language::En);
    }

    messages! {
        fn two_figures(first: u64, second: &str) { en: "{first} and {second}", es: "{first} y {second}" }
    }

    #[test]
    fn a_message_speaks_both_languages() {
        assert_eq!(two_figures(Language::En, 2_003, "b1"), "2,003 and b1");
        assert_eq!(two_figures(Language::Es, 2_003, "b1"), "2003 y b1");
    }

    /// Words that the product never says in Spanish, and forms that speak to the reader as *tú*. Verb forms that are also
    /// impersonal ("usa", "prueba") cannot be told apart here and are left to the reviewer.
    const FORBIDDEN: &[&str] = &[
        "fallo",
        "fallos",
        "ordenador",
        "ordenadores",
        "fichero",
        "ficheros",
        "tú",
        "tu",
        "tus",
        "ti",
        "contigo",
        "vosotros",
        "vuestro",
        "vuestra",
        "puedes",
        "debes",
        "tienes",
        "quieres",
        "necesitas",
        "haz",
        "caducidad",
        "caduca",
        "caducado",
        "acierto",
        "aciertos",
        "bitácora",
        "justicia",
        "equidad",
        "arnés",
        "adaptador",
        "éxito",
        "sut",
        "solicitud",
        "solicitudes",
        "rendimiento",
    ];

    /// Every literal after `es:` in a Rust or YAML text, with its line.
    fn spanish_literals(text: &str) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in text.match_indices("es:") {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = text[at + 3..].trim_start();
            let Some(rest) = rest.strip_prefix('"') else { continue };
            let mut literal = String::new();
            let mut escaped = false;
            for c in rest.chars() {
                match c {
                    '"' if !escaped => break,
                    '\\' if !escaped => escaped = true,
                    _ => {
                        escaped = false;
                        literal.push(c);
                    }
                }
            }
            found.push((text[..at].lines().count(), literal));
        }
        found
    }

    fn files(directory: &std::path::Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                files(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs" || e == "yaml") {
                into.push(path);
            }
        }
    }

    #[test]
    fn spanish_texts_use_none_of_the_forbidden_words() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut all = Vec::new();
        files(&here.join("src"), &mut all);
        files(&here.join("../scenarios"), &mut all);
        let mut seen = 0;
        let mut wrong = Vec::new();
        for file in &all {
            for (line, literal) in spanish_literals(&std::fs::read_to_string(file).unwrap()) {
                seen += 1;
                let lower = literal.to_lowercase();
                let words: Vec<&str> = lower.split(|c: char| !c.is_alphabetic()).collect();
                for word in FORBIDDEN.iter().filter(|word| words.contains(word)) {
                    wrong.push(format!("{}:{line}: \"{word}\" in \"{literal}\"", file.display()));
                }
                if lower.contains("la caché") {
                    wrong.push(format!("{}:{line}: \"la caché\" in \"{literal}\"", file.display()));
                }
            }
        }
        assert!(seen > 100, "the test finds the texts it should read: {seen}");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
