//! `fill`: GET each key once, so that it is cached, then some of them again, so that hits are proven.
//!
//! The conductor calls it. Keys are entered into the book with the moment at which their answers were complete: probes are
//! planned from there.

use std::time::Duration;

use fake_backends::clock::Moment;

use super::keys::was_hit;
use super::quiescence::settle;
use super::worker::send_all;
use super::{FilledKey, KeyBook, Numbers, Problem, Request, Traffic, expand};
use harness_model::history::Purpose;
use harness_model::plan::{Fill, Step};

/// Fills, and confirms.
///
/// # Errors
/// The host has no timer, or not one key was answered with a success.
pub async fn run(traffic: &Traffic, book: &mut KeyBook, step: &Step, fill: &Fill) -> Result<(), Problem> {
    let start = traffic.clients.clock().now();
    let target = |key: u32| expand(&fill.path, Numbers { n: key.into(), batch: 0, cycle: step.cycle });
    let requests: Vec<Request> = (0..fill.keys)
        .map(|key| {
            let due =
                if fill.spread.is_zero() { Moment(0) } else { start + share(fill.spread, key, fill.keys) };
            Request::get(Purpose::Fill, key, target(key), due).in_group(step.cycle)
        })
        .collect();
    let answers = send_all(&traffic.clients, requests, fill.vus as usize).await?;
    let mut keys: Vec<FilledKey> = answers.iter().map(FilledKey::of).collect();
    if fill.confirm > 0 {
        confirm(traffic, &mut keys, step, fill).await?;
    }
    let answered = keys.iter().any(|key| key.answered);
    book.enter(step.index, keys);
    if answered || fill.keys == 0 { Ok(()) } else { Err(Problem::NoKeyAnswered) }
}

/// The second request of the first keys, each once the proxy may have stored the first answer.
async fn confirm(traffic: &Traffic, keys: &mut [FilledKey], step: &Step, fill: &Fill) -> Result<(), Problem> {
    // The journal must have ended the fills before it can say that a confirmation caused no attempt.
    settle(&traffic.journal, 0, Duration::from_secs(2)).await;
    let count = (fill.confirm as usize).min(keys.len());
    let mut requests: Vec<Request> = keys[..count]
        .iter()
        .filter(|key| key.answered)
        .map(|key| {
            let due = key.finished + traffic.stored_within();
            Request::get(Purpose::Confirm, key.number, key.target.clone(), due).in_group(step.cycle)
        })
        .collect();
    requests.sort_by_key(|request| request.intended);
    for exchange in send_all(&traffic.clients, requests, fill.vus as usize).await? {
        if was_hit(&exchange, &traffic.journal)
            && let Some(key) = keys.iter_mut().find(|key| key.number == exchange.number)
        {
            key.confirmed = true;
        }
    }
    Ok(())
}

/// Part `index` of `count` of a span.
pub(super) fn share(span: Duration, index: u32, count: u32) -> Duration {
    span.mul_f64(f64::from(index) / f64::from(count.max(1)))
}
