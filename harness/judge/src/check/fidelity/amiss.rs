//! What can be amiss with an exact exchange: on the way to the backend, and on the way back.
//!
//! Findings carry it and the module `language` has words for each. Nothing here is a sentence.

use serde::{Deserialize, Serialize};

use crate::check::{Difference, Wrong};

/// What was amiss with an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "amiss")]
pub enum Amiss {
    // --- on the way to the backend ---
    /// No backend saw the request.
    NotForwarded {
        /// What the client got instead, where something was wrong with it.
        wrong: Option<Wrong>,
    },
    /// More than one backend answered it.
    SentTwice {
        /// Attempts.
        attempts: u64,
    },
    /// It arrived with another method.
    Method {
        /// That.
        arrived: String,
    },
    /// It arrived with another target.
    Target {
        /// That.
        arrived: String,
    },
    /// A field did not arrive, or with another value.
    Field {
        /// Its name.
        name: String,
        /// As sent.
        sent: String,
        /// As it arrived, where it did.
        arrived: Option<String>,
    },
    /// The body never was complete at the backend.
    BodyShort {
        /// Bytes sent.
        sent: u64,
        /// Bytes that arrived.
        arrived: u64,
    },
    /// A body of another length arrived.
    BodyLength {
        /// Bytes sent.
        sent: u64,
        /// Bytes that arrived.
        arrived: u64,
    },
    /// A body of the right length and with other bytes arrived.
    BodyBytes,
    /// Bytes followed that belong to no request.
    RequestExtra {
        /// So many.
        bytes: u64,
    },
    /// What arrived is no request.
    NotARequest {
        /// Why.
        how: String,
    },

    // --- on the way back ---
    /// Something was wrong with the answer.
    Answer {
        /// What.
        wrong: Wrong,
    },
    /// The client got another status than the backend sent.
    Status {
        /// As the backend sent it.
        sent: u16,
        /// As it came.
        came: u16,
    },
    /// A field of the answer did not come, or with another value.
    AnswerField {
        /// Its name.
        name: String,
        /// As the backend sent it.
        sent: String,
        /// As it came, where it did.
        came: Option<String>,
    },
    /// A body came where none may come.
    UnwantedBody {
        /// So many bytes.
        bytes: u64,
    },
    /// The answer is complete, and the connection was not used for the next request.
    NotKept,

    // --- where something else than a faithful answer is expected ---
    /// An answer of success where no backend gave one.
    SuccessOfNothing {
        /// Its status.
        status: u16,
    },
    /// The client was left without an answer: closed or silent.
    NoAnswer {
        /// How it ended.
        wrong: Wrong,
    },
    /// An incomplete answer was passed off as complete.
    PassedOffAsWhole {
        /// Bytes of the body that came.
        bytes: u64,
    },
    /// It came from the cache, where nothing may be kept.
    Kept,
    /// It came from a backend, where the cache should have had it.
    NotKeptInCache,
    /// A backend that had failed and was back was not asked again.
    NotAskedAgain {
        /// Its name.
        backend: String,
        /// Requests were sent for so long, in ms.
        for_ms: u64,
    },
    /// The cache gave an answer out with another status than its backend had sent.
    StatusOfHit {
        /// As the backend sent it.
        sent: u16,
        /// As it came.
        came: u16,
    },
    /// The answer from the cache is another than the first one.
    Differs {
        /// In what.
        difference: Difference,
    },
}
