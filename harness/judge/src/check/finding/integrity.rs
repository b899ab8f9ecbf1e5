//! What the checks of `integrity.bodies` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::Wrong;

/// What a check of `integrity.bodies` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum IntegrityFinding {
    /// Every answer was right to the last byte.
    BodiesRight {
        /// Answers judged.
        exchanges: u64,
        /// Bytes of their bodies.
        bytes: u64,
    },
    /// Nothing was wrong with what backends answered, and they answered too little: most answers were words of the proxy's own.
    FewOfBackends {
        /// Answers of backends, each of them right.
        right: u64,
        /// Answers that no backend gave.
        of_nobody: u64,
    },
    /// An answer was wrong.
    WrongBody {
        /// What was asked for.
        target: String,
        /// What was wrong.
        wrong: Wrong,
        /// Wrong answers.
        count: u64,
        /// Answers judged.
        exchanges: u64,
    },
}
