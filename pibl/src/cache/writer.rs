//! A response on its way into the cache.
//!
//! `fetch` begins one for every response that is kept; `exchange` hands it each piece of the body right
//! before that goes to the client. It never fails towards the exchange: a disk that does not want the
//! bytes, or not in time, costs the stored copy, a warning, and nothing else.

use std::io;
use std::sync::Arc;

use super::desk;
use super::flight::{Crowd, Lead};
use super::pen::{Begin, End, Ink, MOST_TAIL_BYTES, Pen};
use super::store::Store;
use super::stream::Stream;

/// Bodies that come in one piece up to this size are written together with their head.
const MOST_HELD_BYTES: u64 = 256 * 1024;

/// What of a body may wait for the disk. More than this, and the backend is read no faster than the disk writes.
const MOST_WAITING_BYTES: usize = 4 << 20;

/// Takes the body of one response. Dropped without [`Writer::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    store: Arc<Store>,
    lead: Lead,
    crowd: Option<Crowd>,
    /// Until the first piece, and when the whole body comes in one.
    pen: Option<Box<Pen>>,
    /// Where the pieces go.
    ink: Option<Arc<Ink>>,
    expected: Option<u64>,
    most_bytes: u64,
    received: u64,
    /// The whole body, when it came in one piece and no file was needed yet.
    held: Vec<u8>,
    is_too_long: bool,
    /// The disk was waited for once, and in vain.
    is_disk_slow: bool,
    is_over: bool,
}

impl Writer {
    /// `None` when the disk has too much to do already; then nobody waits for this response any more.
    pub(super) fn begin(store: &Arc<Store>, begin: Begin) -> Option<Self> {
        let Some(place) = store.under_way.place() else {
            store.complain("keep up with", &io::ErrorKind::ResourceBusy.into());
            begin.lead.leave(true);
            return None;
        };
        Some(Self {
            store: Arc::clone(store),
            crowd: begin.lead.crowd(),
            lead: begin.lead.clone(),
            expected: begin.length,
            most_bytes: store.rules.load().max_object_bytes,
            pen: Some(Box::new(Pen::new(store, begin, place))),
            ink: None,
            received: 0,
            held: Vec::new(),
            is_too_long: false,
            is_disk_slow: false,
            is_over: false,
        })
    }

    /// Whether other clients wait for this response, so that it is worth being received to its end even
    /// if the client that asked first has left.
    pub fn has_followers(&self) -> bool {
        !self.is_over && self.crowd.as_ref().is_some_and(Crowd::is_waiting)
    }

    /// Whether other clients may come to wait for this response.
    pub fn has_leader(&self) -> bool {
        self.crowd.is_some()
    }

    /// A look at those who wait.
    pub fn crowd(&self) -> Option<Crowd> {
        self.crowd.clone()
    }

    /// The rest of this response from its file, for a client that has had so much of it and is slower than those who
    /// follow. `None` while nobody can read along.
    pub fn follow(&self, sent: u64) -> Option<Stream> {
        let (receiver, incoming) = self.crowd.as_ref()?.follow()?;
        Some(Stream::resumed(receiver, incoming, sent))
    }

    /// The next piece of the body. Waits where the disk is slower than the backend, but not for ever.
    pub async fn write(&mut self, piece: &[u8]) {
        if self.is_over || piece.is_empty() {
            return;
        }
        self.received += piece.len() as u64;
        // Too long to be kept; but those who read along are in the middle of it, and get all of it.
        self.is_too_long |= self.received > self.most_bytes;
        let is_in_vain = self.is_too_long && !(self.ink.is_some() && self.has_followers());
        if is_in_vain || self.expected.is_some_and(|length| self.received > length) {
            return self.give_up();
        }
        let is_whole = self.expected == Some(self.received);
        if is_whole && self.ink.is_none() && self.received <= MOST_HELD_BYTES {
            self.held.extend_from_slice(piece);
            return;
        }
        if let Some(pen) = self.pen.take() {
            self.ink = Some(Ink::of(pen));
        }
        let Some(ink) = &self.ink else { return };
        match ink.pour(piece) {
            None => self.give_up(),
            Some(waiting) if waiting > MOST_WAITING_BYTES => {
                if !self.is_disk_slow {
                    let ink = Arc::clone(ink);
                    let room = async {
                        while ink.waiting() > MOST_WAITING_BYTES {
                            ink.room.notified().await;
                        }
                    };
                    self.is_disk_slow = tokio::time::timeout(desk::PATIENCE, room).await.is_err();
                }
                // Others go at the pace of the disk from then on, and this client at that of its backend.
                let is_wanted = self.has_followers() && (waiting as u64) < MOST_TAIL_BYTES;
                if self.is_disk_slow && !is_wanted {
                    self.store.complain("write to", &io::ErrorKind::TimedOut.into());
                    self.give_up();
                }
            }
            Some(_) => {}
        }
    }

    /// The body is complete: the response becomes visible, to those who wait and to those who come. Call
    /// it before the client has the last byte, so that a client which asks again at once is served. A disk that takes too
    /// long for that is not waited for.
    pub async fn commit(mut self) {
        if self.is_over || self.expected.is_some_and(|length| length != self.received) {
            return;
        }
        self.is_over = true;
        let (done, is_done) = desk::promise();
        let mut line = None;
        if let Some(ink) = self.ink.take() {
            ink.end(End { is_too_long: self.is_too_long, done });
        } else if let Some(pen) = self.pen.take() {
            let body = std::mem::take(&mut self.held);
            line = desk::line_up(move || pen.write_whole(&body, done));
        }
        if is_done.wait_while_serving(line).await.is_none() {
            self.lead.lose_patience();
        }
    }

    fn give_up(&mut self) {
        self.is_over = true;
        self.held = Vec::new();
        self.leave(true);
    }

    fn leave(&mut self, is_released: bool) {
        self.lead.leave(is_released);
        if let Some(ink) = self.ink.take() {
            ink.spill();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_over {
            self.leave(false);
        }
    }
}
