//! What was stored before this start.
//!
//! `Cache::open` runs it on a thread of its own; clients are served meanwhile, because a look-up opens
//! the file that its key names. It reads names and sizes, never contents: those are checked when they
//! are first asked for.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::Found;
use super::store::Store;

/// How many names are noted under one hold of the lock: clients wait for it too.
const BATCH: usize = 256;
const LOCK: &str = "lock";

/// Tells others that this process writes into the directory. The value must live as long as it does.
#[derive(Debug)]
pub(super) struct Presence {
    _lock: File,
    /// Nobody else writes here, so that every temporary file of another run is a leftover.
    pub(super) is_alone: bool,
}

impl Presence {
    /// Takes part in the lock of the directory.
    pub(super) fn announce(root: &Path) -> std::io::Result<Self> {
        let lock = File::options().create(true).truncate(false).write(true).open(root.join(LOCK))?;
        let is_alone = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            // A file system without locks: nothing is known of others.
            Err(TryLockError::Error(_)) => false,
        };
        // From exclusive to shared: the next process to start finds that it is not alone.
        let _ = lock.unlock();
        let _ = lock.try_lock_shared();
        Ok(Self { _lock: lock, is_alone })
    }
}

/// Scans the directory in the background.
pub(super) fn start(store: Arc<Store>, is_alone: bool) -> std::io::Result<()> {
    std::thread::Builder::new().name("recovery".into()).spawn(move || scan(&store, is_alone)).map(drop)
}

/// Notes every stored file, deletes leftovers, sets strangers aside, makes room.
pub(super) fn scan(store: &Store, is_alone: bool) {
    let Some(disk) = &store.disk else { return };
    let mut batch = Vec::with_capacity(BATCH);
    let mut leftovers = 0u64;
    let walked = disk.walk(|path, found| match found {
        Found::Stored(hash) => {
            let Ok(metadata) = fs::symlink_metadata(path) else { return };
            if metadata.is_file() {
                batch.push((hash, metadata.len()));
                if batch.len() >= BATCH {
                    note(store, &mut batch);
                }
            } else {
                set_aside(store, path);
            }
        }
        Found::Leftover if is_alone => {
            leftovers += 1;
            if let Err(error) = fs::remove_file(path) {
                store.complain("delete from", &error);
            }
        }
        Found::Leftover | Found::InUse => {}
        Found::Foreign => set_aside(store, path),
    });
    note(store, &mut batch);
    match walked {
        // Only a complete scan proves that what it did not see does not exist.
        Ok(()) => store.is_recovered.store(true, Ordering::Release),
        Err(error) => store.complain("read from", &error),
    }
    let index = store.index();
    tracing::debug!(files = index.len(), bytes = index.total_bytes(), leftovers, "the cache is known");
}

fn note(store: &Store, batch: &mut Vec<(u128, u64)>) {
    let mut index = store.index();
    for (hash, bytes) in batch.drain(..) {
        index.insert_found(hash, bytes);
    }
    store.make_room(&mut index);
}

fn set_aside(store: &Store, path: &Path) {
    let Some(disk) = &store.disk else { return };
    store.set_aside.fetch_add(1, Ordering::Relaxed);
    tracing::warn!("set {} aside: it is nothing that was stored here", path.display());
    if let Err(error) = disk.set_aside(path) {
        store.complain("set a file aside in", &error);
    }
}
