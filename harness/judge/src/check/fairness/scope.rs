//! Findings about the rotation that decide nothing: which kind it is, and whether a hit uses up a turn.
//!
//! `evaluate` calls one function per check. They name what was seen and never say that it is wrong.

use super::turns::per_connection;
use super::visits::{all_backends, at_barriers, rotations, visits_of};
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, Origin};
use crate::check::pattern::of_serial;
use crate::check::seen::{RotationPattern, Samples};
use crate::check::{Finding, RotationFinding};
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, Connections, StepKind};

/// `rr.scope`: which kind of rotation it is.
pub(in crate::check) fn scope(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
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
        _ if per_connection(ledger).is_some() => RotationPattern::PerConnection,
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
    let finding = Finding::Rotation(RotationFinding::RotationScope { pattern, requests });
    if unknown { Judged::inconclusive(finding) } else { Judged::pass(finding) }
}

/// `rr.hits_take_turn`: whether an answer from the cache moves the turn on.
pub(in crate::check) fn hits_take_turn(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
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
                && hits == 0
                && (now + n - before) % n != 1 % n
            {
                // No exact cycle even without hits: nothing can be said about turns.
                return Judged::inconclusive(Finding::Rotation(RotationFinding::RotationScope {
                    pattern: RotationPattern::Unknown,
                    requests: series.len() as u64,
                }));
            }
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
        (_, 0) => Judged::pass(Finding::Rotation(RotationFinding::HitsAndTurns {
            take_turn: true,
            hits: hits_between,
        })),
        (0, _) => Judged::pass(Finding::Rotation(RotationFinding::HitsAndTurns {
            take_turn: false,
            hits: hits_between,
        })),
        _ => Judged::inconclusive(Finding::Rotation(RotationFinding::RotationScope {
            pattern: RotationPattern::Unknown,
            requests: take + keep,
        })),
    }
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
