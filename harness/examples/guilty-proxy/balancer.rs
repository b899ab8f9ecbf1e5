//! Which backend is next: one counter for the whole process, or the fewest open requests.
//!
//! The server asks before every forwarding, once for a request and again only where a backend refused the connection. A file
//! may hold another list of backends; it is read again whenever it has changed, so that no signal has to be handled.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::defects::{Defect, rotation};

/// The backends and whose turn it is.
pub struct Balancer {
    told: Mutex<Told>,
    turn: AtomicUsize,
    least_busy: bool,
    defect: Defect,
    chance: rotation::Chance,
}

/// The list, and where another may stand.
struct Told {
    backends: Vec<Arc<Backend>>,
    file: Option<PathBuf>,
    /// When the file was last written that has been read.
    read: Option<SystemTime>,
}

/// A backend and what is open there.
pub struct Backend {
    address: String,
    open: AtomicUsize,
    /// Whether its health keeps it out of the rotation.
    out: AtomicBool,
}

impl Backend {
    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Takes it out of the rotation, or back into it.
    pub fn set_out(&self, out: bool) {
        self.out.store(out, Ordering::SeqCst);
    }
}

/// A backend that was chosen; its request is open until this is dropped.
pub struct Chosen(Arc<Backend>);

impl Balancer {
    /// Begins with the first backend. What stands in the file now is what it was told.
    pub fn new(backends: Vec<String>, file: Option<PathBuf>, least_busy: bool, defect: Defect) -> Balancer {
        let read = file.as_ref().and_then(written);
        Balancer {
            told: Mutex::new(Told { backends: listed(backends), file, read }),
            turn: AtomicUsize::new(0),
            least_busy: least_busy && !rotation::ignores_what_is_open(defect),
            defect,
            chance: rotation::Chance::new(),
        }
    }

    /// The backend for this request; `others` are under way.
    pub fn next(&self, others: bool) -> Chosen {
        let backends = self.backends();
        let count = backends.len();
        let mut place = rotation::pick(self.defect, &self.turn, count, others, &self.chance);
        if self.least_busy {
            // Beginning where the turn is, so that equals are taken in turn.
            let fewest = (0..count)
                .map(|step| (place + step) % count)
                .min_by_key(|&place| backends[place].open.load(Ordering::SeqCst));
            place = fewest.unwrap_or(place);
        }
        // Where all of them are ill all of them are asked.
        let well = (0..count)
            .map(|step| (place + step) % count)
            .find(|&place| !backends[place].out.load(Ordering::SeqCst));
        place = well.unwrap_or(place);
        backends[place].open.fetch_add(1, Ordering::SeqCst);
        Chosen(Arc::clone(&backends[place]))
    }

    /// Told of every answer from the cache, which needs no backend.
    pub fn hit(&self) {
        if rotation::hit_takes_turn(self.defect) {
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.backends().len()
    }

    /// The list as it is now; a file that is empty or gone changes nothing.
    pub fn backends(&self) -> Vec<Arc<Backend>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = told.file.as_ref().and_then(written);
        if now != told.read {
            let text = told.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
            let lines: Vec<String> =
                text.iter().flat_map(|text| text.split_whitespace()).map(Into::into).collect();
            if !lines.is_empty() {
                told.backends = listed(lines);
                told.read = now;
            }
        }
        told.backends.clone()
    }
}

fn listed(addresses: Vec<String>) -> Vec<Arc<Backend>> {
    let backend =
        |address| Arc::new(Backend { address, open: AtomicUsize::new(0), out: AtomicBool::new(false) });
    addresses.into_iter().map(backend).collect()
}

fn written(file: &PathBuf) -> Option<SystemTime> {
    std::fs::metadata(file).ok()?.modified().ok()
}

impl Chosen {
    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.0.address
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
