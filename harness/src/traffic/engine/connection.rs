//! One connection of a load worker: send a request, read its answer, say what became of it.
//!
//! The worker drives it from its epoll loop; every call does as much as the socket allows and returns. It reads with
//! the judge's own codec and checks status, length and content of every answer; it decides nothing about pace.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use fake_backends::content::Verifier;
use fake_backends::platform::Network;
use fake_backends::wire::{Ending, ResponseEvent, ResponseReader};
use socket2::{Domain, Type};

use super::tally::{Fate, Times};

/// The longest response head that is read.
const HEAD_LIMIT: usize = 64 * 1024;

/// A request under way.
#[derive(Debug)]
pub struct InFlight {
    /// Index of its kind in the mix.
    pub kind: usize,
    /// Its target, for the identity check.
    pub target: String,
    /// When it was due.
    pub intended: u64,
    /// When it was handed to the kernel, or its connection begun.
    pub sent: u64,
}

/// What a call brought.
#[derive(Debug)]
pub enum Progress {
    /// Nothing yet; the next event will tell.
    Waiting,
    /// The request has ended.
    Ended(Ended),
}

/// A request that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub request: InFlight,
    /// How.
    pub fate: Fate,
    /// Bytes of its body.
    pub body_bytes: u64,
    /// In words, where it is worth a line in the ledger.
    pub detail: Option<String>,
}

impl Ended {
    /// Its times, given when it ended.
    pub fn times(&self, finished: u64) -> Times {
        Times { intended: self.request.intended, sent: self.request.sent, finished }
    }
}

/// A connection, open or not.
#[derive(Debug)]
pub struct Connection {
    stream: Option<TcpStream>,
    /// The request's bytes, and how many of them the kernel has.
    pub out: Vec<u8>,
    out_at: usize,
    reader: ResponseReader,
    verifier: Verifier,
    status: u16,
    keep: bool,
    request: Option<InFlight>,
}

impl Default for Connection {
    fn default() -> Self {
        Connection {
            stream: None,
            out: Vec::with_capacity(256),
            out_at: 0,
            reader: ResponseReader::new(HEAD_LIMIT, false),
            verifier: Verifier::new(),
            status: 0,
            keep: true,
            request: None,
        }
    }
}

impl Connection {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a request is under way on it.
    pub fn is_busy(&self) -> bool {
        self.request.is_some()
    }

    /// Begins to connect, without waiting; the socket is returned for registration.
    pub fn open(&mut self, network: &Network, target: SocketAddr) -> io::Result<&TcpStream> {
        let socket = network.socket(Domain::for_address(target), Type::STREAM)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&target.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
        Ok(self.stream.insert(socket.into()))
    }

    /// Starts the request whose bytes are in `out`.
    pub fn start(&mut self, request: InFlight, to_head: bool) -> Progress {
        self.out_at = 0;
        self.reader = ResponseReader::new(HEAD_LIMIT, to_head);
        self.verifier = Verifier::new();
        self.status = 0;
        self.request = Some(request);
        self.write()
    }

    /// The socket can be written to.
    pub fn write(&mut self) -> Progress {
        while self.request.is_some() && self.out_at < self.out.len() {
            let Some(stream) = &mut self.stream else { return Progress::Waiting };
            match stream.write(&self.out[self.out_at..]) {
                Ok(count) => self.out_at += count,
                // NotConnected: still connecting.
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The other side may have answered before it closed: reading tells.
                Err(error) => return self.fail(Fate::Broken, Some(format!("could not send: {error}"))),
            }
        }
        Progress::Waiting
    }

    /// The socket can be read from, or was closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> Progress {
        loop {
            let Some(stream) = &mut self.stream else { return Progress::Waiting };
            let count = match stream.read(buffer) {
                Ok(0) => return self.closed(),
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected) => {
                    return Progress::Waiting;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.fail(Fate::Broken, Some(error.to_string())),
            };
            let whole_buffer = count == buffer.len();
            if let Some(progress) = self.take(&buffer[..count]) {
                return progress;
            }
            // A read that left room in the buffer has emptied the socket; with edge triggering the next byte is told.
            if !whole_buffer {
                return Progress::Waiting;
            }
        }
    }

    /// Gives the request up because its time is over.
    pub fn time_out(&mut self) -> Progress {
        self.fail(Fate::TimedOut, None)
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.stream = None;
    }

    fn take(&mut self, bytes: &[u8]) -> Option<Progress> {
        if self.request.is_none() {
            // Bytes that nobody asked for: the connection cannot be trusted any more.
            self.close();
            return Some(Progress::Waiting);
        }
        let mut input = bytes;
        loop {
            match self.reader.next(&mut input) {
                Ok(None) => return None,
                Ok(Some(ResponseEvent::Head(head))) => {
                    self.status = head.status;
                    self.keep = head.keeps_alive();
                }
                Ok(Some(ResponseEvent::Body(data))) => self.verifier.push(data),
                Ok(Some(ResponseEvent::Informational(_) | ResponseEvent::Trailers(_))) => {}
                Ok(Some(ResponseEvent::Complete)) => {
                    let extra = input.len();
                    return Some(self.complete(extra));
                }
                Err(problem) => return Some(self.fail(Fate::Corrupt, Some(problem.0))),
            }
        }
    }

    fn closed(&mut self) -> Progress {
        if self.request.is_none() {
            self.close();
            return Progress::Waiting;
        }
        self.keep = false;
        match self.reader.end() {
            Ending::Complete => self.complete(0),
            Ending::Nothing => self.fail(Fate::Broken, Some("closed without an answer".into())),
            Ending::InHead { received } => self.fail(Fate::Broken, Some(format!("cut short after {received} bytes of its head"))),
            Ending::InBody { received, .. } => {
                self.fail(Fate::Broken, Some(format!("cut short after {received} bytes of its body")))
            }
        }
    }

    fn complete(&mut self, extra: usize) -> Progress {
        let Some(request) = self.request.take() else { return Progress::Waiting };
        let body_bytes = self.reader.body_received();
        let (mut fate, mut detail) = (Fate::Good, None);
        if self.status != 200 {
            fate = Fate::WrongStatus(self.status);
        } else {
            match std::mem::take(&mut self.verifier).finish() {
                Ok(identity) if identity.is_of(&request.target, 1) => {}
                Ok(identity) => (fate, detail) = (Fate::Corrupt, Some(format!("the body is another's: {identity:?}"))),
                Err(damage) => (fate, detail) = (Fate::Corrupt, Some(damage.to_string())),
            }
        }
        if extra > 0 {
            (fate, detail) = (Fate::Corrupt, Some(format!("{extra} bytes after the end of the answer")));
        }
        if !self.keep || fate == Fate::Corrupt {
            self.close();
        }
        Progress::Ended(Ended { request, fate, body_bytes, detail })
    }

    fn fail(&mut self, fate: Fate, detail: Option<String>) -> Progress {
        self.close();
        let Some(request) = self.request.take() else { return Progress::Waiting };
        Progress::Ended(Ended { request, fate, body_bytes: self.reader.body_received(), detail })
    }
}
