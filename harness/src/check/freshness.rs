//! The TTL checks: expiry at the age given, a second value, an age per resource, use that prolongs nothing, restarts.
//!
//! `evaluate` calls one function per check. A violation counts only where the bounds of an age prove it, and a pass needs
//! probes on both sides of the TTL: a check that cannot fail is none.

use super::Finding;
use super::evaluate::Judged;
use super::ledger::{Asked, Ledger, Origin, ms, ms_between};
use super::probes::{Bracket, Probed, bracket, probed};
use super::seen::{ExpirySeen, LatePattern, Samples};
use crate::history::Purpose;
use crate::plan::{CheckPlan, StepKind};

/// Probes needed surely beyond the TTL, and as many surely before it.
const PROBES_ON_EACH_SIDE: u64 = 10;

/// Keys that must have outlived an expired one before each resource is said to have an age of its own.
const OUTLIVING_KEYS: u64 = 10;

/// `ttl.expiry`: entries of the first TTL of the run.
pub(super) fn expiry(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    if let Some(coarse) = too_coarse(ledger, check) {
        return coarse;
    }
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts == 0).collect();
    let Some(ttl) = first_ttl(&probes, ledger, check) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    judge(ledger, &at(ledger, &probes, ttl), Finding::Expiry)
}

/// `ttl.second_value`: entries of another TTL, handed over at a later start.
pub(super) fn second_value(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    if let Some(coarse) = too_coarse(ledger, check) {
        return coarse;
    }
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts == 0).collect();
    let Some(ttl) = first_ttl(&probes, ledger, check) else { return Judged::not_reached() };
    let Some(second_ttl) = probes.iter().map(|p| p.ttl_ms).find(|other| (other - ttl).abs() > 1.0) else {
        return Judged::not_reached();
    };
    let (of_first, of_second) = (of_ttl(&probes, ttl), of_ttl(&probes, second_ttl));
    let (first, second) = (at(ledger, &of_first, ttl), at(ledger, &of_second, second_ttl));
    let same_age = match (middle(&first.seen), middle(&second.seen)) {
        (Some(one), Some(other)) => (one - other).abs() < 0.25 * (ttl - second_ttl).abs(),
        _ => false,
    };
    let wrong = !second.late.is_empty() || !second.early.is_empty();
    if wrong && same_age {
        let evidence = second.late.iter().chain(&second.early).flat_map(|p| p.evidence.clone()).collect();
        return Judged::fail(
            Finding::OneAgeForTwoValues { first: first.seen, second: second.seen },
            evidence,
        );
    }
    let seen = first.seen.clone();
    judge(ledger, &second, |second| Finding::TwoValues { first: seen, second })
}

/// `ttl.across_restart`: entries stored before a start of the proxy and asked for after it.
pub(super) fn across_restart(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let probes: Vec<Probed<'_>> = probed(ledger, check).into_iter().filter(|p| p.restarts > 0).collect();
    let Some(ttl) = probes.first().map(|p| p.ttl_ms) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    let bracket = at(ledger, &probes, ttl);
    let seen = bracket.seen.clone();
    if let Some(worst) = bracket.late.first() {
        let finding = Finding::RestartProlongs {
            target: worst.target.to_owned(),
            age_ms: worst.least_age_ms,
            count: bracket.late.len() as u64,
            seen,
        };
        return Judged::fail(finding, evidence(&bracket.late));
    }
    if let Some(worst) = bracket.early.first() {
        let finding = Finding::RestartForgets {
            target: worst.target.to_owned(),
            age_ms: worst.most_age_ms,
            count: bracket.early.len() as u64,
            seen,
        };
        return Judged::fail(finding, evidence(&bracket.early));
    }
    if let Some(few) = too_few(&bracket.seen) {
        return few;
    }
    let restarts = probes.iter().map(|p| p.restarts).max().unwrap_or(0);
    Judged::pass(Finding::AgeGoesOnOverRestart { seen, restarts }).with_evidence(around(&probes))
}

/// `ttl.per_resource`: entries stored at different instants must not expire together.
pub(super) fn per_resource(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let probes: Vec<Probed<'_>> = probed(ledger, check)
        .into_iter()
        .filter(|p| p.restarts == 0)
        .filter(|p| spread_fill(ledger, p))
        .collect();
    let Some(ttl) = probes.first().map(|p| p.ttl_ms) else { return Judged::not_reached() };
    let probes = of_ttl(&probes, ttl);
    let keys = probes.len() as u64;
    let stored_apart_ms = match (probes.iter().map(|p| p.stored).min(), probes.iter().map(|p| p.stored).max())
    {
        (Some(first), Some(last)) => ms_between(first, last),
        _ => 0.0,
    };
    let Some(first_gone) = probes.iter().filter(|p| !p.served).min_by_key(|p| p.seen_at) else {
        return Judged::too_few(Samples::Keys, keys, OUTLIVING_KEYS);
    };
    // Outlived: still served after one that was stored before it had been found gone.
    let outlived =
        probes.iter().filter(|p| p.served && p.stored > first_gone.stored && p.seen_at > first_gone.seen_at);
    let outlived: Vec<&Probed<'_>> = outlived.collect();
    if outlived.len() as u64 >= OUTLIVING_KEYS {
        let finding =
            Finding::ResourcesExpireApart { keys, stored_apart_ms, outlived: outlived.len() as u64 };
        return Judged::pass(finding)
            .with_evidence(evidence(&outlived[..1]))
            .with_evidence(first_gone.evidence.clone());
    }
    let capabilities = &ledger.plan.adapter.capabilities;
    let blur_ms = ms(capabilities.ttl_resolution.early) + ms(capabilities.ttl_resolution.late);
    let bracket = at(ledger, &probes, ttl);
    let last_served = probes.iter().filter(|p| p.served).map(|p| p.seen_at).max();
    let violated = !bracket.late.is_empty() || !bracket.early.is_empty();
    if violated && outlived.is_empty() && stored_apart_ms > blur_ms + 500.0 {
        let within_ms = last_served.map_or(0.0, |at| ms_between(at, first_gone.seen_at).max(0.0));
        let finding = Finding::ResourcesExpireTogether { keys, stored_apart_ms, within_ms };
        return Judged::fail(finding, first_gone.evidence.clone());
    }
    Judged::too_few(Samples::Keys, outlived.len() as u64, OUTLIVING_KEYS)
}

/// `ttl.sliding`: entries in constant use must expire as early as any.
pub(super) fn sliding(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let late_ms = ms(ledger.plan.adapter.capabilities.ttl_resolution.late);
    let mut keys = 0u64;
    let mut hits = 0u64;
    let mut oldest: f64 = 0.0;
    let mut prolonged: Vec<Life<'_>> = Vec::new();
    let mut ttl_ms = 0.0;
    for step in ledger.steps_of(check) {
        let StepKind::Sliding(plan) = &step.kind else { continue };
        ttl_ms = ms(plan.ttl);
        let requests = ledger.requests_of(step.index, Purpose::Slide);
        let mut targets: Vec<&str> = requests.iter().map(|asked| asked.exchange.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            let of_key: Vec<Asked<'_>> =
                requests.iter().filter(|a| a.exchange.target == target).copied().collect();
            let life = life_of(ledger, &of_key);
            // Only a key that was watched for longer than its TTL, and was hit meanwhile, could have lived too long.
            if life.watched_ms <= ttl_ms + late_ms || life.hits == 0 {
                continue;
            }
            keys += 1;
            hits += life.hits;
            oldest = oldest.max(life.oldest_ms);
            if life.oldest_ms > ttl_ms + late_ms {
                prolonged.push(life);
            }
        }
    }
    prolonged.sort_by(|a, b| b.oldest_ms.total_cmp(&a.oldest_ms));
    match prolonged.first() {
        Some(worst) => {
            let finding = Finding::HitsProlong {
                target: worst.target.to_owned(),
                age_ms: worst.oldest_ms,
                ttl_ms,
                hits: worst.hits_until_oldest,
                count: prolonged.len() as u64,
                keys,
            };
            Judged::fail(finding, worst.evidence.clone())
        }
        None if keys == 0 => Judged::too_few(Samples::Keys, 0, 1),
        None => Judged::pass(Finding::HitsDoNotProlong { keys, hits, oldest_ms: oldest, ttl_ms }),
    }
}

/// What became of a key that was asked for again and again.
struct Life<'a> {
    target: &'a str,
    hits: u64,
    /// Largest age at which it was proven to be served.
    oldest_ms: f64,
    hits_until_oldest: u64,
    /// Longest time from a storing to the last request for that entry or to its renewal.
    watched_ms: f64,
    evidence: Vec<usize>,
}

fn life_of<'a>(ledger: &Ledger<'a>, requests: &[Asked<'a>]) -> Life<'a> {
    let target = requests.first().map_or("", |asked| asked.exchange.target.as_str());
    let lag = ms(ledger.plan.adapter.capabilities.store_lag);
    let mut life =
        Life { target, hits: 0, oldest_ms: 0.0, hits_until_oldest: 0, watched_ms: 0.0, evidence: Vec::new() };
    let mut stored: Option<Asked<'a>> = None;
    let mut hits_of_entry = 0;
    for asked in requests.iter().filter(|asked| asked.succeeded()) {
        if let Some(filled) = &stored {
            life.watched_ms = life.watched_ms.max(ms_between(filled.exchange.finished, asked.sent()) - lag);
        }
        match (ledger.origin(asked), &stored) {
            (Some(Origin::Cache), Some(filled)) => {
                life.hits += 1;
                hits_of_entry += 1;
                let age = ms_between(filled.exchange.finished, asked.sent()) - lag;
                if age > life.oldest_ms {
                    life.oldest_ms = age;
                    life.hits_until_oldest = hits_of_entry;
                    life.evidence = vec![filled.line, asked.line];
                }
            }
            (Some(Origin::Backend(_)), _) => {
                stored = Some(*asked);
                hits_of_entry = 0;
            }
            _ => {}
        }
    }
    life
}

fn judge(
    ledger: &Ledger<'_>,
    bracket: &Bracket<'_, '_>,
    passed: impl FnOnce(ExpirySeen) -> Finding,
) -> Judged {
    let seen = bracket.seen.clone();
    if let Some(worst) = bracket.late.first() {
        let finding = Finding::ServedPastTtl {
            target: worst.target.to_owned(),
            age_ms: worst.least_age_ms,
            past_ms: worst.least_age_ms - seen.ttl_ms,
            count: bracket.late.len() as u64,
            pattern: late_pattern(ledger, bracket),
            seen,
        };
        return Judged::fail(finding, evidence(&bracket.late));
    }
    if let Some(worst) = bracket.early.first() {
        let finding = Finding::ExpiredEarly {
            target: worst.target.to_owned(),
            age_ms: worst.most_age_ms,
            short_ms: seen.ttl_ms - worst.most_age_ms,
            count: bracket.early.len() as u64,
            seen,
        };
        return Judged::fail(finding, evidence(&bracket.early));
    }
    too_few(&seen).unwrap_or_else(|| Judged::pass(passed(seen)))
}

/// What serving past the TTL looks like, from the probes and from the entries in constant use, which are watched longer.
fn late_pattern(ledger: &Ledger<'_>, bracket: &Bracket<'_, '_>) -> LatePattern {
    let seen = &bracket.seen;
    let (Some(served), gone) = (seen.last_served_ms, seen.first_expired_ms) else { return LatePattern::Late };
    let renewed = ledger.plan.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Sliding(plan) if (ms(plan.ttl) - seen.ttl_ms).abs() < 1.0 => Some(step.index),
        _ => None,
    });
    let renewed = renewed.filter_map(|step| earliest_renewal(ledger, step)).min_by(f64::total_cmp);
    match (gone, renewed) {
        (None, None) => LatePattern::NeverExpires,
        (Some(age), _) if age < seen.ttl_ms + seen.late_ms || age < served - 200.0 => LatePattern::Mixed,
        (Some(age), _) | (None, Some(age)) if (age / seen.ttl_ms - 2.0).abs() < 0.2 => {
            LatePattern::TwiceTheTtl
        }
        _ => LatePattern::Late,
    }
}

/// Smallest age at which an entry in constant use was fetched again.
fn earliest_renewal(ledger: &Ledger<'_>, step: usize) -> Option<f64> {
    let mut stored: std::collections::HashMap<&str, Asked<'_>> = std::collections::HashMap::new();
    let mut earliest: Option<f64> = None;
    for asked in ledger.requests_of(step, Purpose::Slide) {
        if let Some(Origin::Backend(arrived)) = ledger.origin(&asked)
            && let Some(before) = stored.insert(asked.exchange.target.as_str(), asked)
        {
            let age = ms_between(before.sent(), arrived.attempt.arrived);
            earliest = Some(earliest.map_or(age, |least| least.min(age)));
        }
    }
    earliest
}

fn too_few(seen: &ExpirySeen) -> Option<Judged> {
    (seen.before < PROBES_ON_EACH_SIDE || seen.after < PROBES_ON_EACH_SIDE).then(|| {
        Judged::inconclusive(Finding::TooFewProbes {
            before: seen.before,
            after: seen.after,
            needed: PROBES_ON_EACH_SIDE,
            ttl_ms: seen.ttl_ms,
        })
    })
}

/// A declared resolution beyond what the scenario tolerates makes every measurement of the TTL meaningless to it.
fn too_coarse(ledger: &Ledger<'_>, check: &CheckPlan) -> Option<Judged> {
    let resolution = ledger.plan.adapter.capabilities.ttl_resolution;
    let declared = resolution.early.max(resolution.late);
    let at_most = check.parameters.at_most?;
    (declared > at_most).then(|| {
        Judged::fail(
            Finding::ResolutionTooCoarse { declared_ms: ms(declared), at_most_ms: ms(at_most) },
            Vec::new(),
        )
    })
}

fn first_ttl(probes: &[Probed<'_>], ledger: &Ledger<'_>, check: &CheckPlan) -> Option<f64> {
    // The plan knows the first TTL even where its probes proved nothing.
    let planned = ledger.steps_of(check).find_map(|step| match &step.kind {
        StepKind::Probe(probe) => Some(ms(probe.at.ttl)),
        _ => None,
    });
    planned.or_else(|| probes.first().map(|p| p.ttl_ms))
}

fn of_ttl<'a>(probes: &[Probed<'a>], ttl_ms: f64) -> Vec<Probed<'a>> {
    probes.iter().filter(|p| (p.ttl_ms - ttl_ms).abs() <= 1.0).cloned().collect()
}

fn at<'p, 'a>(ledger: &Ledger<'_>, probes: &'p [Probed<'a>], ttl_ms: f64) -> Bracket<'p, 'a> {
    let resolution = ledger.plan.adapter.capabilities.ttl_resolution;
    bracket(probes, ttl_ms, ms(resolution.early), ms(resolution.late))
}

/// The age of expiry as far as it is known: between the last answer from the cache and the first renewed entry.
fn middle(seen: &ExpirySeen) -> Option<f64> {
    Some(f64::midpoint(seen.last_served_ms?, seen.first_expired_ms?))
}

fn spread_fill(ledger: &Ledger<'_>, probe: &Probed<'_>) -> bool {
    ledger.requests_for(probe.target).filter(|asked| asked.exchange.purpose == Purpose::Fill).any(|asked| {
        asked
            .step
            .and_then(|step| ledger.plan.steps.get(step))
            .is_some_and(|step| matches!(&step.kind, StepKind::Fill(fill) if !fill.spread.is_zero()))
    })
}

fn evidence(probes: &[&Probed<'_>]) -> Vec<usize> {
    probes.iter().flat_map(|probe| probe.evidence.clone()).collect()
}

/// The two probes between which entries expired.
fn around(probes: &[Probed<'_>]) -> Vec<usize> {
    let served = probes.iter().filter(|p| p.served).max_by(|a, b| a.least_age_ms.total_cmp(&b.least_age_ms));
    let gone = probes.iter().filter(|p| !p.served).min_by(|a, b| a.most_age_ms.total_cmp(&b.most_age_ms));
    served.into_iter().chain(gone).flat_map(|p| p.evidence.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::adapter::Resolution;
    use crate::catalogue::CheckId;
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Finding, LatePattern, Outcome};
    use crate::history::Purpose;
    use crate::plan::{Fill, Probe, ProbeTime, ProxySettings, Restart, Sliding, StepKind};

    fn fill(keys: u32, spread_ms: u64) -> StepKind {
        let path = "/ttl/{key}".to_owned();
        StepKind::Fill(Fill { keys, path, vus: 1, confirm: 0, spread: Duration::from_millis(spread_ms) })
    }

    fn probe(of: usize, ttl_ms: u64) -> StepKind {
        let window = Duration::from_millis(400);
        let at = ProbeTime { ttl: Duration::from_millis(ttl_ms), before: window, after: window };
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
        let Finding::Expiry(seen) = verdict.finding else { panic!("{:?}", verdict.finding) };
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
        let Finding::ServedPastTtl { target, past_ms, pattern, .. } = verdict.finding else { panic!() };
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
        let Finding::ServedPastTtl { pattern, .. } = verdict.finding else { panic!("{:?}", verdict.finding) };
        assert_eq!(pattern, LatePattern::TwiceTheTtl);
    }

    #[test]
    fn an_entry_that_is_gone_too_soon_fails() {
        let mut kit = Kit::new(3);
        measure(&mut kit, 100.0, 2_000.0, 1_700.0, "ttl");
        let verdict = kit.judge(CheckId::TtlExpiry);
        assert_eq!(verdict.outcome, Outcome::Fail);
        let Finding::ExpiredEarly { age_ms, short_ms, .. } = verdict.finding else { panic!() };
        assert!(
            (1_700.0..1_730.0).contains(&age_ms) && (270.0..=300.0).contains(&short_ms),
            "{age_ms} {short_ms}"
        );
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
        assert!(matches!(verdict.finding, Finding::ResolutionTooCoarse { .. }));
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
        assert!(matches!(verdict.finding, Finding::ServedPastTtl { .. }), "{:?}", verdict.finding);
    }

    #[test]
    fn a_second_value_that_is_honoured_passes_and_one_that_is_ignored_fails() {
        for (expires, outcome) in [(1_000.0, Outcome::Pass), (2_000.0, Outcome::Fail)] {
            let mut kit = Kit::new(3);
            measure(&mut kit, 100.0, 2_000.0, 2_000.0, "first");
            let settings = Some(ProxySettings { ttl: Some(Duration::from_secs(1)) });
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
        kit.step(
            from,
            StepKind::Sliding(Sliding { keys: 1, path: "/slide/{key}".into(), every, duration, ttl }),
        );
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
        let Finding::HitsProlong { age_ms, hits, .. } = verdict.finding else { panic!() };
        assert!(age_ms > 4_700.0 && hits == 16, "{age_ms} {hits}");
    }

    #[test]
    fn sliding_without_hits_is_inconclusive() {
        let mut kit = Kit::new(3);
        slide(&mut kit, 0.0, 0.0);
        assert_eq!(kit.judge(CheckId::TtlSliding).outcome, Outcome::Inconclusive);
    }

    /// Forty keys stored over two seconds; `expired` says whether a key stored at the first moment is gone at the second.
    fn spread_over(kit: &mut Kit, expired: impl Fn(f64, f64) -> bool) {
        let filled = kit.step(0.0, fill(40, 2_000));
        for key in 0..40 {
            kit.ask(Ask::get(Purpose::Fill, &format!("/r/{key}"), f64::from(key) * 50.0).by("b1"));
        }
        kit.step(2_000.0, probe(filled, 2_000));
        let mut probes: Vec<(f64, u32)> = (0..40)
            .map(|key| (f64::from(key) * 50.0 + 2.0 + if key % 2 == 0 { 1_700.0 } else { 2_300.0 }, key))
            .collect();
        probes.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, key) in probes {
            let ask = Ask::get(Purpose::Probe, &format!("/r/{key}"), at);
            kit.ask(if expired(f64::from(key) * 50.0, at) { ask.by("b2") } else { ask });
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
        assert!(matches!(verdict.finding, Finding::ResourcesExpireTogether { .. }), "{:?}", verdict.finding);
    }

    #[test]
    fn a_restart_that_renews_or_forgets_ages_is_told_apart() {
        for (expires, outcome) in
            [(2_000.0, Outcome::Pass), (f64::INFINITY, Outcome::Fail), (0.0, Outcome::Fail)]
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
}
