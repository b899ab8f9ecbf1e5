//! `degradation.controlled`: past its capacity a system keeps doing useful work, refuses the rest in words, and recovers.
//!
//! What was of use is read from the histograms of each client, second by second: answers within the time that its owner
//! states. Who keeps to its share must be served all the while; the rest may be refused, and must be told so (RFC 6585 §4,
//! RFC 9110 §15.6.4).

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;

use super::{CaseFinding, OverloadSeen};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Ledger, ms};
use crate::check::seen::Samples;
use harness_model::history::{EventKind, Exchange, Histograms, Interval, Measure};
use harness_model::plan::{Caller, CaseStep, CheckPlan, Overload, StepKind};

/// Share of the capacity that must be left as useful work, where the scenario says nothing.
const SHARE: f64 = 0.6;
/// Time within which all must be as before, where the scenario says nothing.
const RECOVERS_WITHIN: Duration = Duration::from_secs(3);
/// Share of the requests of the client that keeps to its share which must be of use to it.
const MODEST_SHARE: f64 = 0.9;
/// Share of useful answers in a second in which all is as before.
const AS_BEFORE: f64 = 0.95;
/// Share of requests that may end in something else than an answer or a refusal in words.
const SILENT_SHARE: f64 = 0.02;
/// Requests of a second that say something about it.
const LEAST_OF_SECOND: u64 = 10;
/// Requests of the modest client during the overload; fewer show nothing.
const LEAST_REQUESTS: u64 = 50;

/// See the room.
pub(in crate::check) fn degradation(
    ledger: &Ledger<'_>,
    histograms: &Histograms,
    check: &CheckPlan,
) -> Judged {
    let judged: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let share = check.parameters.share.unwrap_or(SHARE);
    let within = check.parameters.at_most.unwrap_or(RECOVERS_WITHIN);
    let (mut all, mut evidence) = (Vec::new(), Vec::new());
    for step in &ledger.plan.steps {
        let StepKind::Case(CaseStep::Overload(plan)) = &step.kind else { continue };
        let Some(mut seen) = seen(histograms, plan) else { continue };
        seen.judged = judged.contains(&step.index);
        let lines = refusals(ledger, step.index, &mut seen);
        if seen.judged {
            evidence.extend(lines);
        }
        all.push(seen);
    }
    let of_judged = || all.iter().filter(|seen| seen.judged);
    let Some(fewest) = of_judged().map(|seen| seen.modest_asked).min() else { return Judged::not_reached() };
    if fewest < LEAST_REQUESTS {
        return Judged::too_few(Samples::Requests, fewest, LEAST_REQUESTS);
    }
    let is_wrong = |seen: &OverloadSeen| {
        seen.modest_useful < MODEST_SHARE
            || seen.useful_per_second < share * seen.capacity_per_second
            || seen.silent as f64 > seen.asked as f64 * SILENT_SHARE
            || seen.recovered_ms.is_none_or(|recovered| recovered > ms(within))
    };
    let fails = of_judged().any(is_wrong);
    let finding = Finding::Case(CaseFinding::Overloads { overloads: all, share, within_ms: ms(within) });
    if fails { Judged::fail(finding, evidence) } else { Judged::pass(finding) }
}

/// A second of a client: when it began, useful answers, all that ended.
type Second = (Moment, u64, u64);

fn seconds(histograms: &Histograms, caller: &Caller, within: Duration) -> Vec<Second> {
    let mut seconds: BTreeMap<Moment, (u64, u64)> = BTreeMap::new();
    let limit = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
    let of_caller = |interval: &&Interval| interval.tag == caller.load.tag;
    for interval in histograms.intervals().iter().filter(of_caller) {
        let second = seconds.entry(interval.start).or_default();
        match interval.measure {
            // Time-outs are among them, at no less than their limit.
            Measure::Intended => {
                second.0 += interval.values.count_between(0, limit);
                second.1 += interval.values.count_between(limit + 1, u64::MAX);
            }
            Measure::Error => second.1 += interval.values.len(),
            Measure::Service | Measure::SendLag => {}
        }
    }
    seconds.into_iter().map(|(start, (useful, rest))| (start, useful, useful + rest)).collect()
}

fn seen(histograms: &Histograms, plan: &Overload) -> Option<OverloadSeen> {
    let modest = seconds(histograms, &plan.modest, plan.within);
    let greedy = seconds(histograms, &plan.greedy, plan.within);
    let begin = modest.first().map(|second| second.0)?.min(greedy.first().map(|second| second.0)?);
    // Seconds are the engine's, a little longer than asked for: half of one is allowed on either side.
    let half = Duration::from_millis(500);
    let (from, until) = (begin + plan.before, begin + plan.before + plan.duration);
    let during = |second: &&Second| second.0 + half >= from && second.0 + half < until;
    let sum = |seconds: &[Second]| {
        seconds
            .iter()
            .filter(during)
            .fold((0, 0), |(useful, all), second| (useful + second.1, all + second.2))
    };
    let (modest_sum, greedy_sum) = (sum(&modest), sum(&greedy));
    let length = plan.duration.as_secs_f64();
    let is_well =
        |second: &Second| second.2 < LEAST_OF_SECOND || second.1 as f64 >= second.2 as f64 * AS_BEFORE;
    let after = modest.iter().chain(&greedy).filter(|second| second.0 + half >= until);
    let last_bad = after.clone().filter(|second| !is_well(second)).map(|second| second.0).max();
    let last = after.map(|second| second.0).max()?;
    let recovered_ms = match last_bad {
        None => Some(0.0),
        // In the last whole second it was not yet well: how long it would have taken is not known.
        Some(bad) if bad + Duration::from_secs(1) >= last => None,
        Some(bad) => Some(ms(bad.since(until)) + 1_000.0),
    };
    Some(OverloadSeen {
        label: plan.label.clone(),
        judged: false,
        capacity_per_second: plan.capacity_per_second,
        asked_per_second: plan.modest.over_per_second + plan.greedy.over_per_second,
        useful_per_second: (modest_sum.0 + greedy_sum.0) as f64 / length,
        modest_asked: modest_sum.1,
        modest_useful: modest_sum.0 as f64 / modest_sum.1.max(1) as f64,
        greedy_useful: greedy_sum.0 as f64 / greedy_sum.1.max(1) as f64,
        asked: 0,
        refused_with: Vec::new(),
        told_when: 0,
        silent: 0,
        recovered_ms,
    })
}

/// How requests were refused over the whole step; the lines of those that got no words at all.
fn refusals(ledger: &Ledger<'_>, step: usize, seen: &mut OverloadSeen) -> Vec<usize> {
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    let mut lines = Vec::new();
    for (line, event) in ledger.events.iter().enumerate().filter(|(_, event)| event.step == Some(step)) {
        match &event.event {
            EventKind::Anomaly(anomaly) => {
                let Some(exchange) = &anomaly.exchange else { continue };
                match exchange.response.as_ref().map(|response| response.status) {
                    Some(status @ (429 | 503)) => {
                        *statuses.entry(status).or_default() += 1;
                        seen.told_when += u64::from(says_when(exchange));
                    }
                    _ => lines.push(line),
                }
            }
            EventKind::LoadCounters { sent, errors, corrupt, engine, .. } => {
                seen.asked += sent;
                // Time-outs are the slowness of a queue without an end, which the useful work shows; what is left was cut off.
                seen.silent += (errors + corrupt).saturating_sub(engine.wrong_status + engine.timed_out);
            }
            _ => {}
        }
    }
    seen.refused_with = statuses.into_iter().collect();
    lines
}

fn says_when(exchange: &Exchange) -> bool {
    let head = exchange.response.as_ref().map(|response| response.head.0.to_ascii_lowercase());
    head.is_some_and(|head| head.windows(13).any(|window| window == b"\nretry-after:".as_slice()))
}
