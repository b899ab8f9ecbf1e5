//! Versions of the content: what the application of all backends would serve now.
//!
//! The harness raises a version to see whether a cache serves the old one; backends read it for each request. It knows
//! keys and numbers and nothing of bodies.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Versions by key, one for all that have none of their own. Clones mean the same versions.
#[derive(Clone, Debug)]
pub struct Versions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    of_all: AtomicU64,
    /// Whether any key has a version of its own: the usual case needs no lock.
    any_own: AtomicBool,
    own: RwLock<HashMap<String, u64>>,
}

impl Default for Versions {
    fn default() -> Self {
        let inner =
            Inner { of_all: AtomicU64::new(1), any_own: AtomicBool::new(false), own: RwLock::default() };
        Versions { inner: Arc::new(inner) }
    }
}

impl Versions {
    /// The version of a key (path and query); one where nothing was said.
    pub fn of(&self, key: &str) -> u64 {
        let of_all = self.inner.of_all.load(Ordering::Acquire);
        if !self.inner.any_own.load(Ordering::Acquire) {
            return of_all;
        }
        let own = self.inner.own.read().unwrap_or_else(PoisonError::into_inner);
        own.get(key).copied().unwrap_or(of_all)
    }

    /// Sets the version of one key.
    pub fn set(&self, key: impl Into<String>, version: u64) {
        self.inner.own.write().unwrap_or_else(PoisonError::into_inner).insert(key.into(), version);
        self.inner.any_own.store(true, Ordering::Release);
    }

    /// Sets the version of all keys that have none of their own.
    pub fn set_all(&self, version: u64) {
        self.inner.of_all.store(version, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Versions;

    #[test]
    fn a_key_has_its_own_version_or_that_of_all() {
        let versions = Versions::default();
        assert_eq!(versions.of("/a"), 1);
        versions.set("/a", 5);
        versions.set_all(2);
        assert_eq!((versions.of("/a"), versions.of("/b")), (5, 2));
    }
}
