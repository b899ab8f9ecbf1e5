//! The form of one line.
//!
//! `ExchangeLog` appends lines to a batch through it. It stands on the path of every request, so that it
//! formats by hand into a buffer that is used again; and nothing that a client sent can break a line or
//! move a cursor: control characters are escaped.

use std::cell::Cell;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::http::{Version, date, encode};

/// What is told of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Who asked.
    pub client: SocketAddr,
    /// The method as it was sent, or `-` when no request could be read.
    pub method: &'a str,
    /// The target as it was sent.
    pub target: &'a [u8],
    /// The version of the request.
    pub version: Version,
    /// The status of the response; 499 when the client left before there was one.
    pub status: u16,
    /// The backend that answered, or was tried last; none for hits.
    pub backend: Option<&'a str>,
    /// How many backends were tried.
    pub attempts: u32,
    /// What the cache did.
    pub cache: &'a str,
    /// Content bytes of the request.
    pub request_bytes: u64,
    /// Content bytes of the response.
    pub response_bytes: u64,
    /// From the complete head of the request until the last bytes are handed over.
    pub duration: Duration,
    /// From the complete head of the request until the head of the backend's response.
    pub first_byte: Option<Duration>,
}

/// For people: `TIME CLIENT "REQUEST LINE" STATUS backend=… cache=… in=… out=… time=… first-byte=… attempts=…`
pub(super) fn text(out: &mut Vec<u8>, exchange: &Exchange<'_>, now: Timestamp) {
    out.reserve(192 + exchange.target.len());
    time(out, now);
    out.push(b' ');
    address(out, exchange.client);
    out.extend_from_slice(b" \"");
    escape(out, exchange.method.as_bytes(), hex_escape);
    out.push(b' ');
    escape(out, exchange.target, hex_escape);
    out.push(b' ');
    out.extend_from_slice(exchange.version.as_str().as_bytes());
    out.extend_from_slice(b"\" ");
    encode::decimal(out, u64::from(exchange.status));
    out.extend_from_slice(b" backend=");
    out.extend_from_slice(exchange.backend.unwrap_or("-").as_bytes());
    out.extend_from_slice(b" cache=");
    out.extend_from_slice(exchange.cache.as_bytes());
    out.extend_from_slice(b" in=");
    encode::decimal(out, exchange.request_bytes);
    out.extend_from_slice(b" out=");
    encode::decimal(out, exchange.response_bytes);
    out.extend_from_slice(b" time=");
    seconds(out, exchange.duration);
    out.push(b's');
    if let Some(first_byte) = exchange.first_byte {
        out.extend_from_slice(b" first-byte=");
        seconds(out, first_byte);
        out.push(b's');
    }
    out.extend_from_slice(b" attempts=");
    encode::decimal(out, u64::from(exchange.attempts));
    out.push(b'\n');
}

/// For programs: one JSON object a line. Bytes that are no ASCII appear as the code point of the same
/// number, so that the line is valid whatever a client sent.
pub(super) fn json(out: &mut Vec<u8>, exchange: &Exchange<'_>, now: Timestamp) {
    out.reserve(256 + exchange.target.len());
    out.extend_from_slice(b"{\"time\":\"");
    time(out, now);
    out.extend_from_slice(b"\",\"client\":\"");
    address(out, exchange.client);
    out.extend_from_slice(b"\",\"method\":\"");
    escape(out, exchange.method.as_bytes(), unicode_escape);
    out.extend_from_slice(b"\",\"target\":\"");
    escape(out, exchange.target, unicode_escape);
    out.extend_from_slice(b"\",\"version\":\"");
    out.extend_from_slice(exchange.version.as_str().as_bytes());
    out.extend_from_slice(b"\",\"status\":");
    encode::decimal(out, u64::from(exchange.status));
    out.extend_from_slice(b",\"backend\":");
    match exchange.backend {
        Some(backend) => {
            out.push(b'"');
            escape(out, backend.as_bytes(), unicode_escape);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"cache\":\"");
    escape(out, exchange.cache.as_bytes(), unicode_escape);
    out.extend_from_slice(b"\",\"request_bytes\":");
    encode::decimal(out, exchange.request_bytes);
    out.extend_from_slice(b",\"response_bytes\":");
    encode::decimal(out, exchange.response_bytes);
    out.extend_from_slice(b",\"seconds\":");
    seconds(out, exchange.duration);
    if let Some(first_byte) = exchange.first_byte {
        out.extend_from_slice(b",\"first_byte_seconds\":");
        seconds(out, first_byte);
    }
    out.extend_from_slice(b",\"attempts\":");
    encode::decimal(out, u64::from(exchange.attempts));
    out.extend_from_slice(b"}\n");
}

/// RFC 3339 in UTC with milliseconds; all but the milliseconds is made once a second and thread.
fn time(out: &mut Vec<u8>, now: Timestamp) {
    thread_local! {
        static LAST: Cell<(i64, [u8; 20])> = const { Cell::new((i64::MIN, [0; 20])) };
    }
    let second = now.seconds();
    let (known, mut text) = LAST.get();
    if known != second {
        text = *b"0000-00-00T00:00:00.";
        let (year, month, day) = date::civil_from_days(second.div_euclid(86_400));
        let of_day = second.rem_euclid(86_400);
        two_digits(&mut text[0..2], year / 100);
        two_digits(&mut text[2..4], year % 100);
        two_digits(&mut text[5..7], month);
        two_digits(&mut text[8..10], day);
        two_digits(&mut text[11..13], of_day / 3600);
        two_digits(&mut text[14..16], of_day / 60 % 60);
        two_digits(&mut text[17..19], of_day % 60);
        LAST.set((second, text));
    }
    out.extend_from_slice(&text);
    let millis = now.millis().rem_euclid(1000);
    out.push(b'0' + (millis / 100) as u8);
    let mut rest = [0; 2];
    two_digits(&mut rest, millis % 100);
    out.extend_from_slice(&rest);
    out.push(b'Z');
}

fn two_digits(place: &mut [u8], value: i64) {
    place[0] = b'0' + (value / 10 % 10) as u8;
    place[1] = b'0' + (value % 10) as u8;
}

fn address(out: &mut Vec<u8>, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            encode::address(out, IpAddr::V4(*address.ip()));
            out.push(b':');
            encode::decimal(out, u64::from(address.port()));
        }
        // With its scope. Writing to a vector cannot fail.
        SocketAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Seconds with six decimals.
fn seconds(out: &mut Vec<u8>, duration: Duration) {
    encode::decimal(out, duration.as_secs());
    let micros = i64::from(duration.subsec_micros());
    let mut text = *b".000000";
    two_digits(&mut text[1..3], micros / 10_000);
    two_digits(&mut text[3..5], micros / 100 % 100);
    two_digits(&mut text[5..7], micros % 100);
    out.extend_from_slice(&text);
}

/// Copies text; quotes, backslashes, controls and what is no ASCII go through `replace`.
fn escape(out: &mut Vec<u8>, text: &[u8], replace: fn(&mut Vec<u8>, u8)) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.iter().all(is_plain) {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        if is_plain(byte) { out.push(*byte) } else { replace(out, *byte) }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn hex_escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

fn unicode_escape(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_042);

    fn sample(target: &[u8]) -> Exchange<'_> {
        Exchange {
            client: "192.0.2.7:54321".parse().unwrap(),
            method: "GET",
            target,
            version: Version::Http11,
            status: 503,
            backend: None,
            attempts: 2,
            cache: "bypass",
            request_bytes: 7,
            response_bytes: 1_234_567,
            duration: Duration::from_micros(2_000_042),
            first_byte: None,
        }
    }

    fn written(form: fn(&mut Vec<u8>, &Exchange<'_>, Timestamp), exchange: &Exchange<'_>) -> String {
        let mut out = Vec::new();
        form(&mut out, exchange, NOW);
        String::from_utf8(out).expect("a line is ASCII")
    }

    #[test]
    fn the_text_form_tells_request_and_response() {
        assert_eq!(
            written(text, &sample(b"/a?b=c")),
            "1994-11-06T08:49:37.042Z 192.0.2.7:54321 \"GET /a?b=c HTTP/1.1\" 503 backend=- cache=bypass \
             in=7 out=1234567 time=2.000042s attempts=2\n"
        );
    }

    #[test]
    fn the_json_form_is_json() {
        let exchange = Exchange { first_byte: Some(Duration::from_millis(3)), ..sample(b"/\x1b[31m\"\xff") };
        let line = written(json, &exchange);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["target"], "/\u{1b}[31m\"\u{ff}");
        assert_eq!((&value["status"], &value["backend"]), (&503.into(), &serde_json::Value::Null));
        assert_eq!(value["first_byte_seconds"], 0.003);
    }

    #[test]
    fn an_address_of_the_newer_kind_is_written_in_brackets() {
        let exchange = Exchange { client: "[2001:db8::1]:80".parse().unwrap(), ..sample(b"/") };
        assert!(written(text, &exchange).contains(" [2001:db8::1]:80 "));
    }

    proptest! {
        #[test]
        fn no_target_breaks_a_line(target in proptest::collection::vec(any::<u8>(), 0..60)) {
            for form in [text as fn(&mut Vec<u8>, &Exchange<'_>, Timestamp), json] {
                let line = written(form, &sample(&target));
                prop_assert!(line.ends_with('\n'));
                prop_assert!(line[..line.len() - 1].bytes().all(|byte| (b' '..=b'~').contains(&byte)));
            }
            let line = written(json, &sample(&target));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        }
    }
}
