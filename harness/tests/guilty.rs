//! The judge, judged: the honest proxy passes, and each guilty one fails at the requirement that its defect breaks.
//!
//! Each test runs the program `harness` on a brief scenario, as a user would, and reads `verdicts.json`. What a guilty
//! proxy does is said in `examples/guilty-proxy/defects`; a new defect needs a row here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

use crate::guilty_run::{self, Run};

/// Fails with what was printed unless the check failed, with these words in its sentence, and the run with this code.
fn assert_caught(run: &Run, check: &str, requirement: &str, words: &[&str], exit: i32) {
    assert_eq!(run.outcome(check), "fail", "{check}\n{}", run.printed);
    assert_eq!(run.row(check)["requirement"], requirement);
    for word in words {
        assert!(run.sentence(check).contains(word), "\"{word}\" in: {}", run.sentence(check));
    }
    assert_eq!(run.exit, exit, "{}", run.printed);
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
        cell.get_or_init(|| guilty_run::run(key.0, key.1, &[]))
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
    assert_caught(run, "ttl.expiry", "REQ-8c", &["past its TTL of 1 s", "no entry was seen to expire"], 1);
    assert_eq!(run.outcome("ttl.sliding"), "blocked");
}

#[test]
fn expires_at_twice_the_ttl_is_caught() {
    assert_caught(run("age", "expires-at-twice-ttl"), "ttl.expiry", "REQ-8c", &["twice the TTL"], 1);
}

#[test]
fn sliding_is_named_and_decides_nothing() {
    let run = run("age", "sliding");
    assert_caught(run, "ttl.sliding", "REQ-8c", &["kept it alive"], 0);
    assert!(run.printed.contains("ttl.sliding"), "{}", run.printed);
}

#[test]
fn random_balancing_is_caught() {
    let run = run("turns", "random-balancing");
    assert_caught(run, "rr.serial_cycle", "REQ-9", &["picked at random"], 1);
    assert_eq!(run.outcome("rr.spread"), "fail");
}

#[test]
fn a_racy_counter_is_caught_at_the_barriers_and_only_there() {
    let run = run("turns", "racy-counter");
    assert_caught(run, "rr.spread", "REQ-9", &["skips or doubles turns"], 1);
    assert_eq!(run.outcome("rr.serial_cycle"), "pass", "{}", run.printed);
}

#[test]
fn serial_accept_is_caught() {
    let run = run("crowd", "serial-accept");
    assert_caught(run, "concurrency.slow_fast", "REQ-3", &["waited"], 1);
    assert_eq!(run.outcome("concurrency.overlap"), "fail", "{}", run.printed);
}

#[test]
fn forgetting_after_sigkill_is_caught() {
    let run = run("crash", "forgets-after-sigkill");
    assert_caught(run, "persistence.survives_kill", "REQ-8a", &["not served afterwards"], 1);
    assert_eq!(run.outcome("cache.hit"), "pass", "{}", run.printed);
}

#[test]
fn a_torn_file_after_sigkill_is_caught() {
    let run = run("crash", "torn-file-after-sigkill");
    assert_caught(run, "persistence.no_torn_bytes", "REQ-8a", &["after a kill in mid-write"], 1);
}

#[test]
fn a_post_answered_from_the_cache_is_caught() {
    assert_caught(run("age", "answers-post-from-cache"), "cache.post", "REQ-5", &["no backend saw it"], 1);
}
