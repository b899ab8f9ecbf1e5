//! How far a simulation was from the real run of the same plan, and how far it may be.
//!
//! The check `fleet.simulation` and whoever calibrates a forecast by a run ask it. Whether instances come when they should is
//! asked of the simulation as it is, whether latencies are right of one with the decisions of the real run.

use serde::Serialize;

use super::{replay, simulate_beside};
use crate::history::FleetRun;
use crate::plan::FleetPlan;

/// Instances by which the two may differ outside one control period.
const MOST_INSTANCES: u64 = 1;
/// Share by which the 99th percentile of the simulation may differ from the real one.
const MOST_SHARE: f64 = 0.25;
/// Standard deviations by which two counts of lost requests may differ, if what is lost is lost by chance.
const DEVIATIONS: f64 = 3.0;

/// How far a simulation was from a real run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distance {
    /// Most healthy instances by which the two differed, a control period earlier or later.
    pub apart: u64,
    /// 99th percentile of the real run in milliseconds.
    pub real_p99_ms: f64,
    /// The same of the simulation, with the decisions of the real run.
    pub simulated_p99_ms: f64,
    /// Requests that the real run lost.
    pub real_lost: u64,
    /// Those that the simulation lost, with the decisions of the real run.
    pub simulated_lost: u64,
}

impl Distance {
    /// Between a real run and the model of its plan, from the same seed.
    pub fn of(plan: &FleetPlan, real: &FleetRun, seed: u64) -> Distance {
        let replayed = replay(plan, real, seed);
        Distance {
            simulated_p99_ms: replayed.p99_ms,
            simulated_lost: replayed.lost,
            ..Distance::between(real, &simulate_beside(plan, real, seed))
        }
    }

    fn between(real: &FleetRun, simulated: &FleetRun) -> Distance {
        let healthy = |index: usize| simulated.ticks.get(index).map(|tick| tick.healthy);
        let apart = real.ticks.iter().enumerate().filter_map(|(index, tick)| {
            let near = [index.checked_sub(1).and_then(healthy), healthy(index), healthy(index + 1)];
            near.into_iter().flatten().map(|count| count.abs_diff(tick.healthy)).min()
        });
        Distance {
            apart: apart.max().unwrap_or(0) as u64,
            real_p99_ms: real.p99_ms,
            simulated_p99_ms: simulated.p99_ms,
            real_lost: real.lost,
            simulated_lost: simulated.lost,
        }
    }

    /// By which share of the real one the 99th percentiles differ; `None` where nothing was answered.
    pub fn p99_share(&self) -> Option<f64> {
        (self.real_p99_ms > 0.0).then(|| (self.simulated_p99_ms - self.real_p99_ms) / self.real_p99_ms)
    }

    /// Whether both lost as many, as far as chance leaves that to be told.
    pub fn loses_alike(&self) -> bool {
        let (real, simulated) = (self.real_lost as f64, self.simulated_lost as f64);
        (real - simulated).abs() <= DEVIATIONS * (real + simulated).sqrt()
    }

    /// Whether the simulation may be trusted.
    pub fn is_close(&self) -> bool {
        let slow_alike = (self.simulated_p99_ms - self.real_p99_ms).abs() <= MOST_SHARE * self.real_p99_ms;
        self.apart <= MOST_INSTANCES && slow_alike && self.loses_alike()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::FleetTick;

    fn run(healthy: &[usize], p99_ms: f64) -> FleetRun {
        let ticks = healthy.iter().map(|&healthy| FleetTick { healthy, ..FleetTick::default() }).collect();
        FleetRun { ticks, p99_ms, ..FleetRun::default() }
    }

    #[test]
    fn a_period_earlier_or_later_is_no_distance_and_more_is() {
        let real = run(&[2, 2, 4, 4, 4, 4], 100.0);
        let one_later = Distance::between(&real, &run(&[2, 2, 2, 4, 4, 4], 124.0));
        assert!(one_later.apart == 0 && one_later.is_close());
        let much_later = Distance::between(&real, &run(&[2, 2, 2, 2, 2, 4], 100.0));
        assert!(much_later.apart == 2 && !much_later.is_close());
        assert!(!Distance::between(&real, &run(&[2, 2, 4, 4, 4, 4], 126.0)).is_close());
        assert!(!Distance::between(&run(&[1], 0.0), &run(&[1], 10.0)).is_close());
        let losing = |lost| FleetRun { lost, ..run(&[2, 2], 100.0) };
        for (lost, alike) in [(100, true), (70, true), (40, false), (0, false)] {
            assert_eq!(Distance::between(&losing(100), &losing(lost)).is_close(), alike, "100 and {lost}");
        }
    }
}
