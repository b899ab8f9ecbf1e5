//! `exchange` over HTTP/2: streams one after the other or together, and what somebody does with HTTP/2 meanwhile.
//!
//! `exact` calls it. It knows nothing of what should come of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Barrier, Notify};
use tokio::task::JoinSet;

use super::client::{Clients, Http2};
use super::exact::AT_REST_WITHIN;
use super::quiescence::settle;
use super::{Problem, Request, Traffic, misuse};
use harness_model::history::{EventKind, MisuseEnd, Misused, Purpose};
use harness_model::plan::{Exact, Misuse, Step};

/// What is asked for and not read; the backends have a large answer for it.
const UNREAD: &str = "/unread";

/// Sends all of them: as streams of one connection where they keep it, else each on its own.
///
/// # Errors
/// A task of ours broke.
pub(super) async fn run(
    traffic: &Traffic,
    step: &Step,
    exact: &Exact,
    request: impl Fn(u32) -> Request,
) -> Result<(), Problem> {
    let clients = &traffic.clients;
    let mut shared: Option<Http2> = None;
    let mut unread = Vec::new();
    if exact.misuse == Some(Misuse::UnreadStream)
        && let Some(connection) = opened(clients, exact.within).await
    {
        let began = clients.clock().now();
        // Two of them: one could be what a proxy reads ahead. One more stream is left for whoever is beside them, as a proxy may allow as few
        // as it likes (RFC 9113 §5.1.2); how many it tells with its first settings, which are here with the first answer.
        let has_room = |unread: usize| unread < connection.most_streams();
        for number in 0..2 {
            if !has_room(number as usize + 1) {
                break;
            }
            let target = format!("{UNREAD}/{}/{number}", step.index);
            let asked = Request::get(Purpose::Leaving, number, target, clients.clock().now());
            let left = tokio::time::timeout(exact.within, clients.leave_unread(&connection, &asked)).await;
            unread.extend(left.ok().flatten());
        }
        if !has_room(unread.len()) {
            unread.clear();
        }
        shared = Some(connection);
        let (frames, ended) = (unread.len() as u64, clients.clock().now());
        let misused = Misused {
            misuse: Misuse::UnreadStream,
            variant: None,
            frames,
            bytes: 0,
            began,
            ended,
            end: MisuseEnd::StillOpen,
        };
        clients.recorder().record(EventKind::Misused(Box::new(misused)));
    }
    let under_way = Arc::new(Notify::new());
    let by_others = exact.misuse.filter(|misuse| *misuse != Misuse::UnreadStream);
    let misused = by_others.map(|misuse| {
        let (clients, told) = (clients.clone(), under_way.clone());
        tokio::spawn(async move { misuse::run(&clients, misuse, &told).await })
    });
    let mut misused = misused;
    if misused.is_some() {
        under_way.notified().await;
    }
    let mut sent = 0;
    while sent < exact.times && !clients.leaves_out((exact.times - sent).into()) {
        let count = exact.at_once.min(exact.times - sent);
        together(traffic, &mut shared, exact, (sent..sent + count).map(&request).collect()).await?;
        sent += count;
        // The first half is asked while it lasts, the others when it is over.
        if sent >= exact.times / 2
            && let Some(misused) = misused.take()
        {
            misused.await.flatten().map_err(|error| error.to_string())?;
        }
        settle(&traffic.journal, 0, AT_REST_WITHIN).await;
    }
    if let Some(misused) = misused {
        misused.await.flatten().map_err(|error| error.to_string())?;
    }
    drop(unread);
    Ok(())
}

/// All of them at once.
async fn together(
    traffic: &Traffic,
    shared: &mut Option<Http2>,
    exact: &Exact,
    requests: Vec<Request>,
) -> Result<(), Problem> {
    if exact.keep && shared.is_none() {
        // Where none is to be had each request says so for itself.
        *shared = opened(&traffic.clients, exact.within).await;
    }
    let gate = Arc::new(Barrier::new(requests.len()));
    let mut tasks = JoinSet::new();
    for request in requests {
        let (clients, gate) = (traffic.clients.clone(), gate.clone());
        let mut connection = shared.clone();
        tasks.spawn(async move {
            clients.ask_by_http2(&mut connection, &request, Some(&*gate)).await;
            connection
        });
    }
    while let Some(joined) = tasks.join_next().await {
        let left = joined.map_err(|error| error.to_string())?;
        // What one of them had to open anew is gone on with.
        if exact.keep {
            *shared = left;
        }
    }
    Ok(())
}

/// A connection, where one is to be had in time.
async fn opened(clients: &Clients, within: Duration) -> Option<Http2> {
    tokio::time::timeout(within, clients.open_http2()).await.ok()?.ok()
}
