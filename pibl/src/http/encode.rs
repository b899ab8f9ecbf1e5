//! Heads and chunk framing to bytes.
//!
//! `exchange` writes requests to backends and responses to clients with it, always appending to a
//! buffer that it owns. It never decides which fields are sent: what is in the list is written.

use std::io::Write as _;
use std::net::IpAddr;

use super::fields::Fields;
use super::hop_by_hop::is_allowed_in_trailer;

/// The end of a chunked body without trailers (RFC 9112 §7.1).
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes a request line in HTTP/1.1 (RFC 9112 §3).
pub fn request_line(out: &mut Vec<u8>, method: &str, target: &[u8]) {
    out.reserve(method.len() + target.len() + 12);
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target);
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// Writes a status line in HTTP/1.1, the version of the sender (RFC 9112 §4).
pub fn status_line(out: &mut Vec<u8>, status: u16, reason: &[u8]) {
    if status == 200 && reason == b"OK" {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(out, u64::from(status));
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// Writes one field line.
pub fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    raw_field(out, name.as_bytes(), value);
}

/// Writes one field line whose name came from a message.
pub fn raw_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes one field line whose value is a number.
pub fn number_field(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    decimal(out, value);
    out.extend_from_slice(b"\r\n");
}

/// Writes every field in order.
pub fn fields(out: &mut Vec<u8>, fields: &Fields) {
    for (name, value) in fields.iter() {
        raw_field(out, name, value);
    }
}

/// Writes the line that opens a chunk of this many bytes; `\r\n` has to follow the content.
pub fn chunk_size(out: &mut Vec<u8>, size: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    let mut start = text.len();
    let mut rest = size;
    loop {
        start -= 1;
        text[start] = DIGITS[rest & 15];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[start..]);
    out.extend_from_slice(b"\r\n");
}

/// Writes the last chunk with those trailer fields that may travel (RFC 9110 §6.5.1).
pub fn last_chunk(out: &mut Vec<u8>, trailers: &Fields) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.iter().filter(|(name, _)| is_allowed_in_trailer(name)) {
        raw_field(out, name, value);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes an IP address; IPv6 in its usual short form, without brackets.
pub fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        // The usual case, ten times faster than the formatting machinery.
        IpAddr::V4(address) => {
            let mut text = [b'.'; 15];
            let mut length = 0;
            for (index, octet) in address.octets().into_iter().enumerate() {
                length += usize::from(index > 0);
                for (unit, is_written) in [(100, octet > 99), (10, octet > 9), (1, true)] {
                    if is_written {
                        text[length] = b'0' + octet / unit % 10;
                        length += 1;
                    }
                }
            }
            out.extend_from_slice(&text[..length]);
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Writes a number in decimal digits.
pub fn decimal(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{BodyDecoder, BodyFraming, HeadLimits, RequestHead, ResponseHead, parse};

    #[test]
    fn addresses_read_as_they_are_usually_written() {
        for text in ["192.0.2.7", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "fe80::1:0:0:a"] {
            let mut out = Vec::new();
            address(&mut out, text.parse().unwrap());
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn what_is_encoded_parses_back() {
        let list: Fields = [("Host", "a"), ("X-Empty", ""), ("X", "1")].into_iter().collect();
        let mut out = Vec::new();
        request_line(&mut out, "PUT", b"/x?y");
        fields(&mut out, &list);
        number_field(&mut out, "Content-Length", 1234567890);
        out.extend_from_slice(b"\r\n");
        let mut head = RequestHead::default();
        let received = parse::request_head(&out, &HeadLimits::default(), &mut head).unwrap().unwrap();
        assert_eq!(received.framing, BodyFraming::Length(1_234_567_890));
        assert_eq!(head.fields.len(), 4);

        let mut out = Vec::new();
        status_line(&mut out, 404, b"Not Found");
        fields(&mut out, &list);
        out.extend_from_slice(b"\r\n");
        let mut head = ResponseHead::default();
        parse::response_head(&out, &HeadLimits::default(), false, &mut head).unwrap().unwrap();
        assert_eq!((head.status, head.fields == list), (404, true));
    }

    #[test]
    fn chunks_of_every_size_decode_to_their_content() {
        for size in [1, 15, 16, 255, 4096, 70_000] {
            let mut out = Vec::new();
            chunk_size(&mut out, size);
            out.resize(out.len() + size, b'x');
            out.extend_from_slice(b"\r\n");
            last_chunk(&mut out, &[("A", "b"), ("Content-Length", "3")].into_iter().collect());
            let mut decoder = BodyDecoder::new(BodyFraming::Chunked);
            let decoded = decoder.decode(&out).unwrap();
            assert_eq!(decoded.content.len(), size);
            decoder.decode(&out[decoded.consumed..]).unwrap();
            assert!(decoder.is_done());
            assert_eq!(decoder.trailers().len(), 1);
        }
    }
}
