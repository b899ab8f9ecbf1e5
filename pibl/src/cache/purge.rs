//! Forgetting on demand: one key, a prefix, everything.
//!
//! The operator's door calls it, on a thread that may block. What a backend was asked for before a purge
//! is not stored after it.

use std::sync::atomic::Ordering;

use super::Cache;
use super::disk::{Found, read_head};
use super::key::Key;
use crate::http::Scheme;

/// An operator means a page, however it was asked for.
const SCHEMES: [Scheme; 2] = [Scheme::Http, Scheme::Https];

impl Cache {
    /// Forgets one URL in all its variants, with either scheme. Returns whether anything was stored.
    pub fn purge_key(&self, host: &[u8], target: &[u8]) -> bool {
        SCHEMES.map(|scheme| self.store.remove(&Key::new(scheme, host, target))).contains(&true)
    }

    /// Forgets every URL of a host whose target begins like this, with either scheme; an empty prefix means the whole host.
    /// Reads the head of every stored file: about a second for 100,000. Returns how many files went.
    pub fn purge_prefix(&self, host: &[u8], target_prefix: &[u8]) -> u64 {
        let target = if target_prefix.is_empty() { b"/" } else { target_prefix };
        let prefixes = SCHEMES.map(|scheme| Key::new(scheme, host, target));
        self.purge_where(|key| prefixes.iter().any(|prefix| key.starts_with(prefix.bytes())))
    }

    /// Forgets everything. Returns how many files went.
    pub fn purge_all(&self) -> u64 {
        let Some(disk) = &self.store.disk else { return 0 };
        self.store.watches.spoil_all();
        let mut gone = 0;
        // The index must not stay locked while files are removed.
        let hashes = self.store.index().hashes();
        for hash in hashes {
            gone += u64::from(self.store.remove_file(hash));
        }
        if !self.store.is_recovered.load(Ordering::Acquire) {
            // Before the scan is over there is more than the index knows.
            let walked = disk.walk(|_, found| {
                if let Found::Stored(hash) = found {
                    gone += u64::from(disk.remove(hash).is_ok());
                    self.store.remove_file(hash);
                }
            });
            if let Err(error) = walked {
                self.store.complain("read from", &error);
            }
        }
        gone
    }

    fn purge_where(&self, is_meant: impl Fn(&[u8]) -> bool) -> u64 {
        let Some(disk) = &self.store.disk else { return 0 };
        self.store.watches.spoil_all();
        let mut gone = 0;
        let walked = disk.walk(|_, found| {
            let Found::Stored(hash) = found else { return };
            let head = disk.open(hash).and_then(|file| {
                let bytes = file.file().metadata()?.len();
                read_head(file.file(), bytes).map_err(std::io::Error::other)
            });
            // What cannot be read is never served; it is set aside when it is asked for.
            if head.is_ok_and(|head| is_meant(&head.record.key)) {
                gone += u64::from(self.store.remove_file(hash));
            }
        });
        if let Err(error) = walked {
            self.store.complain("read from", &error);
        }
        gone
    }
}
