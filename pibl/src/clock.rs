//! The only place that reads the time.
//!
//! Every room that needs to know what time it is asks here once and hands the value down, so that the
//! rules below it are functions of their arguments. It never sleeps, schedules or decides anything.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::http::date;

/// An instant of the wall clock in microseconds since 1970.
///
/// Stored responses carry it, because their age must outlive a restart; everything that is measured
/// within one run uses [`monotonic`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant of this many milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// The instant of this many seconds since 1970.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant of this many microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Microseconds from `earlier` to this instant; negative when the wall clock was set back.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant, later by a duration.
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// What the wall clock shows now.
#[expect(clippy::disallowed_methods, reason = "this room is where the time is read")]
pub fn now() -> Timestamp {
    // A clock before 1970 counts as 1970: every stored response is then as young as can be.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// The monotonic clock, for durations within one run.
#[expect(clippy::disallowed_methods, reason = "this room is where the time is read")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// `now` in the form of the `Date` field (RFC 9110 §6.6.1); formatted once a second and thread.
pub fn http_date(now: Timestamp) -> [u8; date::LENGTH] {
    thread_local! {
        static LAST: Cell<(i64, [u8; date::LENGTH])> = const { Cell::new((i64::MIN, [0; date::LENGTH])) };
    }
    let second = now.seconds();
    let (known, text) = LAST.get();
    if known == second {
        return text;
    }
    let text = date::format(second);
    LAST.set((second, text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_second_is_the_same_for_all_its_milliseconds() {
        let second = Timestamp::from_seconds(784_111_777);
        assert_eq!(&http_date(second), b"Sun, 06 Nov 1994 08:49:37 GMT");
        let late = second.plus(Duration::from_millis(999));
        assert_eq!(http_date(late), http_date(second));
        let next = second.plus(Duration::from_secs(1));
        assert_eq!(&http_date(next), b"Sun, 06 Nov 1994 08:49:38 GMT");
    }

    #[test]
    fn differences_survive_a_clock_that_was_set_back() {
        let later = Timestamp::from_millis(5_000);
        let earlier = Timestamp::from_millis(2_500);
        assert_eq!((later.micros_since(earlier), earlier.micros_since(later)), (2_500_000, -2_500_000));
        assert_eq!((earlier.seconds(), Timestamp::from_millis(-1).seconds()), (2, -1));
    }

    #[test]
    fn the_wall_clock_is_past_the_writing_of_this_test() {
        assert!(now() > Timestamp::from_seconds(1_700_000_000));
    }
}
