//! What the tests of the backends share: a backend with a script, and a client that sees every byte.
//!
//! All waiting is bounded by `PATIENCE`. Nothing here asserts anything about a backend.
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fake_backends::behavior::Script;
use fake_backends::clock::RunClock;
use fake_backends::journal::Attempt;
use fake_backends::platform::Network;
use fake_backends::server::{BackendSpec, Listening, World, start};
use fake_backends::wire::{Ending, ResponseEvent, ResponseHead, ResponseReader};

/// Far beyond what anything here takes, also on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A world on the host's loopback.
pub fn world() -> World {
    World::new(Network::host(), RunClock::start())
}

/// A script written in JSON.
pub fn script(text: &str) -> Script {
    serde_json::from_str(text).expect("a script")
}

/// A backend that follows a script.
pub fn backend(world: &World, name: &str, text: &str) -> Listening {
    start(BackendSpec::new(name, script(text)), world).expect("a backend")
}

/// The end of patience, counted from now.
pub fn deadline() -> Instant {
    let clock = RunClock::start();
    clock.instant_of(clock.now()) + PATIENCE
}

/// All attempts, once there are `count` of them and none is open.
pub fn attempts(world: &World, count: usize) -> Vec<Arc<Attempt>> {
    assert!(world.journal.wait_for_count(count, deadline()), "{:?}", world.journal.snapshot());
    assert!(world.journal.wait_until_quiet(deadline()), "{:?}", world.journal.snapshot());
    let attempts = world.journal.snapshot();
    assert_eq!(attempts.len(), count, "{attempts:?}");
    attempts
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Closed in good order.
    Closed,
    /// Reset.
    Reset,
}

/// A response and all that came before it.
#[derive(Debug)]
pub struct Answer {
    pub interim: Vec<u16>,
    pub head: ResponseHead,
    pub body: Vec<u8>,
}

/// A client on one connection.
pub struct Client {
    pub stream: TcpStream,
    pending: Vec<u8>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, pending: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("sent");
    }

    /// Sends a GET.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        self.answer(false)
    }

    /// Reads one complete response.
    pub fn answer(&mut self, to_head: bool) -> Answer {
        match self.try_answer(to_head) {
            Ok(answer) => answer,
            Err((ending, end)) => panic!("{ending:?}, {end:?}"),
        }
    }

    /// Reads one response; how it broke off where it did.
    pub fn try_answer(&mut self, to_head: bool) -> Result<Answer, (Ending, End)> {
        let mut reader = ResponseReader::new(1 << 20, to_head);
        let (mut interim, mut head, mut body) = (Vec::new(), None, Vec::new());
        loop {
            let mut input = self.pending.as_slice();
            while let Some(event) = reader.next(&mut input).expect("HTTP") {
                match event {
                    ResponseEvent::Informational(head) => interim.push(head.status),
                    ResponseEvent::Head(found) => head = Some(*found),
                    ResponseEvent::Body(data) => body.extend_from_slice(data),
                    ResponseEvent::Trailers(_) => {}
                    ResponseEvent::Complete => break,
                }
            }
            let left = input.len();
            self.pending.drain(..self.pending.len() - left);
            if !reader.is_complete() {
                match self.read() {
                    Ok(()) => continue,
                    Err(end) => match reader.end() {
                        Ending::Complete => {}
                        ending => return Err((ending, end)),
                    },
                }
            }
            return Ok(Answer { interim, head: head.take().expect("a head"), body });
        }
    }

    /// Reads to the end of the connection.
    pub fn rest(&mut self) -> (Vec<u8>, End) {
        loop {
            if let Err(end) = self.read() {
                return (std::mem::take(&mut self.pending), end);
            }
        }
    }

    fn read(&mut self) -> Result<(), End> {
        let mut buffer = [0; 65536];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(End::Closed),
            Ok(count) => {
                self.pending.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(End::Reset),
            // signal(7): a read with a time limit says so when the process was stopped and went on.
            Err(error) if error.kind() == ErrorKind::Interrupted => self.read(),
            Err(error) => panic!("nothing came in {PATIENCE:?}: {error}"),
        }
    }
}
