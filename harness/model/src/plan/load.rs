//! Load, resolved: at what pace, of what mix, over which keys, for how long.
//!
//! `traffic::load` carries it out; the estimate, the progress and the reports ask it for its length. The names are those of
//! k6. Nothing here waits or sends.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Connections, duration_ns};
pub use crate::terms::Spacing;

/// How the traffic of a load step is paced. The names are those of k6.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// Open loop: arrival i is due at i/rate, whatever happened before.
    ConstantArrivalRate {
        /// Arrivals per second.
        rate_per_second: f64,
        /// How long.
        #[serde(with = "duration_ns")]
        duration: Duration,
        /// Most requests in flight; arrivals beyond wait, and their clock runs.
        max_in_flight: u32,
    },
    /// Open loop whose rate moves in straight lines.
    RampingArrivalRate {
        /// Arrivals per second at the beginning.
        start_per_second: f64,
        /// Where it goes from there.
        stages: Vec<RateStage>,
        /// Most requests in flight; arrivals beyond wait, and their clock runs.
        max_in_flight: u32,
    },
    /// Closed loop: n virtual users, each with its next request as soon as the last is answered.
    ConstantVus {
        /// n.
        vus: u32,
        /// How long.
        #[serde(with = "duration_ns")]
        duration: Duration,
        /// Most requests in all; zero: no limit but the time.
        iterations: u64,
    },
    /// Closed loop whose number of virtual users moves in straight lines.
    RampingVus {
        /// Virtual users at the beginning.
        start: u32,
        /// Where it goes from there.
        stages: Vec<VuStage>,
    },
}

/// A stretch in which the rate moves in a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateStage {
    /// Arrivals per second at its end.
    pub to_per_second: f64,
    /// Its length.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
}

/// A stretch in which the number of virtual users moves in a straight line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VuStage {
    /// Virtual users at its end.
    pub to: u32,
    /// Its length.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
}

/// Traffic by an executor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Pace and end.
    pub executor: Executor,
    /// Method.
    pub method: String,
    /// Target; `{n}` is a running number, `{key}` a number below `keys`.
    pub path: String,
    /// Number of different keys; zero: every target unique.
    pub keys: u32,
    /// Leading part that is kept out of histograms and counters.
    #[serde(with = "duration_ns")]
    pub warmup: Duration,
    /// Name of its histograms.
    pub tag: String,
    /// A request that takes longer is a timeout.
    #[serde(with = "duration_ns")]
    pub timeout: Duration,
    /// Whether connections are kept.
    pub connections: Connections,
    /// What a plain load leaves at its defaults.
    #[serde(default)]
    pub shape: LoadShape,
}

/// The finer points of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadShape {
    /// How arrivals are spaced (open loop).
    pub spacing: Spacing,
    /// So many arrivals at the same instant (open loop).
    pub burst: u32,
    /// Pause between an answer and the next request of a virtual user (closed loop).
    #[serde(with = "duration_ns")]
    pub think: Duration,
    /// Last part that is kept out of histograms and counters.
    #[serde(with = "duration_ns")]
    pub cooldown: Duration,
    /// Threads of the engine.
    pub threads: u16,
    /// Whether all connections are used in turn.
    pub spread: bool,
    /// Whether the backends write down every request of it.
    pub journal: bool,
    /// Exponent of Zipf's law by which keys are drawn; `None`: one after the other.
    pub zipf: Option<f64>,
    /// Other requests mixed in; the load's own has weight 1 where there are any.
    pub mix: Vec<MixPart>,
}

/// A kind of request of a mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixPart {
    /// Name of its histograms.
    pub tag: String,
    /// How often it comes, relative to the others.
    pub weight: f64,
    /// Method.
    pub method: String,
    /// Target.
    pub path: String,
    /// Number of different keys; zero: every target unique.
    pub keys: u32,
    /// Exponent of Zipf's law by which keys are drawn; `None`: one after the other.
    pub zipf: Option<f64>,
}

impl Default for LoadShape {
    fn default() -> LoadShape {
        LoadShape {
            spacing: Spacing::Uniform,
            burst: 1,
            think: Duration::ZERO,
            cooldown: Duration::ZERO,
            threads: 1,
            spread: false,
            journal: false,
            zipf: None,
            mix: Vec::new(),
        }
    }
}

impl Executor {
    /// How long it sends.
    pub fn duration(&self) -> Duration {
        match self {
            Executor::ConstantArrivalRate { duration, .. } | Executor::ConstantVus { duration, .. } => {
                *duration
            }
            Executor::RampingArrivalRate { stages, .. } => stages.iter().map(|stage| stage.duration).sum(),
            Executor::RampingVus { stages, .. } => stages.iter().map(|stage| stage.duration).sum(),
        }
    }

    /// Whether arrivals come whatever became of those before: only then is a latency a claim about users.
    pub fn is_open(&self) -> bool {
        matches!(self, Executor::ConstantArrivalRate { .. } | Executor::RampingArrivalRate { .. })
    }

    /// Most virtual users at a time, or most requests in flight.
    pub fn most_at_once(&self) -> u32 {
        match self {
            Executor::ConstantArrivalRate { max_in_flight, .. }
            | Executor::RampingArrivalRate { max_in_flight, .. } => *max_in_flight,
            Executor::ConstantVus { vus, .. } => *vus,
            Executor::RampingVus { start, stages } => {
                stages.iter().map(|stage| stage.to).chain([*start]).max().unwrap_or(1)
            }
        }
    }
}

impl Load {
    /// Whether so many connections are used and kept.
    pub fn holds(&self, connections: u64) -> bool {
        self.shape.spread
            && self.connections == Connections::One
            && u64::from(self.executor.most_at_once()) >= connections
    }

    /// The part of it that counts: without what warms up and cools down.
    pub fn counted(&self) -> Duration {
        self.executor.duration().saturating_sub(self.warmup + self.shape.cooldown)
    }

    /// The tags under which its latencies are recorded, its own first.
    pub fn tags(&self) -> Vec<&str> {
        let mut tags = vec![self.tag.as_str()];
        for part in &self.shape.mix {
            if !tags.contains(&part.tag.as_str()) {
                tags.push(&part.tag);
            }
        }
        tags
    }
}
