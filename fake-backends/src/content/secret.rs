//! What makes the bodies of this process its own: a secret, without which nobody can tell the seed of a key.
//!
//! Who serves and who verifies are one process, so it is never written down. Until it is drawn there is none, and `fake-backends`
//! by hand has none: whoever is attached to it must know the same bytes. It never changes once content has been made.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::generate::Kind;

static SECRET: OnceLock<Option<[u64; 4]>> = OnceLock::new();

/// Draws the secret of this process, where no content has been made yet.
pub fn draw_secret() {
    // The keys of a random state are those of the system.
    SECRET.get_or_init(|| Some(std::array::from_fn(|word| RandomState::new().hash_one(word))));
}

/// Settles that this process has no secret; `false` where one has been drawn.
pub fn do_without_secret() -> bool {
    SECRET.get_or_init(|| None).is_none()
}

/// The seed of content that backends give.
pub(super) fn seed_of(key: &str, version: u64, size: u64, kind: Kind) -> u64 {
    match SECRET.get_or_init(|| None) {
        Some(secret) => keyed(secret, key, version, size, kind),
        None => plain_seed_of(key, version, size, kind),
    }
}

/// The seed of content that anybody can make.
pub(super) fn plain_seed_of(key: &str, version: u64, size: u64, kind: Kind) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&[kind as u8]);
    hash.update(&version.to_le_bytes());
    hash.update(&size.to_le_bytes());
    hash.update(key.as_bytes());
    hash.digest()
}

/// A part of the hash only, so that nothing can be appended to what was hashed.
fn keyed(secret: &[u64; 4], key: &str, version: u64, size: u64, kind: Kind) -> u64 {
    let mut hash = Sha256::new();
    secret.iter().for_each(|word| hash.update(word.to_le_bytes()));
    hash.update([kind as u8]);
    hash.update(version.to_le_bytes());
    hash.update(size.to_le_bytes());
    hash.update(key);
    hash.finalize().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_follow_from_the_secret_and_from_all_that_is_asked() {
        let seed = keyed(&[1, 2, 3, 4], "/a", 1, 100, Kind::Binary);
        assert_eq!(seed, keyed(&[1, 2, 3, 4], "/a", 1, 100, Kind::Binary));
        for other in [
            keyed(&[1, 2, 3, 5], "/a", 1, 100, Kind::Binary),
            keyed(&[1, 2, 3, 4], "/b", 1, 100, Kind::Binary),
            keyed(&[1, 2, 3, 4], "/a", 2, 100, Kind::Binary),
            keyed(&[1, 2, 3, 4], "/a", 1, 101, Kind::Binary),
            keyed(&[1, 2, 3, 4], "/a", 1, 100, Kind::Text),
            plain_seed_of("/a", 1, 100, Kind::Binary),
        ] {
            assert_ne!(seed, other);
        }
    }
}
