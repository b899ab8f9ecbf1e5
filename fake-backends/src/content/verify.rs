//! Whether bytes are content of ours, whole, and whose.
//!
//! The harness's client pushes a body as it comes and asks at the end. Memory is constant whatever the size. It proves
//! damage; which version *should* have come is a question for the checks.

use super::damage::{Damage, shown};
use super::generate::{Content, Kind, MAGIC, START_LIMIT, name_of};
use super::name;
use super::secret::Secret;

/// Piece that is generated at a time, for comparing.
const PIECE: usize = 16 * 1024;

/// Whose content it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// It says so itself.
    Named {
        /// The key it was made for; `long:` and a hash where that is longer than 8 KiB.
        key: String,
        /// The version of that key.
        version: u64,
        /// Its length in bytes.
        size: u64,
    },
    /// It was too short for a name; [`Identity::is_of`] says whether it is that of a key and version.
    Anonymous {
        /// Its length in bytes.
        size: u64,
        /// What kind of bytes it looks like.
        kind: Kind,
        /// Its first bytes, all of them where it has at most sixteen.
        start: Vec<u8>,
    },
}

/// Verifies bytes that come in pieces.
#[derive(Debug)]
pub struct Verifier {
    secret: Secret,
    state: State,
    received: u64,
    wrong: Option<Damage>,
}

#[derive(Debug)]
enum State {
    /// Collecting the beginning.
    Start(Vec<u8>),
    /// Comparing with what it must be.
    Compare { content: Content, key: String, version: u64 },
    /// The beginning is damaged; only counting.
    Lost,
}

/// Verifies bytes that are all there.
///
/// # Errors
/// What is wrong with them.
pub fn verify(bytes: &[u8], secret: Secret) -> Result<Identity, Damage> {
    let mut verifier = Verifier::new(secret);
    verifier.push(bytes);
    verifier.finish()
}

impl Identity {
    /// Whether it is the content of this key at this version.
    pub fn is_of(&self, wanted_key: &str, wanted_version: u64, secret: Secret) -> bool {
        match self {
            Identity::Named { key, version, .. } => *key == name_of(wanted_key) && *version == wanted_version,
            Identity::Anonymous { size, start, .. } => {
                [Kind::Binary, Kind::Text, Kind::Accented].into_iter().any(|kind| {
                    let mut expected = vec![0; start.len()];
                    secret.content(wanted_key, wanted_version, *size, kind).fill(0, &mut expected);
                    expected == *start
                })
            }
        }
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Identity::Named { size, .. } | Identity::Anonymous { size, .. } => *size,
        }
    }
}

impl Verifier {
    /// A verifier of one body of a run with this secret.
    pub fn new(secret: Secret) -> Verifier {
        Verifier { secret, state: State::Start(Vec::new()), received: 0, wrong: None }
    }

    /// The next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if let State::Start(start) = &mut self.state {
            start.extend_from_slice(bytes);
            // A name is complete at its line end; what can be no name waits for the end, at most this far.
            let named = start.starts_with(MAGIC);
            if (named && name::end_of(start).is_some()) || start.len() > START_LIMIT {
                self.settle();
            }
            return;
        }
        self.compare(bytes);
    }

    /// Whose content it was.
    ///
    /// # Errors
    /// What is wrong with it: the first wrong byte, or a length that is not its own.
    pub fn finish(mut self) -> Result<Identity, Damage> {
        if let State::Start(start) = &self.state {
            // An end within the name is a name damaged; anything else is anonymous, of exactly this size.
            if start.starts_with(MAGIC) && start.len() as u64 >= 10 {
                self.settle();
            } else {
                return anonymous(start);
            }
        }
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let State::Compare { content, key, version } = self.state else {
            return Err(Damage::Name("it is incomplete".into()));
        };
        let (received, announced) = (self.received, content.size());
        match received.cmp(&announced) {
            std::cmp::Ordering::Less => Err(Damage::Short { received, announced }),
            std::cmp::Ordering::Greater => Err(Damage::Long { received, announced }),
            std::cmp::Ordering::Equal => Ok(Identity::Named { key, version, size: announced }),
        }
    }

    /// Reads the name and compares what has been collected with what it must be.
    fn settle(&mut self) {
        let State::Start(start) = std::mem::replace(&mut self.state, State::Lost) else { return };
        match name::parse(&start, self.secret) {
            Ok((content, key, version)) => self.state = State::Compare { content, key, version },
            Err(damage) => self.wrong = Some(damage),
        }
        self.compare(&start);
    }

    fn compare(&mut self, bytes: &[u8]) {
        let begin = self.received;
        self.received += bytes.len() as u64;
        let State::Compare { content, .. } = &self.state else { return };
        if self.wrong.is_none() {
            self.wrong = first_difference(content, begin, bytes);
        }
    }
}

/// The first byte that differs; bytes beyond the end of the content are not compared.
fn first_difference(content: &Content, begin: u64, bytes: &[u8]) -> Option<Damage> {
    let mut expected = [0; PIECE];
    let mut offset = begin;
    for piece in bytes.chunks(PIECE) {
        let count = content.fill(offset, &mut expected[..piece.len()]);
        if piece[..count] != expected[..count] {
            let at = piece.iter().zip(&expected[..count]).position(|(found, expected)| found != expected)?;
            return Some(Damage::WrongByte {
                offset: offset + at as u64,
                expected: expected[at],
                found: piece[at],
            });
        }
        offset += piece.len() as u64;
    }
    None
}

/// Verifies content without a name: the stream must be that of the seed it begins with.
fn anonymous(bytes: &[u8]) -> Result<Identity, Damage> {
    let size = bytes.len() as u64;
    let digits = &bytes[..bytes.len().min(16)];
    let is_hex = digits.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let kind = if is_hex && !digits.is_empty() { Kind::Text } else { Kind::Binary };
    let seed = match kind {
        Kind::Text | Kind::Accented => {
            std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok())
        }
        Kind::Binary => bytes.first_chunk().map(|first| u64::from_be_bytes(*first)),
    };
    let start_length = if kind == Kind::Text { 16 } else { 8 };
    if let Some(seed) = seed.filter(|_| bytes.len() > start_length)
        && let Some(damage) = first_difference(&Content::of_seed(seed, size, kind), 0, bytes)
    {
        // A body that does not even continue as its seed says is more likely somebody else's than damaged by chance.
        let near = matches!(damage, Damage::WrongByte { offset, .. } if offset < start_length as u64 + 2);
        return Err(if near { Damage::Foreign(shown(bytes)) } else { damage });
    }
    Ok(Identity::Anonymous { size, kind, start: digits.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "/a b?c=\u{e9}&d=\n";

    fn in_pieces(bytes: &[u8], step: usize) -> Result<Identity, Damage> {
        let mut verifier = Verifier::new(Secret::NONE);
        bytes.chunks(step).for_each(|piece| verifier.push(piece));
        verifier.finish()
    }

    #[test]
    fn whole_content_says_whose_it_is_however_it_is_cut() {
        for kind in [Kind::Binary, Kind::Text, Kind::Accented] {
            for size in [100, 3000, 100_000] {
                let bytes = Content::new(KEY, 7, size, kind).to_vec();
                for step in [1, 7, 4096, 200_000] {
                    let identity = in_pieces(&bytes, step).unwrap();
                    assert_eq!(identity, Identity::Named { key: KEY.into(), version: 7, size });
                    assert!(identity.is_of(KEY, 7, Secret::NONE) && !identity.is_of(KEY, 8, Secret::NONE));
                }
            }
        }
    }

    #[test]
    fn short_content_is_recognised_by_who_knows_the_key() {
        for kind in [Kind::Binary, Kind::Text, Kind::Accented] {
            for size in [1, 5, 8, 10, 16, 17, 40] {
                let identity = verify(&Content::new(KEY, 7, size, kind).to_vec(), Secret::NONE).unwrap();
                assert!(identity.is_of(KEY, 7, Secret::NONE), "{kind:?} {size} {identity:?}");
                assert!(
                    size < 5
                        || !identity.is_of(KEY, 8, Secret::NONE)
                            && !identity.is_of("/other", 7, Secret::NONE),
                    "{kind:?} {size}"
                );
            }
        }
        assert!(
            verify(b"", Secret::NONE).unwrap().is_of(KEY, 7, Secret::NONE),
            "nothing is the content of everything that is empty"
        );
    }

    #[test]
    fn every_wrong_byte_is_found() {
        for size in [40, 500] {
            let right = Content::new("/key", 1, size, Kind::Binary).to_vec();
            for at in 0..right.len() {
                let mut wrong = right.clone();
                wrong[at] ^= 0x20;
                // The first bytes of anonymous content are its seed: with another seed the rest is wrong.
                assert!(verify(&wrong, Secret::NONE).is_err(), "byte {at} of {size}");
            }
        }
        let mut late = Content::new("/key", 1, 50_000, Kind::Binary).to_vec();
        late[40_000] ^= 1;
        let found = late[40_000];
        assert_eq!(
            in_pieces(&late, 999),
            Err(Damage::WrongByte { offset: 40_000, expected: found ^ 1, found })
        );
    }

    #[test]
    fn cut_and_prolonged_content_is_found() {
        let right = Content::new("/key", 1, 5000, Kind::Binary).to_vec();
        assert_eq!(
            verify(&right[..4096], Secret::NONE),
            Err(Damage::Short { received: 4096, announced: 5000 })
        );
        assert!(matches!(verify(&right[..20], Secret::NONE), Err(Damage::Name(_))));
        let long = [right.as_slice(), b"\n"].concat();
        assert_eq!(verify(&long, Secret::NONE), Err(Damage::Long { received: 5001, announced: 5000 }));
        let short = Content::new("/key", 1, 30, Kind::Binary).to_vec();
        assert!(
            !verify(&short[..29], Secret::NONE).unwrap().is_of("/key", 1, Secret::NONE),
            "another size is another content"
        );
    }

    #[test]
    fn foreign_bytes_are_called_foreign() {
        for foreign in ["<html>502 Bad Gateway</html>", "404 page not found, sorry about that"] {
            assert!(matches!(verify(foreign.as_bytes(), Secret::NONE), Err(Damage::Foreign(_))), "{foreign}");
        }
        let page = "<p>".repeat(20_000);
        assert!(matches!(in_pieces(page.as_bytes(), 1000), Err(Damage::Foreign(_))));
    }

    #[test]
    #[ignore = "a measurement, not a test: cargo test --release -p fake-backends -- --ignored faster"]
    fn verifying_is_faster_than_a_gigabyte_a_second() {
        let clock = crate::clock::RunClock::start();
        let size = 1 << 30;
        let content = Content::new("/big", 1, size, Kind::Binary);
        let (mut verifier, mut buffer, mut offset) = (Verifier::new(Secret::NONE), vec![0; 64 * 1024], 0);
        while offset < size {
            let count = content.fill(offset, &mut buffer);
            verifier.push(&buffer[..count]);
            offset += count as u64;
        }
        verifier.finish().unwrap();
        let seconds = clock.now().0 as f64 / 1e9;
        assert!(seconds < 2.0, "generating and verifying 1 GiB took {seconds:.2} s");
    }
}
