//! The search for a capacity, resolved: rates between which it moves, and what must hold at each.
//!
//! `traffic` carries it out rung by rung, the checks and the figure read from it what was asked for. Nothing here sends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Load, duration_ns};

/// The highest rate at which a percentile and the errors are within limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CapacitySearch {
    /// The first rung: what is asked, and how long a rung lasts.
    pub load: Load,
    /// Arrivals per second of the first rung.
    pub from_per_second: f64,
    /// Arrivals per second beyond which nothing is tried.
    pub to_per_second: f64,
    /// Between 0 and 1.
    pub quantile: f64,
    /// Upper limit of the latency at that quantile.
    #[serde(with = "duration_ns")]
    pub limit: Duration,
    /// Largest share of requests that may not end well, between 0 and 1.
    pub error_rate: f64,
    /// The search ends when the lowest rate refused exceeds the highest kept by no more than this share.
    pub precision: f64,
}

/// Rungs that a search takes, more or less.
const USUAL_RUNGS: u32 = 8;

impl CapacitySearch {
    /// How long it takes, more or less.
    pub fn estimated(&self) -> Duration {
        self.load.executor.duration() * USUAL_RUNGS
    }
}
