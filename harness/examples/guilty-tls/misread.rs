//! Frames that no library would let through: what a proxy of one's own might do with them.
//!
//! Incoming frames pass here before the library sees them. Fields are understood only as the harness writes them where it misuses HTTP/2:
//! literals, each with its name.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::Backends;
use crate::defects::Defect;

const PREFACE: usize = 24;
const FRAME: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;

/// A connection whose frames are looked at, and taken out where that is the defect.
pub struct Misread<S> {
    stream: S,
    backends: Arc<Backends>,
    defect: Defect,
    /// What has come and is not a whole frame yet.
    raw: Vec<u8>,
    begun: bool,
    /// What the library may read.
    passed: VecDeque<u8>,
    /// A request that is being written down as it is.
    head: Option<Vec<(String, String)>>,
    /// A head has begun that has not ended.
    in_head: bool,
}

impl<S> Misread<S> {
    pub fn new(stream: S, backends: Arc<Backends>, defect: Defect) -> Misread<S> {
        let (raw, passed) = (Vec::new(), VecDeque::new());
        Misread { stream, backends, defect, raw, begun: false, passed, head: None, in_head: false }
    }

    /// Sorts what has come.
    fn sort(&mut self) {
        if !self.begun && self.raw.len() >= PREFACE {
            self.passed.extend(self.raw.drain(..PREFACE));
            self.begun = true;
        }
        while self.begun && self.raw.len() >= FRAME {
            let length =
                usize::from(self.raw[0]) << 16 | usize::from(self.raw[1]) << 8 | usize::from(self.raw[2]);
            if self.raw.len() < FRAME + length {
                break;
            }
            let frame: Vec<u8> = self.raw.drain(..FRAME + length).collect();
            if !self.takes_out(frame[3], frame[4], &frame[FRAME..]) {
                self.passed.extend(frame);
            }
        }
    }

    /// Whether a frame is kept from the library.
    fn takes_out(&mut self, kind: u8, flags: u8, payload: &[u8]) -> bool {
        match (self.defect, kind) {
            (Defect::ReadsHeadsWithoutEnd, HEADERS) => {
                self.in_head = flags & END_HEADERS == 0;
                self.in_head
            }
            (Defect::ReadsHeadsWithoutEnd, CONTINUATION) => true,
            // It knows its frames all the same: in a head there is no other (RFC 9113 §6.10), which is an error like data of no stream.
            (Defect::ReadsHeadsWithoutEnd, _) if self.in_head => {
                self.passed.extend([0; FRAME]);
                true
            }
            // The part of a head that lies here is not looked at.
            (Defect::StopsReadingLongHeads, HEADERS) => {
                self.in_head = flags & END_HEADERS == 0;
                false
            }
            // The harness alone writes the name of a pseudo-field out.
            (Defect::SaysNothing, HEADERS) => {
                let is_one = literals(payload).iter().any(|(_, value)| value.contains("/first/"));
                self.head = is_one.then(Vec::new);
                is_one
            }
            (Defect::SaysNothing, DATA) => self.head.is_some(),
            (Defect::WritesDownAsItIs, HEADERS) if payload.first() == Some(&0) => {
                self.head = Some(literals(payload));
                if flags & END_STREAM != 0 {
                    self.write_down(&[]);
                }
                true
            }
            (Defect::WritesDownAsItIs, DATA) if self.head.is_some() => {
                self.write_down(payload);
                true
            }
            _ => false,
        }
    }

    /// Sends a request as it came to a backend; nobody waits for the answer.
    fn write_down(&mut self, body: &[u8]) {
        let fields = self.head.take().unwrap_or_default();
        let of = |wanted: &str| {
            fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
        };
        let mut text =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", of(":method"), of(":path"), of(":authority"));
        for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with(':')) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let bytes = [text.as_bytes(), b"\r\n", body].concat();
        let backend = self.backends.turn();
        tokio::spawn(async move {
            let mut stream = tokio::net::TcpStream::connect(backend).await?;
            stream.write_all(&bytes).await?;
            stream.read_to_end(&mut Vec::new()).await
        });
    }
}

/// The fields of a head in which each is a literal with its name.
fn literals(mut payload: &[u8]) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    while let Some((&0, rest)) = payload.split_first() {
        let (name, rest) = text(rest);
        let (value, rest) = text(rest);
        fields.push((name, value));
        payload = rest;
    }
    fields
}

fn text(bytes: &[u8]) -> (String, &[u8]) {
    let Some((&first, mut rest)) = bytes.split_first() else { return (String::new(), bytes) };
    let mut length = usize::from(first & 0x7f);
    let mut shift = 0;
    while length >= 127 {
        let Some((&more, after)) = rest.split_first() else { break };
        length += usize::from(more & 0x7f) << shift;
        (rest, shift) = (after, shift + 7);
        if more & 0x80 == 0 {
            break;
        }
    }
    let (text, rest) = rest.split_at(length.min(rest.len()));
    (String::from_utf8_lossy(text).into_owned(), rest)
}

impl<S: AsyncRead + Unpin> AsyncRead for Misread<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.passed.is_empty() {
            if self.defect == Defect::StopsReadingLongHeads && self.in_head {
                return Poll::Pending;
            }
            let mut buffer = [0; 16 << 10];
            let mut part = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
            if part.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            let came = part.filled().to_vec();
            self.raw.extend(came);
            self.sort();
        }
        let count = self.passed.len().min(into.remaining());
        let bytes: Vec<u8> = self.passed.drain(..count).collect();
        into.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Misread<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Answers every stream with 200 and `connection: keep-alive`, which no library would write.
pub async fn answers_with_connection(mut client: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    client.read_exact(&mut [0; PREFACE]).await?;
    // Our settings, of which there are none.
    client.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await?;
    loop {
        let mut frame = [0; FRAME];
        client.read_exact(&mut frame).await?;
        let length = usize::from(frame[0]) << 16 | usize::from(frame[1]) << 8 | usize::from(frame[2]);
        client.read_exact(&mut vec![0; length]).await?;
        let answer: &[u8] = match (frame[3], frame[4] & 1) {
            (4, 0) => &[0, 0, 0, 4, 1, 0, 0, 0, 0],
            (HEADERS, _) => {
                let field = [&[0x88, 0, 10][..], b"connection", &[10], b"keep-alive"].concat();
                let head = [&[0, 0, field.len() as u8, HEADERS, 5], &frame[5..9], &field].concat();
                client.write_all(&head).await?;
                &[]
            }
            _ => &[],
        };
        client.write_all(answer).await?;
        client.flush().await?;
    }
}
