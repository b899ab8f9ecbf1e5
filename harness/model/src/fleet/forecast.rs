//! What a simulation says to whoever has to decide: what it costs, where it breaks, what is left.
//!
//! `harness simulate` makes one for each fleet step; the checks of fleets ask it where a run broke, whether it held what is
//! asked of it, and which fixed fleet would have. Everything is a function of the plan, so the same question has the same
//! answer, and the command and the checks have one criterion.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::what_if::with_load;
use super::{Overhead, simulate};
use crate::catalogue::CheckId;
use crate::history::FleetRun;
use crate::plan::{FleetPlan, Plan};

/// The load is never made so many times as large, or as small, in search of the one that breaks.
const FARTHEST: f64 = 1024.0;
/// Requests that are simulated in that search, and in the one for a fixed fleet, all together.
const MOST_SEARCHED: f64 = 2e6;
/// What a 99th percentile may be where nobody says so.
const USUAL_LIMIT: Duration = Duration::from_secs(1);
/// The interval of factors is halved so often; what is left is a few percent.
const HALVINGS: usize = 5;

/// Where a run first was slower than its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breaks {
    /// The end of the control period.
    pub at: f64,
    /// Requests per second of the case in it.
    pub per_second: f64,
    /// Instances that took requests in it.
    pub healthy: u64,
}

/// What is asked of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// What the 99th percentile may be, in milliseconds of the case.
    pub limit_ms: f64,
    /// Requests that may be lost where an instance dies.
    pub at_deaths: u64,
}

/// What a run lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Losses {
    /// In the period of a death and the one after it.
    pub at_deaths: u64,
    /// At any other time.
    pub elsewhere: u64,
}

impl Losses {
    /// Of a run, without those whose clients gave up: they are lost to a fleet that is too small.
    pub fn turned_away(run: &FleetRun) -> Losses {
        let turned_away =
            |index: usize| run.ticks[index].lost - run.ticks[index].late.min(run.ticks[index].lost);
        let died = |index: usize| run.ticks[index].died.is_some();
        let near_death = |index: &usize| died(*index) || (*index > 0 && died(*index - 1));
        let at_deaths = (0..run.ticks.len()).filter(near_death).map(turned_away).sum();
        Losses { at_deaths, elsewhere: run.lost.saturating_sub(run.late).saturating_sub(at_deaths) }
    }
}

impl Objective {
    /// What the checks of a scenario ask of a fleet step.
    pub fn of(plan: &Plan, step: &str) -> Objective {
        let of = |id: CheckId| {
            plan.checks.iter().filter(move |check| {
                let steps = &check.parameters.steps;
                check.id == id && (steps.is_empty() || steps.iter().any(|label| label == step))
            })
        };
        let mut limits = of(CheckId::FleetLatency)
            .chain(of(CheckId::FleetBreaks))
            .filter_map(|check| check.parameters.at_most);
        let allowed = of(CheckId::FleetLostRequests).find_map(|check| check.parameters.count);
        Objective {
            limit_ms: limits.next().unwrap_or(USUAL_LIMIT).as_secs_f64() * 1e3,
            at_deaths: allowed.unwrap_or(0),
        }
    }

    /// Whether a run held it: nobody gave up, nobody was turned away but where an instance died, and the 99th percentile was
    /// within its limit.
    pub fn held(&self, plan: &FleetPlan, run: &FleetRun) -> bool {
        let lost = Losses::turned_away(run);
        run.late == 0
            && lost.elsewhere == 0
            && lost.at_deaths <= self.at_deaths
            && run.p99_ms * plan.scale <= self.limit_ms
    }

    /// The smallest fleet of a fixed size that holds it in the time of the owner, which may be larger than the largest of the
    /// plan; `None` where none was found within a bounded number of simulated requests.
    pub fn smallest_fixed(&self, plan: &FleetPlan, overhead: Overhead, seed: u64) -> Option<usize> {
        let mut fixed = FleetPlan { policies: Vec::new(), ..plan.in_the_owners_time() };
        let requests = fixed.requests();
        let busy = plan.needed(plan.peak()).ceil() as usize;
        let mut left = MOST_SEARCHED;
        let mut holds = |size: usize| {
            left -= requests;
            (fixed.least, fixed.most, fixed.start) = (size, size, Some(size));
            let overhead = overhead.in_the_owners_time();
            (left >= 0.0).then(|| self.held(&fixed, &simulate(&fixed, overhead, seed)))
        };
        // As many as the peak keeps busy is a good guess; a brief peak leaves a line that fewer work off.
        let mut size = busy.max(1);
        if holds(size)? {
            while size > 1 && holds(size - 1)? {
                size -= 1;
            }
            return Some(size);
        }
        while size < 2 * busy + 8 {
            size += 1;
            if holds(size)? {
                return Some(size);
            }
        }
        None
    }
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
    /// What is asked of it.
    pub objective: Objective,
    /// Whether waits as long as its limit can be told at this scale; where not, nothing is said of where it breaks.
    pub shows_limit: bool,
    /// What came of it.
    pub run: FleetRun,
    /// Fewest and most instances that were there, those being set up included.
    pub instances: (usize, usize),
    /// The smallest fixed fleet that holds what is asked, in the time of the owner.
    pub smallest_fixed: Option<usize>,
    /// Its instance-hours.
    pub fixed_hours: Option<f64>,
    /// Highest rate of the load, requests per second of the case.
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
    /// The largest factor that was tried and held what is asked.
    pub holds: Option<f64>,
    /// The smallest that was tried and did not.
    pub breaks: Option<f64>,
}

impl Forecast {
    /// Simulates a plan and looks how much more it bears.
    pub fn of(name: &str, plan: FleetPlan, overhead: Overhead, objective: Objective, seed: u64) -> Forecast {
        let mut run = simulate(&plan, overhead, seed);
        // By instance and period: far more than anybody reads of hundreds of them.
        run.ticks.iter_mut().for_each(|tick| tick.arrived.clear());
        let present = run.ticks.iter().map(|tick| tick.healthy + tick.launching);
        let peak = plan.peak();
        let shows_limit = plan.shows(Duration::from_secs_f64(objective.limit_ms / 1e3));
        let bears = || {
            search(&plan, objective.held(&plan, &run), |plan| {
                objective.held(plan, &simulate(plan, overhead, seed))
            })
        };
        let smallest_fixed = objective.smallest_fixed(&plan, overhead, seed);
        Forecast {
            name: name.to_owned(),
            overhead,
            objective,
            shows_limit,
            instances: (present.clone().min().unwrap_or(0), present.max().unwrap_or(0)),
            smallest_fixed,
            fixed_hours: smallest_fixed.map(|size| size as f64 * plan.length() / 3600.0),
            peak_per_second: peak,
            peak_share: plan.needed(peak) / plan.most as f64,
            breaks: first_over(&plan, &run, objective.limit_ms).filter(|_| shows_limit),
            bears: if shows_limit { bears() } else { Bears::default() },
            plan,
            run,
        }
    }
}

/// The first control period whose 99th percentile was over a limit in milliseconds of the case.
pub fn first_over(plan: &FleetPlan, run: &FleetRun, limit_ms: f64) -> Option<Breaks> {
    let index =
        run.ticks.iter().position(|tick| tick.p99_ms.is_some_and(|p99| p99 * plan.scale > limit_ms))?;
    Some(Breaks {
        at: run.ticks[index].at,
        per_second: run.ticks[index].sent as f64 * plan.weight() / plan.period,
        healthy: healthy_in(plan, run, index) as u64,
    })
}

/// Instances that took requests during a period.
pub fn healthy_in(plan: &FleetPlan, run: &FleetRun, index: usize) -> usize {
    let before = index.checked_sub(1).and_then(|before| run.ticks.get(before));
    before.map_or(plan.beginning(), |tick| tick.healthy)
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
            scale: 1.0,
            stands_for: None,
            least: 1,
            most: 6,
            start: None,
            provisioning: 60.0,
            places: 2,
            service: "exponential(40ms)".parse().unwrap(),
            period: 30.0,
            policies: vec![Policy::Target {
                keep: Level::Occupancy(0.6),
                out_cooldown: 60.0,
                in_cooldown: 300.0,
                in_lasting: 0.0,
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

    const OBJECTIVE: Objective = Objective { limit_ms: 1_000.0, at_deaths: 0 };

    #[test]
    fn a_forecast_says_what_is_left() {
        let forecast = Forecast::of("day", plan(), Overhead::default(), OBJECTIVE, 1);
        assert_eq!(forecast.breaks, None);
        // Four instances serve 200 per second, the load ends at 180: a fixed fleet needs no more.
        assert!((forecast.peak_share - 0.6).abs() < 1e-9 && forecast.smallest_fixed == Some(4));
        assert_eq!(forecast.fixed_hours, Some(4.0));
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
        let forecast = Forecast::of("day", plan, Overhead::default(), OBJECTIVE, 1);
        assert_eq!(forecast.smallest_fixed, Some(4), "one more than the largest of the plan");
        let breaks = forecast.breaks.expect("three instances serve 150 per second");
        assert!(breaks.healthy == 3 && breaks.per_second > 140.0, "{breaks:?}");
        assert!(forecast.bears.holds.is_some_and(|holds| (0.5..1.0).contains(&holds)));
    }

    #[test]
    fn one_planned_death_does_not_break_what_tolerates_it() {
        let mut plan = plan();
        (plan.fails, plan.start, plan.least) = (vec![1_500.0, 2_000.0, 2_500.0, 3_000.0], Some(4), 4);
        let strict = Forecast::of("day", plan.clone(), Overhead::default(), OBJECTIVE, 1);
        let tolerant = Objective { at_deaths: 24, ..OBJECTIVE };
        let forecast = Forecast::of("day", plan, Overhead::default(), tolerant, 1);
        assert!((1..=24).contains(&forecast.run.lost) && forecast.run.late == 0, "{}", forecast.run.lost);
        assert!(forecast.bears.holds.is_some_and(|holds| holds >= 1.0), "{:?}", forecast.bears);
        assert!(strict.bears.holds.is_none_or(|holds| holds < 1.0), "{:?}", strict.bears);
    }

    #[test]
    fn a_fleet_begins_in_balance_with_its_load() {
        let large = WhatIf { load_factor: Some(100.0), most: Some(500), ..WhatIf::default() };
        let scale = WhatIf { scale: Some(100.0), ..large };
        assert_eq!(scale.applied_to(&plan()).unwrap().beginning(), 100);
        let told = WhatIf { least: Some(150), ..scale };
        assert_eq!(told.applied_to(&plan()).unwrap().beginning(), 150);
    }

    #[test]
    fn another_scale_leaves_what_the_owner_says_as_it_is() {
        let mut plan = plan();
        (plan.scale, plan.stands_for) = (120.0, Some(40.0));
        let slow = WhatIf { scale: Some(1.0), ..WhatIf::default() }.applied_to(&plan).unwrap();
        assert_eq!((slow.weight(), slow.policies.clone()), (1.0, plan.policies.clone()));
        assert_eq!((slow.requests(), slow.rate_at(1_800.0)), (40.0 * plan.requests(), 90.0));
        let coarse = FleetPlan { stands_for: Some(300.0), ..plan.clone() };
        let slow = WhatIf { scale: Some(1.0), ..WhatIf::default() }.applied_to(&coarse).unwrap();
        assert_eq!(slow.weight(), 1.0, "however many one of the run stands for");
        let quick = WhatIf { scale: Some(1_200.0), ..WhatIf::default() }.applied_to(&plan).unwrap();
        assert_eq!(quick.weight(), 400.0, "a request lasts as long as before");
        let forecast = Forecast::of("day", quick, Overhead::default(), OBJECTIVE, 1);
        assert!(!forecast.shows_limit && forecast.bears == Bears::default() && forecast.breaks.is_none());
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
