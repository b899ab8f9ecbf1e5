//! `sometimes`: does one thing with a probability or every n-th time, and another otherwise.
//!
//! It makes any behaviour occasional. Each request decides by its own number and the seed, not by what came before.

use serde::{Deserialize, Serialize};

use super::quantity::Share;
use super::reply::Reply;
use super::{Occasion, Plan};

/// Settings of `sometimes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sometimes {
    /// How many requests get `plan`.
    #[serde(default = "always")]
    pub probability: Share,
    /// Only each n-th request of the route gets `plan`.
    #[serde(default)]
    pub every: Option<u32>,
    /// What those get.
    pub plan: Box<Plan>,
    /// What the others get.
    #[serde(default)]
    pub otherwise: Box<Plan>,
}

impl Sometimes {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let plan = if occurs(self.probability, self.every, occasion) { &self.plan } else { &self.otherwise };
        plan.reply(occasion)
    }
}

/// Whether something that happens with this probability, every so many requests, happens to this one.
pub(super) fn occurs(probability: Share, every: Option<u32>, occasion: &mut Occasion<'_>) -> bool {
    let due = every.is_none_or(|every| occasion.number_on_route.is_multiple_of(u64::from(every.max(1))));
    // A share of 100% is above every number that is drawn.
    due && occasion.random.unit() < probability.0
}

fn always() -> Share {
    Share(1.0)
}
