//! What the checks of `persistence.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::Wrong;

/// What a check of `persistence.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum PersistenceFinding {
    /// Everything that was proven to be cached before the kill was served after it.
    KeptAfterKill {
        /// Keys asked again, over all kills.
        keys: u64,
        /// Kills.
        kills: u64,
        /// Whether every backend was down meanwhile.
        backends_down: bool,
    },
    /// Something that was proven to be cached before the kill was not served after it.
    LostAfterKill {
        /// Keys asked again.
        keys: u64,
        /// So many of them were lost.
        lost: u64,
        /// One of them.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// Kills.
        kills: u64,
    },
    /// The proxy did not get ready again after the kill.
    DidNotStartAgain {
        /// Exit status, where it had ended by itself.
        #[serde(default)]
        code: Option<i32>,
        /// What it said last.
        last_lines: Vec<String>,
    },
    /// Keys had passed their TTL before they could be asked again.
    ExpiredBeforeReread {
        /// Keys.
        keys: u64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// No wrong byte was served after kills under write load.
    WholeAfterKill {
        /// Kills in the middle of writes.
        kills: u64,
        /// Requests after them.
        reread: u64,
        /// Of them answered from the cache.
        from_cache: u64,
    },
    /// A wrong byte was served after a kill.
    WrongAfterKill {
        /// Target.
        target: String,
        /// What was wrong.
        wrong: Wrong,
        /// Answers with something wrong.
        count: u64,
        /// Requests after kills.
        reread: u64,
        /// Kills.
        kills: u64,
    },
    /// The cache lies in files beneath the working directory.
    CacheFiles {
        /// Files that came with the first cached answers.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// One of them.
        example: String,
    },
    /// No file beneath the working directory holds the cache.
    NoCacheFiles {
        /// Files seen there, log and configuration included.
        files: u64,
        /// Bytes that were cached.
        cached_bytes: u64,
    },
    /// The proxy listened again at once after each kill.
    ReboundAtOnce {
        /// Starts after a kill.
        starts: u64,
        /// Slowest of them, from the start to listening.
        slowest_ms: f64,
    },
    /// The proxy could not bind its port again at once.
    ReboundLate {
        /// From the first try to listening.
        after_ms: f64,
        /// Starts in vain.
        vain: u64,
        /// Starts after a kill.
        starts: u64,
        /// Whether that was given up, and the run went on at another port.
        #[serde(default)]
        given_up: bool,
    },
    /// Everything under an unusual name that was proven to be cached was served after every end of the proxy.
    OddNamesKept {
        /// Keys asked again, over all ends.
        keys: u64,
        /// Of them with a path longer than a file name can be.
        long: u64,
        /// Ends by SIGKILL.
        kills: u64,
        /// Orderly ends.
        stops: u64,
    },
    /// Something under an unusual name was not served after an end of the proxy.
    OddNameLost {
        /// Its target.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// Whether the proxy had been killed; otherwise it had ended in an orderly way.
        killed: bool,
        /// Keys lost.
        lost: u64,
        /// Keys asked again.
        keys: u64,
    },
}
