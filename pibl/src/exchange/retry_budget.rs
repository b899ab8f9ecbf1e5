//! How often a request may be repeated at another backend, all requests together.
//!
//! `forward` asks before every further attempt. When every backend is in trouble each request would become as
//! many as there are backends, at the worst of times; the budget bounds that. It knows no request.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What a request adds, in repeated attempts: one in five may be repeated for good.
const PER_REQUEST: f64 = 0.2;
/// What every second adds, so that a quiet proxy may repeat as well.
const PER_SECOND: f64 = 10.0;
/// What is saved at most. As many clients as that may be waiting at a backend when it hangs, and none of
/// them shall notice.
const MOST: f64 = 1000.0;

/// The budget of one worker.
#[derive(Debug)]
pub(super) struct RetryBudget {
    saved: Cell<f64>,
    refilled: Cell<Instant>,
}

impl RetryBudget {
    /// A full budget.
    pub fn new(now: Instant) -> Self {
        Self { saved: Cell::new(MOST), refilled: Cell::new(now) }
    }

    /// A request goes to a backend for the first time.
    pub fn deposit(&self) {
        self.saved.set((self.saved.get() + PER_REQUEST).min(MOST));
    }

    /// Whether a request may go to one backend more; it counts if it may.
    pub fn withdraw(&self, now: Instant) -> bool {
        let elapsed: Duration = now.saturating_duration_since(self.refilled.replace(now));
        let saved = (self.saved.get() + elapsed.as_secs_f64() * PER_SECOND).min(MOST);
        let is_left = saved >= 1.0;
        self.saved.set(if is_left { saved - 1.0 } else { saved });
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these many requests, each of which fails, are repeated at the same moment.
    fn repeated(budget: &RetryBudget, requests: usize, now: Instant) -> usize {
        let repeat = |_: &usize| {
            budget.deposit();
            budget.withdraw(now)
        };
        (0..requests).filter(repeat).count()
    }

    #[test]
    fn a_burst_is_repeated_and_then_one_request_in_five() {
        let now = crate::clock::monotonic();
        let budget = RetryBudget::new(now);
        assert_eq!(repeated(&budget, 1000, now), 1000);
        let burst = repeated(&budget, 10_000, now);
        assert!((2_000..=2_300).contains(&burst), "{burst}");
        let after = repeated(&budget, 10_000, now);
        assert!((1_999..=2_001).contains(&after), "{after}");
    }

    #[test]
    fn time_fills_the_budget_again_up_to_its_limit() {
        let now = crate::clock::monotonic();
        let budget = RetryBudget::new(now);
        repeated(&budget, 20_000, now);
        let later = now + Duration::from_secs(5);
        let few = (0..100).filter(|_| budget.withdraw(later)).count();
        assert!((50..=51).contains(&few), "{few}");
        let much_later = now + Duration::from_secs(100_000);
        assert_eq!((0..2000).filter(|_| budget.withdraw(much_later)).count(), 1000);
    }
}
