//! The source of the program that ran, line by line: which files belong to it, and for each line its function and its loops.
//!
//! Folders of submissions hold more than the program: backends, clients, last week's version. What was started is known, and what
//! it takes in is followed from there.

use harness_model::history::{EventKind, Record, SourceFile, SourcePlace, SourceTree};

/// A line of code, without its comment.
#[derive(Clone, Debug)]
pub(super) struct CodeLine<'a> {
    pub(super) file: &'a str,
    pub(super) number: u32,
    /// In small letters, without indentation and comment.
    pub(super) text: String,
    indent: usize,
    /// Position of the line that begins its function.
    function: Option<usize>,
}

/// The lines of a program.
#[derive(Clone, Debug, Default)]
pub(super) struct Program<'a> {
    pub(super) lines: Vec<CodeLine<'a>>,
}

/// Parts of names of files that are not the program.
const BESIDE: [&str; 20] = [
    "viej",
    "old",
    "copia",
    "copy",
    "backup",
    "bak",
    "respaldo",
    "prueba",
    "test",
    "cliente",
    "client",
    "servidor",
    "servidores",
    "backend",
    "back_end",
    "origen",
    "origin",
    "app_web",
    "web",
    "ejemplo",
];

impl<'a> Program<'a> {
    /// The program that a run started, as far as its source is kept.
    pub(super) fn of(record: &'a Record) -> Program<'a> {
        let source = &record.beside.source;
        let started = record.events.iter().find_map(|event| match &event.event {
            EventKind::ProxyStarting { argv, .. } => Some(argv.as_slice()),
            _ => None,
        });
        let files = match entry(source, started.unwrap_or_default()) {
            Some(entry) => reached(source, entry),
            None => Vec::new(),
        };
        Program { lines: files.into_iter().flat_map(lines_of).collect() }.with_functions()
    }

    #[cfg(test)]
    pub(super) fn of_files(files: &'a [SourceFile]) -> Program<'a> {
        Program { lines: files.iter().flat_map(lines_of).collect() }.with_functions()
    }

    fn with_functions(mut self) -> Program<'a> {
        let mut current: Option<(usize, &str)> = None;
        for position in 0..self.lines.len() {
            let line = &self.lines[position];
            if begins_function(&line.text, line.file, line.indent) {
                current = Some((position, line.file));
            }
            let own = current.filter(|(_, file)| *file == self.lines[position].file).map(|(begin, _)| begin);
            self.lines[position].function = own;
        }
        self
    }

    pub(super) fn place(&self, position: usize) -> SourcePlace {
        let line = &self.lines[position];
        SourcePlace { file: line.file.to_owned(), line: line.number, function: self.function_name(position) }
    }

    /// The name of the function around a line.
    pub(super) fn function_name(&self, position: usize) -> Option<String> {
        let begin = &self.lines[self.lines[position].function?].text;
        let before = begin.split('(').next().unwrap_or_default();
        // A method of Go has its receiver in front.
        let before = match begin.strip_prefix("func (") {
            Some(rest) => {
                rest.split_once(") ").map_or(before, |(_, name)| name.split('(').next().unwrap_or(name))
            }
            None => before,
        };
        let name = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Whether a place that was seen lies in the function of a line.
    pub(super) fn same_function(&self, position: usize, seen: &SourcePlace) -> bool {
        let Some(begin) = self.lines[position].function else { return false };
        let at = self.lines.iter().position(|line| line.file == seen.file && line.number >= seen.line);
        at.is_some_and(|at| self.lines[at].function == Some(begin))
    }

    /// The lines of the function around a line, itself included.
    pub(super) fn function(&self, position: usize) -> impl Iterator<Item = (usize, &CodeLine<'a>)> {
        let begin = self.lines[position].function;
        self.lines.iter().enumerate().filter(move |(_, line)| begin.is_some() && line.function == begin)
    }

    /// Whether the line stands in a loop of its function that repeats it: an endless `accept` loop around it counts as well.
    pub(super) fn in_loop(&self, position: usize) -> bool {
        let mut indent = self.lines[position].indent;
        let begin = self.lines[position].function.unwrap_or(0);
        for line in self.lines[begin..position].iter().rev() {
            if line.indent < indent {
                indent = line.indent;
                let words = ["while", "for ", "for(", "loop {", "loop{", "} while", "do {"];
                if words.iter().any(|word| line.text.starts_with(word)) {
                    return true;
                }
            }
        }
        // A loop may stand on one line with what it repeats: `while ((n = recv(…)) > 0)`.
        let text = &self.lines[position].text;
        ["while", "for ", "for("].iter().any(|word| text.starts_with(word))
    }

    /// Whether one of the words, with `|` between, stands anywhere in it.
    pub(super) fn any(&self, words: &str) -> bool {
        self.lines.iter().any(|line| words.split('|').any(|word| line.text.contains(word)))
    }
}

/// The file that was started; of a compiled program the one with its `main` that also listens, or lies beside one that does.
fn entry<'a>(source: &'a SourceTree, argv: &[String]) -> Option<&'a SourceFile> {
    let beside = |file: &SourceFile| {
        let path = file.path.to_lowercase();
        BESIDE.iter().any(|word| path.contains(word))
    };
    let started = argv.iter().find_map(|word| {
        // The home of the user is `~` in a record.
        let word = word.strip_prefix("~/").unwrap_or(word);
        source.own(word).or_else(|| {
            let ends = |file: &&SourceFile| word.ends_with(&format!("/{}", file.path));
            source.files.iter().filter(ends).max_by_key(|file| file.path.len())
        })
    });
    if started.is_some() {
        return started;
    }
    let program = argv.first().and_then(|program| program.rsplit('/').next()).unwrap_or_default();
    // A shell script, a build, `go run`: the file with the beginning of a program.
    let begins = |file: &&SourceFile| {
        let begins = ["int main(", "int main (", "fn main()", "func main()", "void main(", "__main__"];
        begins.iter().any(|word| file.text.contains(word))
    };
    let score = |file: &&SourceFile| {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let together: String = source
            .files
            .iter()
            .filter(|other| other.path.starts_with(folder))
            .map(|other| other.text.as_str())
            .collect();
        let both = ["listen", "bind", "Listen"].iter().any(|word| together.contains(word))
            && ["connect", "Dial", "createConnection", "http.request", "fetch("]
                .iter()
                .any(|word| together.contains(word));
        let named = !program.is_empty() && file.path.contains(program);
        i32::from(both) * 2 + i32::from(named) * 3 - i32::from(beside(file)) * 4
    };
    source.files.iter().filter(begins).max_by_key(|file| (score(file), std::cmp::Reverse(file.path.len())))
}

/// What is taken in from a file on: named modules for scripts, the whole package for what is compiled.
fn reached<'a>(source: &'a SourceTree, entry: &'a SourceFile) -> Vec<&'a SourceFile> {
    let ending = |path: &str| path.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_owned());
    let language = |path: &str| match ending(path).as_str() {
        "h" | "hpp" | "cc" | "cpp" => "c".to_owned(),
        "mjs" | "ts" => "js".to_owned(),
        other => other.to_owned(),
    };
    let own = language(&entry.path);
    let scripts = own == "py" || own == "js";
    let folder = entry.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = vec![entry];
    if !scripts {
        let mains = ["int main(", "int main (", "fn main()", "func main()"];
        let other_program = |file: &SourceFile| mains.iter().any(|word| file.text.contains(word));
        let same = |file: &&SourceFile| {
            language(&file.path) == own && file.path.starts_with(folder) && !other_program(file)
        };
        found.extend(source.files.iter().filter(same).filter(|file| file.path != entry.path));
        return found;
    }
    let mut next = 0;
    while let Some(file) = found.get(next).copied() {
        next += 1;
        let takes = |name: &str| {
            file.text.lines().map(str::trim_start).any(|line| {
                let takes =
                    ["import ", "from ", "const ", "let ", "var "].iter().any(|word| line.starts_with(word));
                takes && words_of(line).any(|word| word == name)
            })
        };
        for other in &source.files {
            let stem = other
                .path
                .rsplit('/')
                .next()
                .and_then(|name| name.rsplit_once('.'))
                .map_or("", |(stem, _)| stem);
            let package = other.path.rsplit('/').nth(1).unwrap_or_default();
            let name = if stem == "__init__" { package } else { stem };
            let is_new = !found.iter().any(|known| known.path == other.path);
            if is_new && language(&other.path) == own && takes(name) && !in_an_old_folder(&other.path, folder)
            {
                found.push(other);
            }
        }
    }
    found
}

/// A copy of last week's module bears the same name.
fn in_an_old_folder(path: &str, folder: &str) -> bool {
    let outside = !path.starts_with(folder);
    let old = ["viej", "old", "copia", "backup", "bak", "respaldo"]
        .iter()
        .any(|word| path.to_lowercase().contains(word));
    old && (outside || !folder.to_lowercase().contains("viej"))
}

fn words_of(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

fn lines_of(file: &SourceFile) -> Vec<CodeLine<'_>> {
    let hash = file.path.ends_with(".py") || file.path.ends_with(".rb");
    let mut inside = false;
    let mut lines = Vec::new();
    for (number, raw) in (1u32..).zip(file.text.lines()) {
        let text = raw.trim_start();
        let indent =
            raw.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 4 } else { 1 }).sum();
        let quotes = if hash { text.matches("\"\"\"").count() + text.matches("'''").count() } else { 0 };
        let comment = if hash {
            let whole =
                inside || text.starts_with('#') || text.starts_with("\"\"\"") || text.starts_with("'''");
            if quotes % 2 == 1 {
                inside = !inside;
            }
            whole
        } else {
            let begins = text.starts_with("/*");
            let whole = inside || begins || text.starts_with("//") || text.starts_with("* ");
            if begins {
                inside = true;
            }
            if inside && text.contains("*/") {
                inside = false;
            }
            whole
        };
        if comment || text.trim_end().is_empty() {
            continue;
        }
        let mark = if hash { " #" } else { "// " };
        let code = match text.split_once(mark) {
            // A quote behind the mark may mean that it stands inside a text.
            Some((code, rest)) if !rest.contains(['"', '\'']) => code,
            _ => text,
        };
        let text = code.trim_end().to_lowercase();
        lines.push(CodeLine { file: &file.path, number, text, indent, function: None });
    }
    lines
}

fn begins_function(text: &str, file: &str, indent: usize) -> bool {
    let text =
        text.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
    let text = text.trim_start_matches("async ").trim_start_matches("static ").trim_start_matches("unsafe ");
    match file.rsplit('.').next().unwrap_or_default() {
        "py" => text.starts_with("def "),
        "rs" => text.starts_with("fn "),
        "go" => text.starts_with("func "),
        "js" | "mjs" | "ts" => {
            text.starts_with("function ") || (text.ends_with('{') && text.contains("=> ")) && indent == 0
        }
        "c" | "h" | "cc" | "cpp" | "hpp" => {
            indent == 0 && text.contains('(') && !text.ends_with(';') && !text.starts_with(['#', '}', '{'])
        }
        "java" | "cs" => {
            ["public ", "private ", "protected ", "static "].iter().any(|word| text.starts_with(word))
                && text.contains('(')
                && !text.ends_with(';')
        }
        _ => false,
    }
}
