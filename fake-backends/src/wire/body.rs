//! Bodies: where they end by their own framing (RFC 9112 §6 and §7), byte by byte.
//!
//! `request` and `response` choose the framing and hand over bytes as they come; data comes back as slices of what was
//! pushed, without copies. It never guesses: a chunk that is not exactly as the RFC writes it is malformed.

use super::head::{Field, HeadReader, Malformed, room_for_fields, trim};

/// Longest line of a chunk size with its extensions.
const SIZE_LINE_LIMIT: usize = 4096;
/// Longest block of trailers.
const TRAILER_LIMIT: usize = 64 * 1024;

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    Nothing,
    /// It has this many bytes.
    Length(u64),
    /// It comes in chunks.
    Chunked,
    /// It ends when the connection does.
    UntilClose,
}

/// A piece of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of it.
    Data(&'a [u8]),
    /// The fields after the last chunk, where there are any.
    Trailers(Vec<Field>),
    /// It is complete.
    End,
}

/// Reads one body.
#[derive(Debug)]
pub struct BodyReader {
    state: State,
    received: u64,
    announced: Option<u64>,
}

#[derive(Debug)]
enum State {
    Fixed(u64),
    UntilClose,
    SizeLine(Vec<u8>),
    ChunkData(u64),
    /// The line end after the data of a chunk, of which this many bytes have come.
    ChunkEnd(u8),
    Trailers(HeadReader),
    Done,
}

impl BodyReader {
    /// A reader of one body.
    pub fn new(framing: Framing) -> BodyReader {
        let (state, announced) = match framing {
            Framing::Nothing => (State::Fixed(0), Some(0)),
            Framing::Length(length) => (State::Fixed(length), Some(length)),
            Framing::Chunked => (State::SizeLine(Vec::new()), None),
            Framing::UntilClose => (State::UntilClose, None),
        };
        BodyReader { state, received: 0, announced }
    }

    /// Bytes of the body so far, without framing.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The length that the head announced, where it did.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Whether the end of the stream would complete the body and not cut it.
    pub fn may_end_here(&self) -> bool {
        matches!(self.state, State::UntilClose | State::Done | State::Fixed(0))
    }

    /// Takes bytes from the front of `input`; `None` when it needs more. After `End` it takes nothing any more.
    ///
    /// # Errors
    /// When chunks are not written as RFC 9112 §7.1 says.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        loop {
            match &mut self.state {
                State::Done => return Ok(None),
                State::Fixed(0) => {
                    self.state = State::Done;
                    return Ok(Some(Piece::End));
                }
                _ if input.is_empty() => return Ok(None),
                State::Fixed(left) => {
                    let data = take(input, *left);
                    *left -= data.len() as u64;
                    return Ok(Some(self.data(data)));
                }
                State::UntilClose => {
                    let data = take(input, u64::MAX);
                    return Ok(Some(self.data(data)));
                }
                State::SizeLine(line) => {
                    if let Some(size) = size_line(line, input)? {
                        // The last chunk is followed by trailers, of which the first line is usually the empty one.
                        self.state = match size {
                            0 => State::Trailers(start_of_trailers()),
                            size => State::ChunkData(size),
                        };
                    }
                }
                State::ChunkData(left) => {
                    let data = take(input, *left);
                    *left -= data.len() as u64;
                    if *left == 0 {
                        self.state = State::ChunkEnd(0);
                    }
                    return Ok(Some(self.data(data)));
                }
                State::ChunkEnd(seen) => {
                    let wanted = b"\r\n"[usize::from(*seen)];
                    if take(input, 1) != [wanted] {
                        return Err(Malformed::new("no line end after the data of a chunk"));
                    }
                    *seen += 1;
                    if *seen == 2 {
                        self.state = State::SizeLine(Vec::new());
                    }
                }
                State::Trailers(reader) => {
                    let Some(block) = reader.next(input)? else { return Ok(None) };
                    let fields = parse_trailers(&block)?;
                    // The end is reported by the next call.
                    self.state = State::Fixed(0);
                    if !fields.is_empty() {
                        return Ok(Some(Piece::Trailers(fields)));
                    }
                }
            }
        }
    }

    fn data<'a>(&mut self, data: &'a [u8]) -> Piece<'a> {
        self.received += data.len() as u64;
        Piece::Data(data)
    }
}

/// Takes at most `limit` bytes from the front of `input`.
fn take<'a>(input: &mut &'a [u8], limit: u64) -> &'a [u8] {
    let count = usize::try_from(limit).unwrap_or(usize::MAX).min(input.len());
    let (taken, rest) = input.split_at(count);
    *input = rest;
    taken
}

/// A block of trailers looks like the fields of a head: the line before it is the one that `HeadReader` wants to see.
fn start_of_trailers() -> HeadReader {
    let mut reader = HeadReader::new(TRAILER_LIMIT);
    let nothing = reader.next(&mut &b"\r\n"[..]);
    debug_assert_eq!(nothing, Ok(None));
    reader
}

/// Collects the line of a chunk size; the size, once the line is complete.
fn size_line(line: &mut Vec<u8>, input: &mut &[u8]) -> Result<Option<u64>, Malformed> {
    let end = input.iter().position(|&byte| byte == b'\n').map_or(input.len(), |newline| newline + 1);
    line.extend_from_slice(&input[..end]);
    *input = &input[end..];
    if line.len() > SIZE_LINE_LIMIT {
        return Err(Malformed::new("the line of a chunk size is too long"));
    }
    if !line.ends_with(b"\n") {
        return Ok(None);
    }
    let shown = || Malformed::new(format!("chunk size \"{}\"", line.escape_ascii()));
    let text = line.strip_suffix(b"\r\n").ok_or_else(shown)?;
    let digits = trim(text.split(|&byte| byte == b';').next().unwrap_or_default());
    let valid = !digits.is_empty() && digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit);
    let size = std::str::from_utf8(digits).ok().filter(|_| valid);
    size.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Some).ok_or_else(shown)
}

fn parse_trailers(block: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut room = room_for_fields(block);
    // The block begins with the line end that `start_of_trailers` put there.
    match httparse::parse_headers(&block[2..], &mut room) {
        Ok(httparse::Status::Complete((_, fields))) => Ok(fields.iter().map(Field::from_parsed).collect()),
        Ok(httparse::Status::Partial) => Err(Malformed::new("the trailers have no end")),
        Err(error) => Err(Malformed::new(format!("trailers: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All data of a body that comes in pieces of `step` bytes, the trailers, and what lay beyond its end.
    fn read(framing: Framing, bytes: &[u8], step: usize) -> Result<(Vec<u8>, usize, usize, bool), Malformed> {
        let mut reader = BodyReader::new(framing);
        let (mut data, mut trailers, mut left, mut ended) = (Vec::new(), 0, 0, false);
        for piece in bytes.chunks(step) {
            let mut input = piece;
            while let Some(piece) = reader.next(&mut input)? {
                match piece {
                    Piece::Data(bytes) => data.extend_from_slice(bytes),
                    Piece::Trailers(fields) => trailers += fields.len(),
                    Piece::End => ended = true,
                }
            }
            left += input.len();
        }
        Ok((data, trailers, left, ended))
    }

    #[test]
    fn chunks_are_read_however_they_are_cut() {
        let bytes = b"5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\nNEXT";
        for step in 1..bytes.len() {
            let seen = read(Framing::Chunked, bytes, step).unwrap();
            assert_eq!(seen, (b"hello0123456789".to_vec(), 2, 4, true), "in pieces of {step}");
        }
        assert_eq!(read(Framing::Chunked, b"0\r\n\r\n", 1).unwrap(), (vec![], 0, 0, true));
    }

    #[test]
    fn wrong_chunks_are_malformed() {
        let wrong =
            ["5\nhello\r\n", "x\r\n", "\r\n", "-1\r\n", "0x5\r\n", "5\r\nhelloXX", "11111111111111111\r\n"];
        for wrong in wrong {
            assert!(read(Framing::Chunked, wrong.as_bytes(), 3).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_fixed_length_leaves_what_follows() {
        assert_eq!(read(Framing::Length(3), b"abcdef", 2).unwrap(), (b"abc".to_vec(), 0, 3, true));
        assert_eq!(read(Framing::Nothing, b"ab", 2).unwrap(), (vec![], 0, 2, true));
    }

    #[test]
    fn a_cut_body_is_told_apart_from_a_complete_one() {
        let mut reader = BodyReader::new(Framing::Length(10));
        reader.next(&mut &b"abc"[..]).unwrap();
        assert!(!reader.may_end_here());
        assert_eq!((reader.received(), reader.announced()), (3, Some(10)));
        let mut until_close = BodyReader::new(Framing::UntilClose);
        until_close.next(&mut &b"abc"[..]).unwrap();
        assert!(until_close.may_end_here());
        assert!(!BodyReader::new(Framing::Chunked).may_end_here());
    }
}
