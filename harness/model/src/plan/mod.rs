//! What a run will do, fully resolved before the first byte: scenario, adapter, settings, steps and checks.
//!
//! `scenario` and `adapter` produce it (see [`resolve`]), `conductor` carries it out, `check` and `report` read it back
//! from `plan.json` months later. No I/O happens here and no clock is read.

mod capacity;
mod cases;
mod change;
mod checks;
mod cloud;
mod estimate;
mod fleet;
mod gate;
mod ground;
mod load;
mod part;
mod pin;
mod profile;
mod resolve;
mod resolve_checks;
mod resolve_load;
mod resolve_steps;
mod step;

#[doc(hidden)]
pub mod samples;

pub use capacity::CapacitySearch;
pub use cases::{Caller, Callers, CaseStep, Origins, Overload, Uploads, Votes};
pub use change::{Change, Edit};
pub use checks::{CheckParameters, CheckPlan, LatencyThreshold};
pub use cloud::{CloudStep, Deliveries, Users};
pub use fleet::{FleetPlan, Level, Policy, Stage};
pub use gate::TOO_FEW_HELD;
pub use gate::{FEWEST_HELD, Gate, Metric, OnInconclusive, Versus};
pub use load::{Executor, Load, LoadShape, MixPart, RateStage, Spacing, VuStage};
pub use pin::Pin;
pub use profile::{HostProfile, ProfileName, SMALL_BELOW_BYTES, SMALL_BELOW_CPUS, SMALL_BODY_BYTES};
pub use resolve::{FORMAT, Options, resolve};
pub use step::{
    BackendChange, Batches, CrashLoad, Exact, Fill, Handshakes, Overlap, Overtake, Probe, ProbeTime, Reread,
    Restart, Serial, Sliding, Step, StepKind,
};

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::terms::{Balance, Bilingual, ClientKind, Connections, Misuse, Over, duration_ns};

use crate::adapter::Adapter;
use crate::catalogue::Requirement;

/// A place in a file that a person wrote, for errors and for the link from a verdict to its scenario line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// One-based line.
    pub line: usize,
    /// One-based column.
    pub column: usize,
    /// The text of that line, without its indentation.
    pub text: String,
}

/// The settings that a scenario hands to the proxy through its adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxySettings {
    /// How long a cached response is served; `None` leaves the proxy's own default.
    #[serde(with = "duration_ns::option")]
    pub ttl: Option<Duration>,
    /// How the next backend is chosen; `None` leaves the proxy's own way.
    #[serde(default)]
    pub balance: Option<Balance>,
    /// Most requests that each client address may send in a second.
    #[serde(default)]
    pub throttle: Option<u32>,
    /// Client addresses that are let in; everybody where it is empty.
    #[serde(default)]
    pub allow: Vec<std::net::IpAddr>,
    /// How it watches the health of its backends; `None`: it is told nothing of it.
    #[serde(default)]
    pub health: Option<Health>,
    /// Of how many backends it is told, the first ones; `None`: of all.
    #[serde(default)]
    pub backends: Option<usize>,
    /// Whether it is told of another port than at its first start.
    #[serde(default)]
    pub another_port: bool,
    /// Whether it is told of no port at all, and must listen on 8080.
    #[serde(default)]
    pub default_port: bool,
}

/// Active health checks, as the proxy is told of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// What it asks each backend for.
    pub path: String,
    /// Time between two requests to the same backend; an answer that takes as long is a failure.
    #[serde(with = "duration_ns")]
    pub interval: Duration,
    /// Failures in a row that take a backend out.
    pub failures: u32,
    /// Successes in a row that bring it back.
    pub successes: u32,
}

/// How much a report helps with what failed, beside saying what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hints {
    /// Not at all, as in an exam.
    None,
    /// It names the likely cause.
    Cause,
    /// It names the line of the program, with what supports it.
    #[default]
    Line,
    /// And says what a small change of that line came to, where the cause has one and it was tried.
    Trial,
}

impl Hints {
    /// Whether lines of the program are named.
    pub fn names_lines(self) -> bool {
        matches!(self, Hints::Line | Hints::Trial)
    }
}

/// Everything that one run will do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this document's shape.
    pub format: u32,
    /// Short name of the scenario, also the folder of its reports.
    pub name: String,
    /// Its title.
    pub title: Bilingual,
    /// The scenario file as the user named it.
    pub file: PathBuf,
    /// The whole text of the scenario file, so that a report can show its lines without the file.
    pub text: String,
    /// The requirements that it means to prove.
    pub covers: Vec<Requirement>,
    /// The proxy under test: its adapter, resolved.
    pub adapter: Adapter,
    /// Settings at the first launch.
    pub proxy: ProxySettings,
    /// Number of backends, and what they answer.
    pub backends: BackendsPlan,
    /// The steps, in order, flattened: repetitions are unrolled.
    pub steps: Vec<Step>,
    /// The checks, in the order of the scenario.
    pub checks: Vec<CheckPlan>,
    /// Limits on figures; judged by this run, or by a comparison over its rounds, whose runs have none of their own.
    #[serde(default)]
    pub thresholds: Vec<Gate>,
    /// What one that stays inconclusive does to the exit code.
    #[serde(default)]
    pub on_inconclusive: OnInconclusive,
    /// Seed of every random choice of the run.
    pub seed: u64,
    /// Whether *unsupported* counts as failed.
    pub strict: bool,
    /// What a report says beside what was seen.
    #[serde(default)]
    pub hints: Hints,
    /// What was changed in the program before it ran: a repetition that tries a mending has this, and no other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Where the proxy is kept apart from load and backends: who runs on which CPUs.
    #[serde(default)]
    pub pin: Option<Pin>,
    /// How much of it this host can bear, and the figures that decided; `None`: everything, and nobody looked.
    #[serde(default)]
    pub profile: Option<HostProfile>,
    /// How long the run is expected to take.
    #[serde(with = "duration_ns")]
    pub estimated: Duration,
}

impl Plan {
    /// Whether anything in it is a figure of speed or of cost.
    pub fn measures_speed(&self) -> bool {
        let timed = |step: &Step| {
            matches!(
                step.kind,
                StepKind::Load(_) | StepKind::Capacity(_) | StepKind::Cloud(_) | StepKind::Case(_)
            )
        };
        self.steps.iter().any(timed)
            || !self.thresholds.is_empty()
            || self.checks.iter().any(|check| check.id == crate::catalogue::CheckId::LatencyThresholds)
    }

    /// Whether anything in it travels over TLS.
    pub fn asks_for_tls(&self) -> bool {
        self.steps.iter().any(|step| step.kind.over() != Over::Plain)
    }

    /// What it offers beyond its estimate to proxies that need time, such as for a backend that hangs.
    pub fn waits_for_slow(&self) -> Duration {
        estimate::for_slow(self)
    }

    /// Of how many backends the proxy is told when a step begins that starts it, and during every other.
    pub fn backends_at(&self, step: usize) -> usize {
        let restarts = self.steps.iter().take(step + 1).rev().filter_map(|step| match &step.kind {
            StepKind::Restart(restart) => restart.settings.as_ref(),
            _ => None,
        });
        let settings = restarts.into_iter().next().unwrap_or(&self.proxy);
        settings.backends.unwrap_or(self.backends.count).min(self.backends.count)
    }
}

/// The origins behind the proxy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackendsPlan {
    /// How many there are; they are named `b1`, `b2`, ...
    pub count: usize,
    /// After how long they close a connection that is idle; `None`: never, as in records of earlier versions.
    #[serde(default, with = "duration_ns::option")]
    pub idle: Option<Duration>,
    /// What each of them answers.
    pub script: fake_backends::behavior::Script,
    /// What single ones answer instead, by name.
    #[serde(default)]
    pub own: std::collections::BTreeMap<String, fake_backends::behavior::Script>,
}
