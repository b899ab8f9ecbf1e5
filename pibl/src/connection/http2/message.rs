//! Heads of HTTP/2 to heads of HTTP/1.1 and back.
//!
//! `stream` sends what is made here through the same parser as every request, so that nothing is believed because it came in
//! a frame. `h2` has refused what RFC 9113 §8 calls malformed already: names in capitals, control characters, fields that
//! concern one connection, pseudo fields that are missing, unknown or behind others, a length that is not that of the body.

use std::mem::MaybeUninit;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use h2::Reason;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use crate::http::hop_by_hop::{is_allowed_in_trailer, is_hop_by_hop};
use crate::http::parse::MAX_FIELDS;
use crate::http::{BodyFraming, Fields, encode};

/// The most fields of an answer: those that are taken from a backend, and the few that this program adds.
const MOST_FIELDS: usize = MAX_FIELDS + 16;

/// Writes the head of a request as HTTP/1.1 has it, and says whether its body is chunked. `has_body`: something may follow.
pub(super) fn request_head(parts: &Parts, has_body: bool, out: &mut Vec<u8>) -> Result<bool, Reason> {
    encode::request_line(out, parts.method.as_str(), &target(parts)?);
    if let Some(authority) = parts.uri.authority().map(|authority| authority.as_str().as_bytes()) {
        // Where a `Host` stands beside it, the parser compares both, if the target has a place for the authority. If it has
        // none, another one makes two, which are refused.
        let has_place = parts.method != http::Method::CONNECT && parts.uri.path() != "*";
        let is_host = |host: &HeaderValue| has_place || host.as_bytes().eq_ignore_ascii_case(authority);
        if !parts.headers.get(HOST).is_some_and(is_host) {
            encode::field(out, "Host", authority);
        }
    }
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != COOKIE) {
        // Refused before, and never to be seen by a parser that would frame the message by it.
        if is_of_connection(name) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        encode::field(out, name.as_str(), value.as_bytes());
    }
    let crumbs: Vec<&[u8]> = parts.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if !crumbs.is_empty() {
        // RFC 9113 §8.2.3: pieces of one field become one before they leave HTTP/2.
        encode::field(out, "Cookie", &crumbs.join(&b"; "[..]));
    }
    let is_chunked = has_body && !parts.headers.contains_key(CONTENT_LENGTH);
    if is_chunked {
        encode::field(out, "Transfer-Encoding", b"chunked");
    }
    out.extend_from_slice(b"\r\n");
    Ok(is_chunked)
}

/// RFC 9113 §8.2.2; `TE` may say `trailers` and nothing else, which `h2` sees to.
fn is_of_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade" | "http2-settings"
    )
}

/// The absolute form where there is an authority: the parser compares it with `Host`, and the scheme with that of the connection.
fn target(parts: &Parts) -> Result<Vec<u8>, Reason> {
    let uri = &parts.uri;
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    if parts.method == http::Method::CONNECT {
        return Ok(authority.into());
    }
    let path = uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    match (path, uri.scheme_str()) {
        ("*", _) => Ok(path.into()),
        // Anything else would become a part of the authority.
        _ if !path.starts_with('/') => Err(Reason::PROTOCOL_ERROR),
        (_, Some(scheme)) if !authority.is_empty() => Ok([scheme, "://", authority, path].concat().into()),
        _ => Ok(path.into()),
    }
}

/// The end of a chunked body, with the trailers that may travel.
pub(super) fn last_chunk(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) {
    let mut fields = Fields::new();
    for (name, value) in trailers.into_iter().flat_map(HeaderMap::iter) {
        fields.append(name.as_str(), value.as_bytes());
    }
    encode::last_chunk(out, &fields);
}

/// The head of an answer, as this program itself has written it.
pub(super) struct ResponseHead {
    pub response: http::Response<()>,
    pub framing: BodyFraming,
}

/// Takes a head from the front of an answer, once it is there as a whole. `None` inside: it is none that can be told on.
pub(super) fn take_response_head(bytes: &mut BytesMut, to_head: bool) -> Option<Option<ResponseHead>> {
    let mut slots = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let length = match parser.parse_response_with_uninit_headers(&mut parsed, bytes, &mut slots) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return None,
        Err(_) => return Some(None),
    };
    let status = parsed.code.and_then(|code| http::StatusCode::from_u16(code).ok());
    let base = bytes.as_ptr() as usize;
    let place = |part: &[u8]| {
        let start = part.as_ptr() as usize - base;
        // An empty value may lie anywhere.
        if part.is_empty() { 0..0 } else { start..start + part.len() }
    };
    let places = parsed.headers.iter().map(|field| (place(field.name.as_bytes()), place(field.value)));
    let places: Vec<_> = places.collect();
    let head = bytes.split_to(length).freeze();
    Some(status.and_then(|status| response_head(status, &head, places, to_head)))
}

fn response_head(
    status: http::StatusCode,
    head: &Bytes,
    places: Vec<(Range<usize>, Range<usize>)>,
    to_head: bool,
) -> Option<ResponseHead> {
    let mut response = http::Response::new(());
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.reserve(places.len());
    let mut framing = BodyFraming::Empty;
    for (name, value) in places {
        let (name, value) = (&head[name], head.slice(value));
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            framing = BodyFraming::Chunked;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            framing = BodyFraming::Length(std::str::from_utf8(&value).ok()?.parse().ok()?);
        }
        // RFC 9113 §8.2.2: they say nothing here, and a client must not believe in them.
        if !is_hop_by_hop(name) {
            // The value stays where it is.
            fields.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_maybe_shared(value).ok()?);
        }
    }
    let is_bodiless = to_head || status.is_informational() || matches!(status.as_u16(), 204 | 304);
    Some(ResponseHead { response, framing: if is_bodiless { BodyFraming::Empty } else { framing } })
}

/// The trailers of an answer, those that may travel.
pub(super) fn trailers(fields: &Fields) -> HeaderMap {
    let allowed = fields.iter().filter(|(name, _)| is_allowed_in_trailer(name));
    allowed
        .filter_map(|(name, value)| {
            Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
        })
        .collect()
}
