//! Watches what a program does while a failure is repeated: its calls of the system, each with the line that made it.
//!
//! Two watchers behind one interface. `python` stands on the path of the interpreter inside the program; `tracer` is `strace` around
//! it, with places from debug information. Both write into a folder of the private copy, which no list of files shows, and what they wrote becomes
//! [`Watched`] events when the program has ended. Nothing here judges, and a watcher that fails leaves the program as it is.

mod places;
mod python;
mod tracer;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fake_backends::clock::{Moment, RunClock};
use harness_model::history::{NotWatched, SourceTree, Watched};

/// Events that are kept of a repetition.
const MOST: usize = 30_000;
/// Bytes that are read of what a watcher wrote.
const MOST_BYTES: u64 = 64 << 20;

/// Lines of the program that are kept of what led to a call, beside the one that made it.
const MOST_CALLERS: usize = 5;

/// What compilers are called; each gets a stand-in that adds `-g`.
const COMPILERS: [&str; 8] = ["cc", "gcc", "clang", "c++", "g++", "clang++", "c99", "rustc"];

/// The watchers of one program.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
}

/// The folder of the watchers in a private copy.
pub const FOLDER: &str = ".harness-watch";

impl Watch {
    /// Makes the folder of the watchers in a private copy: behind its fence a program reaches nothing else.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn prepare(copy: &Path) -> io::Result<Watch> {
        let watch = Watch { folder: copy.join(FOLDER) };
        fs::create_dir_all(watch.path())?;
        let (python, tools, seen) = (watch.path().join("python"), watch.path().join("tools"), watch.seen());
        for path in [&python, &tools, &seen] {
            fs::create_dir_all(path)?;
        }
        // The program may be another user than the harness.
        fs::set_permissions(&seen, fs::Permissions::from_mode(0o777))?;
        fs::write(python.join("sitecustomize.py"), python::WATCHER)?;
        for name in COMPILERS {
            let tool = tools.join(name);
            // The real one is the next on the path behind this folder.
            let text = format!(
                "#!/bin/sh\nPATH=$(printf %s \"$PATH\" | sed \"s|^{0}:||\")\nexport PATH\nexec {name} \"$@\" -g\n",
                tools.display()
            );
            fs::write(&tool, text)?;
            fs::set_permissions(&tool, fs::Permissions::from_mode(0o755))?;
        }
        Ok(watch)
    }

    /// Where everything of it lies; the program writes beneath it.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn seen(&self) -> PathBuf {
        self.path().join("seen")
    }

    /// Adds to the environment of a build what leaves the lines in the program.
    pub fn for_build(&self, environment: &mut BTreeMap<String, String>) {
        let path = environment.get("PATH").cloned().unwrap_or_default();
        environment.insert("PATH".into(), format!("{}:{path}", self.path().join("tools").display()));
        for profile in ["DEV", "RELEASE"] {
            environment.insert(format!("CARGO_PROFILE_{profile}_DEBUG"), "1".into());
            environment.insert(format!("CARGO_PROFILE_{profile}_STRIP"), "none".into());
        }
    }

    /// The stand-in of a compiler that a build calls by its name.
    pub fn tool(&self, name: &str) -> Option<PathBuf> {
        COMPILERS.contains(&name).then(|| self.path().join("tools").join(name))
    }

    /// Adds to a start what the watchers need. `root` is the private copy.
    pub fn for_start(
        &self,
        argv: Vec<String>,
        environment: &mut BTreeMap<String, String>,
        root: &Path,
    ) -> Vec<String> {
        let own = self.path().join("python").display().to_string();
        let path = match environment.get("PYTHONPATH") {
            Some(others) if !others.is_empty() => format!("{own}:{others}"),
            _ => own,
        };
        environment.insert("PYTHONPATH".into(), path);
        environment.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
        environment.insert("HARNESS_WATCH".into(), self.seen().display().to_string());
        environment.insert("HARNESS_WATCH_ROOT".into(), root.display().to_string());
        match tracer::is_for(&argv, root) {
            true => tracer::around(argv, &self.seen()),
            false => argv,
        }
    }

    /// What was seen, in the order of time, and why nothing was, where nothing was.
    pub fn events(
        &self,
        clock: &RunClock,
        root: &Path,
        argv: &[String],
    ) -> (Vec<Watched>, Option<NotWatched>) {
        let source = SourceTree::beneath(root);
        let mut all = Vec::new();
        let entries = fs::read_dir(self.seen()).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = read(&path);
            match name.starts_with("python-") {
                true => all.extend(python::events(&text, clock, &source)),
                false => all.extend(tracer::events(&text, clock, root, &source)),
            }
        }
        all.sort_by_key(|watched| watched.at);
        all.truncate(MOST);
        let why = match all.is_empty() {
            false => None,
            true if tracer::is_for(argv, root) => Some(tracer::why_not(&self.seen())),
            true => Some(NotWatched::NothingSeen),
        };
        (all, why)
    }
}

fn read(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    // What cannot be read was not seen.
    let _ = fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A moment of the run for a time since 1970; the wall clock of one machine is good enough for what stands beside exchanges.
fn moment(clock: &RunClock, since_1970_ns: u64) -> Moment {
    let start = clock.wall_start().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment(since_1970_ns.saturating_sub(u64::try_from(start.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::Watch;
    use std::collections::BTreeMap;

    #[test]
    fn a_build_gets_its_lines_and_a_start_keeps_what_it_had() {
        let copy = tempfile::tempdir().unwrap();
        let watch = Watch::prepare(copy.path()).unwrap();
        let mut environment = BTreeMap::from([
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("PYTHONPATH".to_owned(), "lib".to_owned()),
        ]);
        watch.for_build(&mut environment);
        assert!(environment["PATH"].ends_with("/tools:/usr/bin:/bin"));
        let argv = vec!["/usr/bin/python3".to_owned(), "proxy.py".to_owned()];
        let root = tempfile::tempdir().unwrap();
        assert_eq!(
            watch.for_start(argv.clone(), &mut environment, root.path()),
            argv,
            "an interpreter is not traced"
        );
        assert!(environment["PYTHONPATH"].ends_with("/python:lib"));
    }

    #[test]
    fn a_stand_in_calls_the_compiler_behind_it_with_debug_information() {
        let copy = tempfile::tempdir().unwrap();
        let watch = Watch::prepare(copy.path()).unwrap();
        let real = tempfile::tempdir().unwrap();
        let compiler = real.path().join("gcc");
        std::fs::write(&compiler, "#!/bin/sh\necho real \"$@\"\n").unwrap();
        let mut mode = std::fs::metadata(&compiler).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        std::fs::set_permissions(&compiler, mode).unwrap();
        let mut environment =
            BTreeMap::from([("PATH".to_owned(), format!("{}:/usr/bin:/bin", real.path().display()))]);
        watch.for_build(&mut environment);
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", "gcc -O2 -o proxy 'main file.c'"])
            .env_clear()
            .envs(&environment)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "real -O2 -o proxy main file.c -g\n");
    }
}
