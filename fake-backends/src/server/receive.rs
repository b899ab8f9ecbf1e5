//! Reads a request off a connection and begins its entry in the journal.
//!
//! `connection` calls it for each request. A request that breaks off or is malformed has an entry too; nothing here
//! answers, except that `100 Continue` is sent where a request waits for it.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use super::connection_log::{ConnectionLog, Entry};
use super::shared::{Loaded, Shared};
use super::socket::Socket;
use crate::behavior::{REQUEST_BODY_LIMIT, Received};
use crate::clock::Moment;
use crate::journal::{Attempt, BODY_KEPT_BYTES, ConnectionEnd, HEAD_KEPT_BYTES, Outcome};
use crate::wire::{Field, Framing, RequestEvent, RequestHead, RequestReader, WireBytes};

/// Longest head that is read; far above what proxies allow, so that it is never us who refuses first.
const HEAD_LIMIT: usize = 1024 * 1024;

/// What came.
pub(super) enum Arrival {
    /// A whole request, and the script that was in force when its head was complete.
    Request(Box<Received>, Entry, Arc<Loaded>),
    /// The connection ended before a request, or in the middle of one that has been entered as such.
    Ended(ConnectionEnd),
    /// Bytes that are not a request.
    Refused(Entry, String),
}

/// Bytes behind a request.
pub(super) struct Beyond {
    /// How many of them cannot belong to a next request.
    pub count: u64,
    /// Whether no next request can follow.
    pub hopeless: bool,
}

/// A request in the making.
struct Making {
    head: RequestHead,
    entry: Entry,
    loaded: Arc<Loaded>,
    hash: Xxh3,
    body_bytes: u64,
    /// How much of it the journal has.
    noted: u64,
    start: Vec<u8>,
    whole: Option<Vec<u8>>,
    trailers: Vec<Field>,
}

/// Reads the next request.
pub(super) async fn request(shared: &Shared, socket: &mut Socket, log: &mut ConnectionLog) -> Arrival {
    let mut reader = RequestReader::new(HEAD_LIMIT);
    let mut arrived = None;
    let mut making: Option<Making> = None;
    loop {
        let mut input = socket.pending();
        let before = input.len();
        let event = reader.next(&mut input);
        let taken = before - input.len();
        if arrived.is_none() && reader.has_begun() {
            arrived = Some(socket.last_read);
        }
        let read_at = socket.last_read;
        match event {
            Err(malformed) => {
                let entry = match making {
                    Some(making) => making.into_cut_entry(),
                    None => enter_partial(log, arrived.unwrap_or(read_at), &reader),
                };
                return Arrival::Refused(entry, malformed.to_string());
            }
            Ok(Some(RequestEvent::Head(mut head))) => {
                strip(&mut head.target, &shared.world.target_prefix);
                let entry = log.begin(arrived.unwrap_or(read_at), |attempt| {
                    attempt.head_complete = Some(read_at);
                    describe(attempt, &head);
                });
                making = Some(Making::new(*head, entry, shared.script()));
            }
            Ok(Some(RequestEvent::Body(data))) => {
                if let Some(making) = &mut making {
                    making.push(data);
                }
            }
            Ok(Some(RequestEvent::Trailers(fields))) => {
                if let Some(making) = &mut making {
                    making.trailers = fields;
                }
            }
            Ok(Some(RequestEvent::Complete)) => {
                socket.consume(taken);
                if let Some(making) = making {
                    return making.complete(shared, read_at);
                }
                continue;
            }
            Ok(None) => {
                socket.consume(taken);
                // Should nothing more come before the backend is stopped, the journal has what came.
                if let Some(making) = making.as_mut().filter(|making| making.body_bytes > making.noted) {
                    making.note_body();
                    making.entry.publish(Outcome::Stopped);
                }
                if let Some(ended) = read_more(socket, &mut making).await {
                    return cut(ended, making, &reader, log, arrived, socket);
                }
                continue;
            }
        }
        socket.consume(taken);
    }
}

/// Looks at what has been read beyond the end of a request.
pub(super) fn beyond_the_end(socket: &mut Socket) -> Beyond {
    let pending = socket.pending();
    let blank = pending.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    match pending.get(blank) {
        // RFC 9112 §2.2 lets empty lines pass, and yet a client must not send them.
        None => Beyond { count: blank as u64, hopeless: false },
        Some(byte) if is_token(*byte) => Beyond { count: blank as u64, hopeless: false },
        Some(_) => {
            let all = pending.len();
            socket.consume(all);
            Beyond { count: all as u64, hopeless: true }
        }
    }
}

/// Reads; the way the connection ended, where it did. Sends `100 Continue` first where the request waits for it.
async fn read_more(socket: &mut Socket, making: &mut Option<Making>) -> Option<ConnectionEnd> {
    if let Some(making) = making
        && making.body_bytes == 0
        && making.head.expects_continue()
        && making.head.framing != Framing::Nothing
        && !making.loaded.script.connections.withhold_continue
        && !std::mem::replace(&mut making.entry.told_to_continue, true)
        && socket.write(b"HTTP/1.1 100 Continue\r\n\r\n").await.is_err()
    {
        return Some(ConnectionEnd::PeerReset);
    }
    match socket.read(making.is_some()).await {
        Ok(0) => Some(ConnectionEnd::Peer),
        Ok(_) => None,
        Err(_) => Some(ConnectionEnd::PeerReset),
    }
}

/// Enters what there is of a request whose connection has ended.
fn cut(
    end: ConnectionEnd,
    making: Option<Making>,
    reader: &RequestReader,
    log: &mut ConnectionLog,
    arrived: Option<Moment>,
    socket: &Socket,
) -> Arrival {
    let entry = match (making, arrived) {
        (Some(making), _) => Some(making.into_cut_entry()),
        (None, Some(arrived)) => Some(enter_partial(log, arrived, reader)),
        (None, None) => None,
    };
    if let Some(mut entry) = entry {
        entry.note(|attempt| attempt.peer_closed = Some(socket.last_read));
        entry.finish(socket.last_read, Outcome::ClientLeft);
    }
    Arrival::Ended(end)
}

fn enter_partial(log: &mut ConnectionLog, arrived: Moment, reader: &RequestReader) -> Entry {
    log.begin(arrived, |attempt| {
        let head = reader.partial_head();
        attempt.head_bytes = head.len() as u64;
        attempt.head = head[..head.len().min(HEAD_KEPT_BYTES)].into();
    })
}

/// Takes what clients put in front of every target away again, where the proxy has left it there. What came stays in the
/// raw head.
fn strip(target: &mut String, prefix: &str) {
    if !prefix.is_empty()
        && let Some(rest) = target.strip_prefix(prefix)
        && rest.starts_with('/')
    {
        *target = rest.to_owned();
    }
}

fn describe(attempt: &mut Attempt, head: &RequestHead) {
    attempt.method.clone_from(&head.method);
    attempt.target.clone_from(&head.target);
    attempt.head_bytes = head.raw.0.len() as u64;
    attempt.head = head.raw.0[..head.raw.0.len().min(HEAD_KEPT_BYTES)].into();
    attempt.expected_continue = head.expects_continue();
}

impl Making {
    fn new(head: RequestHead, entry: Entry, loaded: Arc<Loaded>) -> Making {
        let whole = loaded.needs_whole_bodies.then(Vec::new);
        Making {
            head,
            entry,
            loaded,
            hash: Xxh3::new(),
            body_bytes: 0,
            noted: 0,
            start: Vec::new(),
            whole,
            trailers: Vec::new(),
        }
    }

    fn push(&mut self, data: &[u8]) {
        self.hash.update(data);
        self.body_bytes += data.len() as u64;
        let room = BODY_KEPT_BYTES - self.start.len();
        self.start.extend_from_slice(&data[..data.len().min(room)]);
        if let Some(whole) = &mut self.whole
            && whole.len() + data.len() <= REQUEST_BODY_LIMIT
        {
            whole.extend_from_slice(data);
        }
    }

    /// Notes what there is of the body.
    fn note_body(&mut self) {
        self.noted = self.body_bytes;
        let (bytes, hash, start) = (self.body_bytes, self.hash.digest(), &self.start);
        self.entry.note(|attempt| {
            attempt.body_bytes = bytes;
            attempt.body_hash = hash;
            attempt.body_start = start.as_slice().into();
        });
    }

    fn into_cut_entry(mut self) -> Entry {
        self.note_body();
        self.entry
    }

    fn complete(mut self, shared: &Shared, at: Moment) -> Arrival {
        self.note_body();
        self.entry.note(|attempt| attempt.body_complete = Some(at));
        if self.body_bytes > 0 {
            let counter = &shared.counters.request_body_bytes;
            counter.fetch_add(self.body_bytes, std::sync::atomic::Ordering::Relaxed);
        }
        let received = Received {
            head: self.head,
            body_bytes: self.body_bytes,
            body_hash: self.hash.digest(),
            body_start: WireBytes(self.start),
            body: self.whole,
            trailers: self.trailers,
        };
        Arrival::Request(Box::new(received), self.entry, self.loaded)
    }
}

/// RFC 9110 §5.6.2: what a method may be made of.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
