//! Whether what listens is a file of the submission as it was handed in, where an interpreter runs it.
//!
//! `launching` asks once a proxy is ready. A start command can edit the source on its way to an interpreter: through a pipe, on the
//! command line, in a file that is gone by then. Which files were edited where they lie is seen elsewhere; nothing here judges.

use std::io::Read;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use harness_model::history::{SourceFile, SourceTree};
use harness_platform::command_of;
use rustix::fs::OFlags;

/// How an interpreter is told what to run. Letters are those of short options, which may stand together behind one `-`.
struct Interpreter {
    /// What its file is called, its version aside.
    names: &'static [&'static str],
    /// Options behind which code stands.
    code: &'static str,
    /// Options that name a module or an archive.
    module: &'static str,
    /// Options whose value may stand apart.
    apart: &'static str,
    /// Options whose value is the rest of the word.
    attached: &'static str,
    /// Long options behind which code stands.
    long_code: &'static [&'static str],
    /// Long options with a value that stands apart.
    long_apart: &'static [&'static str],
}

/// One that is told by short options alone.
const SHORT: Interpreter = Interpreter {
    names: &[],
    code: "e",
    module: "",
    apart: "",
    attached: "",
    long_code: &[],
    long_apart: &[],
};

const INTERPRETERS: [Interpreter; 6] = [
    Interpreter {
        names: &["python", "pypy"],
        code: "c",
        module: "m",
        apart: "WX",
        long_apart: &["--check-hash-based-pycs"],
        ..SHORT
    },
    Interpreter {
        names: &["node", "nodejs"],
        code: "ep",
        apart: "rC",
        long_code: &["--eval", "--print"],
        long_apart: &["--require", "--import", "--loader", "--experimental-loader", "--conditions"],
        ..SHORT
    },
    Interpreter { names: &["ruby"], module: "S", apart: "rICE", attached: "FWxKT0", ..SHORT },
    Interpreter { names: &["perl"], code: "eE", apart: "I", attached: "MmCDFilx0T", ..SHORT },
    Interpreter { names: &["php"], code: "rBRE", module: "S", apart: "dctz", long_code: &["--run"], ..SHORT },
    Interpreter { names: &["lua", "luajit"], apart: "l", attached: "j", ..SHORT },
];

/// What an interpreter was told to run.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// Code, in the place of a file.
    Code(String),
    /// What comes on its standard input.
    Input,
    /// A file.
    File(String),
    /// A module, or something that is not known here.
    Other,
}

/// The command of a process, in short, where an interpreter executes anything but a file that lay in the submission before.
pub(super) fn not_handed_in(pid: i32, before: &SourceTree) -> Option<String> {
    let command = command_of(pid)?;
    let (name, interpreter) = interpreter_of(&command.program)?;
    let short = |what: &str| Some(format!("{name} {what}"));
    match told(interpreter, &command.arguments) {
        // A helper of the library, which its own program has started and which may hold its listener.
        Told::Code(code) if code.starts_with("from multiprocessing.") => {
            not_handed_in(command.parent, before)
        }
        Told::Code(_) => short(&format!("-{} …", &interpreter.code[..1])),
        Told::Input => short("-"),
        Told::File(file) if is_handed_in(pid, &file, before) => None,
        Told::File(file) => short(&file),
        Told::Other => None,
    }
}

/// Its name without its version, and how it is told what to run.
fn interpreter_of(program: &Path) -> Option<(String, &'static Interpreter)> {
    let name = program.file_name()?.to_str()?;
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c)).to_owned();
    let interpreter = INTERPRETERS.iter().find(|known| known.names.contains(&name.as_str()))?;
    Some((name, interpreter))
}

fn told(interpreter: &Interpreter, arguments: &[String]) -> Told {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            return arguments.next().map_or(Told::Input, |file| Told::File(file.clone()));
        }
        if let Some(long) =
            argument.strip_prefix("--").map(|_| argument.split('=').next().unwrap_or_default())
        {
            if interpreter.long_code.contains(&long) {
                return Told::Code(arguments.next().cloned().unwrap_or_default());
            }
            if interpreter.long_apart.contains(&long) && !argument.contains('=') {
                arguments.next();
            }
            continue;
        }
        let letters = match argument.strip_prefix('-') {
            None => return Told::File(argument.clone()),
            Some("") => return Told::Input,
            Some(letters) => letters,
        };
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            if interpreter.code.contains(letter) {
                let code = if rest.is_empty() { arguments.next().map(String::as_str) } else { Some(rest) };
                return Told::Code(code.unwrap_or_default().to_owned());
            }
            if interpreter.module.contains(letter) {
                return Told::Other;
            }
            if interpreter.apart.contains(letter) && rest.is_empty() {
                arguments.next();
            }
            if interpreter.apart.contains(letter) || interpreter.attached.contains(letter) {
                break;
            }
        }
    }
    Told::Input
}

/// Whether a file that an interpreter was told to run lay there before, or has nothing of the sources of the submission.
fn is_handed_in(pid: i32, file: &str, before: &SourceTree) -> bool {
    if file.starts_with("/dev/") || file.starts_with("/proc/") {
        return false;
    }
    // Node finds the ending by itself.
    if before.own(file).is_some() || before.own(&format!("{file}.js")).is_some() {
        return true;
    }
    let within = if file.starts_with('/') { "root" } else { "cwd" };
    let seen_by_it = PathBuf::from(format!("/proc/{pid}/{within}")).join(file.trim_start_matches('/'));
    // It may have gone elsewhere since it was started.
    let in_the_copy = Path::new(&before.root).join(file);
    let there = [seen_by_it, in_the_copy]
        .into_iter()
        .find_map(|path| std::fs::symlink_metadata(&path).ok().map(|metadata| (path, metadata)));
    match there {
        Some((path, it)) if it.is_symlink() => {
            let target = std::fs::read_link(&path).unwrap_or_default();
            !["/dev", "/proc"].iter().any(|place| target.starts_with(place))
        }
        // A folder is run by what it holds.
        Some((_, it)) if it.is_dir() => true,
        Some((path, it)) if it.is_file() => {
            let text = beginning_of(&path).unwrap_or_default();
            let now = SourceFile { path: file.to_owned(), text };
            before.edited(&SourceTree { root: String::new(), files: vec![now] }).is_empty()
        }
        // A pipe with a name, or a file that was removed as soon as it had been read.
        _ => false,
    }
}

/// A file of its folders may be as long as it likes, and another one by now.
fn beginning_of(path: &Path) -> Option<String> {
    const MOST: u64 = 256 << 10;
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Told, interpreter_of, is_handed_in, told};
    use harness_model::history::SourceTree;

    fn of(line: &str) -> Told {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (_, interpreter) = interpreter_of(Path::new("/usr/bin").join(&words[0]).as_path()).unwrap();
        told(interpreter, &words[1..])
    }

    #[test]
    fn an_interpreter_is_told_a_file_a_module_code_or_nothing() {
        for line in [
            "python3 p.py 8080",
            "python3.11 -u -X dev -Wignore p.py",
            "python3 -W ignore -B -- p.py",
            "pypy3 -OO p.py -c",
            "node --require ./x p.py",
            "node --max-old-space-size=100 p.py",
            "ruby -W0 -r socket p.py",
            "perl -w -MSocket -I lib p.py",
            "php -d memory_limit=1 p.py",
        ] {
            assert_eq!(of(line), Told::File("p.py".into()), "{line}");
        }
        for line in ["python3 -m proxy 8080", "python3 -um proxy", "php -S 127.0.0.1:80"] {
            assert_eq!(of(line), Told::Other, "{line}");
        }
        for line in ["python3 -c x", "python3 -uc x", "node -e x", "node --eval x", "perl -we x", "ruby -e x"]
        {
            assert_eq!(of(line), Told::Code("x".into()), "{line}");
        }
        for line in ["python3 -", "python3 - p.py", "python3 -u", "node -", "perl -w"] {
            assert_eq!(of(line), Told::Input, "{line}");
        }
        assert!(interpreter_of(Path::new("/home/team/proxy")).is_none());
    }

    #[test]
    fn a_file_of_before_is_known_by_every_name_and_what_is_no_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("server.js", "one\ntwo\nPORT = 1\n");
        put("run", "one\ntwo\nPORT = 1\n");
        let before = SourceTree::beneath(folder.path());
        put("edited", "one\ntwo\nPORT = 2\n");
        std::os::unix::fs::symlink("/dev/stdin", folder.path().join("link")).unwrap();
        // This process is in another folder, as a program is that has gone elsewhere.
        let own = i32::try_from(std::process::id()).unwrap();
        let absolute = folder.path().join("server.js").display().to_string();
        for file in ["server.js", "./server.js", "server", ".", "run", &absolute, "/usr/bin/env"] {
            assert!(is_handed_in(own, file, &before), "{file}");
        }
        for file in ["edited", "link", "gone.js", "/dev/stdin", "/proc/self/fd/3"] {
            assert!(!is_handed_in(own, file, &before), "{file}");
        }
    }
}
