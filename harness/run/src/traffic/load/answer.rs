//! Reads an answer at little cost: what is plain by a short path, everything else by the judge's careful reader.
//!
//! The connection pushes bytes as they come. Plain is a 200 with one `Content-Length`; interim answers, chunks, bodies that
//! end with the connection and whatever is odd take the careful path with the same bytes. It never reads a socket.

use std::mem::MaybeUninit;

use fake_backends::wire::{Ending, ResponseEvent, ResponseReader};

use super::proof::Proof;

/// The longest response head that is read.
const HEAD_LIMIT: usize = 256 << 10;
/// Fields of a head that is plain.
const MOST_FIELDS: usize = 64;

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// More must come.
    Incomplete,
    /// It is complete, and this many bytes were left over.
    Complete { extra: usize },
    /// It is not HTTP.
    Malformed(String),
}

/// An answer as far as it has come.
#[derive(Debug)]
pub(super) struct Answer {
    path: Path,
    /// The head of the final answer as received.
    pub(super) head: Vec<u8>,
    /// Its status; zero before its head is complete.
    pub(super) status: u16,
    /// Whether the connection may be used again.
    pub(super) keep: bool,
    to_head: bool,
}

#[derive(Debug)]
enum Path {
    Head,
    Plain { left: u64 },
    Careful(Box<ResponseReader>),
}

impl Default for Answer {
    fn default() -> Answer {
        Answer { path: Path::Head, head: Vec::new(), status: 0, keep: false, to_head: false }
    }
}

impl Answer {
    /// Makes it ready for the answer to the next request.
    pub(super) fn reset(&mut self, to_head: bool) {
        self.path = Path::Head;
        self.head.clear();
        (self.status, self.keep, self.to_head) = (0, false, to_head);
    }

    /// Takes bytes; those of the body go to `proof`.
    pub(super) fn push(&mut self, bytes: &[u8], proof: &mut Proof) -> Reading {
        match &mut self.path {
            Path::Head => self.head_part(bytes, proof),
            Path::Plain { left } => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= count as u64;
                let done = *left == 0;
                proof.push(&bytes[..count]);
                if done { Reading::Complete { extra: bytes.len() - count } } else { Reading::Incomplete }
            }
            Path::Careful(_) => self.careful(bytes, proof),
        }
    }

    /// Whether a byte of it has come.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.path, Path::Head) || !self.head.is_empty()
    }

    /// What the end of the stream means.
    pub(super) fn end(&mut self) -> Ending {
        match &mut self.path {
            Path::Head if self.head.is_empty() => Ending::Nothing,
            Path::Head => Ending::InHead { received: self.head.len() as u64 },
            Path::Plain { left } => Ending::InBody { received: 0, announced: Some(*left) },
            Path::Careful(reader) => reader.end(),
        }
    }

    fn head_part(&mut self, bytes: &[u8], proof: &mut Proof) -> Reading {
        // Mostly the whole head comes at once, and is parsed where it lies.
        let before = self.head.len();
        let parsed = if before == 0 {
            plain(bytes, self.to_head)
        } else {
            self.head.extend_from_slice(bytes);
            plain(&self.head, self.to_head)
        };
        match parsed {
            Parsed::Plain { end, length, keep } => {
                if before == 0 {
                    self.head.extend_from_slice(&bytes[..end]);
                } else {
                    self.head.truncate(end);
                }
                (self.status, self.keep) = (200, keep);
                self.path = Path::Plain { left: length };
                self.push(&bytes[end - before..], proof)
            }
            Parsed::Partial => {
                if before == 0 {
                    self.head.extend_from_slice(bytes);
                }
                if self.head.len() <= HEAD_LIMIT {
                    Reading::Incomplete
                } else {
                    Reading::Malformed("an endless head".into())
                }
            }
            Parsed::Odd => {
                let all = if before == 0 { bytes.to_vec() } else { std::mem::take(&mut self.head) };
                self.head.clear();
                self.path = Path::Careful(Box::new(ResponseReader::new(HEAD_LIMIT, self.to_head)));
                self.careful(&all, proof)
            }
        }
    }

    fn careful(&mut self, bytes: &[u8], proof: &mut Proof) -> Reading {
        let Path::Careful(reader) = &mut self.path else { return Reading::Incomplete };
        let mut input = bytes;
        loop {
            match reader.next(&mut input) {
                Ok(None) => return Reading::Incomplete,
                Ok(Some(ResponseEvent::Head(head))) => {
                    (self.status, self.keep) = (head.status, head.keeps_alive());
                    self.head = head.raw.0;
                }
                Ok(Some(ResponseEvent::Body(data))) => proof.push(data),
                Ok(Some(ResponseEvent::Informational(_) | ResponseEvent::Trailers(_))) => {}
                Ok(Some(ResponseEvent::Complete)) => return Reading::Complete { extra: input.len() },
                Err(problem) => return Reading::Malformed(problem.to_string()),
            }
        }
    }
}

enum Parsed {
    Plain { end: usize, length: u64, keep: bool },
    Partial,
    Odd,
}

fn plain(bytes: &[u8], to_head: bool) -> Parsed {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let end = match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Parsed::Partial,
        Err(_) => return Parsed::Odd,
    };
    if to_head || response.code != Some(200) || response.version != Some(1) {
        return Parsed::Odd;
    }
    let (mut length, mut keep) = (None, true);
    for field in response.headers.iter() {
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            let digits = !field.value.is_empty() && field.value.iter().all(u8::is_ascii_digit);
            let value = std::str::from_utf8(field.value).ok().filter(|_| digits);
            match (length, value.and_then(|value| value.parse::<u64>().ok())) {
                (None, Some(value)) => length = Some(value),
                _ => return Parsed::Odd,
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Parsed::Odd;
        } else if name.eq_ignore_ascii_case("connection") {
            keep &= !field.value.to_ascii_lowercase().windows(5).any(|part| part == b"close");
        }
    }
    length.map_or(Parsed::Odd, |length| Parsed::Plain { end, length, keep })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], step: usize, to_head: bool) -> (Answer, Vec<u8>, Reading) {
        let (mut answer, mut proof) = (Answer::default(), Proof::default());
        answer.reset(to_head);
        let mut last = Reading::Incomplete;
        for piece in bytes.chunks(step) {
            last = answer.push(piece, &mut proof);
            if last != Reading::Incomplete {
                break;
            }
        }
        (answer, proof.kept().to_vec(), last)
    }

    #[test]
    fn both_paths_read_the_same_however_bytes_are_cut() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello".as_slice();
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
                .as_slice();
        let interim = b"HTTP/1.1 103 Hm\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".as_slice();
        for bytes in [plain, chunked, interim] {
            for step in [1, 7, 1000] {
                let (answer, body, reading) = read(bytes, step, false);
                assert_eq!(reading, Reading::Complete { extra: 0 }, "{step}");
                assert_eq!((answer.status, answer.keep, body.as_slice()), (200, true, b"hello".as_slice()));
                assert!(answer.head.starts_with(b"HTTP/1.1 200") && answer.head.ends_with(b"\r\n\r\n"));
            }
        }
    }

    #[test]
    fn an_end_is_told_from_a_cut() {
        let (mut answer, _, _) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 1000, false);
        assert!(matches!(answer.end(), Ending::InBody { .. }));
        let (mut answer, _, _) = read(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel", 1000, false);
        assert_eq!(answer.end(), Ending::Complete);
        let (mut answer, _, _) = read(b"HTTP/1.1 2", 1000, false);
        assert!(matches!(answer.end(), Ending::InHead { .. }));
        assert_eq!(Answer::default().end(), Ending::Nothing);
    }

    #[test]
    fn odd_things_are_seen() {
        assert_eq!(
            read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 99, false).2,
            Reading::Complete { extra: 1 }
        );
        assert!(matches!(
            read(b"hello, world, I am no web server\r\n\r\n", 99, false).2,
            Reading::Malformed(_)
        ));
        let (answer, _, reading) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 99, true);
        assert_eq!((reading, answer.status), (Reading::Complete { extra: 0 }, 200));
        let (answer, _, _) =
            read(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", 99, false);
        assert!(!answer.keep);
        let (answer, _, reading) = read(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 99, false);
        assert_eq!((reading, answer.status), (Reading::Complete { extra: 0 }, 404));
    }
}
