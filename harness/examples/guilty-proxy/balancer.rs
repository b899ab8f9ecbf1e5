//! Which backend is next: one counter for the whole process, or the fewest open requests.
//!
//! The server asks before every forwarding, once for a request and again only where a backend refused the connection.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::defects::{Defect, rotation};

/// The backends and whose turn it is.
pub struct Balancer {
    backends: Vec<String>,
    /// Requests that are open at each of them.
    open: Vec<AtomicUsize>,
    turn: AtomicUsize,
    least_busy: bool,
    defect: Defect,
    chance: rotation::Chance,
}

/// A backend that was chosen; its request is open until this is dropped.
pub struct Chosen<'b> {
    /// Where it listens.
    pub address: &'b str,
    open: &'b AtomicUsize,
}

impl Balancer {
    /// Begins with the first backend.
    pub fn new(backends: Vec<String>, least_busy: bool, defect: Defect) -> Balancer {
        let open = backends.iter().map(|_| AtomicUsize::new(0)).collect();
        let least_busy = least_busy && !rotation::ignores_what_is_open(defect);
        Balancer {
            backends,
            open,
            turn: AtomicUsize::new(0),
            least_busy,
            defect,
            chance: rotation::Chance::new(),
        }
    }

    /// The backend for this request; `others` are under way.
    pub fn next(&self, others: bool) -> Chosen<'_> {
        let count = self.backends.len();
        let mut place = rotation::pick(self.defect, &self.turn, count, others, &self.chance);
        if self.least_busy {
            // Beginning where the turn is, so that equals are taken in turn.
            let fewest = (0..count)
                .map(|step| (place + step) % count)
                .min_by_key(|&place| self.open[place].load(Ordering::SeqCst));
            place = fewest.unwrap_or(place);
        }
        self.open[place].fetch_add(1, Ordering::SeqCst);
        Chosen { address: &self.backends[place], open: &self.open[place] }
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

impl Drop for Chosen<'_> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}
