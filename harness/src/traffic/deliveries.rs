//! Deliveries: a courier registers orders, and others look whether they can see them.
//!
//! The conductor calls it. Registering and looking go on side by side, each at its own pace; when an order was visible
//! where is read from the record by the check.

use serde_json::json;

use super::users::log_in;
use super::{Pacer, Problem, Request, Traffic};
use crate::history::Purpose;
use crate::plan::{Deliveries, Step};

/// Orders are numbered from this times the number of their step on, so that no two steps of a run have the same.
const ORDERS_OF_A_STEP: u32 = 10_000;

/// Carries out the step.
///
/// # Errors
/// The courier could not log in, or there is no timer.
pub async fn run(traffic: &Traffic, step: &Step, plan: &Deliveries) -> Result<(), Problem> {
    let courier = log_in(traffic, &plan.login, "courier").await?;
    let screen = log_in(traffic, &plan.login, "screen").await?;
    let viewers = [courier.clone(), screen];
    let (registered, looked) =
        tokio::join!(register(traffic, step, plan, &courier), look(traffic, plan, &viewers));
    registered.and(looked)
}

async fn register(traffic: &Traffic, step: &Step, plan: &Deliveries, token: &str) -> Result<(), Problem> {
    let mut pacer = Pacer::new(traffic.clients.clock()).map_err(|error| format!("no timer: {error}"))?;
    let begin = traffic.clients.clock().now();
    for number in 0..plan.orders {
        let due = begin + plan.every * number;
        pacer.until(due).await.map_err(|error| format!("no timer: {error}"))?;
        let id = step.index as u32 * ORDERS_OF_A_STEP + number + 1;
        let order = json!({ "id": id, "products": [{ "name": "pan", "price": 2.5 }] }).to_string();
        let request = Request::get(Purpose::Register, id, plan.register.clone(), due).posting(order);
        traffic.clients.ask(&request.with_field("Authorization", format!("Bearer {token}"))).await;
    }
    Ok(())
}

/// Looks at every place in turn, each time as another user; the number of a request is that of its place.
async fn look(traffic: &Traffic, plan: &Deliveries, tokens: &[String]) -> Result<(), Problem> {
    let mut pacer = Pacer::new(traffic.clients.clock()).map_err(|error| format!("no timer: {error}"))?;
    let begin = traffic.clients.clock().now();
    let rounds = plan.duration.as_nanos() / plan.look_every.as_nanos().max(1);
    for round in 0..u32::try_from(rounds).unwrap_or(u32::MAX) {
        let due = begin + plan.look_every * round;
        pacer.until(due).await.map_err(|error| format!("no timer: {error}"))?;
        let token = &tokens[round as usize % tokens.len()];
        let places = plan.look.iter().map(|place| (place, true));
        let places = places.chain(plan.look_openly.iter().map(|place| (place, false)));
        for (number, (target, with_token)) in places.enumerate() {
            let mut request = Request::get(Purpose::Look, number as u32, target.clone(), due);
            if with_token {
                request = request.with_field("Authorization", format!("Bearer {token}"));
            }
            traffic.clients.ask(&request).await;
        }
    }
    Ok(())
}
