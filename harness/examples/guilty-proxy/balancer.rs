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
        &self.backends[rotation::pick(self.defect, &self.turn, self.backends.len(), others, &self.chance)]
    }

    /// Told of every answer from the cache, which needs no backend.
    pub fn hit(&self) {
        if rotation::hit_takes_turn(self.defect) {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.backends.len()
    }
}
