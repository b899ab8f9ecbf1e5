//! The judge of balancers in the cloud, judged: each check of the family catches the proxy that lacks what it asks for.
//!
//! Each test runs the program `harness` on a brief scenario of `tests/scenarios`, as a user would, with the example
//! `guilty-proxy`. It opens a backend connection for each request, which is a defect where many clients share few.

use crate::guilty_run::decided;

#[test]
fn two_instances_of_which_one_is_left_idle_are_caught() {
    let run = decided("scale", "always-first", "capacity.scaling");
    assert_eq!((run.exit, run.outcome("capacity.scaling")), (1, "fail"), "{}", run.printed);
    assert!(run.sentence("capacity.scaling").contains("another one"));
}

#[test]
fn a_backend_connection_for_each_request_is_caught() {
    let run = decided("pool", "none", "multiplexing.connections");
    assert_eq!((run.exit, run.outcome("multiplexing.connections")), (1, "fail"), "{}", run.printed);
}

/// The outcome of a check on an honest proxy and on one with a defect.
fn both(scenario: &str, check: &str, defect: &str) {
    let one = |defect: &str, exit: i32, outcome: &str| {
        let run = decided(scenario, defect, check);
        assert_eq!((run.exit, run.outcome(check)), (exit, outcome), "{}", run.printed);
    };
    // One after the other: what one run asks for is the other's load.
    one("none", 0, "pass");
    one(defect, 1, "fail");
}

#[test]
fn turns_where_the_least_busy_was_asked_for_are_caught() {
    both("busy", "balance.least_busy", "ignores-what-is-open");
}

#[test]
fn strangers_who_are_served_are_caught() {
    both("door", "gateway.admission", "lets-everybody-in");
}

#[test]
fn a_throttle_that_starves_the_modest_client_is_caught() {
    both("past", "degradation.controlled", "one-bucket-for-all");
}

#[test]
fn an_instance_that_is_ill_and_goes_on_being_asked_is_caught() {
    both("ill", "health.watched", "keeps-the-ill");
    let run = decided("ill", "leaves-at-the-first", "health.watched");
    assert_eq!((run.exit, run.outcome("health.watched")), (1, "fail"), "{}", run.printed);
    assert!(run.sentence("health.watched").contains("left too early"), "{}", run.printed);
}

#[test]
fn a_vote_that_is_sent_twice_and_an_answer_for_another_user_are_caught() {
    both("ballot", "votes.counted", "asks-twice");
    both("ballot", "votes.own", "shares-tokens");
}

#[test]
fn an_answer_that_outlives_its_token_is_caught() {
    both("ends", "delivery.expiry", "shares-tokens");
}

#[test]
fn an_answer_for_another_origin_is_caught() {
    both("origins", "delivery.cors", "ignores-origin");
}

#[test]
fn a_list_of_uploads_that_is_out_of_date_is_caught() {
    both("queue", "worker.processed", "shares-tokens");
}
