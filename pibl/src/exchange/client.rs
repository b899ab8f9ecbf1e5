//! What a connection keeps from one request to the next: its socket, and memory that is used again.
//!
//! `connection` makes one when the first byte arrives and drops it when the connection is idle for
//! long. It holds no decision about any request.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::http::{Fields, RequestHead, ResponseHead, Scheme};
use crate::wire::{ReadBuffer, Wire};

/// Who receives the response: a client, or nobody, because the client left while others still wait for what
/// is being stored, or because a stored response is refreshed in the background.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a>(pub Option<&'a Wire>);

impl Audience<'_> {
    /// Writes everything, within this time without progress.
    pub async fn write(&self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        let Some(wire) = self.0 else { return Ok(()) };
        wire.deadline.set(patience);
        wire.write_all(bytes).await
    }

    /// Writes three pieces as if they were one.
    pub async fn write_three(&self, pieces: [&[u8]; 3], patience: Duration) -> io::Result<()> {
        let Some(wire) = self.0 else { return Ok(()) };
        wire.deadline.set(patience);
        let [first, second, third] = pieces;
        wire.write_three(first, second, third).await
    }
}

/// What an answer of our own needs: whom it goes to, what was asked, and where it is put together.
#[derive(Debug)]
pub struct Outlet<'a> {
    /// Where it goes.
    pub audience: Audience<'a>,
    /// Who is there.
    pub peer: SocketAddr,
    /// What was asked.
    pub request: &'a RequestHead,
    /// Where it is put together.
    pub out: &'a mut Vec<u8>,
}

/// The client's side of the exchanges on one connection.
#[derive(Debug)]
pub struct Client<'a> {
    /// Where the response goes, and where the body of the request comes from.
    pub audience: Audience<'a>,
    /// Who is there.
    pub peer: SocketAddr,
    /// Bytes that were read and belong to the current or to later requests.
    pub buffer: ReadBuffer,
    /// The current request.
    pub request: RequestHead,
    /// The fields with which it goes to a backend.
    pub outgoing: Fields,
    /// The response of the backend to it.
    pub response: ResponseHead,
    /// What is written to the client next.
    pub out: Vec<u8>,
    /// The request as it is written to a backend; kept whole so that it can be written again.
    pub upstream_out: Vec<u8>,
}

impl<'a> Client<'a> {
    /// Fresh state around a socket.
    pub fn new(wire: &'a Wire, peer: SocketAddr) -> Self {
        let mut client = Self::with_audience(Audience(Some(wire)), peer);
        client.request.scheme = if wire.is_plain() { Scheme::Http } else { Scheme::Https };
        client
    }

    /// State for an exchange whose response nobody waits for.
    pub fn nobody(peer: SocketAddr) -> Client<'static> {
        Client::with_audience(Audience(None), peer)
    }

    /// The part of the client that answers need.
    pub fn outlet(&mut self) -> Outlet<'_> {
        Outlet { audience: self.audience, peer: self.peer, request: &self.request, out: &mut self.out }
    }

    fn with_audience(audience: Audience<'a>, peer: SocketAddr) -> Self {
        let memory = KEPT.with_borrow_mut(Vec::pop).unwrap_or_default();
        let Memory { request, outgoing, response, out, upstream_out } = memory;
        Self { audience, peer, buffer: ReadBuffer::lease(), request, outgoing, response, out, upstream_out }
    }
}

/// What a client that has left leaves to the next one of the thread: nothing but room.
#[derive(Default)]
struct Memory {
    request: RequestHead,
    outgoing: Fields,
    response: ResponseHead,
    out: Vec<u8>,
    upstream_out: Vec<u8>,
}

/// How many clients' memory a thread keeps, and the longest message that is worth keeping room for.
const MOST_KEPT: usize = 64;
const MOST_KEPT_BYTES: usize = 32 * 1024;

thread_local! {
    static KEPT: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        let mut memory = Memory {
            request: std::mem::take(&mut self.request),
            outgoing: std::mem::take(&mut self.outgoing),
            response: std::mem::take(&mut self.response),
            out: std::mem::take(&mut self.out),
            upstream_out: std::mem::take(&mut self.upstream_out),
        };
        if memory.out.capacity().max(memory.upstream_out.capacity()) > MOST_KEPT_BYTES {
            return;
        }
        memory.request.clear();
        memory.outgoing.clear();
        memory.response.fields.clear();
        memory.out.clear();
        memory.upstream_out.clear();
        // While the thread ends the list may be gone already; then the memory is simply freed.
        let _ = KEPT.try_with(|kept| {
            let mut kept = kept.borrow_mut();
            if kept.len() < MOST_KEPT {
                kept.push(memory);
            }
        });
    }
}
