//! How many instances there should be: policies over what is measured, with cooldowns and limits.
//!
//! Real runs and simulations ask it once a control period. Where policies disagree the largest wish wins, and nothing is
//! taken away while one of them holds on; so losing an instance is never the price of a quick policy.

use crate::history::FleetDecision;
use crate::plan::{FleetPlan, Level, Policy};

/// What was measured over a control period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Its end, in seconds of the case.
    pub at: f64,
    /// Instances that take requests.
    pub healthy: usize,
    /// Share of their places that were taken.
    pub occupancy: f64,
    /// Requests per healthy instance and minute of the case.
    pub requests_per_minute: f64,
}

/// Decides.
#[derive(Clone, Debug)]
pub struct Control<'a> {
    plan: &'a FleetPlan,
    desired: usize,
    /// For each policy, since when its condition has held.
    since: Vec<Option<f64>>,
    /// For each policy, when it last acted.
    acted: Vec<Option<f64>>,
    changed: Option<f64>,
}

impl<'a> Control<'a> {
    /// With the fewest instances.
    pub fn new(plan: &'a FleetPlan) -> Control<'a> {
        let none = vec![None; plan.policies.len()];
        Control { plan, desired: plan.least, since: none.clone(), acted: none, changed: None }
    }

    /// Instances wanted.
    pub fn desired(&self) -> usize {
        self.desired
    }

    /// What follows from a measurement.
    pub fn decide(&mut self, measured: &Measured) -> Option<FleetDecision> {
        let wishes: Vec<Option<usize>> =
            (0..self.plan.policies.len()).map(|index| self.wish(index, measured)).collect();
        let largest =
            wishes.iter().enumerate().filter_map(|(index, wish)| Some((index, (*wish)?))).max_by_key(|w| w.1);
        let (policy, wish) = largest?;
        let to = wish.clamp(self.plan.least, self.plan.most);
        if to == self.desired {
            return None;
        }
        let from = std::mem::replace(&mut self.desired, to);
        self.acted[policy] = Some(measured.at);
        self.changed = Some(measured.at);
        // Whatever lasted so far lasted with another number of instances.
        self.since.fill(None);
        let of = match &self.plan.policies[policy] {
            Policy::Out { above: level, .. }
            | Policy::In { below: level, .. }
            | Policy::Target { keep: level, .. } => Some(seen(*level, measured).0),
            Policy::Schedule { .. } => None,
        };
        Some(FleetDecision { policy, from, to, measured: of })
    }

    /// How many instances a policy wants now; `None` where it does not care.
    fn wish(&mut self, index: usize, measured: &Measured) -> Option<usize> {
        let (now, desired) = (measured.at, self.desired);
        let passed = |moment: Option<f64>, time: f64| moment.is_none_or(|moment| now - moment >= time);
        let policy = &self.plan.policies[index];
        match policy {
            Policy::Out { above, lasting, add, cooldown } => {
                let (value, level) = seen(*above, measured);
                self.lasted(index, value > level, now, *lasting).then_some(())?;
                // What was decided must have come before more is.
                let arrived = passed(self.changed, self.plan.provisioning.max(*cooldown));
                Some(if arrived && passed(self.acted[index], *cooldown) { desired + add } else { desired })
            }
            Policy::In { below, lasting, remove, cooldown } => {
                let (value, level) = seen(*below, measured);
                self.lasted(index, value < level, now, *lasting).then_some(())?;
                passed(self.changed, *cooldown).then(|| desired.saturating_sub(*remove))
            }
            Policy::Target { keep, out_cooldown, in_cooldown } => {
                let (value, level) = seen(*keep, measured);
                let needed = (value * measured.healthy as f64 / level).ceil() as usize;
                match needed.cmp(&desired) {
                    std::cmp::Ordering::Greater if passed(self.acted[index], *out_cooldown) => Some(needed),
                    std::cmp::Ordering::Less if passed(self.changed, *in_cooldown) => Some(desired - 1),
                    _ => Some(desired),
                }
            }
            Policy::Schedule { at, lasting, instances } => {
                (now >= *at && now < at + lasting).then_some(*instances)
            }
        }
    }

    /// Whether a condition has held for so long, now included.
    fn lasted(&mut self, index: usize, holds: bool, now: f64, time: f64) -> bool {
        if !holds {
            self.since[index] = None;
            return false;
        }
        // It has held since the beginning of the period over which it was measured.
        let since = *self.since[index].get_or_insert(now - self.plan.period);
        now - since >= time - 1e-9
    }
}

/// What was measured of a level, and the level.
fn seen(level: Level, measured: &Measured) -> (f64, f64) {
    match level {
        Level::Occupancy(level) => (measured.occupancy, level),
        Level::RequestsPerMinute(level) => (measured.requests_per_minute, level),
    }
}
