//! What makes the answers of one run its own: a secret, without which nobody can tell the seed of a key or the mark of a stamp.
//!
//! Whoever starts backends draws it and tells it to whoever verifies, in the same process: it is never written down, and a
//! backend that goes down and comes back keeps it. `fake-backends` by hand has none: whoever is attached to it must know the same
//! bytes.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::generate::{Content, Kind, name_of};

/// The secret of a run, or none. Copies are the same.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Secret(Option<[u64; 4]>);

impl Secret {
    /// No secret: what anybody can make.
    pub const NONE: Secret = Secret(None);

    /// A new one, which nobody else has.
    pub fn drawn() -> Secret {
        // The keys of a random state are those of the system.
        Secret(Some(std::array::from_fn(|word| RandomState::new().hash_one(word))))
    }

    /// The content of a key at a version, with exactly `size` bytes; only who has the secret can make it.
    pub fn content(self, key: &str, version: u64, size: u64, kind: Kind) -> Content {
        let key = &*name_of(key);
        Content::with_seed(key, version, size, kind, self.seed_of(key, version, size, kind))
    }

    /// What proves that the stamp of an answer is a backend's; `None` without a secret.
    pub(crate) fn mark_of(self, backend: &str, number: u64) -> Option<u64> {
        let words = self.0?;
        Some(keyed(&words, &[b"stamp", &number.to_le_bytes(), backend.as_bytes()]))
    }

    fn seed_of(self, key: &str, version: u64, size: u64, kind: Kind) -> u64 {
        let (version, size) = (version.to_le_bytes(), size.to_le_bytes());
        match &self.0 {
            Some(words) => keyed(words, &[&[kind as u8], &version, &size, key.as_bytes()]),
            None => {
                let mut hash = Xxh3::new();
                [&[kind as u8][..], &version, &size, key.as_bytes()]
                    .iter()
                    .for_each(|part| hash.update(part));
                hash.digest()
            }
        }
    }
}

/// It must not get into a record or a message by accident.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Secret(drawn)" } else { "Secret(none)" })
    }
}

/// A part of the hash only, so that nothing can be appended to what was hashed.
fn keyed(words: &[u64; 4], parts: &[&[u8]]) -> u64 {
    let mut hash = Sha256::new();
    words.iter().for_each(|word| hash.update(word.to_le_bytes()));
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_follow_from_the_secret_and_from_all_that_is_asked() {
        let secret = Secret(Some([1, 2, 3, 4]));
        let seed = secret.seed_of("/a", 1, 100, Kind::Binary);
        assert_eq!(seed, secret.seed_of("/a", 1, 100, Kind::Binary));
        for other in [
            Secret(Some([1, 2, 3, 5])).seed_of("/a", 1, 100, Kind::Binary),
            secret.seed_of("/b", 1, 100, Kind::Binary),
            secret.seed_of("/a", 2, 100, Kind::Binary),
            secret.seed_of("/a", 1, 101, Kind::Binary),
            secret.seed_of("/a", 1, 100, Kind::Text),
            Secret::NONE.seed_of("/a", 1, 100, Kind::Binary),
        ] {
            assert_ne!(seed, other);
        }
    }

    #[test]
    fn each_run_has_one_of_its_own_which_is_not_shown() {
        let (one, other) = (Secret::drawn(), Secret::drawn());
        assert!(one != other && one != Secret::NONE);
        assert_ne!(one.content("/a", 1, 100, Kind::Binary), other.content("/a", 1, 100, Kind::Binary));
        assert_eq!(format!("{one:?}"), "Secret(drawn)");
        assert_ne!(one.mark_of("b1", 1), other.mark_of("b1", 1));
        assert_ne!(one.mark_of("b1", 1), one.mark_of("b1", 2));
        assert_eq!(Secret::NONE.mark_of("b1", 1), None);
    }
}
