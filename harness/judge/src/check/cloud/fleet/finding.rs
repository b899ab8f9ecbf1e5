//! What the checks of a fleet saw, typed: one entry a fleet step.
//!
//! The words are in the module `language`, `fleet_words`. Times are seconds of the case unless a name says otherwise.

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

/// On what a figure about waiting rests: on whichever of run and simulation is honest about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestsOn {
    /// On the run: what is asked about is long beside one of its requests.
    #[default]
    Run,
    /// On the simulation in the time of the owner, with the instances of the run, to which it was close at the same scale.
    Simulation,
    /// The run cannot show it, and the simulation was too far from the run, or too long to be computed.
    Neither,
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
    /// Clients that gave up.
    #[serde(default)]
    pub late: u64,
    /// Of so many requests.
    #[serde(default)]
    pub late_of: u64,
    /// On what these two rest.
    #[serde(default)]
    pub basis: RestsOn,
    /// How long a client waits, in milliseconds of the case.
    #[serde(default)]
    pub patience_ms: u64,
    /// Whether it is judged, or only shown beside.
    #[serde(default)]
    pub judged: bool,
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
    /// Median in milliseconds of the case.
    pub p50_ms: f64,
    /// 99th percentile in milliseconds of the case.
    pub p99_ms: f64,
    /// Its limit.
    pub limit_ms: f64,
    /// On what they rest.
    #[serde(default)]
    pub basis: RestsOn,
    /// 99th percentile of the run in real milliseconds.
    #[serde(default)]
    pub run_p99_ms: f64,
    /// Whether it is judged, or only shown beside.
    #[serde(default)]
    pub judged: bool,
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
    /// The limit of the 99th percentile of a period, in milliseconds of the case.
    pub limit_ms: f64,
    /// On what it rests.
    #[serde(default)]
    pub basis: RestsOn,
    /// The first period over it; `None` where it never broke.
    pub breaks: Option<Breaks>,
    /// Requests per second of the case that keep the largest fleet busy all the time.
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
    /// The smallest fleet of a fixed size that holds what is asked; `None` where none was found.
    #[serde(default)]
    pub smallest_fixed: Option<u64>,
    /// Its instances times hours.
    #[serde(default)]
    pub fixed_hours: Option<f64>,
    /// The 99th percentile that it holds, in milliseconds of the case.
    #[serde(default)]
    pub limit_ms: f64,
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
    /// Requests that the real run lost.
    #[serde(default)]
    pub real_lost: u64,
    /// Those that the simulation lost.
    #[serde(default)]
    pub simulated_lost: u64,
    /// How late the host's sentinel woke, in milliseconds, where that is too late for a control period.
    pub noise_ms: Option<f64>,
}
