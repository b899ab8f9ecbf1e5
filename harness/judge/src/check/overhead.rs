//! What a proxy adds to the time of its backends where nobody else asks: a pause that every request pays.
//!
//! `evaluate` calls it. The quickest of many requests counts, since a busy host makes some slow and never all of them; what remains
//! is set against how far apart they lie, as the load of a host has it. How quick a proxy is under load is the business of `latency`.

use super::judged::Judged;
use super::ledger::{Asked, Ledger, Origin, ms, ms_between};
use super::seen::Samples;
use super::{ExchangeFinding, Finding};
use harness_model::history::Purpose;
use harness_model::plan::{CheckPlan, ClientKind};

/// More than this no small answer costs a program that only passes it on: a delayed acknowledgement is 40 ms, a process that is
/// started for each request takes some.
const LIMIT_MS: f64 = 50.0;
/// So many, one after the other.
const ENOUGH: usize = 12;
/// `latency.overhead`.
pub(super) fn overhead(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let steps: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let of_steps = |asked: &&Asked<'_>| asked.step.is_some_and(|step| steps.contains(&step));
    let mut added: Vec<(f64, Vec<usize>)> =
        ledger.asked.iter().filter(of_steps).filter_map(|asked| added_to(ledger, asked)).collect();
    added.sort_by(|a, b| a.0.total_cmp(&b.0));
    if added.len() < ENOUGH {
        return Judged::too_few(Samples::Requests, added.len() as u64, ENOUGH as u64);
    }
    let (least_ms, evidence) = added[0].clone();
    let median_ms = added[added.len() / 2].0;
    let limit_ms = check.parameters.at_most.map_or(LIMIT_MS, ms);
    // What a host without a CPU to spare adds varies from request to request; what is added to each does not.
    let varies_ms = median_ms - least_ms;
    let finding = Finding::Exchange(ExchangeFinding::AddedToEach {
        requests: added.len() as u64,
        least_ms,
        median_ms,
        limit_ms,
        varies_ms,
    });
    if least_ms <= limit_ms {
        Judged::pass(finding)
    } else if least_ms <= limit_ms + varies_ms {
        Judged::inconclusive(finding).with_evidence(evidence)
    } else {
        Judged::fail(finding, evidence)
    }
}

/// What it took beyond its backend, in milliseconds, with the lines that show it; `None` where it is no plain request with one answer.
fn added_to(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Option<(f64, Vec<usize>)> {
    let plain = asked.exchange.purpose == Purpose::Serial && asked.exchange.client == ClientKind::Raw;
    // A connection that had to be opened anew belongs to another finding.
    if !plain || !asked.succeeded() || asked.exchange.reconnected.is_some() {
        return None;
    }
    let took = ms_between(asked.sent(), asked.exchange.finished);
    let Some(Origin::Backend(arrived)) = ledger.origin(asked) else { return Some((took, vec![asked.line])) };
    let there = ms_between(arrived.attempt.arrived, arrived.attempt.finished);
    Some((took - there, vec![asked.line, arrived.line]))
}

#[cfg(test)]
mod tests {
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{ExchangeFinding, Finding, Outcome};
    use harness_model::catalogue::CheckId;
    use harness_model::history::Purpose;
    use harness_model::plan::{ClientKind, Connections, Serial, StepKind};

    /// Requests of which each takes so long beyond its backend.
    fn outcome(beyond: impl Fn(u32) -> f64) -> Outcome {
        let mut kit = Kit::new(3);
        let serial = Serial {
            requests: 24,
            method: "GET".into(),
            path: "/s/{n}".into(),
            body_bytes: 0,
            connections: Connections::Each,
            client: ClientKind::Raw,
        };
        kit.step(0.0, StepKind::Serial(serial));
        for n in 0..24 {
            let at = 100.0 + f64::from(n) * 5_000.0;
            // In the records of these tests a tenth of the time is the proxy's, and a moment before the backend.
            let took = (beyond(n) - 0.1) * 10.0;
            kit.ask(Ask::get(Purpose::Serial, &format!("/s/{n}"), at).by("b1").taking(took));
        }
        let verdict = kit.judge(CheckId::LatencyOverhead);
        let Finding::Exchange(ExchangeFinding::AddedToEach { requests: 24, .. }) = verdict.finding else {
            panic!("{:?}", verdict.finding)
        };
        verdict.outcome
    }

    #[test]
    fn a_pause_in_every_request_fails_and_one_in_most_of_them_does_not() {
        assert_eq!(outcome(|_| 90.0), Outcome::Fail);
        assert_eq!(outcome(|n| 100.0 + f64::from(n % 8) * 5.0), Outcome::Fail);
        assert_eq!(outcome(|n| if n == 7 { 3.0 } else { 90.0 }), Outcome::Pass);
        assert_eq!(outcome(|_| 41.0), Outcome::Pass, "a delayed acknowledgement");
    }

    #[test]
    fn on_a_host_without_a_cpu_to_spare_nothing_is_said_of_what_varies() {
        assert_eq!(outcome(|n| 60.0 + f64::from(n) * 8.0), Outcome::Inconclusive);
    }

    #[test]
    fn few_requests_say_nothing() {
        assert_eq!(Kit::new(3).judge(CheckId::LatencyOverhead).outcome, Outcome::Inconclusive);
    }
}
