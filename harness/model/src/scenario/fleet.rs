//! The step `fleet` as written: instances, policies and load of a system that scales itself.
//!
//! Everything is in the terms of the owner: times and rates of the case. `scale` says how many of its seconds pass in one of
//! ours, `stands_for` for how many of its requests one of ours stands. `plan` parses what is text here.

use fake_backends::behavior::{Distribution, Span};
use serde::Deserialize;

use super::values;

/// A fleet under load.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetStep {
    /// Seconds of the case in one second of the run.
    pub scale: f64,
    /// Requests of the case for which one of the run stands. Left out: as many as `scale`, so that a service time lasts in
    /// the run as long as in the case.
    #[serde(default)]
    pub stands_for: Option<f64>,
    /// What instances are like, and how many there may be.
    pub instances: InstancesFile,
    /// Time between two looks at the instances.
    pub period: Span,
    /// What decides how many there are.
    #[serde(default)]
    pub policies: Vec<PolicyFile>,
    /// The load, stage after stage, from zero.
    pub load: Vec<StageFile>,
    /// Instances that die.
    #[serde(default)]
    pub fails: Vec<Span>,
    /// Whose answer takes longer has given up. Left out: 10 s.
    #[serde(default)]
    pub timeout: Option<Span>,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`FleetStep::instances`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstancesFile {
    /// Fewest.
    #[serde(deserialize_with = "values::backends")]
    pub least: usize,
    /// Most.
    #[serde(deserialize_with = "values::backends")]
    pub most: usize,
    /// How many there are at the beginning. Left out: the fewest.
    #[serde(default, deserialize_with = "values::some_backends")]
    pub start: Option<usize>,
    /// From the decision to the first request that it can take.
    pub provisioning: Span,
    /// Requests that one serves at a time; others wait.
    #[serde(deserialize_with = "values::at_once")]
    pub places: u32,
    /// How long it serves one.
    pub service: Distribution,
}

/// One policy. A level is an occupancy (`65%`), requests per instance and minute (`1000/min`), the time that requests stay at an instance (`3ms`),
/// or how many are inside it (`280 connections`).
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyFile {
    /// Adds instances once a level was exceeded for a time, and again after its cooldown while that lasts.
    Out {
        /// The level.
        above: String,
        /// For how long.
        #[serde(rename = "for")]
        lasting: Span,
        /// How many.
        #[serde(deserialize_with = "values::backends")]
        add: usize,
        /// Time after it has added before it adds again. Meanwhile what is on its way counts: only a larger step adds, and
        /// what it has more.
        #[serde(default)]
        cooldown: Option<Span>,
    },
    /// Takes instances away once a level was undercut for a time, and again after its cooldown while that lasts.
    In {
        /// The level.
        below: String,
        /// For how long.
        #[serde(rename = "for")]
        lasting: Span,
        /// How many.
        #[serde(deserialize_with = "values::backends")]
        remove: usize,
        /// Time after any change before it acts.
        #[serde(default)]
        cooldown: Option<Span>,
    },
    /// Keeps a level.
    Target {
        /// The level.
        keep: String,
        /// Time after it has added before it adds again.
        #[serde(default)]
        out_cooldown: Option<Span>,
        /// Time after any change before it takes away.
        #[serde(default)]
        in_cooldown: Option<Span>,
        /// For how long it must be too low before that, such as the 15 minutes of the cloud's own target tracking. Left out: at once.
        #[serde(default)]
        in_for: Option<Span>,
    },
    /// At least so many from a moment on, for a while.
    Schedule {
        /// From the beginning of the step.
        at: Span,
        /// For how long.
        #[serde(rename = "for")]
        lasting: Span,
        /// How many.
        #[serde(deserialize_with = "values::backends")]
        instances: usize,
    },
}

/// A stage of the load: the rate moves in a straight line.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageFile {
    /// Rate at its end, such as `120/s` or `7200/min`.
    pub to: String,
    /// Its length.
    pub over: Span,
}
