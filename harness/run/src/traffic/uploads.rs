//! Uploads: a user hands work to a queue, and looks how it gets on.
//!
//! The conductor calls it. Uploading and looking go on side by side, each at its own pace; when which upload was processed
//! is read from the record by the check.

use serde_json::json;

use super::pacing::{at_pace, times_within};
use super::users::log_in;
use super::{Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::Uploads;

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
    at_pace(traffic.clients.clock(), plan.every, plan.uploads, async |number, due| {
        let video = json!({ "title": format!("video {number}") }).to_string();
        let request = Request::get(Purpose::Upload, number, plan.upload.clone(), due).posting(video);
        traffic.clients.ask(&request.bearing(token)).await;
    })
    .await
}

/// The list has the number 0, the queue the number 1.
async fn look(traffic: &Traffic, plan: &Uploads, token: &str) -> Result<(), Problem> {
    let rounds = times_within(plan.duration, plan.look_every);
    at_pace(traffic.clients.clock(), plan.look_every, rounds, async |_, due| {
        for (number, place) in [&plan.list, &plan.queue].into_iter().enumerate() {
            let request = Request::get(Purpose::Progress, number as u32, place.clone(), due);
            traffic.clients.ask(&request.bearing(token)).await;
        }
    })
    .await
}
