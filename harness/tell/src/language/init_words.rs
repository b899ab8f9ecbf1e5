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
    /// What was named is no folder.
    pub fn no_folder(folder: &str) {
        en: "there is no folder {folder}; name the one that holds the submission",
        es: "no existe la carpeta {folder}; indique la que contiene la entrega",
    }
    /// Nothing that listens was found.
    pub fn no_program(folder: &str) {
        en: "no program that listens was found in {folder} (C, C++, Go, Java, JavaScript, Python or Rust); copy a template of scenarios/suts/templates/ there",
        es: "no se encontró en {folder} un programa que escuche (C, C++, Go, Java, JavaScript, Python o Rust); copie allí una plantilla de scenarios/suts/templates/",
    }
    /// The adapter is there already.
    pub fn exists_already(file: &str, command: &str) {
        en: "{file} exists already; try it: {command}; or look again and keep what was edited in it: --again",
        es: "{file} ya existe; pruébelo: {command}; o mire de nuevo conservando lo que se editó: --again",
    }
    /// Question.
    pub fn ask_kept(file: &str, rows: &str) {
        en: "{file} exists already. Look again and keep the rows that were edited ({rows})? [Y/n] ",
        es: "{file} ya existe. ¿Mirar de nuevo y conservar las filas editadas ({rows})? [S/n] ",
    }
    /// What stays of a profile that was there.
    pub fn kept(rows: &str) {
        en: "kept as they were edited: {rows}", es: "se conservan como se editaron: {rows}",
    }
    /// The adapter could not be written.
    pub fn not_written(file: &str, error: &str) {
        en: "could not write {file}: {error}", es: "no se pudo escribir {file}: {error}",
    }
    /// The adapter was written.
    pub fn written(file: &str) { en: "written: {file}", es: "escrito: {file}" }
    /// One trial.
    pub fn trial(number: &str, call: &str, came: &str) {
        en: "trial {number}: {call}: {came}", es: "prueba {number}: {call}: {came}",
    }
    /// What came of it.
    pub fn reached(backends: &str) {
        en: "requests reached {backends}", es: "las peticiones llegaron a {backends}",
    }
    /// What came of it.
    pub fn reached_nobody() {
        en: "it listens, but no request reached our backends", es: "escucha, pero ninguna petición llegó a nuestros backends",
    }
    /// What came of it.
    pub fn does_not_fit() {
        en: "what would be replaced does not stand there", es: "lo que se reemplazaría no está ahí",
    }
    /// How a line was confirmed.
    pub fn port_confirmed() {
        en: "confirmed: it listened where it was told", es: "confirmado: escuchó donde se le dijo",
    }
    /// How a line was confirmed.
    pub fn port_is_fixed(port: &str) {
        en: "{port}, whatever it was told: seen in the trial", es: "{port}, sin importar lo que se le diga: se vio en la prueba",
    }
    /// How a line was confirmed.
    pub fn backends_confirmed() {
        en: "confirmed: requests reached b1, b2, b3, which only we had named",
        es: "confirmado: las peticiones llegaron a b1, b2, b3, que solo nosotros habíamos nombrado",
    }
    /// How a line was confirmed.
    pub fn ttl_confirmed() {
        en: "confirmed: told 2 s (or 1 min), entries were gone a moment later; told 1 h, they were not",
        es: "confirmado: con 2 s (o 1 min) las entradas ya no estaban un momento después; con 1 h sí estaban",
    }
    /// Why a line is open.
    pub fn ttl_not_seen() {
        en: "not tried, since nothing was answered from a cache", es: "sin probar, porque nada se respondió desde un caché",
    }
    /// Why a line is open.
    pub fn ttl_open() {
        en: "OPEN: told 2 s and 1 h, entries did not live accordingly; look at this line",
        es: "ABIERTO: con 2 s y con 1 h las entradas no duraron lo que se le dijo; revise esta línea",
    }
    /// How a line was confirmed.
    pub fn log_confirmed() {
        en: "confirmed: our requests stand in it", es: "confirmado: nuestras peticiones están ahí",
    }
    /// Why there is no such line.
    pub fn log_not_seen() {
        en: "no file with our requests appeared; if it writes one, name it: log_file",
        es: "no apareció ningún archivo con nuestras peticiones; si escribe uno, nómbrelo: log_file",
    }
    /// How a line was confirmed.
    pub fn cache_confirmed() {
        en: "confirmed: answers appeared in it", es: "confirmado: ahí aparecieron respuestas",
    }
    /// Why there is no such line.
    pub fn cache_not_seen() {
        en: "nothing was answered from a cache and no file with an answer appeared; it is asked all the same",
        es: "nada se respondió desde un caché ni apareció un archivo con una respuesta; igual se pregunta",
    }
    /// Why a line is open.
    pub fn cache_open() {
        en: "OPEN: answers came from a cache, but no file of it appeared in its folder; if it is kept in memory write `cache: memory`",
        es: "ABIERTO: hubo respuestas desde un caché, pero ningún archivo suyo en su carpeta; si está en memoria escriba `cache: memory`",
    }
    /// Why a line is open.
    pub fn open() {
        en: "OPEN: not confirmed", es: "ABIERTO: sin confirmar",
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
