//! What survives a power cut: when files and their names are synced.
//!
//! `store` says what it has done; nothing here decides what is kept. Everything waits for the disk.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::{Disk, StoredFile};
use super::store::Store;
use crate::config::Sync;

const INTERVAL: Duration = Duration::from_secs(1);

/// When what is stored is synced, and what is still to be.
#[derive(Debug)]
pub(super) struct Durability {
    sync: Sync,
    due: Mutex<Due>,
}

#[derive(Debug, Default)]
struct Due {
    files: Vec<Arc<StoredFile>>,
    /// One hash for each directory.
    names: HashSet<u8>,
}

impl Durability {
    pub(super) fn new(sync: Sync) -> Self {
        Self { sync, due: Mutex::default() }
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file is whole and gets its name now: a name must not survive without the bytes.
    pub(super) fn before_name(&self, file: &StoredFile) -> io::Result<()> {
        if self.sync == Sync::Always { file.file().sync_data() } else { Ok(()) }
    }

    /// A file has its name.
    pub(super) fn after_name(&self, disk: &Disk, hash: u128, file: &Arc<StoredFile>) -> io::Result<()> {
        match self.sync {
            Sync::Never => Ok(()),
            Sync::Always => disk.sync_names(hash),
            Sync::Interval => {
                let mut due = self.due();
                due.files.push(Arc::clone(file));
                due.names.insert(directory(hash));
                Ok(())
            }
        }
    }

    /// A stored file was changed in its place.
    pub(super) fn after_change(&self, file: &Arc<StoredFile>) -> io::Result<()> {
        match self.sync {
            Sync::Never => Ok(()),
            Sync::Always => file.file().sync_data(),
            Sync::Interval => {
                self.due().files.push(Arc::clone(file));
                Ok(())
            }
        }
    }

    /// A file was deleted because it is wrong now.
    pub(super) fn after_removal(&self, disk: &Disk, hash: u128) -> io::Result<()> {
        match self.sync {
            Sync::Never => Ok(()),
            // Not there is as good as deleted.
            Sync::Always => disk.sync_names(hash).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
            Sync::Interval => {
                self.due().names.insert(directory(hash));
                Ok(())
            }
        }
    }

    /// Syncs what is due: bytes before names.
    fn catch_up(&self, disk: &Disk) -> io::Result<()> {
        let Due { files, names } = std::mem::take(&mut *self.due());
        for file in files {
            file.file().sync_data()?;
        }
        for number in names {
            disk.sync_names(u128::from(number) << 120)?;
        }
        Ok(())
    }
}

fn directory(hash: u128) -> u8 {
    (hash >> 120) as u8
}

/// Syncs once a second, where that is wanted, for as long as the store lives.
pub(super) fn start(store: &Arc<Store>) -> io::Result<()> {
    if store.durability.sync != Sync::Interval || store.disk.is_none() {
        return Ok(());
    }
    let store = Arc::downgrade(store);
    let work = move || {
        loop {
            std::thread::sleep(INTERVAL);
            let Some(store) = store.upgrade() else { return };
            let Some(disk) = &store.disk else { return };
            if let Err(error) = store.durability.catch_up(disk) {
                store.complain("sync", &error);
            }
        }
    };
    std::thread::Builder::new().name("sync".into()).spawn(work).map(drop)
}
