//! Hand-made records of exact exchanges, and the verdicts that must follow.
//!
//! What real proxies do is tried in `tests/pupil.rs`; these tests hold the rules themselves. They open no socket.

use std::time::Duration;

use super::Amiss;
use crate::check::testkit::{Ask, Kit};
use crate::check::{Cause, ExchangeFinding, Finding, Outcome, Wrong, evaluate};
use harness_model::catalogue::CheckId;
use harness_model::history::{EventKind, ExchangeEnd, KeptOpen, Look, Purpose, StepProblem, WireBytes};
use harness_model::plan::{BackendChange, StepKind, samples};

fn exact(asks: CheckId, path: &str, times: u32) -> StepKind {
    StepKind::Exact(samples::exact(asks, path, times))
}

fn get(target: &str, at: f64) -> Ask {
    Ask::get(Purpose::Exact, target, at)
}

fn what(finding: &Finding) -> Option<&Amiss> {
    match finding {
        Finding::Exchange(ExchangeFinding::Amiss { amiss, .. }) => Some(amiss),
        _ => None,
    }
}

#[test]
fn what_reaches_one_backend_passes_and_what_reaches_two_does_not() {
    let mut kit = Kit::new(3);
    kit.step(0.0, exact(CheckId::ForwardOnce, "/a", 1));
    kit.ask(get("/a", 10.0).by("b1"));
    assert_eq!(kit.judge(CheckId::ForwardOnce).outcome, Outcome::Pass);
    kit.ask(get("/b", 20.0).by("b1").by("b2"));
    let verdict = kit.judge(CheckId::ForwardOnce);
    assert_eq!(what(&verdict.finding), Some(&Amiss::SentTwice { attempts: 2 }));
}

#[test]
fn a_head_of_which_the_second_segment_is_lost_is_no_whole_one() {
    let outcome = |arrives: &str| {
        let mut kit = Kit::new(3);
        kit.step(0.0, exact(CheckId::ForwardHeadInSegments, "/a", 1));
        kit.ask(get("/a", 10.0).by("b1"));
        for event in &mut kit.record.events {
            match &mut event.event {
                EventKind::Exchange(exchange) => {
                    exchange.request_head =
                        WireBytes(b"GET /a HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n".to_vec());
                }
                EventKind::Attempt(attempt) => attempt.head.0 = arrives.into(),
                _ => {}
            }
        }
        kit.judge(CheckId::ForwardHeadInSegments).outcome
    };
    assert_eq!(outcome("GET /a HTTP/1.1\r\nHost: h\r\naccept: */*\r\nVia: 1.1 p\r\n\r\n"), Outcome::Pass);
    assert_eq!(outcome("GET /a HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n"), Outcome::Fail);
}

#[test]
fn what_may_not_be_kept_fails_where_no_backend_is_asked_again() {
    let mut kit = Kit::new(3);
    kit.step(0.0, exact(CheckId::CacheNoStore, "/s", 2));
    kit.ask(get("/s", 10.0).by("b1"));
    kit.ask(get("/s", 200.0).by("b2"));
    // Where something is kept, what is not kept was not kept on purpose.
    kit.ask(Ask::get(Purpose::Serial, "/plain", 210.0).by("b3"));
    kit.ask(Ask::get(Purpose::Serial, "/plain", 220.0));
    assert_eq!(kit.judge(CheckId::CacheNoStore).outcome, Outcome::Pass);
    kit.ask(get("/s", 400.0));
    assert_eq!(what(&kit.judge(CheckId::CacheNoStore).finding), Some(&Amiss::Kept));
}

#[test]
fn an_error_is_an_answer_and_silence_is_none() {
    let mut kit = Kit::new(3);
    kit.step(0.0, exact(CheckId::FailuresAllRefuse, "/d/{n}", 2));
    kit.ask(get("/d/0", 10.0).with_status(502));
    assert_eq!(kit.judge(CheckId::FailuresAllRefuse).outcome, Outcome::Pass);
    kit.ask(get("/d/1", 20.0).ending(ExchangeEnd::TimedOut));
    assert!(matches!(what(&kit.judge(CheckId::FailuresAllRefuse).finding), Some(Amiss::NoAnswer { .. })));
}

#[test]
fn who_asks_no_backend_shows_nothing_of_how_a_silent_one_is_borne() {
    let mut kit = Kit::new(3);
    kit.ask(Ask::get(Purpose::Serial, "/plain", 0.0).by("b1"));
    kit.step(5.0, exact(CheckId::FailuresHang, "/hang", 1));
    kit.ask(get("/hang", 10.0).with_status(502).of_the_proxy_itself());
    assert_eq!(kit.judge(CheckId::FailuresHang).outcome, Outcome::Inconclusive);
    let mut kit = Kit::new(3);
    kit.step(0.0, exact(CheckId::FailuresHang, "/hang", 1));
    kit.ask(get("/hang", 10.0).by("b1").with_status(504));
    assert_eq!(kit.judge(CheckId::FailuresHang).outcome, Outcome::Pass);
}

#[test]
fn who_leaves_a_silent_backend_has_a_limit_whenever_it_would_have_ended() {
    let judged = |backends: &[&str]| {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Serial, "/plain", 0.0).by("b1"));
        kit.step(5.0, exact(CheckId::FailuresHang, "/hang", 1));
        let asked = get("/hang", 10.0).hung_there().taking(31_000.0).ending(ExchangeEnd::TimedOut);
        kit.ask(backends.iter().fold(asked, |asked, backend| asked.by(backend)));
        kit.judge(CheckId::FailuresHang)
    };
    assert_eq!(judged(&["b1"]).outcome, Outcome::Fail, "one that is waited for all the time");
    let left = judged(&["b1", "b2"]);
    assert_eq!(left.outcome, Outcome::Pass, "{:?}", left.finding);
    assert!(matches!(
        left.finding,
        Finding::Exchange(ExchangeFinding::LeftSilentBackend { after_ms, within_ms })
            if after_ms > 27_000.0 && after_ms < within_ms
    ));
    let rounds = |times: usize| judged(&["b1", "b2", "b3"].repeat(times)).outcome;
    assert_eq!(rounds(1), Outcome::Pass, "one that asks each of them");
    assert_eq!(rounds(2), Outcome::Inconclusive, "one that may end after its second round");
    assert_eq!(rounds(3), Outcome::Fail, "one that goes round without end");
    let thrice_each = ["b1", "b1", "b1", "b2", "b2"];
    assert_eq!(judged(&thrice_each).outcome, Outcome::Pass, "one that asks each of them three times");
    assert_eq!(judged(&["b1"; 3]).outcome, Outcome::Inconclusive, "one that asks the same again");
    assert_eq!(judged(&["b1"; 4]).outcome, Outcome::Fail, "one that asks the same again and again");
}

#[test]
fn where_nothing_at_all_is_forwarded_there_is_one_failure() {
    let mut kit = Kit::new(3);
    kit.step(0.0, exact(CheckId::ForwardOnce, "/p/{n}", 2));
    kit.ask(get("/p/0", 10.0).ending(ExchangeEnd::TimedOut));
    kit.ask(get("/p/1", 20.0).ending(ExchangeEnd::TimedOut));
    kit.step(30.0, exact(CheckId::CacheKeys, "/k", 1));
    kit.ask(get("/k", 40.0).ending(ExchangeEnd::TimedOut));
    kit.check(CheckId::ForwardOnce);
    kit.check(CheckId::CacheKeys);
    let outcomes: Vec<Outcome> = evaluate(&kit.record).iter().map(|verdict| verdict.outcome).collect();
    assert_eq!(outcomes, [Outcome::Fail, Outcome::Blocked]);
    // One that got through: what fails elsewhere has another cause.
    kit.record.plan.checks.clear();
    kit.step(50.0, exact(CheckId::ForwardOnce, "/q", 1));
    kit.ask(get("/q", 60.0).by("b1"));
    kit.check(CheckId::ForwardOnce);
    kit.check(CheckId::CacheKeys);
    let outcomes: Vec<Outcome> = evaluate(&kit.record).iter().map(|verdict| verdict.outcome).collect();
    assert_eq!(outcomes, [Outcome::Fail, Outcome::Fail]);
}

#[test]
fn a_get_that_gets_the_answer_to_a_head_got_no_body() {
    let run = |asked_itself: bool| {
        let mut kit = Kit::new(3);
        kit.ask(Ask::get(Purpose::Fill, "/k", 1.0).by("b1"));
        kit.ask(Ask::get(Purpose::Confirm, "/k", 5.0));
        kit.step(10.0, StepKind::Exact(samples::exact(CheckId::CacheHead, "/h", 2)));
        let mut head = Ask::get(Purpose::Exact, "/h", 20.0).by("b1").with_method("HEAD");
        (head.bytes, head.content) = (0, None);
        kit.ask(head);
        // Content of no bytes says nothing of itself.
        let mut get = Ask::get(Purpose::Exact, "/h", 40.0);
        get.bytes = 0;
        kit.ask(if asked_itself { get.by("b2") } else { get });
        (kit.judge(CheckId::CacheHead), kit.judge(CheckId::IntegrityBodies).outcome)
    };
    let (verdict, bodies) = run(false);
    let Finding::Exchange(ExchangeFinding::Amiss {
        amiss: Amiss::Answer { wrong: Wrong::OfAHead },
        count: 1,
        ..
    }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!((verdict.cause, bodies), (Some(Cause::MethodNotInKey), Outcome::Fail));
    let (verdict, bodies) = run(true);
    assert_eq!((verdict.outcome, bodies), (Outcome::Pass, Outcome::Pass));
}

#[test]
fn who_holds_its_client_until_the_backend_lets_go_waits_for_the_end_of_the_connection() {
    let run = |seen: KeptOpen| {
        let mut kit = Kit::new(3);
        kit.event(1.0, EventKind::Look(Look::KeptOpen { kept_for: Duration::from_millis(1_200), seen }));
        kit.step(10.0, StepKind::Exact(samples::exact(CheckId::ForwardKeptOpen, "/kept-open", 1)));
        kit.ask(Ask::get(Purpose::Exact, "/kept-open", 20.0).by("b1"));
        kit.judge(CheckId::ForwardKeptOpen)
    };
    let after_close = Duration::from_millis(3);
    let verdict = run(KeptOpen::ConnectionWaited { after_close });
    assert!(
        matches!(
            verdict.finding,
            Finding::Exchange(ExchangeFinding::WaitsForBackendsEnd { answer: false, .. })
        ),
        "{:?}",
        verdict.finding
    );
    assert_eq!((verdict.outcome, verdict.cause), (Outcome::Fail, Some(Cause::WaitsForClose)));
    assert_eq!(run(KeptOpen::NotWaitedFor).outcome, Outcome::Pass);
    assert_eq!(run(KeptOpen::Unknown).outcome, Outcome::Pass);
}

#[test]
fn a_post_that_one_backend_has_taken_may_not_reach_another() {
    let outcome = |posts: &dyn Fn(Ask) -> Ask| {
        let mut kit = Kit::new(3);
        for n in 0..3 {
            kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), f64::from(n) * 5.0).by("b1"));
        }
        kit.step(20.0, exact(CheckId::FailuresPostOnce, "/taken/{n}", 2));
        for n in 0..2 {
            let post = get(&format!("/taken/{n}"), 30.0 + f64::from(n) * 10.0).with_method("POST");
            kit.ask(posts(post.with_status(502).of_the_proxy_itself()));
        }
        kit.judge(CheckId::FailuresPostOnce)
    };
    assert_eq!(outcome(&|post| post.by("b1")).outcome, Outcome::Pass);
    // What its client gets, or that it gets nothing, is asked elsewhere.
    let closed = |post: Ask| post.by("b1").ending(ExchangeEnd::ClosedWithoutAnswer);
    assert_eq!(outcome(&closed).outcome, Outcome::Pass);
    let verdict = outcome(&|post| post.by("b1").by("b2").by("b3"));
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(what(&verdict.finding), Some(&Amiss::SentTwice { attempts: 3 }));
    assert_eq!(verdict.cause, None);
    assert_eq!(outcome(&|post| post).outcome, Outcome::Inconclusive, "none of them was ever taken");
}

/// All were down and are back at 100 ms; a round of three requests each 10 s until 60 s later, in which these backends answer.
fn coming_back(rounds: &[[Option<&str>; 3]]) -> crate::check::Verdict {
    let mut kit = Kit::new(3);
    for (n, backend) in ["b1", "b2", "b3"].into_iter().enumerate() {
        kit.ask(get(&format!("/before/{n}"), 20.0 + n as f64 * 10.0).by(backend));
        kit.event(60.0, EventKind::BackendDown { backend: backend.into() });
        let address = ([127, 0, 0, 1], 9_000).into();
        kit.event(100.0, EventKind::BackendUp { backend: backend.into(), address });
    }
    let mut plan = samples::exact(CheckId::FailuresRecovery, "/back/{n}", 3);
    plan.keep_asking = Some(Duration::from_secs(60));
    kit.step(110.0, StepKind::Exact(plan));
    for (round, backends) in rounds.iter().enumerate() {
        for (place, backend) in backends.iter().enumerate() {
            let number = (round * 3 + place) as u32;
            let at = 120.0 + round as f64 * 10_000.0 + place as f64 * 10.0;
            let ask = get(&format!("/back/{number}"), at);
            kit.ask_as(
                number,
                match backend {
                    Some(backend) => ask.by(backend),
                    None => ask.with_status(502).of_the_proxy_itself(),
                },
            );
        }
    }
    kit.judge(CheckId::FailuresRecovery)
}

#[test]
fn who_leaves_a_backend_alone_for_a_while_uses_it_in_the_end_and_who_never_asks_it_again_does_not() {
    let (all, none) = ([Some("b1"), Some("b2"), Some("b3")], [None; 3]);
    assert_eq!(coming_back(&[all]).outcome, Outcome::Pass);
    assert_eq!(coming_back(&[none, none, none, none, none, all]).outcome, Outcome::Pass, "after 50 s");
    let without_b2 = [[Some("b1"), Some("b3"), Some("b1")]; 7];
    let verdict = coming_back(&without_b2);
    let backend = "b2".to_owned();
    assert_eq!(what(&verdict.finding), Some(&Amiss::NotAskedAgain { backend, for_ms: 60_022 }));
    let verdict = coming_back(&[none; 7]);
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert!(matches!(what(&verdict.finding), Some(Amiss::NotAskedAgain { backend, .. }) if backend == "b1"));
}

#[test]
fn a_step_that_was_broken_off_before_its_time_says_nothing_of_who_may_still_be_asked_again() {
    assert_eq!(coming_back(&[[None; 3]; 2]).finding, Finding::NotReached);
}

#[test]
fn a_404_may_be_kept_as_what_it_is_and_not_as_something_else() {
    let outcome = |came: u16| {
        let mut kit = Kit::new(3);
        // Another step asked for it first.
        kit.ask(Ask::get(Purpose::Serial, "/none", 10.0).by("b1").with_status(404));
        kit.step(20.0, exact(CheckId::ForwardStatus, "/none", 2));
        kit.ask(get("/none", 100.0).with_status(came));
        kit.ask(get("/none", 200.0).with_status(came));
        let verdict = kit.judge(CheckId::ForwardStatus);
        (verdict.outcome, what(&verdict.finding).cloned())
    };
    assert_eq!(outcome(404), (Outcome::Pass, None));
    assert_eq!(outcome(200), (Outcome::Fail, Some(Amiss::StatusOfHit { sent: 404, came: 200 })));
}

#[test]
fn what_was_not_reached_does_not_borrow_the_problem_of_another_step() {
    let finding = |own: bool, before: bool| {
        let mut kit = Kit::new(3);
        let said = |words: &str| Some(StepProblem::Said(words.into()));
        kit.step(0.0, exact(CheckId::ForwardOnce, "/a", 1));
        kit.event(5.0, EventKind::StepEnded { problem: said("another's") });
        kit.step(10.0, StepKind::Backends(BackendChange { which: vec![0], up: true }));
        kit.event(15.0, EventKind::StepEnded { problem: said("before").filter(|_| before) });
        kit.step(20.0, exact(CheckId::FailuresPostOnce, "/taken", 1));
        kit.ask(get("/taken", 25.0).with_method("POST").with_status(503).of_the_proxy_itself());
        kit.event(30.0, EventKind::StepEnded { problem: said("its own").filter(|_| own) });
        kit.step(40.0, StepKind::Backends(BackendChange { which: vec![0], up: true }));
        kit.event(45.0, EventKind::StepEnded { problem: said("after") });
        match kit.judge(CheckId::FailuresPostOnce).finding {
            Finding::StepProblem { problem: StepProblem::Said(said) } => Some(said),
            Finding::NotReached => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(finding(false, false), None);
    assert_eq!(finding(true, false).as_deref(), Some("its own"));
    assert_eq!(finding(false, true).as_deref(), Some("before"), "that may be the reason");
}
