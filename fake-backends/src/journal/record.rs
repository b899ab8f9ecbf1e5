//! What the journal says of one request and of one connection.
//!
//! Filled in by `server`, kept by `Journal`, written to files by the harness and by the command line. Nothing here
//! decides anything.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::wire::WireBytes;

/// A request as a backend saw it, and what became of it. Requests that our server refuses are attempts too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Name of the backend.
    pub backend: String,
    /// The how-manieth request of this backend it is, from one; the number in the stamp of its answer.
    pub number: u64,
    /// Connection, unique in the journal.
    pub connection: u64,
    /// One for the first request on its connection.
    pub request_on_connection: u32,
    /// The other end of the connection.
    pub peer: Option<SocketAddr>,
    /// When the connection was accepted.
    pub accepted: Moment,
    /// When the first byte of the request was read.
    pub arrived: Moment,
    /// When the head was complete; `None` where it never was.
    pub head_complete: Option<Moment>,
    /// When the whole request was there; `None` where it never was.
    pub body_complete: Option<Moment>,
    /// When the first byte of the answer (1xx included) was handed to the kernel.
    pub responded: Option<Moment>,
    /// When the attempt was over; the moment of the last change while it is not.
    pub finished: Moment,
    /// When the other end was seen to close or reset while the answer was still due.
    pub peer_closed: Option<Moment>,
    /// Method; empty where the request line could not be read.
    pub method: String,
    /// Target as received; empty where the request line could not be read.
    pub target: String,
    /// The head as received, at most the first 64 KiB.
    pub head: WireBytes,
    /// Length of the head.
    pub head_bytes: u64,
    /// Length of the body without its framing, as far as it came.
    pub body_bytes: u64,
    /// xxh3-64 of the body without its framing.
    pub body_hash: u64,
    /// Its first bytes, at most 4 KiB.
    pub body_start: WireBytes,
    /// Bytes after the end of the request that cannot be the beginning of another one.
    pub extra_bytes: u64,
    /// Whether the head announced `Expect: 100-continue`.
    pub expected_continue: bool,
    /// How it met others at a barrier, where it was held at one.
    pub met: Option<Met>,
    /// Status sent; `None` where no status line left.
    pub status: Option<u16>,
    /// Bytes of the answer handed to the kernel, heads and framing included.
    pub response_bytes: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What happened at a barrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// Name of the barrier.
    pub barrier: String,
    /// Requests inside when it opened, this one included.
    pub inside: u32,
    /// Requests that it waited for.
    pub wanted: u32,
    /// When it opened for this request.
    pub opened: Moment,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not over yet.
    Open,
    /// Answered completely, as its own framing says.
    Answered,
    /// Answered with bytes that are not HTTP, or framed wrongly, as told.
    AnsweredWrongly,
    /// Closed without a byte of an answer, as told.
    Refused,
    /// Left without an answer, or in the middle of one, until the other end or the backend gave up, as told.
    Hung,
    /// Reset, as told.
    Reset,
    /// Answered with less than announced, as told.
    Truncated,
    /// The other end closed or reset before the request or its answer was complete.
    ClientLeft,
    /// Not a request that our server reads; answered with 400 or another refusal where it could be.
    Malformed(String),
    /// The backend was taken down or stopped meanwhile.
    Stopped,
}

/// A connection as a backend saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRecord {
    /// Name of the backend.
    pub backend: String,
    /// Unique in the journal.
    pub connection: u64,
    /// The other end.
    pub peer: Option<SocketAddr>,
    /// When it was accepted.
    pub accepted: Moment,
    /// When it was over; `None` while it is open.
    pub closed: Option<Moment>,
    /// Attempts on it.
    pub requests: u32,
    /// Bytes received on it. A bare connection has none.
    pub received_bytes: u64,
    /// Who ended it; `None` while it is open.
    pub end: Option<ConnectionEnd>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionEnd {
    /// The other end closed it.
    Peer,
    /// The other end reset it, or it broke.
    PeerReset,
    /// The backend closed it.
    Backend,
    /// The backend reset it.
    BackendReset,
    /// The backend was taken down or stopped.
    Stopped,
}

impl Attempt {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.outcome != Outcome::Open
    }

    /// The same with every moment put forward (or back, where negative) by so many nanoseconds: as another clock has it.
    #[must_use]
    pub fn shifted(mut self, nanoseconds: i64) -> Attempt {
        let shift = |moment: &mut Moment| moment.0 = moment.0.saturating_add_signed(nanoseconds);
        [&mut self.accepted, &mut self.arrived, &mut self.finished].into_iter().for_each(shift);
        let some =
            [&mut self.head_complete, &mut self.body_complete, &mut self.responded, &mut self.peer_closed];
        some.into_iter().flatten().for_each(shift);
        if let Some(met) = &mut self.met {
            shift(&mut met.opened);
        }
        self
    }

    /// The value of the first field of this name in the head, without surrounding blanks.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        crate::wire::lines_of(&self.head.0)
            .skip(1)
            .filter_map(crate::wire::split_field)
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}
