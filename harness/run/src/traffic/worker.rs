//! Sends a list of requests, each at its moment or as soon as one of n workers is free.
//!
//! Fills, rereads and probes use it. Each request has a connection of its own, because a proxy that serves one connection
//! after the other must fail where concurrency is judged, not everywhere. It keeps the order of the list in its answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::{Clients, Pacer, Problem, Request};
use harness_model::history::Exchange;

/// Sends all requests, at most `workers` at a time, none before it is due; the exchanges in the order of the requests.
///
/// Requests should be in the order in which they are due. One that is due while every worker is busy waits, and its clock
/// runs.
pub(super) async fn send_all(
    clients: &Clients,
    requests: impl IntoIterator<Item = Request>,
    workers: usize,
) -> Result<Vec<Exchange>, Problem> {
    let queue: VecDeque<(usize, Request)> = requests.into_iter().enumerate().collect();
    let total = queue.len();
    let queue = Arc::new(Mutex::new(queue));
    let mut tasks = JoinSet::new();
    for _ in 0..workers.clamp(1, total.max(1)) {
        tasks.spawn(work(clients.clone(), queue.clone()));
    }
    let mut answers: Vec<(usize, Exchange)> = Vec::with_capacity(total);
    while let Some(joined) = tasks.join_next().await {
        answers.extend(joined.map_err(|error| error.to_string())??);
    }
    answers.sort_by_key(|(index, _)| *index);
    Ok(answers.into_iter().map(|(_, exchange)| exchange).collect())
}

async fn work(
    clients: Clients,
    queue: Arc<Mutex<VecDeque<(usize, Request)>>>,
) -> Result<Vec<(usize, Exchange)>, Problem> {
    let mut pacer = Pacer::new(clients.clock())?;
    let mut answers = Vec::new();
    loop {
        let next = {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            if clients.leaves_out(queue.len() as u64) {
                queue.clear();
            }
            queue.pop_front()
        };
        let Some((index, mut request)) = next else { return Ok(answers) };
        pacer.until(request.intended).await?;
        // A request without a moment of its own is due when its worker is free.
        if request.intended == fake_backends::clock::Moment(0) {
            request.intended = clients.clock().now();
        }
        answers.push((index, clients.ask(&request).await));
    }
}
