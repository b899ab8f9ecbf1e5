//! A response on its way to the disk.
//!
//! `fetch` begins one for every response that is kept; `exchange` hands it each piece of the body right
//! before that goes to the client. It never fails towards the exchange: a disk that does not want the
//! bytes costs the stored copy, a warning, and nothing else.

use std::fs::File;
use std::sync::{Arc, OnceLock};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::disk::{Head, Temporary, write_at};
use super::entry::encode_head;
use super::entry_format::{Preamble, Record, encode_slot, slot_bytes};
use super::flight::{Crowd, Incoming, Leader};
use super::freshness::Freshness;
use super::key::{Key, variant_hash};
use super::store::Store;
use super::stream::Stream;
use super::watch::Watch;
use crate::platform;

/// Bodies that come in one piece up to this size are written together with their head.
const MOST_HELD_BYTES: u64 = 256 * 1024;

/// What is held in memory for those who read along when the disk takes no more.
const MOST_TAIL_BYTES: u64 = 64 << 20;

/// Takes the body of one response. Dropped without [`Writer::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    store: Arc<Store>,
    leader: Option<Leader>,
    key: Key,
    watch: Watch,
    hash: u128,
    record: Record,
    freshness: Freshness,
    encoded: Vec<u8>,
    slot_bytes: usize,
    expected: Option<u64>,
    most_bytes: u64,
    received: u64,
    /// The whole body, when it came in one piece and no file was needed yet.
    held: Vec<u8>,
    open: Option<Open>,
    has_failed: bool,
    is_too_long: bool,
}

struct Open {
    temporary: Temporary,
    hasher: Xxh3,
    /// What those see who read along.
    incoming: Option<Arc<Incoming>>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Open").field("temporary", &self.temporary).finish_non_exhaustive()
    }
}

/// What a writer is begun with.
pub(super) struct Begin {
    pub leader: Option<Leader>,
    pub key: Key,
    pub watch: Watch,
    pub record: Record,
    pub freshness: Freshness,
    /// The length of the body, where the backend stated it.
    pub length: Option<u64>,
}

impl Writer {
    pub(super) fn begin(store: &Arc<Store>, begin: Begin) -> Self {
        let Begin { leader, key, watch, mut record, freshness, length } = begin;
        let mut has_failed = false;
        let mut hash = key.hash();
        if !record.vary.is_empty() {
            let (generation, is_new) = store.generation_of(&key, &record.vary);
            record.generation = generation;
            hash = variant_hash(key.bytes(), generation, &record.variant);
            if is_new && let Err(error) = store.write_variants(&key, &record.vary, generation, &watch) {
                store.complain("write to", &error);
                has_failed = true;
            }
        }
        let encoded = record.encode();
        let slot_bytes = slot_bytes(encoded.len());
        let most_bytes = store.rules.load().max_object_bytes;
        Self {
            store: Arc::clone(store),
            leader,
            key,
            watch,
            hash,
            record,
            freshness,
            encoded,
            slot_bytes,
            expected: length,
            most_bytes,
            received: 0,
            held: Vec::new(),
            open: None,
            has_failed,
            is_too_long: false,
        }
    }

    /// Whether other clients wait for this response, so that it is worth being received to its end even
    /// if the client that asked first has left.
    pub fn has_followers(&self) -> bool {
        !self.has_failed && self.leader.as_ref().is_some_and(Leader::has_followers)
    }

    /// Whether other clients may come to wait for this response.
    pub fn has_leader(&self) -> bool {
        self.leader.is_some()
    }

    /// A look at those who wait.
    pub fn crowd(&self) -> Option<Crowd> {
        self.leader.as_ref().map(Leader::crowd)
    }

    /// The rest of this response from its file, for a client that has had so much of it and is slower than those who
    /// follow. `None` while nobody can read along.
    pub fn follow(&self, sent: u64) -> Option<Stream> {
        let (receiver, incoming) = self.leader.as_ref()?.follow()?;
        Some(Stream::resumed(receiver, incoming, sent))
    }

    /// The next piece of the body.
    pub fn write(&mut self, piece: &[u8]) {
        if self.has_failed || piece.is_empty() {
            return;
        }
        self.received += piece.len() as u64;
        // Too long to be kept; but those who read along are in the middle of it, and get all of it.
        self.is_too_long |= self.received > self.most_bytes;
        let is_in_vain = self.is_too_long && !(self.open.is_some() && self.has_followers());
        if is_in_vain || self.expected.is_some_and(|length| self.received > length) {
            self.give_up();
            return;
        }
        let is_whole = self.expected == Some(self.received);
        if is_whole && self.open.is_none() && self.received <= MOST_HELD_BYTES {
            self.held.extend_from_slice(piece);
            return;
        }
        let is_in_memory = self.tail().is_some();
        let written = if is_in_memory { self.write_to_tail(piece) } else { self.write_through(piece) };
        if let Err(error) = written {
            self.store.complain("write to", &error);
            if is_in_memory || !self.has_followers() || self.write_to_tail(piece).is_err() {
                self.give_up();
            }
        }
    }

    fn tail(&self) -> Option<&(u64, Arc<File>)> {
        self.open.as_ref()?.incoming.as_ref()?.tail.get()
    }

    /// The disk takes no more, so that nothing will be kept; but some are in the middle of this body, and read its rest
    /// from memory.
    fn write_to_tail(&mut self, piece: &[u8]) -> std::io::Result<()> {
        let begins = self.received - piece.len() as u64;
        let incoming = self.open.as_ref().and_then(|open| open.incoming.as_ref());
        let (Some(leader), Some(incoming)) = (&self.leader, incoming) else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        if incoming.tail.get().is_none() {
            let _ = incoming.tail.set((begins, Arc::new(platform::memory_file()?)));
        }
        let (start, file) = incoming.tail.get().ok_or(std::io::ErrorKind::BrokenPipe)?;
        if !leader.has_followers() || self.received - start > MOST_TAIL_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        write_at(file, piece, begins - start)?;
        leader.progress(self.received);
        Ok(())
    }

    /// The body is complete: the response becomes visible, to those who wait and to those who come. Call
    /// it before the client has the last byte, so that a client which asks again at once is served.
    pub fn commit(mut self) {
        if self.has_failed || self.expected.is_some_and(|length| length != self.received) {
            return;
        }
        if self.tail().is_some() {
            return self.leader.take().into_iter().for_each(|leader| leader.finish(self.received));
        }
        if let Err(error) = self.publish() {
            self.store.complain("write to", &error);
        }
    }

    fn give_up(&mut self) {
        self.has_failed = true;
        self.open = None;
        self.held = Vec::new();
        // Whoever waits asks for himself at once, instead of failing one after the other.
        self.leader.take().into_iter().for_each(Leader::release);
    }

    fn write_through(&mut self, piece: &[u8]) -> std::io::Result<()> {
        let offset = self.preamble(0, 0).body_offset();
        if self.open.is_none() {
            let Some(disk) = &self.store.disk else { return Ok(()) };
            let temporary = self.store.create(disk, self.hash)?;
            let mut slots = Vec::with_capacity(2 * self.slot_bytes);
            self.put_slots(&mut slots)?;
            write_at(&temporary.file, &slots, self.preamble(0, 0).slot_offset(0))?;
            self.open = Some(Open { temporary, hasher: Xxh3::new(), incoming: None });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.hasher.update(piece);
        write_at(&open.temporary.file, piece, offset + self.received - piece.len() as u64)?;
        if let Some(leader) = &self.leader {
            if self.received == piece.len() as u64 {
                let incoming = Arc::new(self.incoming(offset));
                leader.stream(Arc::clone(&incoming), self.received);
                self.open.iter_mut().for_each(|open| open.incoming = Some(Arc::clone(&incoming)));
            } else {
                leader.progress(self.received);
            }
        }
        Ok(())
    }

    fn incoming(&self, body_offset: u64) -> Incoming {
        let mut head = Vec::with_capacity(512);
        encode_head(&mut head, &self.record);
        let file = self.open.as_ref().map(|open| Arc::clone(&open.temporary.file));
        Incoming {
            key: self.key.bytes().into(),
            vary: self.record.vary.clone(),
            variant: self.record.variant.clone(),
            status: self.record.status,
            head: head.into_boxed_slice(),
            length: self.expected,
            freshness: self.freshness,
            file: file.expect("the file is open whenever a piece was written through"),
            body_offset,
            tail: OnceLock::new(),
        }
    }

    fn preamble(&self, body_bytes: u64, body_checksum: u64) -> Preamble {
        Preamble { slot_bytes: self.slot_bytes, body_bytes, body_checksum }
    }

    /// Appends slot A with the record, and an empty slot B.
    fn put_slots(&self, out: &mut Vec<u8>) -> std::io::Result<()> {
        let slot = encode_slot(1, &self.encoded, self.slot_bytes)
            .ok_or_else(|| std::io::Error::other("the head is too long to be stored"))?;
        out.extend_from_slice(&slot);
        out.resize(out.len() + self.slot_bytes, 0);
        Ok(())
    }

    fn publish(&mut self) -> std::io::Result<()> {
        let (temporary, preamble) = match self.open.take() {
            Some(open) => {
                let preamble = self.preamble(self.received, open.hasher.digest());
                write_at(&open.temporary.file, &preamble.encode(), 0)?;
                (open.temporary, preamble)
            }
            None => {
                let Some(disk) = &self.store.disk else { return Ok(()) };
                let preamble = self.preamble(self.held.len() as u64, xxh3_64(&self.held));
                let mut bytes = Vec::with_capacity(preamble.body_offset() as usize + self.held.len());
                bytes.extend_from_slice(&preamble.encode());
                self.put_slots(&mut bytes)?;
                bytes.extend_from_slice(&self.held);
                let temporary = self.store.create(disk, self.hash)?;
                write_at(&temporary.file, &bytes, 0)?;
                (temporary, preamble)
            }
        };
        let head = Head { preamble, slot: 0, sequence: 1, record: std::mem::take(&mut self.record) };
        let entry = match self.is_too_long {
            true => self.store.nameless(temporary, self.hash, head),
            false => self.store.publish(temporary, self.hash, head, Some(&self.watch))?,
        };
        if let Some(leader) = self.leader.take() {
            leader.land(entry);
        }
        Ok(())
    }
}
