//! `overlap`: k requests that the backends hold until all k are inside.
//!
//! The conductor calls it. Clients and backends meet at a barrier, not after a pause: whether a proxy lets k requests
//! through at once is then a count and not a question of time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Numbers, Problem, Request, Traffic};
use harness_model::history::Purpose;
use harness_model::plan::{Overlap, Step};

/// What a request may take beyond the patience of the barrier.
const BEYOND: Duration = Duration::from_secs(10);

/// Sends k requests together and waits for their answers.
///
/// # Errors
/// A task of ours broke.
pub async fn run(traffic: &Traffic, step: &Step, overlap: &Overlap) -> Result<(), Problem> {
    let gate = Arc::new(Barrier::new(overlap.requests.max(1) as usize));
    let intended = traffic.clients.clock().now();
    let mut tasks = JoinSet::new();
    for number in 0..overlap.requests {
        let target = traffic.target(&overlap.path, Numbers { n: number.into(), batch: 0, cycle: step.cycle });
        let mut request = Request::get(Purpose::Overlap, number, target, intended).in_group(step.cycle);
        request.timeout = overlap.deadline + BEYOND;
        let (clients, gate) = (traffic.clients.clone(), gate.clone());
        tasks.spawn(async move {
            clients.ask_on(&mut None, &request, Some(&*gate)).await;
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.map_err(|error| error.to_string())?;
    }
    Ok(())
}
