//! Messages of HTTP/1.1, read whole into memory and written again.
//!
//! The server reads requests and answers with it. It is strict about framing and knows nothing of caches or backends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::defects::{Defect, wire};

/// A request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its first line, without line end.
    pub first_line: String,
    /// Its fields as they came, those of the framing and of the connection left out.
    pub fields: Vec<(String, String)>,
    /// Its body without framing.
    pub body: Vec<u8>,
    /// Of a request: it says `Connection: close`.
    pub says_close: bool,
    /// Of an answer: it had neither length nor chunks and ended with its connection.
    pub until_close: bool,
}

impl Message {
    /// The word of this number in the first line, from zero.
    pub fn word(&self, number: usize) -> &str {
        self.first_line.split(' ').nth(number).unwrap_or("")
    }

    /// Status, of an answer.
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    /// An answer of this proxy itself.
    pub fn own(status: u16, reason: &str) -> Message {
        let first_line = format!("HTTP/1.1 {status} {reason}");
        Message { first_line, body: format!("{reason}\n").into_bytes(), ..Message::default() }
    }

    /// The bytes of an answer; `head_only` for the answer to a HEAD request, `close` where the connection ends with it,
    /// `unframed` where only its end tells the length.
    pub fn answer_bytes(&self, head_only: bool, close: bool, unframed: bool) -> Vec<u8> {
        let mut bytes = self.head_bytes();
        let bodiless = matches!(self.status(), 204 | 304);
        let has_length =
            head_only && self.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        if !(bodiless || has_length || unframed) {
            bytes.extend(format!("Content-Length: {}\r\n", self.body.len()).bytes());
        }
        let connection = if close { "close" } else { "keep-alive" };
        bytes.extend(format!("Connection: {connection}\r\n\r\n").bytes());
        if !bodiless && !head_only {
            bytes.extend(&self.body);
        }
        bytes
    }

    /// The bytes of a request.
    pub fn request_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head_bytes();
        if !self.body.is_empty() || matches!(self.word(0), "POST" | "PUT" | "PATCH") {
            bytes.extend(format!("Content-Length: {}\r\n", self.body.len()).bytes());
        }
        bytes.extend(b"Connection: close\r\n\r\n");
        bytes.extend(&self.body);
        bytes
    }

    fn head_bytes(&self) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.first_line);
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // Latin-1, as it was read.
        head.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
    }
}

/// Reads a request; `None` where the client closed without one. Says `100 Continue` where the client waits for it.
pub fn read_request(
    reader: &mut BufReader<&TcpStream>,
    mut stream: &TcpStream,
    defect: Defect,
) -> io::Result<Option<Message>> {
    if wire::head_in_one_piece(defect) && !ends_a_head(reader.fill_buf()?) {
        return Err(unexpected("head in pieces"));
    }
    let Some((mut message, framing)) = read_head(reader, wire::head_limit(defect), defect)? else {
        return Ok(None);
    };
    if framing.expects_continue {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    message.body = match framing.body {
        Body::UntilEnd if defect == Defect::LengthInOneSpelling && message.word(0) == "POST" => {
            let here = reader.buffer().len() as u64;
            read_body(reader, Body::Length(here), false)?
        }
        Body::UntilEnd => Vec::new(),
        Body::Length(length) if wire::body_in_one_piece(defect) => {
            let here = reader.buffer().len() as u64;
            read_body(reader, Body::Length(length.min(here)), false)?
        }
        body => read_body(reader, body, false)?,
    };
    Ok(Some(message))
}

fn ends_a_head(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

/// Reads the answer to a request with this method, interim answers skipped.
pub fn read_answer(stream: &TcpStream, method: &str, defect: Defect) -> io::Result<Message> {
    let mut reader = BufReader::new(stream);
    if !reader.fill_buf()?.starts_with(b"HTTP/1.") {
        if !wire::passes_garbage(defect) {
            return Err(unexpected("this is not HTTP"));
        }
        let first_line = "HTTP/1.1 200 OK".to_owned();
        let mut message = Message { first_line, ..Message::default() };
        reader.read_to_end(&mut message.body)?;
        return Ok(message);
    }
    loop {
        let Some((mut message, framing)) =
            read_head(&mut reader, wire::head_limit(Defect::None), Defect::None)?
        else {
            return Err(unexpected("no answer"));
        };
        // The version is that of this hop, not that of the backend (RFC 9110 §6.2).
        if let Some((_, rest)) = message.first_line.split_once(' ') {
            message.first_line = format!("HTTP/1.1 {rest}");
        }
        match message.status() {
            100..200 if wire::interim_is_final(defect) => {}
            100..200 => continue,
            204 | 304 => {}
            _ if method == "HEAD" => {
                // The length of the body that a GET would have had belongs to the answer.
                if let Body::Length(length) = framing.body {
                    message.fields.push(("Content-Length".to_owned(), length.to_string()));
                }
            }
            _ => {
                message.until_close = matches!(framing.body, Body::UntilEnd);
                let chunked = matches!(framing.body, Body::Chunked);
                let body =
                    if chunked && wire::chunks_are_body(defect) { Body::UntilEnd } else { framing.body };
                message.body = read_body(&mut reader, body, wire::believes_a_cut_body(defect))?;
            }
        }
        return Ok(message);
    }
}

#[derive(Clone, Copy)]
enum Body {
    Length(u64),
    Chunked,
    UntilEnd,
}

struct Framing {
    body: Body,
    expects_continue: bool,
}

fn read_head(
    reader: &mut impl BufRead,
    limit: u64,
    defect: Defect,
) -> io::Result<Option<(Message, Framing)>> {
    let mut limited = reader.take(limit);
    let mut message = Message::default();
    let mut framing = Framing { body: Body::UntilEnd, expects_continue: false };
    loop {
        let mut line = Vec::new();
        if limited.read_until(b'\n', &mut line)? == 0 {
            return if message.first_line.is_empty() { Ok(None) } else { Err(unexpected("head cut short")) };
        }
        // Latin-1, so that no byte of a field is lost.
        let line: String = line.iter().map(|&byte| char::from(byte)).collect();
        let line = line.trim_end_matches(['\r', '\n']);
        if message.first_line.is_empty() {
            line.clone_into(&mut message.first_line);
            continue;
        }
        if line.is_empty() {
            return Ok(Some((message, framing)));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(unexpected("field without a colon"));
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" if wire::announces_length(defect, name) => {
                framing.body = Body::Length(value.parse().map_err(|_| unexpected("length"))?);
            }
            "transfer-encoding" => framing.body = Body::Chunked,
            "expect" => framing.expects_continue = true,
            "connection" => message.says_close = value.eq_ignore_ascii_case("close"),
            "content-length" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "upgrade" => {}
            _ => message.fields.push((name.to_owned(), value.to_owned())),
        }
    }
}

/// `cut_is_fine` where fewer bytes than announced are taken for all of them.
fn read_body(reader: &mut impl BufRead, body: Body, cut_is_fine: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match body {
        Body::Length(length) => {
            reader.take(length).read_to_end(&mut bytes)?;
            if (bytes.len() as u64) < length && !cut_is_fine {
                return Err(unexpected("body cut short"));
            }
        }
        Body::UntilEnd => {
            reader.read_to_end(&mut bytes)?;
        }
        Body::Chunked => loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = line.trim().split(';').next().unwrap_or("");
            let size = u64::from_str_radix(size, 16).map_err(|_| unexpected("chunk size"))?;
            if size == 0 {
                // Trailer fields, dropped, up to the empty line.
                loop {
                    line.clear();
                    if reader.read_line(&mut line)? <= 2 {
                        break;
                    }
                }
                break;
            }
            let before = bytes.len() as u64;
            reader.take(size).read_to_end(&mut bytes)?;
            if bytes.len() as u64 - before < size {
                return Err(unexpected("chunk cut short"));
            }
            reader.read_line(&mut line)?;
        },
    }
    Ok(bytes)
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
