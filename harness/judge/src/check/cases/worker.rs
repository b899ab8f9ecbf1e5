//! `worker.processed`: what a queue has accepted is processed, in time and visibly, and what it cannot take is refused in words.
//!
//! An upload is processed at the latest when the list of its user says so. A queue that is full says 503 and when to try
//! again; the proxy must pass both on, and must not show a list that is out of date.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;
use serde_json::Value;

use super::{CaseFinding, WorkerSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, ms};
use crate::check::seen::Samples;
use harness_model::history::Purpose;
use harness_model::plan::{CaseStep, CheckPlan, StepKind};

/// Time within which 95 % are to be processed, where the scenario says nothing.
const WITHIN: Duration = Duration::from_secs(60);
/// Uploads accepted; fewer show nothing of a queue.
const LEAST_UPLOADS: u64 = 5;

/// See the module.
pub(in crate::check) fn processed(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let steps =
        ledger.steps_of(check).filter(|step| matches!(step.kind, StepKind::Case(CaseStep::Uploads(_))));
    let steps: Vec<usize> = steps.map(|step| step.index).collect();
    let in_steps = |asked: &&Asked<'_>| asked.step.is_some_and(|step| steps.contains(&step));
    let mut seen = WorkerSeen::default();
    let (mut accepted, mut evidence) = (BTreeMap::<String, (Moment, usize)>::new(), Vec::new());
    for asked in ledger.asked.iter().filter(in_steps).filter(|a| a.exchange.purpose == Purpose::Upload) {
        seen.uploads += 1;
        let id = json(asked).and_then(|body| body.get("id")?.as_str().map(str::to_owned));
        match (asked.status(), id) {
            (Some(201), Some(id)) => {
                accepted.insert(id, (asked.exchange.finished, asked.line));
            }
            (Some(503), _) => {
                seen.refused += 1;
                let head =
                    asked.exchange.response.as_ref().map(|response| response.head.0.to_ascii_lowercase());
                let told =
                    head.is_some_and(|head| head.windows(13).any(|w| w == b"\nretry-after:".as_slice()));
                seen.not_told_when += u64::from(!told);
                if !told {
                    evidence.push(asked.line);
                }
            }
            _ => {
                seen.otherwise += 1;
                evidence.push(asked.line);
            }
        }
    }
    seen.accepted = accepted.len() as u64;
    if seen.uploads == 0 {
        return Judged::not_reached();
    }
    if seen.accepted < LEAST_UPLOADS && seen.otherwise == 0 {
        return Judged::too_few(Samples::Requests, seen.accepted, LEAST_UPLOADS);
    }
    let mut times: BTreeMap<&str, f64> = BTreeMap::new();
    let mut begin = None;
    for asked in ledger.asked.iter().filter(in_steps).filter(|a| a.exchange.purpose == Purpose::Progress) {
        let Some(body) = json(asked) else { continue };
        let began = *begin.get_or_insert(asked.sent());
        if let Some(waiting) = body.get("waiting").and_then(Value::as_u64) {
            seen.most_waiting = seen.most_waiting.max(waiting);
            seen.waiting_at_end = waiting;
            let second = asked.sent().since(began).as_secs() as usize;
            if seen.waiting_by_second.len() <= second {
                seen.waiting_by_second.resize(second + 1, waiting);
            }
        }
        for video in body.get("videos").and_then(Value::as_array).into_iter().flatten() {
            let state = video.get("state").and_then(Value::as_str);
            let id = video.get("id").and_then(Value::as_str);
            let Some((id, (uploaded, _))) = id.and_then(|id| accepted.get_key_value(id)) else { continue };
            if state == Some("processed") {
                times.entry(id.as_str()).or_insert_with(|| ms(asked.exchange.finished.since(*uploaded)));
            }
        }
    }
    let lost = accepted.iter().filter(|(id, _)| !times.contains_key(id.as_str()));
    evidence.extend(lost.clone().map(|(_, (_, line))| *line));
    seen.never_processed = lost.count() as u64;
    let mut sorted: Vec<f64> = times.into_values().collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let rank = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(rank).copied()
    };
    (seen.p50_ms, seen.p95_ms) = (at(0.5), at(0.95));
    let within_ms = ms(check.parameters.at_most.unwrap_or(WITHIN));
    let late = seen.p95_ms.is_some_and(|p95| p95 > within_ms);
    // What still waits at the end has been given no time; what does not wait and was never seen is lost.
    let still_at_work = seen.waiting_at_end > 0 && seen.never_processed <= seen.waiting_at_end + 1;
    let lost = seen.never_processed > 0 && !still_at_work;
    let fails = late || lost || seen.otherwise > 0 || seen.not_told_when > 0;
    let open = seen.never_processed > 0;
    let finding = Finding::Case(CaseFinding::Worker { seen, within_ms });
    match (fails, open) {
        (true, _) => Judged::fail(finding, evidence),
        (false, true) => Judged::inconclusive(finding),
        (false, false) => Judged::pass(finding),
    }
}

/// The body of a complete answer of success that is JSON and not longer than what is kept of it.
fn json(asked: &Asked<'_>) -> Option<Value> {
    asked.succeeded().then_some(())?;
    serde_json::from_slice(&asked.exchange.response.as_ref()?.body.start.0).ok()
}
