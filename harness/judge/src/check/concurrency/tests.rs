//! The concurrency checks on hand-made overlaps.
//!
//! At once, one after the other, late for want of CPU, mixed up: each must be told from the others.

use std::time::Duration;

use super::needs_second_try;
use crate::check::testkit::{Ask, Kit};
use crate::check::{Cause, ConcurrencyFinding, Finding, Outcome, Wrong};
use harness_model::catalogue::CheckId;
use harness_model::history::{ContentSeen, EventKind, ExchangeEnd, HostNoise, Purpose};
use harness_model::plan::{Batches, ClientKind, Connections, Overlap, Overtake, Serial, StepKind};

fn overlap(kit: &mut Kit, from: f64, at_once: bool) {
    for n in 0..4 {
        let at = if at_once { from } else { from + f64::from(n) * 100.0 };
        kit.ask(Ask::get(Purpose::Overlap, &format!("/o/{from}/{n}"), at).by("b1").taking(90.0));
    }
}

fn overlap_step() -> StepKind {
    StepKind::Overlap(Overlap { requests: 4, path: "/o/{n}".into(), deadline: Duration::from_secs(1) })
}

#[test]
fn requests_inside_at_once_pass_and_one_after_the_other_fail() {
    for (at_once, outcome, inside) in [(true, Outcome::Pass, 4), (false, Outcome::Fail, 1)] {
        let mut kit = Kit::new(3);
        let step = kit.step(0.0, overlap_step());
        overlap(&mut kit, 0.0, at_once);
        let verdict = kit.judge(CheckId::ConcurrencyOverlap);
        assert_eq!(verdict.outcome, outcome);
        match verdict.finding {
            Finding::Concurrency(ConcurrencyFinding::InsideAtOnce { inside: seen, .. })
            | Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { inside: seen, .. }) => {
                assert_eq!(seen, inside);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(needs_second_try(&kit.record.plan, &kit.record.events, step), !at_once);
    }
}

#[test]
fn a_second_try_classifies_a_failure_and_never_turns_it_into_a_pass() {
    for (second_passes, outcome) in [(true, Outcome::Inconclusive), (false, Outcome::Fail)] {
        let mut kit = Kit::new(3);
        let step = kit.step(0.0, overlap_step());
        overlap(&mut kit, 0.0, false);
        kit.event(500.0, EventKind::HostNoise(HostNoise { cpu_pressure: Some(0.9), ..HostNoise::default() }));
        kit.again(1_000.0, step);
        overlap(&mut kit, 1_000.0, second_passes);
        let verdict = kit.judge(CheckId::ConcurrencyOverlap);
        assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
        if let Finding::PassedOnSecondTry { pressure_first, .. } = verdict.finding {
            assert_eq!(pressure_first, Some(0.9));
        }
        assert!(!needs_second_try(&kit.record.plan, &kit.record.events, step));
    }
}

fn overtake(kit: &mut Kit, late: f64) {
    let plan = Overtake {
        slow: "/slow".into(),
        fast: "/fast/{n}".into(),
        requests: 3,
        slow_takes: Duration::from_millis(500),
    };
    kit.step(0.0, StepKind::Overtake(plan));
    kit.ask(Ask::get(Purpose::Slow, "/slow", 0.0).by("b1").taking(500.0));
    for n in 0..3 {
        let at = 50.0 + f64::from(n) * 20.0 + late;
        let mut fast = Ask::get(Purpose::Fast, &format!("/fast/{n}"), at).by("b2").taking(5.0);
        fast.late = late;
        kit.ask(fast);
    }
}

#[test]
fn fast_answers_during_the_slow_one_pass_and_later_ones_fail() {
    let mut good = Kit::new(3);
    overtake(&mut good, 0.0);
    let verdict = good.judge(CheckId::ConcurrencySlowFast);
    let Finding::Concurrency(ConcurrencyFinding::FastOvertook { fast: 3, slow_ms, .. }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert!((440.0..460.0).contains(&slow_ms));
    let mut serial = Kit::new(3);
    overtake(&mut serial, 470.0);
    let verdict = serial.judge(CheckId::ConcurrencySlowFast);
    let Finding::Concurrency(ConcurrencyFinding::FastWaited { waiting: 3, fast: 3, .. }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!(verdict.cause, Some(Cause::ServedOneByOne));
}

/// Fast requests that are sent at these milliseconds and take so long, beside a slow one that leaves its backend after 900 ms.
fn slow_and_fast(pressure: f64, fast: &[(f64, f64)], reached: impl Fn(usize) -> bool) -> (Outcome, Finding) {
    let mut kit = Kit::new(3);
    let (requests, slow_takes) = (fast.len() as u32, Duration::from_millis(900));
    let plan = Overtake { slow: "/slow".into(), fast: "/fast/{n}".into(), requests, slow_takes };
    kit.step(0.0, StepKind::Overtake(plan));
    kit.ask(Ask::get(Purpose::Slow, "/slow", 0.0).by("b1").taking(1_000.0));
    for (n, (at, took)) in fast.iter().enumerate() {
        let ask = Ask::get(Purpose::Fast, &format!("/fast/{n}"), *at).taking(*took);
        // Its backend is asked as soon as it is sent, or at the end of its time.
        kit.ask(if reached(n) { ask.by("b2") } else { ask });
    }
    kit.event(
        2_000.0,
        EventKind::HostNoise(HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() }),
    );
    let verdict = kit.judge(CheckId::ConcurrencySlowFast);
    (verdict.outcome, verdict.finding)
}

#[test]
fn the_one_that_is_under_way_when_the_slow_one_leaves_has_waited_for_nothing() {
    // On a host without a CPU to spare each takes some hundred milliseconds, one after the other.
    let outcome = |fast: &[(f64, f64)]| slow_and_fast(0.2, fast, |_| true).0;
    assert_eq!(outcome(&[(50.0, 250.0), (300.0, 300.0), (600.0, 350.0)]), Outcome::Pass);
    assert_eq!(
        outcome(&[(50.0, 5.0), (60.0, 5.0), (70.0, 900.0)]),
        Outcome::Fail,
        "it waited, and they did not"
    );
}

#[test]
fn where_some_got_past_on_a_busy_host_the_one_that_did_not_is_left_open() {
    let fast = [(50.0, 5.0), (60.0, 5.0), (70.0, 900.0)];
    let (outcome, finding) = slow_and_fast(0.9, &fast, |_| true);
    assert_eq!(outcome, Outcome::Inconclusive);
    let Finding::BusyHost { pressure: Some(0.9), found, .. } = finding else { panic!("{finding:?}") };
    assert!(matches!(
        *found,
        Finding::Concurrency(ConcurrencyFinding::FastWaited { waiting: 1, fast: 3, .. })
    ));
    // One after the other: none is early, and none with its backend before. No host does that.
    let (outcome, _) = slow_and_fast(0.9, &[(50.0, 1_000.0)], |_| false);
    assert_eq!(outcome, Outcome::Fail);
    let (outcome, _) = slow_and_fast(0.9, &[(50.0, 1_000.0)], |_| true);
    assert_eq!(outcome, Outcome::Inconclusive, "its backend had it long before");
}

#[test]
fn on_a_busy_host_a_limit_is_one_that_stays_the_same() {
    let tried_twice = |pressure: f64, insides: [u32; 2]| {
        let mut kit = Kit::new(3);
        let plan = Overlap { requests: 10, path: "/o/{n}".into(), deadline: Duration::from_secs(1) };
        let step = kit.step(0.0, StepKind::Overlap(plan));
        for (attempt, inside) in insides.into_iter().enumerate() {
            let from = attempt as f64 * 10_000.0;
            if attempt > 0 {
                kit.again(from, step);
            }
            for n in 0..10 {
                let at = from + if n < inside { 0.0 } else { f64::from(n) * 200.0 };
                kit.ask(Ask::get(Purpose::Overlap, &format!("/o/{attempt}/{n}"), at).by("b1").taking(90.0));
            }
            let noise = HostNoise { cpu_pressure: Some(pressure), ..HostNoise::default() };
            kit.event(from + 5_000.0, EventKind::HostNoise(noise));
        }
        kit.judge(CheckId::ConcurrencyOverlap).outcome
    };
    assert_eq!(tried_twice(0.9, [4, 4]), Outcome::Fail);
    assert_eq!(tried_twice(0.9, [1, 1]), Outcome::Fail);
    assert_eq!(tried_twice(0.9, [5, 5]), Outcome::Fail);
    assert_eq!(tried_twice(0.9, [4, 2]), Outcome::Inconclusive);
    assert_eq!(tried_twice(0.9, [9, 9]), Outcome::Inconclusive);
    assert_eq!(tried_twice(0.1, [9, 4]), Outcome::Fail, "at rest");
}

fn batch(kit: &mut Kit, path: &str) -> usize {
    kit.step(
        0.0,
        StepKind::Batches(Batches { count: 1, size: 3, path: path.into(), connections: Connections::Each }),
    )
}

#[test]
fn anothers_answer_is_certain_and_needs_no_second_try() {
    let mut kit = Kit::new(3);
    let step = batch(&mut kit, "/x/{n}");
    kit.ask(Ask::get(Purpose::Batch, "/x/0", 0.0).by("b1"));
    kit.ask(Ask::get(Purpose::Batch, "/x/1", 0.0).by("b2").ending(ExchangeEnd::TimedOut));
    let foreign = ContentSeen::Whole { key: "/x/0".into(), version: 1 };
    kit.ask(Ask::get(Purpose::Batch, "/x/2", 0.0).by("b3").with_content(foreign));
    let verdict = kit.judge(CheckId::ConcurrencyOwnAnswers);
    let Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { target, wrong, count: 2, .. }) =
        verdict.finding
    else {
        panic!()
    };
    assert_eq!((target.as_str(), wrong), ("/x/2", Wrong::Foreign { of: "/x/0".into() }));
    assert!(!needs_second_try(&kit.record.plan, &kit.record.events, step));
}

#[test]
fn own_answers_pass() {
    let mut kit = Kit::new(3);
    batch(&mut kit, "/x/{n}");
    for n in 0..3 {
        kit.ask(Ask::get(Purpose::Batch, &format!("/x/{n}"), 0.0).by("b1"));
    }
    assert_eq!(
        kit.judge(CheckId::ConcurrencyOwnAnswers).finding,
        Finding::Concurrency(ConcurrencyFinding::OwnAnswers { exchanges: 3, at_once: 3 })
    );
    batch(&mut kit, "/y/{n}");
    for n in 0..2 {
        kit.ask(Ask::get(Purpose::Batch, &format!("/y/{n}"), 20.0).by("b2"));
    }
    let verdict = kit.judge(CheckId::ConcurrencyOwnAnswers);
    assert_eq!(
        verdict.finding,
        Finding::Concurrency(ConcurrencyFinding::OwnAnswers { exchanges: 5, at_once: 3 }),
        "all batches count"
    );
}

#[test]
fn a_cold_key_costs_one_request_or_more() {
    for (attempts, outcome) in [(1, Outcome::Pass), (3, Outcome::Fail)] {
        let mut kit = Kit::new(3);
        batch(&mut kit, "/cold");
        for n in 0..3 {
            let ask = Ask::get(Purpose::Batch, "/cold", f64::from(n) * 0.01);
            kit.ask(if n < attempts { ask.by("b1") } else { ask });
        }
        let verdict = kit.judge(CheckId::ConcurrencyCoalescing);
        assert_eq!(verdict.outcome, outcome);
        assert_eq!(
            verdict.finding,
            Finding::Concurrency(ConcurrencyFinding::ColdKey { requests: 3, attempts: attempts as u64 })
        );
    }
}

#[test]
fn a_cold_key_that_nobody_was_given_proves_nothing() {
    let mut kit = Kit::new(3);
    batch(&mut kit, "/cold");
    for _ in 0..3 {
        kit.ask(Ask::get(Purpose::Batch, "/cold", 0.0).ending(ExchangeEnd::TimedOut));
    }
    assert_eq!(kit.judge(CheckId::ConcurrencyCoalescing).outcome, Outcome::Inconclusive);
}

fn kinds(kit: &mut Kit, client: ClientKind, served: bool) {
    let serial = Serial {
        requests: 1,
        method: "GET".into(),
        path: "/k".into(),
        body_bytes: 0,
        connections: Connections::Each,
        client,
    };
    let step = kit.step(0.0, StepKind::Serial(serial));
    if served {
        kit.ask(Ask::get(Purpose::Serial, &format!("/k/{step}"), step as f64 * 10.0).by("b1"));
    } else {
        kit.event(5.0, EventKind::StepEnded { problem: Some("curl is not installed".into()) });
    }
}

#[test]
fn two_kinds_are_enough_where_the_host_lacks_a_third_and_one_is_not() {
    let mut kit = Kit::new(3);
    kinds(&mut kit, ClientKind::Raw, true);
    kinds(&mut kit, ClientKind::Curl, false);
    assert_eq!(kit.judge(CheckId::ConcurrencyClientKinds).outcome, Outcome::Skipped);
    kinds(&mut kit, ClientKind::Reqwest, true);
    let verdict = kit.judge(CheckId::ConcurrencyClientKinds);
    let Finding::Concurrency(ConcurrencyFinding::ClientKindsServed { kinds, exchanges: 2 }) = verdict.finding
    else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!(kinds, [ClientKind::Raw, ClientKind::Reqwest]);
}
