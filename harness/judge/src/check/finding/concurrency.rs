//! What the checks of `concurrency.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::Wrong;
use harness_model::plan::ClientKind;

/// What a check of `concurrency.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum ConcurrencyFinding {
    /// Fast requests were answered while the slow one was in its backend.
    FastOvertook {
        /// Fast ones.
        fast: u64,
        /// The slow one was in its backend for so long.
        slow_ms: f64,
        /// Slowest of the fast ones.
        slowest_ms: f64,
    },
    /// Fast requests had to wait for a slow one.
    FastWaited {
        /// One of them.
        target: String,
        /// It took so long.
        waited_ms: f64,
        /// The slow one was in its backend for so long.
        slow_ms: f64,
        /// Fast ones that were not answered meanwhile.
        waiting: u64,
        /// Fast ones sent.
        fast: u64,
    },
    /// The slow request itself went wrong, so nothing could be overtaken.
    SlowWentWrong {
        /// Its target.
        target: String,
        /// How.
        wrong: Wrong,
    },
    /// So many requests were inside the backends at the same instant.
    InsideAtOnce {
        /// As many as were sent together.
        asked: u64,
        /// Largest number at any instant.
        inside: u64,
    },
    /// Fewer requests than sent together were ever inside the backends at the same instant.
    NotInsideAtOnce {
        /// Sent together.
        asked: u64,
        /// Largest number at any instant.
        inside: u64,
    },
    /// Everyone got the own answer.
    OwnAnswers {
        /// Answers judged.
        exchanges: u64,
        /// Most clients at once.
        at_once: u64,
    },
    /// Somebody did not get the own answer.
    NotOwnAnswer {
        /// What was asked for.
        target: String,
        /// What came.
        wrong: Wrong,
        /// Requests that ended like this or alike.
        count: u64,
        /// Requests judged.
        exchanges: u64,
        /// Most clients at once.
        at_once: u64,
    },
    /// Clients of all these kinds were served.
    ClientKindsServed {
        /// Which.
        kinds: Vec<ClientKind>,
        /// Requests.
        exchanges: u64,
    },
    /// A kind of client was not served.
    ClientKindUnserved {
        /// Which.
        kind: ClientKind,
        /// Target.
        target: String,
        /// What came.
        wrong: Wrong,
        /// Requests that ended like this or alike.
        count: u64,
        /// Requests of this kind.
        exchanges: u64,
    },
    /// What simultaneous requests for a cold key did to the backends.
    ColdKey {
        /// Clients that asked at once.
        requests: u64,
        /// Requests that reached the backends.
        attempts: u64,
    },
}
