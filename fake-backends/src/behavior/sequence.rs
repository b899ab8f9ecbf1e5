//! `sequence`: does one thing after the other, request by request.
//!
//! The first request of the route gets the first plan, and so on; it repeats from the beginning, or stays at the last.
//! The count is that of the backend, not of the run.

use serde::{Deserialize, Serialize};

use super::reply::Reply;
use super::{Occasion, Plan};

/// Settings of `sequence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// What is done, in order. Empty: what `respond` does.
    pub plans: Vec<Plan>,
    /// Whether it stays at the last one and does not begin again.
    #[serde(default)]
    pub stay_at_last: bool,
}

impl Sequence {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let count = self.plans.len() as u64;
        if count == 0 {
            return Plan::default().reply(occasion);
        }
        let position = occasion.number_on_route.saturating_sub(1);
        let position = if self.stay_at_last { position.min(count - 1) } else { position % count };
        // It is below the length of the list, so it fits.
        self.plans[position as usize].reply(occasion)
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;

    #[test]
    fn plans_follow_each_other_and_begin_again_or_stay() {
        let plans = r#""plans": [{"error": {"status": 500}}, {"respond": {}}]"#;
        let statuses = |plan: &str| (1..=4).map(|n| reply_to(plan, "/", n).status).collect::<Vec<_>>();
        assert_eq!(statuses(&format!(r#"{{"sequence": {{{plans}}}}}"#)), [500, 200, 500, 200]);
        assert_eq!(
            statuses(&format!(r#"{{"sequence": {{{plans}, "stay_at_last": true}}}}"#)),
            [500, 200, 200, 200]
        );
    }
}
