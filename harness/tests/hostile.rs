//! Files that nobody means well with, by the thousand: whatever reads what others wrote refuses in time, in bounds and in words.
//!
//! One test a reader: profile, scenario, rubric, zip, record; and `harness check` as a program. Each takes files that are sound, damages
//! them at random and has them read, for `FUZZ_SECONDS` (two where nothing is said). `cargo test -p harness --test integration hostile::profile`
//! with `FUZZ_SECONDS=1800` is half an hour of one; `FUZZ_SEED` repeats what was found, which is printed and kept in the folder for
//! temporary files.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fake_backends::behavior::Random;
use fake_backends::clock::RunClock;
use harness_platform::thread_cpu_time;

/// What takes more CPU time than this does not end. Inputs take milliseconds; a machine that is busy must not be taken for a hang.
const HANG: Duration = Duration::from_secs(10);
/// Most memory of a reader, in KiB.
const MOST_KIB: u64 = 200 << 10;
/// Inputs are kept so short; who sends more is stopped by other limits.
const LONGEST: usize = 256 << 10;

/// What stumbles who reads YAML, templates, JSON or numbers.
const TOKENS: &[&str] = &[
    "99999999999999999999",
    "-1",
    "1e309",
    "18446744073709551615",
    "0",
    ".nan",
    "~",
    "null",
    "true",
    "{{",
    "}}",
    "{%",
    "%}",
    "{{ range(99999) }}",
    "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
    "{{ backends[9] }}",
    "{{ 'x' * 99999999 }}",
    "&a ",
    "*a",
    "<<: *a",
    "&a [*a, *a]",
    "!!binary ",
    "!include x",
    "\u{0}",
    "\u{feff}",
    "\r\n",
    "\t",
    "---\n",
    "...\n",
    "- ",
    ": ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "../../etc/passwd",
    "/",
    "\u{202e}",
    "5ms",
    "9999h",
    "1e9/s",
    "100%",
    "KiB",
    "\\u0000",
    "PK\u{3}\u{4}",
    "\n\n",
    "#",
];

struct Damage {
    random: Random,
}

impl Damage {
    fn below(&mut self, most: usize) -> usize {
        (self.random.unit() * most.max(1) as f64) as usize
    }

    /// One of the seeds, damaged in one to six places.
    fn of(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let chosen = self.below(seeds.len());
        let mut bytes = seeds[chosen].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(bytes.len());
            let end = (at + self.below(64)).min(bytes.len());
            match self.below(9) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte ^= 1 << (self.random.unit() * 8.0) as u32),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                3 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = (self.random.unit() * other.len() as f64) as usize;
                    let piece = other[from..(from + 200).min(other.len())].to_vec();
                    bytes.splice(at..end, piece);
                }
                4 => {
                    let deep = TOKENS[self.below(TOKENS.len())].repeat(1 << self.below(12));
                    bytes.splice(at..at, deep.into_bytes());
                }
                5 => bytes.truncate(at),
                // A value, which is what follows a colon.
                6 => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    let colon = bytes
                        .iter()
                        .skip(at)
                        .position(|&byte| byte == b':')
                        .map_or(at, |found| at + found + 1);
                    let line = bytes
                        .iter()
                        .skip(colon)
                        .position(|&byte| byte == b'\n')
                        .map_or(bytes.len(), |found| colon + found);
                    bytes.splice(colon.min(line)..line, format!(" {token}").into_bytes());
                }
                _ => {
                    let token = TOKENS[self.below(TOKENS.len())];
                    bytes.splice(at..at, token.bytes());
                }
            }
        }
        bytes.truncate(LONGEST);
        bytes
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Has `read` read damaged seeds until time is up.
fn hostile(what: &str, seeds: &[Vec<u8>], mut read: impl FnMut(&[u8])) {
    assert!(seeds.iter().all(|seed| !seed.is_empty()) && !seeds.is_empty(), "{what}: seeds");
    seeds.iter().for_each(|seed| read(seed));
    let (first, clock) = (setting("FUZZ_SEED", 1), RunClock::start());
    let until = Duration::from_secs(setting("FUZZ_SECONDS", 2));
    let kept = std::env::temp_dir().join(format!("hostile-{what}"));
    let (mut seed, mut slowest) = (first, Duration::ZERO);
    while seed == first || Duration::from_nanos(clock.now().0) < until {
        let input = Damage { random: Random::new(seed) }.of(seeds);
        let began = thread_cpu_time().unwrap_or_default();
        let result = catch_unwind(AssertUnwindSafe(|| read(&input)));
        let took = thread_cpu_time().unwrap_or_default().saturating_sub(began);
        slowest = slowest.max(took);
        if result.is_err() || took > HANG {
            fs::write(&kept, &input).expect("the input is kept");
            panic!("{what}: FUZZ_SEED={seed} broke its reader or held it for {took:?}: {}", kept.display());
        }
        seed += 1;
    }
    println!(
        "{what}: {} inputs, the slowest {slowest:?} of CPU, most memory {:?} KiB",
        seed - first,
        peak_kib()
    );
}

/// Most memory of this process so far.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse().ok())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The YAML files of these folders.
fn yaml(folders: &[&str]) -> Vec<Vec<u8>> {
    let files =
        folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).expect("a folder")).flatten();
    let yaml = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    // Nothing can be damaged in an empty one.
    yaml.map(|path| fs::read(path).expect("a file")).filter(|bytes| !bytes.is_empty()).collect()
}

fn text_of(bytes: &[u8]) -> Option<Arc<str>> {
    harness_model::scenario::decoded(bytes, Path::new("x")).ok().map(|(text, _)| text.into())
}

#[test]
fn profile() {
    let seeds = yaml(&["scenarios/suts", "harness/tests/submissions"]);
    hostile("profile", &seeds, |input| {
        // By this name it is a submission's, with the boundary of one.
        for name in ["mine.yaml", "pibl-judge.yaml"] {
            if let Some(text) = text_of(input) {
                let _ = harness_model::adapter::resolve(&text, Path::new(name));
            }
        }
    });
}

#[test]
fn scenario() {
    let adapter = harness_model::adapter::resolve(
        &harness_model::adapter::built_in::ALL[0].1.into(),
        Path::new("built-in"),
    )
    .expect("an adapter of ours");
    let seeds = yaml(&["scenarios", "scenarios/cloud", "harness/tests/scenarios"]);
    hostile("scenario", &seeds, |input| {
        if let Some(text) = text_of(input) {
            let _ = harness_model::plan::resolve(&text, Path::new("x.yaml"), &adapter, &Default::default());
        }
    });
}

#[test]
fn rubric() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rubric.yaml");
    hostile("rubric", &yaml(&["scenarios/rubrics", "harness/tests/rubrics"]), |input| {
        fs::write(&file, input).expect("the rubric");
        let _ = harness::grade::rubric::read(&file);
    });
}

#[test]
fn zip() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = |names: &[&str]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file of a zip");
            zip.write_all(name.repeat(40).as_bytes()).expect("its bytes");
        }
        zip.finish().expect("a zip").into_inner()
    };
    let seeds = [
        archive(&["proxy.py", "pibl-judge.yaml"]),
        archive(&["team/src/main.c", "team/Makefile", "team/a/b/c/d"]),
    ];
    let (file, mut number) = (folder.path().join("team.zip"), 0);
    hostile("zip", &seeds, |input| {
        number += 1;
        fs::write(&file, input).expect("the zip");
        let to = folder.path().join(format!("{number}"));
        let stop = || false;
        if harness::grade::unpack::bring(&file, &to, &stop).is_ok() {
            let _ = harness::grade::unpack::heart(&to, &stop);
        }
        let _ = fs::remove_dir_all(&to);
        let beside: Vec<_> =
            fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
        assert_eq!(beside, std::slice::from_ref(&file), "nothing was written beside");
    });
}

#[test]
fn record() {
    let folder = tempfile::tempdir().expect("a folder");
    let team = folder.path().join("team");
    fs::create_dir(&team).expect("a folder");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    fs::copy(tests.join("submissions/toy_proxy.py"), team.join("proxy.py")).expect("the toy");
    fs::copy(tests.join("submissions/pibl-judge.yaml"), team.join("pibl-judge.yaml")).expect("its profile");
    let out = folder.path().join("out");
    let ran = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args([
            Path::new("run"),
            &tests.join("scenarios/turns.yaml"),
            Path::new("--sut"),
            &team,
            Path::new("--out"),
            &out,
        ])
        .output()
        .expect("the harness runs");
    let run = out.join("turns/toy/latest").canonicalize().unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let files = ["plan.json", "events.jsonl", "manifest.json", "latency.hlog"].map(|name| run.join(name));
    let files: Vec<PathBuf> =
        files.into_iter().filter(|path| fs::metadata(path).is_ok_and(|it| it.len() > 0)).collect();
    let mut number = 0;
    let seeds: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).expect("a file")).collect();
    hostile("record", &seeds, |input| {
        // Each file in its turn, the others whole.
        let place = number % files.len();
        number += 1;
        fs::write(&files[place], input).expect("a file");
        if let Ok(record) = harness_model::history::read_again(&run) {
            let _ = harness_judge::check::evaluate(&record);
            // The manifest says itself what it is.
            let changed = *input != seeds[place][..] && !files[place].ends_with("manifest.json");
            assert!(!changed || !record.doubts.is_empty(), "a record that was changed is doubted");
        }
        fs::write(&files[place], &seeds[place]).expect("as it was");
    });
}

/// As a program, with a limit on its memory: 500 in the time of `FUZZ_SECONDS=60`, and as many as there is time for.
#[test]
#[cfg(target_os = "linux")]
fn check() {
    let folder = tempfile::tempdir().expect("a folder");
    let seeds = yaml(&["scenarios", "scenarios/suts", "scenarios/rubrics", "harness/tests/problems"]);
    let file = folder.path().join("pibl-judge.yaml");
    hostile("check", &seeds, |input| {
        fs::write(&file, input).expect("the file");
        // Private memory that can be written to, thus heap, stacks and what is mapped for them.
        let limited = format!("ulimit -d {MOST_KIB} -t {}; exec \"$0\" check \"$1\"", HANG.as_secs());
        let output = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_harness")])
            .arg(&file)
            .output()
            .expect("the harness runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 4)), "{:?}: {said}", output.status);
        assert!(output.status.code() == Some(0) || !said.trim().is_empty(), "a refusal has words");
    });
}
