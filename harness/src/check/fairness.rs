//! The rotation checks: exact cycle for serial requests, even counts after batches, and which kind of rotation it is.
//!
//! `evaluate` calls one function per check. Attempts are counted at the backends and matched by target, so readiness
//! requests and health probes never count; a cycle is a cycle wherever it begins.

use std::collections::HashMap;

use super::Finding;
use super::evaluate::Judged;
use super::integrity::wrong_answer;
use super::ledger::{Arrived, Asked, Ledger, Origin};
use super::pattern::{first_break, of_serial, prefix_spread, shares, spread_of};
use super::seen::{RotationPattern, Samples, Wrong};
use crate::history::Purpose;
use crate::plan::{CheckPlan, Connections, Step, StepKind};
use crate::statistics::{chance_of_a_lucky_cycle, power_of_batches};

/// Batches below which the spread says nothing.
const BATCHES: u64 = 5;

/// Updates that the counter of the stated power loses, of a hundred.
const STATED_LOSS: f64 = 0.01;

/// Backends that a verdict prints of a broken cycle.
const PRINTED: usize = 24;

/// `rr.serial_cycle`: serial requests visit the backends in an exact cycle.
pub(super) fn serial_cycle(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let backends = all_backends(ledger);
    if backends.len() < 2 {
        return Judged::too_few(Samples::Backends, backends.len() as u64, 2);
    }
    let mut passed: Option<(u64, Judged)> = None;
    let mut seen = 0;
    for step in ledger.steps_of(check) {
        let StepKind::Serial(plan) = &step.kind else { continue };
        let Some(visits) = visits_of(ledger, step, Purpose::Serial) else { continue };
        if let Some(failed) = doubled_or_lost(&visits) {
            return failed;
        }
        let sequence = visits.sequence();
        seen = seen.max(sequence.len() as u64);
        if sequence.len() < 3 * backends.len() {
            continue;
        }
        let rotations = rotations(ledger);
        let judged = match first_break(&sequence, backends.len()) {
            None => Judged::pass(Finding::ExactCycle {
                requests: sequence.len() as u64,
                order: sequence[..backends.len()].iter().map(|name| (*name).to_owned()).collect(),
                chance: chance_of_a_lucky_cycle(backends.len(), sequence.len()),
            })
            .with_evidence(visits.lines().take(backends.len())),
            // Requests of several connections meet several rotations, whose cycles mix.
            Some(_)
                if rotations > 1
                    && plan.connections == Connections::Each
                    && prefix_spread(&sequence, &backends) <= rotations =>
            {
                Judged::pass(Finding::EvenWithinRotations {
                    requests: sequence.len() as u64,
                    spread: prefix_spread(&sequence, &backends),
                    rotations,
                })
            }
            Some(index) => return broken(&visits, &sequence, &backends, index, rotations),
        };
        if passed.as_ref().is_none_or(|(most, _)| sequence.len() as u64 > *most) {
            passed = Some((sequence.len() as u64, judged));
        }
    }
    match passed {
        Some((_, judged)) => judged,
        None if seen == 0 => Judged::not_reached(),
        None => Judged::too_few(Samples::Requests, seen, 3 * backends.len() as u64),
    }
}

/// `rr.spread`: counts per backend at the quiescence after each batch.
pub(super) fn spread(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let backends = all_backends(ledger);
    if backends.len() < 2 {
        return Judged::too_few(Samples::Backends, backends.len() as u64, 2);
    }
    let allowed = rotations(ledger);
    let mut best: Option<Judged> = None;
    let mut most_batches = 0;
    for step in ledger.steps_of(check) {
        let StepKind::Batches(plan) = &step.kind else { continue };
        let Some(visits) = visits_of(ledger, step, Purpose::Batch) else { continue };
        if let Some(failed) = doubled_or_lost(&visits) {
            return failed;
        }
        let Barriers { worst, first_bad, batches } = at_barriers(&visits, &backends, allowed);
        most_batches = most_batches.max(batches);
        let sequence = visits.sequence();
        let shares = shares(&sequence, &backends);
        if let Some(batch) = first_bad {
            let left_out: Vec<String> = shares
                .iter()
                .filter(|share| share.attempts == 0)
                .map(|share| share.backend.clone())
                .collect();
            let finding = if left_out.is_empty() {
                let pattern = drift_pattern(ledger, worst, sequence.len() as u64);
                Finding::UnevenBatches {
                    batch,
                    batches,
                    size: u64::from(plan.size),
                    spread: worst,
                    allowed,
                    shares,
                    pattern,
                }
            } else {
                Finding::BackendsLeftOut { names: left_out, shares }
            };
            return Judged::fail(finding, visits.lines_of_group(batch));
        }
        if batches >= BATCHES {
            let power = power_of_batches(
                backends.len(),
                u32::try_from(batches).unwrap_or(u32::MAX),
                plan.size,
                STATED_LOSS,
                allowed,
            );
            let size = u64::from(plan.size);
            best = Some(Judged::pass(Finding::EvenBatches {
                batches,
                size,
                spread: worst,
                allowed,
                power,
                shares,
            }));
        }
    }
    match best {
        Some(judged) => judged,
        None if most_batches == 0 => Judged::not_reached(),
        None => Judged::too_few(Samples::Batches, most_batches, BATCHES),
    }
}

/// `rr.scope`: which kind of rotation it is.
pub(super) fn scope(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let backends = all_backends(ledger);
    let rotations = rotations(ledger);
    let (mut one, mut each, mut requests) = (None, None, 0);
    let mut drifts = false;
    for step in ledger.steps_of(check) {
        match &step.kind {
            StepKind::Serial(plan) => {
                let Some(visits) = visits_of(ledger, step, Purpose::Serial) else { continue };
                let sequence = visits.sequence();
                if sequence.len() < 2 * backends.len() {
                    continue;
                }
                requests += sequence.len() as u64;
                let pattern = of_serial(&sequence, &backends, rotations);
                match plan.connections {
                    Connections::One => one = Some(pattern),
                    Connections::Each => each = Some(pattern),
                }
            }
            StepKind::Batches(_) => {
                let Some(visits) = visits_of(ledger, step, Purpose::Batch) else { continue };
                let sequence = visits.sequence();
                requests += sequence.len() as u64;
                drifts |= at_barriers(&visits, &backends, rotations).first_bad.is_some();
            }
            _ => {}
        }
    }
    let pattern = match (one, each) {
        (None, None) => return Judged::not_reached(),
        (
            Some(RotationPattern::Sticky { .. } | RotationPattern::LeavesOut),
            Some(RotationPattern::Global),
        ) => RotationPattern::PerConnection,
        (Some(RotationPattern::Global), Some(RotationPattern::PerWorker | RotationPattern::Random))
            if rotations > 1 =>
        {
            RotationPattern::PerWorker
        }
        (Some(RotationPattern::Global) | None, Some(RotationPattern::Global) | None) if drifts => {
            RotationPattern::Racy
        }
        (Some(RotationPattern::Global), Some(other)) => other,
        (Some(one), _) => one,
        (None, Some(each)) => each,
    };
    let unknown = pattern == RotationPattern::Unknown;
    let finding = Finding::RotationScope { pattern, requests };
    if unknown { Judged::inconclusive(finding) } else { Judged::pass(finding) }
}

/// `rr.hits_take_turn`: whether an answer from the cache moves the turn on.
pub(super) fn hits_take_turn(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let backends = all_backends(ledger);
    let n = backends.len();
    let (mut take, mut keep, mut hits_between) = (0u64, 0u64, 0u64);
    for series in series_of(ledger, check) {
        let Some(order) = first_cycle(&series, n) else { continue };
        let place = |name: &str| order.iter().position(|known| *known == name);
        let (mut last, mut hits): (Option<usize>, usize) = (None, 0);
        for visited in &series {
            let Some(name) = visited else {
                hits += 1;
                continue;
            };
            let Some(now) = place(name) else { continue };
            if let Some(before) = last
                && !hits.is_multiple_of(n)
            {
                hits_between += hits as u64;
                let moved = (now + n - before) % n;
                take += u64::from(moved == (1 + hits) % n);
                keep += u64::from(moved == 1 % n);
            }
            last = Some(now);
            hits = 0;
        }
    }
    match (take, keep) {
        (0, 0) => Judged::too_few(Samples::Hits, hits_between, 1),
        (_, 0) => Judged::pass(Finding::HitsAndTurns { take_turn: true, hits: hits_between }),
        (0, _) => Judged::pass(Finding::HitsAndTurns { take_turn: false, hits: hits_between }),
        _ => Judged::inconclusive(Finding::RotationScope {
            pattern: RotationPattern::Unknown,
            requests: take + keep,
        }),
    }
}

/// How far apart the counts of the backends were at the quiescence after each batch.
struct Barriers {
    /// Largest spread at any of them.
    worst: u64,
    /// The first batch, from one, after which the spread was larger than allowed.
    first_bad: Option<u64>,
    batches: u64,
}

fn at_barriers(visits: &Visits<'_>, backends: &[String], allowed: u64) -> Barriers {
    let mut counts: HashMap<&str, u64> = backends.iter().map(|name| (name.as_str(), 0)).collect();
    let mut barriers = Barriers { worst: 0, first_bad: None, batches: 0 };
    for group in visits.groups() {
        for visit in visits.all.iter().filter(|visit| visit.asked.exchange.group == group) {
            for arrived in &visit.attempts {
                *counts.entry(arrived.attempt.backend.as_str()).or_default() += 1;
            }
        }
        barriers.batches += 1;
        let spread = spread_of(counts.values().copied());
        barriers.worst = barriers.worst.max(spread);
        if spread > allowed && barriers.first_bad.is_none() {
            barriers.first_bad = Some(barriers.batches);
        }
    }
    barriers
}

/// A request with the attempts that it caused.
struct Visit<'a> {
    asked: Asked<'a>,
    attempts: Vec<Arrived<'a>>,
}

/// The requests of a step whose targets are all unique, so that no cache can have answered.
struct Visits<'a> {
    all: Vec<Visit<'a>>,
}

impl<'a> Visits<'a> {
    /// Backends in the order of the arrivals.
    fn sequence(&self) -> Vec<&'a str> {
        let mut arrivals: Vec<Arrived<'a>> =
            self.all.iter().flat_map(|visit| visit.attempts.iter().copied()).collect();
        arrivals.sort_by_key(|arrived| arrived.attempt.arrived);
        arrivals.iter().map(|arrived| arrived.attempt.backend.as_str()).collect()
    }

    fn lines(&self) -> impl Iterator<Item = usize> + '_ {
        self.all.iter().flat_map(|visit| visit.attempts.iter().map(|arrived| arrived.line))
    }

    fn groups(&self) -> Vec<u32> {
        let mut groups: Vec<u32> = self.all.iter().map(|visit| visit.asked.exchange.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Lines of the attempts of the batch of this number, from one.
    fn lines_of_group(&self, batch: u64) -> Vec<usize> {
        let group = self.groups().get(usize::try_from(batch).unwrap_or(1).saturating_sub(1)).copied();
        let of_group = self.all.iter().filter(|visit| Some(visit.asked.exchange.group) == group);
        of_group.flat_map(|visit| visit.attempts.iter().map(|arrived| arrived.line)).collect()
    }
}

/// The visits of a step; `None` where it was not carried out with every backend up, or asks for a target more than once.
fn visits_of<'a>(ledger: &Ledger<'a>, step: &Step, purpose: Purpose) -> Option<Visits<'a>> {
    let requests = ledger.requests_of(step.index, purpose);
    let first = requests.first()?;
    let unique = requests.iter().all(|asked| ledger.requests_for(&asked.exchange.target).count() == 1);
    let all_up = ledger.backends_up_at(first.sent()).len() == ledger.plan.backends.count;
    if !unique || !all_up {
        return None;
    }
    let all = requests
        .into_iter()
        .map(|asked| Visit { attempts: ledger.attempts_for(&asked.exchange.target).collect(), asked })
        .collect();
    Some(Visits { all })
}

/// One request that reached healthy backends twice, or none at all.
fn doubled_or_lost(visits: &Visits<'_>) -> Option<Judged> {
    let requests = visits.all.len() as u64;
    let answered = |visit: &Visit<'_>| {
        let whole =
            |arrived: &&Arrived<'_>| arrived.attempt.outcome == fake_backends::journal::Outcome::Answered;
        visit.attempts.iter().filter(whole).count()
    };
    let doubled: Vec<&Visit<'_>> = visits.all.iter().filter(|visit| answered(visit) > 1).collect();
    if let Some(first) = doubled.first() {
        let finding = Finding::DoubledAttempts {
            target: first.asked.exchange.target.clone(),
            attempts: first.attempts.len() as u64,
            count: doubled.len() as u64,
            requests,
        };
        return Some(Judged::fail(finding, first.attempts.iter().map(|arrived| arrived.line).collect()));
    }
    let lost: Vec<&Visit<'_>> = visits.all.iter().filter(|visit| visit.attempts.is_empty()).collect();
    let first = lost.first()?;
    let finding = Finding::NotForwarded {
        target: first.asked.exchange.target.clone(),
        wrong: wrong_answer(&first.asked).unwrap_or(Wrong::NoAnswer),
        count: lost.len() as u64,
        requests,
    };
    Some(Judged::fail(finding, lost.iter().map(|visit| visit.asked.line).collect()))
}

fn broken(
    visits: &Visits<'_>,
    sequence: &[&str],
    backends: &[String],
    index: usize,
    rotations: u64,
) -> Judged {
    let left_out: Vec<String> =
        backends.iter().filter(|name| !sequence.contains(&name.as_str())).cloned().collect();
    let from = index.saturating_sub(backends.len());
    let evidence: Vec<usize> = visits.lines().skip(from).take(backends.len() + 1).collect();
    if !left_out.is_empty() && left_out.len() < backends.len() {
        return Judged::fail(
            Finding::BackendsLeftOut { names: left_out, shares: shares(sequence, backends) },
            evidence,
        );
    }
    let expected = match index.checked_sub(backends.len()) {
        Some(before) => sequence[before].to_owned(),
        None => backends
            .iter()
            .find(|name| !sequence[..index].contains(&name.as_str()))
            .cloned()
            .unwrap_or_default(),
    };
    let finding = Finding::CycleBroken {
        position: index as u64 + 1,
        expected,
        saw: sequence[index].to_owned(),
        sequence: sequence.iter().take(PRINTED).map(|name| (*name).to_owned()).collect(),
        requests: sequence.len() as u64,
        pattern: of_serial(sequence, backends, rotations),
    };
    Judged::fail(finding, evidence)
}

/// What drifting counts look like: racy where serial requests kept an exact cycle in the same run.
fn drift_pattern(ledger: &Ledger<'_>, spread: u64, attempts: u64) -> RotationPattern {
    let backends = all_backends(ledger);
    let serial: Vec<RotationPattern> = ledger
        .plan
        .steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::Serial(_)))
        .filter_map(|step| visits_of(ledger, step, Purpose::Serial))
        .map(|visits| of_serial(&visits.sequence(), &backends, rotations(ledger)))
        .filter(|pattern| *pattern != RotationPattern::Unknown)
        .collect();
    if !serial.is_empty() {
        let exact = serial.iter().all(|pattern| *pattern == RotationPattern::Global);
        return if exact { RotationPattern::Racy } else { serial[0].clone() };
    }
    // Without serial requests only the size tells: losing turns drifts far more slowly than drawing lots.
    let random = (attempts as f64 / backends.len().max(1) as f64).sqrt();
    if (spread as f64) < random / 2.0 { RotationPattern::Racy } else { RotationPattern::Random }
}

/// Series of neighbouring serial steps: for each request the backend visited, or `None` for an answer from the cache.
fn series_of<'a>(ledger: &Ledger<'a>, check: &'a CheckPlan) -> Vec<Vec<Option<&'a str>>> {
    let mut all: Vec<Vec<Option<&str>>> = Vec::new();
    let mut previous: Option<usize> = None;
    for step in ledger.steps_of(check) {
        let purpose = match &step.kind {
            StepKind::Serial(_) => vec![Purpose::Serial],
            StepKind::Fill(fill) if fill.vus <= 1 => vec![Purpose::Fill, Purpose::Confirm],
            _ => continue,
        };
        let mut requests: Vec<Asked<'_>> =
            purpose.into_iter().flat_map(|purpose| ledger.requests_of(step.index, purpose)).collect();
        requests.sort_by_key(Asked::sent);
        let visited = requests.iter().filter_map(|asked| match ledger.origin(asked) {
            Some(Origin::Backend(arrived)) => Some(Some(arrived.attempt.backend.as_str())),
            Some(Origin::Cache) if asked.succeeded() => Some(None),
            _ => None,
        });
        let visited: Vec<Option<&str>> = visited.collect();
        match all.last_mut() {
            Some(series) if previous.is_some_and(|before| before + 1 == step.index) => series.extend(visited),
            _ => all.push(visited),
        }
        previous = Some(step.index);
    }
    all
}

/// The order of the cycle, from the first n visits without a hit in between.
fn first_cycle<'a>(series: &[Option<&'a str>], n: usize) -> Option<Vec<&'a str>> {
    if n < 2 {
        return None;
    }
    series.windows(n).find_map(|window| {
        let names: Vec<&str> = window.iter().copied().collect::<Option<_>>()?;
        let distinct = (0..n).all(|i| !names[..i].contains(&names[i]));
        distinct.then_some(names)
    })
}

fn all_backends(ledger: &Ledger<'_>) -> Vec<String> {
    (1..=ledger.plan.backends.count).map(|n| format!("b{n}")).collect()
}

fn rotations(ledger: &Ledger<'_>) -> u64 {
    u64::from(ledger.plan.adapter.capabilities.rotations.max(1))
}

#[cfg(test)]
mod tests {
    use crate::catalogue::CheckId;
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Cause, Finding, Outcome, RotationPattern};
    use crate::history::Purpose;
    use crate::plan::{Batches, ClientKind, Connections, Serial, StepKind};
    use crate::statistics::Generator;

    fn serial(kit: &mut Kit, connections: Connections, visits: &[Option<usize>]) {
        let serial = Serial {
            requests: visits.len() as u32,
            method: "GET".into(),
            path: "/s/{n}".into(),
            body_bytes: 0,
            connections,
            client: ClientKind::Raw,
        };
        let from = kit.record.events.len() as f64 * 1_000.0;
        let step = kit.step(from, StepKind::Serial(serial));
        for (n, visit) in visits.iter().enumerate() {
            let at = from + n as f64 * 10.0;
            match visit {
                Some(backend) => {
                    kit.ask(
                        Ask::get(Purpose::Serial, &format!("/s/{step}/{n}"), at)
                            .by(&format!("b{}", backend + 1)),
                    );
                }
                None => kit.ask(Ask::get(Purpose::Serial, "/hit", at)),
            }
        }
    }

    fn cycle(length: usize, start: usize) -> Vec<Option<usize>> {
        (0..length).map(|n| Some((n + start) % 3)).collect()
    }

    fn batches(kit: &mut Kit, count: u32, mut pick: impl FnMut() -> usize) {
        let plan = Batches { count, size: 12, path: "/b/{n}".into(), connections: Connections::Each };
        let from = kit.record.events.len() as f64 * 1_000.0;
        kit.step(from, StepKind::Batches(plan));
        for batch in 0..count {
            kit.group = batch;
            for n in 0..12 {
                let target = format!("/b/{batch}/{n}");
                kit.ask(
                    Ask::get(Purpose::Batch, &target, from + f64::from(batch) * 10.0)
                        .by(&format!("b{}", pick() + 1)),
                );
            }
        }
    }

    #[test]
    fn an_exact_cycle_passes_wherever_it_begins() {
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::Each, &cycle(12, 2));
        let verdict = kit.judge(CheckId::RotationSerialCycle);
        let Finding::ExactCycle { requests: 12, order, chance } = verdict.finding else {
            panic!("{:?}", verdict.finding)
        };
        assert_eq!(order, ["b3", "b1", "b2"]);
        assert!(chance < 1e-4);
    }

    #[test]
    fn a_broken_cycle_names_the_first_request_that_went_elsewhere() {
        let mut kit = Kit::new(3);
        let mut visits = cycle(12, 0);
        visits[7] = Some(0);
        serial(&mut kit, Connections::Each, &visits);
        let verdict = kit.judge(CheckId::RotationSerialCycle);
        let Finding::CycleBroken { position: 8, expected, saw, .. } = verdict.finding else { panic!() };
        assert_eq!((expected.as_str(), saw.as_str()), ("b2", "b1"));
    }

    #[test]
    fn random_picks_fail_both_checks_and_are_named() {
        let mut generator = Generator::new(5);
        let visits: Vec<_> = (0..30).map(|_| Some(generator.below(3) as usize)).collect();
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::Each, &visits);
        batches(&mut kit, 25, || generator.below(3) as usize);
        let verdict = kit.judge(CheckId::RotationSerialCycle);
        assert_eq!((verdict.outcome, verdict.cause), (Outcome::Fail, Some(Cause::PickedAtRandom)));
        assert!(matches!(kit.judge(CheckId::RotationSpread).finding, Finding::UnevenBatches { .. }));
        let scope = kit.judge(CheckId::RotationScope).finding;
        assert!(
            matches!(scope, Finding::RotationScope { pattern: RotationPattern::Random, .. }),
            "{scope:?}"
        );
    }

    #[test]
    fn a_counter_that_loses_a_turn_is_racy_and_caught_at_a_barrier() {
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::Each, &cycle(12, 0));
        let mut picks = 0;
        batches(&mut kit, 25, || {
            picks += 1;
            // One update in fifty is lost: the same backend twice running.
            (picks - picks / 50) % 3
        });
        let verdict = kit.judge(CheckId::RotationSpread);
        let Finding::UnevenBatches { pattern: RotationPattern::Racy, allowed: 1, .. } = verdict.finding
        else {
            panic!("{:?}", verdict.finding)
        };
        assert_eq!(verdict.cause, Some(Cause::UnlockedCounter));
        let scope = kit.judge(CheckId::RotationScope).finding;
        assert!(matches!(scope, Finding::RotationScope { pattern: RotationPattern::Racy, .. }), "{scope:?}");
    }

    #[test]
    fn even_batches_pass_with_their_power_stated() {
        let mut kit = Kit::new(3);
        let mut picks = 0;
        batches(&mut kit, 25, || {
            picks += 1;
            picks % 3
        });
        let verdict = kit.judge(CheckId::RotationSpread);
        let Finding::EvenBatches { batches: 25, power, spread: 0, .. } = verdict.finding else { panic!() };
        assert!((0.85..0.91).contains(&power));
    }

    #[test]
    fn two_rotations_are_granted_only_where_they_are_declared() {
        let visits: Vec<Option<usize>> = [0, 0, 1, 1, 2, 0, 2, 0, 1, 2, 1, 2].map(Some).to_vec();
        for (rotations, outcome) in [(2, Outcome::Pass), (1, Outcome::Fail)] {
            let mut kit = Kit::new(3);
            kit.capabilities().rotations = rotations;
            serial(&mut kit, Connections::Each, &visits);
            assert_eq!(kit.judge(CheckId::RotationSerialCycle).outcome, outcome);
        }
    }

    #[test]
    fn a_backend_that_is_never_visited_is_named() {
        let mut kit = Kit::new(3);
        let visits: Vec<_> = (0..12).map(|n| Some(n % 2)).collect();
        serial(&mut kit, Connections::Each, &visits);
        let verdict = kit.judge(CheckId::RotationSerialCycle);
        let Finding::BackendsLeftOut { names, .. } = verdict.finding else { panic!() };
        assert_eq!(names, ["b3"]);
    }

    #[test]
    fn a_request_that_reaches_two_healthy_backends_fails() {
        let mut kit = Kit::new(3);
        let step = StepKind::Serial(Serial {
            requests: 1,
            method: "GET".into(),
            path: "/d/{n}".into(),
            body_bytes: 0,
            connections: Connections::Each,
            client: ClientKind::Raw,
        });
        kit.step(0.0, step);
        kit.ask(Ask::get(Purpose::Serial, "/d/0", 0.0).by("b1").by("b2"));
        let verdict = kit.judge(CheckId::RotationSerialCycle);
        assert!(
            matches!(verdict.finding, Finding::DoubledAttempts { attempts: 2, .. }),
            "{:?}",
            verdict.finding
        );
    }

    #[test]
    fn a_turn_per_connection_is_told_from_one_per_request() {
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::One, &[Some(1); 12]);
        serial(&mut kit, Connections::Each, &cycle(12, 0));
        let scope = kit.judge(CheckId::RotationScope).finding;
        assert!(
            matches!(scope, Finding::RotationScope { pattern: RotationPattern::PerConnection, .. }),
            "{scope:?}"
        );
    }

    #[test]
    fn whether_hits_take_a_turn_follows_from_the_next_miss() {
        for (take_turn, next) in [(false, 1), (true, 0)] {
            let mut kit = Kit::new(3);
            // b1 b2 b3 b1, two hits, then b2 where hits take no turn and b1 where they do.
            let mut visits = cycle(4, 0);
            visits.extend([None, None]);
            visits.extend(cycle(3, next));
            // The cached target was fetched before.
            kit.ask(Ask::get(Purpose::Fill, "/hit", 0.0).by("b1"));
            serial(&mut kit, Connections::Each, &visits);
            let verdict = kit.judge(CheckId::RotationHitsTakeTurn);
            assert_eq!(verdict.finding, Finding::HitsAndTurns { take_turn, hits: 2 });
        }
    }

    #[test]
    fn too_few_requests_prove_no_cycle() {
        let mut kit = Kit::new(3);
        serial(&mut kit, Connections::Each, &cycle(6, 0));
        assert_eq!(kit.judge(CheckId::RotationSerialCycle).outcome, Outcome::Inconclusive);
    }
}
