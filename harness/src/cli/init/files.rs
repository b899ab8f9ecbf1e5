//! The texts of a folder that may belong to a program: sources, configurations, build files, the README.
//!
//! `look` reads them once. They may be written in any way, so that one letter of a name in a comment hides no
//! program. It follows no link and enters no folder that holds somebody else's code.

use std::path::Path;

use crate::grade::environment;
use harness_model::adapter::is_profile;
use harness_model::scenario::read;

/// A language of submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Python,
    C,
    Cpp,
    Rust,
    Node,
    Go,
    Java,
}

impl Tongue {
    fn of(extension: &str) -> Option<Tongue> {
        Some(match extension {
            "py" => Tongue::Python,
            "c" => Tongue::C,
            "cpp" | "cc" | "cxx" => Tongue::Cpp,
            "rs" => Tongue::Rust,
            "js" | "mjs" | "cjs" => Tongue::Node,
            "go" => Tongue::Go,
            "java" => Tongue::Java,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Tongue::Python => "Python",
            Tongue::C => "C",
            Tongue::Cpp => "C++",
            Tongue::Rust => "Rust",
            Tongue::Node => "JavaScript",
            Tongue::Go => "Go",
            Tongue::Java => "Java",
        }
    }
}

/// A text file.
#[derive(Clone, Debug)]
pub(super) struct TextFile {
    /// Relative to the folder, with `/`.
    pub(super) name: String,
    pub(super) text: String,
    /// The same, with every comment blanked byte by byte, and the paths that Go imports, which are quoted like any text: what stands at a
    /// place here stands there in the text.
    pub(super) code: String,
    /// `None` for what is no source.
    pub(super) tongue: Option<Tongue>,
    /// Whether its bytes are no UTF-8: then they are taken for Latin-1, and its compiler must be told.
    pub(super) is_latin_1: bool,
}

impl TextFile {
    pub(super) fn new(name: String, text: String) -> TextFile {
        let tongue = Tongue::of(extension(&name));
        let mut code = without_comments(&text, comments_of(&name, tongue));
        if tongue == Some(Tongue::Go) {
            code = without_imports(&code);
        }
        TextFile { name, text, code, tongue, is_latin_1: false }
    }

    /// The folder that it lies in; empty for the root.
    pub(super) fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Its name without folders.
    pub(super) fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// Its name without folders and extension.
    pub(super) fn stem(&self) -> &str {
        self.base().rsplit_once('.').map_or(self.base(), |(stem, _)| stem)
    }

    /// The package of a source of Java, where it says one.
    pub(super) fn package(&self) -> Option<&str> {
        self.code
            .lines()
            .find_map(|line| line.trim().strip_prefix("package ")?.strip_suffix(';').map(str::trim))
    }

    pub(super) fn is_header(&self) -> bool {
        ["h", "hpp", "hh"].contains(&extension(&self.name))
    }

    /// Whether it explains rather than does.
    pub(super) fn is_prose(&self) -> bool {
        extension(&self.name) == "md" || self.base().to_lowercase().starts_with("readme")
    }

    /// A module that holds nothing but values and is called so: the configuration of a program that imports it.
    pub(super) fn is_settings(&self) -> bool {
        const NAMES: [&str; 9] = [
            "config",
            "conf",
            "configuracion",
            "configuration",
            "ajustes",
            "settings",
            "parametros",
            "opciones",
            "options",
        ];
        let values_alone = self.code.lines().map(str::trim_end).all(|line| {
            let deeper = line.starts_with([' ', '\t', ')', ']', '}']);
            line.is_empty()
                || deeper
                || line.starts_with("import ")
                || line.contains(" = ")
                || line.contains('=')
        });
        let does = ["def ", "class ", "while ", "for "].iter().any(|word| self.code.contains(word));
        self.tongue == Some(Tongue::Python)
            && NAMES.contains(&&*self.stem().to_lowercase())
            && values_alone
            && !does
    }

    pub(super) fn is_makefile(&self) -> bool {
        self.base().eq_ignore_ascii_case("makefile") || self.base() == "GNUmakefile"
    }

    /// Whether a program may read it as its configuration.
    pub(super) fn is_configuration(&self) -> bool {
        self.tongue.is_none()
            && !self.is_header()
            && !self.is_prose()
            && !self.is_makefile()
            && !["sh", "bat"].contains(&extension(&self.name))
            && !OF_TOOLS.contains(&self.base())
            && !is_profile(Path::new(&self.name))
    }
}

/// Larger files are data.
const LARGEST: u64 = 512 << 10;
/// More files than this are no submission but a library.
const MOST_FILES: usize = 500;
/// `src/co/edu/…/pibl/Principal.java` is deep, and usual.
const DEEPEST: usize = 8;
/// Folders that hold no source of the proxy.
const PASSED_OVER: [&str; 5] = [".git", "target", "node_modules", "__pycache__", "site-packages"];
/// What may be read beside sources.
const TEXTS: [&str; 22] = [
    "mod",
    "h",
    "hpp",
    "hh",
    "conf",
    "cfg",
    "config",
    "ini",
    "json",
    "toml",
    "yaml",
    "yml",
    "env",
    "txt",
    "properties",
    "csv",
    "xml",
    "list",
    "dat",
    "md",
    "sh",
    "bat",
];
/// Files of tools, which no proxy reads.
const OF_TOOLS: [&str; 7] = [
    "go.mod",
    "package.json",
    "package-lock.json",
    "Cargo.toml",
    "requirements.txt",
    "CMakeLists.txt",
    "docker-compose.yml",
];

/// Go with the declarations of its imports blanked byte by byte.
fn without_imports(code: &str) -> String {
    let mut inside = false;
    let line = |line: &str| {
        let words = line.trim();
        inside |= words.starts_with("import (");
        let is_import = inside || words.starts_with("import ");
        inside &= !words.starts_with(')');
        let blank = |byte: u8| if byte.is_ascii_whitespace() { char::from(byte) } else { ' ' };
        if is_import { line.bytes().map(blank).collect() } else { line.to_owned() }
    };
    code.split_inclusive('\n').map(line).collect()
}

/// All of them, in the order of their names.
pub(super) fn gather(folder: &Path) -> Vec<TextFile> {
    let mut files = Vec::new();
    gather_into(folder, folder, 0, &mut files);
    files.sort_by(|one, two| one.name.cmp(&two.name));
    files
}

fn gather_into(root: &Path, folder: &Path, depth: usize, into: &mut Vec<TextFile>) {
    if depth > 0 && environment::is_one(folder) {
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if depth < DEEPEST && !PASSED_OVER.contains(&name.as_str()) && !name.starts_with('.') {
                gather_into(root, &path, depth + 1, into);
            }
            continue;
        }
        let small = entry.metadata().is_ok_and(|metadata| metadata.len() <= LARGEST);
        if !kind.is_file() || !small || into.len() >= MOST_FILES || !is_text(&name) {
            continue;
        }
        if let Ok(text) = read(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            let is_latin_1 = std::fs::read(&path).is_ok_and(|bytes| std::str::from_utf8(&bytes).is_err());
            into.push(TextFile { is_latin_1, ..TextFile::new(name, text.to_string()) });
        }
    }
}

fn is_text(name: &str) -> bool {
    let lower = name.to_lowercase();
    let extension = extension(&lower);
    Tongue::of(extension).is_some()
        || TEXTS.contains(&extension)
        || lower.ends_with("makefile")
        || lower.starts_with("readme")
        // `.env.example`, `.proxyrc`, `backends`, `hosts`.
        || lower.starts_with(".env")
        || !lower.trim_start_matches('.').contains('.')
}

pub(super) fn extension(name: &str) -> &str {
    // `.env` is its own extension.
    name.rsplit('/').next().unwrap_or(name).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// What begins a comment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comments {
    /// `#` anywhere, and texts in three quotes that stand alone.
    Hash,
    /// `//` and `/* */`.
    Slashes,
    /// `#`, `;` or `//` at the beginning of a line.
    WholeLines,
}

fn comments_of(name: &str, tongue: Option<Tongue>) -> Comments {
    match tongue {
        Some(Tongue::Python) => Comments::Hash,
        Some(_) => Comments::Slashes,
        None if ["h", "hpp", "hh"].contains(&extension(name)) => Comments::Slashes,
        None => Comments::WholeLines,
    }
}

/// The text with blanks in place of comments, as long as it was.
fn without_comments(text: &str, comments: Comments) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let blank = |code: &mut Vec<u8>, from: usize, to: usize| {
        code[from..to].iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    };
    let end_of_line = |at: usize| text[at..].find('\n').map_or(text.len(), |found| at + found);
    if comments == Comments::WholeLines {
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let begins = line.trim_start();
            if begins.starts_with(['#', ';']) || begins.starts_with("//") {
                blank(&mut code, at, at + line.len());
            }
            at += line.len();
        }
        return String::from_utf8(code).unwrap_or_default();
    }
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let to_end_of_line = match comments {
            Comments::Hash => rest.starts_with(b"#"),
            // `//` is a part of an address too.
            _ => rest.starts_with(b"//") && !text[..at].ends_with(':'),
        };
        let end = if to_end_of_line {
            let end = end_of_line(at);
            blank(&mut code, at, end);
            end
        } else if comments == Comments::Slashes && rest.starts_with(b"/*") {
            let end = text[at..].find("*/").map_or(text.len(), |found| at + found + 2);
            blank(&mut code, at, end);
            end
        } else if comments == Comments::Hash && (rest.starts_with(b"\"\"\"") || rest.starts_with(b"'''")) {
            let quotes = &text[at..at + 3];
            let end = text[at + 3..].find(quotes).map_or(text.len(), |found| at + 3 + found + 3);
            // One that is assigned or handed over is a value, any other a docstring.
            let line = text[..at].rfind('\n').map_or(0, |found| found + 1);
            if text[line..at].trim().is_empty() {
                blank(&mut code, at, end);
            }
            end
        } else if rest[0] == b'"' || (rest[0] == b'\'' && comments == Comments::Hash) {
            // A quoted text ends at its quote, or with the line where it was none.
            let limit = end_of_line(at);
            let mut end = at + 1;
            while end < limit && bytes[end] != rest[0] {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            if end < limit { end + 1 } else { limit }
        } else if rest.starts_with(b"'\"'") {
            // A quote as a letter of C and its kin.
            at + 3
        } else {
            at + 1
        };
        at = end;
    }
    String::from_utf8(code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::TextFile;

    fn code(name: &str, text: &str) -> String {
        TextFile::new(name.into(), text.into()).code
    }

    #[test]
    fn comments_are_blank_and_places_stay() {
        let python = "\"\"\"PORT = 1\"\"\"\nPORT = 2 # 3\nurl = 'http://a#b' # c\n";
        assert_eq!(code("a.py", python).len(), python.len());
        assert_eq!(code("a.py", python).split_whitespace().collect::<String>(), "PORT=2url='http://a#b'");
        assert_eq!(
            code("a.c", "a /* 1 */ b // 2\n\"//3\"").split_whitespace().collect::<String>(),
            "ab\"//3\""
        );
        assert_eq!(code("a.conf", "# ñ 1\nb = 2 # 3\n; 4").trim(), "b = 2 # 3");
    }
}
