//! The checks of a plan with their parameters, resolved.
//!
//! A check reads its parameters from here and its facts from the history. Limits that a scenario leaves out have their
//! defaults filled in by then.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{SourceLine, duration_ns};
use crate::catalogue::{CheckId, Kind};

/// One check of a plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CheckPlan {
    /// Which check.
    pub id: CheckId,
    /// How much it counts in this scenario: the catalogue's kind, unless the scenario says otherwise.
    pub kind: Kind,
    /// Where the scenario asks for it.
    pub line: SourceLine,
    /// Its limits.
    pub parameters: CheckParameters,
}

/// The limits of a check; each check reads those that concern it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CheckParameters {
    /// Labels (`as:`) of the steps that the check is confined to; empty: all steps of the fitting kind.
    pub steps: Vec<String>,
    /// Largest declared resolution that the scenario tolerates (`ttl.*`).
    #[serde(with = "duration_ns::option")]
    pub at_most: Option<Duration>,
    /// Largest number tolerated of what the check counts (`fleet.*`).
    #[serde(default)]
    pub count: Option<u64>,
    /// Smallest figure that is enough, in the unit of the check.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// Smallest share that is enough, between 0 and 1.
    #[serde(default)]
    pub share: Option<f64>,
    /// Latency thresholds (`latency.thresholds`).
    pub thresholds: Vec<LatencyThreshold>,
}

/// A limit on a quantile of the intended-time latency of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyThreshold {
    /// The load step's tag.
    pub tag: String,
    /// Between 0 and 1.
    pub quantile: f64,
    /// Upper limit.
    #[serde(with = "duration_ns")]
    pub limit: Duration,
    /// Largest share of requests that may end in an error, between 0 and 1.
    pub error_rate: f64,
}
