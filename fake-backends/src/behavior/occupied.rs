//! `occupied`: works on a limited number of requests at a time; the others wait in line, and beyond its end are refused.
//!
//! This is an instance with so many servers and service times, or a database that all instances share: what a real one
//! does to its clients when it is busy, without using the CPU of the machine that plays it. Its time is drawn from a
//! distribution; when a place is free is computed, so that a slow host does not make it slower.

use serde::{Deserialize, Serialize};

use super::quantity::Span;
use super::reply::{Before, Reply};
use super::{Distribution, Occasion, Plan};

/// Settings of `occupied`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Occupied {
    /// Requests that are worked on at the same time.
    pub places: u32,
    /// How long each of them takes.
    #[serde(default = "usual_service")]
    pub service: Distribution,
    /// Name of places that all backends share, such as `database`; left out: each backend has its own.
    #[serde(default)]
    pub shared: Option<String>,
    /// Most requests that wait; those beyond are answered with 503. Left out: any number.
    #[serde(default)]
    pub most_waiting: Option<u32>,
    /// What is answered.
    #[serde(default)]
    pub then: Box<Plan>,
}

impl Occupied {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let service = self.service.draw(&mut occasion.random);
        let name = self.shared.clone().unwrap_or_else(|| occasion.stamp.backend.to_string());
        let mut reply = self.then.reply(occasion);
        let occupy =
            Before::Occupy { name, places: self.places.max(1), service, most_waiting: self.most_waiting };
        reply.before.insert(0, occupy);
        reply
    }
}

fn usual_service() -> Distribution {
    Distribution::Constant(Span(std::time::Duration::from_millis(10)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::occasion::reply_to;
    use super::super::reply::Before;

    #[test]
    fn its_own_places_come_before_those_that_are_shared() {
        let plan = r#"{"occupied": {"places": 4, "service": "20ms", "most_waiting": 9,
            "then": {"occupied": {"places": 2, "service": "5ms", "shared": "database"}}}}"#;
        let occupy = |name: &str, places, service, most_waiting| Before::Occupy {
            name: name.into(),
            places,
            service: Duration::from_millis(service),
            most_waiting,
        };
        let before = reply_to(plan, "/", 1).before;
        assert_eq!(before, [occupy("b1", 4, 20, Some(9)), occupy("database", 2, 5, None)]);
    }
}
