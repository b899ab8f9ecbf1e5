//! Heads of messages: where they end, and their fields in order with all duplicates.
//!
//! `request` and `response` build on it. The syntax is checked by `httparse`; what fields mean for framing is decided
//! in those two modules. It never joins, sorts or renames a field.

use std::fmt;

use super::bytes::WireBytes;

/// Why bytes are not HTTP/1.1, in words that fit after "malformed: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    pub(super) fn new(reason: impl Into<String>) -> Malformed {
        Malformed(reason.into())
    }
}

/// The minor version of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0: closes after each message unless told otherwise, knows no chunks.
    Http10,
    /// HTTP/1.1.
    Http11,
}

impl Version {
    pub(super) fn from_minor(minor: Option<u8>) -> Version {
        if minor == Some(0) { Version::Http10 } else { Version::Http11 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        })
    }
}

/// One field line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name as written.
    pub name: String,
    /// Its value without surrounding blanks.
    pub value: WireBytes,
}

impl Field {
    pub(super) fn from_parsed(parsed: &httparse::Header<'_>) -> Field {
        Field { name: parsed.name.to_owned(), value: WireBytes(trim(parsed.value).to_vec()) }
    }
}

/// All values of a field, in order. Names are compared without regard to case.
pub fn fields_named<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value.0.as_slice())
}

/// The first value of a field.
pub fn value_of<'a>(fields: &'a [Field], name: &str) -> Option<&'a [u8]> {
    fields_named(fields, name).next()
}

/// Whether a field whose value is a comma-separated list (RFC 9110 §5.6.1) holds this token, whatever its case.
pub fn has_token(fields: &[Field], name: &str, token: &str) -> bool {
    fields_named(fields, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .any(|element| trim(element).eq_ignore_ascii_case(token.as_bytes()))
}

/// The lines of a head without their ends, the start line first, up to the empty line.
pub fn lines_of(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    head.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .take_while(|line| !line.is_empty())
}

/// Name and value of a field line; `None` where it has no colon.
pub fn split_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    Some((&line[..colon], trim(&line[colon + 1..])))
}

/// Collects bytes until a head is complete.
#[derive(Debug)]
pub struct HeadReader {
    collected: Vec<u8>,
    limit: usize,
}

impl HeadReader {
    /// A reader of one head of at most `limit` bytes.
    pub fn new(limit: usize) -> HeadReader {
        HeadReader { collected: Vec::new(), limit }
    }

    /// What has been collected of a head that is not complete.
    pub fn collected(&self) -> &[u8] {
        &self.collected
    }

    /// Takes bytes from the front of `input` up to the empty line that ends the head; the head, once it is complete.
    ///
    /// # Errors
    /// When the head is longer than the limit.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
        while let Some(newline) = input.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = input.split_at(newline + 1);
            self.collected.extend_from_slice(line);
            *input = rest;
            self.check_length()?;
            // The line just taken is empty, and it is not the first: the head is complete.
            if self.collected.ends_with(b"\n\r\n") || self.collected.ends_with(b"\n\n") {
                return Ok(Some(std::mem::take(&mut self.collected)));
            }
        }
        self.collected.extend_from_slice(input);
        *input = &[];
        self.check_length()?;
        Ok(None)
    }

    fn check_length(&self) -> Result<(), Malformed> {
        if self.collected.len() > self.limit {
            return Err(Malformed::new(format!("the head is longer than {} bytes", self.limit)));
        }
        Ok(())
    }
}

/// Room for all fields that a head can have: one per line.
pub(super) fn room_for_fields(head: &[u8]) -> Vec<httparse::Header<'static>> {
    vec![httparse::EMPTY_HEADER; head.iter().filter(|&&byte| byte == b'\n').count()]
}

/// Content-Length of a message: the one number that all its fields agree on (RFC 9110 §8.6).
pub(super) fn content_length(fields: &[Field]) -> Result<Option<u64>, Malformed> {
    let mut length = None;
    for value in fields_named(fields, "Content-Length") {
        for element in value.split(|&byte| byte == b',').map(trim) {
            // `parse` alone would accept a plus sign.
            let number = Some(element)
                .filter(|element| !element.is_empty() && element.iter().all(u8::is_ascii_digit))
                .and_then(|element| std::str::from_utf8(element).ok()?.parse::<u64>().ok())
                .ok_or_else(|| Malformed::new(format!("Content-Length is {:?}", WireBytes::from(value))))?;
            if length.is_some_and(|length| length != number) {
                return Err(Malformed::new("the values of Content-Length differ"));
            }
            length = Some(number);
        }
    }
    Ok(length)
}

/// Without blanks and tabs on either side.
pub(super) fn trim(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    &value[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_complete_at_its_empty_line_however_it_is_cut() {
        let message = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        for cut in 0..message.len() {
            let mut reader = HeadReader::new(100);
            let (mut first, mut second) = message.split_at(cut);
            let head = match reader.next(&mut first).unwrap() {
                Some(head) => head,
                None => reader.next(&mut second).unwrap().unwrap(),
            };
            assert_eq!(head, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "cut at {cut}");
        }
        assert!(HeadReader::new(10).next(&mut &message[..]).is_err());
    }

    #[test]
    fn lengths_must_be_digits_and_agree() {
        let field = |value: &str| Field { name: "content-length".into(), value: value.as_bytes().into() };
        assert_eq!(content_length(&[field("5")]), Ok(Some(5)));
        assert_eq!(content_length(&[field("5, 5"), field("5")]), Ok(Some(5)));
        for wrong in ["+5", "", "-1", "0x5", "5 5", "99999999999999999999999"] {
            assert!(content_length(&[field(wrong)]).is_err(), "{wrong:?}");
        }
        assert!(content_length(&[field("5"), field("6")]).is_err());
    }

    #[test]
    fn tokens_are_found_in_lists_whatever_their_case() {
        let fields = [Field { name: "Connection".into(), value: b"TE,  Close"[..].into() }];
        assert!(has_token(&fields, "connection", "close"));
        assert!(!has_token(&fields, "connection", "keep-alive"));
    }
}
