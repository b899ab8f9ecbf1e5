//! What the owners of systems in the cloud care about: whose answers reach whom, and how soon what is new is seen.
//!
//! `evaluate` calls it. One file a question; findings of the family have a type of their own.

mod finding;
mod fleet;
mod freshness;
mod privacy;

pub use finding::{CloudFinding, KindSeen, PlaceSeen};
pub use fleet::{
    BreakSeen, Breaks, EvenSeen, FleetFinding, LostSeen, RestsOn, ScaledSeen, SimulatedSeen, SlowSeen,
};
pub(super) use fleet::{breaks, even, latency as fleet_latency, lost_requests, scaled, simulation};
pub(super) use freshness::delivered;
pub(super) use privacy::{never_shared, tokens};
