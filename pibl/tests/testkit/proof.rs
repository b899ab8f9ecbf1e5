//! Bodies that prove themselves, and a client that takes them byte by byte.
//!
//! A body follows from the name it was asked for by, so a byte that is missing, repeated or from another
//! response shows, whoever kept it in the meantime.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// A number that follows from a name.
pub fn number(name: &str) -> u64 {
    let mixed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| mix(sum ^ u64::from(byte)));
    mix(mixed)
}

/// The next number of a sequence that looks like chance.
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Mostly a few kilobytes, sometimes none, sometimes more than a buffer or the largest piece that is held.
pub fn length(name: &str) -> usize {
    let number = number(name);
    let chance = (number >> 32) as usize;
    match number % 50 {
        0 => 0,
        1 => 300_000 + chance % 50_000,
        2..=6 => 20_000 + chance % 60_000,
        _ => 1 + chance % 6_000,
    }
}

/// The body of a name.
pub fn body(name: &str) -> Vec<u8> {
    let length = length(name);
    let mut state = number(name);
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state = mix(state);
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}

/// A response as it came.
pub struct Answer {
    pub status: u16,
    pub cache_status: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_hit(&self) -> bool {
        self.cache_status.contains("; hit")
    }
}

/// A client that keeps its connection and reports what goes wrong instead of panicking.
pub struct Asker {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Asker {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::new() }
    }

    /// Sends a request and reads its response. After an error the next request has a new connection.
    pub fn ask(&mut self, head: &str, body: &[u8]) -> io::Result<Answer> {
        let result = self.try_to_ask(head, body);
        if !matches!(result, Ok((_, true))) {
            self.stream = None;
            self.buffer.clear();
        }
        result.map(|(answer, _)| answer)
    }

    pub fn get(&mut self, target: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"), b"")
    }

    fn try_to_ask(&mut self, head: &str, body: &[u8]) -> io::Result<(Answer, bool)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            self.stream = Some(stream);
        }
        let mut message = head.as_bytes().to_vec();
        message.extend_from_slice(body);
        self.stream()?.write_all(&message)?;
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut fields);
            let parsed = response.parse(&self.buffer).map_err(|error| io::Error::other(error.to_string()))?;
            let httparse::Status::Complete(head_bytes) = parsed else {
                self.read_some()?;
                continue;
            };
            let status = response.code.unwrap_or(0);
            let field = |name: &str| {
                let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
                field.map(|field| String::from_utf8_lossy(field.value).into_owned())
            };
            let cache_status = field("cache-status").unwrap_or_default();
            let is_kept = field("connection").is_none_or(|value| !value.contains("close"));
            let length = field("content-length").and_then(|length| length.parse().ok());
            let is_chunked = field("transfer-encoding").is_some();
            self.buffer.drain(..head_bytes);
            let body = match length {
                Some(length) => self.take(length)?,
                None if is_chunked => self.take_chunks()?,
                None => return Err(io::Error::other("a response without a length")),
            };
            return Ok((Answer { status, cache_status, body }, is_kept));
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.read_some()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    fn take_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                    break self.take(end + 2)?;
                }
                self.read_some()?;
            };
            let digits = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
            let size = usize::from_str_radix(&digits, 16).map_err(io::Error::other)?;
            body.extend(self.take(size)?);
            if self.take(2)? != b"\r\n" {
                return Err(io::Error::other("a chunk without its end"));
            }
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn stream(&self) -> io::Result<&TcpStream> {
        self.stream.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn read_some(&mut self) -> io::Result<()> {
        let mut piece = [0; 65536];
        match self.stream()?.read(&mut piece) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
            // signal(7): a read with a time limit says so when the process was stopped and went on.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.read_some(),
            Err(error) => Err(error),
        }
    }
}
