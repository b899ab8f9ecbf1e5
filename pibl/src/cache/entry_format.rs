//! The form of a stored response on disk.
//!
//! `disk` writes and reads files in this form; here are only bytes and their meaning. Whatever is not
//! exactly what was written is refused: every part has a checksum, and the length of the file is known.
//!
//! ```text
//!   0  magic 8 · version u32 · slot length u32 · body length u64 · body checksum u64 · checksum u64
//!  40  slot A: sequence u64 · record length u32 · zero u32 · checksum u64 · record · padding
//!      slot B: the same
//!      body, up to the end of the file
//! ```
//!
//! All numbers are little-endian, all checksums xxh3-64. The body begins at a place that is known before
//! its length is, so it can be streamed to the file and sent from it by the kernel. The preamble is
//! written last: without it a file is refused. A 304 rewrites the record into the slot that is not in
//! use, with the next sequence number; a crash in between leaves the older slot valid. Records are lists
//! of tagged values: tags below 128 that are not known are skipped, so that later versions may add them;
//! what must be understood gets a tag from 128 on, and then this version refuses the file.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::freshness::Times;
use crate::clock::{self, Timestamp};
use crate::http::Fields;

/// Where slot A begins.
pub(super) const PREAMBLE_BYTES: usize = 40;
const MAGIC: [u8; 8] = *b"\x8apibl\r\n\x00";
const VERSION: u32 = 2;
const SLOT_HEADER_BYTES: usize = 24;
/// Two processes that share a directory read the clock one after the other.
const SLACK_MICROS: i64 = 1_000_000;
/// No head is longer than this: a head on the wire is at most 60 KiB.
const MOST_SLOT_BYTES: usize = 1 << 20;

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Preamble {
    /// Bytes of each of the two slots.
    pub slot_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: u64,
    /// xxh3-64 of the body.
    pub body_checksum: u64,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A response.
    #[default]
    Response,
    /// The names of the fields by which the responses of a key differ.
    Variants,
}

/// The record of a stored response: everything but its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub(super) kind: Kind,
    /// The full primary key, compared at every look-up.
    pub(super) key: Vec<u8>,
    /// The secondary key, empty when the response does not vary.
    pub(super) variant: Vec<u8>,
    /// Which generation of variants the response belongs to, or names.
    pub(super) generation: u64,
    /// The names of the varying fields.
    pub(super) vary: Vec<Box<[u8]>>,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: Vec<u8>,
    /// The fields that are kept.
    pub fields: Fields,
    /// When it was asked for and received.
    pub times: Times,
    /// Which run of which process told these times; another one has another time line.
    pub run: u64,
    /// It was received at a time that has not come yet, so that nobody knows how old it is. Never written.
    pub is_of_future: bool,
}

/// Why a file is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it is not a stored response of this version")]
    Foreign,
    #[error("it is shorter or longer than it says")]
    Length,
    #[error("its head does not match its checksum")]
    Head,
    #[error("its body does not match its checksum")]
    Body,
    #[error("it lies under the name of another response")]
    Name,
}

impl Preamble {
    /// Where the body begins.
    pub(super) fn body_offset(&self) -> u64 {
        (PREAMBLE_BYTES + 2 * self.slot_bytes) as u64
    }

    /// Where slot A (0) or B (1) begins.
    pub(super) fn slot_offset(&self, slot: usize) -> u64 {
        (PREAMBLE_BYTES + slot * self.slot_bytes) as u64
    }

    pub(super) fn encode(&self) -> [u8; PREAMBLE_BYTES] {
        let mut out = [0; PREAMBLE_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&(self.slot_bytes as u32).to_le_bytes());
        out[16..24].copy_from_slice(&self.body_bytes.to_le_bytes());
        out[24..32].copy_from_slice(&self.body_checksum.to_le_bytes());
        let checksum = xxh3_64(&out[..32]);
        out[32..].copy_from_slice(&checksum.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader { rest: bytes.get(..PREAMBLE_BYTES).ok_or(Damage::Foreign)? };
        let is_known = reader.take(8) == Some(&MAGIC) && reader.u32() == Some(VERSION);
        if !is_known {
            return Err(Damage::Foreign);
        }
        let slot_bytes = reader.u32().ok_or(Damage::Foreign)? as usize;
        let body_bytes = reader.u64().ok_or(Damage::Foreign)?;
        let body_checksum = reader.u64().ok_or(Damage::Foreign)?;
        if reader.u64() != Some(xxh3_64(&bytes[..32])) {
            return Err(Damage::Head);
        }
        if !(SLOT_HEADER_BYTES..=MOST_SLOT_BYTES).contains(&slot_bytes) {
            return Err(Damage::Head);
        }
        Ok(Self { slot_bytes, body_bytes, body_checksum })
    }
}

/// The length of the slots for a record: room to grow by a quarter, so that nearly every 304 fits.
pub(super) fn slot_bytes(record_bytes: usize) -> usize {
    (SLOT_HEADER_BYTES + record_bytes + record_bytes / 4 + 63) & !63
}

/// A slot with this record, or `None` if it does not fit.
pub(super) fn encode_slot(sequence: u64, record: &[u8], slot_bytes: usize) -> Option<Vec<u8>> {
    if SLOT_HEADER_BYTES + record.len() > slot_bytes || slot_bytes > MOST_SLOT_BYTES {
        return None;
    }
    let mut out = Vec::with_capacity(slot_bytes);
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&(record.len() as u32).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&xxh3_64_with_seed(record, sequence).to_le_bytes());
    out.extend_from_slice(record);
    out.resize(slot_bytes, 0);
    Some(out)
}

/// The newer of the two slots that are intact: its sequence, its place, its record.
pub(super) fn newest_slot(slots: &[u8], slot_bytes: usize) -> Result<(u64, usize, &[u8]), Damage> {
    let intact = |place: usize| {
        let slot = slots.get(place * slot_bytes..(place + 1) * slot_bytes)?;
        let mut reader = Reader { rest: slot };
        let sequence = reader.u64()?;
        let length = reader.u32()? as usize;
        reader.u32()?;
        let checksum = reader.u64()?;
        let record = reader.take(length)?;
        (sequence > 0 && checksum == xxh3_64_with_seed(record, sequence)).then_some((sequence, place, record))
    };
    [intact(0), intact(1)].into_iter().flatten().max_by_key(|slot| slot.0).ok_or(Damage::Head)
}

const TAG_KEY: u8 = 1;
const TAG_VARIANT: u8 = 2;
const TAG_GENERATION: u8 = 3;
const TAG_VARY: u8 = 4;
const TAG_STATUS: u8 = 5;
const TAG_REASON: u8 = 6;
const TAG_TIMES: u8 = 7;
const TAG_FIELD: u8 = 8;
/// On whose time line the times stand, and by how much that was ahead of the wall clock.
const TAG_RUN: u8 = 9;
/// A file with variants must not be taken for a response, so old versions have to refuse it.
const TAG_IS_VARIANTS: u8 = 128;

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + self.key.len());
        put(&mut out, TAG_KEY, &[&self.key]);
        if self.kind == Kind::Variants {
            put(&mut out, TAG_IS_VARIANTS, &[]);
        }
        if self.generation != 0 {
            put(&mut out, TAG_GENERATION, &[&self.generation.to_le_bytes()]);
            put(&mut out, TAG_VARIANT, &[&self.variant]);
        }
        for name in &self.vary {
            put(&mut out, TAG_VARY, &[name]);
        }
        put(&mut out, TAG_STATUS, &[&self.status.to_le_bytes()]);
        put(&mut out, TAG_REASON, &[&self.reason]);
        let times = [self.times.requested_at, self.times.received_at].map(|time| time.micros().to_le_bytes());
        put(&mut out, TAG_TIMES, &[&times[0], &times[1]]);
        put(&mut out, TAG_RUN, &[&self.run.to_le_bytes(), &self.times.ahead_micros.to_le_bytes()]);
        for (name, value) in self.fields.iter() {
            put(&mut out, TAG_FIELD, &[&(name.len() as u16).to_le_bytes(), name, value]);
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut record = Self::default();
        let mut reader = Reader { rest: bytes };
        while !reader.rest.is_empty() {
            record.read_value(&mut reader).ok_or(Damage::Foreign)?;
        }
        let is_complete =
            !record.key.is_empty() && (record.kind == Kind::Variants || (100..1000).contains(&record.status));
        // A part that no writer makes is a sign of another writer.
        let is_ours = (record.generation != 0 || record.variant.is_empty())
            && !record.reason.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        if is_complete && is_ours { Ok(record) } else { Err(Damage::Foreign) }
    }

    /// Brings the times of a record that was read to the time line of this run.
    pub(super) fn come_to_line(&mut self, run: u64) {
        if self.run == run {
            return;
        }
        let (steady, wall) = (clock::steady_now(), clock::now());
        self.is_of_future = self.times.received_by_wall() > wall.plus_micros(SLACK_MICROS);
        self.times = self.times.on_line(0).on_line(clock::ahead(steady, wall));
    }

    fn read_value(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let tag = reader.take(1)?[0];
        let length = reader.u32()? as usize;
        let mut value = Reader { rest: reader.take(length)? };
        match tag {
            TAG_KEY => self.key = value.rest.to_vec(),
            TAG_VARIANT => self.variant = value.rest.to_vec(),
            TAG_GENERATION => self.generation = value.u64()?,
            TAG_VARY => self.vary.push(value.rest.into()),
            TAG_STATUS => self.status = u16::from_le_bytes(value.rest.try_into().ok()?),
            TAG_REASON => self.reason = value.rest.to_vec(),
            TAG_TIMES => {
                self.times.requested_at = Timestamp::from_micros(value.u64()? as i64);
                self.times.received_at = Timestamp::from_micros(value.u64()? as i64);
            }
            TAG_RUN => {
                self.run = value.u64()?;
                self.times.ahead_micros = value.u64()? as i64;
            }
            TAG_FIELD => {
                let name_length = usize::from(u16::from_le_bytes(value.take(2)?.try_into().ok()?));
                let name = value.take(name_length)?;
                // A field that no parser would have let in must not come out of a file either.
                if !is_field_name(name) || value.rest.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
                    return None;
                }
                self.fields.append(name, value.rest);
            }
            TAG_IS_VARIANTS => self.kind = Kind::Variants,
            129.. => return None,
            _ => {}
        }
        Some(())
    }
}

fn put(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(tag);
    out.extend_from_slice(&(length as u32).to_le_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        if count > self.rest.len() {
            return None;
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn sample() -> Record {
        Record {
            kind: Kind::Response,
            key: b"a/x?y".to_vec(),
            variant: b"accept:x\n".to_vec(),
            generation: 7,
            vary: vec![b"accept"[..].into()],
            status: 200,
            reason: b"OK".to_vec(),
            fields: [("Content-Type", "text/plain"), ("X", ""), ("x", "2")].into_iter().collect(),
            times: Times {
                requested_at: Timestamp::from_millis(1_700_000_000_123),
                received_at: Timestamp::from_millis(1_700_000_000_456),
                ahead_micros: 3_600_000_000,
            },
            run: 8,
            is_of_future: false,
        }
    }

    fn file_head(record: &Record) -> Vec<u8> {
        let encoded = record.encode();
        let slot_bytes = slot_bytes(encoded.len());
        let preamble = Preamble { slot_bytes, body_bytes: 3, body_checksum: xxh3_64(b"abc") };
        let mut out = preamble.encode().to_vec();
        out.extend(encode_slot(1, &encoded, slot_bytes).unwrap());
        out.resize(preamble.body_offset() as usize, 0);
        out
    }

    fn read(head: &[u8]) -> Result<Record, Damage> {
        let preamble = Preamble::decode(head)?;
        let slots = head.get(PREAMBLE_BYTES..).ok_or(Damage::Length)?;
        Record::decode(newest_slot(slots, preamble.slot_bytes)?.2)
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(read(&file_head(&sample())), Ok(sample()));
        let variants = Record { kind: Kind::Variants, status: 0, ..sample() };
        assert_eq!(read(&file_head(&variants)), Ok(variants));
    }

    #[test]
    fn the_newer_slot_counts_and_a_torn_one_leaves_the_older() {
        let mut head = file_head(&sample());
        let slot_bytes = Preamble::decode(&head).unwrap().slot_bytes;
        let newer = Record { status: 203, ..sample() };
        let slot = encode_slot(2, &newer.encode(), slot_bytes).unwrap();
        let start = PREAMBLE_BYTES + slot_bytes;
        head[start..start + slot_bytes].copy_from_slice(&slot);
        assert_eq!(read(&head).unwrap().status, 203);
        head[start + 40] ^= 1;
        assert_eq!(read(&head).unwrap().status, 200);
    }

    #[test]
    fn unknown_tags_are_skipped_below_128_and_refused_above() {
        let mut encoded = sample().encode();
        put(&mut encoded, 99, &[b"later"]);
        assert_eq!(Record::decode(&encoded), Ok(sample()));
        put(&mut encoded, 200, &[b"must"]);
        assert_eq!(Record::decode(&encoded), Err(Damage::Foreign));
    }

    #[test]
    fn a_field_with_a_line_break_never_leaves_a_file() {
        let mut encoded = sample().encode();
        put(&mut encoded, TAG_FIELD, &[&1u16.to_le_bytes(), b"a", b"b\r\nSet-Cookie: c"]);
        assert_eq!(Record::decode(&encoded), Err(Damage::Foreign));
    }

    #[test]
    fn other_versions_and_other_files_are_foreign() {
        let mut head = file_head(&sample());
        head[8] = head[8].wrapping_add(1);
        assert_eq!(read(&head), Err(Damage::Foreign));
        assert_eq!(read(b""), Err(Damage::Foreign));
        assert_eq!(read(&[0; 4096]), Err(Damage::Foreign));
    }

    proptest! {
        #[test]
        fn every_record_is_read_back(
            key in vec(any::<u8>(), 1..80),
            variant in vec(any::<u8>(), 0..40),
            generation in 1u64..,
            status in 100u16..1000,
            reason in "[a-zA-Z ]{0,20}",
            fields in vec(("[a-zA-Z-]{1,20}", "[ -~]{0,60}"), 0..20),
            times in any::<(i64, i64, i64)>(),
        ) {
            let record = Record {
                kind: Kind::Response,
                key,
                variant,
                generation,
                vary: vec![],
                status,
                reason: reason.into_bytes(),
                fields: fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect(),
                times: Times {
                    requested_at: Timestamp::from_millis(times.0),
                    received_at: Timestamp::from_millis(times.1),
                    ahead_micros: times.2,
                },
                run: 8,
                is_of_future: false,
            };
            prop_assert_eq!(read(&file_head(&record)), Ok(record));
        }

        #[test]
        fn one_flipped_bit_is_never_served(place in any::<prop::sample::Index>(), bit in 0u8..8) {
            let whole = file_head(&sample());
            let slot_bytes = Preamble::decode(&whole).unwrap().slot_bytes;
            let used = PREAMBLE_BYTES + SLOT_HEADER_BYTES + sample().encode().len();
            let mut head = whole.clone();
            let place = place.index(used);
            head[place] ^= 1 << bit;
            // Only the four zero bytes in the slot's header mean nothing.
            let is_padding = (PREAMBLE_BYTES + 12..PREAMBLE_BYTES + 16).contains(&place);
            prop_assert!(is_padding || read(&head).is_err(), "{} of {}", place, slot_bytes);
        }

        #[test]
        fn nothing_that_lies_on_a_disk_panics(bytes in vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            let _ = Record::decode(&bytes);
            let mut with_magic = file_head(&sample());
            let length = with_magic.len().min(bytes.len());
            with_magic[PREAMBLE_BYTES..][..length.saturating_sub(PREAMBLE_BYTES)]
                .copy_from_slice(&bytes[..length.saturating_sub(PREAMBLE_BYTES)]);
            let _ = read(&with_magic);
        }
    }
}
