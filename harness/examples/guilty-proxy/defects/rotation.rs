//! Defects of the rotation: chance where there should be order, and turns that go to the wrong backend.
//!
//! The balancer asks at every pick. The honest rule: one turn a request, in the order of the list, for ever.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::Defect;
use crate::clock;

/// One update of the counter in so many is lost while other requests are under way.
const LOST_UPDATE_ONE_IN: usize = 20;

/// The place in a list of `count` for the next request.
pub fn pick(
    defect: Defect,
    turn: &AtomicUsize,
    count: usize,
    others_under_way: bool,
    chance: &Chance,
) -> usize {
    match defect {
        Defect::RandomBalancing => chance.below(count),
        // The turn stays where it is: the next request has the same backend again.
        Defect::RacyCounter if others_under_way && chance.below(LOST_UPDATE_ONE_IN) == 0 => {
            turn.load(Ordering::Relaxed) % count
        }
        Defect::AlwaysFirst => 0,
        Defect::SkipsLast if count > 1 => turn.fetch_add(1, Ordering::Relaxed) % (count - 1),
        Defect::WeightedByOne => (turn.fetch_add(1, Ordering::Relaxed) % (count + 1)).saturating_sub(1),
        _ => turn.fetch_add(1, Ordering::Relaxed) % count,
    }
}

/// How often a request is forwarded.
pub fn times_forwarded(defect: Defect) -> usize {
    if defect == Defect::AsksTwice { 2 } else { 1 }
}

/// Whether an answer from the cache moves the turn on.
pub fn hit_takes_turn(defect: Defect) -> bool {
    defect == Defect::HitTakesTurn
}

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
}

/// Whether it goes on in turn where it was told to look at what is open.
pub fn ignores_what_is_open(defect: Defect) -> bool {
    defect == Defect::IgnoresWhatIsOpen
}
