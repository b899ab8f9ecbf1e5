//! `batches`: requests sent together on as many connections, with a quiescent point after each batch.
//!
//! The conductor calls it; counts per backend are judged at those points, where nothing is in flight: every answer is
//! complete and the backends' journals show as many attempts, none of them open.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::quiescence::settle;
use super::{Connection, Numbers, Problem, Request, Traffic};
use harness_model::history::{Anomaly, EventKind, Purpose};
use harness_model::plan::{Batches, Connections, Step};

/// How long the first batch that does not come to rest is waited for; a proxy that answers from a cache, or asks a
/// backend in the background, would otherwise be waited for after each of a hundred batches.
const PATIENCE: Duration = Duration::from_secs(3);
const PATIENCE_AFTERWARDS: Duration = Duration::from_millis(100);

/// Sends batch after batch.
///
/// # Errors
/// A task of ours broke.
pub async fn run(traffic: &Traffic, step: &Step, batches: &Batches) -> Result<(), Problem> {
    let mut connections: Vec<Option<Connection>> = Vec::new();
    connections.resize_with(batches.size as usize, || None);
    let mut patience = PATIENCE;
    for batch in 0..batches.count {
        if traffic.clients.leaves_out(u64::from(batches.count - batch) * u64::from(batches.size)) {
            break;
        }
        let before = traffic.journal.count();
        connections = together(traffic, step, batches, batch, connections).await?;
        if !settle(&traffic.journal, before + batches.size as usize, patience).await && patience == PATIENCE {
            patience = PATIENCE_AFTERWARDS;
            let seen = traffic.journal.count() - before;
            let open = traffic.journal.open_count();
            let what = format!(
                "batch {batch} of {} requests did not come to rest: {seen} attempts at the backends, {open} of all attempts open",
                batches.size
            );
            traffic.clients.recorder().record(EventKind::Anomaly(Anomaly { what, exchange: None }));
        }
    }
    Ok(())
}

/// One batch: everybody connects, and when the last one has, all send.
async fn together(
    traffic: &Traffic,
    step: &Step,
    batches: &Batches,
    batch: u32,
    connections: Vec<Option<Connection>>,
) -> Result<Vec<Option<Connection>>, Problem> {
    let gate = Arc::new(Barrier::new(connections.len()));
    let intended = traffic.clients.clock().now();
    let mut tasks = JoinSet::new();
    for (place, mut connection) in connections.into_iter().enumerate() {
        let number = batch * batches.size + place as u32;
        let target = traffic.target(&batches.path, Numbers { n: number.into(), batch, cycle: step.cycle });
        let mut request = Request::get(Purpose::Batch, number, target, intended).in_group(batch);
        request.keep = batches.connections == Connections::One;
        let (clients, gate) = (traffic.clients.clone(), gate.clone());
        tasks.spawn(async move {
            clients.ask_on(&mut connection, &request, Some(&*gate)).await;
            connection
        });
    }
    let mut kept = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        kept.push(joined.map_err(|error| error.to_string())?);
    }
    Ok(kept)
}
