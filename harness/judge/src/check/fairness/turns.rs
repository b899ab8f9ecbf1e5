//! Whether a proxy chooses when a client connects, so that the turn moves on with the connection and not with the request.
//!
//! All serial steps of a run are looked at together: of one connection alone such a proxy looks like one that knows a single backend.

use std::collections::BTreeMap;

use super::visits::visits_of;
use crate::check::ledger::{Arrived, Ledger};
use crate::check::{Finding, RotationFinding};
use harness_model::history::Purpose;
use harness_model::plan::StepKind;

/// Requests that must have followed others on their connections: at random all of so many stay with one chance in hundreds.
const ENOUGH: u64 = 6;

/// A turn per connection, where serial requests have shown that: whatever came over one connection reached one backend, and other
/// connections reached other backends. With the attempts that prove it.
pub(in crate::check) fn per_connection(ledger: &Ledger<'_>) -> Option<(Finding, Vec<usize>)> {
    let mut by_connection: BTreeMap<u64, Vec<Arrived<'_>>> = BTreeMap::new();
    let serial = ledger.plan.steps.iter().filter(|step| matches!(step.kind, StepKind::Serial(_)));
    for visit in serial.filter_map(|step| visits_of(ledger, step, Purpose::Serial)).flat_map(|all| all.all) {
        let Some(connection) = visit.asked.exchange.connection else { continue };
        by_connection.entry(connection).or_default().extend(visit.attempts);
    }
    let name = |arrived: &Arrived<'_>| arrived.attempt.backend.clone();
    let mut backends: Vec<String> = by_connection.values().filter_map(|all| all.first().map(name)).collect();
    let over = backends.len() as u64;
    backends.sort_unstable();
    backends.dedup();
    let kept: Vec<&Vec<Arrived<'_>>> = by_connection.values().filter(|all| all.len() > 1).collect();
    let requests = kept.iter().map(|all| all.len() as u64).sum();
    let connections = kept.len() as u64;
    let stayed = kept.iter().all(|all| all.iter().all(|one| one.attempt.backend == all[0].attempt.backend));
    if backends.len() < 2 || requests < connections + ENOUGH || !stayed {
        return None;
    }
    let evidence = kept.iter().flat_map(|all| all.iter().take(2)).map(|one| one.line).collect();
    Some((
        Finding::Rotation(RotationFinding::TurnPerConnection { requests, connections, over, backends }),
        evidence,
    ))
}
