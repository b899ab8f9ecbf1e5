//! The TTL checks on hand-made lives of entries.
//!
//! On time, late, early, for ever, twice, in use, over restarts: each with the bounds that the record proves.

use std::time::Duration;

use crate::check::Cause;
use crate::check::testkit::{Ask, Kit};
use crate::check::{Finding, LatePattern, Outcome, TtlFinding};
use harness_model::adapter::Resolution;
use harness_model::catalogue::CheckId;
use harness_model::history::Purpose;
use harness_model::plan::{Fill, Probe, ProbeTime, ProxySettings, Restart, Sliding, StepKind};

fn fill(keys: u32, spread_ms: u64) -> StepKind {
    let path = "/ttl/{key}".to_owned();
    StepKind::Fill(Fill { keys, path, vus: 1, confirm: 0, spread: Duration::from_millis(spread_ms) })
}

fn probe(of: usize, ttl_ms: u64) -> StepKind {
    let window = Duration::from_millis(400);
    let at = ProbeTime::around(Duration::from_millis(ttl_ms), window);
    StepKind::Probe(Probe { of, at })
}

/// Forty keys, probed from 400 ms before the TTL to 400 ms after it; they expire at the age `expires`.
fn measure(kit: &mut Kit, from: f64, ttl: f64, expires: f64, name: &str) {
    let filled = kit.step(from, fill(40, 0));
    let target = |key: u32| format!("/{name}/{key}");
    for key in 0..40 {
        kit.ask(Ask::get(Purpose::Fill, &target(key), from + f64::from(key) * 3.0).by("b1"));
    }
    kit.step(from + 200.0, probe(filled, ttl as u64));
    for key in 0..40 {
        let age = ttl - 400.0 + f64::from(key) * 20.0;
        let ask = Ask::get(Purpose::Probe, &target(key), from + f64::from(key) * 3.0 + 2.0 + age);
        kit.ask(if age < expires { ask } else { ask.by("b2") });
    }
}

#[test]
fn expiry_at_the_ttl_passes_and_names_the_interval() {
    let mut kit = Kit::new(3);
    measure(&mut kit, 100.0, 2_000.0, 2_000.0, "ttl");
    let verdict = kit.judge(CheckId::TtlExpiry);
    assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
    let Finding::Ttl(TtlFinding::Expiry(seen)) = verdict.finding else { panic!("{:?}", verdict.finding) };
    assert!(seen.before >= 10 && seen.after >= 10);
    let (low, high) = (seen.last_served_ms.unwrap(), seen.first_expired_ms.unwrap());
    assert!((1_950.0..2_000.0).contains(&low) && (2_000.0..2_030.0).contains(&high), "{low} {high}");
}

#[test]
fn an_entry_that_never_expires_is_named_with_its_age() {
    let mut kit = Kit::new(3);
    measure(&mut kit, 100.0, 2_000.0, f64::INFINITY, "ttl");
    let verdict = kit.judge(CheckId::TtlExpiry);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let Finding::Ttl(TtlFinding::ServedPastTtl { target, past_ms, pattern, .. }) = verdict.finding else {
        panic!()
    };
    assert_eq!((target.as_str(), pattern), ("/ttl/39", LatePattern::NeverExpires));
    assert!((375.0..=380.0).contains(&past_ms), "{past_ms}");
    assert!(verdict.cause.is_some() && !verdict.evidence.is_empty());
}

#[test]
fn twice_the_ttl_is_told_from_never_by_the_entries_in_use() {
    let mut kit = Kit::new(3);
    measure(&mut kit, 100.0, 2_000.0, 4_000.0, "ttl");
    slide(&mut kit, 4_000.0, 4_000.0);
    let verdict = kit.judge(CheckId::TtlExpiry);
    let Finding::Ttl(TtlFinding::ServedPastTtl { pattern, .. }) = verdict.finding else {
        panic!("{:?}", verdict.finding)
    };
    assert_eq!(pattern, LatePattern::TwiceTheTtl);
}

#[test]
fn an_entry_that_is_gone_too_soon_fails() {
    let mut kit = Kit::new(3);
    measure(&mut kit, 100.0, 2_000.0, 1_700.0, "ttl");
    let verdict = kit.judge(CheckId::TtlExpiry);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let Finding::Ttl(TtlFinding::ExpiredEarly { age_ms, short_ms, .. }) = verdict.finding else { panic!() };
    assert!(
        (1_700.0..1_730.0).contains(&age_ms) && (270.0..=300.0).contains(&short_ms),
        "{age_ms} {short_ms}"
    );
}

#[test]
fn entries_that_are_gone_over_one_instant_were_swept_and_not_counted() {
    // All that lay there at 2 s is gone, whatever its age.
    let run = |sweep: f64| {
        let mut kit = Kit::new(3);
        let filled = kit.step(0.0, fill(40, 2_000));
        let stored = |key: u32| 1_500.0 + f64::from(key) * 30.0;
        for key in 0..40 {
            kit.ask(Ask::get(Purpose::Fill, &format!("/ttl/{key}"), stored(key)).by("b1"));
        }
        kit.step(2_600.0, probe(filled, 2_000));
        for key in 0..40 {
            let age = if key < 14 { 900.0 } else { 1_600.0 + f64::from(key - 14) * 30.0 };
            let at = stored(key) + 2.0 + age;
            let ask = Ask::get(Purpose::Probe, &format!("/ttl/{key}"), at);
            let gone = age > 2_000.0 || (stored(key) < sweep && sweep < at);
            kit.ask(if gone { ask.by("b2") } else { ask });
        }
        kit.judge(CheckId::TtlExpiry)
    };
    let swept = run(2_000.0);
    assert!(matches!(swept.finding, Finding::Ttl(TtlFinding::ExpiredEarly { .. })), "{:?}", swept.finding);
    assert_eq!(swept.cause, Some(Cause::CacheEmptiedAtOnce));
}

#[test]
fn a_declared_resolution_is_granted_and_no_more() {
    let mut kit = Kit::new(3);
    kit.capabilities().ttl_resolution =
        Resolution { early: Duration::from_millis(350), late: Duration::ZERO };
    measure(&mut kit, 100.0, 2_000.0, 1_700.0, "ttl");
    // Within the resolution, but too few probes lie surely before it: a check that cannot fail proves nothing.
    let verdict = kit.judge(CheckId::TtlExpiry);
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{:?}", verdict.finding);
    kit.record.plan.checks[0].parameters.at_most = Some(Duration::from_millis(100));
    let verdict = crate::check::evaluate(&kit.record).remove(0);
    assert!(matches!(verdict.finding, Finding::Ttl(TtlFinding::ResolutionTooCoarse { .. })));
}

#[test]
fn a_probe_within_the_time_of_the_answers_is_never_a_certain_violation() {
    let mut kit = Kit::new(3);
    let filled = kit.step(0.0, fill(1, 0));
    // The filling answer took 300 ms: the entry may have been stored at its end.
    kit.ask(Ask::get(Purpose::Fill, "/ttl/1", 0.0).by("b1").taking(300.0));
    kit.step(400.0, probe(filled, 2_000));
    kit.ask(Ask::get(Purpose::Probe, "/ttl/1", 2_290.0));
    assert_eq!(kit.judge(CheckId::TtlExpiry).outcome, Outcome::Inconclusive);
}

#[test]
fn keys_that_were_hit_in_between_are_not_judged() {
    let mut kit = Kit::new(3);
    measure(&mut kit, 100.0, 2_000.0, 2_000.0, "ttl");
    let filled = kit.step(3_000.0, fill(1, 0));
    kit.ask(Ask::get(Purpose::Fill, "/x", 3_000.0).by("b1"));
    kit.ask(Ask::get(Purpose::Confirm, "/x", 4_500.0));
    kit.step(5_000.0, probe(filled, 2_000));
    kit.ask(Ask::get(Purpose::Probe, "/x", 6_000.0));
    assert_eq!(kit.judge(CheckId::TtlExpiry).outcome, Outcome::Pass);
}

#[test]
fn an_old_answer_given_while_a_new_one_is_fetched_counts_as_served() {
    let mut kit = Kit::new(3);
    let filled = kit.step(0.0, fill(1, 0));
    kit.ask(Ask::get(Purpose::Fill, "/ttl/1", 0.0).by("b1"));
    kit.step(400.0, probe(filled, 2_000));
    kit.ask(Ask::get(Purpose::Probe, "/ttl/1", 2_500.0).by("b2").with_stamp("b1", 1));
    let verdict = kit.judge(CheckId::TtlExpiry);
    assert!(
        matches!(verdict.finding, Finding::Ttl(TtlFinding::ServedPastTtl { .. })),
        "{:?}",
        verdict.finding
    );
}

#[test]
fn a_second_value_that_is_honoured_passes_and_one_that_is_ignored_fails() {
    for (expires, outcome) in [(1_000.0, Outcome::Pass), (2_000.0, Outcome::Fail)] {
        let mut kit = Kit::new(3);
        measure(&mut kit, 100.0, 2_000.0, 2_000.0, "first");
        let settings = Some(ProxySettings { ttl: Some(Duration::from_secs(1)), ..ProxySettings::default() });
        let restart = Restart { stop_first: true, wipe: true, settings, downtime: Duration::ZERO };
        kit.step(5_000.0, StepKind::Restart(restart));
        kit.start(5_000.0, 2);
        measure(&mut kit, 6_000.0, 1_000.0, expires, "second");
        let verdict = kit.judge(CheckId::TtlSecondValue);
        assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
        assert_eq!(kit.judge(CheckId::TtlExpiry).outcome, Outcome::Pass);
    }
}

fn slide(kit: &mut Kit, from: f64, lives: f64) {
    let (every, duration) = (Duration::from_millis(300), Duration::from_secs(5));
    let ttl = Duration::from_secs(2);
    kit.step(from, StepKind::Sliding(Sliding { keys: 1, path: "/slide/{key}".into(), every, duration, ttl }));
    let mut stored = f64::NEG_INFINITY;
    for i in 0..17 {
        let at = from + f64::from(i) * 300.0;
        let ask = Ask::get(Purpose::Slide, "/slide/0", at);
        kit.ask(if at - stored < lives {
            ask
        } else {
            stored = at;
            ask.by("b1")
        });
    }
}

#[test]
fn use_that_prolongs_an_entry_fails_and_use_that_does_not_passes() {
    let mut honest = Kit::new(3);
    slide(&mut honest, 0.0, 2_000.0);
    assert_eq!(honest.judge(CheckId::TtlSliding).outcome, Outcome::Pass);
    let mut sliding = Kit::new(3);
    slide(&mut sliding, 0.0, f64::INFINITY);
    let verdict = sliding.judge(CheckId::TtlSliding);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let Finding::Ttl(TtlFinding::HitsProlong { age_ms, hits, .. }) = verdict.finding else { panic!() };
    assert!(age_ms > 4_700.0 && hits == 16, "{age_ms} {hits}");
}

#[test]
fn an_entry_fetched_again_while_in_use_is_proof_also_where_late_expiry_is_declared() {
    let mut kit = Kit::new(3);
    kit.record.plan.adapter.capabilities.ttl_resolution.late = Duration::from_secs(1);
    slide(&mut kit, 0.0, 2_100.0);
    let verdict = kit.judge(CheckId::TtlSliding);
    assert_eq!(verdict.outcome, Outcome::Pass, "{:?}", verdict.finding);
}

#[test]
fn sliding_without_hits_is_inconclusive() {
    let mut kit = Kit::new(3);
    slide(&mut kit, 0.0, 0.0);
    assert_eq!(kit.judge(CheckId::TtlSliding).outcome, Outcome::Inconclusive);
}

/// A hundred keys stored over two seconds and a half and asked for once, between 1.6 and 2.4 s later, as the packs do; `expired` says
/// whether a key stored at the first moment is gone at the second.
fn spread_over(kit: &mut Kit, expired: impl Fn(f64, f64) -> bool) {
    let filled = kit.step(0.0, fill(100, 2_500));
    let stored = |key: u32| f64::from(key) * 25.0;
    for key in 0..100 {
        kit.ask(Ask::get(Purpose::Fill, &format!("/r/{key}"), stored(key)).by("b1"));
    }
    kit.step(2_500.0, probe(filled, 2_000));
    let age = |key: u32| 1_600.0 + f64::from(key * 37 % 81) * 10.0;
    let mut probes: Vec<(f64, u32)> = (0..100).map(|key| (stored(key) + 2.0 + age(key), key)).collect();
    probes.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at, key) in probes {
        let ask = Ask::get(Purpose::Probe, &format!("/r/{key}"), at);
        kit.ask(if expired(stored(key), at) { ask.by("b2") } else { ask });
    }
}

#[test]
fn an_age_per_resource_passes_and_a_sweep_of_the_whole_cache_fails() {
    let mut honest = Kit::new(3);
    spread_over(&mut honest, |stored, at| at - stored > 2_000.0);
    assert_eq!(honest.judge(CheckId::TtlPerResource).outcome, Outcome::Pass);
    let mut sweep = Kit::new(3);
    spread_over(&mut sweep, |_, at| at > 3_000.0);
    let verdict = sweep.judge(CheckId::TtlPerResource);
    assert!(
        matches!(verdict.finding, Finding::Ttl(TtlFinding::ResourcesExpireTogether { .. })),
        "{:?}",
        verdict.finding
    );
}

#[test]
fn a_cache_that_is_emptied_every_two_seconds_has_no_age_per_resource_whenever_it_began() {
    for began in (0..10).map(|tenth| f64::from(tenth) * 200.0) {
        let mut kit = Kit::new(3);
        let of = |at: f64| ((at - began) / 2_000.0).floor();
        spread_over(&mut kit, |stored, at| of(stored) < of(at));
        for check in [CheckId::TtlExpiry, CheckId::TtlPerResource] {
            kit.check(check);
        }
        let verdicts = crate::check::evaluate(&kit.record);
        let seen: Vec<_> = verdicts.iter().map(|verdict| (verdict.outcome, verdict.explained_by)).collect();
        let together = CheckId::TtlPerResource;
        let whole = [(Outcome::Fail, Some(together)), (Outcome::Fail, None)];
        assert_eq!(seen, whole, "{began}: {verdicts:#?}");
    }
}

#[test]
fn entries_that_all_go_too_early_or_too_late_do_not_go_together() {
    for life in [500.0, 1_200.0, 1_800.0, 2_200.0, 9_000.0] {
        let mut kit = Kit::new(3);
        spread_over(&mut kit, |stored, at| at - stored > life);
        let verdict = kit.judge(CheckId::TtlPerResource);
        assert_ne!(verdict.outcome, Outcome::Fail, "{life}: {:?}", verdict.finding);
    }
}

/// A clock of whole seconds may be a second late, and an age that began anew 200 ms after the entry was stored is later by less.
#[test]
fn a_restart_too_soon_to_show_an_age_that_begins_anew_is_open() {
    for (started, expires, outcome) in [
        (200.0, 2_000.0, Outcome::Inconclusive),
        (200.0, 2_200.0, Outcome::Inconclusive),
        (1_200.0, 2_000.0, Outcome::Pass),
        (1_200.0, 3_200.0, Outcome::Fail),
    ] {
        let mut kit = Kit::new(3);
        kit.capabilities().ttl_resolution.early = Duration::from_millis(250);
        kit.capabilities().ttl_resolution.late = Duration::from_secs(1);
        let filled = kit.step(0.0, fill(100, 0));
        for key in 0..100 {
            kit.ask(Ask::get(Purpose::Fill, &format!("/k/{key}"), f64::from(key)).by("b1"));
        }
        kit.start(started, 2);
        kit.step(started + 100.0, probe(filled, 2_000));
        for key in 0..100 {
            let age = 800.0 + f64::from(key) * 30.0;
            let at = (f64::from(key) + 2.0 + age).max(started + 50.0);
            let ask = Ask::get(Purpose::Probe, &format!("/k/{key}"), at);
            kit.ask(if age < expires { ask } else { ask.by("b2") });
        }
        let verdict = kit.judge(CheckId::TtlAcrossRestart);
        assert_eq!(verdict.outcome, outcome, "{started} {expires}: {:?}", verdict.finding);
    }
}

#[test]
fn a_restart_that_renews_or_forgets_ages_is_told_apart() {
    for (expires, outcome) in [(2_000.0, Outcome::Pass), (f64::INFINITY, Outcome::Fail), (0.0, Outcome::Fail)]
    {
        let mut kit = Kit::new(3);
        let filled = kit.step(0.0, fill(40, 0));
        for key in 0..40 {
            kit.ask(Ask::get(Purpose::Fill, &format!("/k/{key}"), f64::from(key)).by("b1"));
        }
        kit.start(500.0, 2);
        kit.step(600.0, probe(filled, 2_000));
        for key in 0..40 {
            let age = 1_600.0 + f64::from(key) * 20.0;
            let ask = Ask::get(Purpose::Probe, &format!("/k/{key}"), f64::from(key) + 2.0 + age);
            kit.ask(if age < expires { ask } else { ask.by("b2") });
        }
        let verdict = kit.judge(CheckId::TtlAcrossRestart);
        assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
        assert_ne!(kit.judge(CheckId::TtlExpiry).outcome, Outcome::Fail);
    }
}
