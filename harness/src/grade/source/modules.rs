//! What a program uses that others wrote: modules of Python, headers of C, packages of Rust.
//!
//! Python's own parser reads Python, so that a module named in a comment or a string is none and one imported inside a function
//! is one. It parses and executes nothing. Where there is no Python to ask, the answer is "not read", not "nothing".

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use harness_platform::wait_at_most;

/// A file of source: its name relative to the submission, and its text.
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// Something that others wrote, and where it is asked for first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Use {
    /// Its name: `socket`, `sys/socket.h`, `tokio`.
    pub name: String,
    /// `file:line`, relative to the submission.
    pub place: String,
}

/// Reads `{name: text}` and writes `[[module, name, line]]`; a file that is no Python is `[null, name, why]`. Imports relative to
/// the package itself are its own modules.
const IMPORTS: &str = r"
import ast, json, sys
found = []
for name, text in json.load(sys.stdin).items():
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        found.append([None, name, str(error)])
        continue
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [[alias.name.split('.')[0], name, node.lineno] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append([node.module.split('.')[0], name, node.lineno])
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            asked = getattr(node.func, 'id', getattr(node.func, 'attr', None))
            if asked in ('__import__', 'import_module') and isinstance(node.args[0].value, str):
                found.append([node.args[0].value.split('.')[0], name, node.lineno])
print(json.dumps(found))
";
/// How long Python is waited for, and how often it is looked at: parsing takes milliseconds.
const PARSED_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// What the files use, sorted by name, and why that may not be all.
pub(super) fn of(language: &str, files: &[SourceFile], root: &Path) -> (Vec<Use>, Option<String>) {
    let (mut uses, unread) = match language {
        "Python" => of_python(files),
        "C" | "C++" => (headers(files), None),
        "Rust" => packages(root),
        _ => (Vec::new(), None),
    };
    uses.sort();
    uses.dedup_by(|later, first| later.name == first.name);
    (uses, unread)
}

fn headers(files: &[SourceFile]) -> Vec<Use> {
    let header = |line: &str| {
        let rest = line.trim_start().strip_prefix('#')?.trim_start().strip_prefix("include")?;
        Some(rest.trim_start().strip_prefix('<')?.split_once('>')?.0.trim().to_owned())
    };
    let of_file = |file: &SourceFile| -> Vec<Use> {
        let lines = file.text.lines().enumerate();
        lines
            .filter_map(|(index, line)| {
                Some(Use { name: header(line)?, place: format!("{}:{}", file.name, index + 1) })
            })
            .collect()
    };
    files.iter().flat_map(of_file).collect()
}

fn packages(root: &Path) -> (Vec<Use>, Option<String>) {
    let mut manifests = harness_model::history::files_beneath(root);
    manifests.retain(|path| path.ends_with("Cargo.toml") && !path.iter().any(|part| part == "target"));
    manifests.sort();
    let (mut uses, mut unread) = (Vec::new(), None);
    for path in manifests {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        match text.parse::<toml::Table>() {
            Ok(manifest) => {
                let packages = manifest.get("dependencies").and_then(toml::Value::as_table);
                uses.extend(packages.into_iter().flatten().map(|(package, _)| {
                    let at = text.lines().position(|line| line.trim_start().starts_with(package.as_str()));
                    Use { name: package.clone(), place: format!("{name}:{}", at.map_or(1, |line| line + 1)) }
                }));
            }
            Err(error) => unread = unread.or_else(|| Some(format!("{name}: {}", error.message()))),
        }
    }
    (uses, unread)
}

fn of_python(files: &[SourceFile]) -> (Vec<Use>, Option<String>) {
    let found = match parsed(files) {
        Ok(found) => found,
        Err(why) => return (Vec::new(), Some(why)),
    };
    let own: BTreeSet<String> = files.iter().flat_map(|file| names_of_modules(&file.name)).collect();
    let (mut uses, mut unread) = (Vec::new(), None);
    for (module, file, what) in found {
        match module {
            Some(module) if own.contains(&module) => {}
            Some(module) => uses.push(Use { name: module, place: format!("{file}:{what}") }),
            None => {
                unread = unread.or_else(|| Some(format!("{file}: {}", what.as_str().unwrap_or_default())));
            }
        }
    }
    (uses, unread)
}

/// The names under which a file of a submission can be imported: its own, and those of the folders it lies in.
fn names_of_modules(file: &str) -> Vec<String> {
    file.trim_end_matches(".py").split('/').map(str::to_owned).collect()
}

type Found = Vec<(Option<String>, String, serde_json::Value)>;

fn parsed(files: &[SourceFile]) -> Result<Found, String> {
    let asked: serde_json::Map<String, serde_json::Value> =
        files.iter().map(|file| (file.name.clone(), file.text.clone().into())).collect();
    let asked = serde_json::to_vec(&asked).map_err(|error| error.to_string())?;
    // Isolated: neither the environment nor any folder can put a module of its own in the place of Python's.
    let child = Command::new("python3")
        .args(["-I", "-S", "-c", IMPORTS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|error| format!("python3: {error}"))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let writes = std::thread::spawn(move || input.map(|mut input| input.write_all(&asked)));
    let reads = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.map(|mut output| output.read_to_end(&mut bytes));
        bytes
    });
    let status = wait_at_most(&mut child, PARSED_WITHIN, PAUSE).map_err(|error| error.to_string())?;
    let _ = writes.join();
    let bytes = reads.join().unwrap_or_default();
    match status {
        Some(status) if status.success() => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        Some(status) => Err(format!("python3: {status}")),
        None => Err(format!("python3: {PARSED_WITHIN:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_python() -> bool {
        Command::new("python3")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    #[test]
    fn modules_are_what_is_imported_and_not_what_is_mentioned() {
        if !has_python() {
            eprintln!("skipped: python3 is not installed");
            return;
        }
        let main = "import sys, os.path\nfrom cache import store\n# import flask\ntext = 'import django'\n\
                    def later():\n    from urllib.request import urlopen\n    __import__('requests')\nfrom . import x\n";
        let file = |name: &str, text: &str| SourceFile { name: name.into(), text: text.into() };
        let files =
            [file("proxy.py", main), file("cache.py", "import socket\n"), file("old.py", "print 'two'\n")];
        let (uses, unread) = of("Python", &files, Path::new("/nowhere"));
        let seen: Vec<(&str, &str)> =
            uses.iter().map(|used| (used.name.as_str(), used.place.as_str())).collect();
        let expected = [
            ("os", "proxy.py:1"),
            ("requests", "proxy.py:7"),
            ("socket", "cache.py:1"),
            ("sys", "proxy.py:1"),
            ("urllib", "proxy.py:6"),
        ];
        assert_eq!(seen, expected);
        assert!(unread.unwrap().starts_with("old.py: "), "what is no Python 3 is named");
    }
}
