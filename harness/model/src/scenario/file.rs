//! A scenario as its author wrote it.
//!
//! The parser fills these types and `plan` reads them. They are plain: unknown keys are refused, nothing is flattened
//! or guessed, and every value that a later complaint may concern carries its place.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fake_backends::behavior::{Script, Span};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::checks::CheckMap;
use super::steps::StepFile;
use super::values;
use crate::terms::{Balance, Bilingual};

/// One scenario: one question asked of a proxy.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// Short name, also the folder of its reports.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Its title in both languages.
    pub title: Bilingual,
    /// The requirements that it means to prove, such as `REQ-8c`.
    #[schemars(with = "Vec<String>")]
    pub covers: Vec<Spanned<String>>,
    /// What the proxy is told at its first start.
    #[serde(default)]
    pub proxy: ProxyFile,
    /// Whether a required check that the adapter declares as not implemented counts as failed, as `--strict` says for one run.
    #[serde(default)]
    pub strict: bool,
    /// The origins behind it.
    pub backends: BackendsFile,
    /// What is done, in order.
    #[schemars(with = "Vec<StepFile>")]
    pub steps: Vec<Spanned<StepFile>>,
    /// What is judged.
    pub checks: CheckMap,
    /// Limits on figures, judged by the run and by `harness compare` over its rounds, such as `hits: latency p(99) < 50ms`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub thresholds: Vec<Spanned<String>>,
}

/// Settings handed to the proxy through its adapter, in its own unit.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProxyFile {
    /// How long a cached response is served.
    pub ttl: Option<Span>,
    /// How the next backend is chosen, where the proxy can be told.
    pub balance: Option<Balance>,
    /// Most requests that each client address may send in a second; those beyond are refused.
    pub throttle: Option<u32>,
    /// Client addresses that are let in; everybody where it is empty.
    pub allow: Vec<IpAddr>,
    /// How it watches the health of its backends, where it can; it is told nothing of it where nothing is said.
    pub health: Option<HealthFile>,
    /// Of how many backends it is told, the first ones; of all where nothing is said.
    #[serde(deserialize_with = "values::told_backends")]
    #[schemars(with = "Option<usize>")]
    pub backends: Option<Spanned<usize>>,
    /// Where it listens: on `another` port than at the first start, or by `default`, in a `restart`.
    pub port: Option<PortFile>,
}

/// Active health checks, as the proxy is told of them.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthFile {
    /// What it asks each backend for.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Time between two requests to the same backend; an answer that takes as long is a failure.
    #[serde(deserialize_with = "values::pause")]
    pub interval: Span,
    /// Failures in a row that take a backend out.
    #[serde(deserialize_with = "values::count")]
    pub failures: u32,
    /// Successes in a row that bring it back.
    #[serde(deserialize_with = "values::count")]
    pub successes: u32,
}

/// Which port the proxy is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PortFile {
    /// Another than at the first start, free and chosen by the harness.
    Another,
    /// None: where its adapter can leave the port out, it must listen on 8080.
    Default,
}

/// The origins.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendsFile {
    /// How many there are; they are named `b1`, `b2`, ...
    #[serde(deserialize_with = "values::backends")]
    pub count: usize,
    /// After how long they close a connection that has been answered and says nothing; five seconds where nothing is said, as Apache
    /// does. One whose plan is `stay_open` or `never_close` stays open.
    #[serde(default)]
    pub idle: Option<Span>,
    /// What they answer: the same script for all of them.
    #[serde(default, deserialize_with = "values::script")]
    pub script: Script,
    /// Scripts of single backends, by name, in the place of the one for all.
    #[serde(default)]
    pub own: BTreeMap<String, Script>,
}
