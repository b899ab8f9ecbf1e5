//! Waits for planned instants, as exactly as the host can: tokio's own timers round up to whole milliseconds.
//!
//! Every task that sends at a planned instant owns a pacer. It only waits; how late it was shows in the record as the
//! difference between the intended and the actual sending.

use std::io;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};

use super::Problem;
use harness_platform::Timer;

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
    pub fn new(clock: RunClock) -> Result<Pacer, Problem> {
        Ok(Pacer { timer: Timer::new().map_err(no_timer)?, clock })
    }

    /// Waits until a moment; returns at once where it has passed.
    ///
    /// # Errors
    /// What the kernel says of its timer; in practice never.
    pub async fn until(&mut self, moment: Moment) -> Result<(), Problem> {
        self.timer.wait(moment.since(self.clock.now())).await.map_err(no_timer)
    }
}

/// Does a piece of work so many times, from now on, each at its own planned instant. One that takes longer than the interval
/// delays the next, which keeps its intended instant.
///
/// # Errors
/// No timer can be had.
pub(super) async fn at_pace(
    clock: RunClock,
    every: Duration,
    times: u32,
    mut work: impl AsyncFnMut(u32, Moment),
) -> Result<(), Problem> {
    let mut pacer = Pacer::new(clock)?;
    let begin = clock.now();
    for number in 0..times {
        let due = begin + every * number;
        pacer.until(due).await?;
        work(number, due).await;
    }
    Ok(())
}

/// How often an interval fits into a span.
pub(super) fn times_within(span: Duration, every: Duration) -> u32 {
    u32::try_from(span.as_nanos() / every.as_nanos().max(1)).unwrap_or(u32::MAX)
}

fn no_timer(error: io::Error) -> Problem {
    Problem::Engine { said: error.to_string() }
}
