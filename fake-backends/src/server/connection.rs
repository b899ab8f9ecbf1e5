//! The life of a connection: one request after the other, until either side ends it.
//!
//! `backend` starts it as a task and may drop it at any point; guards then write what there is into the journal. It reads
//! by `receive` and answers by `perform`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::perform::{self, Next};
use super::receive::{self, Arrival};
use super::shared::Shared;
use super::socket::Socket;
use crate::behavior::{Occasion, REQUEST_BODY_LIMIT, Reply, Source};
use crate::clock::Moment;
use crate::journal::{Attempt, ConnectionEnd, ConnectionRecord, OpenAttempt, Outcome};
use crate::stamp::Stamp;

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

/// Serves a connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, stream: Arc<TcpStream>, mut log: ConnectionLog) {
    let clock = shared.world.clock;
    let mut socket = Socket::new(stream, clock, log.record.accepted);
    let mut out = Vec::new();
    let next = loop {
        let next = one_request(&shared, &mut socket, &mut log, &mut out).await;
        log.record.received_bytes = socket.received;
        if next != Next::GoOn {
            break next;
        }
    };
    match next {
        Next::GoOn | Next::Gone(ConnectionEnd::Peer) => log.end(ConnectionEnd::Peer),
        Next::Gone(end) => log.end(end),
        Next::Close => {
            log.end(ConnectionEnd::Backend);
            socket.close().await;
            return;
        }
        Next::Reset => {
            log.end(ConnectionEnd::BackendReset);
            socket.reset();
            return;
        }
    }
    drop(socket);
}

/// Reads one request and answers it.
async fn one_request(
    shared: &Shared,
    socket: &mut Socket,
    log: &mut ConnectionLog,
    out: &mut Vec<u8>,
) -> Next {
    let (request, mut entry, loaded) = match receive::request(shared, socket, log).await {
        Arrival::Request(request, entry, loaded) => (request, entry, loaded),
        Arrival::Ended(end) => return Next::Gone(end),
        Arrival::Refused(entry, reason) => return perform::refuse(shared, socket, entry, reason).await,
    };
    let key = request.head.path_and_query();
    let (route, plan) = loaded.script.plan_for(&request.head.method, key);
    let stamp = Stamp { backend: shared.name.clone(), number: entry.number };
    let mut occasion = Occasion {
        stamp: &stamp,
        number_on_route: loaded.take_route(route),
        request: &request,
        version: shared.world.versions.of(key),
        random: shared.random_for(entry.number),
        clock: shared.world.clock,
        now: socket.last_read,
    };
    let mut reply = plan.reply(&mut occasion);
    if loaded.needs_whole_bodies && request.body_bytes > REQUEST_BODY_LIMIT as u64 {
        reply = Reply::stamped(413, &occasion);
        reply.body = Source::Bytes(b"the body of the request is too long\n".to_vec());
    }
    let last =
        loaded.script.connections.requests_per_connection.is_some_and(|limit| log.record.requests >= limit);
    let beyond = receive::beyond_the_end(socket);
    entry.note(|attempt| attempt.extra_bytes = beyond.count);
    let may_keep = !last && !beyond.hopeless;
    perform::perform(shared, socket, out, &request, reply, entry, &stamp, may_keep).await
}
