//! Whether a program gets the same verdicts each time: run and graded, on a quiet host and with every CPU taken.
//!
//! The subjects are those of `by_hand`. What parts two runs of one program is a race of its own, which its table calls `open`, or a
//! verdict of ours that rests on luck. By hand, because it takes minutes a program:
//!
//! ```text
//! cargo test -p harness --test integration steady -- --ignored --nocapture                       # each program twice, quiet and busy, run and graded
//! TIMES=10 ONLY=eco,turno cargo test -p harness --test integration steady -- --ignored --nocapture
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

/// By check, the outcomes that it had.
type Outcomes = BTreeMap<String, BTreeSet<String>>;

/// Takes every CPU until it is dropped.
struct Busy {
    over: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Busy {
    fn begin() -> Busy {
        let over = Arc::new(AtomicBool::new(false));
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let spin = || {
            let over = over.clone();
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads = (0..cores).map(|_| spin()).collect();
        Busy { over, threads }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| thread.join().expect("a thread that only spins"));
    }
}

#[test]
#[ignore = "minutes a program: the course pack again and again"]
fn verdicts_are_the_same_each_time_quiet_and_busy_run_and_graded() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let times: u32 = std::env::var("TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(2);
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|asked| asked == name);
    let (mut rows, mut steady, mut turned) = (0, 0, Vec::new());
    for (name, folder, open) in subjects().into_iter().filter(|(name, ..)| wanted(name)) {
        let mut seen = Outcomes::new();
        for round in 0..times {
            for busy in [false, true] {
                let _busy = busy.then(Busy::begin);
                for (how, verdicts) in [("run", run(&name, &folder)), ("grade", graded(&name, &folder))] {
                    println!("{name}: {how} {round}, busy: {busy}, {} verdicts", verdicts.len());
                    for (check, outcome) in verdicts {
                        seen.entry(check).or_default().insert(outcome);
                    }
                }
            }
        }
        for (check, outcomes) in seen.into_iter().filter(|(check, _)| !open.contains(check)) {
            rows += 1;
            if outcomes.len() == 1 {
                steady += 1;
                continue;
            }
            println!("{name}: {check} was {outcomes:?}");
            if outcomes.contains("pass") && outcomes.contains("fail") {
                turned.push(format!("{name}: {check}"));
            }
        }
    }
    println!("{steady} of {rows} rows had one outcome");
    assert!(turned.is_empty(), "passed and failed: {turned:?}");
}

/// Every program of the tables: its name, its folder, and the rows that its table leaves open.
fn subjects() -> Vec<(String, PathBuf, BTreeSet<String>)> {
    let families = ["blind", "untidy", "kin/b"].map(|family| here().join("tests").join(family));
    let mut subjects = Vec::new();
    for family in families {
        let mut reader = csv::Reader::from_path(family.join("truth.csv")).expect("the table");
        let names: Vec<String> =
            reader.headers().expect("a header").iter().skip(1).map(str::to_owned).collect();
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
        for (column, name) in names.into_iter().enumerate() {
            let open = rows.iter().filter(|row| &row[column + 1] == "open").map(|row| row[0].to_owned());
            subjects.push((name.clone(), family.join(&name), open.collect()));
        }
    }
    subjects
}

fn run(name: &str, folder: &Path) -> Vec<(String, String)> {
    let out = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg(here().join("../scenarios/course/2026.yaml"));
    command.arg("--sut").arg(folder.join("pibl-judge.yaml")).arg("--out").arg(out.path());
    verdicts(command, out.path(), name)
}

fn graded(name: &str, folder: &Path) -> Vec<(String, String)> {
    let out = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg("grade").arg(here().join("../scenarios/rubrics/pibl-2026.yaml")).arg(folder);
    command.arg("--out").arg(out.path());
    verdicts(command, out.path(), name)
}

/// What the run of the pack beneath a folder came to; what a person judges and what was not asked aside.
fn verdicts(mut command: Command, out: &Path, name: &str) -> Vec<(String, String)> {
    let output = command.output().expect("the harness starts");
    let mut files = Vec::new();
    find(out, &mut files);
    let read = |file: &PathBuf| -> Option<Vec<Value>> {
        let document: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        document["verdicts"].as_array().cloned()
    };
    // `grade` has a first look of its own, which asks little.
    let rows = files.iter().filter_map(read).max_by_key(Vec::len);
    let rows = rows.unwrap_or_else(|| panic!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
    rows.iter()
        .filter_map(|row| Some((row["check"].as_str()?.to_owned(), row["outcome"].as_str()?.to_owned())))
        .filter(|(_, outcome)| outcome != "manual" && outcome != "skipped")
        .collect()
}

/// Every `verdicts.json` beneath a folder, links aside.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder {
            find(&entry.path(), files);
        } else if entry.file_name() == "verdicts.json" {
            files.push(entry.path());
        }
    }
}

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
