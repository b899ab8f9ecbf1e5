//! What was stored before this start.
//!
//! `Cache::open` runs it on a thread of its own; clients are served meanwhile, because a look-up opens
//! the file that its key names. It reads names and sizes, never contents: those are checked when they
//! are first asked for.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::disk::Found;
use super::store::Store;
use crate::platform::private_file;

/// How many names are noted under one hold of the lock: clients wait for it too.
const BATCH: usize = 256;
const LOCK: &str = "lock";

/// How often a process that shares the directory looks whether the other one has left.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Tells others that this process writes into the directory. The value must live as long as it does.
#[derive(Debug)]
pub(super) struct Presence {
    lock: File,
    /// Nobody else wrote here at the start, so that every temporary file of another run is a leftover.
    was_alone: bool,
}

impl Presence {
    /// Takes part in the lock of the directory.
    pub(super) fn announce(root: &Path) -> std::io::Result<Self> {
        let lock = private_file().create(true).truncate(false).write(true).open(root.join(LOCK))?;
        let mut presence = Self { lock, was_alone: false };
        presence.was_alone = presence.is_alone();
        Ok(presence)
    }

    /// Whether no other process writes here now. On a file system without locks nothing is known of
    /// others, which means the same as that they are there.
    fn is_alone(&self) -> bool {
        let _ = self.lock.unlock();
        let is_alone = self.lock.try_lock().is_ok();
        // From exclusive to shared: the next process to start finds that it is not alone.
        let _ = self.lock.unlock();
        let _ = self.lock.try_lock_shared();
        is_alone
    }
}

/// Scans the directory in the background. Where another process writes too, which is so during a handover,
/// the scan proves nothing; it is made again when the other one has left.
pub(super) fn start(store: Arc<Store>, presence: &Arc<Presence>) -> std::io::Result<()> {
    let was_alone = presence.was_alone;
    let presence = Arc::downgrade(presence);
    let work = move || {
        scan(&store, was_alone);
        let store = Arc::downgrade(&store);
        let mut is_proven = was_alone;
        while !is_proven {
            std::thread::sleep(LOOK_AGAIN);
            let (Some(store), Some(presence)) = (store.upgrade(), presence.upgrade()) else { return };
            is_proven = presence.is_alone();
            if is_proven {
                scan(&store, true);
                // What the other one has removed must not live on because it is open here.
                store.close_all();
            }
        }
    };
    std::thread::Builder::new().name("recovery".into()).spawn(work).map(drop)
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
                // A look-up could have set this aside already, and a good file could have taken its place.
                let _held = store.hold(hash);
                if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
                    set_aside(store, path);
                }
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
        // Only a complete scan that nobody has disturbed proves that what it did not see does not exist.
        Ok(()) => store.is_recovered.store(is_alone, Ordering::Release),
        Err(error) => store.complain("read from", &error),
    }
    store.is_scanned.store(true, Ordering::Release);
    let index = store.index();
    tracing::debug!(files = index.len(), bytes = index.total_bytes(), leftovers, "the cache is known");
}

fn note(store: &Store, batch: &mut Vec<(u128, u64)>) {
    let mut index = store.index();
    for (hash, bytes) in batch.drain(..) {
        index.insert_found(hash, bytes);
    }
    let gone = store.make_room(&mut index);
    drop(index);
    store.delete(gone);
}

fn set_aside(store: &Store, path: &Path) {
    let Some(disk) = &store.disk else { return };
    store.set_aside.fetch_add(1, Ordering::Relaxed);
    tracing::warn!("set {} aside: it is nothing that was stored here", path.display());
    if let Err(error) = disk.set_aside(path) {
        store.complain("set a file aside in", &error);
    }
}
