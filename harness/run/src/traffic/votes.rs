//! Votes: users vote for videos, every user several times at the same instant, while others look at what is public and what is their own.
//!
//! The conductor calls it. Uploads come first and are waited for; the tally comes last, when nobody votes any more. What was counted and
//! who got whose answer is for the check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::users::{log_in, user_name};
use super::{Numbers, Pacer, Problem, Request, Traffic, expand};
use harness_model::history::{Exchange, Purpose};
use harness_model::plan::Votes;

/// Between two looks at whether the videos are processed, and the most of them.
const UNTIL_PROCESSED: Duration = Duration::from_millis(100);
const MOST_LOOKS: u32 = 150;
/// Between the votes for one video and those for the next.
const BETWEEN_VIDEOS: Duration = Duration::from_millis(150);
/// How long the ranking is while votes come in, and when all of them are in: another target, which no cache has.
const RANKED: u64 = 50;
const RANKED_AT_THE_END: u64 = 51;

/// Carries out the step.
///
/// # Errors
/// A user could not log in, no upload was accepted, or there is no timer.
pub async fn run(traffic: &Traffic, plan: &Votes) -> Result<(), Problem> {
    let mut tokens = Vec::new();
    for number in 1..=plan.users {
        let user = user_name(number);
        let account = json!({ "username": user, "password": format!("secret of {user}") }).to_string();
        let now = traffic.clients.clock().now();
        // Who has an account already is told so; the login decides.
        traffic
            .clients
            .ask(&Request::get(Purpose::Login, 0, plan.signup.clone(), now).posting(account))
            .await;
        tokens.push(log_in(traffic, &plan.login, &user).await?);
    }
    let videos = uploaded(traffic, plan, &tokens[0]).await?;
    let is_over = AtomicBool::new(false);
    let voting = async {
        let voted = vote(traffic, plan, &tokens, &videos).await;
        is_over.store(true, Ordering::Relaxed);
        voted
    };
    let looks = |first| look(traffic, plan, &tokens, &videos, first, &is_over);
    let (voted, one, two, three) = tokio::join!(voting, looks(0), looks(1), looks(2));
    voted.and(one).and(two).and(three)?;
    for (user, token) in tokens.iter().enumerate() {
        traffic.clients.ask(&own(traffic, plan, 0, user, token)).await;
    }
    let target = expand(&plan.ranking, Numbers { n: RANKED_AT_THE_END, ..Numbers::default() });
    let now = traffic.clients.clock().now();
    traffic.clients.ask(&Request::get(Purpose::Tally, 0, target, now)).await;
    Ok(())
}

/// The videos by their identities, once all of them are processed.
async fn uploaded(traffic: &Traffic, plan: &Votes, token: &str) -> Result<Vec<String>, Problem> {
    let mut videos = Vec::new();
    for number in 0..plan.videos {
        let now = traffic.clients.clock().now();
        let video = json!({ "title": format!("video {number}") }).to_string();
        let request = Request::get(Purpose::Upload, number, plan.upload.clone(), now).posting(video);
        let answer = body(&traffic.clients.ask(&request.bearing(token)).await);
        videos.extend(answer.and_then(|body| body.get("id")?.as_str().map(str::to_owned)));
    }
    if videos.is_empty() {
        return Err(Problem::NothingAnswered);
    }
    for _ in 0..MOST_LOOKS {
        let now = traffic.clients.clock().now();
        let looking = Request::get(Purpose::Progress, 0, plan.list.clone(), now).bearing(token);
        let list = body(&traffic.clients.ask(&looking).await);
        let processed = |list: &Value| {
            let of_list = list.get("videos").and_then(Value::as_array).into_iter().flatten();
            of_list.filter(|video| video.get("state").and_then(Value::as_str) == Some("processed")).count()
        };
        if list.is_some_and(|list| processed(&list) >= videos.len()) {
            break;
        }
        tokio::time::sleep(UNTIL_PROCESSED).await;
    }
    Ok(videos)
}

/// All votes for one video at the same instant, then those for the next. The group of a request is the place of its video.
async fn vote(traffic: &Traffic, plan: &Votes, tokens: &[String], videos: &[String]) -> Result<(), Problem> {
    for (place, video) in videos.iter().enumerate() {
        let gate = Arc::new(Barrier::new(tokens.len() * plan.at_once as usize));
        let mut tasks = JoinSet::new();
        for (user, token) in tokens.iter().enumerate() {
            for _ in 0..plan.at_once {
                let now = traffic.clients.clock().now();
                let request =
                    Request::get(Purpose::Vote, user as u32 + 1, plan.vote.replace("{key}", video), now)
                        .in_group(place as u32)
                        .posting("{}".to_owned())
                        .bearing(token);
                let (clients, gate) = (traffic.clients.clone(), Arc::clone(&gate));
                tasks.spawn(async move {
                    clients.ask_on(&mut None, &request, Some(&*gate)).await;
                });
            }
        }
        while let Some(done) = tasks.join_next().await {
            done.map_err(|error| error.to_string())?;
        }
        tokio::time::sleep(BETWEEN_VIDEOS).await;
    }
    Ok(())
}

/// Looks at everything in turn, as one user after the other, until it is over.
async fn look(
    traffic: &Traffic,
    plan: &Votes,
    tokens: &[String],
    videos: &[String],
    first: usize,
    is_over: &AtomicBool,
) -> Result<(), Problem> {
    let clock = traffic.clients.clock();
    let mut pacer = Pacer::new(clock)?;
    let begin = clock.now();
    let ranking = expand(&plan.ranking, Numbers { n: RANKED, ..Numbers::default() });
    for round in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let due = begin + plan.look_every * round;
        pacer.until(due).await?;
        let turn = first + 3 * round as usize;
        let (user, video) = (turn % tokens.len(), &videos[turn % videos.len()]);
        for target in [&ranking].into_iter().chain(&plan.open) {
            let target = target.replace("{key}", video);
            traffic.clients.ask(&Request::get(Purpose::Open, round, target, due)).await;
        }
        for place in 0..plan.own.len() {
            traffic.clients.ask(&own(traffic, plan, place, user, &tokens[user])).await;
        }
    }
    Ok(())
}

/// A request for what belongs to one user.
fn own(traffic: &Traffic, plan: &Votes, place: usize, user: usize, token: &str) -> Request {
    let now = traffic.clients.clock().now();
    let target = plan.own.get(place).cloned().unwrap_or_default();
    Request::get(Purpose::User, user as u32 + 1, target, now).in_group(place as u32).bearing(token)
}

/// The body of an answer, where it is JSON and not longer than what is kept of it.
fn body(exchange: &Exchange) -> Option<Value> {
    serde_json::from_slice(&exchange.response.as_ref()?.body.start.0).ok()
}
