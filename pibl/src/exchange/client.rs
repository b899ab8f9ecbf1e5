//! What a connection keeps from one request to the next: its socket, and memory that is used again.
//!
//! `connection` makes one when the first byte arrives and drops it when the connection is idle for
//! long. It holds no decision about any request.

use std::net::SocketAddr;

use crate::http::{RequestHead, ResponseHead};
use crate::wire::{ReadBuffer, Wire};

/// The client's side of the exchanges on one connection.
#[derive(Debug)]
pub struct Client<'a> {
    /// The socket.
    pub wire: &'a Wire,
    /// Who is there.
    pub peer: SocketAddr,
    /// Bytes that were read and belong to the current or to later requests.
    pub buffer: ReadBuffer,
    /// The current request.
    pub request: RequestHead,
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
        Self {
            wire,
            peer,
            buffer: ReadBuffer::lease(),
            request: RequestHead::default(),
            response: ResponseHead::default(),
            out: Vec::with_capacity(2048),
            upstream_out: Vec::with_capacity(1024),
        }
    }
}
