//! Backends that are back, and a step that went on asking until each of them was asked again.

use std::time::Duration;

use fake_backends::clock::Moment;

use super::Amiss;
use crate::check::integrity::wrong_answer;
use crate::check::ledger::{Arrived, Asked, Ledger, ms, ms_between};
use harness_model::plan::Step;

/// A step that ended so long before its time was broken off.
const SHORT_OF_ITS_TIME_MS: f64 = 1_000.0;

/// What was amiss at the end of a step whose rounds of `times` requests went on for `most` unless all was well before; `None` where it
/// was broken off, so that nothing is known.
///
/// A backend that was never asked before has failed nobody: that it is left out is the finding of other checks.
pub(super) fn amiss<'a>(
    ledger: &Ledger<'a>,
    step: &Step,
    times: u32,
    most: Duration,
    asked: &[Asked<'a>],
) -> Option<Vec<(Asked<'a>, Amiss, Vec<usize>)>> {
    let (first, last) = (asked.first()?, asked.last()?);
    let (from, until) = (first.sent(), last.exchange.finished);
    let took = ms_between(from, until);
    let round = &asked[asked.len().saturating_sub(times as usize)..];
    let wrong =
        round.iter().filter_map(|one| Some((*one, Amiss::Answer { wrong: wrong_answer(one)? }, Vec::new())));
    let up = ledger.backends_up_at(from);
    let any = |name: &str, fits: &dyn Fn(Moment) -> bool| {
        let of_it = |arrived: &Arrived<'_>| arrived.attempt.backend == name && fits(arrived.attempt.arrived);
        ledger.arrived.iter().any(of_it)
    };
    let known = |name: &str| any(name, &|at| at < from);
    let again = |name: &str| any(name, &|at| at >= from && at <= until);
    let told = (1..=ledger.plan.backends_at(step.index)).map(|number| format!("b{number}"));
    let left_out = told.filter(|name| up.contains(name) && known(name) && !again(name));
    let left_out =
        left_out.map(|backend| (*last, Amiss::NotAskedAgain { backend, for_ms: took as u64 }, Vec::new()));
    let found: Vec<_> = wrong.chain(left_out).collect();
    let broken_off = !found.is_empty() && took + SHORT_OF_ITS_TIME_MS < ms(most);
    (!broken_off).then_some(found)
}
