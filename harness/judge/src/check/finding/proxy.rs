//! What the checks of `proxy.alive` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use harness_model::history::LimitReached;

/// What a check of `proxy.alive` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum ProxyFinding {
    /// The proxy lived as long as it should.
    Lived {
        /// Starts.
        launches: u64,
        /// Requests it was sent.
        exchanges: u64,
    },
    /// The proxy ended by itself.
    Died {
        /// Exit status.
        code: Option<i32>,
        /// Signal.
        signal: Option<i32>,
        /// Target of the last request before, where there was one.
        after: Option<String>,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// The harness ended the proxy at a limit of its adapter.
    StoppedByLimit {
        /// Which.
        limit: LimitReached,
        /// Target of the last request before, where there was one.
        after: Option<String>,
    },
}
