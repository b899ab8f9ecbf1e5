//! What the checks of a fleet saw, typed: one entry a fleet step.
//!
//! The words are in the language room, `fleet_words`. Times are seconds of the case unless a name says otherwise.

use serde::{Deserialize, Serialize};

pub use harness_model::fleet::Breaks;

/// What a check of a fleet saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fleet")]
pub enum FleetFinding {
    /// Requests that were lost.
    Lost {
        /// One a step.
        runs: Vec<LostSeen>,
    },
    /// How evenly the instances that were up were used.
    Even {
        /// One a step.
        runs: Vec<EvenSeen>,
    },
    /// How long requests took.
    Slow {
        /// One a step.
        runs: Vec<SlowSeen>,
    },
    /// How the number of instances followed the load.
    Scaled {
        /// One a step.
        runs: Vec<ScaledSeen>,
    },
    /// Where fleets break.
    Broken {
        /// One a step.
        runs: Vec<BreakSeen>,
    },
    /// The simulation beside the real run.
    Simulated {
        /// One a step.
        runs: Vec<SimulatedSeen>,
    },
}

/// Requests that were lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostSeen {
    /// Name of the step.
    pub step: String,
    /// Requests sent.
    pub sent: u64,
    /// Instances that died.
    pub deaths: u64,
    /// Requests lost in the period of a death and the one after it.
    pub at_deaths: u64,
    /// As many of them are tolerated.
    pub allowed: u64,
    /// Requests lost at any other time.
    pub elsewhere: u64,
    /// How often instances were taken away.
    pub taken_away: u64,
}

/// How evenly instances were used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvenSeen {
    /// Name of the step.
    pub step: String,
    /// Epochs (the same instances were up) that were long enough to be judged.
    pub epochs: u64,
    /// Instances of the least even of them.
    pub instances: u64,
    /// Most requests of one instance in it.
    pub most: u64,
    /// Fewest.
    pub fewest: u64,
    /// Difference that is tolerated there.
    pub tolerated: u64,
}

/// How long requests took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SlowSeen {
    /// Name of the step.
    pub step: String,
    /// Requests that were measured.
    pub samples: u64,
    /// Median in real milliseconds.
    pub p50_ms: f64,
    /// 99th percentile in real milliseconds.
    pub p99_ms: f64,
    /// Its limit.
    pub limit_ms: f64,
    /// Where a period was over the limit for the first time.
    pub breaks: Option<Breaks>,
    /// How late the host's sentinel woke, in milliseconds, where that is too late for a control period.
    pub noise_ms: Option<f64>,
}

/// Where a fleet breaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BreakSeen {
    /// Name of the step.
    pub step: String,
    /// The limit of the 99th percentile of a period, in real milliseconds.
    pub limit_ms: f64,
    /// The first period over it; `None` where it never broke.
    pub breaks: Option<Breaks>,
    /// Requests per real second that keep the largest fleet busy all the time.
    pub full_per_second: f64,
    /// The highest rate that was tried.
    pub tried_per_second: f64,
}

/// How the number of instances followed the load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScaledSeen {
    /// Name of the step.
    pub step: String,
    /// Fewest and most instances that were healthy or being set up.
    pub seen: (u64, u64),
    /// Fewest and most that are allowed.
    pub allowed: (u64, u64),
    /// The longest time in a row with less capacity than demand.
    pub short_for: f64,
    /// As long as that is tolerated.
    pub tolerated: f64,
    /// Changes of direction: from adding to taking away, or back.
    pub turns: u64,
    /// As many of them are tolerated.
    pub turns_tolerated: u64,
    /// Instances times hours.
    pub instance_hours: f64,
    /// The same for a fleet that always has the most.
    pub fixed_hours: f64,
    /// Share of the capacity of the most instances that the highest rate needs.
    pub peak_share: f64,
    /// How late the host's sentinel woke, in milliseconds, where that is too late for a control period.
    #[serde(default)]
    pub noise_ms: Option<f64>,
}

/// The simulation beside the real run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SimulatedSeen {
    /// Name of the step.
    pub step: String,
    /// Largest difference in healthy instances, one control period earlier or later allowed.
    pub apart: u64,
    /// 99th percentile of the real run in milliseconds.
    pub real_p99_ms: f64,
    /// That of the simulation, with the decisions of the real run.
    pub simulated_p99_ms: f64,
    /// How late the host's sentinel woke, in milliseconds, where that is too late for a control period.
    pub noise_ms: Option<f64>,
}
