//! Requests, as a strict origin reads them.
//!
//! `server` pushes bytes and is told of the head, of the body and of the end as they come. It refuses what an origin must
//! not guess about (RFC 9112 §6.1, §6.3): the backends are there to show what a proxy did to a request.

use super::body::{BodyReader, Framing, Piece};
use super::bytes::WireBytes;
use super::head::{
    Field, HeadReader, Malformed, Version, content_length, fields_named, has_token, room_for_fields, trim,
};

/// The head of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// Method as written.
    pub method: String,
    /// Target as written.
    pub target: String,
    /// Version of HTTP.
    pub version: Version,
    /// Fields in order.
    pub fields: Vec<Field>,
    /// All of it as received.
    pub raw: WireBytes,
    /// How the end of the body is known.
    pub framing: Framing,
}

/// What has come of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestEvent<'a> {
    /// Its head.
    Head(Box<RequestHead>),
    /// Bytes of its body.
    Body(&'a [u8]),
    /// Fields after the last chunk.
    Trailers(Vec<Field>),
    /// It is complete.
    Complete,
}

/// Reads one request.
#[derive(Debug)]
pub struct RequestReader {
    head: HeadReader,
    body: Option<BodyReader>,
    begun: bool,
}

impl RequestHead {
    /// Whether the client wants to hear 100 before it sends the body (RFC 9110 §10.1.1).
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11 && has_token(&self.fields, "Expect", "100-continue")
    }

    /// Whether the connection stays open after the answer, as far as the client is concerned (RFC 9112 §9.3).
    pub fn keeps_alive(&self) -> bool {
        match self.version {
            Version::Http11 => !has_token(&self.fields, "Connection", "close"),
            Version::Http10 => has_token(&self.fields, "Connection", "keep-alive"),
        }
    }

    /// Path and query: the target without scheme and authority, where it came in absolute form (RFC 9112 §3.2.2).
    pub fn path_and_query(&self) -> &str {
        let Some((scheme, rest)) = self.target.split_once("://") else { return &self.target };
        if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return &self.target;
        }
        rest.find(['/', '?']).map_or("/", |start| &rest[start..])
    }
}

impl RequestReader {
    /// A reader of one request whose head has at most `head_limit` bytes.
    pub fn new(head_limit: usize) -> RequestReader {
        RequestReader { head: HeadReader::new(head_limit), body: None, begun: false }
    }

    /// Whether any byte of the request has come, empty lines before it not counted.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// What has come of a head that is not complete.
    pub fn partial_head(&self) -> &[u8] {
        self.head.collected()
    }

    /// Takes bytes from the front of `input`; `None` when it needs more.
    ///
    /// # Errors
    /// When the bytes are not a request that an origin may act upon.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<RequestEvent<'a>>, Malformed> {
        if let Some(body) = &mut self.body {
            return Ok(body.next(input)?.map(|piece| match piece {
                Piece::Data(data) => RequestEvent::Body(data),
                Piece::Trailers(fields) => RequestEvent::Trailers(fields),
                Piece::End => RequestEvent::Complete,
            }));
        }
        if !self.begun {
            // RFC 9112 §2.2: an empty line before the request line is ignored.
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            *input = &input[blank..];
            self.begun = !input.is_empty();
        }
        let Some(raw) = self.head.next(input)? else { return Ok(None) };
        let head = parse(raw)?;
        self.body = Some(BodyReader::new(head.framing));
        Ok(Some(RequestEvent::Head(Box::new(head))))
    }
}

fn parse(raw: Vec<u8>) -> Result<RequestHead, Malformed> {
    let mut room = room_for_fields(&raw);
    let mut parsed = httparse::Request::new(&mut room);
    match parsed.parse(&raw) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Malformed::new("the head has no end")),
        Err(error) => return Err(Malformed::new(format!("head: {error}"))),
    }
    let fields: Vec<Field> = parsed.headers.iter().map(Field::from_parsed).collect();
    let version = Version::from_minor(parsed.version);
    let method = parsed.method.unwrap_or_default().to_owned();
    let target = parsed.path.unwrap_or_default().to_owned();
    // RFC 9112 §3.2: exactly one Host field in HTTP/1.1.
    let hosts = fields_named(&fields, "Host").count();
    if hosts > 1 || (hosts == 0 && version == Version::Http11) {
        return Err(Malformed::new(format!("{hosts} Host fields")));
    }
    let framing = framing_of(&fields, version)?;
    Ok(RequestHead { method, target, version, fields, raw: WireBytes(raw), framing })
}

fn framing_of(fields: &[Field], version: Version) -> Result<Framing, Malformed> {
    let length = content_length(fields)?;
    let codings: Vec<&[u8]> = fields_named(fields, "Transfer-Encoding").collect();
    if codings.is_empty() {
        return Ok(length.map_or(Framing::Nothing, Framing::Length));
    }
    if length.is_some() {
        return Err(Malformed::new("both Content-Length and Transfer-Encoding (RFC 9112 §6.1)"));
    }
    if version == Version::Http10 {
        return Err(Malformed::new("Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)"));
    }
    match codings[..] {
        [only] if trim(only).eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        _ => Err(Malformed::new("a Transfer-Encoding other than chunked (RFC 9112 §6.3)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(text: &str) -> Result<RequestHead, Malformed> {
        let mut input = text.as_bytes();
        match RequestReader::new(100_000).next(&mut input)? {
            Some(RequestEvent::Head(head)) => Ok(*head),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_read_whole_in_any_pieces_and_leaves_the_next_one() {
        let bytes = b"\r\nPOST /a?b=%20 HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 5\r\n\r\nhelloGET";
        for step in 1..bytes.len() {
            let mut reader = RequestReader::new(1000);
            let (mut heads, mut body, mut complete, mut left) = (0, Vec::new(), false, 0);
            for piece in bytes.chunks(step) {
                let mut input = piece;
                while let Some(event) = reader.next(&mut input).unwrap() {
                    match event {
                        RequestEvent::Head(head) => {
                            heads += 1;
                            assert_eq!((head.method.as_str(), head.target.as_str()), ("POST", "/a?b=%20"));
                            assert_eq!(fields_named(&head.fields, "x-a").collect::<Vec<_>>(), [b"1", b"2"]);
                        }
                        RequestEvent::Body(data) => body.extend_from_slice(data),
                        RequestEvent::Trailers(_) => {}
                        RequestEvent::Complete => complete = true,
                    }
                }
                left += input.len();
            }
            assert_eq!((heads, body.as_slice(), complete, left), (1, &b"hello"[..], true, 3));
        }
    }

    #[test]
    fn ambiguous_requests_are_refused() {
        for wrong in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GE\0T / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\r\n\r\n",
        ] {
            assert!(head_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn persistence_depends_on_version_and_connection() {
        assert!(head_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().keeps_alive());
        assert!(!head_of("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n").unwrap().keeps_alive());
        assert!(!head_of("GET / HTTP/1.0\r\n\r\n").unwrap().keeps_alive());
        assert!(head_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap().keeps_alive());
    }

    #[test]
    fn the_path_of_an_absolute_target_is_found() {
        let path = |target: &str| {
            head_of(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).unwrap().path_and_query().to_owned()
        };
        assert_eq!(path("/a?u=http://x/y"), "/a?u=http://x/y");
        assert_eq!(path("http://a:80/b?c"), "/b?c");
        assert_eq!(path("http://a"), "/");
        assert_eq!(path("*"), "*");
    }
}
