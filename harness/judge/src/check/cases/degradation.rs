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
use crate::check::strain::Host;
use harness_model::history::{EventKind, Exchange, Histograms, Interval, Measure};
use harness_model::plan::{Caller, CaseStep, CheckPlan, Overload, StepKind};

/// Share of the capacity that must be left as useful work, where the scenario says nothing.
const SHARE: f64 = 0.6;
/// Time within which all must be as before, where the scenario says nothing.
const RECOVERS_WITHIN: Duration = Duration::from_secs(3);
/// Share of the requests of the client that keeps to its share which must be of use to it.
const MODEST_SHARE: f64 = 0.9;
/// A client that gets less than this share of what it asks for is starved, however its requests came.
const STARVED: f64 = 0.5;
/// Share of useful answers in a second in which all is as before.
const AS_BEFORE: f64 = 0.95;
/// Share of requests that may end in something else than an answer or a refusal in words.
const SILENT_SHARE: f64 = 0.02;
/// Requests of a second that say something about it.
const LEAST_OF_SECOND: u64 = 10;
/// Share of what an answer may take by which our own client may send late before what came of it says nothing.
const SEND_LAG_SHARE: f64 = 0.2;
/// Requests of the modest client during the overload; fewer show nothing.
const LEAST_REQUESTS: u64 = 50;

/// See the module.
pub(in crate::check) fn degradation(
    ledger: &Ledger<'_>,
    histograms: &Histograms,
    check: &CheckPlan,
) -> Judged {
    let judged: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let share = check.parameters.share.unwrap_or(SHARE);
    let within = check.parameters.at_most.unwrap_or(RECOVERS_WITHIN);
    let is_wrong = |seen: &OverloadSeen| {
        seen.modest_useful < MODEST_SHARE
            || seen.useful_per_second < share * seen.capacity_per_second
            || is_silent(seen)
            || seen.recovered_ms.is_none_or(|recovered| recovered > ms(within))
    };
    let (mut all, mut evidence) = (Vec::new(), Vec::new());
    // The hosts of those that would be right if nobody were late, and whether there are others.
    let (mut late_hosts, mut certain) = (Vec::new(), false);
    for step in &ledger.plan.steps {
        let StepKind::Case(CaseStep::Overload(plan)) = &step.kind else { continue };
        let Some(mut seen) = seen(histograms, plan, Late::IsOfNoUse) else { continue };
        seen.judged = judged.contains(&step.index);
        let lines = refusals(ledger, step.index, &mut seen);
        if seen.judged {
            evidence.extend(lines);
        }
        if seen.judged && is_wrong(&seen) {
            let served = self::seen(histograms, plan, Late::IsOfUse).map(|served| OverloadSeen {
                asked: seen.asked,
                silent: seen.silent,
                ..served
            });
            let host = Host::during(ledger, step.index, ledger.tries_of(step.index).saturating_sub(1));
            let strained = host.is_busy() || host.stood_still_ms > ms(plan.within);
            let lateness = served.as_ref().is_some_and(|served| strained && !is_wrong(served));
            // Requests that our own client sent late came in a heap, which a limit may refuse; but not for a client that is starved.
            let heaped = sent_late(histograms, plan)
                && served.is_some_and(|served| served.modest_useful >= STARVED && !is_silent(&served));
            if lateness || heaped {
                late_hosts.push(host);
            } else {
                certain = true;
            }
        }
        all.push(seen);
    }
    let of_judged = || all.iter().filter(|seen| seen.judged);
    let Some(fewest) = of_judged().map(|seen| seen.modest_asked).min() else { return Judged::not_reached() };
    if fewest < LEAST_REQUESTS {
        return Judged::too_few(Samples::Requests, fewest, LEAST_REQUESTS);
    }
    let fails = of_judged().any(is_wrong);
    let finding = Finding::Case(CaseFinding::Overloads { overloads: all, share, within_ms: ms(within) });
    if !fails {
        return Judged::pass(finding);
    }
    let failed = Judged::fail(finding, evidence);
    // Who was served too late on a host that let everybody wait has not been refused anything.
    match late_hosts.into_iter().reduce(Host::or_busier).filter(|_| !certain) {
        Some(host) => host.leaves_open(failed),
        None => failed,
    }
}

/// Whether our own client sent so late that what came of it says little.
fn sent_late(histograms: &Histograms, plan: &Overload) -> bool {
    [&plan.modest, &plan.greedy].into_iter().any(|caller| {
        let lag = histograms.total(&caller.load.tag, Measure::SendLag).filter(|lag| !lag.is_empty());
        lag.is_some_and(|lag| {
            lag.value_at_quantile(AS_BEFORE) as f64 / 1e6 > ms(plan.within) * SEND_LAG_SHARE
        })
    })
}

fn is_silent(seen: &OverloadSeen) -> bool {
    seen.silent as f64 > seen.asked as f64 * SILENT_SHARE
}

/// Whether an answer counts that came later than its owner had time for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Late {
    IsOfUse,
    IsOfNoUse,
}

/// A second of a client: when it began, useful answers, all that ended.
type Second = (Moment, u64, u64);

fn seconds(histograms: &Histograms, caller: &Caller, within: Duration, late: Late) -> Vec<Second> {
    let mut seconds: BTreeMap<Moment, (u64, u64)> = BTreeMap::new();
    let limit = u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
    let of_caller = |interval: &&Interval| interval.tag == caller.load.tag;
    for interval in histograms.intervals().iter().filter(of_caller) {
        let second = seconds.entry(interval.start).or_default();
        match interval.measure {
            // Time-outs are among them, at no less than their limit.
            Measure::Intended => {
                let too_late = interval.values.count_between(limit + 1, u64::MAX);
                second.0 += interval.values.count_between(0, limit);
                match late {
                    Late::IsOfUse => second.0 += too_late,
                    Late::IsOfNoUse => second.1 += too_late,
                }
            }
            Measure::Error => second.1 += interval.values.len(),
            Measure::Service | Measure::SendLag => {}
        }
    }
    seconds.into_iter().map(|(start, (useful, rest))| (start, useful, useful + rest)).collect()
}

fn seen(histograms: &Histograms, plan: &Overload, late: Late) -> Option<OverloadSeen> {
    let modest = seconds(histograms, &plan.modest, plan.within, late);
    let greedy = seconds(histograms, &plan.greedy, plan.within, late);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;

    use crate::check::testkit::{Kit, moment};
    use crate::check::{Finding, Outcome, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, HostNoise, Interval, Measure};
    use harness_model::plan::samples::{load, rate};
    use harness_model::plan::{Caller, CaseStep, Overload, StepKind};

    /// What came of the modest client in the last seconds, of a hundred requests each: so many in time, too late, refused.
    struct After {
        late: u64,
        refused: u64,
        send_lag_ms: u64,
        pressure: f64,
    }

    fn outcome(after: &After) -> Outcome {
        let mut kit = Kit::new(1);
        kit.capabilities().settings = vec![harness_model::adapter::Setting::Throttle];
        let caller = |name: &str| Caller {
            from: [127, 0, 0, 2].into(),
            over_per_second: 30.0,
            load: load(&format!("past.{name}"), rate(100.0, 6)),
        };
        kit.step(
            0.0,
            StepKind::Case(CaseStep::Overload(Box::new(Overload {
                label: "past".into(),
                capacity_per_second: 100.0,
                modest: caller("modest"),
                greedy: caller("greedy"),
                within: Duration::from_millis(500),
                before: Duration::from_secs(1),
                duration: Duration::from_secs(2),
                after: Duration::from_secs(3),
            }))),
        );
        for second in 0..6u32 {
            let (late, refused) = if second < 3 { (0, 0) } else { (after.late, after.refused) };
            for name in ["modest", "greedy"] {
                for (measure, milliseconds, count) in [
                    (Measure::Intended, 10, 100 - late - refused),
                    (Measure::Intended, 900, late),
                    (Measure::Error, 1, refused),
                    (Measure::SendLag, after.send_lag_ms, 100),
                ] {
                    let mut values = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
                    values.record_n(milliseconds * 1_000_000, count).unwrap();
                    let (start, duration) = (moment(f64::from(second) * 1_000.0), Duration::from_secs(1));
                    let tag = format!("past.{name}");
                    kit.record.histograms.push(Interval { tag, measure, start, duration, values });
                }
            }
        }
        let noise = HostNoise { cpu_pressure: Some(after.pressure), ..HostNoise::default() };
        kit.event(6_000.0, EventKind::HostNoise(noise));
        kit.check(CheckId::DegradationControlled);
        let verdict = evaluate(&kit.record).remove(0);
        if verdict.outcome == Outcome::Inconclusive {
            assert!(matches!(verdict.finding, Finding::BusyHost { .. }), "{:?}", verdict.finding);
        }
        verdict.outcome
    }

    #[test]
    fn who_is_not_as_before_at_the_end_fails_unless_the_host_or_our_own_client_was_late() {
        let after =
            |late, refused, send_lag_ms, pressure| outcome(&After { late, refused, send_lag_ms, pressure });
        assert_eq!(after(0, 0, 0, 0.9), Outcome::Pass);
        assert_eq!(after(30, 0, 0, 0.1), Outcome::Fail, "slow on a host at rest");
        assert_eq!(after(30, 0, 0, 0.9), Outcome::Inconclusive, "slow where tasks waited");
        assert_eq!(after(0, 30, 0, 0.9), Outcome::Fail, "a refusal in time is no matter of time");
        assert_eq!(after(0, 30, 300, 0.9), Outcome::Inconclusive, "what we sent late came in a heap");
        assert_eq!(
            after(0, 100, 300, 0.9),
            Outcome::Inconclusive,
            "after the overload, which is what is left open"
        );
    }
}
