//! What the checks of exact exchanges (`forward.*`, `connections.*`, `failures.*`, `page.*`, most of `cache.*`) saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::fidelity::Amiss;

/// What a check of exact exchanges (`forward.*`, `connections.*`, `failures.*`, `page.*`, most of `cache.*`) saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum ExchangeFinding {
    /// All exchanges came out as they should.
    AsAsked {
        /// So many.
        exchanges: u64,
    },
    /// Nothing came in time, but a backend that said nothing was left: there is a limit, beyond what was waited for.
    LeftSilentBackend {
        /// So long after it was asked the first one was left.
        after_ms: f64,
        /// Nobody waited longer than this.
        within_ms: f64,
    },
    /// Nothing came in time, and a backend that said nothing was asked again: whether that ends is not known.
    CameBackToSilentBackend {
        /// Nobody waited longer than this.
        within_ms: f64,
    },
    /// Something was amiss with an exchange.
    Amiss {
        /// Its method.
        method: String,
        /// Its target.
        target: String,
        /// What.
        amiss: Amiss,
        /// Exchanges with something amiss.
        count: u64,
        /// Exchanges judged.
        exchanges: u64,
    },
    /// What has a length was taken for whole only when the backend had closed its connection.
    WaitsForBackendsEnd {
        /// The backend kept it open for so long after its answer.
        kept_for_ms: f64,
        /// So long after its close the client was served, or let go.
        after_close_ms: f64,
        /// Whether the answer itself was held back; otherwise only the connection of the client.
        answer: bool,
    },
    /// The answer came, but its client's connection was of no use until the backend had closed its own.
    ClientWaitsForClose {
        /// How long the backend kept it.
        kept_ms: f64,
    },
    /// Connections were closed right after their answer, and nothing had said so.
    ClosesUnsaid {
        /// A request that was to go on with one of them.
        target: String,
        /// Connections that were found gone.
        closed: u64,
        /// Requests that did go on with one.
        went_on: u64,
    },
    /// Connections were gone on with, or the answers before had said that they would be closed.
    ClosesAsSaid {
        /// Requests that went on with a connection.
        went_on: u64,
        /// Answers that said `Connection: close`.
        said: u64,
    },
    /// What each request took beyond its backend, where nobody else asked.
    AddedToEach {
        /// Requests, one after the other.
        requests: u64,
        /// The quickest of them.
        least_ms: f64,
        /// The one in the middle.
        median_ms: f64,
        /// Allowed.
        limit_ms: f64,
        /// What the load of the host may explain: the one in the middle took so much longer than the quickest.
        varies_ms: f64,
    },
    /// What the proxy used when nobody asked.
    AtRest {
        /// Share of one core.
        cpu: f64,
        /// Threads beyond those of the beginning.
        threads: u64,
        /// Descriptors beyond those of the beginning.
        files: u64,
    },
    /// The second GET of what the backend does not have was answered from the cache.
    NotFoundKept {
        /// Its target.
        target: String,
    },
    /// Every GET of what the backend does not have reached a backend.
    NotFoundAskedAgain {
        /// Requests.
        exchanges: u64,
    },
}
