//! A request to a backend, and to another one where that is allowed.
//!
//! `exchange::run` calls it for everything that is not answered from the cache. A request is repeated only
//! where RFC 9110 §9.2.2 allows it: nothing was sent, or the method is idempotent and all of it can be
//! sent again.

use super::After;
use super::answer::{answer, refuse_with};
use super::attempt::{Delivered, Failure, Terms, attempt};
use super::client::Client;
use super::fields::{Wishes, accepts_trailers, encode_request};
use super::record::Record;
use super::services::Worker;
use super::tunnel;
use super::upload::{Progress, Upload, UploadFailure};
use crate::http::{ReceivedRequest, Refusal, hop_by_hop};
use crate::upstream;
use crate::wire::ReadBuffer;

/// Sends the request to a backend and its response to the client.
pub(super) async fn forward(worker: &Worker, client: &mut Client<'_>, received: ReceivedRequest) -> After {
    let mut record = Record::start();
    let config = worker.config();
    let progress = Progress::default();
    let mut upload = Upload::new(&received, config.limits.body_bytes, &progress);
    let protocols = requested_protocols(client, &received);
    let wishes = Wishes { upgrade: protocols.as_deref(), trailers: accepts_trailers(&client.request.fields) };
    let terms = Terms { upgrade: wishes.upgrade.is_some(), persistent: received.persistent };
    hop_by_hop::strip(&mut client.request.fields);
    let is_trusted = config.limits.trusted_proxies.iter().any(|network| network.contains(client.peer.ip()));
    let Client { request, upstream_out, buffer, audience, peer, .. } = client;
    encode_request(upstream_out, request, received.framing, &wishes, *peer, is_trusted);
    let first = match audience.0 {
        Some(wire) => upload.take_first_piece(wire, buffer, upstream_out, config.timeouts.request_body).await,
        None => Ok(()),
    };
    match first {
        Ok(()) => {}
        Err(UploadFailure::Refused(refusal)) => {
            return refuse_with(worker, client, &mut record, refusal).await;
        }
        Err(_) => return give_up(worker, client, &mut record, After::Abort),
    }
    if terms.upgrade && !client.buffer.is_empty() {
        // RFC 9110 §7.8: until the backend agrees nobody knows in which protocol these bytes are.
        return refuse_with(worker, client, &mut record, Refusal::EarlyUpgradeBytes).await;
    }

    let mut tried = Vec::new();
    let mut status = 503;
    while let Some(choice) = worker.pick(&tried) {
        record.attempts += 1;
        record.backend = Some(choice.address.clone());
        if record.attempts > 1 {
            worker.counters.retries.add(1);
        }
        // RFC 9112 §9.3.1: a reused connection may close at any moment, so only what can be repeated
        // goes there.
        let is_idempotent = client.request.method.is_idempotent();
        let mut may_reuse = is_idempotent && !progress.is_streamed.get() && progress.is_finished.get();
        let failure = loop {
            let pooled = match may_reuse {
                true => worker.pool.take(&choice.address, config.timeouts.upstream_keep_alive),
                false => None,
            };
            let is_reused = pooled.is_some();
            let wire = match pooled {
                Some(wire) => wire,
                None => match upstream::connect(&choice.address, config.timeouts.connect).await {
                    Ok(wire) => wire,
                    Err(_) => break None,
                },
            };
            let mut buffer = ReadBuffer::lease();
            let backend = (&wire, &mut buffer);
            match attempt(worker, client, terms, &mut upload, &progress, &mut record, backend).await {
                Ok(Delivered { is_tunnel: true, .. }) => {
                    if let Some(other) = client.audience.0 {
                        let patience = config.timeouts.tunnel;
                        tunnel::run(other, &mut client.buffer, &wire, &mut buffer, patience).await;
                    }
                    return After::Close;
                }
                Ok(delivered) => {
                    if delivered.is_reusable {
                        drop(buffer);
                        worker.pool.put(&choice.address, wire);
                    }
                    return delivered.after;
                }
                // The backend had closed the connection while it was unused: no fault of anybody.
                Err(Failure::Silent) if is_reused => may_reuse = false,
                Err(failure) => break Some(failure),
            }
        };
        match failure {
            None => status = 502,
            Some(Failure::Refused(refusal)) => {
                return refuse_with(worker, client, &mut record, refusal).await;
            }
            Some(Failure::ClientGone) => return give_up(worker, client, &mut record, After::Abort),
            Some(Failure::BrokenOff(after)) => return give_up(worker, client, &mut record, after),
            Some(failure) => {
                tracing::debug!("the attempt at {} failed: {failure:?}", choice.address);
                status = if matches!(failure, Failure::TimedOut) { 504 } else { 502 };
                if !is_idempotent || progress.is_streamed.get() {
                    break;
                }
            }
        }
        tried.push(choice.index);
    }
    record.request_bytes = progress.content_bytes.get();
    let explanation = match status {
        504 => "no backend answered in time",
        503 => "no backend is available",
        _ => "no backend gave a valid answer",
    };
    let persistent = received.persistent && progress.is_finished.get() && !worker.is_draining();
    match answer(worker, client, &mut record, status, explanation, persistent).await {
        After::Close if !progress.is_finished.get() => After::Linger,
        after => after,
    }
}

/// The exchange ends without a complete response; it is logged all the same.
fn give_up(worker: &Worker, client: &Client<'_>, record: &mut Record, after: After) -> After {
    if !record.is_logged {
        record.status = if record.status == 0 { 499 } else { record.status };
        worker.write_log(&client.request, record);
    }
    after
}

/// The protocols to ask the backend for. `h2c` is never asked for: a tunnel of requests that nobody looks
/// at would go around every rule of this proxy.
fn requested_protocols(client: &Client<'_>, received: &ReceivedRequest) -> Option<Vec<u8>> {
    let fields = &client.request.fields;
    if !received.upgrade || fields.list("upgrade").any(|protocol| protocol.eq_ignore_ascii_case(b"h2c")) {
        return None;
    }
    fields.combined("upgrade").map(std::borrow::Cow::into_owned)
}
