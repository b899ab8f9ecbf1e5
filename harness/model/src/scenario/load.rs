//! The load step of a scenario as written, with the executors of k6.
//!
//! `plan` turns it into its resolved form and complains about rates and weights; this only gives it a shape.

use fake_backends::behavior::{Share, Span};
use serde::Deserialize;

use super::steps::{get, one};
use super::values;
use crate::terms::{Connections, Spacing};

/// Traffic at a pace.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadStep {
    /// Pace and end.
    pub executor: ExecutorFile,
    /// Target, with `{n}` or `{key}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Method.
    #[serde(default = "get", deserialize_with = "values::method")]
    pub method: String,
    /// How many different keys; left out: every target its own.
    #[serde(default, deserialize_with = "values::count_or_none")]
    pub keys: u32,
    /// Exponent of Zipf's law by which keys are drawn, such as `1.1`; left out: one key after the other.
    #[serde(default)]
    pub zipf: Option<f64>,
    /// Leading part that is not counted.
    #[serde(default)]
    pub warmup: Option<Span>,
    /// Last part that is not counted.
    #[serde(default)]
    pub cooldown: Option<Span>,
    /// Name of its histograms.
    pub tag: String,
    /// A request that takes longer is a time-out.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// Whether connections are kept.
    #[serde(default = "one")]
    pub connections: Connections,
    /// Other requests mixed in; the step's own has weight 1.
    #[serde(default)]
    pub mix: Vec<MixFile>,
    /// Whether all connections are used in turn, as by clients that keep one each; otherwise the last used is taken again, so
    /// that few are.
    #[serde(default)]
    pub spread: bool,
    /// Whether the backends write down every request of it, for checks that read their journal; for moderate rates only.
    #[serde(default)]
    pub journal: bool,
    /// Threads that send; one is enough for 100,000 requests a second.
    #[serde(default = "one_thread")]
    pub threads: u16,
}

/// A kind of request that is mixed in.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixFile {
    /// How often it comes, relative to the others.
    pub weight: f64,
    /// Target, with `{n}` or `{key}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Method.
    #[serde(default = "get", deserialize_with = "values::method")]
    pub method: String,
    /// How many different keys; left out: every target its own.
    #[serde(default, deserialize_with = "values::count_or_none")]
    pub keys: u32,
    /// Exponent of Zipf's law by which keys are drawn.
    #[serde(default)]
    pub zipf: Option<f64>,
    /// Name of its histograms; left out: that of the step.
    #[serde(default)]
    pub tag: Option<String>,
}

/// The executors, named as in k6.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ExecutorFile {
    /// Open loop: arrivals at a fixed rate, whatever becomes of them.
    ConstantArrivalRate {
        /// Arrivals per second, such as `500/s`.
        rate: String,
        /// How long.
        duration: Span,
        /// Most requests in flight.
        #[serde(default = "hundred", deserialize_with = "values::at_once")]
        max_vus: u32,
        /// How arrivals are spaced.
        #[serde(default)]
        arrivals: Spacing,
        /// So many arrivals at the same instant.
        #[serde(default = "one_at_once", deserialize_with = "values::at_once")]
        burst: u32,
    },
    /// Open loops of rising rate, in search of the highest at which the latency and the errors are still within limits.
    Capacity {
        /// Arrivals per second of the first rung, such as `200/s`.
        from: String,
        /// Arrivals per second beyond which nothing is tried.
        to: String,
        /// How long a rung lasts.
        rung: Span,
        /// What must hold, such as `p(99)<60ms`.
        slo: String,
        /// Largest share of requests that may not end well; 1 % where nothing is said.
        #[serde(default)]
        errors: Option<Share>,
        /// The search ends when the lowest rate refused is so close to the highest kept; 10 % where nothing is said.
        #[serde(default)]
        precision: Option<Share>,
        /// Most requests in flight.
        #[serde(default = "hundred", deserialize_with = "values::at_once")]
        max_vus: u32,
        /// How arrivals are spaced.
        #[serde(default)]
        arrivals: Spacing,
    },
    /// Open loop whose rate moves in straight lines.
    RampingArrivalRate {
        /// Arrivals per second at the beginning, such as `0/s`.
        start_rate: String,
        /// Where it goes from there.
        stages: Vec<RateStageFile>,
        /// Most requests in flight.
        #[serde(default = "hundred", deserialize_with = "values::at_once")]
        max_vus: u32,
        /// How arrivals are spaced.
        #[serde(default)]
        arrivals: Spacing,
        /// So many arrivals at the same instant.
        #[serde(default = "one_at_once", deserialize_with = "values::at_once")]
        burst: u32,
    },
    /// Closed loop: so many clients, each with its next request as soon as the last is answered.
    ConstantVus {
        /// How many clients.
        #[serde(deserialize_with = "values::at_once")]
        vus: u32,
        /// How long.
        duration: Span,
        /// Pause between an answer and the client's next request.
        #[serde(default)]
        think: Option<Span>,
    },
    /// Closed loop whose number of clients moves in straight lines.
    RampingVus {
        /// Clients at the beginning.
        #[serde(default, deserialize_with = "values::at_once_or_none")]
        start_vus: u32,
        /// Where it goes from there.
        stages: Vec<VuStageFile>,
        /// Pause between an answer and the client's next request.
        #[serde(default)]
        think: Option<Span>,
    },
}

/// `{rate: 500/s, duration: 10s}`: the rate at its end.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateStageFile {
    /// Arrivals per second at its end.
    pub rate: String,
    /// Its length.
    pub duration: Span,
}

/// `{vus: 50, duration: 10s}`: the clients at its end.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VuStageFile {
    /// Clients at its end.
    #[serde(deserialize_with = "values::at_once_or_none")]
    pub vus: u32,
    /// Its length.
    pub duration: Span,
}

fn hundred() -> u32 {
    100
}

fn one_at_once() -> u32 {
    1
}

fn one_thread() -> u16 {
    1
}
