//! The half of a writer that waits for the disk.
//!
//! `writer` takes the pieces of a body on a thread that serves clients; a pen writes them down at the [`desk`], gives the
//! file its name, and tells those who wait for the same. What the disk does not take costs the stored copy, a warning,
//! and nothing else.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::desk::{self, Place, Promise};
use super::disk::{Disk, Head, StoredFile, Temporary, write_at};
use super::entry::{Entry, encode_head};
use super::entry_format::{Preamble, Record, encode_slot, slot_bytes};
use super::flight::{Incoming, Lead};
use super::freshness::Freshness;
use super::key::{Key, variant_hash};
use super::store::{Gone, Store};
use super::watch::Watch;

/// What is held in memory for those who read along when the disk takes no more.
pub(super) const MOST_TAIL_BYTES: u64 = 64 << 20;

/// What a response is written down with.
pub(super) struct Begin {
    pub lead: Lead,
    pub key: Key,
    pub watch: Watch,
    pub record: Record,
    pub freshness: Freshness,
    /// The length of the body, where the backend stated it.
    pub length: Option<u64>,
}

/// Writes down one response. Dropped before its end, it leaves nothing behind.
pub(super) struct Pen {
    store: Arc<Store>,
    begin: Begin,
    hash: u128,
    encoded: Vec<u8>,
    slot_bytes: usize,
    written: u64,
    open: Option<Open>,
    _place: Place,
}

struct Open {
    temporary: Temporary,
    hasher: Xxh3,
    /// What those see who read along.
    incoming: Option<Arc<Incoming>>,
}

impl std::fmt::Debug for Pen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pen").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// How a body ends.
#[derive(Debug)]
pub(super) struct End {
    /// It is complete, but too long to be kept.
    pub is_too_long: bool,
    /// Told when whoever waits has the news, and whoever comes finds the response.
    pub done: Promise<()>,
}

/// The pieces of one body on their way to the disk.
#[derive(Debug, Default)]
pub(super) struct Ink {
    state: Mutex<State>,
    /// Notified when there is room for more.
    pub room: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// At rest; whoever finds it here sets it to work.
    pen: Option<Box<Pen>>,
    end: Option<End>,
    has_failed: bool,
}

impl Ink {
    /// The ink of a pen.
    pub(super) fn of(pen: Box<Pen>) -> Arc<Self> {
        let ink = Self::default();
        ink.state().pen = Some(pen);
        Arc::new(ink)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More of the body. Returns how many bytes the disk has not taken yet; `None` when it takes no more.
    pub(super) fn pour(self: &Arc<Self>, piece: &[u8]) -> Option<usize> {
        let mut state = self.state();
        if state.has_failed {
            return None;
        }
        state.bytes.extend_from_slice(piece);
        let waiting = state.bytes.len();
        self.set_to_work(state);
        Some(waiting)
    }

    /// How many bytes the disk has not taken yet.
    pub(super) fn waiting(&self) -> usize {
        self.state().bytes.len()
    }

    /// The body is complete.
    pub(super) fn end(self: &Arc<Self>, end: End) {
        let mut state = self.state();
        state.end = Some(end);
        self.set_to_work(state);
    }

    /// The body will never be complete.
    pub(super) fn spill(&self) {
        let mut state = self.state();
        state.has_failed = true;
        state.bytes = Vec::new();
        // One that is at work finds out by itself.
        let pen = state.pen.take();
        drop(state);
        if let Some(pen) = pen {
            desk::start(move || drop(pen));
        }
    }

    fn set_to_work(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if let Some(pen) = state.pen.take() {
            drop(state);
            let ink = Arc::clone(self);
            desk::start(move || ink.write_down(pen));
        }
    }

    /// Writes what there is, until there is no more. Waits for the disk.
    fn write_down(&self, mut pen: Box<Pen>) {
        loop {
            let mut state = self.state();
            if state.has_failed {
                return;
            }
            if state.bytes.is_empty() {
                match state.end.take() {
                    Some(end) => {
                        drop(state);
                        return pen.finish(end);
                    }
                    None => {
                        state.pen = Some(pen);
                        return;
                    }
                }
            }
            let bytes = std::mem::take(&mut state.bytes);
            drop(state);
            self.room.notify_one();
            if !pen.write(&bytes) {
                self.state().has_failed = true;
                self.room.notify_one();
                return pen.begin.lead.leave(true);
            }
        }
    }
}

impl Pen {
    pub(super) fn new(store: &Arc<Store>, begin: Begin, place: Place) -> Self {
        let hash = begin.key.hash();
        Self {
            store: Arc::clone(store),
            begin,
            hash,
            encoded: Vec::new(),
            slot_bytes: 0,
            written: 0,
            open: None,
            _place: place,
        }
    }

    /// Writes down a response of which the whole body is here. Waits for the disk.
    pub(super) fn write_whole(mut self, body: &[u8], done: Promise<()>) {
        let published = self.publish_whole(body);
        self.tell(published, done);
    }

    /// Finds out where the response belongs.
    fn prepare(&mut self) -> io::Result<()> {
        let Begin { key, record, watch, .. } = &mut self.begin;
        if !record.vary.is_empty() {
            let (generation, is_new) = self.store.generation_of(key, &record.vary);
            record.generation = generation;
            self.hash = variant_hash(key.bytes(), generation, &record.variant);
            if is_new {
                self.store.write_variants(key, &record.vary, generation, watch)?;
            }
        }
        self.encoded = record.encode();
        self.slot_bytes = slot_bytes(self.encoded.len());
        Ok(())
    }

    /// Writes the next piece. `false`: this was in vain.
    fn write(&mut self, piece: &[u8]) -> bool {
        self.written += piece.len() as u64;
        let is_in_memory = self.tail().is_some();
        let written = if is_in_memory { self.write_to_tail(piece) } else { self.write_through(piece) };
        let Err(error) = written else { return true };
        self.store.complain("write to", &error);
        let has_followers = self.begin.lead.has_followers();
        !is_in_memory && has_followers && self.write_to_tail(piece).is_ok()
    }

    fn tail(&self) -> Option<&(u64, Arc<StoredFile>)> {
        self.open.as_ref()?.incoming.as_ref()?.tail.get()
    }

    /// The disk takes no more, so that nothing will be kept; but some are in the middle of this body, and read its rest
    /// from memory.
    fn write_to_tail(&mut self, piece: &[u8]) -> io::Result<()> {
        let begins = self.written - piece.len() as u64;
        let incoming = self.open.as_ref().and_then(|open| open.incoming.as_ref());
        let incoming = incoming.ok_or(io::ErrorKind::BrokenPipe)?;
        if incoming.tail.get().is_none() {
            let _ = incoming.tail.set((begins, Arc::new(StoredFile::in_memory()?)));
        }
        let (start, file) = incoming.tail.get().ok_or(io::ErrorKind::BrokenPipe)?;
        if !self.begin.lead.has_followers() || self.written - start > MOST_TAIL_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        write_at(file.file(), piece, begins - start)?;
        self.begin.lead.tell(|leader| leader.progress(self.written));
        Ok(())
    }

    fn write_through(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            self.prepare()?;
            let Some(disk) = &self.store.disk else { return Ok(()) };
            let temporary = self.store.create(disk, self.hash)?;
            let mut slots = Vec::with_capacity(2 * self.slot_bytes);
            self.put_slots(&mut slots)?;
            write_at(temporary.file.file(), &slots, self.preamble(0, 0).slot_offset(0))?;
            self.open = Some(Open { temporary, hasher: Xxh3::new(), incoming: None });
        }
        let offset = self.preamble(0, 0).body_offset();
        let Some(open) = &mut self.open else { return Ok(()) };
        open.hasher.update(piece);
        write_at(open.temporary.file.file(), piece, offset + self.written - piece.len() as u64)?;
        let written = self.written;
        if written == piece.len() as u64 {
            let incoming = Arc::new(incoming(&self.begin, &open.temporary.file, offset));
            open.incoming = Some(Arc::clone(&incoming));
            self.begin.lead.tell(|leader| leader.stream(incoming, written));
        } else {
            self.begin.lead.tell(|leader| leader.progress(written));
        }
        Ok(())
    }

    fn preamble(&self, body_bytes: u64, body_checksum: u64) -> Preamble {
        Preamble { slot_bytes: self.slot_bytes, body_bytes, body_checksum }
    }

    /// Appends slot A with the record, and an empty slot B.
    fn put_slots(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let slot = encode_slot(1, &self.encoded, self.slot_bytes)
            .ok_or_else(|| io::Error::other("the head is too long to be stored"))?;
        out.extend_from_slice(&slot);
        out.resize(out.len() + self.slot_bytes, 0);
        Ok(())
    }

    fn finish(mut self: Box<Self>, end: End) {
        if self.tail().is_some() {
            self.begin.lead.end(|leader| leader.finish(self.written));
            end.done.keep(());
            return;
        }
        let published = match self.open.take() {
            Some(open) => self.publish(open, end.is_too_long),
            None => self.publish_whole(&[]),
        };
        self.tell(published, end.done);
    }

    /// Tells everybody, and deletes afterwards what went for this one.
    fn tell(&mut self, published: io::Result<(Arc<Entry>, Gone)>, done: Promise<()>) {
        match published {
            Ok((entry, gone)) => {
                self.begin.lead.end(|leader| leader.land(entry));
                done.keep(());
                self.store.delete(gone);
            }
            Err(error) => {
                self.store.complain("write to", &error);
                self.begin.lead.leave(true);
            }
        }
    }

    fn publish_whole(&mut self, body: &[u8]) -> io::Result<(Arc<Entry>, Gone)> {
        self.prepare()?;
        let disk: &Disk = self.store.disk.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let preamble = self.preamble(body.len() as u64, xxh3_64(body));
        let mut bytes = Vec::with_capacity(preamble.body_offset() as usize + body.len());
        bytes.extend_from_slice(&preamble.encode());
        self.put_slots(&mut bytes)?;
        bytes.extend_from_slice(body);
        let temporary = self.store.create(disk, self.hash)?;
        write_at(temporary.file.file(), &bytes, 0)?;
        let head = self.head(preamble);
        self.store.publish(temporary, self.hash, head, Some(&self.begin.watch))
    }

    fn publish(&mut self, open: Open, is_too_long: bool) -> io::Result<(Arc<Entry>, Gone)> {
        let preamble = self.preamble(self.written, open.hasher.digest());
        write_at(open.temporary.file.file(), &preamble.encode(), 0)?;
        let head = self.head(preamble);
        match is_too_long {
            true => Ok((self.store.nameless(open.temporary, self.hash, head), Gone::default())),
            false => self.store.publish(open.temporary, self.hash, head, Some(&self.begin.watch)),
        }
    }

    fn head(&mut self, preamble: Preamble) -> Head {
        Head { preamble, slot: 0, sequence: 1, record: std::mem::take(&mut self.begin.record) }
    }
}

fn incoming(begin: &Begin, file: &Arc<StoredFile>, body_offset: u64) -> Incoming {
    let record = &begin.record;
    let mut head = Vec::with_capacity(512);
    encode_head(&mut head, record);
    Incoming {
        key: begin.key.bytes().into(),
        vary: record.vary.clone(),
        variant: record.variant.clone(),
        status: record.status,
        head: head.into_boxed_slice(),
        length: begin.length,
        freshness: begin.freshness,
        file: Arc::clone(file),
        body_offset,
        tail: OnceLock::new(),
    }
}
