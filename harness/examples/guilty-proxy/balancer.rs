//! Which backend is next: one counter for the whole process.
//!
//! The server asks before every forwarding, once for a request and again only where a backend refused the connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::defects::{Defect, rotation};

/// The backends and whose turn it is.
pub struct Balancer {
    backends: Vec<String>,
    turn: AtomicUsize,
    defect: Defect,
    chance: rotation::Chance,
}

impl Balancer {
    /// Begins with the first backend.
    pub fn new(backends: Vec<String>, defect: Defect) -> Balancer {
        Balancer { backends, turn: AtomicUsize::new(0), defect, chance: rotation::Chance::new() }
    }

    /// The backend for this request; `others` are under way.
    pub fn next(&self, others: bool) -> &str {
        let count = self.backends.len();
        let pick = match self.defect {
            Defect::RandomBalancing => self.chance.below(count),
            // The turn stays where it is: the next request has the same backend again.
            Defect::RacyCounter if others && self.chance.one_in(rotation::LOST_UPDATE_ONE_IN) => {
                self.turn.load(Ordering::Relaxed)
            }
            _ => self.turn.fetch_add(1, Ordering::Relaxed),
        };
        &self.backends[pick % count]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.backends.len()
    }
}
