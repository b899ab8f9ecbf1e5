//! What the checks of cloud cases saw, typed.
//!
//! The words are in the module `language`, `cloud_words`.

use serde::{Deserialize, Serialize};

use super::fleet::FleetFinding;

/// What a check of a cloud case saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "cloud")]
pub enum CloudFinding {
    /// Which ways of sending careless caching headers led to answers in the wrong hands.
    Tokens {
        /// One a kind.
        kinds: Vec<KindSeen>,
    },
    /// How soon registered orders were seen.
    Delivered {
        /// Orders registered.
        orders: u64,
        /// The time within which they must be seen, in milliseconds.
        within_ms: f64,
        /// One a place where they were looked for.
        places: Vec<PlaceSeen>,
    },
    /// What became of a fleet under load.
    Fleet(FleetFinding),
}

/// One way of sending careless caching headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindSeen {
    /// Its name.
    pub name: String,
    /// Answers to requests with a token.
    pub answers: u64,
    /// Of them, those that were made for another user.
    pub shared: u64,
    /// Whether RFC 9111 §3.5 allows that.
    pub allowed: bool,
}

/// One place where orders were looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceSeen {
    /// Its target.
    pub target: String,
    /// Looks that were answered.
    pub looks: u64,
    /// Of them, those that no backend saw.
    pub from_cache: u64,
    /// Largest age of an order, in milliseconds since it was registered, at which an answer still lacked it.
    pub worst_ms: f64,
    /// Answers that lacked an order for longer than allowed.
    pub too_late: u64,
}
