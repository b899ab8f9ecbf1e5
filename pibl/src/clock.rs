//! The only place that reads the time.
//!
//! Every module that needs to know what time it is asks here once and hands the value down, so that the
//! rules below it are functions of their arguments. It never sleeps, schedules or decides anything.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::http::date;

/// An instant of the wall clock in microseconds since 1970.
///
/// Stored responses carry it, because their age must outlive a restart; everything that is measured
/// within one run uses [`monotonic`], or [`steady`] where a stored response is compared with it.
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

    /// This instant, later by so many microseconds, or earlier.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
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

/// An instant, read from both clocks, on the time line of this run: the wall clock as it was when the process
/// started, moved on by the monotonic one. Whoever sets the wall clock back makes nothing younger. What it has gained
/// counts, because the monotonic clock of a machine that sleeps stands still.
pub fn steady(instant: Instant, wall: Timestamp) -> Timestamp {
    static LINE: OnceLock<TimeLine> = OnceLock::new();
    LINE.get_or_init(|| TimeLine { instant, wall, gained: AtomicI64::new(0) }).at(instant, wall)
}

/// Now, as [`steady`] tells it.
pub fn steady_now() -> Timestamp {
    steady(monotonic(), now())
}

/// By how many microseconds the time line of this run is ahead of the wall clock; 0 unless somebody has set that.
pub fn ahead(steady: Timestamp, wall: Timestamp) -> i64 {
    let ahead = steady.micros_since(wall);
    if ahead.abs() < TOLERATED_MICROS { 0 } else { ahead }
}

/// The two clocks are not read in the same instant, and corrections are small.
const TOLERATED_MICROS: i64 = 1_000_000;

/// Where a time line begins, and what the wall clock has gained on it since.
#[derive(Debug)]
struct TimeLine {
    instant: Instant,
    wall: Timestamp,
    gained: AtomicI64,
}

impl TimeLine {
    fn at(&self, instant: Instant, wall: Timestamp) -> Timestamp {
        let even = self.wall.plus(instant.saturating_duration_since(self.instant));
        let gained = self.gained.load(Ordering::Relaxed);
        let gain = wall.micros_since(even);
        if gain < gained.saturating_add(TOLERATED_MICROS) {
            return Timestamp(even.0.saturating_add(gained));
        }
        Timestamp(even.0.saturating_add(self.gained.fetch_max(gain, Ordering::Relaxed).max(gain)))
    }
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
    fn a_time_line_goes_on_whatever_the_wall_clock_does() {
        let (begin, wall) = (monotonic(), Timestamp::from_seconds(1_700_000_000));
        let line = TimeLine { instant: begin, wall, gained: AtomicI64::new(0) };
        let after = |elapsed: u64, shown: i64| {
            let shown = Timestamp::from_seconds(wall.seconds() + shown);
            line.at(begin + Duration::from_secs(elapsed), shown).micros_since(wall) / 1_000_000
        };
        assert_eq!((after(5, 5), after(6, 6 - 3600), after(7, 7)), (5, 6, 7));
        // The machine slept for an hour after the eighth second.
        assert_eq!(
            (after(8, 3608), after(9, 3609), after(10, 10), after(11, 3611)),
            (3608, 3609, 3610, 3611)
        );
        let set_back = Timestamp::from_seconds(wall.seconds() - 3600);
        assert_eq!(ahead(wall, set_back), 3_600_000_000);
        assert_eq!(ahead(wall, wall.plus(Duration::from_millis(3))), 0);
    }

    #[test]
    fn the_wall_clock_is_past_the_writing_of_this_test() {
        assert!(now() > Timestamp::from_seconds(1_700_000_000));
    }
}
