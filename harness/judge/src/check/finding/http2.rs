//! What the checks of `http2.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::Share;
use harness_model::history::{MisuseEnd, Second};

/// What a check of `http2.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Http2Finding {
    /// Streams of one connection were answered and shared the backends in turn.
    StreamsInTurn {
        /// Streams.
        streams: u64,
        /// Connections that they came by: more than one where the proxy ended some.
        connections: u64,
        /// What each backend got.
        shares: Vec<Share>,
    },
    /// They were answered, and some backends got more of them than others.
    StreamsUneven {
        /// Streams.
        streams: u64,
        /// Most less fewest.
        spread: u64,
        /// So much is allowed.
        allowed: u64,
        /// What each backend got.
        shares: Vec<Share>,
    },
    /// They were answered, and the proxy ended every connection after a stream, so that none shared one.
    StreamsApart {
        /// Streams.
        streams: u64,
    },
    /// A field that only HTTP/2 knows came to a backend.
    PseudoFieldArrived {
        /// The target that was asked for.
        target: String,
        /// The line of the head.
        line: String,
    },
    /// Somebody opened and reset streams, and everybody else was served.
    ResetsBorne {
        /// Streams that were opened and reset.
        streams: u64,
        /// Of these, as many came to a backend.
        reached: u64,
        /// What the proxy did.
        end: MisuseEnd,
    },
    /// A head without an end was ended.
    HeadEnded {
        /// After so many bytes of it.
        bytes: u64,
        /// By what.
        end: MisuseEnd,
    },
    /// It was taken, all that was sent of it.
    HeadTaken {
        /// So many bytes.
        bytes: u64,
    },
    /// Neither: it was read so slowly that it was not sent to its end.
    HeadUnderWay {
        /// So many bytes had been written.
        bytes: u64,
    },
    /// Requests that would be two in HTTP/1.1 were refused, and no backend saw the second.
    TwoRefused {
        /// So many.
        requests: u64,
    },
    /// A backend saw the second one.
    SecondArrived {
        /// What made two of one.
        variant: Second,
        /// The line of the request that nobody had sent.
        arrived: String,
    },
    /// One of them was passed on without what was treacherous in it, as one, where it ought to be refused.
    TwoTakenForOne {
        /// What would have made two of it.
        variant: Second,
        /// All of them.
        requests: u64,
    },
    /// No backend saw a second one, and to some of them nothing was said, neither that they are refused nor that they are taken.
    TwoLeftOpen {
        /// What would have made two of those.
        variants: Vec<Second>,
        /// All of them.
        requests: u64,
    },
}
