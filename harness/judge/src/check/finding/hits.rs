//! What the checks of `cache.hit` and `cache.post` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use crate::check::seen::{Difference, Wrong};

/// What a check of `cache.hit` and `cache.post` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum HitsFinding {
    /// The second GET of every key asked twice reached no backend and equals the first.
    HitsProven {
        /// Keys asked twice.
        keys: u64,
    },
    /// No second GET was answered without a backend.
    NoHits {
        /// Keys asked twice.
        keys: u64,
        /// One of them.
        target: String,
    },
    /// Some second GETs reached a backend.
    SomeMisses {
        /// Keys asked twice.
        keys: u64,
        /// So many of them reached a backend again.
        missed: u64,
        /// One of them.
        target: String,
    },
    /// A hit is not equal to the miss that filled it.
    HitDiffers {
        /// Its target.
        target: String,
        /// In what.
        difference: Difference,
        /// Keys of which this is true.
        count: u64,
        /// Hits compared.
        hits: u64,
    },
    /// Every POST reached a backend.
    PostsReachedBackends {
        /// POSTs sent.
        posts: u64,
        /// Of them on a target whose answer could have been in the cache.
        tempting: u64,
    },
    /// A POST was answered although no backend saw it.
    PostFromCache {
        /// Its target.
        target: String,
        /// So many POSTs.
        count: u64,
        /// POSTs sent.
        posts: u64,
    },
    /// A POST reached no backend and got no answer of success either.
    PostNotForwarded {
        /// Its target.
        target: String,
        /// What came instead.
        wrong: Wrong,
        /// So many POSTs.
        count: u64,
        /// POSTs sent.
        posts: u64,
    },
}
