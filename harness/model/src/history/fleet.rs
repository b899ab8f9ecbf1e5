//! What happened to a fleet, one entry a control period.
//!
//! `conductor` records real ones, `fleet` makes simulated ones of the same shape; checks compare them and the report draws
//! them. Times are seconds of the case unless a name says otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A fleet step, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetRun {
    /// One a control period.
    pub ticks: Vec<FleetTick>,
    /// Requests sent.
    pub sent: u64,
    /// Requests lost: refused, cut, answered with an error or too late. Those of the control periods add up to it.
    pub lost: u64,
    /// Of them, those whose client had given up.
    #[serde(default)]
    pub late: u64,
    /// Median latency in milliseconds of real time.
    pub p50_ms: f64,
    /// 99th percentile of it; time-outs are in it.
    pub p99_ms: f64,
    /// Instances times hours of the case, launching and draining ones included.
    pub instance_hours: f64,
    /// What the timers of this machine added to a service time, in milliseconds, the mean.
    pub in_place_ms: f64,
    /// What client, network and proxy added to the time inside an instance, in milliseconds, the mean.
    pub on_the_way_ms: f64,
}

/// A control period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FleetTick {
    /// Its end.
    pub at: f64,
    /// Requests sent in it.
    pub sent: u64,
    /// Requests that ended badly in it; those that ended after the last period are counted in that.
    pub lost: u64,
    /// Of them, those whose client had given up.
    #[serde(default)]
    pub late: u64,
    /// Median of the latencies that ended in it, in milliseconds of real time; older records have none.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    /// 99th percentile of the latencies that ended in it, in milliseconds of real time.
    pub p99_ms: Option<f64>,
    /// Share of the places of healthy instances that were taken.
    pub occupancy: f64,
    /// Instances that take requests from its end on.
    pub healthy: usize,
    /// Instances that are being set up.
    pub launching: usize,
    /// Requests that reached each instance that was healthy from its beginning to its end, by name.
    pub arrived: BTreeMap<String, u64>,
    /// What was decided at its end.
    pub decision: Option<FleetDecision>,
    /// An instance that died in it.
    pub died: Option<String>,
}

/// A decision and its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetDecision {
    /// Place of the policy in the scenario.
    pub policy: usize,
    /// Instances wanted before.
    pub from: usize,
    /// Instances wanted from now on.
    pub to: usize,
    /// What was measured: an occupancy between 0 and 1, or requests of the case per instance and minute; `None` for a schedule.
    pub measured: Option<f64>,
}
