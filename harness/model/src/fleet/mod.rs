//! The control plane of a fleet: how many instances there should be, which there are, and what would become of a load.
//!
//! `conductor` drives real backends by [`Control`] and [`Group`]; [`simulate`] runs the same two in virtual time, for spans
//! and fleets that no machine has. Nothing here waits, opens a socket or reads a clock.

mod arrivals;
mod control;
mod distance;
mod forecast;
mod group;
mod simulation;
mod what_if;

pub use arrivals::Arrivals;
pub use control::{Control, Measured};
pub use distance::Distance;
pub use forecast::{Bears, Breaks, Forecast, Losses, Objective, first_over, healthy_in};
pub use group::Group;
pub use simulation::{Overhead, name_of, owners_replay, replay, simulate, simulate_beside};
pub use what_if::{Impossible, WhatIf};
