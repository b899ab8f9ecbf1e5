//! `barrier`: holds requests until a number of them are inside at the same instant, then lets all go.
//!
//! This proves concurrency without a clock: a proxy that sends requests one after the other never gets them together.
//! The barrier spans all backends of a run; who is not joined by the others in time goes on alone, and the journal says so.

use serde::{Deserialize, Serialize};

use super::quantity::Span;
use super::reply::{Before, Reply};
use super::{Occasion, Plan};

/// Settings of `barrier`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BarrierPlan {
    /// Requests that must be inside, over all backends.
    pub count: u32,
    /// How long the first of them waits at most.
    #[serde(default = "usual_deadline")]
    pub deadline: Span,
    /// Barriers of the same name are one.
    #[serde(default = "usual_name")]
    pub name: String,
    /// What is answered afterwards.
    #[serde(default)]
    pub then: Box<Plan>,
}

impl BarrierPlan {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        let meet = Before::Meet { barrier: self.name.clone(), wanted: self.count, deadline: self.deadline.0 };
        reply.before.insert(0, meet);
        reply
    }
}

fn usual_deadline() -> Span {
    Span(std::time::Duration::from_secs(5))
}

fn usual_name() -> String {
    "barrier".into()
}
