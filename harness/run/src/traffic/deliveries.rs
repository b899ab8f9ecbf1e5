//! Deliveries: a courier registers orders, and others look whether they can see them.
//!
//! The conductor calls it. Registering and looking go on side by side, each at its own pace; when an order was visible
//! where is read from the record by the check. Where tokens end meanwhile, the courier goes on with his, as the client of the case
//! does, and the screen takes a new one; the group of a request is the number of the login that its token came from.

use std::time::Duration;

use fake_backends::clock::Moment;
use serde_json::json;

use super::pacing::{at_pace, times_within};
use super::users::log_in_as;
use super::{Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Deliveries, Step};

/// Orders are numbered from this times the number of their step on, so that no two steps of a run have the same.
const ORDERS_OF_A_STEP: u32 = 10_000;
/// A token ends at a whole second, up to one earlier than its lifetime says; a new one is taken so long after.
const TAKEN_AFTER: Duration = Duration::from_millis(1_500);

/// A token and the number of the login that it came from.
#[derive(Clone)]
struct Token {
    text: String,
    login: u32,
    taken: Moment,
}

impl Token {
    async fn take(traffic: &Traffic, plan: &Deliveries, user: &str, login: u32) -> Result<Token, Problem> {
        let text = log_in_as(traffic, &plan.login, user, login).await?;
        Ok(Token { text, login, taken: traffic.clients.clock().now() })
    }

    fn on(&self, request: Request) -> Request {
        request.in_group(self.login).bearing(&self.text)
    }
}

/// Carries out the step.
///
/// # Errors
/// The courier could not log in, or there is no timer.
pub async fn run(traffic: &Traffic, step: &Step, plan: &Deliveries) -> Result<(), Problem> {
    let courier = Token::take(traffic, plan, "courier", 1).await?;
    let screen = Token::take(traffic, plan, "screen", 2).await?;
    let (registered, looked) =
        tokio::join!(register(traffic, step, plan, &courier), look(traffic, plan, &courier, screen));
    registered.and(looked)
}

async fn register(traffic: &Traffic, step: &Step, plan: &Deliveries, token: &Token) -> Result<(), Problem> {
    at_pace(traffic.clients.clock(), plan.every, plan.orders, async |number, due| {
        let id = step.index as u32 * ORDERS_OF_A_STEP + number + 1;
        let order = json!({
            "pedido_id": Deliveries::order_id(id), "repartidor": "courier", "timestamp": id,
            "productos": [{ "producto": "pan", "precio": Deliveries::PRICE }],
        });
        let request =
            Request::get(Purpose::Register, id, plan.register.clone(), due).posting(order.to_string());
        traffic.clients.ask(&token.on(request)).await;
    })
    .await
}

/// Looks at every place in turn, each time as another user; the number of a request is that of its place.
async fn look(
    traffic: &Traffic,
    plan: &Deliveries,
    courier: &Token,
    mut screen: Token,
) -> Result<(), Problem> {
    let rounds = times_within(plan.duration, plan.look_every);
    at_pace(traffic.clients.clock(), plan.look_every, rounds, async |round, due| {
        let ended = |lifetime| due.since(screen.taken) > lifetime + TAKEN_AFTER;
        if plan.lifetime.is_some_and(ended)
            && let Ok(new) = Token::take(traffic, plan, "screen", screen.login + 1).await
        {
            screen = new;
        }
        let token = if round % 2 == 0 { courier } else { &screen };
        let places = plan.look.iter().map(|place| (place, true));
        let places = places.chain(plan.look_openly.iter().map(|place| (place, false)));
        for (number, (target, with_token)) in places.enumerate() {
            let mut request = Request::get(Purpose::Look, number as u32, target.clone(), due);
            if with_token {
                request = token.on(request);
            }
            traffic.clients.ask(&request).await;
        }
    })
    .await
}
