//! A plan otherwise than the scenario has it: another time scale, more load, a larger fleet, a longer day.
//!
//! `harness simulate` asks it before it simulates. It changes nothing that the scenario says of policies. With the load grows
//! what the fleet begins with, since nobody begins a day with one instance for a hundred times what one can serve.

use std::time::Duration;

use crate::plan::{FleetPlan, Policy};

/// Requests that a simulation takes on; each costs some 200 ns and 8 bytes.
const MOST_REQUESTS: f64 = 2e7;
/// Control periods times instances that a simulation takes on.
const MOST_PERIODS: f64 = 5e6;

/// What is to be otherwise; `None` leaves it as the scenario has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// Seconds of the case in one second of real time; 1 is the time of the owner.
    pub scale: Option<f64>,
    /// Times the load.
    pub load_factor: Option<f64>,
    /// Fewest instances.
    pub least: Option<usize>,
    /// Most instances.
    pub most: Option<usize>,
    /// How long the load lasts in the time of the case; its shape is stretched.
    pub span: Option<Duration>,
}

/// Why a plan cannot be simulated so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Impossible {
    /// The scale is below 1 or no number.
    Scale(f64),
    /// The factor is not above 0 or no number.
    Factor(f64),
    /// The span is shorter than a control period.
    Span {
        /// The period in seconds of the case.
        period: f64,
    },
    /// More instances at least than at most, or none.
    Bounds {
        /// Fewest.
        least: usize,
        /// Most.
        most: usize,
    },
    /// More requests than are taken on.
    Requests {
        /// So many.
        requests: f64,
        /// A scale at which it would be possible.
        scale: f64,
    },
    /// More control periods of so many instances than are taken on.
    Periods {
        /// So many periods.
        periods: f64,
        /// Of so many instances.
        instances: usize,
    },
}

impl WhatIf {
    /// The plan with what is to be otherwise.
    ///
    /// # Errors
    /// It would make no sense, or would be too large to be computed within seconds.
    pub fn applied_to(&self, plan: &FleetPlan) -> Result<FleetPlan, Impossible> {
        let mut changed = plan.clone();
        // A fleet of a fixed size stays one.
        let fixed = plan.least == plan.most;
        changed.most = self.most.unwrap_or(plan.most);
        changed.least = self.least.unwrap_or(if fixed { changed.most } else { plan.least });
        if changed.least == 0 || changed.least > changed.most {
            return Err(Impossible::Bounds { least: changed.least, most: changed.most });
        }
        if let Some(factor) = self.load_factor {
            if !(factor.is_finite() && factor > 0.0) {
                return Err(Impossible::Factor(factor));
            }
            changed = with_load(&changed, factor);
            let begins_with = (plan.beginning() as f64 * factor).ceil() as usize;
            changed.start = Some(begins_with.clamp(changed.least, changed.most));
        }
        changed.start = Some(changed.beginning());
        if let Some(span) = self.span {
            if span.as_secs_f64() < plan.period {
                return Err(Impossible::Span { period: plan.period });
            }
            stretch(&mut changed, span.as_secs_f64() / plan.length().max(plan.period));
        }
        if let Some(scale) = self.scale {
            if !(scale.is_finite() && scale >= 1.0) {
                return Err(Impossible::Scale(scale));
            }
            count_in(&mut changed, scale);
        }
        bounded(changed)
    }
}

/// The same with so many times the load.
pub(super) fn with_load(plan: &FleetPlan, factor: f64) -> FleetPlan {
    let mut plan = plan.clone();
    plan.load.iter_mut().for_each(|stage| stage.to_per_second *= factor);
    plan
}

/// Everything that stands at a moment of the load moves with it; what lasts in the cloud lasts as long as before.
fn stretch(plan: &mut FleetPlan, factor: f64) {
    plan.load.iter_mut().for_each(|stage| stage.over *= factor);
    plan.fails.iter_mut().for_each(|at| *at *= factor);
    for policy in &mut plan.policies {
        if let Policy::Schedule { at, lasting, .. } = policy {
            *at *= factor;
            *lasting *= factor;
        }
    }
}

/// Another time scale. A request of the run lasts as long as before, so it stands for more or for fewer of the case; in the
/// time of the owner for itself.
fn count_in(plan: &mut FleetPlan, scale: f64) {
    let in_proportion = plan.weight() * scale / plan.scale;
    plan.stands_for = Some(if scale > 1.0 { in_proportion.max(1.0) } else { 1.0 });
    plan.scale = scale;
}

fn bounded(plan: FleetPlan) -> Result<FleetPlan, Impossible> {
    let requests = plan.requests();
    if requests > MOST_REQUESTS {
        let scale = (plan.scale * requests / MOST_REQUESTS).ceil();
        return Err(Impossible::Requests { requests, scale });
    }
    let periods = plan.length() / plan.period;
    if periods * plan.most as f64 > MOST_PERIODS {
        return Err(Impossible::Periods { periods, instances: plan.most });
    }
    Ok(plan)
}
