//! Answers out of the cache: a stored response, or one that another exchange is still receiving.
//!
//! `exchange::run` and `relay` send them here. What is sent was decided by the cache; this module knows how
//! bytes of a file reach a socket.

use super::After;
use super::client::Outlet;
use super::fields::{Delivery, add_via, finish_head};
use super::record::Record;
use super::services::Worker;
use crate::cache::{BodyPart, FilePart, Reply, ReplyBody, Stream};
use crate::http::{Method, Version, encode};
use crate::wire::Wire;

/// Bodies up to this size are read behind the head and leave with it in one write; larger ones are moved
/// by the kernel, which then costs less than the copy.
const COPIED_BYTES: u64 = 32 * 1024;

/// The stored response cannot be read; nothing was sent.
#[derive(Debug)]
pub(super) struct Unreadable;

/// Sends a complete answer. `persistent`: the connection may be used again, because nothing of the request
/// is left to read.
pub(super) async fn send(
    worker: &Worker,
    outlet: &mut Outlet<'_>,
    reply: &Reply,
    persistent: bool,
    record: &mut Record,
) -> Result<After, Unreadable> {
    let persistent = persistent && !worker.is_draining();
    let out = &mut *outlet.out;
    out.clear();
    reply.write_head(out);
    add_via(out, Version::Http11);
    finish_head(out, Delivery::Length, persistent, outlet.request.version);
    record.status = reply.status_code;
    record.cache = reply.status.word();
    record.response_bytes = reply.body_length();
    let mut rest = None;
    match &reply.body {
        ReplyBody::Empty => {}
        ReplyBody::Bytes(bytes) => out.extend_from_slice(bytes),
        ReplyBody::File(part) if part.length <= COPIED_BYTES => {
            // What is rare lies in a box, here and below: it would make the memory of every connection larger.
            if !part.append_at_once(out)
                && let Err(error) = Box::pin(part.append_to(out)).await
            {
                tracing::warn!("a stored response cannot be read: {error}");
                return Err(Unreadable);
            }
        }
        ReplyBody::File(part) => rest = Some(Rest::File(part)),
        ReplyBody::Parts(parts) => rest = Some(Rest::Parts(parts)),
    }
    if rest.is_some() && !Box::pin(reply.is_readable()).await {
        tracing::warn!("a stored response cannot be read to its end");
        return Err(Unreadable);
    }
    worker.write_log(outlet.peer, outlet.request, record);
    worker.log_is_written().await;
    Ok(match send_rest(worker, outlet, rest, persistent).await {
        Ok(()) if persistent => After::KeepAlive,
        Ok(()) => After::Close,
        Err(error) => {
            tracing::debug!("a stored response was not sent to its end: {error}");
            Box::pin(worker.cache.set_aside_unreadable(reply)).await;
            After::Abort
        }
    })
}

/// What does not leave together with the head.
enum Rest<'a> {
    File(&'a FilePart),
    Parts(&'a [BodyPart]),
}

async fn send_rest(
    worker: &Worker,
    outlet: &Outlet<'_>,
    rest: Option<Rest<'_>>,
    persistent: bool,
) -> std::io::Result<()> {
    let Some(wire) = outlet.audience.0 else { return Ok(()) };
    let patience = worker.config().timeouts.request_body;
    wire.deadline.set(patience);
    if rest.is_none() && !persistent {
        return wire.write_last(outlet.out).await;
    }
    wire.write_all(outlet.out).await?;
    match rest {
        None => {}
        Some(Rest::File(part)) => send_part(wire, part, patience).await?,
        Some(Rest::Parts(parts)) => {
            for part in parts {
                match part {
                    BodyPart::Bytes(bytes) => wire.write_all(bytes).await?,
                    BodyPart::File(part) => send_part(wire, part, patience).await?,
                }
            }
        }
    }
    Ok(())
}

/// Moves a part of a file, piece by piece, so that a slow client has the full patience for each.
async fn send_part(wire: &Wire, part: &FilePart, patience: std::time::Duration) -> std::io::Result<()> {
    const PIECE: u64 = 256 << 10;
    let mut sent = 0;
    while sent < part.length {
        let length = PIECE.min(part.length - sent);
        let piece = part.piece(sent, length);
        if piece.is_at_hand() {
            wire.deadline.set(patience);
            wire.send_file(piece.file(), piece.offset(), length).await?;
        } else {
            // The kernel would wait for the disk, and every other client with it.
            let bytes = Box::pin(piece.awaited()).await?;
            wire.deadline.set(patience);
            wire.write_all(&bytes).await?;
        }
        sent += length;
    }
    Ok(())
}

/// Sends a response that another exchange is receiving, at the pace at which it comes.
pub(super) async fn follow(
    worker: &Worker,
    outlet: &mut Outlet<'_>,
    mut stream: Stream,
    persistent: bool,
    record: &mut Record,
) -> After {
    let delivery = match (outlet.request.method == Method::Head, stream.length(), outlet.request.version) {
        (true, ..) => Delivery::Bodiless,
        (false, Some(_), _) => Delivery::Length,
        (false, None, Version::Http11 | Version::Http2) => Delivery::Chunked,
        (false, None, Version::Http10) => Delivery::Close,
    };
    let persistent = persistent && delivery != Delivery::Close && !worker.is_draining();
    let out = &mut *outlet.out;
    out.clear();
    stream.write_head(out);
    add_via(out, Version::Http11);
    finish_head(out, delivery, persistent, outlet.request.version);
    record.status = stream.status_code;
    record.cache = stream.status.word();
    let result = match delivery {
        Delivery::Bodiless => {
            worker.write_log(outlet.peer, outlet.request, record);
            worker.log_is_written().await;
            send_rest(worker, outlet, None, persistent).await
        }
        _ => follow_body(worker, outlet, &mut stream, delivery, record).await,
    };
    match result {
        Ok(()) if persistent => After::KeepAlive,
        Ok(()) => After::Close,
        Err(error) => {
            tracing::debug!("a response that is being received was not sent to its end: {error}");
            if !record.is_logged {
                worker.write_log(outlet.peer, outlet.request, record);
                worker.write_lines();
            }
            if delivery == Delivery::Close { After::Reset } else { After::Abort }
        }
    }
}

async fn follow_body(
    worker: &Worker,
    outlet: &mut Outlet<'_>,
    stream: &mut Stream,
    delivery: Delivery,
    record: &mut Record,
) -> std::io::Result<()> {
    let patience = worker.config().timeouts.request_body;
    let Some(wire) = outlet.audience.0 else { return Ok(()) };
    let is_chunked = delivery == Delivery::Chunked;
    while let Some(part) = stream.next().await? {
        record.response_bytes += part.length;
        if is_chunked {
            encode::chunk_size(outlet.out, usize::try_from(part.length).unwrap_or(usize::MAX));
        }
        // With a known length the last part is known as well; its line of the log goes first.
        if !is_chunked && stream.length() == Some(record.response_bytes) {
            worker.write_log(outlet.peer, outlet.request, record);
            worker.log_is_written().await;
        }
        wire.deadline.set(patience);
        wire.write_all(outlet.out).await?;
        outlet.out.clear();
        send_part(wire, &part, patience).await?;
        if is_chunked {
            outlet.out.extend_from_slice(b"\r\n");
        }
    }
    if is_chunked {
        outlet.out.extend_from_slice(encode::LAST_CHUNK);
    }
    if !record.is_logged {
        worker.write_log(outlet.peer, outlet.request, record);
        worker.log_is_written().await;
    }
    wire.deadline.set(patience);
    wire.write_all(outlet.out).await
}

/// A client that is slower than those who read along with what was asked for in its name.
#[derive(Debug)]
pub(super) struct Laggard<'a> {
    /// Where it is.
    pub wire: &'a Wire,
    /// What it has not taken of what was written to it.
    pub pending: Vec<u8>,
    /// What comes behind that.
    pub stream: Stream,
}

/// Sends a laggard all but the last part, which is returned: the line of the log goes before it.
pub(super) async fn catch_up(
    laggard: Laggard<'_>,
    is_chunked: bool,
    patience: std::time::Duration,
) -> std::io::Result<Option<FilePart>> {
    let Laggard { wire, pending, mut stream } = laggard;
    wire.deadline.set(patience);
    wire.write_all(&pending).await?;
    while let Some(part) = stream.next().await? {
        if stream.is_over() {
            return Ok(Some(part));
        }
        send_chunk(wire, &part, is_chunked, &[], patience).await?;
    }
    Ok(None)
}

/// Sends the last part, and what ends the body.
pub(super) async fn send_last(
    wire: &Wire,
    last: Option<FilePart>,
    is_chunked: bool,
    end: &[u8],
    patience: std::time::Duration,
) -> std::io::Result<()> {
    match last {
        Some(part) => send_chunk(wire, &part, is_chunked, end, patience).await,
        None => {
            wire.deadline.set(patience);
            wire.write_all(end).await
        }
    }
}

/// Sends a part of a file, framed as a chunk where the body is chunked, and what follows it.
async fn send_chunk(
    wire: &Wire,
    part: &FilePart,
    is_chunked: bool,
    end: &[u8],
    patience: std::time::Duration,
) -> std::io::Result<()> {
    wire.deadline.set(patience);
    if is_chunked {
        let mut line = Vec::new();
        encode::chunk_size(&mut line, usize::try_from(part.length).unwrap_or(usize::MAX));
        wire.write_all(&line).await?;
    }
    send_part(wire, part, patience).await?;
    wire.deadline.set(patience);
    wire.write_both(if is_chunked { b"\r\n" } else { b"" }, end).await
}
