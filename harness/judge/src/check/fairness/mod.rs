//! The rotation checks: exact cycle for serial requests, even counts after batches, and which kind of rotation it is.
//!
//! `evaluate` calls one function per check. Attempts are counted at the backends and matched by target, so readiness
//! requests and health probes never count; a cycle is a cycle wherever it begins.

mod scope;
mod turns;
mod visits;

#[cfg(test)]
mod tests;

pub(super) use scope::{hits_take_turn, scope};
pub(super) use turns::per_connection;

use super::judged::Judged;
use super::ledger::Ledger;
use super::pattern::{first_break, missing_turns, of_serial, prefix_spread, shares};
use super::seen::{RotationPattern, Samples};
use super::{Finding, RotationFinding};
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, Connections, StepKind};
use harness_model::statistics::{chance_of_a_lucky_cycle, power_of_batches};
use visits::{
    Barriers, Visits, all_backends, at_barriers, backends_of, doubled_or_lost, rotations, visits_of,
};

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
        let backends = backends_of(ledger, step);
        if let Some(failed) = doubled_or_lost(&visits) {
            return failed;
        }
        let sequence = visits.sequence();
        seen = seen.max(sequence.len() as u64);
        if sequence.len() < 3 * backends.len() {
            continue;
        }
        let rotations = rotations(ledger);
        // What the proxy did meanwhile for requests that were given up before took turns of the same rotation.
        let taken = visits.left_over(ledger).len();
        let only_taken =
            taken > 0 && missing_turns(&sequence, backends.len()).is_some_and(|missing| missing <= taken);
        let judged = match first_break(&sequence, backends.len()).filter(|_| !only_taken) {
            None => Judged::pass(Finding::Rotation(RotationFinding::ExactCycle {
                requests: sequence.len() as u64,
                order: sequence[..backends.len()].iter().map(|name| (*name).to_owned()).collect(),
                chance: chance_of_a_lucky_cycle(backends.len(), sequence.len()),
            }))
            .with_evidence(visits.lines().take(backends.len())),
            // Requests of several connections meet several rotations, whose cycles mix.
            Some(_)
                if rotations > 1
                    && plan.connections == Connections::Each
                    && prefix_spread(&sequence, &backends) <= rotations =>
            {
                Judged::pass(Finding::Rotation(RotationFinding::EvenWithinRotations {
                    requests: sequence.len() as u64,
                    spread: prefix_spread(&sequence, &backends),
                    rotations,
                }))
            }
            Some(index) => {
                // Of one connection alone, a turn per connection looks like a list of one.
                return match per_connection(ledger) {
                    Some((finding, evidence)) => Judged::fail(finding, evidence),
                    None => broken(ledger, &visits, &sequence, &backends, index, rotations),
                };
            }
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
        let backends = backends_of(ledger, step);
        if let Some(failed) = doubled_or_lost(&visits) {
            return failed;
        }
        let allowed = allowed + visits.left_over(ledger).len() as u64;
        let Barriers { worst, first_bad, batches } = at_barriers(&visits, &backends, allowed);
        most_batches = most_batches.max(batches);
        let sequence = visits.sequence();
        let shares = shares(&sequence, &backends);
        if let Some(batch) = first_bad {
            let left_out: Vec<String> = shares
                .iter()
                .filter(|share| share.attempts == 0 && never_asked(ledger, &share.backend))
                .map(|share| share.backend.clone())
                .collect();
            let finding = if left_out.is_empty() {
                let pattern = drift_pattern(ledger, worst, sequence.len() as u64);
                Finding::Rotation(RotationFinding::UnevenBatches {
                    batch,
                    batches,
                    size: u64::from(plan.size),
                    spread: worst,
                    allowed,
                    shares,
                    pattern,
                })
            } else {
                Finding::Rotation(RotationFinding::BackendsLeftOut { names: left_out, shares })
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
            // That of the first step stands for all: it has the backends of the scenario.
            best.get_or_insert(Judged::pass(Finding::Rotation(RotationFinding::EvenBatches {
                batches,
                size,
                spread: worst,
                allowed,
                power,
                shares,
            })));
        }
    }
    match best {
        Some(judged) => judged,
        None if most_batches == 0 => Judged::not_reached(),
        None => Judged::too_few(Samples::Batches, most_batches, BATCHES),
    }
}

/// Whether a backend was never asked for anything in the whole run.
fn never_asked(ledger: &Ledger<'_>, name: &str) -> bool {
    ledger.arrived.iter().all(|arrived| arrived.attempt.backend != name)
}

fn broken(
    ledger: &Ledger<'_>,
    visits: &Visits<'_>,
    sequence: &[&str],
    backends: &[String],
    index: usize,
    rotations: u64,
) -> Judged {
    let left_out: Vec<String> = backends.iter().filter(|name| never_asked(ledger, name)).cloned().collect();
    let from = index.saturating_sub(backends.len());
    let evidence: Vec<usize> = visits.lines().skip(from).take(backends.len() + 1).collect();
    if !left_out.is_empty() && left_out.len() < backends.len() {
        return Judged::fail(
            Finding::Rotation(RotationFinding::BackendsLeftOut {
                names: left_out,
                shares: shares(sequence, backends),
            }),
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
    let finding = Finding::Rotation(RotationFinding::CycleBroken {
        position: index as u64 + 1,
        expected,
        saw: sequence[index].to_owned(),
        sequence: sequence.iter().take(PRINTED).map(|name| (*name).to_owned()).collect(),
        requests: sequence.len() as u64,
        pattern: of_serial(sequence, backends, rotations),
    });
    Judged::fail(finding, evidence)
}

/// The visits of serial requests, each step with the backends of its list.
fn serial_visits<'a>(ledger: &'a Ledger<'a>) -> impl Iterator<Item = (Visits<'a>, Vec<String>)> {
    let serial = ledger.plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Serial(_)));
    serial.filter_map(|step| Some((visits_of(ledger, step, Purpose::Serial)?, backends_of(ledger, step))))
}

/// Whether the turn moved on by two for each serial request, in every list that can show it: of three backends that is a cycle the other
/// way round, of four only every second is asked.
pub(super) fn moves_by_two(ledger: &Ledger<'_>) -> bool {
    let number = |name: &str| name.strip_prefix('b').and_then(|number| number.parse::<usize>().ok());
    let mut shown = false;
    for (visits, backends) in serial_visits(ledger) {
        let visited: Vec<usize> = visits.sequence().into_iter().filter_map(number).collect();
        let many = backends.len();
        if many < 3 || visited.len() < 2 * many {
            continue;
        }
        if !visited.windows(2).all(|pair| (pair[1] + many - pair[0]) % many == 2) {
            return false;
        }
        shown |= many % 2 == 0;
    }
    shown
}

/// What drifting counts look like: racy where serial requests kept an exact cycle in the same run.
fn drift_pattern(ledger: &Ledger<'_>, spread: u64, attempts: u64) -> RotationPattern {
    if per_connection(ledger).is_some() {
        return RotationPattern::PerConnection;
    }
    let backends = all_backends(ledger);
    // Each step by the list that it had: of two backends the fourth is not left out.
    let serial: Vec<RotationPattern> = serial_visits(ledger)
        .map(|(visits, backends)| of_serial(&visits.sequence(), &backends, rotations(ledger)))
        .filter(|pattern| *pattern != RotationPattern::Unknown)
        .collect();
    if !serial.is_empty() {
        let broken = serial.iter().find(|pattern| **pattern != RotationPattern::Global);
        return broken.cloned().unwrap_or(RotationPattern::Racy);
    }
    // Without serial requests only the size tells: losing turns drifts far more slowly than drawing lots.
    let random = (attempts as f64 / backends.len().max(1) as f64).sqrt();
    if (spread as f64) < random / 2.0 { RotationPattern::Racy } else { RotationPattern::Random }
}
