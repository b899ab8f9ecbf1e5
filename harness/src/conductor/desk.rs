//! What whoever watches a run asks of it: to be held, to go on, to repeat a check.
//!
//! The page of a run puts it there, `run` looks where it can do it. Nobody waits at either side for longer than it takes to look.

use std::collections::VecDeque;

use harness_model::catalogue::CheckId;
use tokio::sync::watch;

/// The desk of a command. Clones are cheap and mean the same desk; one at which nobody sits asks nothing.
#[derive(Clone, Debug)]
pub struct Desk {
    asked: watch::Sender<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    hold: bool,
    /// Whether it is held, and not only to be.
    held: bool,
    repeat: VecDeque<CheckId>,
}

/// What a run that is held is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    Repeat(CheckId),
}

impl Default for Desk {
    fn default() -> Self {
        Desk { asked: watch::Sender::new(Asked::default()) }
    }
}

impl Desk {
    /// Asks that no further step begins.
    pub fn hold(&self) {
        self.asked.send_modify(|asked| asked.hold = true);
    }

    /// Asks that the run goes on.
    pub fn go_on(&self) {
        self.asked.send_modify(|asked| asked.hold = false);
    }

    /// Asks that a check is repeated in a run of its own; `false` where that has been asked already and is still to be done.
    pub fn repeat(&self, check: CheckId) -> bool {
        self.asked.send_if_modified(|asked| {
            let new = !asked.repeat.contains(&check);
            if new {
                asked.repeat.push_back(check);
            }
            new
        })
    }

    /// Whether no further step is to begin.
    pub(super) fn wants_hold(&self) -> bool {
        self.asked.borrow().hold
    }

    /// The run is held from now on, or no more.
    pub(super) fn note_held(&self, held: bool) {
        self.asked.send_modify(|asked| asked.held = held);
    }

    /// Whether it is held now.
    pub(super) fn is_held(&self) -> bool {
        self.asked.borrow().held
    }

    /// The next check that is to be repeated.
    pub(super) fn take_repetition(&self) -> Option<CheckId> {
        let mut taken = None;
        self.asked.send_if_modified(|asked| {
            taken = asked.repeat.pop_front();
            taken.is_some()
        });
        taken
    }

    /// Waits, while a run is held, for what it is asked next.
    pub(super) async fn next(&self) -> Next {
        let mut asked = self.asked.subscribe();
        loop {
            if let Some(check) = self.take_repetition() {
                return Next::Repeat(check);
            }
            if !asked.borrow_and_update().hold {
                return Next::GoOn;
            }
            // The sender lives as long as `self`, so the channel cannot close.
            if asked.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_of_a_held_run_comes_in_its_order_and_once() {
        let desk = Desk::default();
        assert_eq!(desk.next().await, Next::GoOn, "nobody holds it");
        desk.hold();
        assert!(desk.repeat(CheckId::TtlExpiry) && !desk.repeat(CheckId::TtlExpiry));
        assert_eq!(desk.next().await, Next::Repeat(CheckId::TtlExpiry));
        let waiting = tokio::spawn({
            let desk = desk.clone();
            async move { desk.next().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        desk.go_on();
        assert_eq!(waiting.await.unwrap(), Next::GoOn);
    }
}
