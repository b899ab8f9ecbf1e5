//! The search for a capacity, resolved: rates between which it moves, and what must hold at each.
//!
//! `traffic` carries it out rung by rung, the checks and the figure read from it what was asked for. Beside it stands what the
//! backends of the scenario can serve by their own model, so that each size is compared with that. Nothing here sends.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::behavior::{Occupied, Plan, Script};
use serde::{Deserialize, Serialize};

use super::{BackendsPlan, Load, duration_ns};

/// The highest rate at which a percentile and the errors are within limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CapacitySearch {
    /// The first rung: what is asked, and how long a rung lasts.
    pub load: Load,
    /// Arrivals per second of the first rung.
    pub from_per_second: f64,
    /// Arrivals per second beyond which nothing is tried.
    pub to_per_second: f64,
    /// Between 0 and 1.
    pub quantile: f64,
    /// Upper limit of the latency at that quantile.
    #[serde(with = "duration_ns")]
    pub limit: Duration,
    /// Largest share of requests that may not end well, between 0 and 1.
    pub error_rate: f64,
    /// The search ends when the lowest rate refused exceeds the highest kept by no more than this share.
    pub precision: f64,
}

/// Rungs that a search takes, more or less.
const USUAL_RUNGS: u32 = 8;

impl CapacitySearch {
    /// How long it takes, more or less.
    pub fn estimated(&self) -> Duration {
        self.load.executor.duration() * USUAL_RUNGS
    }
}

impl BackendsPlan {
    /// Requests for a path that these backends can answer each second, by their places and service times and by those that
    /// they share; `None` where one of them is not modelled.
    pub fn most_per_second(&self, path: &str, names: &[String]) -> Option<f64> {
        let mut own = 0.0;
        let mut shared: BTreeMap<&str, f64> = BTreeMap::new();
        for name in names {
            let script = self.own.get(name).unwrap_or(&self.script);
            own += places_of(script, path)?.iter().fold(None, |least: Option<f64>, occupied| {
                let rate = f64::from(occupied.places.max(1)) / occupied.service.mean_seconds();
                match &occupied.shared {
                    Some(name) => {
                        shared.insert(name, rate);
                        least
                    }
                    None => Some(least.map_or(rate, |least| least.min(rate))),
                }
            })?;
        }
        let most = shared.into_values().fold(own, f64::min);
        (most.is_finite() && most > 0.0).then_some(most)
    }
}

/// Every place that a request takes, one inside the other; `None` where it takes none.
fn places_of<'a>(script: &'a Script, path: &str) -> Option<Vec<&'a Occupied>> {
    let mut found = Vec::new();
    let mut plan = script.plan_for("GET", path).1;
    while let Plan::Occupied(occupied) = plan {
        found.push(occupied);
        plan = &occupied.then;
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_its_own_add_up_and_those_that_are_shared_do_not() {
        let script = |text: &str| serde_json::from_str::<Script>(text).expect("a script");
        let modelled = script(
            r#"{"otherwise": {"occupied": {"places": 2, "service": "10ms",
                "then": {"occupied": {"places": 3, "service": "4ms", "shared": "database"}}}}}"#,
        );
        let mut backends = BackendsPlan { count: 6, idle: None, script: modelled, own: BTreeMap::default() };
        let names = |count: usize| (1..=count).map(|n| format!("b{n}")).collect::<Vec<_>>();
        for (count, expected) in [(1, 200.0), (2, 400.0), (3, 600.0), (6, 750.0)] {
            let most = backends.most_per_second("/a", &names(count));
            assert!(most.is_some_and(|most| (most - expected).abs() < 1e-9), "{count}: {most:?}");
        }
        backends.own.insert("b2".into(), script(r#"{"otherwise": {"respond": {}}}"#));
        assert_eq!(backends.most_per_second("/a", &names(2)), None, "one is as quick as it likes");
    }
}
