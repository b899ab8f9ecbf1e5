//! Where a body ends: the framing of RFC 9112 §6 and §7 as a state machine over bytes.
//!
//! `exchange` drives one decoder per message with whatever the socket gave. It holds no body bytes
//! and reads nothing itself, so a body of any size passes in constant memory.

use std::ops::Range;

use super::fields::Fields;
use super::parse;
use super::refusal::Refusal;

/// How the end of a body is known (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// No body at all.
    Empty,
    /// Exactly this many bytes follow.
    Length(u64),
    /// Chunks follow, then a trailer section.
    Chunked,
    /// Everything until the backend closes; only responses can have this.
    UntilClose,
}

/// What the decoder made of some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// How many bytes of the input are done with.
    pub consumed: usize,
    /// Where in the input content lies; empty when there was only framing.
    pub content: Range<usize>,
}

/// Finds content and end of one body.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    /// Bytes of chunk extensions seen so far; they are ignored, so they must be few.
    extension_bytes: usize,
    trailers: Fields,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    ChunkSize,
    ChunkContent(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// The longest line with a chunk size that is accepted; a size needs sixteen bytes.
const MAX_CHUNK_LINE: usize = 256;
/// All extensions of one message together; nobody sends any, except to exhaust a server.
const MAX_EXTENSION_BYTES: usize = 4096;
/// The longest trailer section.
const MAX_TRAILER_BYTES: usize = 8192;

impl BodyDecoder {
    /// A decoder for a body framed like this.
    pub fn new(framing: BodyFraming) -> Self {
        let state = match framing {
            BodyFraming::Empty | BodyFraming::Length(0) => State::Done,
            BodyFraming::Length(length) => State::Length(length),
            BodyFraming::Chunked => State::ChunkSize,
            BodyFraming::UntilClose => State::UntilClose,
        };
        Self { state, extension_bytes: 0, trailers: Fields::new() }
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// What remains of a body whose length is known.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(remaining) => Some(remaining),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// The trailer fields of a chunked body, once it is done.
    pub fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Counts content that was moved without passing through [`BodyDecoder::decode`].
    pub fn skip(&mut self, length: u64) {
        if let State::Length(remaining) = &mut self.state {
            *remaining = remaining.saturating_sub(length);
            if *remaining == 0 {
                self.state = State::Done;
            }
        }
    }

    /// Says that the sender closed. `true` when that is the proper end of this body, `false` when the
    /// body is truncated (RFC 9112 §8).
    pub fn finish_at_close(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Done;
        }
        self.is_done()
    }

    /// Looks at the next bytes. When nothing was consumed, more bytes are needed.
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, Refusal> {
        let mut position = 0;
        loop {
            let rest = &input[position..];
            match &mut self.state {
                State::Done => return Ok(Decoded { consumed: position, content: position..position }),
                State::UntilClose => {
                    return Ok(Decoded { consumed: input.len(), content: position..input.len() });
                }
                State::Length(remaining) => {
                    let length = rest.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                    self.skip(length as u64);
                    let end = position + length;
                    return Ok(Decoded { consumed: end, content: position..end });
                }
                State::ChunkContent(remaining) => {
                    let length = rest.len().min(usize::try_from(*remaining).unwrap_or(usize::MAX));
                    *remaining -= length as u64;
                    let start = position;
                    position += length;
                    if *remaining == 0 {
                        self.state = State::ChunkEnd;
                        // The end of the chunk is consumed together with it where it is here already.
                        if input[position..].starts_with(b"\r\n") {
                            self.state = State::ChunkSize;
                            return Ok(Decoded { consumed: position + 2, content: start..position });
                        }
                    }
                    return Ok(Decoded { consumed: position, content: start..position });
                }
                State::ChunkEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        position += 2;
                        self.state = State::ChunkSize;
                    }
                    [] | [b'\r'] => return Ok(Decoded { consumed: position, content: position..position }),
                    _ => return Err(Refusal::Chunk),
                },
                State::ChunkSize => match chunk_size(rest)? {
                    None => return Ok(Decoded { consumed: position, content: position..position }),
                    Some(line) => {
                        self.extension_bytes += line.extension_bytes;
                        if self.extension_bytes > MAX_EXTENSION_BYTES {
                            return Err(Refusal::Chunk);
                        }
                        position += line.length;
                        self.state =
                            if line.size == 0 { State::Trailers } else { State::ChunkContent(line.size) };
                    }
                },
                State::Trailers => match parse::trailers(rest, &mut self.trailers)? {
                    None if rest.len() > MAX_TRAILER_BYTES => return Err(Refusal::Trailers),
                    None => return Ok(Decoded { consumed: position, content: position..position }),
                    Some(length) => {
                        position += length;
                        self.state = State::Done;
                    }
                },
            }
        }
    }
}

struct ChunkLine {
    size: u64,
    length: usize,
    extension_bytes: usize,
}

/// `chunk-size [chunk-ext] CRLF` (RFC 9112 §7.1); `None` when the line is not complete yet.
fn chunk_size(input: &[u8]) -> Result<Option<ChunkLine>, Refusal> {
    let digits = input.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    // Fifteen digits are more than any body has, and they cannot overflow.
    if digits > 15 || (digits == 0 && !input.is_empty()) {
        return Err(Refusal::Chunk);
    }
    let Some(end) = input.iter().take(MAX_CHUNK_LINE).position(|&byte| byte == b'\n') else {
        let is_plausible = input.len() < MAX_CHUNK_LINE
            && input.get(digits).is_none_or(|byte| matches!(byte, b'\r' | b';' | b' ' | b'\t'))
            && input.iter().position(|&byte| byte == b'\r').is_none_or(|place| place + 1 == input.len());
        return if is_plausible { Ok(None) } else { Err(Refusal::Chunk) };
    };
    let Some(extension) = input[digits..end].strip_suffix(b"\r") else { return Err(Refusal::Chunk) };
    if !is_valid_extension(extension) {
        return Err(Refusal::Chunk);
    }
    let size = input[..digits].iter().fold(0, |size, &digit| size << 4 | u64::from(hex_value(digit)));
    Ok(Some(ChunkLine { size, length: end + 1, extension_bytes: extension.len() }))
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` of RFC 9112 §7.1.1.
fn is_valid_extension(extension: &[u8]) -> bool {
    let mut rest = extension;
    while !rest.is_empty() {
        let Some(after) = skip_blanks(rest).strip_prefix(b";") else { return false };
        let Some(after) = skip_token(skip_blanks(after)) else { return false };
        rest = after;
        if let Some(value) = skip_blanks(rest).strip_prefix(b"=") {
            let value = skip_blanks(value);
            let after = if value.starts_with(b"\"") { skip_quoted(value) } else { skip_token(value) };
            let Some(after) = after else { return false };
            rest = after;
        }
    }
    true
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

fn skip_token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|&&byte| is_token_byte(byte)).count();
    (length > 0).then(|| &text[length..])
}

fn skip_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut escaped = false;
    for (index, &byte) in text.iter().enumerate().skip(1) {
        match byte {
            0..=8 | 10..=31 | 127 => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(&text[index + 1..]),
            _ => {}
        }
    }
    None
}

/// `token` of RFC 9110 §5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    skip_token(text).is_some_and(<[u8]>::is_empty)
}

/// `token / quoted-string`, the value of a parameter (RFC 9110 §5.6.6).
pub(crate) fn is_token_or_quoted(text: &[u8]) -> bool {
    let rest = if text.starts_with(b"\"") { skip_quoted(text) } else { skip_token(text) };
    rest.is_some_and(<[u8]>::is_empty)
}

/// `tchar` of RFC 9110 §5.6.2.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the input in pieces of `step` bytes, as a socket would, and returns content and rest.
    fn decode_in_steps(
        framing: BodyFraming,
        input: &[u8],
        step: usize,
    ) -> Result<(Vec<u8>, BodyDecoder, usize), Refusal> {
        let mut decoder = BodyDecoder::new(framing);
        let (mut content, mut buffer, mut taken) = (Vec::new(), Vec::new(), 0);
        for piece in input.chunks(step) {
            buffer.extend_from_slice(piece);
            loop {
                let decoded = decoder.decode(&buffer)?;
                content.extend_from_slice(&buffer[decoded.content.clone()]);
                buffer.drain(..decoded.consumed);
                taken += decoded.consumed;
                if decoded.consumed == 0 || decoder.is_done() {
                    break;
                }
            }
        }
        Ok((content, decoder, taken))
    }

    #[test]
    fn chunks_are_decoded_whatever_the_segments() {
        let input = b"5\r\nhello\r\nA;x=\"1;2\"; y\r\n0123456789\r\n0\r\nSum: abc\r\n\r\nGET /next";
        for step in 1..input.len() {
            let (content, decoder, taken) = decode_in_steps(BodyFraming::Chunked, input, step).unwrap();
            assert_eq!(content, b"hello0123456789", "steps of {step}");
            assert!(decoder.is_done());
            assert_eq!(decoder.trailers().get("sum"), Some(&b"abc"[..]));
            assert_eq!(taken, input.len() - 9);
        }
    }

    #[test]
    fn malformed_chunks_are_refused_whatever_the_segments() {
        for input in [
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\na\r\n",
            "1\na\r\n",
            "1\r\nab\r\n0\r\n\r\n",
            "1\r\na\n0\r\n\r\n",
            "1 2\r\na\r\n",
            "1;\r\na\r\n",
            "1;=x\r\n",
            "1;a=\"b\r\n",
            "1;a\nb\r\n",
            "1\r\ra\r\n",
            "1;a=\"\x01\"\r\n",
            "1000000000000000\r\n",
            "0\r\nA B: c\r\n\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\n a\r\n\r\n",
            "\r\n",
            ";a\r\n",
        ] {
            for step in [1, 2, 100] {
                let result = decode_in_steps(BodyFraming::Chunked, input.as_bytes(), step);
                assert!(result.is_err(), "{input:?} in steps of {step}");
            }
        }
        let endless_extension = format!("1;{}", "a".repeat(300));
        assert!(decode_in_steps(BodyFraming::Chunked, endless_extension.as_bytes(), 7).is_err());
        let many_extensions = format!("1;{}\r\na\r\n", "a".repeat(200)).repeat(30);
        assert!(decode_in_steps(BodyFraming::Chunked, many_extensions.as_bytes(), 7).is_err());
    }

    #[test]
    fn a_known_length_ends_the_body_exactly() {
        let (content, decoder, taken) = decode_in_steps(BodyFraming::Length(3), b"abcdef", 2).unwrap();
        assert_eq!((content.as_slice(), decoder.is_done(), taken), (&b"abc"[..], true, 3));
    }

    #[test]
    fn a_close_completes_only_what_may_end_so() {
        assert!(BodyDecoder::new(BodyFraming::UntilClose).finish_at_close());
        assert!(BodyDecoder::new(BodyFraming::Empty).finish_at_close());
        assert!(!BodyDecoder::new(BodyFraming::Length(1)).finish_at_close());
        assert!(!BodyDecoder::new(BodyFraming::Chunked).finish_at_close());
    }

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn segmentation_changes_nothing(
            pieces in proptest::collection::vec(proptest::sample::select(vec![&b"3\r\nabc\r\n"[..], b"0\r\n\r\n", b"a;x\r\n", b"0123456789", b"\r\n", b"\r", b"\n", b"0\r\nT: 1\r\n\r\n", b"g", b";\""]), 0..8),
            step in 1usize..9,
        ) {
            let input = pieces.concat();
            let whole = decode_in_steps(BodyFraming::Chunked, &input, input.len().max(1));
            let stepped = decode_in_steps(BodyFraming::Chunked, &input, step);
            match (whole, stepped) {
                (Ok(one), Ok(two)) => {
                    prop_assert_eq!((one.0, one.1.is_done(), one.2), (two.0, two.1.is_done(), two.2));
                }
                (one, two) => prop_assert_eq!(one.is_err(), two.is_err()),
            }
        }
    }
}
