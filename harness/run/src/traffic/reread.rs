//! `reread`: filled keys once more, after a crash or a restart.
//!
//! The conductor calls it. What was proven a hit before is what "kept" may be judged on; everything ever asked for is what
//! "no wrong byte" is judged on.

use fake_backends::clock::Moment;

use super::worker::send_all;
use super::{KeyBook, Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Reread, Step};

/// Asks for each of the keys once.
///
/// # Errors
/// The host has no timer, or there are no such keys.
pub async fn run(traffic: &Traffic, book: &KeyBook, step: &Step, reread: &Reread) -> Result<(), Problem> {
    let crash_keys = if reread.crash_keys { book.crash_keys() } else { &[] };
    let requests: Vec<Request> = book
        .of(reread.of)
        .iter()
        .filter(|key| key.confirmed || !reread.confirmed_only)
        .chain(crash_keys)
        .map(|key| {
            Request::get(Purpose::Reread, key.number, key.target.clone(), Moment(0)).in_group(step.cycle)
        })
        .collect();
    if requests.is_empty() {
        return Err(match reread.confirmed_only {
            true => Problem::NoHits,
            false => Problem::NoKeys,
        });
    }
    send_all(&traffic.clients, requests, reread.vus as usize).await.map(drop)
}
