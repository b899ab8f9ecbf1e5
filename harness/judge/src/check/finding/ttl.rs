//! What the checks of `ttl.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::{ExpirySeen, LatePattern};

/// What a check of `ttl.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum TtlFinding {
    /// Entries expired when they should.
    Expiry(ExpirySeen),
    /// An entry was served from the cache after its TTL.
    ServedPastTtl {
        /// Its target.
        target: String,
        /// It was at least this old.
        age_ms: f64,
        /// It was past its TTL by at least this much.
        past_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// All that was seen of this TTL.
        seen: ExpirySeen,
        /// What it looks like.
        pattern: LatePattern,
    },
    /// An entry was gone before its TTL.
    ExpiredEarly {
        /// Its target.
        target: String,
        /// It was at most this old.
        age_ms: f64,
        /// It was gone before its TTL by at least this much.
        short_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// All that was seen of this TTL.
        seen: ExpirySeen,
    },
    /// Too few probes on one of the sides of the TTL.
    TooFewProbes {
        /// Surely before it.
        before: u64,
        /// Surely after it.
        after: u64,
        /// So many are needed on each side.
        needed: u64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// The adapter declares a resolution coarser than the scenario tolerates.
    ResolutionTooCoarse {
        /// Declared.
        declared_ms: f64,
        /// Tolerated.
        at_most_ms: f64,
    },
    /// Two TTLs gave two ages.
    TwoValues {
        /// With the first TTL.
        first: ExpirySeen,
        /// With the second.
        second: ExpirySeen,
    },
    /// Two TTLs gave one age.
    OneAgeForTwoValues {
        /// With the first TTL.
        first: ExpirySeen,
        /// With the second.
        second: ExpirySeen,
    },
    /// Resources stored at different instants expire at different instants.
    ResourcesExpireApart {
        /// Keys judged.
        keys: u64,
        /// First and last were stored this far apart.
        stored_apart_ms: f64,
        /// Keys that expired while others, which were served later, lay in the cache all the time.
        outlived: u64,
    },
    /// Resources stored at different instants expired together.
    ResourcesExpireTogether {
        /// Keys that were gone, whatever their age.
        keys: u64,
        /// First and last were stored this far apart.
        stored_apart_ms: f64,
        /// The youngest that was gone was at most this old.
        youngest_ms: f64,
        /// The oldest that was served was at least this old.
        oldest_ms: f64,
    },
    /// Entries in constant use expired when they should.
    HitsDoNotProlong {
        /// Keys in constant use.
        keys: u64,
        /// Hits on them.
        hits: u64,
        /// Oldest answer from the cache.
        oldest_ms: f64,
        /// The TTL in force.
        ttl_ms: f64,
    },
    /// An entry lived on because it was used.
    HitsProlong {
        /// Its target.
        target: String,
        /// It was served at this age at least.
        age_ms: f64,
        /// The TTL in force.
        ttl_ms: f64,
        /// Hits on it until then.
        hits: u64,
        /// Keys of which this is true.
        count: u64,
        /// Keys in constant use.
        keys: u64,
    },
    /// Entries stored before a restart were gone when an age that began anew with it would have ended as well, as finely as ages are declared.
    RestartMayProlong {
        /// What was seen.
        seen: ExpirySeen,
        /// Starts in between.
        restarts: u64,
    },
    /// The age of entries went on over a restart.
    AgeGoesOnOverRestart {
        /// What was seen of them.
        seen: ExpirySeen,
        /// Restarts between storing and asking.
        restarts: u64,
    },
    /// An entry outlived its TTL because of a restart.
    RestartProlongs {
        /// Its target.
        target: String,
        /// It was served at this age at least.
        age_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// What was seen of them.
        seen: ExpirySeen,
    },
    /// An entry was gone after a restart although its TTL was not over.
    RestartForgets {
        /// Its target.
        target: String,
        /// It was at most this old.
        age_ms: f64,
        /// Probes that prove the same.
        count: u64,
        /// What was seen of them.
        seen: ExpirySeen,
    },
}
