//! What the checks of `rr.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::{RotationPattern, Share, Wrong};

/// What a check of `rr.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum RotationFinding {
    /// Serial requests visited the backends in an exact cycle.
    ExactCycle {
        /// Requests judged.
        requests: u64,
        /// The cycle, beginning anywhere.
        order: Vec<String>,
        /// Probability that picking at random had looked the same.
        chance: f64,
    },
    /// With several rotations declared, serial requests stayed as even as these allow.
    EvenWithinRotations {
        /// Requests judged.
        requests: u64,
        /// Largest difference between two backends after any of them.
        spread: u64,
        /// Rotations declared.
        rotations: u64,
    },
    /// The cycle was broken.
    CycleBroken {
        /// Number of the request, from one, that went elsewhere.
        position: u64,
        /// Where the cycle would have sent it.
        expected: String,
        /// Where it went.
        saw: String,
        /// Backends in the order in which they were visited, the first 24 at most.
        sequence: Vec<String>,
        /// Requests judged.
        requests: u64,
        /// What it looks like.
        pattern: RotationPattern,
    },
    /// The backend changed with the connection, and never between the requests of one.
    TurnPerConnection {
        /// Requests on connections that carried several.
        requests: u64,
        /// These connections.
        connections: u64,
        /// All connections of serial requests.
        over: u64,
        /// The backends that these reached.
        backends: Vec<String>,
    },
    /// Backends that never got a request.
    BackendsLeftOut {
        /// Which.
        names: Vec<String>,
        /// Attempts per backend.
        shares: Vec<Share>,
    },
    /// One request of a client arrived more than once at healthy backends.
    DoubledAttempts {
        /// Target of one of them.
        target: String,
        /// Times it arrived.
        attempts: u64,
        /// Requests that arrived more than once.
        count: u64,
        /// Requests judged.
        requests: u64,
    },
    /// Requests that no backend ever saw.
    NotForwarded {
        /// Target of one of them.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// So many.
        count: u64,
        /// Requests judged.
        requests: u64,
    },
    /// Counts per backend stayed together over concurrent batches.
    EvenBatches {
        /// Batches.
        batches: u64,
        /// Requests of each.
        size: u64,
        /// Largest difference between two backends after any batch.
        spread: u64,
        /// Difference allowed: the rotations declared.
        allowed: u64,
        /// Probability that these batches catch a counter which loses one update in a hundred.
        power: f64,
        /// Attempts per backend.
        shares: Vec<Share>,
    },
    /// Counts per backend drifted apart.
    UnevenBatches {
        /// First batch, from one, after which they were too far apart.
        batch: u64,
        /// Batches.
        batches: u64,
        /// Requests of each.
        size: u64,
        /// Largest difference between two backends after any batch.
        spread: u64,
        /// Difference allowed: the rotations declared.
        allowed: u64,
        /// Attempts per backend.
        shares: Vec<Share>,
        /// What it looks like.
        pattern: RotationPattern,
    },
    /// What kind of rotation it is.
    RotationScope {
        /// Which.
        pattern: RotationPattern,
        /// Requests it was judged on.
        requests: u64,
    },
    /// Whether an answer from the cache uses up a turn.
    HitsAndTurns {
        /// Whether it does.
        take_turn: bool,
        /// Hits in between.
        hits: u64,
    },
}
