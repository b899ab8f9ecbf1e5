//! Many clients at once: overlap inside the backends, fast past slow, everyone's own answer, kinds of clients, cold keys.
//!
//! `evaluate` calls one function per check. What rests on time is judged per try of its step: the conductor asks
//! [`needs_second_try`] and may carry the step out once more; a second try classifies a failure and never turns it into a pass.

#[cfg(test)]
mod tests;

use fake_backends::clock::Moment;

use crate::check::integrity::{rests_on_time, wrong_answer};
use crate::check::judged::Judged;
use crate::check::ledger::{Asked, Ledger, ms, ms_between};
use crate::check::seen::{Samples, Wrong};
use crate::check::strain::Host;
use crate::check::{ConcurrencyFinding, Finding, Outcome};
use harness_model::history::{Event, Purpose, StepProblem};
use harness_model::plan::CheckPlan;
use harness_model::plan::{ClientKind, Plan, Step, StepKind};

/// So many times as long as others needed, and it was waiting.
const HAD_TIME: f64 = 3.0;

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
pub(in crate::check) fn overlap(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    worst_of_steps(ledger, check, overlap_in)
}

/// `concurrency.slow_fast`: fast answers while the slow one is in its backend.
pub(in crate::check) fn slow_fast(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    worst_of_steps(ledger, check, overtake_in)
}

/// `concurrency.own_answers`: everyone gets the own answer.
pub(in crate::check) fn own_answers(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut judged = worst_of_steps(ledger, check, own_answers_in);
    if judged.outcome == Outcome::Pass
        && let Finding::Concurrency(ConcurrencyFinding::OwnAnswers { exchanges, at_once }) =
            &mut judged.finding
    {
        // What passed is all of it, not only the first batches.
        (*exchanges, *at_once) = (0, 0);
        for step in ledger.steps_of(check).filter(|step| ledger.under_first_list(step)) {
            if let StepKind::Batches(plan) = &step.kind {
                *exchanges += ledger.requests_of(step.index, Purpose::Batch).len() as u64;
                *at_once = (*at_once).max(u64::from(plan.size));
            }
        }
    }
    judged
}

/// `concurrency.client_kinds`: every kind of client that the plan uses is served.
pub(in crate::check) fn client_kinds(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let (mut kinds, mut exchanges): (Vec<ClientKind>, u64) = (Vec::new(), 0);
    let mut missing = None;
    for step in ledger.steps_of(check).filter(|step| ledger.under_first_list(step)) {
        let StepKind::Serial(plan) = &step.kind else { continue };
        let requests = ledger.requests_of(step.index, Purpose::Serial);
        if requests.is_empty() {
            // A program that this host lacks proves nothing; the kinds that were there are named.
            missing = missing.or_else(|| ledger.problem_of(step.index));
            continue;
        }
        let wrong: Vec<(&Asked<'_>, Wrong)> =
            requests.iter().filter_map(|asked| Some((asked, wrong_answer(asked)?))).collect();
        if let Some((asked, found)) = wrong.first() {
            let finding = Finding::Concurrency(ConcurrencyFinding::ClientKindUnserved {
                kind: plan.client,
                target: asked.exchange.target.clone(),
                wrong: found.clone(),
                count: wrong.len() as u64,
                exchanges: requests.len() as u64,
            });
            return Judged::fail(finding, wrong.iter().map(|(asked, _)| asked.line).collect());
        }
        exchanges += requests.len() as u64;
        if !kinds.contains(&plan.client) {
            kinds.push(plan.client);
        }
    }
    if kinds.len() < 2 {
        if let Some(problem) = missing {
            let finding = Finding::StepProblem { problem: problem.to_owned() };
            return Judged { outcome: Outcome::Skipped, finding, evidence: Vec::new() };
        }
        return Judged::too_few(Samples::ClientKinds, kinds.len() as u64, 2);
    }
    Judged::pass(Finding::Concurrency(ConcurrencyFinding::ClientKindsServed { kinds, exchanges }))
}

/// `concurrency.coalescing`: what clients that ask for one cold key at once cost the backends.
pub(in crate::check) fn coalescing(ledger: &Ledger<'_>, check: &CheckPlan) -> Judged {
    let mut worst: Option<(u64, u64, Vec<usize>)> = None;
    for step in ledger.steps_of(check).filter(|step| matches!(step.kind, StepKind::Batches(_))) {
        let requests = ledger.requests_of(step.index, Purpose::Batch);
        for group in groups(&requests) {
            let of_group = || requests.iter().filter(|asked| asked.exchange.group == group);
            let Some(first) = of_group().next() else { continue };
            let same = of_group().all(|asked| asked.exchange.target == first.exchange.target);
            let cold = ledger.requests_for(&first.exchange.target).all(|other| other.sent() >= first.sent());
            // Who answers nobody costs the backends nothing either.
            let answered = of_group().all(|asked| wrong_answer(asked).is_none());
            if !same || !cold || !answered || of_group().count() < 2 {
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
    let finding = Finding::Concurrency(ConcurrencyFinding::ColdKey { requests, attempts });
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
        Judged::pass(Finding::Concurrency(ConcurrencyFinding::InsideAtOnce { asked, inside }))
            .with_evidence(evidence)
    } else {
        Judged::fail(Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { asked, inside }), evidence)
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
    let StepKind::Overtake(plan) = &step.kind else { return None };
    let slow = *ledger.requests_of_try(step.index, attempt, Purpose::Slow).first()?;
    let fast = ledger.requests_of_try(step.index, attempt, Purpose::Fast);
    let went_wrong = |wrong: Wrong| {
        let finding = Finding::Concurrency(ConcurrencyFinding::SlowWentWrong {
            target: slow.exchange.target.clone(),
            wrong,
        });
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
    if slow_ms < ms(plan.slow_takes) / 2.0 {
        let problem = StepProblem::SlowTooBrief { for_us: (slow_ms * 1e3).round() as u64 };
        return Some(Judged::inconclusive(Finding::StepProblem { problem }));
    }
    let in_time: Vec<&Asked<'_>> = fast.iter().filter(|asked| asked.exchange.intended < left).collect();
    if in_time.is_empty() {
        return Some(Judged::too_few(Samples::Requests, 0, 1));
    }
    let took = |asked: &Asked<'_>| ms_between(asked.exchange.intended, asked.exchange.finished);
    let missed = |asked: &&Asked<'_>| asked.exchange.finished >= left || wrong_answer(asked).is_some();
    let (waiting, overtook): (Vec<&Asked<'_>>, Vec<&Asked<'_>>) =
        in_time.iter().partition(|asked| missed(asked));
    let slowest_ms = overtook.iter().map(|asked| took(asked)).fold(0.0, f64::max);
    // Who was sent shortly before the slow one left had no more time than others needed, and says nothing of waiting.
    let had_time = |asked: &&&Asked<'_>| {
        wrong_answer(asked).is_some() || ms_between(asked.exchange.intended, left) > slowest_ms * HAD_TIME
    };
    let waiting: Vec<&Asked<'_>> = waiting.iter().filter(had_time).copied().collect();
    match waiting.iter().max_by(|a, b| took(a).total_cmp(&took(b))) {
        Some(worst) => {
            let finding = Finding::Concurrency(ConcurrencyFinding::FastWaited {
                target: worst.exchange.target.clone(),
                waited_ms: took(worst),
                slow_ms,
                waiting: waiting.len() as u64,
                fast: in_time.len() as u64,
            });
            let lines =
                [slow.line, inside.line].into_iter().chain(waiting.iter().map(|asked| asked.line)).collect();
            let judged = Judged::fail(finding, lines);
            // Behind a proxy that serves one after the other none is early, and none is with its backend before the slow one has left it.
            let let_past = |asked: &&&Asked<'_>| {
                ledger.attempts_during(asked).any(|arrived| arrived.attempt.arrived < left)
            };
            let host = Host::during(ledger, step.index, attempt);
            let some_got_past = !overtook.is_empty() || waiting.iter().any(|asked| let_past(&asked));
            Some(if host.is_busy() && some_got_past { host.leaves_open(judged) } else { judged })
        }
        None => {
            let finding = Finding::Concurrency(ConcurrencyFinding::FastOvertook {
                fast: overtook.len() as u64,
                slow_ms,
                slowest_ms,
            });
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
            Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer {
                target: asked.exchange.target.clone(),
                wrong: found.clone(),
                count: wrong.len() as u64,
                exchanges,
                at_once,
            }),
            wrong.iter().map(|(asked, _)| asked.line).collect(),
        ),
        None => Judged::pass(Finding::Concurrency(ConcurrencyFinding::OwnAnswers { exchanges, at_once })),
    })
}

/// The worst conclusion over the steps of a check, each after its tries.
fn worst_of_steps<'a>(
    ledger: &Ledger<'a>,
    check: &'a CheckPlan,
    in_try: impl Fn(&Ledger<'a>, &Step, u32) -> Option<Judged>,
) -> Judged {
    let mut worst: Option<Judged> = None;
    for step in ledger.steps_of(check).filter(|step| ledger.under_first_list(step)) {
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
    if let (Some(once), Some(again)) = (inside_at_once(&first), inside_at_once(&second)) {
        let hosts = [0, 1].map(|attempt| Host::during(ledger, step.index, attempt));
        // A proxy that lets in so many and no more lets in as many each time; what a host has no time for varies, or is a few.
        let varies = once.0 != again.0 || 4 * once.0 >= 3 * once.1;
        if varies && hosts.iter().all(Host::is_busy) {
            return Some(hosts[0].or_busier(hosts[1]).leaves_open(first));
        }
    }
    if second.outcome != Outcome::Pass {
        // The first try says more: at the second, what failed may have failed for its consequences.
        return Some(first.with_evidence(second.evidence));
    }
    let finding = Finding::PassedOnSecondTry {
        first: Box::new(first.finding),
        pressure_first: ledger.pressure_during(step.index, 0),
        pressure_second: ledger.pressure_during(step.index, 1),
    };
    Some(Judged::inconclusive(finding).with_evidence(first.evidence))
}

/// How many were inside at once, and how many should have been, where they were too few.
fn inside_at_once(judged: &Judged) -> Option<(u64, u64)> {
    match judged.finding {
        Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { inside, asked }) => Some((inside, asked)),
        _ => None,
    }
}

/// Whether a failure could be due to lack of CPU.
fn may_be_time(finding: &Finding) -> bool {
    match finding {
        Finding::Concurrency(ConcurrencyFinding::NotInsideAtOnce { .. })
        | Finding::Concurrency(ConcurrencyFinding::FastWaited { .. }) => true,
        Finding::Concurrency(ConcurrencyFinding::SlowWentWrong { wrong, .. })
        | Finding::Concurrency(ConcurrencyFinding::NotOwnAnswer { wrong, .. }) => rests_on_time(wrong),
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
