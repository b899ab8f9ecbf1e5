//! The words of what the source of a submission says, for the rows of a rubric that hold it against the edition.
//!
//! `grade::pages::words` knows which finding takes which. Nothing is read or judged here.

use super::Listed;
use crate::messages;

messages! {
    /// The language is allowed.
    pub fn language_admitted(language_name: &str, files: u64) {
        en: "written in {language_name} (files: {files})",
        es: "escrito en {language_name} (archivos: {files})",
    }
    /// It is not.
    pub fn language_not_admitted(language_name: &str, admitted: Listed<'_, String>) {
        en: "written in {language_name}; this edition admits {admitted}",
        es: "escrito en {language_name}; esta edición admite {admitted}",
    }
    /// Nothing to read.
    pub fn no_source() { en: "no source was found", es: "no se encontró código fuente" }
    /// All modules are allowed.
    pub fn modules_admitted(modules: Listed<'_, String>) {
        en: "imports only what this edition admits: {modules}",
        es: "importa solo lo que esta edición admite: {modules}",
    }
    /// Some are not, each with its place.
    pub fn modules_not_admitted(modules: Listed<'_, String>) {
        en: "imports what this edition does not admit: {modules}",
        es: "importa lo que esta edición no admite: {modules}",
    }
    /// The rule is not about this language.
    pub fn not_python(language_name: &str, uses: Listed<'_, String>) {
        en: "the rule is about Python and this is {language_name}; it uses {uses}",
        es: "la regla es para Python y esto es {language_name}; usa {uses}",
    }
    /// Not everything could be read.
    pub fn modules_not_read(why: &str) {
        en: "what it imports could not be read in full: {why}",
        es: "no se pudo leer todo lo que importa: {why}",
    }
    /// Every section is there.
    pub fn sections_found(readme: &str) {
        en: "{readme} has every section that is asked for",
        es: "{readme} tiene todas las secciones pedidas",
    }
    /// Some are not.
    pub fn sections_missing(readme: &str, missing: Listed<'_, String>) {
        en: "not among the headings of {readme}: {missing}",
        es: "no está entre los títulos de {readme}: {missing}",
    }
    /// No README.
    pub fn no_readme() { en: "there is no README", es: "no hay README" }
}
