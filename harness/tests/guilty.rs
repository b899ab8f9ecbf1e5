//! The judge, judged: the honest proxy passes, and each guilty one fails at the requirement that its defect breaks.
//!
//! Each test runs the program `harness` on a brief scenario, as a user would, and reads `verdicts.json`. What a guilty
//! proxy does is said in `examples/guilty-proxy/defects`; a new defect needs a test here.

use crate::guilty_run::{Run, all_decided, of_the_pack};

/// Fails with what was printed unless the check failed, with these words in its sentence, and the run with this code.
fn assert_caught(run: &Run, check: &str, requirement: &str, words: &[&str], exit: i32) {
    assert_eq!(run.outcome(check), "fail", "{check}\n{}", run.printed);
    assert_eq!(run.row(check)["requirement"], requirement);
    for word in words {
        assert!(run.sentence(check).contains(word), "\"{word}\" in: {}", run.sentence(check));
    }
    assert_eq!(run.exit, exit, "{}", run.printed);
}

#[test]
fn the_honest_proxy_passes_everything() {
    std::thread::scope(|scope| {
        for scenario in ["age", "turns", "crowd", "crash"] {
            scope.spawn(move || passes_everything(scenario));
        }
    });
}

fn passes_everything(scenario: &str) {
    let run = all_decided(scenario, "none");
    let mut open = false;
    for row in run.verdicts["verdicts"].as_array().expect("verdicts") {
        // What a machine without a CPU to spare leaves open is no false alarm, and is said to be open.
        let by_load = row["outcome"] == "inconclusive" && row["finding"]["finding"] == "passed_on_second_try";
        open |= by_load;
        assert!(row["outcome"] == "pass" || by_load, "{scenario}: {row}\n{}", run.printed);
    }
    assert_eq!(run.exit, if open { 2 } else { 0 }, "{scenario}\n{}", run.printed);
}

#[test]
fn never_expires_is_caught() {
    let run = all_decided("age", "never-expires");
    assert_caught(&run, "ttl.expiry", "REQ-8c", &["past its TTL of 1 s", "no entry was seen to expire"], 1);
    assert_eq!(run.outcome("ttl.sliding"), "blocked");
}

#[test]
fn expires_at_twice_the_ttl_is_caught() {
    assert_caught(&all_decided("age", "expires-at-twice-ttl"), "ttl.expiry", "REQ-8c", &["twice the TTL"], 1);
}

#[test]
fn sliding_is_named_and_decides_nothing() {
    let run = all_decided("age", "sliding");
    assert_caught(&run, "ttl.sliding", "REQ-8c", &["kept it alive"], 0);
    assert!(run.printed.contains("ttl.sliding"), "{}", run.printed);
}

#[test]
fn random_balancing_is_caught() {
    let run = all_decided("turns", "random-balancing");
    assert_caught(&run, "rr.serial_cycle", "REQ-9", &["picked at random"], 1);
    assert_eq!(run.outcome("rr.spread"), "fail");
}

#[test]
fn a_racy_counter_is_caught_at_the_barriers_and_only_there() {
    let run = all_decided("turns", "racy-counter");
    assert_caught(&run, "rr.spread", "REQ-9", &["skips or doubles turns"], 1);
    assert_eq!(run.outcome("rr.serial_cycle"), "pass", "{}", run.printed);
}

#[test]
fn serial_accept_is_caught() {
    let run = all_decided("crowd", "serial-accept");
    assert_caught(&run, "concurrency.slow_fast", "REQ-3", &["waited"], 1);
    assert_eq!(run.outcome("concurrency.overlap"), "fail", "{}", run.printed);
}

#[test]
fn forgetting_after_sigkill_is_caught() {
    let run = all_decided("crash", "forgets-after-sigkill");
    assert_caught(&run, "persistence.survives_kill", "REQ-8a", &["not served afterwards"], 1);
    assert_eq!(run.outcome("cache.hit"), "pass", "{}", run.printed);
}

#[test]
fn a_torn_file_after_sigkill_is_caught() {
    let run = all_decided("crash", "torn-file-after-sigkill");
    assert_caught(&run, "persistence.no_torn_bytes", "REQ-8a", &["after a kill in mid-write"], 1);
}

#[test]
fn a_post_answered_from_the_cache_is_caught() {
    assert_caught(
        &all_decided("age", "answers-post-from-cache"),
        "cache.post",
        "REQ-5",
        &["no backend saw it"],
        1,
    );
}

/// Each was met in programs of strangers, and passed.
const ONCE_NOT_SEEN: [(&str, &str); 6] = [
    ("keeps-posts", "cache.post"),
    ("keeps-heads", "cache.head"),
    ("keeps-authorized", "cache.authorization"),
    ("latency-floor", "latency.overhead"),
    ("floods-the-log", "log.volume"),
    ("key-of-forty-characters", "cache.similar_paths"),
];

fn assert_seen_by_the_pack(defect: &str, check: &str) {
    for (defect, outcome) in [(defect, "fail"), ("none", "pass")] {
        let run = of_the_pack(check, defect);
        assert_eq!(run.outcome(check), outcome, "{defect}: {check}\n{}", run.printed);
    }
}

#[test]
fn what_was_once_not_seen_is_seen_by_the_packs() {
    std::thread::scope(|scope| {
        for (defect, check) in ONCE_NOT_SEEN {
            scope.spawn(move || assert_seen_by_the_pack(defect, check));
        }
    });
}

/// Whether two meet is left to chance.
#[test]
fn the_bytes_of_another_resource_are_seen_by_the_packs_in_one_run_of_three() {
    let check = "concurrency.own_answers";
    let seen = (0..3).any(|_| of_the_pack(check, "hit-of-another").outcome(check) == "fail");
    assert!(seen && of_the_pack(check, "none").outcome(check) == "pass");
}

/// Whoever leaves it after a minute, as nginx does, has a limit.
#[test]
#[ignore = "it is waited for for over a minute"]
fn a_backend_that_is_waited_for_without_end_is_seen_by_the_packs() {
    assert_seen_by_the_pack("waits-for-hung-backend", "failures.hang");
}
