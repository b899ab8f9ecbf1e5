//! Deliveries: a courier registers orders, and others look whether they can see them.
//!
//! The conductor calls it. Registering and looking go on side by side, each at its own pace; when an order was visible
//! where is read from the record by the check.

use serde_json::json;

use super::pacing::{at_pace, times_within};
use super::users::log_in;
use super::{Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Deliveries, Step};

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
    at_pace(traffic.clients.clock(), plan.every, plan.orders, async |number, due| {
        let id = step.index as u32 * ORDERS_OF_A_STEP + number + 1;
        let order = json!({ "id": id, "products": [{ "name": "pan", "price": 2.5 }] }).to_string();
        let request = Request::get(Purpose::Register, id, plan.register.clone(), due).posting(order);
        traffic.clients.ask(&request.bearing(token)).await;
    })
    .await
}

/// Looks at every place in turn, each time as another user; the number of a request is that of its place.
async fn look(traffic: &Traffic, plan: &Deliveries, tokens: &[String]) -> Result<(), Problem> {
    let rounds = times_within(plan.duration, plan.look_every);
    at_pace(traffic.clients.clock(), plan.look_every, rounds, async |round, due| {
        let token = &tokens[round as usize % tokens.len()];
        let places = plan.look.iter().map(|place| (place, true));
        let places = places.chain(plan.look_openly.iter().map(|place| (place, false)));
        for (number, (target, with_token)) in places.enumerate() {
            let mut request = Request::get(Purpose::Look, number as u32, target.clone(), due);
            if with_token {
                request = request.bearing(token);
            }
            traffic.clients.ask(&request).await;
        }
    })
    .await
}
