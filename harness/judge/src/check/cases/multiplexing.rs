//! `multiplexing.connections`: many client connections are carried by few backend connections.
//!
//! Both are counted where they end: those of the clients by the load engine, those to the backends by their journal. A
//! proxy of HTTP/1.1 needs as many backend connections as requests are inside at one instant, so a run in which that
//! alone takes the limit proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{CaseFinding, MultiplexingSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Arrived, Ledger};
use crate::check::seen::Samples;
use harness_model::history::{EventKind, Purpose};
use harness_model::plan::{CheckPlan, Step, StepKind};

/// Client connections for each backend connection, where the scenario says nothing.
const WANTED: f64 = 2.0;
/// Fewer requests at the backends show nothing of how connections are used.
const LEAST_REQUESTS: u64 = 100;
/// Sampled requests of a client from which it is said to be pinned or not.
const LEAST_OF_CLIENT: usize = 3;
/// A connection may be opened beside one that is on its way back or that another thread of the proxy keeps.
const SLACK: f64 = 2.5;

/// See the module.
pub(in crate::check) fn multiplexing(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let journalled = |step: &&Step| matches!(&step.kind, StepKind::Load(load) if load.shape.journal);
    let steps: BTreeSet<usize> = ledger.steps_of(check).filter(journalled).map(|step| step.index).collect();
    let in_steps = |step: Option<usize>| step.is_some_and(|step| steps.contains(&step));
    let arrived: Vec<Arrived<'_>> =
        ledger.arrived.iter().filter(|arrived| in_steps(ledger.events[arrived.line].step)).copied().collect();
    if arrived.is_empty() {
        return Judged::not_reached();
    }
    let requests = arrived.len() as u64;
    if requests < LEAST_REQUESTS {
        return Judged::too_few(Samples::Requests, requests, LEAST_REQUESTS);
    }
    let clients = ledger.events.iter().filter(|event| in_steps(event.step)).map(|event| match &event.event {
        EventKind::LoadCounters { engine, .. } => engine.connections_opened,
        _ => 0,
    });
    let mut carried: BTreeMap<u64, u64> = BTreeMap::new();
    for arrived in &arrived {
        *carried.entry(arrived.attempt.connection).or_default() += 1;
    }
    let mut counts: Vec<u64> = carried.values().copied().collect();
    counts.sort_unstable();
    let (sampled_clients, pinned) = pinned(ledger, &steps);
    let seen = MultiplexingSeen {
        clients: clients.sum(),
        backend_connections: carried.len() as u64,
        requests,
        most_at_once: needed(&arrived),
        median_requests: counts[counts.len() / 2],
        sampled_clients,
        pinned,
        wanted: check.parameters.at_least.unwrap_or(WANTED),
    };
    let enough = seen.ratio() >= seen.wanted;
    let all_needed = seen.backend_connections as f64 <= seen.most_at_once as f64 * SLACK;
    // The first of each connection: where it was opened is what there is to look at.
    let evidence: Vec<usize> =
        arrived.iter().filter(|arrived| arrived.attempt.request_on_connection == 1).map(|a| a.line).collect();
    let finding = Finding::Case(CaseFinding::Multiplexing(seen));
    match (enough, all_needed) {
        (true, _) => Judged::pass(finding),
        (false, true) => Judged::inconclusive(finding),
        (false, false) => Judged::fail(finding, evidence),
    }
}

/// Connections that no proxy could have done without: a connection leads to one backend, so the most that were open there at
/// the same instant, of all backends together.
fn needed(arrived: &[Arrived<'_>]) -> u64 {
    let mut by_backend: BTreeMap<&str, Vec<Arrived<'_>>> = BTreeMap::new();
    for arrived in arrived {
        by_backend.entry(&arrived.attempt.backend).or_default().push(*arrived);
    }
    by_backend.values().map(|arrived| most_at_once(arrived)).sum()
}

/// Most attempts that were open at the same instant.
fn most_at_once(arrived: &[Arrived<'_>]) -> u64 {
    let mut changes: Vec<(u64, i64)> = Vec::with_capacity(arrived.len() * 2);
    for arrived in arrived {
        changes.push((arrived.attempt.arrived.0, 1));
        changes.push((arrived.attempt.finished.0, -1));
    }
    // At the same instant the end comes first: a connection that is free may be taken again.
    changes.sort_unstable();
    let (mut open, mut most) = (0i64, 0i64);
    for (_, change) in changes {
        open += change;
        most = most.max(open);
    }
    most.unsigned_abs()
}

/// Clients of which enough requests were sampled, and how many of them had backend connections to themselves.
fn pinned(ledger: &Ledger<'_>, steps: &BTreeSet<usize>) -> (u64, u64) {
    let mut over: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    let mut carries: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for asked in ledger.asked.iter().filter(|asked| asked.exchange.purpose == Purpose::Load) {
        let Some(client) = asked.exchange.connection else { continue };
        let Some(arrived) = ledger.attempts_during(asked).next() else { continue };
        if asked.step.is_some_and(|step| steps.contains(&step)) {
            over.entry(client).or_default().push(arrived.attempt.connection);
            carries.entry(arrived.attempt.connection).or_default().insert(client);
        }
    }
    let sampled: Vec<&Vec<u64>> = over.values().filter(|used| used.len() >= LEAST_OF_CLIENT).collect();
    let alone = |used: &&&Vec<u64>| used.iter().all(|backend| carries[backend].len() == 1);
    (sampled.len() as u64, sampled.iter().filter(alone).count() as u64)
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{CaseFinding, Finding, MultiplexingSeen, Outcome, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EngineCounters, EventKind, Purpose};
    use harness_model::plan::StepKind;
    use harness_model::plan::samples::{clients, load_with_journal};

    /// Ten clients with twenty requests each; `backend` says which backend connection carries a request.
    fn judged(took: f64, backend: impl Fn(u64, u64) -> u64) -> (Outcome, MultiplexingSeen) {
        let mut kit = Kit::new(1);
        kit.step(0.0, StepKind::Load(load_with_journal("many", clients(10, 5))));
        for round in 0..20 {
            for client in 0..10 {
                let at = (round * 10 + client) as f64 * 10.0;
                let target = format!("/{}", round * 10 + client);
                kit.ask(Ask::get(Purpose::Load, &target, at).by("b1").taking(took));
                for event in kit.record.events.iter_mut().rev().take(2) {
                    match &mut event.event {
                        EventKind::Exchange(exchange) => exchange.connection = Some(client),
                        EventKind::Attempt(attempt) => {
                            attempt.connection = backend(client, round * 10 + client);
                        }
                        _ => {}
                    }
                }
            }
        }
        kit.event(
            4_000.0,
            EventKind::LoadCounters {
                tag: "many".into(),
                sent: 200,
                good: 200,
                errors: 0,
                corrupt: 0,
                overloaded: false,
                seconds: 5.0,
                proxy_cpu: None,
                engine: EngineCounters { connections_opened: 10, ..EngineCounters::default() },
            },
        );
        kit.check(CheckId::MultiplexingConnections);
        let verdict = evaluate(&kit.record).remove(0);
        let Finding::Case(CaseFinding::Multiplexing(seen)) = verdict.finding else { panic!("{verdict:?}") };
        (verdict.outcome, seen)
    }

    #[test]
    fn few_connections_that_carry_all_are_enough() {
        let (outcome, seen) = judged(2.0, |_, request| request % 2);
        assert_eq!((outcome, seen.backend_connections, seen.pinned), (Outcome::Pass, 2, 0));
        assert_eq!((seen.clients, seen.most_at_once, seen.sampled_clients), (10, 1, 10));
    }

    #[test]
    fn a_connection_for_each_request_or_for_each_client_is_not() {
        let (outcome, seen) = judged(2.0, |_, request| request);
        assert_eq!((outcome, seen.median_requests), (Outcome::Fail, 1));
        let (outcome, seen) = judged(2.0, |client, _| client);
        assert_eq!((outcome, seen.pinned, seen.median_requests), (Outcome::Fail, 10, 20));
    }

    #[test]
    fn where_all_were_inside_at_once_nothing_is_proven() {
        let (outcome, seen) = judged(95.0, |client, _| client);
        assert!(outcome == Outcome::Inconclusive && seen.most_at_once >= 9, "{outcome:?} {seen:?}");
    }
}
