//! What the owners of systems behind a balancer ask of the balancer itself: connections, balance, admission, capacity.
//!
//! `evaluate` calls it. One file a question; findings of the family have a type of their own.

mod balance;
mod capacity;
mod degradation;
mod finding;
mod gateway;
mod multiplexing;
mod worker;

pub(super) use balance::least_busy;
pub(super) use capacity::scaling;
pub(super) use degradation::degradation;
pub use finding::{
    AdmissionSeen, BalanceSeen, Bottleneck, CapacitySeen, CaseFinding, InstanceShare, MultiplexingSeen,
    OverloadSeen, SizeSeen, WorkerSeen,
};
pub(super) use gateway::admission;
pub(super) use multiplexing::multiplexing;
pub(super) use worker::processed;
