//! Ends a run early: because the user asks for it, or because the time allowed is over.
//!
//! The command line holds one and sets it from its signal handler; every run of the command watches it. It says what
//! happened and stops nothing by itself.

use tokio::sync::watch;

use harness_model::history::{CutBy, EventKind};

/// Why a run ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Ctrl-C.
    Keyboard,
    /// The system, or whoever started the harness, asked it to end.
    Terminated,
    /// `--max-duration`.
    TimeOver,
}

/// A flag that is set once. Clones are cheap and mean the same flag.
#[derive(Clone, Debug)]
pub struct Interruption {
    sender: watch::Sender<Option<Cause>>,
}

impl Default for Interruption {
    fn default() -> Self {
        Interruption { sender: watch::Sender::new(None) }
    }
}

impl Interruption {
    /// Ends all runs that watch it; the first cause counts.
    pub fn set(&self, cause: Cause) {
        self.sender.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(cause);
            first
        });
    }

    /// A flag for one run: it is set when this one is, and can be set without it. Within a tokio runtime.
    pub fn of_one_run(&self) -> Interruption {
        let (all, one) = (self.clone(), Interruption::default());
        let told = one.clone();
        tokio::spawn(async move { told.set(all.wait().await) });
        one
    }

    /// The cause, where it was set.
    pub fn cause(&self) -> Option<Cause> {
        *self.sender.borrow()
    }

    /// Waits until it is set.
    pub async fn wait(&self) -> Cause {
        let mut receiver = self.sender.subscribe();
        loop {
            if let Some(cause) = *receiver.borrow_and_update() {
                return cause;
            }
            // The sender lives as long as `self`, so the channel cannot close.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Cause {
    /// The event that ends the record of a run.
    pub(super) fn event(self) -> EventKind {
        let by = match self {
            Cause::Keyboard => CutBy::User,
            Cause::Terminated => CutBy::Signal,
            Cause::TimeOver => CutBy::Time,
        };
        EventKind::Interrupted { reason: self.in_the_record().to_owned(), by: Some(by) }
    }

    const fn in_the_record(self) -> &'static str {
        match self {
            Cause::Keyboard => "interrupted from the keyboard",
            Cause::Terminated => "asked to end by a signal",
            Cause::TimeOver => "the time allowed was over",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_cause_counts_and_wakes_those_who_wait() {
        let interruption = Interruption::default();
        let waiting = tokio::spawn({
            let interruption = interruption.clone();
            async move { interruption.wait().await }
        });
        tokio::task::yield_now().await;
        interruption.set(Cause::TimeOver);
        interruption.set(Cause::Keyboard);
        assert_eq!(waiting.await.unwrap(), Cause::TimeOver);
        assert_eq!(interruption.wait().await, Cause::TimeOver);
    }
}
