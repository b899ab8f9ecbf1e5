//! What lies beside the ledger of a run: what the proxy printed, its source, and the repetition in which it was watched.
//!
//! `reader` fills it in. A verdict never needs any of it; the line that explains a verdict does.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::reader::Record;

/// What lies beside the ledger.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// The beginning of what the proxy printed, as far as the record keeps it in one piece.
    pub printed: Vec<u8>,
    /// The source of the proxy as it ran; empty for a program of this machine.
    pub source: SourceTree,
    /// The failing part once more, with the proxy watched.
    pub watched: Option<Box<Record>>,
    /// The same with a small change of the program, for each that was tried.
    pub tried: Vec<Record>,
}

/// A place in the source of the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePlace {
    /// Relative to the copy of the submission.
    pub file: String,
    /// From one.
    pub line: u32,
    /// The function, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// The source files of a submission, as they lay in its private copy when it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTree {
    /// The folder of the copy: what absolute paths in the words of the program begin with.
    pub root: String,
    /// The files, by path.
    pub files: Vec<SourceFile>,
}

/// One source file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Relative to the folder of the copy, with `/`.
    pub path: String,
    /// All of it; bytes that no text has are replaced.
    pub text: String,
}

/// Endings of files that are source in the languages of submissions.
const ENDINGS: [&str; 14] =
    ["py", "c", "h", "cc", "cpp", "hpp", "rs", "go", "js", "mjs", "ts", "java", "cs", "rb"];
/// Folders of what others wrote, or of what a build made.
const FOREIGN: [&str; 9] =
    ["node_modules", "target", "site-packages", "venv", "env", "__pycache__", "vendor", "build", "dist"];
/// A larger file was generated.
const MOST_FILE_BYTES: u64 = 256 << 10;
/// Of all of them.
const MOST_BYTES: usize = 2 << 20;
const MOST_FILES: usize = 200;

impl SourceTree {
    /// Reads the sources beneath a folder; what cannot be read is left out.
    pub fn beneath(root: &Path) -> SourceTree {
        let mut tree = SourceTree { root: root.to_string_lossy().into_owned(), files: Vec::new() };
        let (mut folders, mut bytes) = (vec![PathBuf::from(root)], 0);
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
            // Two readings of the same files are the same where not all of them are read.
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
                // Of the entry itself: what a link leads to is not part of the copy.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
                    folders.push(path);
                    continue;
                }
                let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
                if !metadata.is_file() || !ENDINGS.contains(&ending) || metadata.len() > MOST_FILE_BYTES {
                    continue;
                }
                let Ok(text) = std::fs::read(&path) else { continue };
                bytes += text.len();
                if bytes > MOST_BYTES || tree.files.len() == MOST_FILES {
                    continue;
                }
                let inside = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                tree.files
                    .push(SourceFile { path: inside, text: String::from_utf8_lossy(&text).into_owned() });
            }
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        tree
    }

    /// The files of a later reading that are these ones with changes: edited in place, or an edited copy beside them.
    pub fn edited<'a>(&self, later: &'a SourceTree) -> Vec<&'a SourceFile> {
        // What a tool generates shares few of its lines with what people wrote.
        let copies = |file: &SourceFile, original: &SourceFile| {
            let known: std::collections::HashSet<&str> = original.text.lines().map(str::trim).collect();
            let lines = || file.text.lines().map(str::trim).filter(|line| !line.is_empty());
            let kept = lines().filter(|line| known.contains(line)).count();
            kept > 0 && 2 * kept >= lines().count() && file.text != original.text
        };
        let changed = |file: &&SourceFile| match self.file(&file.path) {
            Some(original) => original.text != file.text,
            None => self.files.iter().any(|original| copies(file, original)),
        };
        later.files.iter().filter(changed).collect()
    }

    /// The file of this path.
    pub fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The file of the copy that a path of the running program means: absolute beneath the copy, or relative to one of its folders.
    /// `None`: it is not of the submission, or several files would do.
    pub fn own(&self, path: &str) -> Option<&SourceFile> {
        let inside = match path.strip_prefix(&self.root) {
            Some(rest) if !self.root.is_empty() => rest.trim_start_matches('/'),
            _ if path.starts_with('/') => return None,
            _ => path.trim_start_matches("./"),
        };
        if let Some(exact) = self.file(inside) {
            return Some(exact);
        }
        // A build in a folder of its own names files from there: `src/main.rs` of `proxy/src/main.rs`.
        let ends = |file: &&SourceFile| {
            file.path.strip_suffix(inside).is_some_and(|before| before.ends_with('/')) && !inside.is_empty()
        };
        let mut fitting = self.files.iter().filter(ends);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The line of a place and so many before and after it, each with its number; empty where the file or the line is not there.
    pub fn excerpt(&self, place: &SourcePlace, around: u32) -> Vec<(u32, &str)> {
        let Some(file) = self.file(&place.file) else { return Vec::new() };
        let numbered = || (1u32..).zip(file.text.lines());
        if !numbered().any(|(number, _)| number == place.line) {
            return Vec::new();
        }
        numbered().filter(|(number, _)| number.abs_diff(place.line) <= around).collect()
    }

    /// The text of a line.
    pub fn line(&self, place: &SourcePlace) -> Option<&str> {
        self.excerpt(place, 0).first().map(|(_, text)| *text)
    }
}

impl std::fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::{SourcePlace, SourceTree};

    fn tree() -> SourceTree {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("proxy/src/main.rs", "fn main() {\n    serve();\n}\n"),
            ("backend/src/main.rs", "fn main() {}\n"),
            ("proxy/src/http.rs", "// one\n// two\n// three\n"),
            ("proxy/target/debug/build.rs", "generated"),
            (".git/hook.py", "hidden"),
            ("notes.txt", "no source"),
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        SourceTree::beneath(folder.path())
    }

    #[test]
    fn only_what_the_team_wrote_is_kept() {
        let names: Vec<String> = tree().files.into_iter().map(|file| file.path).collect();
        assert_eq!(names, ["backend/src/main.rs", "proxy/src/http.rs", "proxy/src/main.rs"]);
    }

    #[test]
    fn a_path_of_the_program_finds_its_file_and_a_foreign_one_none() {
        let tree = tree();
        let own = |path: &str| tree.own(path).map(|file| file.path.as_str());
        assert_eq!(own(&format!("{}/proxy/src/main.rs", tree.root)), Some("proxy/src/main.rs"));
        assert_eq!(own("src/http.rs"), Some("proxy/src/http.rs"));
        assert_eq!(own("./proxy/src/http.rs"), Some("proxy/src/http.rs"));
        assert_eq!(own("src/main.rs"), None, "two would do");
        assert_eq!(own("/usr/lib/python3.11/threading.py"), None);
        assert_eq!(own("tp.rs"), None, "a part of a name is no name");
    }

    #[test]
    fn an_excerpt_has_its_numbers_and_a_line_beyond_the_end_none() {
        let tree = tree();
        let place = |line| SourcePlace { file: "proxy/src/http.rs".into(), line, function: None };
        assert_eq!(tree.excerpt(&place(1), 1), [(1, "// one"), (2, "// two")]);
        assert_eq!(tree.line(&place(3)), Some("// three"));
        assert!(tree.excerpt(&place(9), 2).is_empty());
    }
}
