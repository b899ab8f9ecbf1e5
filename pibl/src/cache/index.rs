//! What lies on the disk, how large it is, and what goes first when there is no more room.
//!
//! `store` keeps one behind a lock: every stored file is in it, with its size. It is a list for deciding,
//! not for finding: look-ups open the file that a key's hash names.
//!
//! The policy is S3-FIFO (Yang et al., SOSP 2023): newcomers wait in a small queue and only those that
//! are asked for again get into the main one, so a scan over many files that nobody wants twice pushes
//! out nothing but itself. A hit costs one increment of a counter, without any lock.

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// How often a file was used since it was last looked at, up to [`MOST_USES`].
pub(super) type Uses = Arc<AtomicU8>;

const MOST_USES: u8 = 3;
/// The small queue holds this part of the room: a tenth, as the authors of the policy found best.
const SMALL_PART: u64 = 10;
/// What a file takes on a disk is counted in blocks of this size.
const BLOCK_BYTES: u64 = 4096;

/// Notes a use.
pub(super) fn touch(uses: &AtomicU8) {
    let count = uses.load(Ordering::Relaxed);
    if count < MOST_USES {
        // Two threads may count one use only; nothing depends on the exact number.
        uses.store(count + 1, Ordering::Relaxed);
    }
}

/// Hashes of keys are random already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Makes [`Identity`] hashers.
pub(super) type Plain = BuildHasherDefault<Identity>;

/// The files and the order in which they go.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: HashMap<u128, Known, Plain>,
    small: VecDeque<(u128, u64)>,
    main: VecDeque<(u128, u64)>,
    /// What was pushed out of the small queue lately: asked for again, it goes straight to the main one.
    ghosts: VecDeque<u128>,
    remembered: HashMap<u128, (), Plain>,
    small_bytes: u64,
    total_bytes: u64,
    capacity_bytes: u64,
    next_serial: u64,
}

#[derive(Debug)]
struct Known {
    bytes: u64,
    uses: Uses,
    /// Told apart from an older stay of the same file in a queue.
    serial: u64,
    is_small: bool,
    /// Its body was compared with its checksum in this run.
    is_verified: bool,
}

impl Index {
    pub(super) fn new(capacity_bytes: u64) -> Self {
        Self { capacity_bytes, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    pub(super) fn contains(&self, hash: u128) -> bool {
        self.files.contains_key(&hash)
    }

    pub(super) fn is_verified(&self, hash: u128) -> bool {
        self.files.get(&hash).is_some_and(|known| known.is_verified)
    }

    pub(super) fn hashes(&self) -> Vec<u128> {
        self.files.keys().copied().collect()
    }

    pub(super) fn set_capacity(&mut self, bytes: u64) {
        self.capacity_bytes = bytes;
    }

    /// Adds a file, or notes its new size. Returns its counter of uses. What has to go is asked for
    /// afterwards, with [`Index::next_to_go`].
    pub(super) fn insert(&mut self, hash: u128, file_bytes: u64, is_verified: bool) -> Uses {
        let bytes = file_bytes.div_ceil(BLOCK_BYTES).max(1) * BLOCK_BYTES;
        self.total_bytes += bytes;
        let serial = self.next_serial;
        match self.files.entry(hash) {
            MapEntry::Occupied(mut occupied) => {
                let known = occupied.get_mut();
                self.total_bytes -= known.bytes;
                if known.is_small {
                    self.small_bytes = self.small_bytes - known.bytes + bytes;
                }
                known.bytes = bytes;
                known.is_verified |= is_verified;
                Arc::clone(&known.uses)
            }
            MapEntry::Vacant(vacant) => {
                let is_small = self.remembered.remove(&hash).is_none();
                let uses = Uses::default();
                self.next_serial += 1;
                vacant.insert(Known { bytes, uses: Arc::clone(&uses), serial, is_small, is_verified });
                if is_small {
                    self.small_bytes += bytes;
                    self.small.push_back((hash, serial));
                } else {
                    self.main.push_back((hash, serial));
                }
                uses
            }
        }
    }

    /// Adds a file that was found at the start, unless it is known already.
    pub(super) fn insert_found(&mut self, hash: u128, file_bytes: u64) {
        if !self.files.contains_key(&hash) {
            self.remembered.insert(hash, ());
            self.insert(hash, file_bytes, false);
        }
    }

    pub(super) fn remove(&mut self, hash: u128) -> bool {
        let Some(known) = self.files.remove(&hash) else { return false };
        self.total_bytes -= known.bytes;
        if known.is_small {
            self.small_bytes -= known.bytes;
        }
        true
    }

    /// The next file that has to go, already forgotten here; `None` when everything fits.
    pub(super) fn next_to_go(&mut self) -> Option<u128> {
        while self.total_bytes > self.capacity_bytes {
            let small_is_due = self.small_bytes > self.capacity_bytes / SMALL_PART;
            let gone =
                if small_is_due || self.main.is_empty() { self.step_small() } else { self.step_main() };
            if gone.is_some() || (self.small.is_empty() && self.main.is_empty()) {
                return gone;
            }
        }
        None
    }

    /// One step in the small queue: out, or up into the main one if it was used again.
    fn step_small(&mut self) -> Option<u128> {
        let (hash, serial) = self.small.pop_front()?;
        let known = self.files.get_mut(&hash).filter(|known| known.serial == serial)?;
        if known.uses.load(Ordering::Relaxed) > 0 {
            known.uses.store(0, Ordering::Relaxed);
            known.is_small = false;
            self.small_bytes -= known.bytes;
            self.main.push_back((hash, serial));
            return None;
        }
        self.remember(hash);
        self.remove(hash);
        Some(hash)
    }

    /// One step in the main queue: out, or another round with one use less.
    fn step_main(&mut self) -> Option<u128> {
        let (hash, serial) = self.main.pop_front()?;
        let known = self.files.get_mut(&hash).filter(|known| known.serial == serial)?;
        let uses = known.uses.load(Ordering::Relaxed);
        if uses > 0 {
            known.uses.store(uses - 1, Ordering::Relaxed);
            self.main.push_back((hash, serial));
            return None;
        }
        self.remove(hash);
        Some(hash)
    }

    fn remember(&mut self, hash: u128) {
        self.remembered.insert(hash, ());
        self.ghosts.push_back(hash);
        while self.ghosts.len() > self.files.len().max(1024) {
            if let Some(oldest) = self.ghosts.pop_front() {
                self.remembered.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn store(index: &mut Index, hash: u128) -> (Uses, Vec<u128>) {
        let uses = index.insert(hash, BLOCK_BYTES, true);
        (uses, std::iter::from_fn(|| index.next_to_go()).collect())
    }

    #[test]
    fn a_scan_pushes_out_nothing_but_itself() {
        let mut index = Index::new(100 * BLOCK_BYTES);
        let wanted: Vec<_> = (0..80).map(|hash| (hash, store(&mut index, hash).0)).collect();
        wanted.iter().for_each(|(_, uses)| touch(uses));
        for hash in 1000..5000 {
            store(&mut index, hash);
            wanted.iter().for_each(|(_, uses)| touch(uses));
        }
        assert!(wanted.iter().all(|(hash, _)| index.contains(*hash)));
        assert!(index.total_bytes() <= 100 * BLOCK_BYTES);
    }

    #[test]
    fn what_is_not_used_goes_in_the_order_of_arrival() {
        let mut index = Index::new(3 * BLOCK_BYTES);
        for hash in 1..=3 {
            assert!(store(&mut index, hash).1.is_empty());
        }
        assert_eq!(store(&mut index, 4).1, [1]);
        assert_eq!(store(&mut index, 5).1, [2]);
    }

    #[test]
    fn what_is_asked_for_again_after_it_went_stays_longer() {
        let mut index = Index::new(3 * BLOCK_BYTES);
        (1..=4).for_each(|hash| drop(store(&mut index, hash)));
        // 1 went; it comes back and survives the newcomers.
        store(&mut index, 1);
        (10..14).for_each(|hash| drop(store(&mut index, hash)));
        assert!(index.contains(1));
    }

    #[test]
    fn a_file_larger_than_everything_goes_itself() {
        let mut index = Index::new(2 * BLOCK_BYTES);
        index.insert(1, 100 * BLOCK_BYTES, true);
        let gone: Vec<_> = std::iter::from_fn(|| index.next_to_go()).collect();
        assert_eq!((gone, index.len(), index.total_bytes()), (vec![1], 0, 0));
    }

    #[test]
    fn verification_is_remembered_per_file() {
        let mut index = Index::new(1 << 30);
        index.insert_found(1, 10);
        assert!(!index.is_verified(1));
        index.insert(1, 10, true);
        index.insert_found(1, 10);
        assert!(index.is_verified(1) && index.total_bytes() == BLOCK_BYTES);
    }

    proptest! {
        #[test]
        fn the_books_balance(steps in proptest::collection::vec((0u128..40, 0u64..30_000, 0u8..4), 1..300)) {
            let mut index = Index::new(40 * BLOCK_BYTES);
            for (hash, bytes, action) in steps {
                match action {
                    0 => drop(index.remove(hash)),
                    1 => index.insert_found(hash, bytes),
                    _ => touch(&index.insert(hash, bytes, true)),
                }
                while index.next_to_go().is_some() {}
                let total: u64 = index.files.values().map(|known| known.bytes).sum();
                let small: u64 =
                    index.files.values().filter(|known| known.is_small).map(|known| known.bytes).sum();
                prop_assert_eq!((index.total_bytes, index.small_bytes), (total, small));
                prop_assert!(total <= 40 * BLOCK_BYTES);
            }
        }
    }
}
