//! The head of a reply as bytes, and what follows from it: framing, persistence, the flaws that were asked for.
//!
//! `perform` calls it once for each reply. It writes into a buffer and knows no socket.

use crate::behavior::{Flaw, Persistence, Reply, ResponseFraming};
use crate::wire::{RequestHead, Version, push_field, push_number, push_status_line, reason_of};

/// Size of a chunk that nobody chose, and largest one: chunks are held in memory.
const USUAL_CHUNK: u64 = 64 * 1024;
const LARGEST_CHUNK: u64 = 1024 * 1024;

/// What follows the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Following {
    /// Bytes of the body that the message has.
    pub body_bytes: u64,
    /// Size of its chunks, where it comes in chunks.
    pub chunk: Option<u64>,
    /// Whether the connection stays open afterwards.
    pub keep: bool,
}

/// Appends the head of a reply. `may_keep`: nothing on our side speaks against keeping the connection open.
pub(super) fn push_head(
    out: &mut Vec<u8>,
    reply: &Reply,
    request: &RequestHead,
    may_keep: bool,
) -> Following {
    let begin = out.len();
    let framing = effective_framing(reply, request);
    let bodiless_status = matches!(reply.status, 204 | 304);
    let bodiless = bodiless_status || (request.method == "HEAD" && reply.flaw != Some(Flaw::BodyToHead));
    let keep = match reply.persistence {
        Persistence::KeepOpen | Persistence::StayOpen => {
            request.keeps_alive() && may_keep && (bodiless || framing != ResponseFraming::UntilClose)
        }
        Persistence::Close | Persistence::CloseSilently => false,
        Persistence::NeverClose => true,
    };
    match reply.flaw {
        Some(Flaw::BadStatus) => out.extend_from_slice(b"HTTP/1.1 2x0 OK\r\n"),
        _ => push_status_line(out, reply.status, reason_of(reply.status)),
    }
    out.extend_from_slice(&reply.lines);
    if !bodiless_status {
        push_framing(out, reply, framing);
    }
    if !keep && reply.persistence != Persistence::CloseSilently {
        push_field(out, "Connection", "close");
    } else if keep && request.version == Version::Http10 && request.keeps_alive() {
        push_field(out, "Connection", "keep-alive");
    }
    out.extend_from_slice(b"\r\n");
    if reply.flaw == Some(Flaw::BareLineFeeds) {
        let head: Vec<u8> = out.drain(begin..).filter(|&byte| byte != b'\r').collect();
        out.extend_from_slice(&head);
    }
    let chunk = match framing {
        ResponseFraming::Chunked(size) => Some(size.0.clamp(1, LARGEST_CHUNK)),
        ResponseFraming::ContentLength | ResponseFraming::UntilClose => None,
    };
    Following {
        body_bytes: if bodiless { 0 } else { reply.body.size() },
        chunk: chunk.filter(|_| !bodiless),
        keep,
    }
}

fn effective_framing(reply: &Reply, request: &RequestHead) -> ResponseFraming {
    let needs_chunks = matches!(reply.flaw, Some(Flaw::BadChunkSize | Flaw::ChunkedAndLength));
    match reply.framing {
        ResponseFraming::Chunked(_) if needs_chunks => reply.framing,
        _ if needs_chunks => ResponseFraming::Chunked(crate::behavior::Size(USUAL_CHUNK)),
        // RFC 9112 §6.1: no transfer coding to a client of HTTP/1.0.
        ResponseFraming::Chunked(_) if request.version == Version::Http10 => ResponseFraming::UntilClose,
        framing => framing,
    }
}

fn push_framing(out: &mut Vec<u8>, reply: &Reply, framing: ResponseFraming) {
    let size = reply.body.size();
    match reply.flaw {
        Some(Flaw::LengthNoNumber) => return push_field(out, "Content-Length", "ten"),
        Some(Flaw::TwoLengths) => push_field(out, "Content-Length", size.saturating_add(1).to_string()),
        Some(Flaw::ChunkedAndLength) => push_field(out, "Content-Length", size.to_string()),
        _ => {}
    }
    match framing {
        ResponseFraming::ContentLength => {
            out.extend_from_slice(b"Content-Length: ");
            push_number(out, size);
            out.extend_from_slice(b"\r\n");
        }
        ResponseFraming::Chunked(_) => push_field(out, "Transfer-Encoding", "chunked"),
        ResponseFraming::UntilClose => {}
    }
}
