//! A look at one line of a program: what stands in it, in which function and file, and near what.
//!
//! Words are looked for in small letters, Spanish and English; a list of them is one text with `|` between.

use super::program::{CodeLine, Program};

pub(super) const CACHE: &str =
    "cache|caché|indice|index|entrad|entry|entries|tabla|almac|store|guard|memoria|recurso";
pub(super) const INDEX: &str = "cache|caché|indice|index";
pub(super) const LOG: &str = "log|bitacora|bitácora|registr|traza";
const TURN: &str =
    "turn|siguiente|next|round|robin|indice|idx|index|contador|counter|actual|current|eleg|select";
pub(super) const TTL: &str = "ttl|expir|vigen|caduc|venc|edad|fresh|max_age|vida";
pub(super) const NOW: &str = "time.time|time(null|time(0|time(&|::now(|.now(|monotonic|currenttimemillis|clock_gettime|gettimeofday|nanotime|elapsed";
pub(super) const FILE_TIME: &str = "getmtime|st_mtime|modtime|mtime|modified()|lastmodified";
pub(super) const KEY: &str = "clave|key|llave|hash|md5|sha|nombre";
pub(super) const RECEIVE: &str =
    "recv(|.recv(|read(|.read(|.read_to_end(|read_until(|readline(|recv_into(|.read_line(";
pub(super) const WRITE_OPEN: &str = "\"w\"|'w'|\"wb\"|'wb'|\"w+\"|\"wb+\"|'w+'|file::create|fs::write|o_trunc|writefile|os.create|createwritestream";
pub(super) const THREADS: &str =
    "thread|pthread_create|fork()|spawn|go func|go |executor|asyncio|select.|epoll|poll(|async ";
pub(super) const LOOKED_UP: &str = "get|busca|obten|lookup|leer|consult|load|lee|hit|vigen|fresh|fetch";

/// A line under the eyes of a rule.
pub(super) struct Look<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) position: usize,
    pub(super) text: &'a str,
    /// The port that was taken although another was told.
    pub(super) port: Option<u16>,
    line: &'a CodeLine<'a>,
    function: String,
    path: String,
}

impl<'a> Look<'a> {
    pub(super) fn at(program: &'a Program<'a>, position: usize, port: Option<u16>) -> Look<'a> {
        let line = &program.lines[position];
        let function = program.function_name(position).unwrap_or_default();
        Look { program, position, text: &line.text, port, line, function, path: line.file.to_lowercase() }
    }

    /// Whether one of the words stands in the line.
    pub(super) fn has(&self, words: &str) -> bool {
        words.split('|').any(|word| self.text.contains(word))
    }

    /// Whether the name of the function has one of the words.
    pub(super) fn inside(&self, words: &str) -> bool {
        words.split('|').any(|word| self.function.contains(word))
    }

    /// Whether the name of the file has one of the words.
    pub(super) fn file(&self, words: &str) -> bool {
        words.split('|').any(|word| self.path.contains(word))
    }

    /// Whether one of the words stands in the line or in so many lines around it.
    pub(super) fn near(&self, words: &str, lines: usize) -> bool {
        let all = &self.program.lines;
        let range = self.position.saturating_sub(lines)..(self.position + lines + 1).min(all.len());
        all[range].iter().any(|other| {
            other.file == self.line.file && words.split('|').any(|word| other.text.contains(word))
        })
    }

    /// Whether the line is about the log.
    pub(super) fn of_log(&self) -> bool {
        self.has(LOG) || self.has("print") || self.inside(LOG) || self.file(LOG)
    }

    /// Whether the line names something that is about turns.
    pub(super) fn of_turn(&self) -> bool {
        speaks_of_turns(self.text)
    }

    /// Whether the line takes a remainder; the sign in a format is none.
    pub(super) fn modulo(&self) -> bool {
        takes_remainder(self.text)
    }

    /// Whether the line begins a function instead of calling one.
    pub(super) fn defines(&self) -> bool {
        let text = self.text.trim_start_matches("pub ").trim_start_matches("async ");
        [
            "def ",
            "fn ",
            "func ",
            "function ",
            "static ",
            "void ",
            "int ",
            "class ",
            "import ",
            "from ",
            "use ",
            "#include",
        ]
        .iter()
        .any(|word| text.starts_with(word))
    }

    pub(super) fn in_loop(&self) -> bool {
        self.program.in_loop(self.position)
    }

    /// Whether the only loop around the line is the one that takes clients: then it runs once for each.
    pub(super) fn in_accept_loop_only(&self) -> bool {
        self.program.function(self.position).any(|(_, line)| line.text.contains("accept("))
    }

    /// How often one of the words stands in the function of the line.
    pub(super) fn times_in_function(&self, words: &str) -> usize {
        let of_line = |text: &str| words.split('|').map(|word| text.matches(word).count()).sum::<usize>();
        self.program.function(self.position).map(|(_, line)| of_line(&line.text)).sum()
    }
}

/// Whether a name in a line is about turns.
pub(super) fn speaks_of_turns(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|name| {
        name == "rr" || name.starts_with("rr_") || TURN.split('|').any(|word| name.contains(word))
    })
}

/// Whether a line has a `%` outside of its texts.
pub(super) fn takes_remainder(text: &str) -> bool {
    text.replace("\\\"", "").split('"').step_by(2).any(|code| code.contains('%'))
}

/// Points for what holds.
pub(super) fn yes(holds: bool, points: i32) -> i32 {
    if holds { points } else { 0 }
}

/// The numbers in a line.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter_map(|word| word.parse().ok())
}
