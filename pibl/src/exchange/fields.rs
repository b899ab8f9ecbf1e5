//! The fields that a proxy adds, replaces and takes away, both ways.
//!
//! `forward` writes request heads through this module, `relay` and `answer` response heads. It never
//! believes what a client says about its own address, unless the client is a trusted proxy.

use std::net::{IpAddr, SocketAddr};

use crate::clock;
use crate::http::encode;
use crate::http::{BodyFraming, Fields, RequestHead, ResponseHead, Version};

/// The name under which this proxy appears in `Via` and `Cache-Status`.
pub(super) const PSEUDONYM: &str = "pibl";

/// How the end of a response is made visible to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// There is no body: HEAD, 204, 304 (RFC 9112 §6.3).
    Bodiless,
    /// `Content-Length` says it.
    Length,
    /// Chunks say it.
    Chunked,
    /// The close of the connection says it: HTTP/1.0 clients, and bodies of unknown length.
    Close,
}

/// Writes the head of a request for a backend, with these fields, which have been stripped of all that does not travel,
/// in the place of its own.
pub(super) fn encode_request(
    out: &mut Vec<u8>,
    (head, fields): (&RequestHead, &Fields),
    framing: BodyFraming,
    wishes: &Wishes<'_>,
    peer: SocketAddr,
    is_trusted: bool,
) {
    out.clear();
    encode::request_line(out, head.method.as_str(), &head.target);
    for (name, value) in fields.iter() {
        encode::raw_field(out, name, value);
    }
    match framing {
        // The length stands among the fields already.
        BodyFraming::Empty | BodyFraming::Length(_) | BodyFraming::UntilClose => {}
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    if let Some(protocols) = wishes.upgrade {
        out.extend_from_slice(b"Connection: upgrade\r\n");
        encode::field(out, "Upgrade", protocols);
    } else if wishes.trailers {
        // RFC 9110 §10.1.4: TE is for this connection, so Connection names it.
        out.extend_from_slice(b"Connection: TE\r\nTE: trailers\r\n");
    }
    add_own_via(out, head.version);
    add_forwarded(out, head, peer.ip(), is_trusted);
    out.extend_from_slice(b"\r\n");
}

/// What the client asked of the connection, and what is asked of the backend's in turn.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes<'a> {
    /// The protocols that the client would like to switch to.
    pub upgrade: Option<&'a [u8]>,
    /// Whether the client understands trailers (RFC 9110 §10.1.4).
    pub trailers: bool,
}

/// Writes the head of a response for the client, without the empty line: the caller adds its own fields.
pub(super) fn encode_response(out: &mut Vec<u8>, head: &ResponseHead, delivery: Delivery, date: &[u8]) {
    encode::status_line(out, head.status, &head.reason);
    let drop_length = matches!(delivery, Delivery::Chunked | Delivery::Close) || head.status == 204;
    let mut has_date = false;
    for (name, value) in head.fields.iter() {
        match name.len() {
            // RFC 9110 §8.6: no length in a 204, nor beside another framing.
            14 if drop_length && name.eq_ignore_ascii_case(b"content-length") => continue,
            4 => has_date |= name.eq_ignore_ascii_case(b"date"),
            _ => {}
        }
        encode::raw_field(out, name, value);
    }
    if !has_date {
        // RFC 9110 §6.6.1: a recipient with a clock adds what the origin left out.
        encode::field(out, "Date", date);
    }
    add_via(out, head.version);
}

/// Writes what frames the body and says whether the connection persists, and the empty line.
pub(super) fn finish_head(out: &mut Vec<u8>, delivery: Delivery, persistent: bool, version: Version) {
    if delivery == Delivery::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    match (persistent, version) {
        (false, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (true, Version::Http10) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        (true, Version::Http11 | Version::Http2) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether `TE` lists trailers (RFC 9110 §10.1.4).
pub(super) fn accepts_trailers(fields: &Fields) -> bool {
    fields.list("te").any(|element| element.eq_ignore_ascii_case(b"trailers"))
}

/// Whether a backend may take the connection itself for the client from now on: these two schemes sign in the connection
/// on which they are spoken, and whoever comes next on it would be that client (RFC 4559 §6).
pub(super) fn signs_in_connection(request: &Fields, response: &ResponseHead) -> bool {
    let is_of_connection = |value: &[u8]| {
        [&b"ntlm"[..], b"negotiate"]
            .iter()
            .any(|scheme| value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
    };
    request.get("authorization").is_some_and(is_of_connection)
        || (response.status == 401 && response.fields.list("www-authenticate").any(is_of_connection))
}

/// RFC 9110 §7.6.3, with the version that was received.
pub(super) fn add_via(out: &mut Vec<u8>, received: Version) {
    out.extend_from_slice(match received {
        Version::Http2 => b"Via: 2 ",
        Version::Http11 => b"Via: 1.1 ",
        Version::Http10 => b"Via: 1.0 ",
    });
    out.extend_from_slice(PSEUDONYM.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The same for requests, with a comment that no other process writes: it tells this proxy from others of its kind in
/// front of it or behind.
fn add_own_via(out: &mut Vec<u8>, received: Version) {
    add_via(out, received);
    out.truncate(out.len() - 2);
    out.extend_from_slice(own_comment());
    out.extend_from_slice(b"\r\n");
}

/// Whether a request has been sent by this process before (RFC 9110 §7.6.3): a loop that would not end.
pub(super) fn has_passed_here(fields: &Fields) -> bool {
    let own = own_comment();
    fields.get_all("via").any(|via| via.windows(own.len()).any(|part| part == own))
}

/// ` (` eight digits `)`, drawn once.
fn own_comment() -> &'static [u8] {
    static COMMENT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let draw = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), clock::monotonic()) as u32;
    COMMENT.get_or_init(|| format!(" ({:08x})", draw())).as_bytes()
}

/// RFC 7239 and the older names of the same facts; after those of a trusted proxy, instead of any other.
fn add_forwarded(out: &mut Vec<u8>, head: &RequestHead, peer: IpAddr, is_trusted: bool) {
    let peer = peer.to_canonical();
    out.extend_from_slice(b"X-Forwarded-For: ");
    encode::address(out, peer);
    out.extend_from_slice(b"\r\n");
    let host = head.fields.get("host");
    if !is_trusted || !head.fields.contains("x-forwarded-proto") {
        encode::field(out, "X-Forwarded-Proto", head.scheme.as_str().as_bytes());
    }
    if let Some(host) = host.filter(|_| !is_trusted || !head.fields.contains("x-forwarded-host")) {
        encode::field(out, "X-Forwarded-Host", host);
    }
    out.extend_from_slice(b"Forwarded: for=");
    // RFC 7239 §6: an IPv6 address stands in brackets, and these in quotes.
    let (opening, closing): (&[u8], &[u8]) = if peer.is_ipv6() { (b"\"[", b"]\"") } else { (b"", b"") };
    out.extend_from_slice(opening);
    encode::address(out, peer);
    out.extend_from_slice(closing);
    if let Some(host) = host {
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(host);
        out.push(b'"');
    }
    for part in [";proto=", head.scheme.as_str(), "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Scheme, hop_by_hop};

    fn sent(fields: &[(&str, &str)], is_trusted: bool) -> String {
        let mut head = RequestHead::new(Method::Get, "/x");
        head.fields = fields.iter().copied().collect();
        hop_by_hop::strip_request(&mut head.fields, is_trusted);
        let mut out = Vec::new();
        let peer = "192.0.2.7:1234".parse().unwrap();
        encode_request(
            &mut out,
            (&head, &head.fields),
            BodyFraming::Empty,
            &Wishes::default(),
            peer,
            is_trusted,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_client_cannot_lie_about_its_address() {
        let text =
            sent(&[("Host", "a"), ("X-Forwarded-For", "1.1.1.1"), ("forwarded", "for=1.1.1.1")], false);
        let text = text.replace(std::str::from_utf8(own_comment()).unwrap(), "");
        assert_eq!(
            text,
            "GET /x HTTP/1.1\r\nHost: a\r\nVia: 1.1 pibl\r\nX-Forwarded-For: 192.0.2.7\r\n\
             X-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n\
             Forwarded: for=192.0.2.7;host=\"a\";proto=http\r\n\r\n"
        );
    }

    #[test]
    fn nor_in_the_spelling_of_cgi_or_with_the_names_of_others() {
        for name in [
            "X_Forwarded_For",
            "x_forwarded-host",
            "X-Real-IP",
            "X_Real_IP",
            "X-Client-IP",
            "True-Client-IP",
            "Client-IP",
            "X_Cluster_Client_IP",
            "Fastly-Client-IP",
            "CF-Connecting-IP",
            "X-Originating-IP",
            "X-Forwarded",
            "X-Forwarded-",
            "Forwarded-For",
            "Content_Length",
            "Transfer_Encoding",
            "Proxy_Authorization",
            "Keep_Alive",
        ] {
            let text = sent(&[("Host", "a"), (name, "9")], false);
            assert!(!text.contains(&format!("{name}: 9")), "{name}");
        }
        for name in ["X_Own", "Content_Type", "X-Forward", "MyClient-IP"] {
            assert!(sent(&[("Host", "a"), (name, "9")], false).contains(&format!("{name}: 9")), "{name}");
        }
    }

    #[test]
    fn the_backend_learns_over_what_the_client_has_asked() {
        let mut head = RequestHead::new(Method::Get, "/x");
        (head.scheme, head.version) = (Scheme::Https, Version::Http2);
        head.fields.append("Host", "a");
        let mut out = Vec::new();
        let peer = "192.0.2.7:1234".parse().unwrap();
        encode_request(&mut out, (&head, &head.fields), BodyFraming::Empty, &Wishes::default(), peer, false);
        let text = String::from_utf8(out).unwrap();
        for part in [
            "GET /x HTTP/1.1\r\n",
            "Via: 2 pibl",
            "X-Forwarded-Proto: https\r\n",
            "Forwarded: for=192.0.2.7;host=\"a\";proto=https\r\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_continued() {
        let text =
            sent(&[("Host", "a"), ("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https")], true);
        assert!(
            text.contains("X-Forwarded-For: 1.1.1.1\r\n") && text.contains("X-Forwarded-For: 192.0.2.7\r\n")
        );
        assert_eq!(text.matches("X-Forwarded-Proto").count(), 1);
    }

    #[test]
    fn a_response_gets_a_date_and_loses_a_length_that_does_not_fit() {
        let mut head = ResponseHead::new(200);
        head.fields.append("content-length", "3");
        let mut out = Vec::new();
        encode_response(&mut out, &head, Delivery::Chunked, b"Thu, 01 Jan 1970 00:00:00 GMT");
        finish_head(&mut out, Delivery::Chunked, false, Version::Http11);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nVia: 1.1 pibl\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        );
    }
}
