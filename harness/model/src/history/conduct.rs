//! What the harness did of its own accord because of what a proxy did: looked, adapted, let go, moved on, left out.
//!
//! The conductor records these beside the exchanges, so that a check knows what stood between two steps, and what was not asked.
//! Each says what happened and why; none of them says that something was right or wrong.

use super::StepProblem;
use std::net::SocketAddr;
use std::time::Duration;

use fake_backends::clock::Moment;
use serde::{Deserialize, Serialize};

use crate::catalogue::CheckId;
use crate::plan::duration_ns;

/// What a request of the first look showed. It belongs to no step, and no check takes its exchange for traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Look {
    /// A plain GET, whose backend kept its connection open for a moment and closed it then.
    KeptOpen {
        /// How long the backend kept it after its answer.
        #[serde(with = "duration_ns")]
        kept_for: Duration,
        /// What the proxy waited for.
        seen: KeptOpen,
    },
    /// A GET whose answer holds bytes that no text has (NUL, 0xFF).
    BinaryBody {
        /// Length of that body.
        bytes: u64,
        /// What became of it.
        seen: BinaryBody,
    },
}

/// Whether a proxy waits for the end of its backend's connection, where the answer has a length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptOpen {
    /// The answer was complete, and the client's connection usable or closed, before the backend closed.
    NotWaitedFor,
    /// The answer was complete only once the backend had closed.
    AnswerWaited {
        /// From the backend's close to the complete answer.
        #[serde(with = "duration_ns")]
        after_close: Duration,
    },
    /// The answer came at once, but the client's connection was closed, or its next request answered, only once the backend had closed.
    ConnectionWaited {
        /// From the backend's close to that.
        #[serde(with = "duration_ns")]
        after_close: Duration,
    },
    /// Nothing can be said: no answer came, or no backend saw the request.
    Unknown,
}

impl KeptOpen {
    /// Whether it waits for its backend's end.
    pub fn waits(&self) -> bool {
        matches!(self, KeptOpen::AnswerWaited { .. } | KeptOpen::ConnectionWaited { .. })
    }
}

/// What became of a small binary body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BinaryBody {
    /// It came whole.
    Whole,
    /// A complete answer came, with other bytes or another status.
    Altered {
        /// Status.
        status: u16,
        /// Length of what came.
        bytes: u64,
    },
    /// The connection ended before the answer was complete.
    CutShort {
        /// Bytes of the body that came.
        bytes: u64,
    },
    /// Nothing, or not all of it, came in time.
    Unanswered {
        /// Bytes of the body that came.
        bytes: u64,
    },
    /// The proxy ended.
    Died {
        /// Exit status, where it ended by itself.
        code: Option<i32>,
        /// Signal, where one ended it.
        signal: Option<i32>,
        /// The last lines that it printed.
        last_lines: Vec<String>,
    },
}

impl BinaryBody {
    /// Whether such a body comes through.
    pub fn is_whole(&self) -> bool {
        *self == BinaryBody::Whole
    }
}

/// What the backends do otherwise from now on, so that one fault of the proxy does not decide every other question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adaptation {
    /// They say `Connection: close` and close after each answer, except where keeping is what a step is about: the proxy waits for
    /// the end of its backend's connection.
    BackendsClose,
    /// Bodies that a step is not about are text: binary ones do not come through.
    TextBodies,
}

/// What an adaptation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The first look, recorded just before.
    FirstLook,
    /// An exchange that timed out although its backend had sent the whole answer, on a connection that the proxy held still.
    TimedOut {
        /// Its id.
        exchange: u64,
    },
    /// An exchange that was answered as soon as its backend, done long before, had closed the connection.
    AnsweredAtClose {
        /// Its id.
        exchange: u64,
    },
}

/// After requests without an answer both ends were closed, so that what one step left behind does not count against another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetGo {
    /// Requests of the step that were left without an answer.
    pub unanswered: u64,
    /// Whether it could go on.
    pub how: HowLetGo,
}

/// How a proxy was let go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HowLetGo {
    /// It answered plain requests, and held nothing any more of what was closed.
    Answered {
        /// From the close to the last of these answers.
        #[serde(with = "duration_ns")]
        after: Duration,
    },
    /// It was ended and started again; nothing was wiped. What it kept in memory is gone.
    Restarted {
        /// Why.
        because: Stuck,
        /// From the close to the new start being ready.
        #[serde(with = "duration_ns")]
        after: Duration,
    },
    /// The same, but it did not get ready again.
    NotBack {
        /// Why it was ended.
        because: Stuck,
        /// Why it did not come back.
        problem: StepProblem,
    },
    /// It needs a restart, which is put off because later steps ask again for what this one has stored.
    PutOff {
        /// Why.
        because: Stuck,
    },
}

/// Why a proxy could not go on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stuck {
    /// A plain request was not answered.
    Silent,
    /// It answered, but went on holding connections that were closed at their other ends: whoever serves them is parked.
    Holds {
        /// How many.
        connections: u64,
    },
    /// It answered, but used CPU time without being asked anything.
    Spins {
        /// Percent of one CPU.
        percent: u32,
    },
}

/// Why a step, or the rest of one, was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotAsked {
    /// So many requests in a row had timed out, each of the same kind.
    TimedOut {
        /// How many in a row.
        in_a_row: u32,
    },
    /// No plain GET had ever been answered from a backend.
    NothingForwarded,
    /// Without this check, which had failed, the answer says nothing.
    Ground {
        /// The check.
        check: CheckId,
    },
    /// The proxy did not run and could not be started.
    ProxyGone,
}

/// A connection that a client was to go on with, and which was gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconnected {
    /// Its number; `None` where the client does not tell.
    pub connection: Option<u64>,
    /// Requests that had been answered on it.
    pub answered: u32,
    /// From the end of its last answer to the moment at which it was found gone; `None` where the client does not tell.
    #[serde(with = "duration_ns::option")]
    pub idle: Option<Duration>,
    /// How it was found.
    pub found: FoundGone,
}

/// How a connection was found to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundGone {
    /// Before anything was sent on it, although its last answer had not said `Connection: close`.
    Idle,
    /// The same by bytes that nobody had asked for: the connection is given up.
    Spoke {
        /// How many, the first 1,024 of them.
        bytes: u64,
    },
    /// The request was sent and the connection closed before a byte of an answer; it was asked again (RFC 9112 §9.3.1).
    Closed {
        /// When it was sent the first time.
        first_sent: Moment,
    },
    /// The same, by a reset.
    Reset {
        /// When it was sent the first time.
        first_sent: Moment,
    },
}

impl Reconnected {
    /// When the request was sent the first time, where it was sent twice.
    pub fn asked_again(&self) -> Option<Moment> {
        match self.found {
            FoundGone::Idle | FoundGone::Spoke { .. } => None,
            FoundGone::Closed { first_sent } | FoundGone::Reset { first_sent } => Some(first_sent),
        }
    }
}

/// How long a request was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// By its step.
    #[serde(with = "duration_ns")]
    pub planned: Duration,
    /// In fact: less where nothing had been answered for long, more where the host was busy.
    #[serde(with = "duration_ns")]
    pub given: Duration,
}

/// Why our own client could not ask; none of it says anything of the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The request cannot be expressed by this client.
    Inexpressible,
    /// The system gave no descriptor, port, memory, process or network.
    NoMeans,
    /// A program or library is missing or broken.
    Missing,
}

/// The port of a proxy could not be bound again, and the rest of the run goes on at another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortGivenUp {
    /// The address that it could not bind.
    pub from: SocketAddr,
    /// Where it is told to listen from now on.
    pub to: SocketAddr,
    /// How long it was tried.
    #[serde(with = "duration_ns")]
    pub waited: Duration,
    /// Starts in vain.
    pub attempts: u32,
}

/// Why a run ended before its plan did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutBy {
    /// The user, by the keyboard.
    User,
    /// The system, or whoever started the harness.
    Signal,
    /// The time allowed.
    Time,
}
