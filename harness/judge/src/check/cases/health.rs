//! `health.watched`: the proxy asks its instances whether they are well, as it was told, and gives requests to those that are.
//!
//! All of it is read from the journals of the instances: when each was asked for the path of its health and what it answered, and when
//! requests came. The proxy may leave an instance neither before so many bad answers in a row nor long after them; the same holds for
//! its return. What clients lose meanwhile is counted: an instance that is left in time is missed by nobody.

use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::journal::Outcome as BackendOutcome;

use super::{AbsenceSeen, CaseFinding, HealthSeen, InstanceWatched};
use crate::check::Finding;
use crate::check::judged::Judged;
use crate::check::ledger::{Ledger, ms, ms_between, origin_form};
use crate::check::seen::Samples;
use crate::check::strain::Host;
use harness_model::history::EventKind;
use harness_model::plan::{CheckPlan, Health};

/// The median time between two questions may be so many times shorter or longer than it was told to be.
const MEDIAN: f64 = 2.0;
/// The longest may be so many intervals at one that answered badly: what is not answered takes an interval until it is given up ...
const LONGEST: f64 = 3.0;
/// ... and so many at one that was well all the time: another one that hangs is no reason to look away.
const LONGEST_WELL: f64 = 1.75;
/// Share of an interval within which a proxy does what it has just seen ...
const ACTS_WITHIN: f64 = 0.5;
/// ... but no less than this.
const ACTS_WITHIN_AT_LEAST: Duration = Duration::from_millis(150);
/// Requests at the busiest other instance without which nothing can be missed at one ...
const ENOUGH: usize = 5;
/// ... which then had less than this share of them.
const SHARE: f64 = 1.0 / 3.0;
/// Intervals without which nothing is constant.
const LEAST_INTERVALS: f64 = 5.0;

/// A question for the health of an instance, and its answer.
struct Probe {
    arrived: Moment,
    over: Moment,
    is_good: bool,
    line: usize,
}

/// What an instance saw.
struct Instance {
    name: String,
    probes: Vec<Probe>,
    requests: Vec<Moment>,
}

/// See the module.
pub(in crate::check) fn watched(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let Some(health) = &ledger.plan.proxy.health else { return Judged::not_reached() };
    let steps: Vec<usize> = ledger.steps_of(check).map(|step| step.index).collect();
    let Some((from, until)) = window(ledger, &steps) else { return Judged::not_reached() };
    let interval_ms = ms(health.interval);
    let least = (LEAST_INTERVALS * interval_ms) as u64;
    if ms_between(from, until) < LEAST_INTERVALS * interval_ms {
        return Judged::too_few(Samples::Requests, 0, least);
    }
    let instances = instances(ledger, health, from, until);
    let (mut evidence, mut shunned) = (Vec::new(), false);
    let watched: Vec<InstanceWatched> = (0..instances.len())
        .map(|place| {
            let (seen, without_any) = seen(&instances, place, health, (from, until), &mut evidence);
            shunned |= without_any;
            seen
        })
        .collect();
    let (mut asked, mut lost) = (0, 0);
    for event in ledger.events.iter().filter(|event| event.step.is_some_and(|step| steps.contains(&step))) {
        if let EventKind::LoadCounters { sent, errors, .. } = &event.event {
            asked += sent;
            lost += errors;
        }
    }
    let is_unasked =
        |seen: &InstanceWatched| (seen.probes as f64) < ms_between(from, until) / interval_ms / 4.0;
    let is_wrong = |seen: &InstanceWatched| {
        is_unasked(seen)
            || seen.median_ms.is_none_or(|gap| gap > MEDIAN * interval_ms || gap < interval_ms / MEDIAN)
            || seen.longest_ms > interval_ms * if seen.bad > 0 { LONGEST } else { LONGEST_WELL }
            || seen.too_early > 0
            || seen.absences.iter().any(|absence| absence.late > 0 || absence.missed > 0)
    };
    let fails = lost > 0 || watched.iter().any(is_wrong);
    // Who is never asked, goes on with its share to the end, or has nothing at all for long is no matter of a host that is slow.
    let certain = shunned
        || watched
            .iter()
            .any(|seen| is_unasked(seen) || seen.absences.iter().any(|absence| absence.never_left));
    let ended = watched.iter().any(|seen| seen.absences.iter().any(|absence| absence.returned_ms.is_some()));
    let finding = Finding::Case(CaseFinding::Health(HealthSeen {
        path: health.path.clone(),
        interval_ms,
        failures: health.failures,
        successes: health.successes,
        instances: watched,
        asked,
        lost,
    }));
    let busy = steps
        .iter()
        .map(|&step| Host::during(ledger, step, ledger.tries_of(step).saturating_sub(1)))
        .reduce(Host::or_busier)
        .filter(|host| host.is_busy() || host.stood_still_ms > interval_ms);
    match (fails, busy) {
        (true, Some(host)) if !certain => host.leaves_open(Judged::fail(finding, evidence)),
        (true, _) => Judged::fail(finding, evidence),
        // Nobody was ill for long enough, and well again: nothing was shown but that it asks.
        (false, _) if !ended => Judged::inconclusive(finding),
        (false, _) => Judged::pass(finding),
    }
}

/// From the beginning of the first of these steps to the end of the last.
fn window(ledger: &Ledger<'_>, steps: &[usize]) -> Option<(Moment, Moment)> {
    let of_steps =
        || ledger.events.iter().filter(|event| event.step.is_some_and(|step| steps.contains(&step)));
    let from = of_steps().find(|event| matches!(event.event, EventKind::StepStarted))?.at;
    let mut ended = of_steps().filter(|event| matches!(event.event, EventKind::StepEnded { .. }));
    Some((from, ended.next_back()?.at))
}

fn acts_within(health: &Health) -> Duration {
    health.interval.mul_f64(ACTS_WITHIN).max(ACTS_WITHIN_AT_LEAST)
}

fn instances(ledger: &Ledger<'_>, health: &Health, from: Moment, until: Moment) -> Vec<Instance> {
    let mut instances: Vec<Instance> = (1..=ledger.plan.backends.count)
        .map(|n| Instance { name: format!("b{n}"), probes: Vec::new(), requests: Vec::new() })
        .collect();
    for arrived in &ledger.arrived {
        let attempt = arrived.attempt;
        if attempt.arrived < from || attempt.arrived > until {
            continue;
        }
        let Some(instance) = instances.iter_mut().find(|known| known.name == attempt.backend) else {
            continue;
        };
        if origin_form(&attempt.target) == health.path {
            let answered = attempt.outcome == BackendOutcome::Answered;
            let is_good = answered && attempt.status.is_some_and(|status| (200..400).contains(&status));
            instance.probes.push(Probe {
                arrived: attempt.arrived,
                over: attempt.finished,
                is_good,
                line: arrived.line,
            });
        } else {
            instance.requests.push(attempt.arrived);
        }
    }
    instances
}

/// Requests between two moments.
fn between(requests: &[Moment], from: Moment, until: Moment) -> usize {
    requests.iter().filter(|&&at| at > from && at <= until).count()
}

/// What became of one of the instances, and whether it had no request at all where others had many and it was still to have its own.
fn seen(
    all: &[Instance],
    place: usize,
    health: &Health,
    (from, until): (Moment, Moment),
    evidence: &mut Vec<usize>,
) -> (InstanceWatched, bool) {
    let Instance { name, probes, requests } = &all[place];
    let others = |from: Moment, until: Moment| {
        let counts = all.iter().enumerate().filter(|(other, _)| *other != place);
        counts.map(|(_, instance)| between(&instance.requests, from, until)).max().unwrap_or(0)
    };
    let mut moments = vec![from];
    moments.extend(probes.iter().map(|probe| probe.arrived));
    moments.push(until);
    let longest_ms = moments.windows(2).map(|pair| ms_between(pair[0], pair[1])).fold(0.0, f64::max);
    let mut gaps: Vec<f64> =
        probes.windows(2).map(|pair| ms_between(pair[0].arrived, pair[1].arrived)).collect();
    gaps.sort_by(f64::total_cmp);
    let mut seen = InstanceWatched {
        name: name.clone(),
        probes: probes.len() as u64,
        bad: probes.iter().filter(|probe| !probe.is_good).count() as u64,
        median_ms: gaps.get(gaps.len() / 2).copied(),
        longest_ms,
        too_early: 0,
        absences: Vec::new(),
    };
    let act = acts_within(health);
    let mut shunned = false;
    // The bad answers in a row while it is in service, the good ones while it is not.
    let (mut in_a_row, mut since, mut left) = (0, from, None::<(Moment, Moment, usize)>);
    for probe in probes {
        match left {
            // Below the threshold it has its requests like the others.
            None if probe.is_good => {
                let (had, most) = (between(requests, since, probe.over), others(since, probe.over));
                seen.too_early += u64::from(in_a_row > 0 && is_missed(had, most));
                shunned |= in_a_row > 0 && had == 0 && most >= 2 * ENOUGH;
                in_a_row = 0;
            }
            None => {
                if in_a_row == 0 {
                    since = probe.over;
                }
                in_a_row += 1;
                if in_a_row == health.failures {
                    let (had, most) = (between(requests, since, probe.over), others(since, probe.over));
                    seen.too_early += u64::from(is_missed(had, most));
                    shunned |= had == 0 && most >= 2 * ENOUGH;
                    (left, in_a_row) = (Some((since, probe.over, probe.line)), 0);
                }
            }
            Some(_) if !probe.is_good => in_a_row = 0,
            Some((first_bad, decided, line)) => {
                if in_a_row == 0 {
                    since = probe.over;
                }
                in_a_row += 1;
                if in_a_row == health.successes {
                    let back = Some((since, probe.over));
                    seen.absences.push(absence(requests, &others, (first_bad, decided), back, until, act));
                    note(evidence, &seen.absences, line);
                    (left, in_a_row) = (None, 0);
                }
            }
        }
    }
    if let Some((first_bad, decided, line)) = left {
        seen.absences.push(absence(requests, &others, (first_bad, decided), None, until, act));
        note(evidence, &seen.absences, line);
    }
    (seen, shunned)
}

fn note(evidence: &mut Vec<usize>, absences: &[AbsenceSeen], line: usize) {
    if absences.last().is_some_and(|absence| absence.late > 0 || absence.missed > 0) {
        evidence.push(line);
    }
}

/// Whether an instance went without its requests while another one had many.
fn is_missed(had: usize, most: usize) -> bool {
    most >= ENOUGH && (had as f64) < most as f64 * SHARE
}

/// An absence: since its first bad answer and the one that decided, until its first good one and the one that decided.
fn absence(
    requests: &[Moment],
    others: &impl Fn(Moment, Moment) -> usize,
    (first_bad, decided): (Moment, Moment),
    back: Option<(Moment, Moment)>,
    until: Moment,
    act: Duration,
) -> AbsenceSeen {
    let end = back.map_or(until, |(_, at)| at);
    let last = requests.iter().filter(|&&at| at > first_bad && at <= end).max();
    let late = between(requests, decided + act, end);
    let most = others(decided + act, end);
    let never_left = most >= 2 * ENOUGH && !is_missed(late, most);
    let (mut returned_ms, mut missed) = (None, 0);
    if let Some((first_good, at)) = back {
        let first = requests.iter().find(|&&request| request > at).copied();
        returned_ms = first.map(|request| ms_between(first_good, request));
        let unasked = others(at + act, first.unwrap_or(until));
        missed = if unasked >= 2 * ENOUGH { unasked as u64 } else { 0 };
    }
    let left_ms = last.map_or(0.0, |&at| ms_between(first_bad, at));
    AbsenceSeen { left_ms, late: late as u64, never_left, returned_ms, missed }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::check::testkit::{Ask, Kit};
    use crate::check::{CaseFinding, Finding, Outcome, evaluate};
    use harness_model::adapter::Setting;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, Purpose};
    use harness_model::plan::samples::{clients, load_with_journal};
    use harness_model::plan::{Health, StepKind};

    /// `b1` is well, `b2` answers its third to eighth question badly. Both are asked every so many milliseconds, and a request comes every
    /// 20, to `b2` where this says so at its millisecond.
    fn judged(every: f64, goes_to_b2: impl Fn(f64) -> bool) -> (Outcome, Finding) {
        let mut kit = Kit::new(2);
        kit.capabilities().settings = vec![Setting::HealthChecks];
        kit.record.plan.proxy.health = Some(Health {
            path: "/salud".into(),
            interval: Duration::from_millis(400),
            failures: 3,
            successes: 2,
        });
        kit.step(0.0, StepKind::Load(load_with_journal("watched", clients(1, 1))));
        let mut at = 5.0;
        for question in 1.. {
            if at > 8_000.0 {
                break;
            }
            for name in ["b1", "b2"] {
                let ill = name == "b2" && (3..=8).contains(&question);
                kit.ask(Ask::get(Purpose::Load, "/salud", at).by(name).with_status(if ill {
                    503
                } else {
                    200
                }));
            }
            at += every;
        }
        for number in 0..400 {
            let at = f64::from(number) * 20.0;
            let name = if number % 2 == 1 && goes_to_b2(at) { "b2" } else { "b1" };
            kit.ask(Ask::get(Purpose::Load, &format!("/{number}"), at).by(name));
        }
        kit.event(8_000.0, EventKind::StepEnded { problem: None });
        kit.check(CheckId::HealthWatched);
        let verdict = evaluate(&kit.record).remove(0);
        (verdict.outcome, verdict.finding)
    }

    /// Left at the third bad answer (1605 ms), back at the second good one (3605 ms).
    fn as_told(at: f64) -> bool {
        !(1_610.0..3_610.0).contains(&at)
    }

    #[test]
    fn an_instance_that_is_left_and_taken_back_as_told_passes_with_its_times() {
        let (outcome, finding) = judged(400.0, as_told);
        assert_eq!(outcome, Outcome::Pass, "{finding:?}");
        let Finding::Case(CaseFinding::Health(seen)) = finding else { panic!("{finding:?}") };
        let absence = &seen.instances[1].absences[0];
        assert!((700.0..800.0).contains(&absence.left_ms), "{absence:?}");
        assert!(absence.returned_ms.is_some_and(|ms| (400.0..460.0).contains(&ms)), "{absence:?}");
        assert_eq!((seen.instances[0].absences.len(), seen.instances[1].bad), (0, 6));
    }

    #[test]
    fn whoever_leaves_late_early_or_never_returns_late_or_asks_seldom_is_caught() {
        assert_eq!(judged(400.0, |_| true).0, Outcome::Fail, "it is never left");
        assert_eq!(judged(400.0, |at| as_told(at - 500.0)).0, Outcome::Fail, "it is left too late");
        assert_eq!(
            judged(400.0, |at| as_told(at) && !(810.0..1_610.0).contains(&at)).0,
            Outcome::Fail,
            "it is left at the first bad answer"
        );
        assert_eq!(
            judged(400.0, |at| as_told(at) && !(3_610.0..5_000.0).contains(&at)).0,
            Outcome::Fail,
            "it is not taken back"
        );
        assert_eq!(judged(1_300.0, |_| true).0, Outcome::Fail, "it is asked seldom");
    }
}
