//! What the checks of `log.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::logged::{LogLack, LogPlace};

/// What a check of `log.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum LogFinding {
    /// Every exchange is in the log.
    Logged {
        /// In which.
        place: LogPlace,
        /// Exchanges looked for.
        exchanges: u64,
        /// Of them answered from the cache.
        hits: u64,
    },
    /// Something of an exchange is not in the log, or too often.
    NotLogged {
        /// In which.
        place: LogPlace,
        /// Its method.
        method: String,
        /// Its target.
        target: String,
        /// Status of its answer.
        status: u16,
        /// What is missing.
        lack: LogLack,
        /// Exchanges of which something is.
        count: u64,
        /// Exchanges looked for.
        exchanges: u64,
    },
    /// How much was written for each exchange.
    Written {
        /// Where most was written.
        place: LogPlace,
        /// Bytes for each, at least.
        bytes_each: u64,
        /// Lines for each, at least.
        lines_each: u64,
        /// Exchanges.
        exchanges: u64,
    },
}
