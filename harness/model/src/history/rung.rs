//! A rung of a search for a capacity, as the record keeps it.
//!
//! `traffic` writes it, the checks and the figure of the throughput–latency curve read it. It says what was measured and
//! how the search went on, never whether that was good enough.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::duration_ns;

/// A rung of a search for a capacity: a load at one rate, what came of it, and how busy everything was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityRung {
    /// The tag of the search.
    pub tag: String,
    /// Arrivals per second that were asked for.
    pub rate_per_second: f64,
    /// Answers that ended well, per second of the part that counts.
    pub good_per_second: f64,
    /// Requests that count.
    pub sent: u64,
    /// Of them, those that did not end well.
    pub errors: u64,
    /// Median from the intended instant, where anything ended well.
    #[serde(with = "duration_ns::option")]
    pub p50: Option<Duration>,
    /// The quantile that is limited, where there were enough samples.
    #[serde(with = "duration_ns::option")]
    pub at_quantile: Option<Duration>,
    /// How late requests were sent, at that quantile.
    #[serde(with = "duration_ns::option")]
    pub send_lag: Option<Duration>,
    /// What that means for the search.
    pub judged: RungJudged,
    /// CPU time of the proxy per second, where it could be read.
    pub proxy_cpu: Option<f64>,
    /// How busy the places behind the proxy were, by name.
    pub places: Vec<PlaceUse>,
}

/// What a rung means for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RungJudged {
    /// Within the limits.
    Kept,
    /// Beyond them.
    Refused,
    /// Not measurable: the engine sent too late, or there were too few samples.
    Unknown,
}

/// How busy some places were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceUse {
    /// Name of the backend, or of what backends share.
    pub name: String,
    /// Share of their time, between 0 and 1.
    pub busy: f64,
    /// Requests that waited at the end.
    pub waiting: u64,
}
