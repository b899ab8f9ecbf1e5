//! The place of `tls` in a program that was built without it: nothing here can come to be.

use std::io;
use std::net::TcpStream;
use std::task::{Context, Poll};

use super::{BadPair, Sight};

/// A certificate with its key.
#[derive(Clone, Debug)]
pub enum Identity {}

/// One side of a TLS connection.
#[derive(Debug)]
pub(super) enum Tls {}

/// One end of a wire in memory, which only HTTP/2 needs.
#[derive(Debug)]
pub(super) enum End {}

/// A connection while it waits for its next request.
#[derive(Debug)]
pub(super) enum Session {}

impl Identity {
    /// Says that this program knows nothing of certificates.
    pub fn from_pem(_certificate: &[u8], _key: &[u8]) -> Result<Self, BadPair> {
        Err(BadPair::NotBuilt)
    }

    /// Takes the tickets of the one before, if it was made of the same files.
    pub fn go_on_with(&mut self, _before: &Self) {
        match *self {}
    }
}

impl Tls {
    pub(super) fn poll_flush(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn poll_handshake(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn poll_readable(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn look(&mut self) -> Sight {
        match *self {}
    }

    pub(super) fn say_end(&mut self) {
        match *self {}
    }
}

impl End {
    pub(super) fn poll_readable(&self, _context: &Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn look(&self) -> Sight {
        match *self {}
    }

    pub(super) fn poll_left(&self, _context: &Context<'_>) -> bool {
        match *self {}
    }

    pub(super) fn end(&self) {
        match *self {}
    }
}

impl Session {
    pub(super) fn resume(self, _stream: TcpStream) -> super::socket::Socket {
        match self {}
    }
}

pub(super) fn accept(_stream: TcpStream, identity: &Identity) -> io::Result<super::socket::Socket> {
    match *identity {}
}

pub(super) fn rest(socket: super::socket::Socket) -> (super::socket::Socket, Option<Session>) {
    (socket, None)
}
