//! The judge of fleets, judged: late and flapping policies are caught behind an honest proxy, guilty proxies before honest ones.
//!
//! Each test runs the program `harness` on a brief scenario of `tests/scenarios`, as a user would. Real backends come and go;
//! the example `guilty-proxy` learns of them by its file.

use crate::guilty_run::{Run, run};

/// A host that does not keep time makes no failure of time, so the outcome is one of two; but never a pass.
fn caught(run: &Run, check: &str, exit: i32) {
    let outcome = run.outcome(check);
    assert!(outcome == "fail" || outcome == "inconclusive", "{check}: {outcome}\n{}", run.printed);
    if outcome == "fail" {
        assert_eq!(run.exit, exit, "{}", run.printed);
    }
}

#[test]
fn an_honest_proxy_loses_nothing_while_its_fleet_grows() {
    let run = run("fleet", "none", &[]);
    // Whether clients gave up rests on the simulation, which a busy host may keep from being believed; what failed does not.
    let lost = run.sentence("fleet.lost_requests");
    assert!(lost.contains(": 0 failed; gave up after 10 s: 0 of "), "{lost}");
    assert_ne!(run.outcome("fleet.lost_requests"), "fail", "{}", run.printed);
    // What rests on time, or on control periods that were quiet, may stay open on a host that is busy.
    for check in ["fleet.even", "fleet.scaled", "fleet.latency"] {
        assert_ne!(run.outcome(check), "fail", "{}", run.printed);
    }
    assert!(run.sentence("fleet.scaled").starts_with("1 to "), "{}", run.sentence("fleet.scaled"));
}

#[test]
fn a_policy_that_is_late_is_caught() {
    let run = run("late", "none", &[]);
    caught(&run, "fleet.scaled", 1);
    caught(&run, "fleet.latency", 1);
    let sentence = run.sentence("fleet.scaled");
    assert!(
        sentence.contains("too few for the load for at most") && sentence.contains("(tolerated 75 s)"),
        "{sentence}"
    );
}

#[test]
fn policies_that_flap_are_caught() {
    let run = run("flaps", "none", &[]);
    caught(&run, "fleet.scaled", 1);
    let sentence = run.sentence("fleet.scaled");
    let turns =
        sentence.split(" changes of direction (at most 3)").next().and_then(|text| text.rsplit(' ').next());
    assert!(turns.and_then(|turns| turns.parse::<u32>().ok()).is_some_and(|turns| turns > 3), "{sentence}");
}

#[test]
fn a_proxy_that_knows_one_instance_only_is_caught() {
    let run = run("fleet", "always-first", &[]);
    caught(&run, "fleet.even", 1);
    let sentence = run.sentence("fleet.even");
    assert!(run.outcome("fleet.even") != "fail" || sentence.contains("between 0 and"), "{sentence}");
}

#[test]
fn a_proxy_that_dies_under_its_fleet_loses_requests() {
    let run = run("fleet", "dies-after-hundreds", &[]);
    assert_eq!((run.exit, run.outcome("fleet.lost_requests")), (1, "fail"), "{}", run.printed);
}
