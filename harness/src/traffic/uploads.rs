//! Uploads: a user hands work to a queue, and looks how it gets on.
//!
//! The conductor calls it. Uploading and looking go on side by side, each at its own pace; when which upload was processed
//! is read from the record by the check.

use serde_json::json;

use super::users::log_in;
use super::{Pacer, Problem, Request, Traffic};
use crate::history::Purpose;
use crate::plan::Uploads;

/// Name of the user.
const USER: &str = "uploader";

/// Carries out the step.
///
/// # Errors
/// The user could not log in, or there is no timer.
pub async fn run(traffic: &Traffic, plan: &Uploads) -> Result<(), Problem> {
    let now = traffic.clients.clock().now();
    let account = json!({ "username": USER, "password": format!("secret of {USER}") }).to_string();
    // Who has an account already is told so; the login decides.
    traffic.clients.ask(&Request::get(Purpose::Login, 0, plan.signup.clone(), now).posting(account)).await;
    let token = log_in(traffic, &plan.login, USER).await?;
    let (uploaded, looked) = tokio::join!(upload(traffic, plan, &token), look(traffic, plan, &token));
    uploaded.and(looked)
}

async fn upload(traffic: &Traffic, plan: &Uploads, token: &str) -> Result<(), Problem> {
    let mut pacer = Pacer::new(traffic.clients.clock()).map_err(|error| format!("no timer: {error}"))?;
    let begin = traffic.clients.clock().now();
    for number in 0..plan.uploads {
        let due = begin + plan.every * number;
        pacer.until(due).await.map_err(|error| format!("no timer: {error}"))?;
        let video = json!({ "title": format!("video {number}") }).to_string();
        let request = Request::get(Purpose::Upload, number, plan.upload.clone(), due).posting(video);
        traffic.clients.ask(&authorized(request, token)).await;
    }
    Ok(())
}

/// The list has the number 0, the queue the number 1.
async fn look(traffic: &Traffic, plan: &Uploads, token: &str) -> Result<(), Problem> {
    let mut pacer = Pacer::new(traffic.clients.clock()).map_err(|error| format!("no timer: {error}"))?;
    let begin = traffic.clients.clock().now();
    let rounds = plan.duration.as_nanos() / plan.look_every.as_nanos().max(1);
    for round in 0..u32::try_from(rounds).unwrap_or(u32::MAX) {
        let due = begin + plan.look_every * round;
        pacer.until(due).await.map_err(|error| format!("no timer: {error}"))?;
        for (number, place) in [&plan.list, &plan.queue].into_iter().enumerate() {
            let request = Request::get(Purpose::Progress, number as u32, place.clone(), due);
            traffic.clients.ask(&authorized(request, token)).await;
        }
    }
    Ok(())
}

fn authorized(request: Request, token: &str) -> Request {
    request.with_field("Authorization", format!("Bearer {token}"))
}
