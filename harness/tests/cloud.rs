//! The judge of the cloud cases, judged: proxies that share tokens or show what is old are caught, others are not.
//!
//! Each test runs the program `harness` on a brief scenario of `tests/scenarios`, as a user would. The example
//! `guilty-proxy` keeps answers for its TTL, whatever lifetime the origin gives them.

use crate::guilty_run::run;

#[test]
fn a_cache_that_shares_tokens_is_caught_and_each_kind_is_named() {
    let run = run("tokens", "shares-tokens", &[]);
    assert_eq!((run.exit, run.outcome("privacy.tokens")), (1, "fail"), "{}", run.printed);
    assert_eq!(run.row("privacy.tokens")["requirement"], "REQ-6");
    let sentence = run.sentence("privacy.tokens");
    // What is forbidden stands before what is allowed.
    let forbidden = sentence.find("max-age").expect("a kind that is forbidden");
    let allowed = sentence.find("must-revalidate").expect("a kind that is allowed");
    assert!(forbidden < allowed, "{sentence}");
}

#[test]
fn a_proxy_that_keeps_nothing_of_a_token_shares_nothing() {
    let run = run("tokens", "none", &[]);
    assert_eq!(run.exit, 0, "{}", run.printed);
    for check in ["privacy.tokens", "privacy.never_shared"] {
        assert_eq!(run.outcome(check), "pass", "{}", run.printed);
    }
}

#[test]
fn a_list_that_is_kept_too_long_is_caught() {
    let run = run("seen", "none", &["proxy.ttl=30s"]);
    assert_eq!((run.exit, run.outcome("freshness.delivered")), (1, "fail"), "{}", run.printed);
}

#[test]
fn a_list_that_is_kept_for_its_time_passes() {
    let run = run("seen", "none", &[]);
    assert_eq!((run.exit, run.outcome("freshness.delivered")), (0, "pass"), "{}", run.printed);
    assert!(!run.sentence("freshness.delivered").contains(" 0 of them from the cache"));
}
