//! When requests of a load with stages are due: one after the other, at the rate of the moment.
//!
//! The real run and the simulation ask the same sequence, so that they differ in nothing but the system under load.

use crate::plan::FleetPlan;

/// Step by which a stretch without load is passed over, in real seconds.
const IDLE_STEP: f64 = 0.01;

/// The due moments, in real seconds from the beginning.
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    plan: &'a FleetPlan,
    at: f64,
}

impl<'a> Arrivals<'a> {
    /// From the beginning.
    pub fn new(plan: &'a FleetPlan) -> Arrivals<'a> {
        Arrivals { plan, at: 0.0 }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let length = self.plan.length() / self.plan.scale;
        // Arrivals are as many as the area under the rate, to one.
        let mut missing = 1.0;
        while self.at < length {
            let rate = self.plan.in_the_run(self.plan.rate_at(self.at * self.plan.scale));
            if rate * IDLE_STEP >= missing {
                self.at += missing / rate;
                return (self.at < length).then_some(self.at);
            }
            missing -= rate * IDLE_STEP;
            self.at += IDLE_STEP;
        }
        None
    }
}
