//! The parsers of the cache by themselves, for those who test them from outside.
//!
//! The fuzz targets and `tests/corpora.rs` call it. The program itself never does.

use super::cache_control::{RequestDirectives, ResponseDirectives};
use super::entry_format::{PREAMBLE_BYTES, Preamble, Record, encode_slot, newest_slot, slot_bytes};
use super::targeted;
use crate::http::Fields;

/// Reads the bytes of a stored file but for its body, as they are and as they would be with the checksum of the
/// preamble set right; what is understood must survive being written again. Returns whether it was understood.
pub fn file(bytes: &[u8]) -> bool {
    let mut repaired = bytes.to_vec();
    if let Some(preamble) = repaired.first_chunk_mut::<PREAMBLE_BYTES>() {
        let checksum = xxhash_rust::xxh3::xxh3_64(&preamble[..32]);
        preamble[32..].copy_from_slice(&checksum.to_le_bytes());
    }
    understands(bytes) | understands(&repaired)
}

fn understands(bytes: &[u8]) -> bool {
    let Ok(preamble) = Preamble::decode(bytes) else { return false };
    assert_eq!(Preamble::decode(&preamble.encode()), Ok(preamble));
    let Ok(head_bytes) = usize::try_from(preamble.body_offset()) else { return false };
    let Some(slots) = bytes.get(PREAMBLE_BYTES..head_bytes) else { return false };
    newest_slot(slots, preamble.slot_bytes).is_ok_and(|(_, _, bytes)| record(bytes).is_some())
}

/// Reads a record whose checksum fits, by way of a slot. Returns its fields if it was understood.
pub fn record(bytes: &[u8]) -> Option<Fields> {
    let slot_bytes = slot_bytes(bytes.len());
    let mut slots = encode_slot(1, bytes, slot_bytes)?;
    slots.resize(2 * slot_bytes, 0);
    let (_, _, found) = newest_slot(&slots, slot_bytes).expect("a slot that was just written");
    assert_eq!(found, bytes);
    let record = Record::decode(bytes).ok()?;
    assert_eq!(Record::decode(&record.encode()).as_ref(), Ok(&record));
    Some(record.fields)
}

/// Reads every form of directives from the same lines, and shows what was understood.
pub fn directives(lines: &[&[u8]]) -> String {
    let mut fields = Fields::new();
    for line in lines {
        fields.append("Cache-Control", line);
        fields.append("CDN-Cache-Control", line);
    }
    let plain = (ResponseDirectives::read(&fields), RequestDirectives::read(&fields));
    format!("{plain:?} {:?}", targeted::read(&fields))
}
