//! Carries attempts from the backends' journal into the record.
//!
//! The sampler calls it a few times a second, the conductor at the end of each step, so that a step's attempts are in the
//! record before it is said to have ended. It never loses or changes an attempt.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fake_backends::journal::{Attempt, Journal};

use harness_model::history::{EventKind, Recorder};

/// Attempts that have ended and are not in the record yet.
#[derive(Debug)]
pub(super) struct Pump {
    journal: Journal,
    ended: Mutex<Receiver<Attempt>>,
    recorder: Recorder,
}

/// The end of its proxy ends an attempt within so long.
const ENDS_WITHIN: Duration = Duration::from_millis(300);

impl Pump {
    /// Listens to a journal from now on.
    pub(super) fn new(journal: &Journal, recorder: Recorder) -> Pump {
        let (sender, receiver) = mpsc::channel();
        journal.subscribe(sender);
        Pump { journal: journal.clone(), ended: Mutex::new(receiver), recorder }
    }

    /// Records what has ended so far.
    pub(super) fn drain(&self) {
        // One at a time, so that two callers cannot change the order.
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // A look that fails is made up for by the next one; the conductor asks for the last one itself.
        let _ = self.journal.refresh();
        for attempt in ended.try_iter() {
            self.recorder.record(EventKind::Attempt(Box::new(attempt)));
        }
    }

    /// Records what has not ended although the proxy is gone: what a backend had received by then is known too.
    pub(super) fn drain_at_the_end(&self) {
        let clock = self.journal.clock();
        self.journal.wait_until_quiet(clock.instant_of(clock.now() + ENDS_WITHIN));
        self.drain();
        for attempt in self.journal.snapshot().iter().filter(|attempt| !attempt.is_over()) {
            self.recorder.record(EventKind::Attempt(Box::new(Attempt::clone(attempt))));
        }
    }
}
