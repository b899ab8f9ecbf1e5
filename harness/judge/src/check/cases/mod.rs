//! What the owners of systems behind a balancer ask of the balancer itself: connections, balance, admission, capacity.
//!
//! `evaluate` calls it. One file a question; findings of the family have a type of their own.

mod balance;
mod capacity;
mod degradation;
mod delivery;
mod finding;
mod gateway;
mod health;
mod multiplexing;
mod votes;
mod worker;

pub(super) use balance::least_busy;
pub(super) use capacity::scaling;
pub(super) use degradation::degradation;
pub(super) use delivery::{cors, expiry};
pub use finding::{
    AbsenceSeen, AdmissionSeen, BalanceSeen, Bottleneck, CapacitySeen, CaseFinding, CorsSeen, HealthSeen,
    InstanceShare, InstanceWatched, MultiplexingSeen, OverloadSeen, OwnSeen, SizeSeen, TokenEndSeen,
    VotesSeen, WorkerSeen,
};
pub(super) use gateway::admission;
pub(super) use health::watched;
pub(super) use multiplexing::multiplexing;
pub(super) use votes::{counted, own};
pub(super) use worker::processed;
