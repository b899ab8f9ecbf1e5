//! What an adapter declares of its proxy, so that "cannot" becomes *unsupported* and not a false failure.
//!
//! The checks read these and the report names them beside the verdicts they excused. A declaration never excuses
//! anything under `--strict`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::terms::duration_ns;

/// What the proxy can do, by its adapter's word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Where its cache lies.
    pub cache: CacheMedium,
    /// How it learns its TTL.
    pub ttl: TtlSource,
    /// How exactly it keeps to it.
    pub ttl_resolution: Resolution,
    /// How many independent rotations it runs (workers, threads); one for an exact rotation over the whole process.
    pub rotations: u32,
    /// How long after the last byte an answer may still be missing from the cache.
    #[serde(with = "duration_ns")]
    pub store_lag: Duration,
    /// Source of these declarations, such as the chapter of its manual.
    pub reference: Option<String>,
}

/// Where a cache lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheMedium {
    /// In files: survives a crash.
    Disk,
    /// In memory: lost at the end of the process.
    Memory,
    /// There is none.
    None,
}

/// How the proxy learns its TTL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TtlSource {
    /// On its command line, as the assignment asks.
    Arguments,
    /// In its configuration file.
    Configuration,
    /// It is a constant of the program.
    Fixed {
        /// Which.
        #[serde(with = "duration_ns")]
        ttl: Duration,
    },
    /// It has none.
    None,
}

/// How far from the TTL an entry may expire by design.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// This much before it.
    #[serde(with = "duration_ns")]
    pub early: Duration,
    /// This much after it.
    #[serde(with = "duration_ns")]
    pub late: Duration,
}
