//! Exact exchanges, judged: what the backends received of them, what the client got, what others got afterwards.
//!
//! `evaluate` calls [`judged`] for every check that an `exchange` step can name, and says by which rule. Nothing is
//! concluded from the words of the proxy: the journals of the backends and the bytes at the client decide.

mod again;
mod amiss;
mod compare;
mod kept_open;
mod rest;
#[cfg(test)]
mod tests;

use std::time::Duration;

use fake_backends::journal::Outcome;

pub use amiss::Amiss;
pub(super) use kept_open::kept_open;
pub(super) use rest::at_rest;

use super::hits::difference;
use super::integrity::{is_of_a_head, wrong_answer};
use super::judged::Judged;
use super::ledger::{Arrived, Asked, Ledger, ms_between};
use super::seen::{Difference, Wrong};
use super::strain::{came_late, is_uncertain};
use super::{ExchangeFinding, Finding};
use harness_model::catalogue::CheckId;
use harness_model::history::{ExchangeEnd, Purpose};
use harness_model::plan::{CheckPlan, Exact, StepKind};

/// What should come of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// One backend got it as it was sent, and its answer came back.
    Faithful,
    /// The right answer of success came, wherever from.
    Served,
    /// The same, and all on one connection.
    ServedOnOneConnection,
    /// The same; where it was asked until backends are back, at last, and each of them that is up by name.
    AskedAgain,
    /// A complete answer: that of a backend that did answer, or one that says that something went wrong.
    AnError,
    /// Anything but an incomplete answer passed off as a whole one of success.
    NothingPassedOff,
    /// No second backend is sent what a first one has taken, whatever the client gets.
    TakenOnce,
    /// From the second one on, every one reaches a backend again.
    NeverKept,
    /// The same of answers that came in part: no later one is given without asking a backend.
    NeverKeptInPart,
    /// From the second one on, all come from the cache and equal the first.
    Kept,
    /// What a client that breaks off gets does not matter, what comes after it is served.
    ServedAfterwards,
}

/// The verdict on all exchanges that were sent for a check.
pub(super) fn judged(ledger: &Ledger<'_>, check: &CheckPlan, rule: Rule) -> Judged {
    let (mut exchanges, mut amiss) = (0u64, Vec::new());
    let (mut any_taken, mut left) = (false, None);
    for step in ledger.steps_of(check) {
        let StepKind::Exact(exact) = &step.kind else { continue };
        if exact.asks != check.id {
            continue;
        }
        let mut asked = ledger.requests_of(step.index, Purpose::Exact);
        exchanges += asked.len() as u64;
        asked.sort_by_key(|asked| (asked.exchange.number, asked.exchange.id));
        if let Some(most) = exact.keep_asking {
            match again::amiss(ledger, step, exact.times, most, &asked) {
                Some(found) => amiss.extend(found),
                None => exchanges -= asked.len() as u64,
            }
            continue;
        }
        for (place, one) in asked.iter().enumerate() {
            any_taken |= ledger.attempts_for(&one.exchange.target).next().is_some();
            if rule == Rule::AnError
                && let Some(seen) = left_a_silent_one(ledger, one)
            {
                let (after_ms, within_ms) = (seen.after_ms, ms_between(one.sent(), one.exchange.finished));
                let judged = if seen.came_back {
                    let finding = ExchangeFinding::CameBackToSilentBackend { within_ms };
                    Judged::inconclusive(Finding::Exchange(finding))
                } else {
                    let finding = ExchangeFinding::LeftSilentBackend { after_ms, within_ms };
                    Judged::pass(Finding::Exchange(finding))
                };
                left.get_or_insert(judged.with_evidence([one.line, seen.line]));
                continue;
            }
            if let Some((found, evidence)) = of_one(ledger, rule, exact, one, &asked[..place]) {
                amiss.push((*one, found, evidence));
            }
        }
    }
    // How it bears a backend that it does not ask shows nothing; one that never asks any is blocked by that.
    let silent = !any_taken && amiss.is_empty();
    let of_a_backend = match rule {
        Rule::TakenOnce => true,
        Rule::AnError | Rule::NothingPassedOff => {
            check.id != CheckId::FailuresAllRefuse && !ledger.arrived.is_empty()
        }
        _ => false,
    };
    if exchanges == 0 || of_a_backend && silent {
        return Judged::not_reached();
    }
    // What is certain comes first, and says more than what was late.
    amiss.sort_by_key(|(_, found, _)| is_uncertain(found));
    let not_found = check.id == CheckId::CacheNotFound;
    let Some((first, found, lines)) = amiss.first() else {
        if let Some(left) = left {
            return left;
        }
        // Whether a 404 is kept is worth knowing and neither right nor wrong.
        let finding = if not_found {
            Finding::Exchange(ExchangeFinding::NotFoundAskedAgain { exchanges })
        } else {
            Finding::Exchange(ExchangeFinding::AsAsked { exchanges })
        };
        return Judged::pass(finding);
    };
    if not_found && *found == Amiss::Kept {
        let finding =
            Finding::Exchange(ExchangeFinding::NotFoundKept { target: first.exchange.target.clone() });
        return Judged::pass(finding).with_evidence([first.line]).with_evidence(lines.iter().copied());
    }
    let finding = Finding::Exchange(ExchangeFinding::Amiss {
        method: first.exchange.method.clone(),
        target: first.exchange.target.clone(),
        amiss: found.clone(),
        count: amiss.len() as u64,
        exchanges,
    });
    let evidence = amiss.iter().flat_map(|(one, _, lines)| [one.line].into_iter().chain(lines.clone()));
    Judged::fail(finding, evidence.collect())
}

/// What is amiss with one exchange, and the lines that prove it beside its own.
fn of_one(
    ledger: &Ledger<'_>,
    rule: Rule,
    exact: &Exact,
    asked: &Asked<'_>,
    before: &[Asked<'_>],
) -> Option<(Amiss, Vec<usize>)> {
    let alone = |amiss: Amiss| Some((amiss, Vec::new()));
    if came_late(ledger, asked) {
        let wrong = Wrong::TimedOut;
        match rule {
            Rule::Faithful
            | Rule::Served
            | Rule::AskedAgain
            | Rule::ServedAfterwards
            | Rule::ServedOnOneConnection
            | Rule::Kept => return alone(Amiss::Answer { wrong }),
            Rule::AnError | Rule::NothingPassedOff => return alone(Amiss::NoAnswer { wrong }),
            Rule::TakenOnce | Rule::NeverKept | Rule::NeverKeptInPart => {}
        }
    }
    match rule {
        Rule::Faithful => match status_of_a_hit(ledger, exact, asked) {
            Some((sent, came)) if sent == came => None,
            Some((sent, came)) => alone(Amiss::StatusOfHit { sent, came }),
            None => faithful(ledger, exact, asked),
        },
        Rule::Served | Rule::AskedAgain if is_of_a_head(ledger, asked) => {
            alone(Amiss::Answer { wrong: Wrong::OfAHead })
        }
        Rule::Served | Rule::AskedAgain | Rule::ServedAfterwards => {
            wrong_answer(asked).and_then(|wrong| alone(Amiss::Answer { wrong }))
        }
        Rule::ServedOnOneConnection => {
            if let Some(wrong) = wrong_answer(asked) {
                return alone(Amiss::Answer { wrong });
            }
            let first = before.first().map(|first| first.exchange.connection);
            let moved = first.is_some_and(|first| first != asked.exchange.connection);
            moved.then(|| (Amiss::NotKept, before.last().map(|last| last.line).into_iter().collect()))
        }
        Rule::AnError => match asked.status() {
            Some(status) if status >= 500 => None,
            Some(_) if answered(ledger, asked) > 0 && wrong_answer(asked).is_none() => None,
            Some(status) => alone(Amiss::SuccessOfNothing { status }),
            None => alone(Amiss::NoAnswer { wrong: wrong_answer(asked).unwrap_or(Wrong::NoAnswer) }),
        },
        Rule::NothingPassedOff => match (asked.status(), &asked.exchange.end) {
            (Some(status), _) if status >= 400 => None,
            (Some(_), _) if answered(ledger, asked) > 0 && wrong_answer(asked).is_none() => None,
            (Some(status), _) => match asked.exchange.response.as_ref().map(|r| r.body.bytes) {
                Some(bytes) if bytes > 0 => alone(Amiss::PassedOffAsWhole { bytes }),
                _ => alone(Amiss::SuccessOfNothing { status }),
            },
            (None, ExchangeEnd::TimedOut) => alone(Amiss::NoAnswer { wrong: Wrong::TimedOut }),
            (None, _) => None,
        },
        Rule::TakenOnce => {
            // A proxy that goes on trying when its client has left does it all the same.
            let taken = ledger.attempts_for(&asked.exchange.target);
            let lines: Vec<usize> = taken
                .filter(|taken| {
                    taken.attempt.body_complete.is_some() && taken.attempt.method == asked.exchange.method
                })
                .map(|taken| taken.line)
                .collect();
            (lines.len() > 1).then_some((Amiss::SentTwice { attempts: lines.len() as u64 }, lines))
        }
        Rule::NeverKept => {
            let first = before.iter().find(|first| first.exchange.target == asked.exchange.target)?;
            (asked.status().is_some() && ledger.is_from_cache(asked)).then(|| (Amiss::Kept, vec![first.line]))
        }
        Rule::NeverKeptInPart => {
            let first = before.iter().find(|first| ledger.attempts_during(first).next().is_some())?;
            // An error of the proxy's own is an honest answer.
            let given = asked.exchange.response.as_ref().is_some_and(|response| response.status < 400);
            let kept = given && ledger.attempts_during(asked).next().is_none();
            kept.then(|| (Amiss::Kept, vec![first.line]))
        }
        Rule::Kept => kept(ledger, exact, asked, before),
    }
}

/// Attempts at the only backend that a request reached, from which on a proxy repeats it without end.
const WITHOUT_END: usize = 4;
/// Times that a request comes to one backend, others between, from which on it goes round.
const ROUNDS: usize = 3;

/// The close of one connection and the request on the next are noted by two threads, and some connect before they close.
const NOTED_WITHIN: Duration = Duration::from_secs(1);

/// What is known of a proxy that leaves backends which say nothing.
struct Left {
    /// After how many ms it left the first one.
    after_ms: f64,
    /// The line of that attempt.
    line: usize,
    /// Whether it came back to one: then it may be going round.
    came_back: bool,
}

/// Whether a backend that said nothing was left where nothing came of the request in time: a proxy that leaves one for another has a
/// limit, and how often it tries is its own affair, as long as it ends.
fn left_a_silent_one(ledger: &Ledger<'_>, asked: &Asked<'_>) -> Option<Left> {
    if asked.exchange.end != ExchangeEnd::TimedOut {
        return None;
    }
    let mut attempts: Vec<Arrived<'_>> = ledger.attempts_during(asked).collect();
    attempts.sort_by_key(|arrived| arrived.attempt.arrived);
    let mut visits: Vec<&str> = attempts.iter().map(|arrived| arrived.attempt.backend.as_str()).collect();
    visits.dedup();
    let most = visits.iter().map(|one| visits.iter().filter(|other| *other == one).count()).max()?;
    if most >= ROUNDS || visits.len() == 1 && attempts.len() >= WITHOUT_END {
        return None;
    }
    let came_back = most > 1 || visits.len() == 1;
    attempts.iter().find_map(|arrived| {
        let closed = arrived.attempt.peer_closed.filter(|closed| *closed < asked.exchange.finished)?;
        let is_silent = arrived.attempt.outcome == Outcome::Hung;
        // Who only lets go of it, and says nothing to the client either, has given up both.
        let moved_on = closed.minus(NOTED_WITHIN).max(arrived.attempt.arrived);
        let asks_on = attempts.iter().any(|other| other.attempt.arrived > moved_on);
        let after_ms = ms_between(arrived.attempt.arrived, closed);
        (is_silent && asks_on).then_some(Left { after_ms, line: arrived.line, came_back })
    })
}

/// Attempts of a request that a backend answered in good order.
fn answered(ledger: &Ledger<'_>, asked: &Asked<'_>) -> u64 {
    ledger.attempts_during(asked).filter(|arrived| arrived.attempt.outcome == Outcome::Answered).count()
        as u64
}

/// The status that a backend sent last for what is asked about its status, and the one with which the cache answered: that it is kept is
/// allowed (RFC 9110 §15.1), that it becomes another one is not.
fn status_of_a_hit(ledger: &Ledger<'_>, exact: &Exact, asked: &Asked<'_>) -> Option<(u16, u16)> {
    if exact.asks != CheckId::ForwardStatus || !ledger.is_from_cache(asked) {
        return None;
    }
    let before = |arrived: &Arrived<'_>| arrived.attempt.arrived < asked.sent();
    let sent = ledger.attempts_for(&asked.exchange.target).take_while(before).last()?.attempt.status?;
    // An error of its own is none of the cache's.
    asked.status().filter(|&came| came == sent || (200..300).contains(&came)).map(|came| (sent, came))
}

fn faithful(ledger: &Ledger<'_>, exact: &Exact, asked: &Asked<'_>) -> Option<(Amiss, Vec<usize>)> {
    let same: Vec<Arrived<'_>> = ledger.attempts_during(asked).collect();
    let answered = answered(ledger, asked);
    // Where nothing else is under way, whatever arrived meanwhile is what became of the request.
    let any = || {
        let (from, until) = (asked.sent(), asked.exchange.finished);
        ledger
            .arrived
            .iter()
            .find(|arrived| arrived.attempt.arrived >= from && arrived.attempt.arrived <= until)
            .filter(|_| exact.at_once == 1 && !exact.pipelined)
            .copied()
    };
    let Some(arrived) = same.last().copied().or_else(any) else {
        return Some((Amiss::NotForwarded { wrong: wrong_answer(asked) }, Vec::new()));
    };
    let evidence = vec![arrived.line];
    if answered > 1 {
        let lines = same.iter().map(|arrived| arrived.line).collect();
        return Some((Amiss::SentTwice { attempts: answered }, lines));
    }
    // A head of which only the first segment was read is short of fields, and otherwise as it should be.
    let with_fields = matches!(
        exact.asks,
        CheckId::ForwardOnce
            | CheckId::ForwardFields
            | CheckId::ForwardHeadInSegments
            | CheckId::ForwardLongHead
    );
    compare::on_the_way_there(asked, arrived.attempt, with_fields)
        .or_else(|| compare::on_the_way_back(ledger, asked, arrived.attempt))
        .map(|amiss| (amiss, evidence))
}

/// The first ones fill, the last ones must be hits that equal them. Where several came at once nothing is known of which
/// of them filled: only the last one counts, and its content proves itself.
fn kept(
    ledger: &Ledger<'_>,
    exact: &Exact,
    asked: &Asked<'_>,
    before: &[Asked<'_>],
) -> Option<(Amiss, Vec<usize>)> {
    if let Some(wrong) = wrong_answer(asked) {
        return Some((Amiss::Answer { wrong }, Vec::new()));
    }
    let first = before.iter().find(|first| first.exchange.target == asked.exchange.target)?;
    if exact.at_once > 1 && asked.exchange.number < exact.times - exact.times % exact.at_once {
        return None;
    }
    if !ledger.is_from_cache(asked) {
        // Only the last one comes when every proxy must have stored it: some store after the client has its last byte.
        let last = asked.exchange.number + 1 == exact.times;
        return last.then(|| (Amiss::NotKeptInCache, vec![first.line]));
    }
    // Which of those that came at once has filled the cache is not known: their stamps may differ.
    let differs = difference(first, asked)
        .filter(|difference| exact.at_once == 1 || !matches!(difference, Difference::Field { .. }));
    differs.map(|difference| (Amiss::Differs { difference }, vec![first.line]))
}
