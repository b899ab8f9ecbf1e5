//! Waits for planned instants, as exactly as the host can: tokio's own timers round up to whole milliseconds.
//!
//! Every task that sends at a planned instant owns a pacer. It only waits; how late it was shows in the record as the
//! difference between the intended and the actual sending.

use std::io;

use fake_backends::clock::{Moment, RunClock};

use crate::platform::Timer;

/// Wakes its task at given moments of the run.
#[derive(Debug)]
pub struct Pacer {
    timer: Timer,
    clock: RunClock,
}

impl Pacer {
    /// A pacer for tasks of the current runtime.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn new(clock: RunClock) -> io::Result<Pacer> {
        Ok(Pacer { timer: Timer::new()?, clock })
    }

    /// Waits until a moment; returns at once where it has passed.
    ///
    /// # Errors
    /// What the kernel says of its timer; in practice never.
    pub async fn until(&mut self, moment: Moment) -> io::Result<()> {
        self.timer.wait(moment.since(self.clock.now())).await
    }
}
