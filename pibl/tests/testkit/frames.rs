//! Frames of HTTP/2 by hand (RFC 9113 §4, RFC 7541), for what no library would send.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};

use tokio_rustls::rustls::version;

use super::Client;
use super::tls::{Pair, TlsStream, connect, secure};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const PROTOCOL_ERROR: u32 = 1;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// One frame as it came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A connection on which anything can be sent.
pub struct Frames(pub Client<TlsStream>);

impl Frames {
    /// After the handshake and the preface of both sides.
    pub fn open(pair: &Pair, address: SocketAddr) -> Self {
        let config = pair.trusted(&[&version::TLS13], &["h2"]);
        let mut frames = Self(connect(address, &config).expect("a handshake"));
        frames.0.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        frames.send(SETTINGS, 0, 0, &[]);
        frames
    }

    /// The same over a socket whose kernel keeps next to nothing for a client that does not read, with windows that never
    /// end.
    pub fn open_unread(pair: &Pair, address: SocketAddr) -> Self {
        let stream = narrow(address);
        let config = pair.trusted(&[&version::TLS13], &["h2"]);
        let mut frames = Self(secure(stream, &config).expect("a handshake"));
        frames.0.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        // RFC 9113 §6.5.2: the window of each stream.
        frames.send(SETTINGS, 0, 0, &[&[0, 4][..], &(1_u32 << 30).to_be_bytes()].concat());
        frames.send(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes());
        frames
    }

    /// Asks for a target with GET, or breaks that off.
    pub fn get(&mut self, stream: u32, path: &str) {
        let fields = [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", path)];
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(&fields));
    }

    pub fn reset(&mut self, stream: u32) {
        self.send(RST_STREAM, 0, stream, &CANCEL.to_be_bytes());
    }

    /// What becomes of these streams: bodies, or reasons for which there is none.
    pub fn answers(&mut self, streams: impl IntoIterator<Item = u32>) -> Vec<Result<Vec<u8>, u32>> {
        // There may have been next to no room until now.
        socket2::SockRef::from(&self.0.stream.sock).set_recv_buffer_size(1 << 20).expect("an option");
        let mut open: BTreeMap<u32, Vec<u8>> =
            streams.into_iter().map(|stream| (stream, Vec::new())).collect();
        let mut done = Vec::new();
        while !open.is_empty() {
            let Some(frame) = self.next() else {
                done.extend(open.keys().map(|_| Err(u32::MAX)));
                return done;
            };
            let Some(body) = open.get_mut(&frame.stream) else { continue };
            if frame.kind == DATA {
                body.extend(&frame.payload);
            }
            if frame.kind == RST_STREAM {
                open.remove(&frame.stream);
                done.push(Err(number(&frame.payload)));
            } else if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                done.extend(open.remove(&frame.stream).map(Ok));
            }
        }
        done
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.0.send(frame(kind, flags, stream, payload));
    }

    /// The next frame. `None`: the connection is over, however it was said.
    pub fn next(&mut self) -> Option<Frame> {
        let head = self.0.take(9)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload: self.0.take(length)? })
    }

    /// The status of the answer on a stream, or the reason for which there is none.
    pub fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.next() {
            match frame.kind {
                HEADERS if frame.stream == stream => return Outcome::Status(status(&frame.payload)),
                RST_STREAM if frame.stream == stream => return Outcome::Reset(number(&frame.payload)),
                GOAWAY => return Outcome::GoAway(number(&frame.payload[4..])),
                _ => {}
            }
        }
        Outcome::Closed
    }
}

/// A connection whose receiving side has little room.
fn narrow(address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4 << 10).expect("an option");
    socket.connect(&address.into()).expect("a connection");
    socket.into()
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Status(u16),
    Reset(u32),
    GoAway(u32),
    Closed,
}

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes([payload[0], payload[1], payload[2], payload[3]])
}

/// A field as a literal without an index (RFC 7541 §6.2.2), whatever is in it.
pub fn literal(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    for part in [name.as_bytes(), value] {
        assert!(part.len() < 127, "a length of one byte");
        bytes.push(part.len() as u8);
        bytes.extend(part);
    }
    bytes
}

/// A block of fields.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| literal(name, value.as_bytes())).collect()
}

/// The status at the front of a block, as an entry of the static table or as a literal with a name from there.
fn status(block: &[u8]) -> u16 {
    match block {
        [byte @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(byte - 0x88)],
        // An index of `:status` and three digits, coded by Huffman or not.
        [_, length, rest @ ..] if length & 0x80 == 0 => std::str::from_utf8(&rest[..usize::from(*length)])
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        [_, length, rest @ ..] => huffman_digits(&rest[..usize::from(length & 0x7f)]),
        _ => 0,
    }
}

/// RFC 7541 appendix B: the digits 0, 1 and 2 have five bits, the others six.
fn huffman_digits(bytes: &[u8]) -> u16 {
    let mut bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| u16::from(byte >> place & 1)));
    let mut number = 0;
    for _ in 0..3 {
        let five = bits.by_ref().take(5).fold(0, |sum, bit| sum << 1 | bit);
        let digit = match five {
            0..=2 => five,
            _ => (five << 1 | bits.next().unwrap_or(0)) - 0b01_1001 + 3,
        };
        number = number * 10 + digit;
    }
    number
}
