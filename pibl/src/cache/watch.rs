//! Who must learn that a write has made a key wrong.
//!
//! Every request that may store something holds a watch on its key; `store` spoils the watches of a key
//! that is removed. What was asked for before a write is then not stored after it (RFC 9111 §4.4 would
//! mean little otherwise). It never touches a stored response.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::Plain;

const SHARDS: usize = 16;

/// The keys that are watched now.
#[derive(Debug, Default)]
pub(super) struct Watches {
    shards: [Mutex<HashMap<u128, Watched, Plain>>; SHARDS],
    /// Every number is given out once, so that a watch which ended and began anew is another one.
    next: AtomicU64,
    /// Changes when all keys are made wrong at once.
    of_all: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    holders: usize,
    number: u64,
}

/// The state of a key at the time of a request: equal for two requests between which nothing was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch(u64, u64);

/// Watches a key for as long as it lives.
#[derive(Debug)]
pub(super) struct Watch {
    watches: Arc<Watches>,
    hash: u128,
    epoch: Epoch,
}

impl Watches {
    /// Watches the key of a hash.
    pub(super) fn watch(self: &Arc<Self>, hash: u128) -> Watch {
        let of_all = self.of_all.load(Ordering::Acquire);
        let mut shard = self.shard(hash);
        let watched = shard.entry(hash).or_insert_with(|| Watched { holders: 0, number: self.number() });
        watched.holders += 1;
        Watch { watches: Arc::clone(self), hash, epoch: Epoch(of_all, watched.number) }
    }

    /// The key of a hash is wrong for all who watch it.
    pub(super) fn spoil(&self, hash: u128) {
        if let Some(watched) = self.shard(hash).get_mut(&hash) {
            watched.number = self.number();
        }
    }

    /// Every key is wrong.
    pub(super) fn spoil_all(&self) {
        self.of_all.fetch_add(1, Ordering::AcqRel);
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn shard(&self, hash: u128) -> MutexGuard<'_, HashMap<u128, Watched, Plain>> {
        self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether a write has come since.
    pub(super) fn is_spoiled(&self) -> bool {
        let number = self.watches.shard(self.hash).get(&self.hash).map(|watched| watched.number);
        let of_all = self.watches.of_all.load(Ordering::Acquire);
        number.map(|number| Epoch(of_all, number)) != Some(self.epoch)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut shard = self.watches.shard(self.hash);
        if let Some(watched) = shard.get_mut(&self.hash) {
            watched.holders -= 1;
            if watched.holders == 0 {
                shard.remove(&self.hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_spoils_exactly_the_watches_of_its_key() {
        let watches = Arc::new(Watches::default());
        let (one, same, other) = (watches.watch(1), watches.watch(1), watches.watch(17));
        assert_eq!(one.epoch(), same.epoch());
        watches.spoil(1);
        assert!(one.is_spoiled() && same.is_spoiled() && !other.is_spoiled());
        let later = watches.watch(1);
        assert!(!later.is_spoiled() && later.epoch() != one.epoch());
        watches.spoil_all();
        assert!(other.is_spoiled() && later.is_spoiled());
    }

    #[test]
    fn keys_that_nobody_watches_cost_nothing() {
        let watches = Arc::new(Watches::default());
        let old = watches.watch(1).epoch();
        assert!(watches.shard(1).is_empty());
        assert_ne!(watches.watch(1).epoch(), old);
    }
}
