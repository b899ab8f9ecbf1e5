//! The bytes of a body, at any offset.
//!
//! `behavior` and `server` send them in pieces; `verify` makes them again to compare. The stream is made in
//! blocks that are independent of each other, so any part can be made alone, at several GB/s.

use serde::{Deserialize, Serialize};

/// Longest beginning of named content.
pub(super) const START_LIMIT: usize = 16 * 1024;
/// Longest key that is written out; longer ones are named by their hash.
const KEY_LIMIT: usize = 8 * 1024;
/// What named content begins with.
pub(super) const MAGIC: &[u8] = b"FB1 ";
/// What binary content has right after its beginning.
const AWKWARD: &[u8] = &[0x00, 0xFF];
/// Characters of text content; 64, so that six bits choose one.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
/// Length of a block of the stream, and how many generators make it side by side.
const BLOCK: usize = 4096;
const LANES: usize = 8;
/// Second bytes of á, é, í, ñ, ó, ú, ü and Ñ in UTF-8; the first one is [`LEAD`]. Eight, so that three bits choose one.
const ACCENTED: &[u8; 8] = &[0xA1, 0xA9, 0xAD, 0xB1, 0xB3, 0xBA, 0xBC, 0x91];
const LEAD: u8 = 0xC3;
/// One of so many bytes of accented text is the first one of such a letter, this one. They divide so that no line end falls into a letter.
const EVERY: u64 = 16;
const LEAD_AT: u64 = 6;
/// Length of a line of text content, its end included.
const LINE: u64 = 80;

/// What kind of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All byte values, NUL and 0xFF among them.
    #[default]
    Binary,
    /// Letters, digits, blanks and line ends.
    Text,
    /// The same with letters of Spanish that take two bytes in UTF-8, so that it has fewer characters than bytes.
    Accented,
}

/// The content of one key, version and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    kind: Kind,
    size: u64,
    seed: u64,
    /// The bytes before the stream.
    start: Vec<u8>,
}

impl Content {
    /// The content of a key at a version without a secret, with exactly `size` bytes, as bodies of requests have it: whoever has the
    /// record can make it again. What backends of a run give is [`Secret::content`](super::Secret::content).
    pub fn new(key: &str, version: u64, size: u64, kind: Kind) -> Content {
        super::Secret::NONE.content(key, version, size, kind)
    }

    /// The content that a beginning claims to be, whoever made it; `None` where it has no name.
    pub fn claimed(start: &[u8]) -> Option<Content> {
        super::name::claimed(start)
    }

    pub(super) fn with_seed(key: &str, version: u64, size: u64, kind: Kind, seed: u64) -> Content {
        let letter = match kind {
            Kind::Binary => 'b',
            Kind::Text => 't',
            Kind::Accented => 'u',
        };
        let mut start =
            format!("FB1 {letter} {size} {version} {} {key} {seed:016x}\n", key.len()).into_bytes();
        let mut kind = kind;
        if (start.len() + AWKWARD.len()) as u64 > size {
            (kind, start) = match kind {
                Kind::Binary => (kind, seed.to_be_bytes().to_vec()),
                // Without a name it could not be told from plain text.
                Kind::Text | Kind::Accented => (Kind::Text, format!("{seed:016x}").into_bytes()),
            };
        }
        if kind == Kind::Binary {
            start.extend_from_slice(AWKWARD);
        }
        Content { kind, size, seed, start }
    }

    /// Its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The kind of its bytes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A number that differs between keys, versions, sizes and kinds: fit for an entity tag.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Writes the bytes from `offset` on into `out`, as far as both reach; says how many.
    pub fn fill(&self, offset: u64, out: &mut [u8]) -> usize {
        let left = self.size.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let out = &mut out[..count];
        let start_length = self.start.len() as u64;
        let mut done = 0;
        if offset < start_length {
            // It is below the length of a `Vec`, so it fits.
            let begin = offset as usize;
            done = count.min(self.start.len() - begin);
            out[..done].copy_from_slice(&self.start[begin..begin + done]);
        }
        let position = (offset + done as u64).saturating_sub(start_length);
        match self.kind {
            Kind::Binary => fill_binary(self.seed, position, &mut out[done..]),
            Kind::Text => fill_text(self.seed, position, &mut out[done..]),
            Kind::Accented => {
                fill_text(self.seed, position, &mut out[done..]);
                // A letter that the end would cut in two is left out.
                accent(self.seed, position, self.size.saturating_sub(start_length), &mut out[done..]);
            }
        }
        count
    }

    /// Appends the bytes from `offset` on, at most `count`, to `out`; says how many.
    pub fn append(&self, offset: u64, count: usize, out: &mut Vec<u8>) -> usize {
        let before = out.len();
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        out.resize(before + count.min(left), 0);
        self.fill(offset, &mut out[before..])
    }

    /// All of it. For small content only.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.append(0, usize::try_from(self.size).unwrap_or(usize::MAX), &mut out);
        out
    }

    /// Content of which only the seed is known, as anonymous content begins.
    pub(super) fn of_seed(seed: u64, size: u64, kind: Kind) -> Content {
        let mut content = Content { kind, size, seed, start: seed.to_be_bytes().to_vec() };
        match kind {
            Kind::Binary => content.start.extend_from_slice(AWKWARD),
            Kind::Text | Kind::Accented => content.start = format!("{seed:016x}").into_bytes(),
        }
        content
    }
}

/// The key as content names it: itself, or its hash where it is very long.
pub(super) fn name_of(key: &str) -> std::borrow::Cow<'_, str> {
    if key.len() <= KEY_LIMIT {
        return key.into();
    }
    format!("long:{:032x}", xxhash_rust::xxh3::xxh3_128(key.as_bytes())).into()
}

/// Word `index` of a sequence: the output function of splitmix64 over a counter.
#[inline]
fn word(seed: u64, index: u64) -> u64 {
    let mut x = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Writes the stream from `position` on. It comes in blocks that start from the seed afresh, so that any part can be
/// made without what lies before it.
fn fill_binary(seed: u64, position: u64, out: &mut [u8]) {
    let mut block = position / BLOCK as u64;
    // A remainder of the block's length fits.
    let within = (position % BLOCK as u64) as usize;
    let mut rest = out;
    if within > 0 {
        let count = (BLOCK - within).min(rest.len());
        let mut start = [0; BLOCK];
        fill_block(seed, block, &mut start[..within + count]);
        rest[..count].copy_from_slice(&start[within..within + count]);
        rest = &mut rest[count..];
        block += 1;
    }
    for part in rest.chunks_mut(BLOCK) {
        fill_block(seed, block, part);
        block += 1;
    }
}

/// Writes the beginning of a block: eight generators (xorshift64) side by side, which processors do in parallel. One
/// generator alone, or one with multiplications, costs three times as much, and bodies are made and checked under load.
fn fill_block(seed: u64, block: u64, out: &mut [u8]) {
    let mut lanes: [u64; LANES] = std::array::from_fn(|lane| {
        // A xorshift generator stays at zero for ever.
        word(seed, block.wrapping_mul(LANES as u64).wrapping_add(lane as u64)) | 1
    });
    let mut rows = out.chunks_exact_mut(LANES * 8);
    for row in &mut rows {
        step(&mut lanes);
        for (bytes, lane) in row.chunks_exact_mut(8).zip(lanes) {
            bytes.copy_from_slice(&lane.to_le_bytes());
        }
    }
    step(&mut lanes);
    for (bytes, lane) in rows.into_remainder().chunks_mut(8).zip(lanes) {
        bytes.copy_from_slice(&lane.to_le_bytes()[..bytes.len()]);
    }
}

#[inline]
fn step(lanes: &mut [u64; LANES]) {
    for lane in lanes {
        *lane ^= *lane << 13;
        *lane ^= *lane >> 7;
        *lane ^= *lane << 17;
    }
}

fn fill_text(seed: u64, position: u64, out: &mut [u8]) {
    let (mut index, mut bytes) = (u64::MAX, [0; 8]);
    for (at, byte) in (position..).zip(out) {
        if at / 8 != index {
            index = at / 8;
            bytes = word(seed, index).to_le_bytes();
        }
        // Six bits index the alphabet; every eightieth character ends a line.
        *byte =
            if at % LINE == LINE - 1 { b'\n' } else { ALPHABET[usize::from(bytes[(at % 8) as usize] & 63)] };
    }
}

/// Puts letters of two bytes in the place of some of a text, of which `end` bytes there are.
fn accent(seed: u64, position: u64, end: u64, out: &mut [u8]) {
    for (at, byte) in (position..).zip(out) {
        match at % EVERY {
            LEAD_AT if at + 1 < end => *byte = LEAD,
            within if within == LEAD_AT + 1 => {
                *byte = ACCENTED[usize::from(word(seed, at / EVERY).to_le_bytes()[0] & 7)];
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_equals_the_same_part_of_the_whole() {
        for kind in [Kind::Binary, Kind::Text, Kind::Accented] {
            for size in [0, 1, 9, 40, 300, 5000] {
                let content = Content::new("/a?b=1", 3, size, kind);
                let whole = content.to_vec();
                assert_eq!(whole.len() as u64, size);
                for (offset, count) in
                    [(0, 7), (5, 1), (13, 64), (39, 200), (100, 4900), (4095, 50), (4999, 9), (6000, 1)]
                {
                    let mut part = Vec::new();
                    content.append(offset, count, &mut part);
                    let begin = (offset as usize).min(whole.len());
                    assert_eq!(
                        part,
                        whole[begin..(begin + count).min(whole.len())],
                        "{kind:?} {size} {offset}"
                    );
                }
            }
        }
    }

    #[test]
    fn key_version_size_and_kind_each_change_the_bytes() {
        let one = Content::new("/a", 1, 1000, Kind::Binary);
        for other in
            [("/b", 1, 1000, Kind::Binary), ("/a", 2, 1000, Kind::Binary), ("/a", 1, 1001, Kind::Binary)]
        {
            let other = Content::new(other.0, other.1, other.2, other.3);
            assert_ne!(one.to_vec()[200..], other.to_vec()[200..1000]);
        }
        assert!(Content::new("/a", 1, 1000, Kind::Text).to_vec().is_ascii());
    }

    #[test]
    fn binary_content_has_the_bytes_that_c_programs_stumble_over() {
        for size in [10, 40, 3000] {
            let bytes = Content::new("/a", 1, size, Kind::Binary).to_vec();
            assert!(bytes.contains(&0) && bytes.contains(&0xFF), "{size}");
        }
    }

    #[test]
    fn accented_text_is_utf8_at_every_length_and_has_fewer_characters_than_bytes() {
        for size in (60..400).chain([5000]) {
            let bytes = Content::new("/a", 1, size, Kind::Accented).to_vec();
            assert_eq!(bytes.len() as u64, size);
            let text = String::from_utf8(bytes).unwrap_or_else(|error| panic!("{size}: {error}"));
            assert!(size < 100 || text.chars().count() < text.len(), "{size}");
        }
    }
}
