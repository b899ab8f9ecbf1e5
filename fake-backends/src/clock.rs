//! The one monotonic clock of a run, and the moments it measures.
//!
//! Backends and the harness stamp everything with it, so that what a client saw and what a backend saw can be put in
//! order. It is the only module here that reads the time; it never waits.

use std::fmt;
use std::ops::Add;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

/// A clock that started when its run started.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    wall_origin: SystemTime,
}

/// Nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl RunClock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the time")]
    pub fn start() -> RunClock {
        RunClock { origin: Instant::now(), wall_origin: SystemTime::now() }
    }

    /// The present moment.
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the time")]
    pub fn now(&self) -> Moment {
        self.moment_of(Instant::now())
    }

    /// The moment of an instant; the start of the run for earlier ones.
    pub fn moment_of(&self, instant: Instant) -> Moment {
        Moment::from(instant.saturating_duration_since(self.origin))
    }

    /// The instant of a moment, for timers.
    pub fn instant_of(&self, moment: Moment) -> Instant {
        self.origin + Duration::from_nanos(moment.0)
    }

    /// Wall-clock time at which the run started.
    pub fn wall_start(&self) -> SystemTime {
        self.wall_origin
    }
}

impl Moment {
    /// Time since an earlier moment; zero when that one is later.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The moment this much before; the start of the run when that is earlier.
    pub fn minus(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_sub(nanos(duration)))
    }
}

impl From<Duration> for Moment {
    fn from(since_start: Duration) -> Moment {
        Moment(nanos(since_start))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;
    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(nanos(duration)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} ms", self.0 / 1_000_000, self.0 / 1000 % 1000)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_subtract_without_going_below_the_start() {
        let moment = Moment(1_500_000);
        assert_eq!(moment.since(Moment(500_000)), Duration::from_millis(1));
        assert_eq!(moment.since(Moment(2_000_000)), Duration::ZERO);
        assert_eq!(moment.minus(Duration::from_secs(1)), Moment(0));
        assert_eq!(moment.to_string(), "1.500 ms");
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = RunClock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
        assert_eq!(clock.moment_of(clock.instant_of(Moment(7))), Moment(7));
    }
}
