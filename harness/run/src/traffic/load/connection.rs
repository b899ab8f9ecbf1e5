//! One connection of a load worker: send a request, read its answer, say how it ended.
//!
//! The worker drives it from its loop; every call does as much as the socket allows and returns. It decides nothing about
//! pace, and what an ending is worth is for the tally.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use fake_backends::content::Secret;
use fake_backends::platform::Network;
use fake_backends::wire::Ending;
use socket2::{Domain, Type};

use super::answer::{Answer, Reading};
use super::proof::Proof;
use super::requests::Written;
use harness_model::history::{Cut, ExchangeEnd};

/// A request under way.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    /// What was written for it.
    pub(super) written: Written,
    /// When it was due, in nanoseconds from the start of the load.
    pub(super) intended: u64,
    /// When it was handed to the kernel, or its connection begun.
    pub(super) sent: u64,
    /// Whether it was sent before, on a connection whose close crossed it.
    pub(super) again: bool,
}

/// A request that has ended; its answer, as far as it came, is still in the connection.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) request: InFlight,
    pub(super) end: ExchangeEnd,
    /// Bytes beyond the end of its answer.
    pub(super) extra: usize,
}

/// A connection, open or not.
#[derive(Debug, Default)]
pub(super) struct Connection {
    stream: Option<TcpStream>,
    /// The request's bytes, and how many of them the kernel has.
    pub(super) out: Vec<u8>,
    out_at: usize,
    /// The answer as far as it came.
    pub(super) answer: Answer,
    /// Its body.
    pub(super) proof: Proof,
    request: Option<InFlight>,
    /// Its number in the run, and requests sent over it.
    pub(super) number: u64,
    pub(super) requests: u32,
}

impl Connection {
    /// None yet; answers are proven by this secret.
    pub(super) fn new(secret: Secret) -> Connection {
        Connection { proof: Proof::new(secret), ..Connection::default() }
    }

    /// Whether it is open.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a request is under way on it.
    pub(super) fn is_busy(&self) -> bool {
        self.request.is_some()
    }

    /// Begins to connect, without waiting; the socket is returned for registration.
    ///
    /// # Errors
    /// No socket is to be had, or the address cannot be reached at all.
    pub(super) fn open(
        &mut self,
        network: &Network,
        source: Option<IpAddr>,
        target: SocketAddr,
        number: u64,
    ) -> io::Result<&TcpStream> {
        let socket = network.socket(Domain::for_address(target), Type::STREAM)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        match socket.connect(&target.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        (self.number, self.requests) = (number, 0);
        Ok(self.stream.insert(socket.into()))
    }

    /// Starts the request whose bytes are in `out`.
    pub(super) fn start(&mut self, request: InFlight, to_head: bool) -> Option<Ended> {
        self.out_at = 0;
        self.answer.reset(to_head);
        self.proof.reset();
        self.requests += 1;
        self.request = Some(request);
        self.write()
    }

    /// The socket can be written to.
    pub(super) fn write(&mut self) -> Option<Ended> {
        while self.request.is_some() && self.out_at < self.out.len() {
            let stream = self.stream.as_mut()?;
            match stream.write(&self.out[self.out_at..]) {
                Ok(count) => self.out_at += count,
                // NotConnected: still connecting.
                Err(error) if is_not_yet(&error) => return None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What was answered before the close is still to be read; otherwise reading tells why there is nothing.
                Err(error) => return self.broken(&error),
            }
        }
        None
    }

    /// The socket can be read from, or was closed.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Option<Ended> {
        loop {
            let stream = self.stream.as_mut()?;
            let count = match stream.read(buffer) {
                Ok(0) => return self.closed(),
                Ok(count) => count,
                Err(error) if is_not_yet(&error) => return None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.broken(&error),
            };
            if self.request.is_none() {
                // Bytes that nobody asked for: the connection cannot be trusted any more.
                self.close();
                return None;
            }
            match self.answer.push(&buffer[..count], &mut self.proof) {
                Reading::Incomplete => {}
                Reading::Complete { extra } => return self.complete(extra),
                Reading::Malformed(why) => return self.fail(ExchangeEnd::Malformed(why)),
            }
            // A read that left room in the buffer has emptied the socket; the next byte is told.
            if count < buffer.len() {
                return None;
            }
        }
    }

    /// Whether the connection was used before and closed before a byte of the answer, so that a client asks again on a fresh one
    /// (RFC 9112 §9.3.1).
    pub(super) fn was_crossed(&self, ended: &Ended) -> bool {
        let closed = matches!(ended.end, ExchangeEnd::ClosedWithoutAnswer | ExchangeEnd::CutShort(_));
        closed && !ended.request.again && self.requests > 1 && !self.answer.has_begun()
    }

    /// Gives the request up because its time is over.
    pub(super) fn time_out(&mut self) -> Option<Ended> {
        self.fail(ExchangeEnd::TimedOut)
    }

    /// Closes it.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }

    fn closed(&mut self) -> Option<Ended> {
        if self.request.is_none() {
            self.close();
            return None;
        }
        let end = match self.answer.end() {
            Ending::Complete => {
                self.answer.keep = false;
                return self.complete(0);
            }
            Ending::Nothing => ExchangeEnd::ClosedWithoutAnswer,
            Ending::InHead { received } => {
                ExchangeEnd::CutShort(Cut::Head { head_bytes: received, error: None })
            }
            Ending::InBody { announced, .. } => {
                ExchangeEnd::CutShort(Cut::Body { body_bytes: self.proof.bytes(), announced, error: None })
            }
        };
        self.fail(end)
    }

    fn broken(&mut self, error: &io::Error) -> Option<Ended> {
        let end = if self.requests == 1 && self.out_at == 0 {
            ExchangeEnd::NotConnected(error.to_string())
        } else {
            ExchangeEnd::CutShort(Cut::Said(error.to_string()))
        };
        self.fail(end)
    }

    fn complete(&mut self, extra: usize) -> Option<Ended> {
        let request = self.request.take()?;
        if !self.answer.keep || extra > 0 || self.out_at < self.out.len() {
            self.close();
        }
        Some(Ended { request, end: ExchangeEnd::Complete, extra })
    }

    fn fail(&mut self, end: ExchangeEnd) -> Option<Ended> {
        self.close();
        Some(Ended { request: self.request.take()?, end, extra: 0 })
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}
