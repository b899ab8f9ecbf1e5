//! Whether a client breaks off more exchanges than a person does who changes his mind (CVE-2023-44487).
//!
//! Each costs a token, which only time brings back: nothing that the client does besides makes a flood look small. The figures
//! are of the order of those of nghttp2, which many servers have by default (1000 at once, 33 in a second).

use std::cell::Cell;
use std::time::Instant;

/// How many exchanges may be broken off at once: five pages, each left while a hundred images load.
const AT_ONCE: f64 = 500.0;
/// How many in a second all the time.
const IN_A_SECOND: f64 = 33.0;

/// How much is left of one connection's tokens.
#[derive(Debug)]
pub(super) struct Calm {
    tokens: Cell<f64>,
    refilled: Cell<Instant>,
}

impl Calm {
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: Cell::new(AT_ONCE), refilled: Cell::new(now) }
    }

    /// Counts one that was broken off.
    pub(super) fn disturb(&self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled.replace(now)).as_secs_f64();
        self.tokens.set((self.tokens.get() + elapsed * IN_A_SECOND).min(AT_ONCE) - 1.0);
    }

    /// Whether there were too many.
    pub(super) fn is_over(&self) -> bool {
        self.tokens.get() < 0.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pages_that_are_left_are_no_flood_and_a_flood_is_one_however_slow_it_is() {
        let now = crate::clock::monotonic();
        let calm = Calm::new(now);
        // A page of a hundred images each four seconds, for an hour.
        for page in 0..1200 {
            (0..100).for_each(|_| calm.disturb(now + Duration::from_secs(page * 4)));
            assert!(!calm.is_over(), "page {page}");
        }
        // Somewhat more than may come for ever.
        let (begun, mut number) = (now + Duration::from_secs(7200), 0);
        while !calm.is_over() {
            calm.disturb(begun + Duration::from_millis(number * 20));
            number += 1;
            assert!(number < 2_000, "nobody minds");
        }
    }
}
