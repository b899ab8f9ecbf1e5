//! Origins: browsers of several front ends ask for the same, each after its preflight, and a client without an origin.
//!
//! The conductor calls it. They ask one after the other, in every second round the other way round, so that each comes behind
//! each; whose answer each got is for the check. The number of a request is that of its origin.

use super::{Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::Origins;

/// Carries out the step.
pub async fn run(traffic: &Traffic, plan: &Origins) {
    let last = (plan.allowed.len() + plan.strangers.len()) as u32;
    for round in 0..plan.rounds {
        for place in 0..=last {
            let number = if round % 2 == 0 { place } else { last - place };
            let now = traffic.clients.clock().now();
            let request = |purpose| Request::get(purpose, number, plan.path.clone(), now).in_group(round);
            let Some(origin) = plan.of(number) else {
                traffic.clients.ask(&request(Purpose::CrossOrigin)).await;
                continue;
            };
            let mut preflight = request(Purpose::Preflight)
                .with_field("Origin", origin.to_owned())
                .with_field("Access-Control-Request-Method", "GET".to_owned())
                .with_field("Access-Control-Request-Headers", "authorization".to_owned());
            preflight.method = "OPTIONS".into();
            traffic.clients.ask(&preflight).await;
            traffic.clients.ask(&request(Purpose::CrossOrigin).with_field("Origin", origin.to_owned())).await;
        }
    }
}
