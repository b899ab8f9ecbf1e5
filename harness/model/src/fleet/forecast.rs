//! What a simulation says to whoever has to decide: what it costs, where it breaks, what is left.
//!
//! `harness simulate` makes one for each fleet step; the check of fleets asks it where a run broke. Everything is a function
//! of the plan, so the same question has the same answer.

use serde::{Deserialize, Serialize};

use super::what_if::with_load;
use super::{Overhead, simulate};
use crate::history::FleetRun;
use crate::plan::FleetPlan;

/// The load is never made so many times as large, or as small, in search of the one that breaks.
const FARTHEST: f64 = 1024.0;
/// Requests that are simulated in that search, all together.
const MOST_SEARCHED: f64 = 1e6;
/// The interval of factors is halved so often; what is left is a few percent.
const HALVINGS: usize = 5;

/// Where a run first was slower than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breaks {
    /// The end of the control period.
    pub at: f64,
    /// Requests per real second in it.
    pub per_second: f64,
    /// Instances that took requests in it.
    pub healthy: u64,
}

/// A fleet step in virtual time.
#[derive(Clone, Debug, Serialize)]
pub struct Forecast {
    /// Name of the step.
    pub name: String,
    /// What was simulated.
    pub plan: FleetPlan,
    /// What a machine adds to its times.
    pub overhead: Overhead,
    /// The 99th percentile that a period may have, in milliseconds.
    pub limit_ms: f64,
    /// What came of it.
    pub run: FleetRun,
    /// Fewest and most instances that were there, those being set up included.
    pub instances: (usize, usize),
    /// Instance-hours of a fleet that always has the most instances.
    pub fixed_hours: f64,
    /// Highest rate of the load, requests per real second.
    pub peak_per_second: f64,
    /// Share of the largest fleet that it keeps busy.
    pub peak_share: f64,
    /// Where it first was over the limit.
    pub breaks: Option<Breaks>,
    /// How many times the load it bears.
    pub bears: Bears,
}

/// Times the load at which a fleet still holds, and at which it does not any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bears {
    /// The largest factor that was tried and held: no period over the limit, nothing lost.
    pub holds: Option<f64>,
    /// The smallest that was tried and did not.
    pub breaks: Option<f64>,
}

impl Forecast {
    /// Simulates a plan and looks how much more it bears.
    pub fn of(name: &str, plan: FleetPlan, overhead: Overhead, limit_ms: f64, seed: u64) -> Forecast {
        let mut run = simulate(&plan, overhead, seed);
        // By instance and period: far more than anybody reads of hundreds of them.
        run.ticks.iter_mut().for_each(|tick| tick.arrived.clear());
        let present = run.ticks.iter().map(|tick| tick.healthy + tick.launching);
        let peak = plan.load.iter().map(|stage| stage.to_per_second).fold(0.0, f64::max);
        Forecast {
            name: name.to_owned(),
            overhead,
            limit_ms,
            instances: (present.clone().min().unwrap_or(0), present.max().unwrap_or(0)),
            fixed_hours: plan.most as f64 * plan.length() / 3600.0,
            peak_per_second: peak,
            peak_share: plan.needed(peak) / plan.most as f64,
            breaks: first_over(&plan, &run, limit_ms),
            bears: search(&plan, holds(&run, limit_ms), |plan| {
                holds(&simulate(plan, overhead, seed), limit_ms)
            }),
            plan,
            run,
        }
    }
}

/// The first control period whose 99th percentile was over a limit in milliseconds.
pub fn first_over(plan: &FleetPlan, run: &FleetRun, limit_ms: f64) -> Option<Breaks> {
    let index = run.ticks.iter().position(|tick| tick.p99_ms.is_some_and(|p99| p99 > limit_ms))?;
    Some(Breaks {
        at: run.ticks[index].at,
        per_second: run.ticks[index].sent as f64 * plan.scale / plan.period,
        healthy: healthy_in(plan, run, index) as u64,
    })
}

/// Instances that took requests during a period.
pub fn healthy_in(plan: &FleetPlan, run: &FleetRun, index: usize) -> usize {
    let before = index.checked_sub(1).and_then(|before| run.ticks.get(before));
    before.map_or(plan.least, |tick| tick.healthy)
}

fn holds(run: &FleetRun, limit_ms: f64) -> bool {
    run.lost == 0 && run.ticks.iter().all(|tick| tick.p99_ms.is_none_or(|p99| p99 <= limit_ms))
}

/// Doubles or halves the load until it turns, then closes in; within a bounded number of simulated requests.
fn search(plan: &FleetPlan, holds_now: bool, mut holds: impl FnMut(&FleetPlan) -> bool) -> Bears {
    let mut found = Bears::default();
    let mut left = MOST_SEARCHED;
    let mut factor = 1.0;
    let mut held = holds_now;
    let mut halvings = 0;
    loop {
        if held {
            found.holds = Some(factor);
        } else {
            found.breaks = Some(factor);
        }
        factor = match (found.holds, found.breaks) {
            (Some(holds), Some(breaks)) => {
                halvings += 1;
                (holds + breaks) / 2.0
            }
            (Some(holds), None) => holds * 2.0,
            (None, Some(breaks)) => breaks / 2.0,
            (None, None) => return found,
        };
        let next = with_load(plan, factor);
        left -= next.requests();
        let far = !(1.0 / FARTHEST..=FARTHEST).contains(&factor);
        if far || left < 0.0 || halvings > HALVINGS {
            return found;
        }
        held = holds(&next);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Impossible, WhatIf};
    use super::*;
    use crate::plan::{Level, Policy, Stage};

    /// One to six instances of 50 requests per second each; 180 per second at the end of an hour.
    fn plan() -> FleetPlan {
        FleetPlan {
            scale: 60.0,
            least: 1,
            most: 6,
            provisioning: 60.0,
            places: 2,
            service: "exponential(40ms)".parse().unwrap(),
            period: 30.0,
            policies: vec![Policy::Target {
                keep: Level::Occupancy(0.6),
                out_cooldown: 60.0,
                in_cooldown: 300.0,
            }],
            load: vec![Stage { to_per_second: 180.0, over: 3600.0 }],
            fails: Vec::new(),
            timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn eight_hours_of_five_hundred_instances() {
        let what_if = WhatIf {
            scale: Some(1_800.0),
            load_factor: Some(100.0),
            most: Some(500),
            span: Some(Duration::from_secs(8 * 3600)),
            ..WhatIf::default()
        };
        let plan = what_if.applied_to(&plan()).unwrap();
        assert_eq!((plan.length(), plan.most, plan.rate_at(plan.length())), (28_800.0, 500, 18_000.0));
        let run = simulate(&plan, Overhead::default(), 1);
        let most = run.ticks.iter().map(|tick| tick.healthy).max().unwrap();
        assert!((450..=500).contains(&most), "{most}");
        assert!(run.lost == 0 && run.ticks.len() == 960 && run.instance_hours < 500.0 * 8.0);
    }

    #[test]
    fn a_forecast_says_what_is_left() {
        let forecast = Forecast::of("day", plan(), Overhead::default(), 1_000.0, 1);
        assert_eq!(forecast.breaks, None);
        assert!((forecast.peak_share - 0.6).abs() < 1e-9 && forecast.fixed_hours == 6.0);
        let Bears { holds: Some(holds), breaks: Some(breaks) } = forecast.bears else {
            panic!("{:?}", forecast.bears)
        };
        // Six instances serve 300 per second; the load ends at 180, and is only for an instant so high.
        assert!((1.2..2.5).contains(&holds) && holds < breaks && breaks < 1.2 * holds, "{holds} {breaks}");
    }

    #[test]
    fn what_breaks_at_once_bears_a_part_of_the_load() {
        let mut plan = plan();
        plan.most = 3;
        let forecast = Forecast::of("day", plan, Overhead::default(), 1_000.0, 1);
        let breaks = forecast.breaks.expect("three instances serve 150 per second");
        assert!(breaks.healthy == 3 && breaks.per_second > 140.0, "{breaks:?}");
        assert!(forecast.bears.holds.is_some_and(|holds| (0.5..1.0).contains(&holds)));
    }

    #[test]
    fn another_scale_leaves_levels_the_same_share_of_an_instance() {
        let mut plan = plan();
        // 1,500 per real minute, half of what an instance serves; 25 of the case.
        plan.policies = vec![Policy::Target {
            keep: Level::RequestsPerMinute(25.0),
            out_cooldown: 60.0,
            in_cooldown: 300.0,
        }];
        let slow = WhatIf { scale: Some(1.0), ..WhatIf::default() }.applied_to(&plan).unwrap();
        let Policy::Target { keep: Level::RequestsPerMinute(rate), .. } = slow.policies[0] else { panic!() };
        assert_eq!(rate, 1_500.0);
        assert_eq!(slow.requests(), 60.0 * plan.requests());
    }

    #[test]
    fn what_makes_no_sense_or_is_too_large_is_refused() {
        let refused = |what_if: WhatIf| what_if.applied_to(&plan()).unwrap_err();
        let none = WhatIf::default();
        assert_eq!(refused(WhatIf { scale: Some(0.5), ..none }), Impossible::Scale(0.5));
        assert_eq!(refused(WhatIf { load_factor: Some(0.0), ..none }), Impossible::Factor(0.0));
        assert_eq!(refused(WhatIf { most: Some(0), ..none }), Impossible::Bounds { least: 1, most: 0 });
        assert_eq!(refused(WhatIf { least: Some(7), ..none }), Impossible::Bounds { least: 7, most: 6 });
        let short = WhatIf { span: Some(Duration::from_secs(1)), ..none };
        assert_eq!(refused(short), Impossible::Span { period: 30.0 });
        let large = WhatIf { scale: Some(1.0), load_factor: Some(1e3), ..none };
        let Impossible::Requests { scale, .. } = refused(large) else { panic!() };
        assert!(WhatIf { scale: Some(scale), ..large }.applied_to(&plan()).is_ok());
        let long = WhatIf { span: Some(Duration::from_secs(10_000 * 3600)), scale: Some(1e6), ..none };
        assert!(matches!(refused(long), Impossible::Periods { .. }));
    }
}
