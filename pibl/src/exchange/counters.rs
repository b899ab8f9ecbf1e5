//! What has happened so far, in numbers.
//!
//! Each worker counts for itself, so that threads share no cache line; `admin` adds the numbers up when
//! somebody asks. Nothing here is ever reset.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets for durations, in microseconds; the last bucket has none.
pub const DURATION_BOUNDS_MICROS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// The numbers of one worker.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counters {
    /// Connections of clients accepted.
    pub connections_accepted: Counter,
    /// Connections of clients ended.
    pub connections_closed: Counter,
    /// Requests refused by pibl itself.
    pub requests_refused: Counter,
    /// Attempts at a backend after the first one of an exchange.
    pub retries: Counter,
    /// Exchanges by the first digit of their status; index 0 counts those without a response.
    pub responses: [Counter; 6],
    /// Content bytes received from clients.
    pub request_bytes: Counter,
    /// Content bytes sent to clients.
    pub response_bytes: Counter,
    /// Exchanges by duration, see [`DURATION_BOUNDS_MICROS`].
    pub durations: [Counter; 13],
    /// The sum of all durations in microseconds.
    pub duration_micros: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// What it is now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// Counts a finished exchange.
    pub fn exchange(&self, status: u16, request_bytes: u64, response_bytes: u64, duration: Duration) {
        let class = usize::from(status / 100);
        self.responses[if class < self.responses.len() { class } else { 0 }].add(1);
        if request_bytes > 0 {
            self.request_bytes.add(request_bytes);
        }
        self.response_bytes.add(response_bytes);
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = DURATION_BOUNDS_MICROS.iter().position(|bound| micros <= *bound);
        self.durations[bucket.unwrap_or(DURATION_BOUNDS_MICROS.len())].add(1);
        self.duration_micros.add(micros);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanges_fall_into_their_class_and_bucket() {
        let counters = Counters::default();
        counters.exchange(204, 3, 0, Duration::from_micros(100));
        counters.exchange(503, 0, 7, Duration::from_secs(60));
        assert_eq!((counters.responses[2].value(), counters.responses[5].value()), (1, 1));
        assert_eq!((counters.durations[0].value(), counters.durations[12].value()), (1, 1));
        assert_eq!((counters.request_bytes.value(), counters.response_bytes.value()), (3, 7));
    }
}
