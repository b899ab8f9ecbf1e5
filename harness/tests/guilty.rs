//! The judge, judged: the honest proxy passes, and each guilty one fails at the requirement that its defect breaks.
//!
//! Each test runs the program `harness` on a brief scenario, as a user would, and reads `verdicts.json`. What a guilty
//! proxy does is said in `examples/guilty-proxy/defects`; a new defect needs a row here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

use serde_json::Value;

/// What came of one run.
struct Run {
    exit: i32,
    printed: String,
    verdicts: Value,
}

impl Run {
    fn outcome(&self, check: &str) -> &str {
        self.row(check)["outcome"].as_str().expect("an outcome")
    }

    fn sentence(&self, check: &str) -> &str {
        self.row(check)["sentence"]["en"].as_str().expect("a sentence")
    }

    fn row(&self, check: &str) -> &Value {
        let rows = self.verdicts["verdicts"].as_array().expect("verdicts");
        rows.iter()
            .find(|row| row["check"] == check)
            .unwrap_or_else(|| panic!("no verdict on {check}:\n{}", self.printed))
    }

    /// Fails with what was printed unless the check failed, with these words in its sentence, and the run with this code.
    fn assert_caught(&self, check: &str, requirement: &str, words: &[&str], exit: i32) {
        assert_eq!(self.outcome(check), "fail", "{check}\n{}", self.printed);
        assert_eq!(self.row(check)["requirement"], requirement);
        for word in words {
            assert!(self.sentence(check).contains(word), "\"{word}\" in: {}", self.sentence(check));
        }
        assert_eq!(self.exit, exit, "{}", self.printed);
    }
}

/// All runs of this file. The longest begin first.
const RUNS: &[(&str, &str)] = &[
    ("age", "none"),
    ("turns", "none"),
    ("crowd", "none"),
    ("crash", "none"),
    ("age", "never-expires"),
    ("age", "expires-at-twice-ttl"),
    ("age", "sliding"),
    ("turns", "random-balancing"),
    ("turns", "racy-counter"),
    ("crowd", "serial-accept"),
    ("crash", "forgets-after-sigkill"),
    ("crash", "torn-file-after-sigkill"),
    ("age", "answers-post-from-cache"),
];

/// Runs at a time where the whole file is tested: most of a run is waiting for a TTL.
const AT_ONCE: usize = 3;

type Cells = HashMap<(&'static str, &'static str), OnceLock<Run>>;

/// What came of a scenario of this folder on the guilty proxy. Each is run once; where all tests are asked for, some run
/// ahead of the test that needs them.
fn run(scenario: &'static str, defect: &'static str) -> &'static Run {
    static CELLS: OnceLock<Cells> = OnceLock::new();
    static AHEAD: Once = Once::new();
    let cells = CELLS.get_or_init(|| RUNS.iter().map(|&key| (key, OnceLock::new())).collect());
    let carried_out = |key: (&'static str, &'static str)| {
        let cell = cells.get(&key).unwrap_or_else(|| panic!("{key:?} is missing in RUNS"));
        cell.get_or_init(|| carry_out(key.0, key.1))
    };
    let whole_file = std::env::args().skip(1).all(|argument| argument.starts_with('-'));
    AHEAD.call_once(|| {
        if whole_file {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let ahead = move || {
                while let Some(&key) = RUNS.get(NEXT.fetch_add(1, Ordering::Relaxed)) {
                    carried_out(key);
                }
            };
            (0..AT_ONCE).for_each(|_| drop(std::thread::spawn(ahead)));
        }
    });
    carried_out((scenario, defect))
}

/// Runs one of the scenarios of this folder on the guilty proxy.
fn carry_out(scenario: &str, defect: &str) -> Run {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let adapter = std::fs::read_to_string(here.join("suts/guilty.yaml")).expect("the adapter");
    let adapter =
        adapter.replace("PROGRAM", &program().to_string_lossy()).replace("DEFECT\"", &format!("{defect}\""));
    let adapter_file = folder.path().join("guilty.yaml");
    std::fs::write(&adapter_file, adapter).expect("the adapter, filled in");
    let out = folder.path().join("reports");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("run")
        .arg(here.join("scenarios").join(format!("{scenario}.yaml")))
        .arg("--sut")
        .arg(&adapter_file)
        .arg("--out")
        .arg(&out)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let verdicts = out.join(scenario).join("guilty/latest/verdicts.json");
    let verdicts =
        std::fs::read(&verdicts).unwrap_or_else(|error| panic!("{}: {error}\n{printed}", verdicts.display()));
    let verdicts = serde_json::from_slice(&verdicts).expect("verdicts are JSON");
    Run { exit: output.status.code().unwrap_or(-1), printed, verdicts }
}

/// The guilty proxy, built first: `cargo test --test guilty` alone does not build examples.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = escargot::CargoBuild::new().arg("--workspace").example("guilty-proxy");
        let build = if cfg!(debug_assertions) { build } else { build.release() };
        build.run().expect("the guilty proxy builds").path().to_owned()
    })
}

#[test]
fn the_honest_proxy_passes_everything() {
    for scenario in ["age", "turns", "crowd", "crash"] {
        let run = run(scenario, "none");
        let mut open = false;
        for row in run.verdicts["verdicts"].as_array().expect("verdicts") {
            // What a machine without a CPU to spare leaves open is no false alarm, and is said to be open.
            let by_load =
                row["outcome"] == "inconclusive" && row["finding"]["finding"] == "passed_on_second_try";
            open |= by_load;
            assert!(row["outcome"] == "pass" || by_load, "{scenario}: {row}\n{}", run.printed);
        }
        assert_eq!(run.exit, if open { 2 } else { 0 }, "{scenario}\n{}", run.printed);
    }
}

#[test]
fn never_expires_is_caught() {
    let run = run("age", "never-expires");
    run.assert_caught("ttl.expiry", "REQ-8c", &["past its TTL of 1 s", "no entry was seen to expire"], 1);
    assert_eq!(run.outcome("ttl.sliding"), "blocked");
}

#[test]
fn expires_at_twice_the_ttl_is_caught() {
    run("age", "expires-at-twice-ttl").assert_caught("ttl.expiry", "REQ-8c", &["twice the TTL"], 1);
}

#[test]
fn sliding_is_named_and_decides_nothing() {
    let run = run("age", "sliding");
    run.assert_caught("ttl.sliding", "REQ-8c", &["kept it alive"], 0);
    assert!(run.printed.contains("ttl.sliding"), "{}", run.printed);
}

#[test]
fn random_balancing_is_caught() {
    let run = run("turns", "random-balancing");
    run.assert_caught("rr.serial_cycle", "REQ-9", &["picked at random"], 1);
    assert_eq!(run.outcome("rr.spread"), "fail");
}

#[test]
fn a_racy_counter_is_caught_at_the_barriers_and_only_there() {
    let run = run("turns", "racy-counter");
    run.assert_caught("rr.spread", "REQ-9", &["skips or doubles turns"], 1);
    assert_eq!(run.outcome("rr.serial_cycle"), "pass", "{}", run.printed);
}

#[test]
fn serial_accept_is_caught() {
    let run = run("crowd", "serial-accept");
    run.assert_caught("concurrency.slow_fast", "REQ-3", &["waited"], 1);
    assert_eq!(run.outcome("concurrency.overlap"), "fail", "{}", run.printed);
}

#[test]
fn forgetting_after_sigkill_is_caught() {
    let run = run("crash", "forgets-after-sigkill");
    run.assert_caught("persistence.survives_kill", "REQ-8a", &["not served afterwards"], 1);
    assert_eq!(run.outcome("cache.hit"), "pass", "{}", run.printed);
}

#[test]
fn a_torn_file_after_sigkill_is_caught() {
    let run = run("crash", "torn-file-after-sigkill");
    run.assert_caught("persistence.no_torn_bytes", "REQ-8a", &["after a kill in mid-write"], 1);
}

#[test]
fn a_post_answered_from_the_cache_is_caught() {
    run("age", "answers-post-from-cache").assert_caught("cache.post", "REQ-5", &["no backend saw it"], 1);
}
