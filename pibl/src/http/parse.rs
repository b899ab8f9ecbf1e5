//! Bytes to heads: strict for what clients send, exact for what backends send.
//!
//! `connection` parses requests here and `upstream` parses responses; `httparse` finds the lines and
//! everything that it is lenient about is refused here. It never reads a body and never repairs a request.

use std::mem::MaybeUninit;

use super::body::BodyFraming;
use super::fields::Fields;
use super::head::{Method, RequestHead, ResponseHead, Version};
use super::refusal::Refusal;
use super::target;

/// The most fields that a head may have.
pub const MAX_FIELDS: usize = 128;

/// How large a head may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Request line or status line and fields together; at most 65,535.
    pub head_bytes: usize,
    /// The request target alone.
    pub target_bytes: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head_bytes: 32 * 1024, target_bytes: 8 * 1024 }
    }
}

/// What a complete request head says about the message and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// The bytes of the buffer that the head took, leading empty lines included.
    pub consumed: usize,
    /// How the body is framed.
    pub framing: BodyFraming,
    /// Whether the client wants to send another request afterwards (RFC 9112 §9.3).
    pub persistent: bool,
    /// Whether the client waits for 100 before it sends the body (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// Whether the client asks for another protocol (RFC 9110 §7.8).
    pub upgrade: bool,
}

/// What a complete response head says about the message and its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedResponse {
    /// The bytes of the buffer that the head took.
    pub consumed: usize,
    /// How the body is framed.
    pub framing: BodyFraming,
    /// Whether the connection can be used again once the body has been read.
    pub persistent: bool,
}

/// A response that cannot be trusted; the client gets a 502 (RFC 9110 §15.6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadResponse {
    /// No status line and fields of the grammar.
    #[error("malformed response head")]
    Malformed,
    /// The head is longer, or has more fields, than the limits.
    #[error("response head too large")]
    HeadTooLarge,
    /// Length and coding contradict each other or are not understood (RFC 9112 §6.3).
    #[error("ambiguous response framing")]
    Framing,
}

/// Parses the head of a request at the start of `buffer` into `head`.
///
/// `Ok(None)` means that the head is not complete yet. A [`Refusal`] means that the connection cannot be
/// trusted any more: the caller answers with its status and closes.
pub fn request_head(
    buffer: &[u8],
    limits: &HeadLimits,
    head: &mut RequestHead,
) -> Result<Option<ReceivedRequest>, Refusal> {
    let skipped = leading_empty_lines(buffer)?;
    let message = &buffer[skipped..];
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(message, &mut slots) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return incomplete(message, limits),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) => return Err(version_problem(message)),
        Err(_) => return Err(Refusal::Malformed),
    };
    let message = &message[..length];
    if length > limits.head_bytes {
        return Err(Refusal::HeadTooLarge);
    }
    if !every_line_ends_in_crlf(message) {
        return Err(Refusal::BareLineFeed);
    }
    let (Some(method), Some(path), Some(version)) = (request.method, request.path, request.version) else {
        return Err(Refusal::Malformed);
    };
    if path.len() > limits.target_bytes {
        return Err(Refusal::TargetTooLong);
    }
    head.method = Method::from_token(method);
    head.target.clear();
    head.target.extend_from_slice(path.as_bytes());
    head.version = if version == 0 { Version::Http10 } else { Version::Http11 };
    load_fields(&mut head.fields, message, request.headers);
    let received = examine_request(head, skipped + length)?;
    target::normalise(head)?;
    Ok(Some(received))
}

/// Parses the head of a response at the start of `buffer` into `head`; `to_head` says that it answers a
/// HEAD request, so that no body follows. `Ok(None)` means that the head is not complete yet.
pub fn response_head(
    buffer: &[u8],
    limits: &HeadLimits,
    to_head: bool,
    head: &mut ResponseHead,
) -> Result<Option<ReceivedResponse>, BadResponse> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    // RFC 9112 §5.1: a proxy removes blanks between field name and colon from a response.
    let mut settings = httparse::ParserConfig::default();
    settings.allow_spaces_after_header_name_in_responses(true);
    let length = match settings.parse_response_with_uninit_headers(&mut response, buffer, &mut slots) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() > limits.head_bytes => {
            return Err(BadResponse::HeadTooLarge);
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(BadResponse::HeadTooLarge),
        Err(_) => return Err(BadResponse::Malformed),
    };
    if length > limits.head_bytes {
        return Err(BadResponse::HeadTooLarge);
    }
    let (Some(version), Some(status)) = (response.version, response.code) else {
        return Err(BadResponse::Malformed);
    };
    if !(100..=999).contains(&status) {
        return Err(BadResponse::Malformed);
    }
    head.status = status;
    head.reason.clear();
    head.reason.extend_from_slice(response.reason.unwrap_or_default().as_bytes());
    head.version = if version == 0 { Version::Http10 } else { Version::Http11 };
    load_fields(&mut head.fields, &buffer[..length], response.headers);
    let received = examine_response(head, to_head, length)?;
    if let BodyFraming::Length(length) = received.framing {
        // RFC 9112 §6.3: a list of equal values is forwarded as one.
        if head.fields.get_all("content-length").nth(1).is_some()
            || head.fields.get("content-length").is_some_and(|value| value.contains(&b','))
        {
            head.fields.set("Content-Length", length.to_string());
        }
    }
    Ok(Some(received))
}

/// Parses a trailer section (RFC 9112 §7.1.2), its final empty line included. `Ok(None)`: incomplete.
pub fn trailers(buffer: &[u8], fields: &mut Fields) -> Result<Option<usize>, Refusal> {
    let mut slots = [httparse::EMPTY_HEADER; 32];
    match httparse::parse_headers(buffer, &mut slots) {
        Ok(httparse::Status::Complete((length, headers))) => {
            if !every_line_ends_in_crlf(&buffer[..length]) {
                return Err(Refusal::Trailers);
            }
            load_fields(fields, &buffer[..length], headers);
            Ok(Some(length))
        }
        Ok(httparse::Status::Partial) => Ok(None),
        Err(_) => Err(Refusal::Trailers),
    }
}

/// RFC 9112 §2.2: empty lines before the request line are ignored; two are enough for every client known.
fn leading_empty_lines(buffer: &[u8]) -> Result<usize, Refusal> {
    let mut skipped = 0;
    while skipped < 4 && buffer[skipped..].starts_with(b"\r\n") {
        skipped += 2;
    }
    match buffer[skipped..] {
        [b'\n', ..] => Err(Refusal::BareLineFeed),
        [b'\r', b'\n', ..] => Err(Refusal::Malformed),
        _ => Ok(skipped),
    }
}

/// What an incomplete head may still become: nothing once it is beyond the limits.
fn incomplete(message: &[u8], limits: &HeadLimits) -> Result<Option<ReceivedRequest>, Refusal> {
    let line = message.iter().position(|&byte| byte == b'\n');
    // Method, two blanks and version add little to the target: 64 bytes are plenty.
    if line.unwrap_or(message.len()) > limits.target_bytes + 64 {
        return Err(Refusal::TargetTooLong);
    }
    if message.len() > limits.head_bytes {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(None)
}

/// HTTP/0.9 has no version at all (malformed); `HTTP/2.0` is a version that is not spoken here.
fn version_problem(message: &[u8]) -> Refusal {
    let line = message.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    let version = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    match version {
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit()
                && minor.is_ascii_digit()
                && line.iter().filter(|&&byte| byte == b' ').count() == 2 =>
        {
            Refusal::Version
        }
        _ => Refusal::Malformed,
    }
}

/// RFC 9112 §2.2: a recipient may accept LF alone, and two recipients that differ make a smuggled
/// request; both counts are branch-free, so that the compiler makes vector code of them.
fn every_line_ends_in_crlf(message: &[u8]) -> bool {
    let feeds = message.iter().filter(|&&byte| byte == b'\n').count();
    let pairs =
        message.iter().zip(&message[1..]).filter(|(one, two)| **one == b'\r' && **two == b'\n').count();
    feeds == pairs
}

/// Copies the field lines once and remembers where names and values lie.
fn load_fields(fields: &mut Fields, message: &[u8], headers: &[httparse::Header<'_>]) {
    let base = message.as_ptr() as usize;
    let offset = |part: &[u8]| part.as_ptr() as usize - base;
    let Some(first) = headers.first() else {
        fields.clear();
        return;
    };
    let start = offset(first.name.as_bytes());
    fields.load(&message[start..]);
    for header in headers {
        let name = offset(header.name.as_bytes()) - start;
        // An empty value may lie anywhere; its place does not matter.
        let value = if header.value.is_empty() { name } else { offset(header.value) - start };
        fields.push_ranges(name..name + header.name.len(), value..value + header.value.len());
    }
}

/// One pass over the fields that decide framing and persistence.
fn examine_request(head: &RequestHead, consumed: usize) -> Result<ReceivedRequest, Refusal> {
    let (mut length, mut codings, mut hosts) = (None, 0, 0);
    let (mut close, mut keep_alive, mut expects_continue) = (false, false, false);
    let (mut upgrade_named, mut upgrade) = (false, false);
    for (name, value) in head.fields.iter() {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => hosts += 1,
            6 if name.eq_ignore_ascii_case(b"expect") && head.version == Version::Http11 => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::Expectation);
                }
                expects_continue = true;
            }
            7 if name.eq_ignore_ascii_case(b"upgrade") => upgrade = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in super::fields::list_elements(value) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    upgrade_named |= option.eq_ignore_ascii_case(b"upgrade");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                // RFC 9112 §6.3: equal values may be merged, but a sender of two is not to be trusted.
                if length.is_some() {
                    return Err(Refusal::ContentLength);
                }
                length = Some(content_length(value).ok_or(Refusal::ContentLength)?);
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                codings += 1;
                if codings > 1 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Refusal::TransferCoding);
                }
            }
            _ => {}
        }
    }
    if codings > 0 && head.version == Version::Http10 {
        return Err(Refusal::TransferCoding);
    }
    if codings > 0 && length.is_some() {
        return Err(Refusal::LengthAndCoding);
    }
    // RFC 9112 §3.2: HTTP/1.1 needs Host once; nobody may send it twice.
    if hosts > 1 || (hosts == 0 && head.version == Version::Http11) {
        return Err(Refusal::HostCount);
    }
    let framing = match (codings, length) {
        (0, None | Some(0)) => BodyFraming::Empty,
        (0, Some(length)) => BodyFraming::Length(length),
        _ => BodyFraming::Chunked,
    };
    Ok(ReceivedRequest {
        consumed,
        framing,
        persistent: !close && (head.version == Version::Http11 || keep_alive),
        expects_continue: expects_continue && framing != BodyFraming::Empty,
        // RFC 9110 §7.8: a sender of Upgrade also names it in Connection; HTTP/1.0 has no upgrade.
        upgrade: upgrade && upgrade_named && head.version == Version::Http11,
    })
}

/// The body length of a response, RFC 9112 §6.3, with contradictions treated as errors.
fn examine_response(
    head: &ResponseHead,
    to_head: bool,
    consumed: usize,
) -> Result<ReceivedResponse, BadResponse> {
    let (mut length, mut codings, mut is_chunked) = (None, 0, false);
    let (mut close, mut keep_alive) = (false, false);
    for (name, value) in head.fields.iter() {
        match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in super::fields::list_elements(value) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                // RFC 9112 §6.3 allows a list of equal values from a server.
                for element in super::fields::list_elements(value) {
                    let value = content_length(element).ok_or(BadResponse::Framing)?;
                    if length.is_some_and(|known| known != value) {
                        return Err(BadResponse::Framing);
                    }
                    length = Some(value);
                }
                length.ok_or(BadResponse::Framing)?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                codings += 1;
                is_chunked = value.eq_ignore_ascii_case(b"chunked");
                if codings > 1 || (!is_chunked && is_real_coding(value)) {
                    return Err(BadResponse::Framing);
                }
            }
            _ => {}
        }
    }
    let bodiless = to_head || head.is_interim() || matches!(head.status, 204 | 304);
    if !bodiless && codings > 0 && (length.is_some() || head.version == Version::Http10) {
        return Err(BadResponse::Framing);
    }
    let framing = match (codings, length) {
        _ if bodiless => BodyFraming::Empty,
        (0, None) => BodyFraming::UntilClose,
        (0, Some(0)) => BodyFraming::Empty,
        (0, Some(length)) => BodyFraming::Length(length),
        _ if is_chunked => BodyFraming::Chunked,
        // RFC 9112 §6.3: without chunked as the last coding only the close marks the end.
        _ => BodyFraming::UntilClose,
    };
    let persistent = !close
        && (head.version == Version::Http11 || keep_alive)
        && framing != BodyFraming::UntilClose
        && head.status != 101;
    Ok(ReceivedResponse { consumed, framing, persistent })
}

/// Whether a response with these codings is refused: a coding of RFC 9112 §7 that nobody asked for would
/// have to be undone, and a list is a way to hide something. An invented name changes no byte.
fn is_real_coding(value: &[u8]) -> bool {
    let real = [&b"chunked"[..], b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress"];
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !value.iter().all(is_token) || real.iter().any(|known| value.eq_ignore_ascii_case(known))
}

/// RFC 9110 §8.6: digits only; nineteen of them always fit.
fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    value.iter().try_fold(0, |number: u64, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Option<ReceivedRequest>, Refusal> {
        request_head(text.as_bytes(), &HeadLimits::default(), &mut RequestHead::default())
    }

    fn accepted(text: &str) -> (ReceivedRequest, RequestHead) {
        let mut head = RequestHead::default();
        let received = request_head(text.as_bytes(), &HeadLimits::default(), &mut head);
        (received.expect("accepted").expect("complete"), head)
    }

    fn response(text: &str, to_head: bool) -> Result<Option<ReceivedResponse>, BadResponse> {
        response_head(text.as_bytes(), &HeadLimits::default(), to_head, &mut ResponseHead::default())
    }

    fn framing(text: &str) -> BodyFraming {
        response(text, false).expect("accepted").expect("complete").framing
    }

    #[test]
    fn an_ordinary_request_is_understood_in_pieces_and_whole() {
        let text = "\r\nPOST /a?b=c HTTP/1.1\r\nHost: x:1\r\nContent-Length: 3 \r\nEmpty:\r\n\r\nabc";
        let (received, head) = accepted(text);
        assert_eq!(received.consumed, text.len() - 3);
        assert_eq!(received.framing, BodyFraming::Length(3));
        assert!(received.persistent && !received.expects_continue && !received.upgrade);
        assert_eq!(head.target, b"/a?b=c");
        assert_eq!(head.fields.get("content-length"), Some(&b"3"[..]));
        assert_eq!(head.fields.get("empty"), Some(&b""[..]));
        for length in 0..text.len() - 3 {
            assert_eq!(request(&text[..length]), Ok(None), "after {length} bytes");
        }
    }

    #[test]
    fn framing_ambiguities_are_refused() {
        let with = |fields: &str| request(&format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        for (fields, expected) in [
            ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", Refusal::LengthAndCoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", Refusal::LengthAndCoding),
            ("Content-Length: 3\r\nContent-Length: 3\r\n", Refusal::ContentLength),
            ("Content-Length: 3\r\nContent-Length: 4\r\n", Refusal::ContentLength),
            ("Content-Length: 3, 3\r\n", Refusal::ContentLength),
            ("Content-Length: +3\r\n", Refusal::ContentLength),
            ("Content-Length: -3\r\n", Refusal::ContentLength),
            ("Content-Length: 0x3\r\n", Refusal::ContentLength),
            ("Content-Length: 3 3\r\n", Refusal::ContentLength),
            ("Content-Length:\r\n", Refusal::ContentLength),
            ("Content-Length: 99999999999999999999\r\n", Refusal::ContentLength),
            ("Transfer-Encoding: gzip, chunked\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: chunked, chunked\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: xchunked\r\n", Refusal::TransferCoding),
            ("Transfer-Encoding: \u{b}chunked\r\n", Refusal::Malformed),
            ("Transfer-Encoding : chunked\r\n", Refusal::Malformed),
            ("X: a\r\n b\r\n", Refusal::Malformed),
            (" X: a\r\n", Refusal::Malformed),
            ("X: a\nY: b\r\n", Refusal::BareLineFeed),
            ("X: a\rY: b\r\n", Refusal::Malformed),
            ("X: a\0b\r\n", Refusal::Malformed),
            ("X\0: a\r\n", Refusal::Malformed),
            ("no colon\r\n", Refusal::Malformed),
            (": no name\r\n", Refusal::Malformed),
            ("Host: x\r\n", Refusal::HostCount),
            ("Expect: something\r\n", Refusal::Expectation),
        ] {
            assert_eq!(with(fields), Err(expected), "{fields:?}");
        }
    }

    #[test]
    fn request_lines_of_other_shapes_are_refused() {
        for (text, expected) in [
            ("GET /\r\n\r\n", Refusal::Malformed),
            ("GET / HTTP/2.0\r\n\r\n", Refusal::Version),
            ("GET / HTTP/1.2\r\nHost: x\r\n\r\n", Refusal::Version),
            ("GET / http/1.1\r\nHost: x\r\n\r\n", Refusal::Malformed),
            ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", Refusal::Malformed),
            ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", Refusal::Malformed),
            ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", Refusal::Malformed),
            ("GE\tT / HTTP/1.1\r\nHost: x\r\n\r\n", Refusal::Malformed),
            ("GET / HTTP/1.1\nHost: x\n\n", Refusal::BareLineFeed),
            ("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", Refusal::BareLineFeed),
            ("\r\n\r\n\r\nGET / HTTP/1.1\r\n", Refusal::Malformed),
            ("GET / HTTP/1.1\r\n\r\n", Refusal::HostCount),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::TransferCoding),
            ("POST / HTTP/1.0\r\nTransfer-Encoding: identity, chunked\r\n\r\n", Refusal::TransferCoding),
        ] {
            assert_eq!(request(text), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn oversized_heads_are_refused_before_they_are_complete() {
        let long_target = format!("GET /{}", "a".repeat(9000));
        assert_eq!(request(&long_target), Err(Refusal::TargetTooLong));
        let long_head = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "a".repeat(40_000));
        assert_eq!(request(&long_head), Err(Refusal::HeadTooLarge));
        let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(200));
        assert_eq!(request(&many), Err(Refusal::HeadTooLarge));
    }

    #[test]
    fn persistence_follows_version_and_connection() {
        assert!(!accepted("GET / HTTP/1.0\r\n\r\n").0.persistent);
        assert!(accepted("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").0.persistent);
        assert!(!accepted("GET / HTTP/1.1\r\nHost: x\r\nConnection: x, CLOSE\r\n\r\n").0.persistent);
        let upgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        assert!(accepted(upgrade).0.upgrade);
        assert!(!accepted("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n").0.upgrade);
    }

    #[test]
    fn response_bodies_are_framed_as_rfc_9112_section_6_3_says() {
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), BodyFraming::Length(5));
        assert_eq!(framing("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"), BodyFraming::Length(5));
        assert_eq!(framing("HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n"), BodyFraming::Chunked);
        assert_eq!(framing("HTTP/1.0 200 OK\r\n\r\n"), BodyFraming::UntilClose);
        assert_eq!(framing("HTTP/1.1 200\r\nTransfer-Encoding: invented\r\n\r\n"), BodyFraming::UntilClose);
        assert_eq!(framing("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"), BodyFraming::Empty);
        assert_eq!(framing("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n"), BodyFraming::Empty);
        let to_head = response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true);
        assert_eq!(to_head.unwrap().unwrap().framing, BodyFraming::Empty);
        for ambiguous in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: invented\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        ] {
            assert_eq!(response(ambiguous, false), Err(BadResponse::Framing), "{ambiguous:?}");
        }
        assert_eq!(response("SSH-2.0-OpenSSH\r\n", false), Err(BadResponse::Malformed));
    }

    #[test]
    fn blanks_before_a_colon_are_removed_from_a_response() {
        let mut head = ResponseHead::default();
        let text = b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n";
        response_head(text, &HeadLimits::default(), false, &mut head).unwrap().unwrap();
        assert_eq!(head.fields.get("x-a"), Some(&b"b"[..]));
    }

    use proptest::prelude::*;

    /// Bytes that look like a request often enough to come far into the parser.
    fn almost_a_request() -> impl Strategy<Value = Vec<u8>> {
        let pieces = proptest::sample::select(vec![
            &b"GET / HTTP/1.1\r\n"[..],
            b"POST http://x/ HTTP/1.0\r\n",
            b"Host: x\r\n",
            b"Content-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: close, upgrade\r\n",
            b"X: \r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b":",
            b"\0\xff",
        ]);
        proptest::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_accepted_says_exactly_one_thing(bytes in almost_a_request()) {
            let mut head = RequestHead::default();
            if let Ok(Some(received)) = request_head(&bytes, &HeadLimits::default(), &mut head) {
                prop_assert!(received.consumed <= bytes.len());
                prop_assert!(bytes[..received.consumed].ends_with(b"\r\n\r\n"));
                prop_assert!(head.target.starts_with(b"/") || head.target == b"*");
                prop_assert!(head.fields.get_all("host").count() <= 1);
                let framings = ["content-length", "transfer-encoding"];
                let count: usize = framings.iter().map(|name| head.fields.get_all(name).count()).sum();
                prop_assert!(count <= 1);
            }
        }

        #[test]
        fn heads_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), to_head in any::<bool>()) {
            let _ = request_head(&bytes, &HeadLimits::default(), &mut RequestHead::default());
            let limits = HeadLimits::default();
            let _ = response_head(&bytes, &limits, to_head, &mut ResponseHead::default());
            let _ = trailers(&bytes, &mut Fields::new());
        }
    }
}
