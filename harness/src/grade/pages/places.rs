//! Where the pages of a grading lie: names of files and folders, and the paths from one to another.

use harness_tell::language::Language;

/// Where the pages for the defence lie, each in a folder with the team's code.
pub(super) const DEFENCE: &str = "defence";

/// The index in a language.
pub(super) fn index_of(language: Language) -> String {
    format!("index.{}.html", language.code())
}

/// The page for the defence of a team, from the folder of the grading.
pub(super) fn defence_of(code: &str, language: Language) -> String {
    format!("{DEFENCE}/{code}/{}", defence_file(language))
}

/// The page for the defence of all teams, from the folder of the grading.
pub(super) fn all_defences_of(language: Language) -> String {
    format!("{DEFENCE}/{}", all_defences(language))
}

/// Its name.
pub(super) const fn all_defences(language: Language) -> &'static str {
    match language {
        Language::En => "all.html",
        Language::Es => "todas.html",
    }
}

/// The name of the page for the defence in a language.
pub(super) const fn defence_file(language: Language) -> &'static str {
    match language {
        Language::En => "defence.en.html",
        Language::Es => "sustentacion.es.html",
    }
}
