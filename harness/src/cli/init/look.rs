//! Looks at the folder of a proxy: language, entry file, how it is told its port, its backends and its TTL.
//!
//! `init` calls [`look`] once. It reads files as text and executes nothing; whatever it guesses is tried afterwards.

use std::path::{Path, PathBuf};

use harness_model::adapter::leads_outside;

use super::arguments_of::{self, Argument, Meaning, ttl_template};
use super::values::{Piece, backends, number_after};

/// A language of submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    Python,
    C,
    Rust,
}

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// An argument, shown so.
    Argument(String),
    /// A piece of a file, relative to the folder; of the configuration, or of the source itself.
    Piece { file: String, piece: Piece, source: bool },
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) tongue: Tongue,
    /// Relative to the folder.
    pub(super) entry: String,
    pub(super) build: Vec<Vec<String>>,
    /// The built program, relative to the folder.
    pub(super) program: Option<String>,
    /// Arguments after the entry file.
    pub(super) start: Vec<String>,
    pub(super) port: Option<Told>,
    pub(super) backends: Option<Told>,
    pub(super) ttl: Option<Told>,
    pub(super) log: Option<String>,
    pub(super) cache: Option<String>,
    pub(super) menu: bool,
    pub(super) stdin: Option<String>,
}

struct SourceFile {
    name: String,
    text: String,
}

/// Folders that hold no source of the proxy.
const PASSED_OVER: [&str; 8] =
    [".git", "target", "node_modules", "__pycache__", ".venv", "venv", "tests", "cache"];
/// Larger files are data.
const LARGEST: u64 = 512 << 10;
const CONFIGURATIONS: [&str; 9] = ["conf", "cfg", "ini", "json", "toml", "yaml", "yml", "env", "txt"];

/// What there is in a folder; `None` where no program listens. `which` is asked where two would do.
pub(super) fn look(folder: &Path, which: impl FnOnce() -> Option<String>) -> Option<Seen> {
    let mut files = Vec::new();
    gather(folder, folder, 0, &mut files);
    files.sort_by(|one, two| one.name.cmp(&two.name));
    let (tongue, entry) = entry(&files, which)?;
    let is_source = |file: &&SourceFile| extension(&file.name) == extension(&entry);
    let source = &files.iter().find(|file| file.name == entry)?.text;
    let arguments = arguments_of::arguments(source);
    let told = |meaning: Meaning| {
        let found = arguments.iter().find(|argument: &&Argument| argument.meaning == meaning)?;
        Some(Told::Argument(found.shown.clone()))
    };
    let configurations = || {
        let named = |file: &&SourceFile| {
            let name = file.name.rsplit('/').next().unwrap_or(&file.name);
            CONFIGURATIONS.contains(&extension(&file.name))
                && files.iter().filter(is_source).any(|s| s.text.contains(name))
        };
        files.iter().filter(named).map(|file| (file, false))
    };
    // The source of the entry last: a module of constants is the likelier place.
    let sources = || {
        let others = files.iter().filter(is_source).filter(|file| file.name != entry);
        others.chain(files.iter().filter(|file| file.name == entry)).map(|file| (file, true))
    };
    let anywhere = |find: &dyn Fn(&str) -> Option<Piece>| {
        configurations().chain(sources()).find_map(|(file, source)| {
            Some(Told::Piece { file: file.name.clone(), piece: find(&file.text)?, source })
        })
    };
    let port = |text: &str| {
        let refused = ["import", "backend", "server_port", "support", "remote", "upstream"];
        number_after(text, &["port", "puerto", "listen"], "{{ port }}", &refused).or_else(|| bound(text))
    };
    let ttl = |text: &str| {
        let words = ["ttl", "expir", "tiempo_de_vida", "lifetime"];
        let found = number_after(text, &words, "\u{1}", &[])?;
        Some(Piece { with: found.with.replace('\u{1}', ttl_template(&found.text)), ..found })
    };
    let all = files.iter().filter(is_source).map(|file| file.text.as_str()).collect::<Vec<_>>().join("\n");
    let (build, program) = build_of(tongue, folder, &files, &entry);
    let literal = |word: &str| literal_with(&all, word);
    Some(Seen {
        tongue,
        build,
        program,
        port: told(Meaning::Port).or_else(|| anywhere(&port)),
        backends: told(Meaning::Backends).or_else(|| anywhere(&backends)),
        ttl: told(Meaning::Ttl).or_else(|| anywhere(&ttl)),
        start: arguments.into_iter().flat_map(|argument| argument.words).collect(),
        log: literal("log").filter(|name| name.contains('.') && !leads_outside(name)),
        cache: literal("cache").filter(|name| !name.contains('.') && !leads_outside(name)),
        menu: reads_input(&all),
        stdin: None,
        entry,
    })
}

fn gather(root: &Path, folder: &Path, depth: usize, into: &mut Vec<SourceFile>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            if depth < 3 && !PASSED_OVER.contains(&name.as_str()) && !name.starts_with('.') {
                gather(root, &path, depth + 1, into);
            }
            continue;
        }
        let known =
            ["py", "c", "h", "rs"].contains(&extension(&name)) || CONFIGURATIONS.contains(&extension(&name));
        if metadata.is_file()
            && known
            && metadata.len() <= LARGEST
            && into.len() < 500
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            into.push(SourceFile { name, text });
        }
    }
}

fn extension(name: &str) -> &str {
    // `.env` is its own extension.
    name.rsplit('/').next().unwrap_or(name).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// The file that is started: the one that listens, or that uses the one that does.
fn entry(files: &[SourceFile], which: impl FnOnce() -> Option<String>) -> Option<(Tongue, String)> {
    let tongue_of = |name: &str| match extension(name) {
        "py" => Some(Tongue::Python),
        "c" => Some(Tongue::C),
        "rs" => Some(Tongue::Rust),
        _ => None,
    };
    let mut scored: Vec<(usize, &SourceFile)> = Vec::new();
    for file in files {
        let Some(tongue) = tongue_of(&file.name) else { continue };
        let has = |word: &str| usize::from(file.text.contains(word));
        let stem = Path::new(&file.name).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let named = usize::from(["main", "proxy", "pibl"].iter().any(|name| stem.contains(name)));
        let origin =
            usize::from(["backend", "test", "client", "origin"].iter().any(|name| stem.contains(name)));
        let listens = has("listen(") + has("accept(") + has("TcpListener") + has("start_server");
        let starts = match tongue {
            Tongue::Python => has("__main__") + has("sys.argv") + has("argparse"),
            Tongue::C => 3 * has("int main") + has("argv["),
            Tongue::Rust => 3 * has("fn main") + has("env::args"),
        };
        // Who uses a module that listens starts it.
        let uses = files.iter().filter(|other| other.name != file.name).filter(|other| {
            let other_stem =
                Path::new(&other.name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            other.text.contains("listen(")
                && (file.text.contains(&format!("import {other_stem}"))
                    || file.text.contains(&format!("from {other_stem}")))
        });
        let uses = uses.count();
        let main = tongue == Tongue::Python || starts >= 3;
        if main && listens + uses > 0 && origin == 0 {
            scored.push((2 * listens + 4 * uses + 2 * starts + 3 * named, file));
        }
    }
    scored.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.name.len().cmp(&two.1.name.len())));
    let (best, first) = scored.first()?;
    let tie = scored.get(1).is_some_and(|(score, _)| score == best);
    let name = tie.then(which).flatten().unwrap_or_else(|| first.name.clone());
    Some((tongue_of(&name)?, name))
}

/// The port of a `bind` or of `htons`, where it stands there as a number.
fn bound(text: &str) -> Option<Piece> {
    for line in text.lines() {
        for call in [".bind(", "htons("] {
            let Some(at) = line.find(call) else { continue };
            let inside = &line[at..];
            let digit = inside.char_indices().find(|&(place, c)| {
                c.is_ascii_digit()
                    && !inside[..place].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.')
                    && inside[place..].chars().take_while(char::is_ascii_digit).count() >= 2
                    && !inside[place..].trim_start_matches(|c: char| c.is_ascii_digit()).starts_with('.')
            });
            let Some((place, _)) = digit else { continue };
            let digits = inside[place..].chars().take_while(char::is_ascii_digit).count();
            return Some(Piece {
                text: inside[..place + digits].to_owned(),
                with: format!("{}{{{{ port }}}}", &inside[..place]),
            });
        }
    }
    None
}

/// Whether it waits for somebody to type: `sscanf` and `fscanf` read something else.
fn reads_input(source: &str) -> bool {
    let typed = |call: &str| {
        let mut calls = source.match_indices(call);
        calls.any(|(at, _)| !source[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.')))
    };
    ["input(", "scanf(", "getchar("].iter().any(|call| typed(call)) || source.contains("stdin().read_line")
}

/// A text in quotes that is a path with this word in it.
fn literal_with(source: &str, word: &str) -> Option<String> {
    for quote in ['"', '\''] {
        for part in source.split(quote).skip(1).step_by(2) {
            let path = part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'));
            let relative = part.trim_start_matches("./").trim_end_matches('/');
            if path
                && relative.to_lowercase().contains(word)
                && !part.starts_with('/')
                && !relative.starts_with('-')
            {
                return Some(relative.to_owned());
            }
        }
    }
    None
}

/// How it is built, and what comes of it.
fn build_of(
    tongue: Tongue,
    folder: &Path,
    files: &[SourceFile],
    entry: &str,
) -> (Vec<Vec<String>>, Option<String>) {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
    match tongue {
        Tongue::Python => (Vec::new(), None),
        Tongue::Rust => {
            let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
            let name = manifest.lines().find_map(|line| line.trim().strip_prefix("name")?.split('"').nth(1));
            let name = name.unwrap_or("proxy").to_owned();
            (vec![words("cargo build --release")], Some(format!("target/release/{name}")))
        }
        Tongue::C => {
            let makefile = ["Makefile", "makefile"]
                .iter()
                .find_map(|name| std::fs::read_to_string(folder.join(name)).ok());
            // The target that is made first, or the file behind `-o`.
            let made = makefile.as_deref().and_then(|text| {
                let target = text.split("-o ").nth(1).and_then(|rest| rest.split_whitespace().next());
                target.filter(|name| !name.contains('$') && !name.ends_with(".o")).map(str::to_owned)
            });
            if let Some(program) = made {
                return (vec![words("make")], Some(program));
            }
            // Everything in the folder of the entry but other programs.
            let beside = Path::new(entry).parent().unwrap_or(Path::new("")).to_path_buf();
            let parts = files.iter().filter(|file| {
                let other_program = file.name != entry && file.text.contains("int main");
                extension(&file.name) == "c"
                    && !other_program
                    && PathBuf::from(&file.name).parent() == Some(&beside)
            });
            let mut build = words("gcc -O2 -pthread -o judged-proxy");
            build.extend(parts.map(|file| file.name.clone()));
            (vec![build], Some("judged-proxy".to_owned()))
        }
    }
}
