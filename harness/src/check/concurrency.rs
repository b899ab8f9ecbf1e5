//! Many clients at once: overlap inside the backends, fast past slow, everyone's own answer, kinds of clients, cold keys.
//!
//! `evaluate` calls one function per check. What rests on time is judged per try of its step: the conductor asks
//! [`needs_second_try`] and may carry the step out once more; a second try classifies a failure and never turns it into a pass.

use fake_backends::clock::Moment;

use super::evaluate::Judged;
use super::integrity::{rests_on_time, wrong_answer};
use super::ledger::{Asked, Ledger, ms_between};
use super::seen::{Samples, Wrong};
use super::{Finding, Outcome};
use crate::history::{Event, Purpose};
use crate::plan::CheckPlan;
use crate::plan::{ClientKind, Plan, Step, StepKind};

/// Whether a step that has just been carried out for the first time should be carried out once more, because it failed in
/// a way that a lack of CPU could explain. False once it has been tried twice, and for what is certain.
pub fn needs_second_try(plan: &Plan, events: &[Event], step: usize) -> bool {
    let ledger = Ledger::of(plan, events);
    let Some(step) = plan.steps.get(step) else { return false };
    if ledger.tries_of(step.index) != 1 {
        return false;
    }
    let judged = match &step.kind {
        StepKind::Overlap(_) => overlap_in(&ledger, step, 0),
        StepKind::Overtake(_) => overtake_in(&ledger, step, 0),
        StepKind::Batches(_) => own_answers_in(&ledger, step, 0),
        _ => None,
    };
    judged.is_some_and(|judged| judged.outcome == Outcome::Fail && may_be_time(&judged.finding))
}

/// `concurrency.overlap`: k requests inside the backends at the same instant.
pub(super) fn overlap(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    worst_of_steps(ledger, check, overlap_in)
}

/// `concurrency.slow_fast`: fast answers while the slow one is in its backend.
pub(super) fn slow_fast(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    worst_of_steps(ledger, check, overtake_in)
}

/// `concurrency.own_answers`: everyone gets the own answer.
pub(super) fn own_answers(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    worst_of_steps(ledger, check, own_answers_in)
}

/// `concurrency.client_kinds`: every kind of client that the plan uses is served.
pub(super) fn client_kinds(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut kinds, mut exchanges): (Vec<ClientKind>, u64) = (Vec::new(), 0);
    for step in ledger.steps_of(check) {
        let StepKind::Serial(plan) = &step.kind else { continue };
        let requests = ledger.requests_of(step.index, Purpose::Serial);
        if requests.is_empty() {
            // A program that this host lacks is no failure of the proxy, and no pass either.
            if let Some(problem) = ledger.problem_of(step.index) {
                let finding = Finding::StepProblem { problem: problem.to_owned() };
                return Judged { outcome: Outcome::Skipped, finding, evidence: Vec::new() };
            }
            continue;
        }
        let wrong: Vec<(&Asked<'_>, Wrong)> =
            requests.iter().filter_map(|asked| Some((asked, wrong_answer(asked)?))).collect();
        if let Some((asked, found)) = wrong.first() {
            let finding = Finding::ClientKindUnserved {
                kind: plan.client,
                target: asked.exchange.target.clone(),
                wrong: found.clone(),
                count: wrong.len() as u64,
                exchanges: requests.len() as u64,
            };
            return Judged::fail(finding, wrong.iter().map(|(asked, _)| asked.line).collect());
        }
        exchanges += requests.len() as u64;
        if !kinds.contains(&plan.client) {
            kinds.push(plan.client);
        }
    }
    if kinds.len() < 2 {
        return Judged::too_few(Samples::ClientKinds, kinds.len() as u64, 2);
    }
    Judged::pass(Finding::ClientKindsServed { kinds, exchanges })
}

/// `concurrency.coalescing`: what clients that ask for one cold key at once cost the backends.
pub(super) fn coalescing(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut worst: Option<(u64, u64, Vec<usize>)> = None;
    for step in ledger.steps_of(check).filter(|step| matches!(step.kind, StepKind::Batches(_))) {
        let requests = ledger.requests_of(step.index, Purpose::Batch);
        for group in groups(&requests) {
            let of_group = || requests.iter().filter(|asked| asked.exchange.group == group);
            let Some(first) = of_group().next() else { continue };
            let same = of_group().all(|asked| asked.exchange.target == first.exchange.target);
            let cold = ledger.requests_for(&first.exchange.target).all(|other| other.sent() >= first.sent());
            if !same || !cold || of_group().count() < 2 {
                continue;
            }
            let attempts: Vec<usize> =
                ledger.attempts_for(&first.exchange.target).map(|arrived| arrived.line).collect();
            let count = attempts.len() as u64;
            if worst.as_ref().is_none_or(|(_, most, _)| count > *most) {
                worst = Some((of_group().count() as u64, count, attempts));
            }
        }
    }
    let Some((requests, attempts, evidence)) = worst else { return Judged::not_reached() };
    let finding = Finding::ColdKey { requests, attempts };
    if attempts <= 1 {
        Judged::pass(finding).with_evidence(evidence)
    } else {
        Judged::fail(finding, evidence)
    }
}

fn overlap_in(ledger: &Ledger<'_>, step: &Step, attempt: u32) -> Option<Judged> {
    let StepKind::Overlap(plan) = &step.kind else { return None };
    let requests = ledger.requests_of_try(step.index, attempt, Purpose::Overlap);
    if requests.is_empty() {
        return None;
    }
    let (inside, evidence) = most_inside(ledger, &requests);
    let asked = u64::from(plan.requests);
    Some(if inside >= asked {
        Judged::pass(Finding::InsideAtOnce { asked, inside }).with_evidence(evidence)
    } else {
        Judged::fail(Finding::NotInsideAtOnce { asked, inside }, evidence)
    })
}

/// Largest number of attempts inside the backends at the same instant, from their heads to the first byte of their answers.
fn most_inside(ledger: &Ledger<'_>, requests: &[Asked<'_>]) -> (u64, Vec<usize>) {
    let mut changes: Vec<(Moment, i64)> = Vec::new();
    let mut lines = Vec::new();
    for asked in requests {
        for arrived in ledger.attempts_during(asked) {
            let attempt = arrived.attempt;
            changes.push((attempt.arrived, 1));
            changes.push((attempt.responded.unwrap_or(attempt.finished), -1));
            lines.push(arrived.line);
        }
    }
    // Where one leaves at the very instant at which another enters, they were not inside together.
    changes.sort_unstable();
    let (mut inside, mut most) = (0i64, 0i64);
    for (_, change) in changes {
        inside += change;
        most = most.max(inside);
    }
    (most.unsigned_abs(), lines)
}

fn overtake_in(ledger: &Ledger<'_>, step: &Step, attempt: u32) -> Option<Judged> {
    let StepKind::Overtake(_) = &step.kind else { return None };
    let slow = *ledger.requests_of_try(step.index, attempt, Purpose::Slow).first()?;
    let fast = ledger.requests_of_try(step.index, attempt, Purpose::Fast);
    let went_wrong = |wrong: Wrong| {
        let finding = Finding::SlowWentWrong { target: slow.exchange.target.clone(), wrong };
        Some(Judged::fail(finding, vec![slow.line]))
    };
    let Some(inside) = ledger.attempts_during(&slow).next() else {
        return went_wrong(wrong_answer(&slow).unwrap_or(Wrong::NoAnswer));
    };
    if let Some(wrong) = wrong_answer(&slow) {
        return went_wrong(wrong);
    }
    let (entered, left) =
        (inside.attempt.arrived, inside.attempt.responded.unwrap_or(inside.attempt.finished));
    let slow_ms = ms_between(entered, left);
    let in_time: Vec<&Asked<'_>> = fast.iter().filter(|asked| asked.exchange.intended < left).collect();
    if in_time.is_empty() {
        return Some(Judged::too_few(Samples::Requests, 0, 1));
    }
    let waited = |asked: &&&Asked<'_>| asked.exchange.finished >= left || wrong_answer(asked).is_some();
    let waiting: Vec<&&Asked<'_>> = in_time.iter().filter(waited).collect();
    let took = |asked: &Asked<'_>| ms_between(asked.exchange.intended, asked.exchange.finished);
    match waiting.iter().max_by(|a, b| took(a).total_cmp(&took(b))) {
        Some(worst) => {
            let finding = Finding::FastWaited {
                target: worst.exchange.target.clone(),
                waited_ms: took(worst),
                slow_ms,
                waiting: waiting.len() as u64,
                fast: in_time.len() as u64,
            };
            let lines =
                [slow.line, inside.line].into_iter().chain(waiting.iter().map(|asked| asked.line)).collect();
            Some(Judged::fail(finding, lines))
        }
        None => {
            let slowest_ms = in_time.iter().map(|asked| took(asked)).fold(0.0, f64::max);
            let finding = Finding::FastOvertook { fast: in_time.len() as u64, slow_ms, slowest_ms };
            Some(Judged::pass(finding).with_evidence([slow.line, inside.line]))
        }
    }
}

fn own_answers_in(ledger: &Ledger<'_>, step: &Step, attempt: u32) -> Option<Judged> {
    let StepKind::Batches(plan) = &step.kind else { return None };
    let requests = ledger.requests_of_try(step.index, attempt, Purpose::Batch);
    if requests.is_empty() {
        return None;
    }
    let at_once = u64::from(plan.size);
    let exchanges = requests.len() as u64;
    let mut wrong: Vec<(&Asked<'_>, Wrong)> =
        requests.iter().filter_map(|asked| Some((asked, wrong_answer(asked)?))).collect();
    // What is certain comes first: another's answer says more than one that was late.
    wrong.sort_by_key(|(_, wrong)| rests_on_time(wrong));
    Some(match wrong.first() {
        Some((asked, found)) => Judged::fail(
            Finding::NotOwnAnswer {
                target: asked.exchange.target.clone(),
                wrong: found.clone(),
                count: wrong.len() as u64,
                exchanges,
                at_once,
            },
            wrong.iter().map(|(asked, _)| asked.line).collect(),
        ),
        None => Judged::pass(Finding::OwnAnswers { exchanges, at_once }),
    })
}

/// The worst conclusion over the steps of a check, each after its tries.
fn worst_of_steps<'a>(
    ledger: &Ledger<'a>,
    check: &'a CheckPlan,
    in_try: impl Fn(&Ledger<'a>, &Step, u32) -> Option<Judged>,
) -> Judged {
    let mut worst: Option<Judged> = None;
    for step in ledger.steps_of(check) {
        let Some(judged) = after_tries(ledger, step, &in_try) else { continue };
        if worst.as_ref().is_none_or(|worst| gravity(&judged) > gravity(worst)) {
            worst = Some(judged);
        }
    }
    worst.unwrap_or_else(Judged::not_reached)
}

fn after_tries<'a>(
    ledger: &Ledger<'a>,
    step: &Step,
    in_try: &impl Fn(&Ledger<'a>, &Step, u32) -> Option<Judged>,
) -> Option<Judged> {
    let first = in_try(ledger, step, 0)?;
    if first.outcome != Outcome::Fail || !may_be_time(&first.finding) || ledger.tries_of(step.index) < 2 {
        return Some(first);
    }
    let Some(second) = in_try(ledger, step, 1) else { return Some(first) };
    if second.outcome != Outcome::Pass {
        return Some(Judged { outcome: Outcome::Fail, ..second });
    }
    let finding = Finding::PassedOnSecondTry {
        first: Box::new(first.finding),
        pressure_first: ledger.pressure_during(step.index, 0),
        pressure_second: ledger.pressure_during(step.index, 1),
    };
    Some(Judged::inconclusive(finding).with_evidence(first.evidence))
}

/// Whether a failure could be due to lack of CPU.
fn may_be_time(finding: &Finding) -> bool {
    match finding {
        Finding::NotInsideAtOnce { .. } | Finding::FastWaited { .. } => true,
        Finding::SlowWentWrong { wrong, .. } | Finding::NotOwnAnswer { wrong, .. } => rests_on_time(wrong),
        _ => false,
    }
}

fn gravity(judged: &Judged) -> u8 {
    match judged.outcome {
        Outcome::Fail => 3,
        Outcome::Inconclusive => 2,
        Outcome::Pass => 0,
        _ => 1,
    }
}

fn groups(requests: &[Asked<'_>]) -> Vec<u32> {
    let mut groups: Vec<u32> = requests.iter().map(|asked| asked.exchange.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::needs_second_try;
    use crate::catalogue::CheckId;
    use crate::check::testkit::{Ask, Kit};
    use crate::check::{Cause, Finding, Outcome, Wrong};
    use crate::history::{ContentSeen, EventKind, ExchangeEnd, HostNoise, Purpose};
    use crate::plan::{Batches, ClientKind, Connections, Overlap, Overtake, Serial, StepKind};

    fn overlap(kit: &mut Kit, from: f64, at_once: bool) {
        for n in 0..4 {
            let at = if at_once { from } else { from + f64::from(n) * 100.0 };
            kit.ask(Ask::get(Purpose::Overlap, &format!("/o/{from}/{n}"), at).by("b1").taking(90.0));
        }
    }

    fn overlap_step() -> StepKind {
        StepKind::Overlap(Overlap { requests: 4, path: "/o/{n}".into(), deadline: Duration::from_secs(1) })
    }

    #[test]
    fn requests_inside_at_once_pass_and_one_after_the_other_fail() {
        for (at_once, outcome, inside) in [(true, Outcome::Pass, 4), (false, Outcome::Fail, 1)] {
            let mut kit = Kit::new(3);
            let step = kit.step(0.0, overlap_step());
            overlap(&mut kit, 0.0, at_once);
            let verdict = kit.judge(CheckId::ConcurrencyOverlap);
            assert_eq!(verdict.outcome, outcome);
            match verdict.finding {
                Finding::InsideAtOnce { inside: seen, .. }
                | Finding::NotInsideAtOnce { inside: seen, .. } => assert_eq!(seen, inside),
                other => panic!("{other:?}"),
            }
            assert_eq!(needs_second_try(&kit.record.plan, &kit.record.events, step), !at_once);
        }
    }

    #[test]
    fn a_second_try_classifies_a_failure_and_never_turns_it_into_a_pass() {
        for (second_passes, outcome) in [(true, Outcome::Inconclusive), (false, Outcome::Fail)] {
            let mut kit = Kit::new(3);
            let step = kit.step(0.0, overlap_step());
            overlap(&mut kit, 0.0, false);
            kit.event(
                500.0,
                EventKind::HostNoise(HostNoise { cpu_pressure: Some(0.9), ..HostNoise::default() }),
            );
            kit.again(1_000.0, step);
            overlap(&mut kit, 1_000.0, second_passes);
            let verdict = kit.judge(CheckId::ConcurrencyOverlap);
            assert_eq!(verdict.outcome, outcome, "{:?}", verdict.finding);
            if let Finding::PassedOnSecondTry { pressure_first, .. } = verdict.finding {
                assert_eq!(pressure_first, Some(0.9));
            }
            assert!(!needs_second_try(&kit.record.plan, &kit.record.events, step));
        }
    }

    fn overtake(kit: &mut Kit, fast_take: f64) {
        let plan = Overtake {
            slow: "/slow".into(),
            fast: "/fast/{n}".into(),
            requests: 3,
            slow_takes: Duration::from_millis(500),
        };
        kit.step(0.0, StepKind::Overtake(plan));
        kit.ask(Ask::get(Purpose::Slow, "/slow", 0.0).by("b1").taking(500.0));
        for n in 0..3 {
            kit.ask(
                Ask::get(Purpose::Fast, &format!("/fast/{n}"), 50.0 + f64::from(n) * 20.0)
                    .by("b2")
                    .taking(fast_take),
            );
        }
    }

    #[test]
    fn fast_answers_during_the_slow_one_pass_and_later_ones_fail() {
        let mut good = Kit::new(3);
        overtake(&mut good, 5.0);
        let verdict = good.judge(CheckId::ConcurrencySlowFast);
        let Finding::FastOvertook { fast: 3, slow_ms, .. } = verdict.finding else {
            panic!("{:?}", verdict.finding)
        };
        assert!((440.0..460.0).contains(&slow_ms));
        let mut serial = Kit::new(3);
        overtake(&mut serial, 470.0);
        let verdict = serial.judge(CheckId::ConcurrencySlowFast);
        let Finding::FastWaited { waiting: 3, fast: 3, .. } = verdict.finding else {
            panic!("{:?}", verdict.finding)
        };
        assert_eq!(verdict.cause, Some(Cause::ServedOneByOne));
    }

    fn batch(kit: &mut Kit, path: &str) -> usize {
        kit.step(
            0.0,
            StepKind::Batches(Batches {
                count: 1,
                size: 3,
                path: path.into(),
                connections: Connections::Each,
            }),
        )
    }

    #[test]
    fn anothers_answer_is_certain_and_needs_no_second_try() {
        let mut kit = Kit::new(3);
        let step = batch(&mut kit, "/x/{n}");
        kit.ask(Ask::get(Purpose::Batch, "/x/0", 0.0).by("b1"));
        kit.ask(Ask::get(Purpose::Batch, "/x/1", 0.0).by("b2").ending(ExchangeEnd::TimedOut));
        let foreign = ContentSeen::Whole { key: "/x/0".into(), version: 1 };
        kit.ask(Ask::get(Purpose::Batch, "/x/2", 0.0).by("b3").with_content(foreign));
        let verdict = kit.judge(CheckId::ConcurrencyOwnAnswers);
        let Finding::NotOwnAnswer { target, wrong, count: 2, .. } = verdict.finding else { panic!() };
        assert_eq!((target.as_str(), wrong), ("/x/2", Wrong::Foreign { of: "/x/0".into() }));
        assert!(!needs_second_try(&kit.record.plan, &kit.record.events, step));
    }

    #[test]
    fn own_answers_pass() {
        let mut kit = Kit::new(3);
        batch(&mut kit, "/x/{n}");
        for n in 0..3 {
            kit.ask(Ask::get(Purpose::Batch, &format!("/x/{n}"), 0.0).by("b1"));
        }
        assert_eq!(
            kit.judge(CheckId::ConcurrencyOwnAnswers).finding,
            Finding::OwnAnswers { exchanges: 3, at_once: 3 }
        );
    }

    #[test]
    fn a_cold_key_costs_one_request_or_more() {
        for (attempts, outcome) in [(1, Outcome::Pass), (3, Outcome::Fail)] {
            let mut kit = Kit::new(3);
            batch(&mut kit, "/cold");
            for n in 0..3 {
                let ask = Ask::get(Purpose::Batch, "/cold", f64::from(n) * 0.01);
                kit.ask(if n < attempts { ask.by("b1") } else { ask });
            }
            let verdict = kit.judge(CheckId::ConcurrencyCoalescing);
            assert_eq!(verdict.outcome, outcome);
            assert_eq!(verdict.finding, Finding::ColdKey { requests: 3, attempts: attempts as u64 });
        }
    }

    fn kinds(kit: &mut Kit, client: ClientKind, served: bool) {
        let serial = Serial {
            requests: 1,
            method: "GET".into(),
            path: "/k".into(),
            body_bytes: 0,
            connections: Connections::Each,
            client,
        };
        let step = kit.step(0.0, StepKind::Serial(serial));
        if served {
            kit.ask(Ask::get(Purpose::Serial, &format!("/k/{step}"), step as f64 * 10.0).by("b1"));
        } else {
            kit.event(5.0, EventKind::StepEnded { problem: Some("curl is not installed".into()) });
        }
    }

    #[test]
    fn a_kind_of_client_that_the_host_lacks_is_skipped_and_never_passed() {
        let mut kit = Kit::new(3);
        kinds(&mut kit, ClientKind::Raw, true);
        kinds(&mut kit, ClientKind::Reqwest, true);
        assert_eq!(kit.judge(CheckId::ConcurrencyClientKinds).outcome, Outcome::Pass);
        kinds(&mut kit, ClientKind::Curl, false);
        assert_eq!(kit.judge(CheckId::ConcurrencyClientKinds).outcome, Outcome::Skipped);
    }
}
