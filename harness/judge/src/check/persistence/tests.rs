//! The persistence checks on hand-made crashes.
//!
//! Kept, forgotten, torn, in the wrong place, never back: each must be told from the others.

use std::time::Duration;

use crate::check::testkit::{Ask, Kit};
use crate::check::{Basis, Cause, Finding, Outcome, PersistenceFinding, Wrong, evaluate};
use harness_model::catalogue::CheckId;
use harness_model::history::{ContentSeen, EventKind, Purpose, SourceFile};
use harness_model::plan::{CrashLoad, Fill, ProxySettings, Reread, StepKind};

/// Five keys, four of them confirmed; a kill; every backend down; the keys again, answered as `again` says.
fn crash(ttl_s: u64, again: impl Fn(u32, Ask) -> Ask) -> Kit {
    let mut kit = Kit::new(2);
    kit.record.plan.proxy =
        ProxySettings { ttl: Some(Duration::from_secs(ttl_s)), ..ProxySettings::default() };
    let spread = Duration::ZERO;
    let filled =
        kit.step(0.0, StepKind::Fill(Fill { keys: 5, path: "/p/{key}".into(), vus: 1, confirm: 4, spread }));
    for key in 0..5 {
        kit.ask(Ask::get(Purpose::Fill, &format!("/p/{key}"), 20.0 + f64::from(key) * 10.0).by("b1"));
    }
    for key in 0..4 {
        kit.ask(Ask::get(Purpose::Confirm, &format!("/p/{key}"), 100.0 + f64::from(key) * 10.0));
    }
    let (after_least, after_most) = (Duration::ZERO, Duration::ZERO);
    kit.step(200.0, StepKind::Crash(CrashLoad { vus: 0, path: String::new(), after_least, after_most }));
    kit.kill(200.0, 1);
    for backend in ["b1", "b2"] {
        kit.event(210.0, EventKind::BackendDown { backend: backend.into() });
    }
    kit.start(300.0, 2);
    kit.step(400.0, StepKind::Reread(Reread { of: filled, confirmed_only: true, crash_keys: false, vus: 1 }));
    for key in 0..5 {
        kit.ask(again(key, Ask::get(Purpose::Reread, &format!("/p/{key}"), 400.0 + f64::from(key) * 10.0)));
    }
    kit
}

#[test]
fn confirmed_keys_that_are_served_after_the_kill_were_kept() {
    // Key 4 was never confirmed: its loss proves nothing.
    let mut kit = crash(60, |key, ask| if key == 4 { ask.with_status(502) } else { ask });
    let verdict = kit.judge(CheckId::PersistenceSurvivesKill);
    assert_eq!(
        verdict.finding,
        Finding::Persistence(PersistenceFinding::KeptAfterKill { keys: 4, kills: 1, backends_down: true })
    );
    assert_eq!(verdict.outcome, Outcome::Pass);
    let rebind = kit.judge(CheckId::PersistenceRebind);
    assert_eq!(
        rebind.finding,
        Finding::Persistence(PersistenceFinding::ReboundAtOnce { starts: 1, slowest_ms: 5.0 })
    );
}

#[test]
fn a_confirmed_key_that_is_gone_was_forgotten() {
    let mut kit = crash(60, |_, ask| ask.with_status(502));
    let verdict = kit.judge(CheckId::PersistenceSurvivesKill);
    let Finding::Persistence(PersistenceFinding::LostAfterKill { keys: 4, lost: 4, wrong, .. }) =
        verdict.finding
    else {
        panic!()
    };
    assert_eq!((wrong, verdict.cause), (Wrong::Status { status: 502 }, Some(Cause::IndexInMemory)));
}

#[test]
fn keys_past_their_ttl_prove_nothing() {
    let mut kit = crash(0, |_, ask| ask.with_status(502));
    let verdict = kit.judge(CheckId::PersistenceSurvivesKill);
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{:?}", verdict.finding);
}

#[test]
fn other_bytes_than_before_were_not_kept() {
    let mut kit = crash(60, |key, mut ask| {
        ask.bytes -= u64::from(key == 1);
        ask
    });
    let verdict = kit.judge(CheckId::PersistenceSurvivesKill);
    assert!(matches!(
        verdict.finding,
        Finding::Persistence(PersistenceFinding::LostAfterKill { lost: 1, wrong: Wrong::Damaged { .. }, .. })
    ));
}

/// A kill in the middle of writes, and the written keys again.
fn torn(again: impl Fn(u32, Ask) -> Ask) -> Kit {
    let mut kit = Kit::new(2);
    let (after_least, after_most) = (Duration::ZERO, Duration::from_millis(100));
    let load = CrashLoad { vus: 4, path: "/w/{n}".into(), after_least, after_most };
    let step = kit.step(50.0, StepKind::Crash(load));
    for key in 0..20 {
        kit.ask(Ask::get(Purpose::CrashLoad, &format!("/w/{key}"), 50.0 + f64::from(key)).by("b1"));
    }
    kit.kill(80.0, 1);
    kit.start(100.0, 2);
    kit.step(200.0, StepKind::Reread(Reread { of: step, confirmed_only: false, crash_keys: true, vus: 1 }));
    for key in 0..20 {
        kit.ask(again(key, Ask::get(Purpose::Reread, &format!("/w/{key}"), 200.0 + f64::from(key))));
    }
    kit
}

#[test]
fn whole_answers_after_a_kill_in_mid_write_pass_and_a_torn_one_fails() {
    let verdict = torn(|_, ask| ask).judge(CheckId::PersistenceNoTornBytes);
    assert_eq!(
        verdict.finding,
        Finding::Persistence(PersistenceFinding::WholeAfterKill { kills: 1, reread: 20, from_cache: 20 })
    );
    let half = ContentSeen::Damaged("half".into());
    let verdict = torn(|key, ask| if key == 7 { ask.with_content(half.clone()) } else { ask })
        .judge(CheckId::PersistenceNoTornBytes);
    let Finding::Persistence(PersistenceFinding::WrongAfterKill { target, count: 1, .. }) = verdict.finding
    else {
        panic!()
    };
    assert_eq!(target, "/w/7");
}

#[test]
fn misses_are_fine_but_prove_nothing() {
    let verdict = torn(|_, ask| ask.by("b2")).judge(CheckId::PersistenceNoTornBytes);
    assert_eq!(verdict.outcome, Outcome::Inconclusive);
}

#[test]
fn files_that_grow_with_the_cache_prove_where_it_lies() {
    for (file, bytes, outcome) in [
        ("cache/00/ab", 5_000, Outcome::Pass),
        ("proxy.log", 50_000, Outcome::Fail),
        ("proxy.pid", 6, Outcome::Fail),
    ] {
        let mut kit = crash(60, |_, ask| ask);
        kit.event(900.0, EventKind::FilesSeen { files: vec![(file.into(), bytes)] });
        assert_eq!(kit.judge(CheckId::PersistenceLocation).outcome, outcome, "{file}");
    }
}

#[test]
fn a_file_for_each_target_is_a_cache_on_disk_though_the_large_ones_are_gone() {
    for (files, outcome) in [(30, Outcome::Pass), (5, Outcome::Fail)] {
        let mut kit = crash(60, |_, ask| ask);
        for key in 0..30 {
            let target = format!("/small/{key}");
            kit.ask(Ask::get(Purpose::Exact, &target, 500.0 + f64::from(key) * 10.0).by("b1"));
            kit.ask(Ask::get(Purpose::Exact, &target, 505.0 + f64::from(key) * 10.0));
        }
        kit.ask(Ask::get(Purpose::Exact, "/large", 850.0).by("b1"));
        let mut large = Ask::get(Purpose::Exact, "/large", 860.0);
        large.bytes = 5_000_000;
        kit.ask(large);
        let files = (0..files).map(|number| (format!("cache/{number}"), 1_100)).collect();
        kit.event(900.0, EventKind::FilesSeen { files });
        assert_eq!(kit.judge(CheckId::PersistenceLocation).outcome, outcome);
    }
}

#[test]
fn a_port_that_needs_several_starts_is_a_late_rebind() {
    let mut kit = crash(60, |_, ask| ask);
    for event in &mut kit.record.events {
        if let EventKind::ProxyReady { launch: 2, attempts_before, .. } = &mut event.event {
            *attempts_before = 3;
        }
    }
    let verdict = kit.judge(CheckId::PersistenceRebind);
    assert_eq!((verdict.outcome, verdict.cause), (Outcome::Fail, Some(Cause::PortNotReusable)));
}

#[test]
fn a_change_that_was_tried_confirms_its_cause_or_takes_it_away() {
    let late = |starts: u32| {
        let mut kit = crash(60, |_, ask| ask);
        for event in &mut kit.record.events {
            if let EventKind::ProxyReady { launch: 2, attempts_before, .. } = &mut event.event {
                *attempts_before = starts;
            }
        }
        let text = "int main(void) {\n  if (bind(s, a, n)) return 1;\n  listen(s, 100);\n}\n".into();
        kit.record.beside.source.files = vec![SourceFile { path: "p.c".into(), text }];
        kit
    };
    let proposed = late(3).judge(CheckId::PersistenceRebind).grounds.unwrap();
    let change = proposed.change.expect("a known small mending");
    assert_eq!((proposed.tried, change.edits[0].line), (None, 2));
    for (starts, cause, basis) in [(0, Some(Cause::PortNotReusable), Some(Basis::Tried)), (3, None, None)] {
        let (mut kit, mut trial) = (late(3), late(starts));
        trial.check(CheckId::PersistenceRebind);
        trial.record.plan.change = Some(change.clone());
        kit.record.beside.tried = vec![trial.record];
        let verdict = kit.judge(CheckId::PersistenceRebind);
        let grounds = verdict.grounds.unwrap();
        assert_eq!(verdict.outcome, Outcome::Fail, "a trial changes no verdict");
        assert_eq!(grounds.tried.unwrap().passes, Some(starts == 0));
        assert_eq!((verdict.cause, grounds.named.map(|named| named.basis)), (cause, basis));
    }
}

#[test]
fn a_proxy_that_never_comes_back_fails() {
    let mut kit = crash(60, |_, ask| ask);
    kit.record.events.retain(|event| !matches!(event.event, EventKind::ProxyReady { launch: 2, .. }));
    kit.record
        .events
        .retain(|event| !matches!(&event.event, EventKind::Exchange(e) if e.purpose == Purpose::Reread));
    let verdict = kit.judge(CheckId::PersistenceSurvivesKill);
    assert!(
        matches!(verdict.finding, Finding::Persistence(PersistenceFinding::DidNotStartAgain { .. })),
        "{:?}",
        verdict.finding
    );
}

#[test]
fn where_nothing_survives_a_kill_nothing_can_be_torn_by_it() {
    for (lost, outcome) in [(true, Outcome::Blocked), (false, Outcome::Inconclusive)] {
        let mut kit = crash(60, |_, ask| if lost { ask.with_status(502) } else { ask });
        kit.check(CheckId::PersistenceSurvivesKill);
        kit.check(CheckId::PersistenceNoTornBytes);
        let verdict = evaluate(&kit.record).remove(1);
        assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
    }
}
