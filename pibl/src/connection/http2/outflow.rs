//! What of the answers of one connection lies in the library, and who has waited for too long to add to it.
//!
//! `stream` sends by it. Each piece that is handed to the library counts until the wire has it, and keeps the place of its
//! stream until then: what a client does not read is bounded by the number of places, whether its exchanges have ended or not.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, Bytes};
use h2::SendStream;

use super::{Carrier, MOST_STREAMS, Place};
use crate::wire::{Deadline, RECORD};

/// The most of a body that is sent at once: with the nine bytes before it (RFC 9113 §4.1) it fills a record of TLS.
pub(super) const PART: usize = RECORD - 9;
/// What may wait in the library of one stream ...
pub(super) const MOST_OF_STREAM: usize = 4 * PART;
/// ... and of all streams of a connection, beyond one part for each.
const MOST_OF_CONNECTION: usize = 16 * PART;
/// What a connection takes before everybody who waits for a part of its window has had it in any case. The library gives
/// the window in turn, but whoever gets the little that is left of it goes to the end of the line for the rest.
const ROUNDS: u64 = (8 * MOST_STREAMS * PART) as u64;

/// The place among the waiters of a deadline of those who wait to write.
const WRITING: usize = 1;

/// What a connection has sent.
#[derive(Debug, Default)]
pub(super) struct Outflow {
    /// Bytes of bodies that the wire has taken.
    sent: Cell<u64>,
    /// Those that the library has not given to it.
    waiting: Cell<usize>,
}

impl Outflow {
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Whether there is something in the library.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.get() > 0
    }
}

/// What of one stream lies in the library, with its place.
pub(super) struct Ledger {
    place: Place,
    waiting: Cell<usize>,
    /// Who waits to add to it.
    writer: RefCell<Option<Waker>>,
}

impl Ledger {
    pub(super) fn new(place: Place) -> Rc<Self> {
        Rc::new(Self { place, waiting: Cell::new(0), writer: RefCell::default() })
    }

    pub(super) fn carrier(&self) -> &Carrier {
        &self.place.carrier
    }

    fn add(&self, count: usize) {
        let outflow = &self.carrier().outflow;
        self.waiting.set(self.waiting.get() + count);
        outflow.waiting.set(outflow.waiting.get() + count);
    }

    fn remove(&self, count: usize) {
        let outflow = &self.carrier().outflow;
        self.waiting.set(self.waiting.get() - count);
        outflow.waiting.set(outflow.waiting.get() - count);
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    /// How many of these bytes may be handed over now: all, or as many as the client has room for if nothing else waits.
    pub(super) fn poll_room(
        &self,
        stream: &mut SendStream<Piece>,
        wanted: usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<usize>> {
        loop {
            let (waiting, in_all) = (self.waiting.get(), self.carrier().outflow.waiting.get());
            let is_allowed = match waiting {
                0 => true,
                waiting => waiting + wanted <= MOST_OF_STREAM && in_all + wanted <= MOST_OF_CONNECTION,
            };
            let capacity = stream.capacity();
            if is_allowed && (capacity >= wanted || (capacity > 0 && waiting == 0)) {
                return Poll::Ready(Some(capacity.min(wanted)));
            }
            if waiting > 0 {
                self.writer.replace(Some(context.waker().clone()));
            }
            match stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A piece of a body on its way through the library.
pub(super) struct Piece {
    bytes: Bytes,
    ledger: Rc<Ledger>,
}

impl Piece {
    pub(super) fn new(bytes: Bytes, ledger: &Rc<Ledger>) -> Self {
        ledger.add(bytes.len());
        Self { bytes, ledger: Rc::clone(ledger) }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        let outflow = &self.ledger.carrier().outflow;
        outflow.sent.set(outflow.sent.get() + count as u64);
        self.ledger.remove(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // Of a stream that was reset.
        if !self.bytes.is_empty() {
            self.ledger.remove(self.bytes.len());
        }
    }
}

/// The patience with somebody who waits to send a part. It ends when the connection takes less than a part in that time,
/// and when everybody has had his turn: then it is this stream's own window that is closed.
pub(super) struct Turn {
    deadline: Deadline,
    patience: Duration,
    begun: u64,
    seen: u64,
}

impl Turn {
    pub(super) fn new(outflow: &Outflow, patience: Duration) -> Self {
        let deadline = Deadline::new();
        deadline.set(patience);
        Self { deadline, patience, begun: outflow.sent(), seen: outflow.sent() }
    }

    pub(super) fn poll_is_over(&mut self, outflow: &Outflow, context: &mut Context<'_>) -> bool {
        if !self.deadline.poll_is_over(WRITING, context) {
            return false;
        }
        let sent = outflow.sent();
        if sent - self.seen < PART as u64 || sent - self.begun > ROUNDS {
            return true;
        }
        self.seen = sent;
        self.deadline.set(self.patience);
        false
    }
}
