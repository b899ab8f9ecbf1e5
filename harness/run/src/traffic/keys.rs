//! What was filled: which keys a step asked for, when their answers were complete, which of them proved to be hits.
//!
//! Fills and sliding steps enter keys, probes and rereads look them up by the number of the step. It lives for one run.

use std::collections::BTreeMap;

use fake_backends::clock::Moment;
use fake_backends::journal::Journal;

use harness_model::history::{Exchange, ExchangeEnd};

/// A key that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledKey {
    /// Its number in its step.
    pub number: u32,
    /// Its target.
    pub target: String,
    /// When its answer was complete.
    pub finished: Moment,
    /// Whether that answer was complete and a success.
    pub answered: bool,
    /// Whether a later request of it was answered without a backend.
    pub confirmed: bool,
}

/// The keys of a run, by the step that asked for them first.
#[derive(Clone, Debug, Default)]
pub struct KeyBook {
    steps: BTreeMap<usize, Vec<FilledKey>>,
    crash: Vec<FilledKey>,
}

impl KeyBook {
    /// Enters the keys of a step.
    pub fn enter(&mut self, step: usize, keys: Vec<FilledKey>) {
        self.steps.insert(step, keys);
    }

    /// The keys of a step; none where it has not run.
    pub fn of(&self, step: usize) -> &[FilledKey] {
        self.steps.get(&step).map_or(&[], Vec::as_slice)
    }

    /// Enters what the last crash load asked for.
    pub fn enter_crash_keys(&mut self, keys: Vec<FilledKey>) {
        self.crash = keys;
    }

    /// What the last crash load asked for.
    pub fn crash_keys(&self) -> &[FilledKey] {
        &self.crash
    }
}

impl FilledKey {
    /// The key that an exchange asked for.
    pub fn of(exchange: &Exchange) -> FilledKey {
        FilledKey {
            number: exchange.number,
            target: exchange.target.clone(),
            finished: exchange.finished,
            answered: is_success(exchange),
            confirmed: false,
        }
    }
}

/// Whether an answer is complete and a success.
pub(super) fn is_success(exchange: &Exchange) -> bool {
    exchange.end == ExchangeEnd::Complete
        && exchange.response.as_ref().is_some_and(|response| (200..300).contains(&response.status))
}

/// Whether an exchange was a success that no backend was asked for, by the journal.
pub(super) fn was_hit(exchange: &Exchange, journal: &Journal) -> bool {
    let from = exchange.sent.unwrap_or(exchange.intended);
    let same = |attempt: &&std::sync::Arc<fake_backends::journal::Attempt>| {
        attempt.target == exchange.target && attempt.arrived >= from && attempt.arrived <= exchange.finished
    };
    is_success(exchange) && !journal.snapshot().iter().any(|attempt| same(&attempt))
}
