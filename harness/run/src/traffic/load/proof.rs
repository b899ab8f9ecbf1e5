//! Whether a body is that of its target, at the price of one hash where the same body has been proven before.
//!
//! The first answer of each key is verified byte by byte and its xxh3-64 remembered; a later one must have the same hash, or
//! is verified again (its version may have changed). Bodies of targets that never come again are all verified. It proves
//! identity and content, never freshness.

use fake_backends::content::{Damage, Identity, Secret, Verifier, verify};
use xxhash_rust::xxh3::xxh3_64;

use harness_model::history::ContentSeen;

/// Bodies up to this length are kept until they are complete; longer ones are verified as they come.
const KEPT: usize = 256 << 10;
/// Versions that anonymous content is compared with.
const VERSIONS: u64 = 16;
/// Keys of a kind whose bodies are remembered.
const REMEMBERED: usize = 1 << 20;

/// A body as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// What answers of the run are proven by.
    secret: Secret,
    kept: Vec<u8>,
    bytes: u64,
    verifier: Option<Verifier>,
}

/// What a complete body proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proven {
    /// That of its target.
    Right,
    /// Not generated content: an error page, or nothing at all; what it is instead.
    Foreign(String),
    /// Wrong bytes, or another's; which.
    Wrong(ContentSeen),
}

/// Hashes of bodies that were verified, by key.
#[derive(Debug, Default)]
pub(super) struct Memory {
    hashes: Vec<u64>,
}

impl Memory {
    fn of(&self, key: Option<u64>) -> Option<u64> {
        let hash = *self.hashes.get(usize::try_from(key?).ok()?)?;
        (hash != 0).then_some(hash)
    }

    fn remember(&mut self, key: Option<u64>, hash: u64) {
        let Some(place) = key.and_then(|key| usize::try_from(key).ok()).filter(|key| *key < REMEMBERED)
        else {
            return;
        };
        if self.hashes.len() <= place {
            self.hashes.resize(place + 1, 0);
        }
        self.hashes[place] = hash;
    }
}

impl Proof {
    /// Of bodies in a run with this secret.
    pub(super) fn new(secret: Secret) -> Proof {
        Proof { secret, ..Proof::default() }
    }

    /// Whose a body is; of long ones the beginning alone is kept, which does not tell.
    pub(super) fn verified(&self) -> Result<Identity, Damage> {
        verify(&self.kept, self.secret)
    }

    /// What answers of the run are proven by.
    pub(super) fn secret(&self) -> Secret {
        self.secret
    }

    /// Makes it ready for the next body.
    pub(super) fn reset(&mut self) {
        self.kept.clear();
        self.bytes = 0;
        self.verifier = None;
    }

    /// Takes bytes of the body.
    pub(super) fn push(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        if let Some(verifier) = &mut self.verifier {
            verifier.push(data);
        } else if self.kept.len() + data.len() <= KEPT {
            self.kept.extend_from_slice(data);
        } else {
            let mut verifier = Verifier::new(self.secret);
            verifier.push(&self.kept);
            verifier.push(data);
            self.verifier = Some(verifier);
        }
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The beginning of the body, all of it where it is not long.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Whether the complete body is that of `target`, whose number is `key` where it comes again.
    pub(super) fn conclude(&mut self, target: &str, key: Option<u64>, memory: &mut Memory) -> Proven {
        if let Some(verifier) = self.verifier.take() {
            return proven(verifier.finish(), target, self.secret);
        }
        // Zero is "nothing remembered".
        let hash = if key.is_some() { xxh3_64(&self.kept).max(1) } else { 0 };
        if hash != 0 && memory.of(key) == Some(hash) {
            return Proven::Right;
        }
        let proven = proven(self.verified(), target, self.secret);
        if proven == Proven::Right && hash != 0 {
            memory.remember(key, hash);
        }
        proven
    }
}

fn proven(verified: Result<Identity, Damage>, target: &str, secret: Secret) -> Proven {
    match verified {
        Ok(identity) => match &identity {
            Identity::Named { key, version, .. } if !identity.is_of(target, *version, secret) => {
                Proven::Wrong(ContentSeen::Whole { key: key.clone(), version: *version })
            }
            // So few bytes do not say whether they are damaged content or somebody's own words; the status does.
            Identity::Anonymous { size, .. }
                if !(0..VERSIONS).any(|version| identity.is_of(target, version, secret)) =>
            {
                Proven::Foreign(format!("{size} bytes that are not those of this target"))
            }
            _ => Proven::Right,
        },
        Err(Damage::Foreign(start)) => Proven::Foreign(format!("it begins with \"{start}\"")),
        Err(damage) => Proven::Wrong(ContentSeen::Damaged(damage.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use fake_backends::content::{Content, Kind};

    use super::*;

    fn body(key: &str, size: u64) -> Vec<u8> {
        Content::new(key, 1, size, Kind::Binary).to_vec()
    }

    fn concluded(target: &str, key: Option<u64>, bytes: &[u8], memory: &mut Memory) -> Proven {
        let mut proof = Proof::default();
        bytes.chunks(10_000).for_each(|piece| proof.push(piece));
        assert_eq!(proof.bytes(), bytes.len() as u64);
        proof.conclude(target, key, memory)
    }

    #[test]
    fn what_was_proven_once_is_recognised_and_nothing_else_is() {
        let mut memory = Memory::default();
        let right = body("/a/7", 1000);
        assert_eq!(concluded("/a/7", Some(7), &right, &mut memory), Proven::Right);
        assert!(memory.of(Some(7)).is_some() && memory.of(Some(6)).is_none());
        assert_eq!(concluded("/a/7", Some(7), &right, &mut memory), Proven::Right);
        assert!(matches!(concluded("/a/7", Some(7), &body("/a/8", 1000), &mut memory), Proven::Wrong(_)));
        let mut damaged = right;
        damaged[900] ^= 1;
        assert!(matches!(concluded("/a/7", Some(7), &damaged, &mut memory), Proven::Wrong(_)));
        let newer = Content::new("/a/7", 2, 1000, Kind::Binary).to_vec();
        assert_eq!(
            concluded("/a/7", Some(7), &newer, &mut memory),
            Proven::Right,
            "another version is no damage"
        );
    }

    #[test]
    fn long_and_short_bodies_are_verified_too() {
        let mut memory = Memory::default();
        let long = body("/long", 600_000);
        assert_eq!(concluded("/long", None, &long, &mut memory), Proven::Right);
        assert!(matches!(concluded("/other", None, &long, &mut memory), Proven::Wrong(_)));
        assert_eq!(concluded("/s", None, &body("/s", 20), &mut memory), Proven::Right);
        assert!(matches!(concluded("/t", None, &body("/s", 20), &mut memory), Proven::Foreign(_)));
        assert!(matches!(concluded("/t", None, b"oops", &mut memory), Proven::Foreign(_)), "an error page");
        let page = b"<html><body>502 Bad Gateway, try again later</body></html>";
        assert!(matches!(concluded("/t", None, page, &mut memory), Proven::Foreign(_)));
    }
}
