//! Logs of several styles, written down by hand, and what the checks say of them.

use super::{LogLack, LogPlace};
use crate::check::testkit::{Ask, Kit};
use crate::check::{Finding, LogFinding, Outcome, Verdict};
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, LogExcerpt, Purpose};
use harness_model::plan::StepKind;
use harness_model::plan::samples::exact;

/// A GET answered with 410, one answered twice with 200 (the second time from the cache), and this log of it.
fn verdict(check: CheckId, log: &str) -> Verdict {
    let mut kit = Kit::new(3);
    kit.step(0.0, StepKind::Exact(exact(CheckId::LogFile, "/l/{n}", 3)));
    kit.ask(Ask::get(Purpose::Exact, "/l/gone", 10.0).by("b1").with_status(410));
    kit.ask(Ask::get(Purpose::Exact, "/l/hit", 20.0).by("b2"));
    kit.ask(Ask::get(Purpose::Exact, "/l/hit", 30.0).with_stamp("b2", 1));
    let excerpt = LogExcerpt { file: Some(log.to_owned()), screen: Some(log.to_owned()) };
    kit.event(40.0, EventKind::ProxyLogged(excerpt));
    kit.judge(check)
}

fn lack(check: CheckId, log: &str) -> Option<LogLack> {
    match verdict(check, log).finding {
        Finding::Log(LogFinding::NotLogged { lack, .. }) => Some(lack),
        Finding::Log(LogFinding::Logged { exchanges: 3, hits: 1, .. }) => None,
        other => panic!("{other:?}"),
    }
}

const ONE_LINE: &str = "GET /l/gone -> 410 9\nGET /l/hit -> 200 9\nGET /l/hit -> 200 9\n";
const TWO_LINES: &str = "request GET /l/gone\nanswer 410 /l/gone\nrequest GET /l/hit\nanswer 200 /l/hit\nrequest GET /l/hit\nanswer 200 /l/hit\n";

#[test]
fn whatever_the_style_a_full_log_is_one() {
    for log in [ONE_LINE, TWO_LINES] {
        for check in [CheckId::LogFile, CheckId::LogStdout, CheckId::LogComplete] {
            assert_eq!(lack(check, log), None, "{check}: {log}");
        }
    }
    let Finding::Log(LogFinding::Logged { place, .. }) = verdict(CheckId::LogStdout, ONE_LINE).finding else {
        panic!()
    };
    assert_eq!(place, LogPlace::Screen);
}

#[test]
fn an_empty_log_and_one_of_requests_alone_are_told_apart() {
    assert_eq!(lack(CheckId::LogFile, ""), Some(LogLack::Request));
    let requests = "GET /l/gone\nGET /l/hit\nGET /l/hit\n";
    assert_eq!(lack(CheckId::LogFile, requests), Some(LogLack::Answer));
    assert_eq!(lack(CheckId::LogStdout, "410\n200\n200\n"), Some(LogLack::Request));
}

#[test]
fn an_answer_may_stand_on_a_line_of_its_own_and_must_stand_there_for_each() {
    let apart = "GET /l/gone\nstatus 410\nGET /l/hit\nstatus 200\nGET /l/hit\nstatus 200\n";
    assert_eq!(lack(CheckId::LogFile, apart), None);
    assert_eq!(lack(CheckId::LogComplete, apart), None);
    let one_less = apart.replacen("status 200\n", "", 1);
    assert_eq!(lack(CheckId::LogComplete, &one_less), Some(LogLack::Answer));
    let without_hit = apart.replacen("GET /l/hit\nstatus 200\n", "", 1);
    assert_eq!(lack(CheckId::LogComplete, &without_hit), Some(LogLack::Answer));
    let of_clients = "10.0.0.1:50001 asks GET /l/gone\n10.0.0.1:50002 asks GET /l/hit\n10.0.0.1:50001 gets 410\n\
                      10.0.0.1:50002 gets 200\n10.0.0.1:50003 asks GET /l/hit\n10.0.0.1:50003 gets 200\n";
    assert_eq!(lack(CheckId::LogComplete, of_clients), None);
}

#[test]
fn hits_that_are_left_out_and_lines_that_come_twice_are_counted() {
    let without_hit = "GET /l/gone 410\nGET /l/hit 200\n";
    assert_eq!(lack(CheckId::LogFile, without_hit), None);
    assert_eq!(lack(CheckId::LogComplete, without_hit), Some(LogLack::Some { logged: 1, exchanges: 2 }));
    let twice = ONE_LINE.repeat(2);
    assert_eq!(lack(CheckId::LogComplete, &twice), Some(LogLack::TooOften { logged: 2, exchanges: 1 }));
    let without_method = "/l/gone 410\n/l/hit 200\n/l/hit 200\n";
    assert_eq!(lack(CheckId::LogComplete, without_method), Some(LogLack::Method));
}

#[test]
fn a_log_that_floods_is_told_from_one_that_is_long() {
    let long = format!("GET /l/gone -> 410\n{}", "  Field: value\n".repeat(40)).repeat(3);
    for (log, outcome) in [
        (ONE_LINE.to_owned(), Outcome::Pass),
        (long, Outcome::Pass),
        ("waiting for a client\n".repeat(4_000), Outcome::Fail),
        ("x".repeat(60 << 10), Outcome::Fail),
    ] {
        let verdict = verdict(CheckId::LogVolume, &log);
        assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
    }
}

#[test]
fn a_proxy_without_a_log_file_has_declared_so_and_nothing_is_concluded_where_nobody_looked() {
    let mut kit = Kit::new(3);
    assert_eq!(kit.judge(CheckId::LogFile).outcome, Outcome::Inconclusive);
    kit.record.plan.adapter.log_file = None;
    assert_eq!(kit.judge(CheckId::LogFile).outcome, Outcome::Unsupported);
    assert_eq!(kit.judge(CheckId::LogStdout).outcome, Outcome::Inconclusive);
}

#[test]
fn what_may_stand_behind_the_end_of_what_was_kept_is_not_missing() {
    let flood = "0410  48 54 54 50\n".repeat(20_000);
    for check in [CheckId::LogFile, CheckId::LogComplete] {
        let first = verdict(check, &format!("GET /l/gone -> 410 9\n{flood}"));
        assert_eq!(first.outcome, Outcome::Pass, "{:?}", first.finding);
        assert!(matches!(first.finding, Finding::Log(LogFinding::Logged { exchanges: 1, .. })));
        assert_eq!(verdict(check, &flood).outcome, Outcome::Inconclusive, "nothing of it was seen");
    }
}
