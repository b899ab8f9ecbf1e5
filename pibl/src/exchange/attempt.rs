//! One attempt at one backend: the request goes out, the response comes back and is passed on.
//!
//! `forward` makes as many attempts as the rules allow. An attempt never retries anything; it says how
//! far it came, so that the caller can judge.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use super::After;
use super::client::Client;
use super::pace::Pace;
use super::record::Record;
use super::relay::Relay;
use super::services::Worker;
use super::upload::{Progress, Upload, UploadFailure};
use crate::cache::Fetch;
use crate::http::{BadResponse, Refusal};
use crate::wire::{ReadBuffer, Wire};

/// How an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no connection, so nothing was sent.
    Unconnected,
    /// The backend closed before it said anything; on a reused connection that happens to healthy ones.
    Silent,
    /// It said half a head, or something that cannot be understood; the client has heard nothing of it.
    Bad(#[expect(dead_code, reason = "shown by Debug in diagnostics")] BadResponse),
    /// It did not answer in time.
    TimedOut,
    /// It confirmed a response that nobody has; the request is to be sent again as the client made it.
    Unconfirmed,
    /// The client sent a body that is refused; nothing was answered yet.
    Refused(Refusal),
    /// The client went away.
    ClientGone,
    /// The response broke off after its head had gone to the client; `After` says how the client is made
    /// to notice.
    BrokenOff(After),
}

/// How a successful attempt left the two connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivered {
    /// What becomes of the client's connection.
    pub after: After,
    /// Whether the backend's connection can be used again.
    pub is_reusable: bool,
    /// Whether the answer had no body because of its request or its status, so that one may still follow by mistake.
    pub is_bodiless: bool,
    /// Whether both sides now speak another protocol.
    pub is_tunnel: bool,
}

/// What the client asked for beyond the message itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Whether the client asked for another protocol.
    pub upgrade: bool,
    /// Whether the client wants to go on after this exchange.
    pub persistent: bool,
}

/// Sends the request and passes the response on.
#[expect(clippy::too_many_arguments, reason = "these are the parts of one exchange, each used apart")]
pub(super) async fn attempt(
    worker: &Worker,
    client: &mut Client<'_>,
    terms: Terms,
    upload: &mut Upload<'_>,
    progress: &Progress,
    record: &mut Record,
    fetch: &mut Option<Fetch>,
    backend: (&Wire, &mut ReadBuffer),
) -> Result<Delivered, Failure> {
    let config = worker.config();
    let timeouts = &config.timeouts;
    let (backend, backend_buffer) = backend;
    let Client { audience, peer, buffer, request, response, out, upstream_out, .. } = client;
    record.response_bytes = 0;
    backend.deadline.set(timeouts.first_byte);
    match backend.write_all(upstream_out).await {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Failure::TimedOut),
        // A backend may answer and close without reading: what it said is worth more than this error.
        Ok(()) | Err(_) => {}
    }
    let asked_after = record.started.elapsed();
    let mut relay = Relay {
        worker,
        config: &config,
        client: *audience,
        peer: *peer,
        terms,
        progress,
        request,
        response,
        out,
        record,
        backend,
        buffer: backend_buffer,
        fetch,
        writer: None,
        asked_after,
        laggard: None,
        is_parted: false,
        pace: Pace::new(worker, timeouts.between_bytes, config.limits.response_rate),
    };
    let wire = match audience.0 {
        Some(wire) if !progress.is_finished.get() => wire,
        _ => return relay.run().await,
    };
    let mut download = pin!(relay.run());
    let mut rest = pin!(upload.finish(wire, buffer, backend, timeouts.first_byte));
    let mut is_uploading = true;
    poll_fn(|context| {
        // The response first: an answer counts more than the rest of a body that nobody wants.
        if let Poll::Ready(result) = download.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        if is_uploading && let Poll::Ready(result) = rest.as_mut().poll(context) {
            is_uploading = false;
            match result {
                Ok(()) | Err(UploadFailure::BackendClosed(_)) => {}
                Err(UploadFailure::Refused(refusal)) if !progress.response_started.get() => {
                    return Poll::Ready(Err(Failure::Refused(refusal)));
                }
                Err(_) => return Poll::Ready(Err(Failure::ClientGone)),
            }
        }
        Poll::Pending
    })
    .await
}
