//! What `harness init` says: what it saw, what it asks, what came of the trial.
//!
//! `cli::init` prints it, and writes some of it into the adapter as comments. Names of files and lines of source are handed on
//! as they are.

crate::messages! {
    /// A line of what was found.
    pub fn found_entry(file: &str, language: &str) {
        en: "{file}: a program in {language} that listens",
        es: "{file}: un programa en {language} que escucha",
    }
    /// A value is an argument.
    pub fn told_by_argument(what: &str, argument: &str) {
        en: "{what}: by the argument {argument}", es: "{what}: con el argumento {argument}",
    }
    /// A value is a variable of the environment.
    pub fn told_by_environment(what: &str, name: &str) {
        en: "{what}: by the environment, {name}", es: "{what}: con la variable de entorno {name}",
    }
    /// A value is typed.
    pub fn told_by_typing(what: &str) {
        en: "{what}: typed to it", es: "{what}: se le teclea",
    }
    /// A value stands in a configuration file.
    pub fn told_by_file(what: &str, file: &str, line: &str) {
        en: "{what}: in {file}, `{line}`", es: "{what}: en {file}, `{line}`",
    }
    /// A value is a constant of the source.
    pub fn told_by_source(what: &str, file: &str, line: &str) {
        en: "{what}: a constant in {file}, `{line}`; replaced in a private copy, which counts under REQ-10",
        es: "{what}: una constante en {file}, `{line}`; se reemplaza en una copia privada, lo que cuenta en REQ-10",
    }
    /// A value was not found.
    pub fn not_found(what: &str) {
        en: "{what}: not found; write it into the file", es: "{what}: no se encontró; escríbalo en el archivo",
    }
    /// Name of a setting.
    pub fn the_port() { en: "port", es: "puerto" }
    /// Name of a setting.
    pub fn the_backends() { en: "backends", es: "backends" }
    /// Name of a setting.
    pub fn the_ttl() { en: "TTL", es: "TTL" }
    /// Name of a setting.
    pub fn the_log() { en: "log file", es: "archivo de log" }
    /// Name of a setting.
    pub fn the_cache() { en: "cache folder", es: "carpeta del caché" }
    /// It reads its standard input.
    pub fn reads_input() {
        en: "it reads its standard input: write what has to be typed into `stdin`",
        es: "lee su entrada estándar: escriba en `stdin` lo que se debe teclear",
    }
    /// Question.
    pub fn ask_entry() {
        en: "Which file is started? ", es: "¿Qué archivo se ejecuta? ",
    }
    /// Question.
    pub fn ask_arguments() {
        en: "Its arguments, with PORT, TTL and BACKENDS where they belong (empty for none): ",
        es: "Sus argumentos, con PORT, TTL y BACKENDS donde van (vacío si no hay): ",
    }
    /// Question.
    pub fn ask_stdin() {
        en: "What is typed to start it (\\n for Enter, empty for nothing)? ",
        es: "¿Qué se teclea para que arranque (\\n para Enter, vacío si nada)? ",
    }
    /// Nothing that listens was found.
    pub fn no_program(folder: &str) {
        en: "no program that listens was found in {folder} (Python, C or Rust); copy a template of scenarios/suts/templates/ there",
        es: "no se encontró en {folder} un programa que escuche (Python, C o Rust); copie allí una plantilla de scenarios/suts/templates/",
    }
    /// The adapter is there already.
    pub fn exists_already(file: &str, command: &str) {
        en: "{file} exists already; remove it first, or try it: {command}",
        es: "{file} ya existe; elimínelo primero, o pruébelo: {command}",
    }
    /// The adapter could not be written.
    pub fn not_written(file: &str, error: &str) {
        en: "could not write {file}: {error}", es: "no se pudo escribir {file}: {error}",
    }
    /// The adapter was written.
    pub fn written(file: &str) { en: "written: {file}; now it is tried", es: "escrito: {file}; ahora se prueba" }
    /// It listened.
    pub fn listened(after: super::Span) {
        en: "it listened {after} after its start", es: "escuchó {after} después de arrancar",
    }
    /// It answered.
    pub fn answered(status: &str, backend: &str) {
        en: "GET through it: {status}, from {backend}", es: "GET a través de él: {status}, desde {backend}",
    }
    /// It answered by itself.
    pub fn answered_alone(status: &str) {
        en: "GET through it: {status}, and no backend was asked", es: "GET a través de él: {status}, sin preguntar a ningún backend",
    }
    /// It did not answer.
    pub fn unanswered() {
        en: "GET through it: no complete answer", es: "GET a través de él: sin respuesta completa",
    }
    /// What to do now.
    pub fn next_step(command: &str) {
        en: "next: {command}", es: "lo siguiente: {command}",
    }
    /// What to do about a trial that did not work.
    pub fn mend_it(file: &str, command: &str) {
        en: "mend {file} (its comments say where each value was found), then: harness check {file}, {command}",
        es: "corrija {file} (sus comentarios dicen dónde se encontró cada valor) y luego: harness check {file}, {command}",
    }
}
