//! What the journal is told of a connection and of the request at hand on it.
//!
//! `connection` and `receive` write through these guards; dropped at any point they leave in the journal what was known
//! by then. Nothing is read from the socket or answered here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Shared;
use crate::clock::Moment;
use crate::journal::{Attempt, ConnectionEnd, ConnectionRecord, OpenAttempt, Outcome};

/// Writes a connection into the journal; ends it there when dropped.
#[derive(Debug)]
pub(super) struct ConnectionLog {
    shared: Arc<Shared>,
    record: ConnectionRecord,
    /// Where it is in the journal; `None` where the backend only counts.
    position: Option<usize>,
}

/// What is known of the request at hand, where requests are recorded.
#[derive(Debug)]
pub(super) struct Entry {
    open: Option<Box<OpenAttempt>>,
    /// The number of the request at its backend.
    pub number: u64,
    /// Whether `100 Continue` has been sent for it.
    pub told_to_continue: bool,
}

impl ConnectionLog {
    pub fn open(shared: &Arc<Shared>, peer: SocketAddr) -> ConnectionLog {
        let journal = &shared.world.journal;
        let record = ConnectionRecord {
            backend: shared.name.clone(),
            connection: journal.next_connection(),
            peer: Some(peer),
            accepted: shared.world.clock.now(),
            closed: None,
            requests: 0,
            received_bytes: 0,
            end: None,
        };
        shared.counters.connections_total.fetch_add(1, Ordering::Relaxed);
        shared.counters.connections_open.fetch_add(1, Ordering::Relaxed);
        let position = (!shared.is_counting()).then(|| journal.open_connection(record.clone()));
        ConnectionLog { shared: Arc::clone(shared), record, position }
    }

    /// The number of the connection.
    pub fn number(&self) -> u64 {
        self.record.connection
    }

    /// When it was accepted.
    pub fn accepted(&self) -> Moment {
        self.record.accepted
    }

    /// How many requests it has carried so far.
    pub fn requests(&self) -> u32 {
        self.record.requests
    }

    /// Notes how many bytes have come so far.
    pub fn received(&mut self, bytes: u64) {
        self.record.received_bytes = bytes;
    }

    /// Notes who ended it.
    pub fn end(&mut self, end: ConnectionEnd) {
        self.record.end = Some(end);
    }

    /// Begins a request of which the first byte came at `arrived`.
    pub fn begin(&mut self, arrived: Moment, describe: impl FnOnce(&mut Attempt)) -> Entry {
        let number = self.shared.next_number();
        self.record.requests += 1;
        if self.shared.is_counting() {
            return Entry { open: None, number, told_to_continue: false };
        }
        let (connection, accepted) = (self.record.connection, self.record.accepted);
        let mut attempt = Attempt::started(&self.shared.name, number, connection, accepted, arrived);
        attempt.request_on_connection = self.record.requests;
        attempt.peer = self.record.peer;
        describe(&mut attempt);
        let open = Some(Box::new(self.shared.world.journal.begin(attempt)));
        Entry { open, number, told_to_continue: false }
    }
}

impl Drop for ConnectionLog {
    fn drop(&mut self) {
        self.shared.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
        if let Some(position) = self.position {
            self.record.closed = Some(self.shared.world.clock.now());
            self.record.end.get_or_insert(ConnectionEnd::Stopped);
            self.shared.world.journal.close_connection(position, self.record.clone());
        }
    }
}

impl Entry {
    /// Notes something; nothing happens where requests are only counted.
    pub fn note(&mut self, change: impl FnOnce(&mut Attempt)) {
        if let Some(open) = &mut self.open {
            change(&mut open.attempt);
        }
    }

    /// Whether requests are recorded.
    pub fn is_recorded(&self) -> bool {
        self.open.is_some()
    }

    /// Makes what is known so far visible, and says what becomes of the request should the backend be stopped now.
    pub fn publish(&mut self, if_stopped: Outcome) {
        if let Some(open) = &mut self.open {
            open.if_dropped = if_stopped;
            open.publish();
        }
    }

    /// Ends the request.
    pub fn finish(self, at: Moment, outcome: Outcome) {
        if let Some(open) = self.open {
            open.finish(at, outcome);
        }
    }
}
