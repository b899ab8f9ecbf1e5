//! A stored response that is open: its head in memory, its body in a file.
//!
//! `store` makes entries and keeps the ones used lately; `reply` sends them. An entry never changes: a
//! confirmed or replaced response is a new one, and whoever sends the old one goes on undisturbed.

use std::sync::Arc;

use super::disk::{Head, StoredFile};
use super::entry_format::{Preamble, Record};
use super::freshness::{Freshness, Rules};
use super::index::Uses;
use crate::http::{encode, list_elements};

/// An open stored response.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u128,
    pub(super) file: Arc<StoredFile>,
    pub(super) preamble: Preamble,
    pub(super) slot: usize,
    pub(super) sequence: u64,
    pub(super) record: Record,
    pub(super) freshness: Freshness,
    pub(super) uses: Uses,
    /// Status line and all fields, `Content-Length` included, ready to be sent.
    pub(super) head: Box<[u8]>,
}

impl Entry {
    pub(super) fn new(hash: u128, file: Arc<StoredFile>, head: Head, rules: &Rules, uses: Uses) -> Self {
        let Head { preamble, slot, sequence, record } = head;
        let mut freshness = Freshness::of(rules, record.status, &record.fields, record.times);
        freshness.no_cache |= record.is_of_future;
        let mut encoded = Vec::with_capacity(512);
        encode_head(&mut encoded, &record);
        // RFC 9110 §8.6: no length in a 204.
        if record.status != 204 {
            encode::number_field(&mut encoded, "Content-Length", preamble.body_bytes);
        }
        let head = encoded.into_boxed_slice();
        Self { hash, file, preamble, slot, sequence, record, freshness, uses, head }
    }

    /// Bytes of the body.
    pub(super) fn body_bytes(&self) -> u64 {
        self.preamble.body_bytes
    }

    /// Bytes of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.preamble.body_offset() + self.preamble.body_bytes
    }

    /// Whether it belongs to this key and, if it varies, to this variant. Names of files are hashes, so
    /// this is what makes a look-up right.
    pub(super) fn belongs_to(&self, key: &[u8], variant: &[u8]) -> bool {
        self.record.key == key && self.record.variant == variant
    }

    /// Whether there is something with which an origin can be asked if it is still current.
    pub(super) fn has_validator(&self) -> bool {
        self.entity_tag().is_some() || self.record.fields.contains("last-modified")
    }

    /// The tag with which an origin can be asked for this response and no other: not `*`, which means any, nor what reads
    /// as several.
    pub(super) fn entity_tag(&self) -> Option<&[u8]> {
        let tag = self.record.fields.get("etag")?;
        (tag != b"*" && list_elements(tag).count() == 1).then_some(tag)
    }
}

/// Writes status line and stored fields. The age is kept beside them because freshness needs it, and
/// sent as it is at the time of sending.
pub(super) fn encode_head(out: &mut Vec<u8>, record: &Record) {
    encode::status_line(out, record.status, &record.reason);
    for (name, value) in record.fields.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"age")) {
        encode::raw_field(out, name, value);
    }
}
