//! What a mistake looks like in the source: for each cause, which line of a program would be the one.
//!
//! A line found here is read, not measured: reports say so. A rule gives points to a line; the best one is named where it has enough
//! of them. Words are looked for in small letters, Spanish and English.

use super::program::{CodeLine, Program};
use crate::check::Cause;

/// Points that a line needs to be named.
const ENOUGH: i32 = 3;

const CACHE: [&str; 13] = [
    "cache", "caché", "indice", "index", "entrad", "entry", "entries", "tabla", "almac", "store", "guard",
    "memoria", "recurso",
];
const LOG: [&str; 6] = ["log", "bitacora", "bitácora", "registr", "traza", "print"];
const TURN: [&str; 16] = [
    "turn",
    "siguiente",
    "next",
    "rr",
    "round",
    "robin",
    "indice",
    "idx",
    "index",
    "contador",
    "counter",
    "actual",
    "current",
    "pos",
    "eleg",
    "select",
];
const TTL: [&str; 9] = ["ttl", "expir", "vigen", "caduc", "venc", "edad", "fresh", "max_age", "vida"];
const NOW: [&str; 12] = [
    "time.time",
    "time(null",
    "time(0",
    "time(&",
    "::now(",
    ".now(",
    "monotonic",
    "currenttimemillis",
    "clock_gettime",
    "gettimeofday",
    "nanotime",
    "elapsed",
];
const FILE_TIME: [&str; 6] = ["getmtime", "st_mtime", "modtime", "mtime", "modified()", "lastmodified"];
const KEY: [&str; 7] = ["clave", "key", "llave", "hash", "md5", "sha", "nombre"];
const RECEIVE: [&str; 9] = [
    "recv(",
    ".recv(",
    "read(",
    ".read(",
    ".read_to_end(",
    "read_until(",
    "readline(",
    "recv_into(",
    ".read_line(",
];
const WRITE_OPEN: [&str; 12] = [
    "\"w\"",
    "'w'",
    "\"wb\"",
    "'wb'",
    "\"w+\"",
    "\"wb+\"",
    "'w+'",
    "file::create",
    "fs::write",
    "o_trunc",
    "writefile",
    "os.create",
];
const THREADS: [&str; 12] = [
    "thread",
    "pthread_create",
    "fork()",
    "spawn",
    "go func",
    "go ",
    "executor",
    "asyncio",
    "select.",
    "epoll",
    "poll(",
    "async ",
];

/// The line that a cause would be at, where the source has one that looks like it.
pub(super) fn line_of(cause: Cause, program: &Program<'_>, port: Option<u16>) -> Option<usize> {
    let context = Context { program, port };
    let points = |position: usize| context.points(cause, position, &program.lines[position]);
    let best = (0..program.lines.len()).map(|position| (points(position), position));
    let (points, position) = best.max_by_key(|(points, position)| (*points, std::cmp::Reverse(*position)))?;
    (points >= ENOUGH).then_some(position)
}

/// Whether the source speaks against a cause.
pub(super) fn refuted(cause: Cause, program: &Program<'_>) -> bool {
    match cause {
        Cause::PortNotReusable => program.any(&[
            "so_reuseaddr",
            "so_reuseport",
            "reuse_port=true",
            "allow_reuse_address = true",
            "tcplistener::bind",
        ]),
        Cause::BrokenPipe => program.any(&["sig_ign", "msg_nosignal"]),
        _ => false,
    }
}

struct Context<'a> {
    program: &'a Program<'a>,
    port: Option<u16>,
}

impl Context<'_> {
    fn points(&self, cause: Cause, position: usize, line: &CodeLine<'_>) -> i32 {
        let text = line.text.as_str();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let function = self.program.function_name(position).unwrap_or_default();
        let inside = |words: &[&str]| words.iter().any(|word| function.contains(word));
        let file = |words: &[&str]| words.iter().any(|word| line.file.to_lowercase().contains(word));
        let near = |words: &[&str], lines: usize| {
            let range = position.saturating_sub(lines)..(position + lines + 1).min(self.program.lines.len());
            let around = &self.program.lines[range];
            around
                .iter()
                .any(|other| other.file == line.file && words.iter().any(|word| other.text.contains(word)))
        };
        let yes = |all: bool, points: i32| if all { points } else { 0 };
        let of_log = has(&LOG) || inside(&LOG[..5]);
        match cause {
            Cause::BacklogTooShort => {
                yes(has(&["listen("]) && !text.starts_with("def "), 4)
                    + yes(numbers(text).any(|n| n < 128), 2)
            }
            Cause::ServedOneByOne => {
                let pool = has(&[
                    "max_workers",
                    "threadpool",
                    "semaphore",
                    "newfixedthreadpool",
                    "num_threads",
                    "n_hilos",
                    "hilos =",
                ]) && numbers(text).any(|n| n < 16);
                let accepts = has(&["accept(", ".incoming()", ".accept()", "acceptor"]);
                yes(pool, 6)
                    + yes(accepts && !self.program.any(&THREADS), 5)
                    + yes(accepts && self.program.in_loop(position), 2)
            }
            Cause::PortNotReusable => yes(has(&["bind("]) && !text.starts_with("def "), 5),
            Cause::CacheInMemory | Cause::IndexInMemory => {
                let table = has(&[
                    "= {}",
                    "={}",
                    "dict()",
                    "hashmap::new",
                    "btreemap::new",
                    "new hashmap",
                    "make(map",
                    "new map(",
                    "ordereddict(",
                ]) || (has(&["struct ", "static "]) && has(&["["]) && text.ends_with(';'));
                let cleared = cause == Cause::IndexInMemory
                    && has(&["rmtree", "remove_dir_all", "removeall", "rm -rf", "rmsync"]);
                yes(cleared, 9)
                    + yes(table && (has(&CACHE) || file(&CACHE[..1])), 4)
                    + yes(table && has(&CACHE[..4]), 2)
                    - yes(has(&["header", "cabecera", "encabezado", "campo", "config"]), 4)
            }
            Cause::CacheElsewhere => {
                yes(
                    has(&[
                        "\"/tmp",
                        "'/tmp",
                        "temp_dir",
                        "gettempdir",
                        "\"/var",
                        "mkdtemp",
                        "tempfile",
                        "expanduser",
                        "\"..",
                        "'..",
                    ]),
                    4,
                ) + yes(has(&CACHE) || near(&CACHE, 2), 2)
            }
            Cause::WrittenInPlace => {
                yes(has(&WRITE_OPEN), 3) + yes(has(&CACHE) || inside(&CACHE) || file(&CACHE), 2)
                    - yes(of_log || has(&["tmp", "temp", "config"]), 4)
                    + yes(self.program.in_loop(position), -1)
            }
            Cause::PickedAtRandom => yes(
                has(&[
                    "random.",
                    "rand()",
                    "rand::",
                    "rng",
                    "math.random",
                    "rand.intn",
                    "randint",
                    "random_range",
                    "srand",
                    "choice(",
                ]) && !has(&["import", "use ", "#include", "srand"]),
                5,
            ),
            Cause::UnlockedCounter => {
                let steps = has(&["+= 1", "++", "+ 1)", "+1)", "+ 1 ", "fetch_add"]) || text.contains('%');
                yes(steps && has(&TURN), 4) + yes(text.contains('%'), 2) + yes(inside(&TURN), 1)
            }
            Cause::PartOfTheList => {
                let turn = text.contains('%') && (has(&TURN) || has(&["len(", "size", "count", "num", "n_"]));
                let part = has(&["[0]", "[:", "- 1)", "-1)", "% 2", "% 3", "%3", "%2", "get(0)", ".first()"]);
                let backends =
                    has(&["backend", "servidor", "server", "destino", "upstream", "origen"]) || has(&TURN);
                yes(turn, 3) + yes(part && backends, 3)
            }
            Cause::TurnPerConnection => {
                let steps = text.contains('%') && has(&TURN);
                let chosen = has(&[
                    "eleg",
                    "siguiente",
                    "next_backend",
                    "next(",
                    "pick",
                    "escog",
                    "select",
                    "balance",
                    "turno",
                    "getbackend",
                    "get_backend",
                    "obtener_servidor",
                ]) && text.contains('(')
                    && text.contains('=');
                yes(
                    chosen && !inside(&["eleg", "siguiente", "next", "pick", "escog", "select", "balance"]),
                    5,
                ) + yes(steps, 3)
            }
            Cause::ListInSource => {
                let address = has(&["127.0.0.", "localhost", "192.168.", "\"10.", "'10.", "172.", "ec2-"]);
                yes(address, 3)
                    + yes(
                        has(&["backend", "servidor", "server", "destino", "origen", "upstream"])
                            || near(&["backend", "servidor", "server", "upstream"], 2),
                        2,
                    )
                    + yes(has(&["[", "{", "("]), 1)
                    - yes(has(&["bind(", "listen"]), 3)
            }
            Cause::PortInSource => {
                let told = self.port.map(|port| port.to_string());
                let number = told.as_deref().is_some_and(|port| text.contains(port));
                let constant = has(&["port", "puerto"])
                    && has(&["=", "define", "const "])
                    && numbers(text).any(|n| n > 999);
                yes(number, 4) + yes(constant, 3) + yes(has(&["bind("]), 2)
            }
            Cause::TtlNeverCompared | Cause::TtlMiscounted => {
                let compares = has(&[" < ", " > ", " <= ", " >= ", "<=", ">="]) && has(&TTL);
                let counts = has(&NOW) && (has(&TTL) || has(&["-", "+"]));
                let looked_up = inside(&[
                    "get", "busca", "obten", "lookup", "leer", "consult", "load", "lee", "vigen", "fresh",
                    "fetch",
                ]);
                let unit = cause == Cause::TtlMiscounted
                    && has(&TTL)
                    && has(&[
                        "* 60",
                        "*60",
                        "* 1000",
                        "*1000",
                        "* 2",
                        "*2",
                        "from_secs",
                        "from_millis",
                        "time.second",
                        "time.minute",
                        "/ 1000",
                        "int(",
                    ]);
                yes(compares, 4)
                    + yes(counts, 2)
                    + yes(looked_up && (compares || counts), 1)
                    + yes(unit, 3)
                    + yes(
                        cause == Cause::TtlNeverCompared
                            && looked_up
                            && (has(&CACHE) || file(&CACHE))
                            && has(&["open(", ".get(", "[", "read("]),
                        3,
                    )
                    - yes(of_log || has(&["argv", "argparse", "config"]), 2)
            }
            Cause::TtlConstant => {
                let constant = has(&TTL)
                    && has(&["=", "define", "const ", ":"])
                    && numbers(text).any(|n| n >= 1)
                    && !has(&["==", "argv", "args", ".get(", "getint", "parse"]);
                yes(constant, 5) + yes(has(&["const ", "define", "static "]), 1)
            }
            Cause::HitRenewsEntry => {
                let touches = has(&[
                    "os.utime",
                    "utime(",
                    "utimes(",
                    "chtimes",
                    "touch",
                    "set_modified",
                    "ultimo",
                    "último",
                    "last_use",
                    "last_access",
                    "acceso",
                ]);
                let assigns =
                    has(&NOW) && text.contains('=') && !has(&["==", " < ", " > ", " - ", ">=", "<="]);
                let looked_up = inside(&[
                    "get", "busca", "obten", "lookup", "leer", "consult", "load", "lee", "hit", "vigen",
                ]);
                yes(touches, 4) + yes(assigns && looked_up, 4) + yes(assigns && has(&["[", ".", "->"]), 1)
            }
            Cause::CacheEmptiedAtOnce => {
                yes(
                    has(&["rmtree", ".clear()", "remove_dir_all", "removeall", "vaciar", "purg", "limpiar"]),
                    4,
                ) + yes(has(&CACHE) || inside(&CACHE), 1)
            }
            Cause::ClockRestarted => {
                let loaded = inside(&[
                    "carg",
                    "load",
                    "restor",
                    "recuper",
                    "init",
                    "start",
                    "abrir",
                    "leer_indice",
                    "new",
                ]);
                yes(has(&FILE_TIME), 4) + yes(has(&NOW) && loaded, 4) + yes(has(&CACHE) || near(&CACHE, 3), 1)
            }
            Cause::MethodNotInKey => {
                let key = has(&KEY) && text.contains('=') && !has(&["==", "import", "header", "cabecera"]);
                let looked_up = has(&[
                    "cache.get(",
                    "cache.buscar(",
                    "lookup(",
                    "buscar_cache(",
                    "leer_cache(",
                    "cache_get(",
                    "cache_buscar(",
                    "obtener(",
                    "consultar(",
                ]) && !text.starts_with("def ")
                    && !text.starts_with("fn ");
                yes(key && (has(&CACHE) || inside(&CACHE) || inside(&KEY) || file(&CACHE)), 4)
                    + yes(looked_up, 4)
            }
            Cause::KeysCollide | Cause::NamesOfFiles => {
                let cut = has(&[
                    "replace(",
                    "split('?')",
                    "split(\"?\")",
                    "[:",
                    "split_once('?')",
                    "strchr(",
                    "partition('?')",
                    "partition(\"?\")",
                    "basename",
                    "urlparse",
                    ".path",
                    "quote(",
                    "strtok(",
                    "gsub",
                    "'_'",
                    "\"_\"",
                ]);
                let key = has(&KEY)
                    || inside(&KEY)
                    || inside(&CACHE)
                    || file(&CACHE)
                    || has(&["ruta", "path", "archivo", "fichero"]);
                yes(cut && key, 4)
                    + yes(has(&["'_'", "\"_\""]), 2)
                    + yes(inside(&KEY) || inside(&["ruta", "archivo", "path", "file"]), 1)
                    - yes(
                        of_log || has(&["config", "header", "cabecera", "import", "argv", "os.path.join"]),
                        3,
                    )
            }
            Cause::TreatedAsText | Cause::StoredIncompletely => {
                let text_only = has(&[
                    "errors='ignore'",
                    "errors=\"ignore\"",
                    "'ignore'",
                    "\"ignore\"",
                    "'replace'",
                    "\"replace\"",
                    "from_utf8",
                    "strlen(",
                    "strcpy(",
                    "strncpy(",
                    "strcat(",
                    "strdup(",
                    "latin",
                    "tostring(",
                    "setencoding",
                    "\"%s\"",
                    "fputs(",
                ]);
                let body = has(&[
                    "cuerpo",
                    "body",
                    "datos",
                    "data",
                    "resp",
                    "respuesta",
                    "buf",
                    "contenido",
                    "content",
                ]);
                let decoded = has(&[".decode(", ".encode("])
                    && body
                    && !has(&["head", "cabec", "encab", "linea", "línea", "line"]);
                yes(text_only, 3)
                    + yes(text_only && body, 2)
                    + yes(decoded, 4)
                    + yes(text_only && (inside(&CACHE) || file(&CACHE)), 1)
                    - yes(
                        has(&["head", "cabec", "encab", "linea", "método", "metodo", "config", "argv"])
                            || of_log,
                        3,
                    )
            }
            Cause::FirstReadOnly | Cause::PassedOnIncompletely | Cause::ChunksNotRead => {
                let from_client = has(&["cli", "conn", "fd", "sock", "stream"])
                    || inside(&["peticion", "request", "atiend", "atender", "handle", "client", "manej"]);
                let from_backend = has(&["back", "serv", "up", "origen", "remot", "dest"])
                    || inside(&[
                        "backend",
                        "reenv",
                        "forward",
                        "servidor",
                        "origen",
                        "upstream",
                        "respuesta",
                    ]);
                let side = if cause == Cause::PassedOnIncompletely {
                    from_backend
                } else {
                    from_client && !has(&["back", "upstream", "origen", "remot"])
                };
                let once = !self.program.in_loop(position) || self.in_accept_loop_only(position);
                let reads = has(&RECEIVE) && !has(&["open(", "file", "arch", "def ", "fn "]);
                yes(reads, 2) + yes(reads && side, 1) + yes(reads && once, 2)
            }
            Cause::WaitsForClose => {
                let from_backend = has(&["back", "serv", "up", "origen", "remot", "dest"])
                    || inside(&[
                        "backend",
                        "reenv",
                        "forward",
                        "servidor",
                        "origen",
                        "upstream",
                        "respuesta",
                        "pedir",
                    ]);
                let reads = has(&RECEIVE) && !has(&["open(", "file", "arch", "def ", "fn "]);
                let until_end = reads
                    && (self.program.in_loop(position)
                        || has(&["read_to_end", "readall", "io.readall", "copy("]));
                yes(until_end, 3) + yes(until_end && from_backend, 2)
            }
            Cause::NeverCloses => yes(
                has(&["sendall(", "send(", "write_all(", "write("])
                    && inside(&["atend", "handle", "client", "manej"]),
                3,
            ),
            Cause::BackendErrorIgnored => {
                let connects = has(&[
                    "connect(",
                    "tcpstream::connect",
                    "net.dial",
                    "createconnection",
                    "http.request",
                    "connect_timeout",
                    "create_connection",
                ]);
                yes(connects && !text.starts_with("def ") && !text.starts_with("fn "), 5)
                    + yes(text.contains('?') || has(&["unwrap", "expect("]), 1)
            }
            Cause::StatusNotLookedAt
            | Cause::DirectivesIgnored
            | Cause::PartOfAnswerStored
            | Cause::PartStored
            | Cause::StoredTogether => {
                let stores = has(&[
                    "guardar",
                    "cache.set",
                    "cache.put",
                    "cache.guard",
                    "store(",
                    "almacen",
                    "put(",
                    "insert(",
                    "save(",
                    "cache[",
                    "cache_put",
                    "cache_store",
                    "guarda(",
                ]) && text.contains('(') | has(&["] ="]);
                let defines = ["def ", "fn ", "func ", "static ", "void ", "int "]
                    .iter()
                    .any(|word| text.starts_with(word));
                let called = !inside(&["guard", "store", "put", "set", "almac", "save", "escrib"]);
                let asks =
                    text.starts_with("if ") || text.starts_with("if(") || text.starts_with("} else if");
                yes(stores && !defines && (called || cause == Cause::StoredTogether), 4)
                    + yes(stores && asks, 1)
                    + yes(
                        cause == Cause::StatusNotLookedAt
                            && asks
                            && has(&["status", "codigo", "código", "estado", "200"]),
                        3,
                    )
                    - yes(of_log || has(&["header", "cabecera", "map[", "dict"]), 3)
            }
            Cause::LogNotWritten | Cause::HalfLogged | Cause::LogOfOneBranch => {
                let opens = has(&[
                    "open(",
                    "fopen(",
                    "openoptions",
                    "file::create",
                    "os.openfile",
                    "basicconfig",
                    "filehandler",
                ]) && has(&LOG[..5]);
                yes(opens, 3) + yes(inside(&LOG[..5]) && has(&["write", "print", "fprintf"]), 3)
            }
            Cause::BrokenPipe => {
                yes(has(&["send(", "write(", "write_all("]) && !of_log, 2)
                    + yes(has(&["cli", "conn", "fd", "sock"]), 2)
            }
            Cause::SentTwice => {
                yes(
                    has(&["sendall(", "send(", "write_all("])
                        && has(&["back", "serv", "up", "origen", "dest"]),
                    3,
                ) + yes(
                    has(&["reintent", "retry", "intento", "attempt"]) && has(&["for ", "while", "range("]),
                    5,
                )
            }
            Cause::RequestRebuilt | Cause::BodilessIgnored => {
                let builds = has(&["http/1.1", "http/1.0"])
                    && has(&["get", "{", "%s", "method", "metodo", "método", "+"])
                    && !has(&["200", "50", "40", "==", "startswith"]);
                yes(builds, 5)
            }
            Cause::AnswerRebuilt => yes(
                has(&["http/1.1 ", "http/1.0 "])
                    && has(&["200", "{", "%s", "%d", "status", "ok"])
                    && !has(&["50", "40"]),
                5,
            ),
            _ => 0,
        }
    }

    /// Whether the only loop around a line is the one that takes clients: then it runs once for each.
    fn in_accept_loop_only(&self, position: usize) -> bool {
        self.program.function(position).any(|(_, line)| line.text.contains("accept("))
    }
}

fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter_map(|word| word.parse().ok())
}
