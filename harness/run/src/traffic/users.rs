//! Users with tokens: they log in through the proxy and ask for what is theirs, together and one after the other.
//!
//! The conductor calls it. Each kind of careless answer is asked for by all users at the same instant (so that a proxy
//! that lets one request answer many is seen) and once more afterwards. Who got whose answer is for the check.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Problem, Request, Traffic};
use harness_model::history::{Exchange, Purpose};
use harness_model::plan::Users;

/// How long a store may take before the second round asks.
const STORED_WITHIN: Duration = Duration::from_millis(20);

/// Carries out the step.
///
/// # Errors
/// A user could not log in.
pub async fn run(traffic: &Traffic, users: &Users) -> Result<(), Problem> {
    let mut tokens = Vec::new();
    for number in 1..=users.count {
        tokens.push(log_in(traffic, &users.login, &user_name(number)).await?);
    }
    for (kind, name) in users.kinds.iter().enumerate() {
        for round in 0..users.rounds {
            let target = users.path.replace("{kind}", name).replace("{n}", &round.to_string());
            together(traffic, &tokens, &target, kind as u32).await?;
            tokio::time::sleep(STORED_WITHIN + traffic.capabilities.store_lag).await;
            // The other way round, so that the last of the first round is the first of the second.
            for (index, token) in tokens.iter().enumerate().rev() {
                traffic.clients.ask(&own(traffic, index, token, &target, kind as u32)).await;
            }
        }
    }
    Ok(())
}

/// The name of a user by number, from one.
pub fn user_name(number: u32) -> String {
    format!("u{number}")
}

/// A token from the login of an application.
pub(super) async fn log_in(traffic: &Traffic, path: &str, user: &str) -> Result<String, Problem> {
    log_in_as(traffic, path, user, 0).await
}

/// The same by a request of this number.
pub(super) async fn log_in_as(
    traffic: &Traffic,
    path: &str,
    user: &str,
    number: u32,
) -> Result<String, Problem> {
    let now = traffic.clients.clock().now();
    let body = serde_json::json!({ "username": user, "password": format!("secret of {user}") }).to_string();
    let request = Request::get(Purpose::Login, number, path.to_owned(), now).posting(body);
    let exchange = traffic.clients.ask(&request).await;
    token_of(&exchange).ok_or_else(|| {
        let status = exchange.response.as_ref().map(|response| response.status);
        Problem::NoLogin { user: user.to_owned(), path: path.to_owned(), status }
    })
}

fn token_of(exchange: &Exchange) -> Option<String> {
    let body = &exchange.response.as_ref()?.body.start.0;
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    value.get("access_token")?.as_str().map(str::to_owned)
}

async fn together(traffic: &Traffic, tokens: &[String], target: &str, kind: u32) -> Result<(), Problem> {
    let gate = Arc::new(Barrier::new(tokens.len()));
    let mut tasks = JoinSet::new();
    for (index, token) in tokens.iter().enumerate() {
        let request = own(traffic, index, token, target, kind);
        let (clients, gate) = (traffic.clients.clone(), gate.clone());
        tasks.spawn(async move {
            clients.ask_on(&mut None, &request, Some(&*gate)).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A request of one user; its number is that of the user, its group that of the kind.
fn own(traffic: &Traffic, index: usize, token: &str, target: &str, kind: u32) -> Request {
    let now = traffic.clients.clock().now();
    Request::get(Purpose::User, index as u32 + 1, target.to_owned(), now).in_group(kind).bearing(token)
}
