//! What the checks saw, typed: an enum for each family, and what can be said of any check.
//!
//! Each check fills in figures; `language` has one sentence per variant and language, and a missing one does not compile.
//! Quantities carry their unit in the name (`_ms` are milliseconds); nothing here is a sentence. In `verdicts.json` a finding is
//! one flat object, whatever its family: `finding` names it.

mod concurrency;
mod config;
mod exchange;
mod hits;
mod http2;
mod https;
mod integrity;
mod log;
mod persistence;
mod proxy;
mod rotation;
mod ttl;

pub use concurrency::ConcurrencyFinding;
pub use config::ConfigFinding;
pub use exchange::ExchangeFinding;
pub use hits::HitsFinding;
pub use http2::Http2Finding;
pub use https::HttpsFinding;
pub use integrity::IntegrityFinding;
pub use log::LogFinding;
pub use persistence::PersistenceFinding;
pub use proxy::ProxyFinding;
pub use rotation::RotationFinding;
pub use ttl::TtlFinding;

use serde::{Deserialize, Serialize};

use harness_model::history::StepProblem;

use crate::check::cases::CaseFinding;
use crate::check::cloud::CloudFinding;
use crate::check::seen::{Samples, ThresholdSeen};
use harness_model::catalogue::CheckId;

/// What a check saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    /// The check was not reached because another one failed.
    DependsOn {
        /// The one that failed.
        check: CheckId,
    },
    /// It only proves an absence, and what could have been there was never seen in this run.
    NoControl {
        /// The check that asks for that.
        check: CheckId,
    },
    /// The adapter declares that the proxy cannot do this.
    DeclaredUnsupported {
        /// The capability, such as `cache: memory`.
        capability: String,
    },
    /// The proxy runs already, and the harness has neither its start and end nor its files and processes.
    Attached,
    /// No run can prove it: a person looks at it.
    ForAPerson,
    /// The steps it needs did not take place.
    NotReached,
    /// A step it needs could not be carried out.
    StepProblem {
        /// What kept it from being carried out.
        problem: StepProblem,
    },
    /// Our own client could not send what was to be asked, which says nothing of the proxy.
    NotSent {
        /// Requests that were not sent.
        requests: u64,
        /// What the client or the system said.
        said: String,
    },
    /// An answer was on its way when our own client gave it up, on a busy host.
    CutOffByUs {
        /// Its target.
        target: String,
        /// Bytes of its body that had come.
        bytes: u64,
        /// How long it was given, where that is known.
        given_ms: Option<f64>,
        /// Share of the time in which tasks waited for a CPU, where that could be read.
        pressure: Option<f64>,
    },
    /// The run ended before everything was asked that it judges.
    CutShort {
        /// Steps that had ended, of those that it looks at.
        ended: u64,
        /// So many there are.
        steps: u64,
    },
    /// Too little was seen for a conclusion.
    TooFew {
        /// Of what.
        of: Samples,
        /// So many were seen.
        have: u64,
        /// So many are needed.
        needed: u64,
    },
    /// A check that rests on time failed, was tried once more and passed.
    PassedOnSecondTry {
        /// What the first try saw.
        first: Box<Finding>,
        /// Share of time in which tasks waited for a CPU during the first try, between 0 and 1.
        pressure_first: Option<f64>,
        /// The same for the second.
        pressure_second: Option<f64>,
    },
    /// What failed rests on time alone, and the host was too busy for it to say anything.
    BusyHost {
        /// What was seen.
        found: Box<Finding>,
        /// Share of time in which tasks waited for a CPU meanwhile, between 0 and 1, where known.
        pressure: Option<f64>,
        /// Longest time by which a sleep of our own was prolonged meanwhile.
        stood_still_ms: f64,
    },
    /// What a check of a cloud case saw.
    Cloud(CloudFinding),
    /// What a check of the balancer of a cloud case saw.
    Case(CaseFinding),
    /// Percentiles against their limits.
    Latencies {
        /// One a threshold, in the order of the scenario.
        thresholds: Vec<ThresholdSeen>,
    },
    /// Of `cache.hit` and `cache.post`.
    #[serde(untagged)]
    Hits(HitsFinding),
    /// Of `ttl.*`.
    #[serde(untagged)]
    Ttl(TtlFinding),
    /// Of `persistence.*`.
    #[serde(untagged)]
    Persistence(PersistenceFinding),
    /// Of `concurrency.*`.
    #[serde(untagged)]
    Concurrency(ConcurrencyFinding),
    /// Of `integrity.bodies`.
    #[serde(untagged)]
    Integrity(IntegrityFinding),
    /// Of `proxy.alive`.
    #[serde(untagged)]
    Proxy(ProxyFinding),
    /// Of `rr.*`.
    #[serde(untagged)]
    Rotation(RotationFinding),
    /// Of exact exchanges (`forward.*`, `connections.*`, `failures.*`, `page.*`, most of `cache.*`).
    #[serde(untagged)]
    Exchange(ExchangeFinding),
    /// Of `config.*`.
    #[serde(untagged)]
    Config(ConfigFinding),
    /// Of `log.*`.
    #[serde(untagged)]
    Log(LogFinding),
    /// Of `https.*`.
    #[serde(untagged)]
    Https(HttpsFinding),
    /// Of `http2.*`.
    #[serde(untagged)]
    Http2(Http2Finding),
}
