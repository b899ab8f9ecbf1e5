//! Responses, as a client reads them that wants to know exactly what came.
//!
//! The harness's client pushes bytes and is told of interim responses, head, body and end, so it can note the time of
//! each. What lies beyond the end stays in the caller's hands. It never forgives: what is not HTTP is malformed.

use super::body::{BodyReader, Framing, Piece};
use super::bytes::WireBytes;
use super::head::{
    Field, HeadReader, Malformed, Version, content_length, fields_named, has_token, room_for_fields, trim,
};
use crate::content::Secret;

/// The head of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// Version of HTTP.
    pub version: Version,
    /// Fields in order.
    pub fields: Vec<Field>,
    /// All of it as received.
    pub raw: WireBytes,
    /// How the end of the body is known.
    pub framing: Framing,
}

impl ResponseHead {
    /// Whether the connection may be used again after this response (RFC 9112 §9.3).
    pub fn keeps_alive(&self) -> bool {
        self.framing != Framing::UntilClose
            && match self.version {
                Version::Http11 => !has_token(&self.fields, "Connection", "close"),
                Version::Http10 => has_token(&self.fields, "Connection", "keep-alive"),
            }
    }

    /// The stamp that a backend of a run with this secret put into it.
    pub fn stamp(&self, secret: Secret) -> Option<crate::stamp::Stamp> {
        self.claim(secret).into_stamp()
    }

    /// What it says of its backend, in a run with this secret.
    pub fn claim(&self, secret: Secret) -> crate::stamp::Claim {
        let fields = self.fields.iter().map(|field| (field.name.as_str(), field.value.0.as_slice()));
        crate::stamp::Claim::read(fields, secret)
    }
}

/// What has come of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseEvent<'a> {
    /// An interim response (1xx other than 101).
    Informational(Box<ResponseHead>),
    /// The head of the final response.
    Head(Box<ResponseHead>),
    /// Bytes of its body.
    Body(&'a [u8]),
    /// Fields after the last chunk.
    Trailers(Vec<Field>),
    /// It is complete. What is left of the input, and comes before the next request is sent, is beyond its end.
    Complete,
}

/// What the end of the stream means for a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was complete, or is now: its body ended with the connection.
    Complete,
    /// Not one byte of it had come.
    Nothing,
    /// It was cut in its head, of which this many bytes had come.
    InHead {
        /// Bytes of the head so far; zero after an interim response.
        received: u64,
    },
    /// It was cut in its body.
    InBody {
        /// Bytes of the body so far.
        received: u64,
        /// Bytes that its head announced, where it did.
        announced: Option<u64>,
    },
}

/// Reads one response, interim ones before it included.
#[derive(Debug)]
pub struct ResponseReader {
    head: HeadReader,
    limit: usize,
    body: Option<BodyReader>,
    to_head_request: bool,
    informational: u32,
    complete: bool,
}

impl ResponseReader {
    /// A reader of the response to one request. `to_head_request`: its method was HEAD, so no body follows.
    pub fn new(head_limit: usize, to_head_request: bool) -> ResponseReader {
        ResponseReader {
            head: HeadReader::new(head_limit),
            limit: head_limit,
            body: None,
            to_head_request,
            informational: 0,
            complete: false,
        }
    }

    /// Whether the response is complete.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Bytes of the body so far.
    pub fn body_received(&self) -> u64 {
        self.body.as_ref().map_or(0, BodyReader::received)
    }

    /// What has come of a head that is not complete: evidence where it is malformed.
    pub fn partial_head(&self) -> &[u8] {
        self.head.collected()
    }

    /// Takes bytes from the front of `input`; `None` when it needs more, or when the response is complete.
    ///
    /// # Errors
    /// When the bytes are not HTTP/1.x.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<ResponseEvent<'a>>, Malformed> {
        if self.complete {
            return Ok(None);
        }
        if let Some(body) = &mut self.body {
            let event = body.next(input)?.map(|piece| match piece {
                Piece::Data(data) => ResponseEvent::Body(data),
                Piece::Trailers(fields) => ResponseEvent::Trailers(fields),
                Piece::End => ResponseEvent::Complete,
            });
            self.complete = event == Some(ResponseEvent::Complete);
            return Ok(event);
        }
        let Some(raw) = self.head.next(input)? else {
            // A proxy that answers with something else altogether would be waited for until the time is up.
            return plausible_start(self.head.collected()).map(|()| None);
        };
        let head = Box::new(parse(raw, self.to_head_request)?);
        if (100..200).contains(&head.status) && head.status != 101 {
            self.informational += 1;
            self.head = HeadReader::new(self.limit);
            return Ok(Some(ResponseEvent::Informational(head)));
        }
        self.body = Some(BodyReader::new(head.framing));
        Ok(Some(ResponseEvent::Head(head)))
    }

    /// To be called when the other end has closed or reset: what that means.
    pub fn end(&mut self) -> Ending {
        match &self.body {
            _ if self.complete => Ending::Complete,
            Some(body) if body.may_end_here() => {
                self.complete = true;
                Ending::Complete
            }
            Some(body) => Ending::InBody { received: body.received(), announced: body.announced() },
            None if self.head.collected().is_empty() && self.informational == 0 => Ending::Nothing,
            None => Ending::InHead { received: self.head.collected().len() as u64 },
        }
    }
}

/// Refuses what does not begin like a status line as soon as that is certain.
fn plausible_start(collected: &[u8]) -> Result<(), Malformed> {
    let start = b"HTTP/1.";
    let common = collected.len().min(start.len());
    if collected[..common] == start[..common] {
        return Ok(());
    }
    let shown = collected[..collected.len().min(32)].escape_ascii().to_string();
    Err(Malformed::new(format!("the answer begins with \"{shown}\"")))
}

fn parse(raw: Vec<u8>, to_head_request: bool) -> Result<ResponseHead, Malformed> {
    plausible_start(&raw)?;
    let mut room = room_for_fields(&raw);
    let mut parsed = httparse::Response::new(&mut room);
    match parsed.parse(&raw) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Malformed::new("the head has no end")),
        Err(error) => return Err(Malformed::new(format!("head: {error}"))),
    }
    let fields: Vec<Field> = parsed.headers.iter().map(Field::from_parsed).collect();
    let version = Version::from_minor(parsed.version);
    let status = parsed.code.unwrap_or_default();
    let reason = parsed.reason.unwrap_or_default().to_owned();
    let framing = framing_of(status, &fields, to_head_request)?;
    Ok(ResponseHead { status, reason, version, fields, raw: WireBytes(raw), framing })
}

/// RFC 9112 §6.3, in its order.
fn framing_of(status: u16, fields: &[Field], to_head_request: bool) -> Result<Framing, Malformed> {
    let length = content_length(fields)?;
    let codings: Vec<&[u8]> = fields_named(fields, "Transfer-Encoding").collect();
    if to_head_request || (100..200).contains(&status) && status != 101 || status == 204 || status == 304 {
        return Ok(Framing::Nothing);
    }
    match (codings.last(), length) {
        // The last coding decides; Transfer-Encoding overrides Content-Length.
        (Some(last), _) => {
            let last = last.rsplit(|&byte| byte == b',').next().unwrap_or_default();
            Ok(if trim(last).eq_ignore_ascii_case(b"chunked") {
                Framing::Chunked
            } else {
                Framing::UntilClose
            })
        }
        (None, Some(length)) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::UntilClose),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a response in pieces of `step` bytes: statuses in order, body, bytes beyond the end, ending.
    fn read(
        bytes: &[u8],
        step: usize,
        to_head: bool,
    ) -> Result<(Vec<u16>, Vec<u8>, usize, Ending), Malformed> {
        let mut reader = ResponseReader::new(100_000, to_head);
        let (mut statuses, mut body, mut beyond) = (Vec::new(), Vec::new(), 0);
        for piece in bytes.chunks(step) {
            let mut input = piece;
            while let Some(event) = reader.next(&mut input)? {
                match event {
                    ResponseEvent::Informational(head) | ResponseEvent::Head(head) => {
                        statuses.push(head.status);
                    }
                    ResponseEvent::Body(data) => body.extend_from_slice(data),
                    ResponseEvent::Trailers(_) | ResponseEvent::Complete => {}
                }
            }
            beyond += input.len();
        }
        Ok((statuses, body, beyond, reader.end()))
    }

    #[test]
    fn interim_responses_come_before_the_final_one() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        for step in 1..bytes.len() {
            assert_eq!(
                read(bytes, step, false).unwrap(),
                (vec![100, 103, 200], b"ok".to_vec(), 0, Ending::Complete)
            );
        }
    }

    #[test]
    fn bytes_beyond_the_body_are_left_over() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!";
        assert_eq!(read(bytes, 100, false).unwrap(), (vec![200], b"ok".to_vec(), 1, Ending::Complete));
        let to_head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert_eq!(read(to_head, 100, true).unwrap().2, 2, "HEAD has no body");
        assert_eq!(read(b"HTTP/1.1 204 No Content\r\n\r\nx", 100, false).unwrap().2, 1);
    }

    #[test]
    fn a_cut_response_is_not_complete() {
        let ending = |text: &str| read(text.as_bytes(), 7, false).unwrap().3;
        assert_eq!(ending(""), Ending::Nothing);
        assert_eq!(ending("HTTP/1.1 20"), Ending::InHead { received: 11 });
        assert_eq!(
            ending("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            Ending::InBody { received: 3, announced: Some(9) }
        );
        assert_eq!(
            ending("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            Ending::InBody { received: 3, announced: None }
        );
        assert_eq!(ending("HTTP/1.1 200 OK\r\n\r\nabc"), Ending::Complete);
    }

    #[test]
    fn what_is_not_http_is_refused_at_its_first_wrong_byte() {
        assert!(read(b"HTX", 1, false).is_err());
        assert!(read(b"{\"error\": 1}", 100, false).is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 100, false).is_err());
    }
}
