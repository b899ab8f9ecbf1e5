//! One run of the program `harness` on the guilty proxy, as a user would start it, and what came of it.

use std::path::Path;
use std::process::Command;
use std::sync::{Condvar, Mutex};

use serde_json::Value;

use crate::guilty_proxy;

/// What came of a run.
pub struct Run {
    pub exit: i32,
    pub printed: String,
    pub verdicts: Value,
}

/// Runs at a time: most of a run is waiting, but what it judges by are times.
const AT_ONCE: usize = 3;

/// The right to run; given back when it is dropped.
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    fn take() -> Turn {
        let running = RUNNING.lock().expect("nobody panics while counting");
        *ENDED.wait_while(running, |running| *running >= AT_ONCE).expect("nobody panics while counting") += 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().expect("nobody panics while counting") -= 1;
        ENDED.notify_one();
    }
}

/// Runs a scenario of `tests/scenarios` on the guilty proxy with a defect, with these `--set`.
pub fn run(scenario: &str, defect: &str, settings: &[&str]) -> Run {
    let file = format!("tests/scenarios/{scenario}.yaml");
    let told: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    run_file(&file, scenario, defect, &told)
}

/// Asks for one row of the course pack of 2026 alone, as who wants to see it again would, until it is decided.
pub fn of_the_pack(check: &str, defect: &str) -> Run {
    let told = ["--only", check, "--watch=never"];
    let once = || run_file("../scenarios/course/2026.yaml", "course-2026", defect, &told);
    decided_of((0..3).map(|_| once()), |run| run.outcome(check) == "inconclusive")
}

/// Runs a scenario, whose file is told from the folder of this package.
fn run_file(scenario: &str, name: &str, defect: &str, told: &[&str]) -> Run {
    let _turn = Turn::take();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let adapter = folder.path().join("guilty.yaml");
    guilty_proxy::write_adapter(&adapter, guilty_proxy::program(), defect);
    let out = folder.path().join("reports");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("run")
        .arg(package.join(scenario))
        .arg("--sut")
        .arg(&adapter)
        .arg("--out")
        .arg(&out)
        .args(told)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let file = out.join(name).join("guilty/latest/verdicts.json");
    let verdicts =
        std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}\n{printed}", file.display()));
    let verdicts = serde_json::from_slice(&verdicts).expect("verdicts are JSON");
    Run { exit: output.status.code().unwrap_or(-1), printed, verdicts }
}

/// The same, with a verdict on this check: what a host that was busy for a moment has left open is asked again, as whoever reads
/// `inconclusive` would. Thrice is enough; what stays open then is a failure of the judge.
pub fn decided(scenario: &str, defect: &str, check: &str) -> Run {
    asked_again(scenario, defect, |run| run.outcome(check) == "inconclusive")
}

/// The same, with a verdict on everything.
pub fn all_decided(scenario: &str, defect: &str) -> Run {
    asked_again(scenario, defect, |run| {
        run.verdicts["verdicts"]
            .as_array()
            .expect("verdicts")
            .iter()
            .any(|row| row["outcome"] == "inconclusive")
    })
}

fn asked_again(scenario: &str, defect: &str, open: impl Fn(&Run) -> bool) -> Run {
    decided_of((0..3).map(|_| run(scenario, defect, &[])), open)
}

fn decided_of(mut tries: impl Iterator<Item = Run>, open: impl Fn(&Run) -> bool) -> Run {
    let first = tries.next().expect("three tries");
    if open(&first) { tries.find(|run| !open(run)).unwrap_or(first) } else { first }
}

impl Run {
    /// The outcome of a check.
    pub fn outcome(&self, check: &str) -> &str {
        self.row(check)["outcome"].as_str().expect("an outcome")
    }

    /// What it says it saw.
    pub fn sentence(&self, check: &str) -> &str {
        self.row(check)["sentence"]["en"].as_str().expect("a sentence")
    }

    /// The verdict on a check.
    pub fn row(&self, check: &str) -> &Value {
        let rows = self.verdicts["verdicts"].as_array().expect("verdicts");
        rows.iter()
            .find(|row| row["check"] == check)
            .unwrap_or_else(|| panic!("no verdict on {check}\n{}", self.printed))
    }
}
