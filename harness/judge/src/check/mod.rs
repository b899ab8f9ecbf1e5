//! History in, verdict out: the checks, one file a family, all of them pure.
//!
//! The conductor calls [`evaluate`] when a run has ended, and `harness report` calls it again on a run folder. Nothing
//! here touches the network, a process, a file or a clock.

mod alive;
mod cases;
// A new finding must be thought of here.
#[deny(clippy::wildcard_enum_match_arm)]
mod cause;
mod cloud;
mod concurrency;
mod controls;
mod cut;
mod evaluate;
mod explained;
mod fairness;
mod fidelity;
mod finding;
mod freshness;
mod grounds;
mod hits;
mod http2;
mod https;
mod hypothesis;
mod integrity;
mod judged;
mod kept;
mod lacking;
mod latency;
mod ledger;
mod linked;
mod listed;
mod logged;
mod ours;
mod overhead;
mod pattern;
mod persistence;
mod probes;
mod refuted;
mod seen;
mod strain;
mod summary;
mod unannounced;
mod verdict;

#[cfg(test)]
mod testkit;

pub use cases::{
    AbsenceSeen, AdmissionSeen, BalanceSeen, Bottleneck, CapacitySeen, CaseFinding, CorsSeen, HealthSeen,
    InstanceShare, InstanceWatched, MultiplexingSeen, OverloadSeen, OwnSeen, SizeSeen, TokenEndSeen,
    VotesSeen, WorkerSeen,
};
pub use cause::Cause;
pub use cloud::{
    BreakSeen, Breaks, CloudFinding, EvenSeen, FleetFinding, KindSeen, LostSeen, PlaceSeen, RestsOn,
    ScaledSeen, SimulatedSeen, SlowSeen,
};
pub use concurrency::needs_second_try;
pub use evaluate::evaluate;
pub use fidelity::Amiss;
pub use finding::{
    ConcurrencyFinding, ConfigFinding, ExchangeFinding, Finding, HitsFinding, Http2Finding, HttpsFinding,
    IntegrityFinding, LogFinding, PersistenceFinding, ProxyFinding, RotationFinding, TtlFinding,
};
pub use grounds::{Basis, Fact, Grounds, Named, Tried};
pub use hypothesis::{Heard, heard, printed_between};
pub use logged::{LogLack, LogPlace};
pub use probes::{CurvePoint, expiry_curve};
pub use seen::{
    Difference, ExpirySeen, Judgement, LatePattern, RotationPattern, Samples, Share, ThresholdSeen, Wrong,
};
pub use summary::{Summary, exit_code_of};
pub use verdict::{Outcome, Verdict};
