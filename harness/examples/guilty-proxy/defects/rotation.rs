//! Defects of the rotation: chance where there should be order.
//!
//! The balancer asks at every pick. The honest rule: one turn a request, in the order of the list, for ever.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock;

/// One update of the counter in so many is lost while other requests are under way.
pub const LOST_UPDATE_ONE_IN: usize = 20;

/// Chance that differs from start to start (SplitMix64).
pub struct Chance {
    state: AtomicU64,
}

impl Chance {
    /// Seeded by the time.
    pub fn new() -> Chance {
        Chance { state: AtomicU64::new(clock::now().as_nanos() as u64) }
    }

    /// A number below `limit`.
    pub fn below(&self, limit: usize) -> usize {
        let mut z = self.state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % limit.max(1)
    }

    /// True once in so many times.
    pub fn one_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }
}
