//! Programs with state, tokens and time, after systems that live behind a balancer.
//!
//! Scripts name them (`application: {name: tracking}`) and every backend of a run asks the same one, as instances of a
//! service share a database. They answer requests and keep state in memory; they never see a socket and never misbehave:
//! that is what the behaviours around them are for.

mod accounts;
mod careless;
mod dialogue;
mod instance;
mod plain;
mod token;
mod tracking;
mod voting;
mod worker;

pub use careless::{CARELESS, Careless, Permission};
pub use instance::{Instances, Usage, service_time};
pub use plain::Plain;
pub use token::{Authority, BadToken, Claims};
pub use tracking::Tracking;
pub use voting::Voting;
pub use worker::{Job, Refused, Worker};

use std::sync::Arc;

use crate::behavior::Applications;

/// The names under which [`all`] knows them, and what each of them is.
pub const NAMES: &[(&str, &str)] = &[
    (
        "voting",
        "a voting platform: sign-up, login with tokens, one vote per user and video, rankings, uploads to a worker",
    ),
    ("voting-20x", "the same, twenty times as fast where it takes long, with a queue of twelve"),
    (
        "tracking",
        "delivery tracking: tokens of 30 minutes, orders, metrics, CORS, cold starts, and answers with careless caching headers",
    ),
    (
        "tracking-original-360x",
        "the same as it was: its lists answer 500 to a bad token, and tokens last 5 s in the place of 30 minutes",
    ),
    ("instance", "a server with so many places and service times of its own, whose occupancy can be read"),
    ("plain", "a plain web instance that names itself"),
];

/// One of each, new: no accounts, no votes, no orders.
pub fn all() -> Applications {
    let mut applications = Applications::default();
    applications.add("voting", Arc::new(Voting::new()));
    applications.add("voting-20x", Arc::new(Voting::faster(20)));
    applications.add("tracking", Arc::new(Tracking::new()));
    applications.add("tracking-original-360x", Arc::new(Tracking::original(360)));
    applications.add("instance", Arc::new(Instances::new()));
    applications.add("plain", Arc::new(Plain));
    applications
}

#[cfg(test)]
mod tests;
