//! The body of a request on its way to a backend.
//!
//! `forward` takes what has arrived already, so that it can be sent again; `attempt` moves the rest while
//! the response is awaited. A body is never held in memory beyond one buffer.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use super::pace::Pace;
use crate::http::encode;
use crate::http::{BodyDecoder, BodyFraming, ReceivedRequest, Refusal};
use crate::wire::{ReadBuffer, Wire};

/// The body of the current request.
#[derive(Debug)]
pub(super) struct Upload<'a> {
    decoder: BodyDecoder,
    is_chunked: bool,
    /// Whether the client waits for 100 (RFC 9110 §10.1.1).
    expects_continue: bool,
    /// The most content bytes that are taken.
    limit: u64,
    /// How fast the client must be.
    pace: Pace<'a>,
    progress: &'a Progress,
}

/// How far the body has come; the response's side looks at it while the body is still moving.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Whether the whole body has been taken from the client.
    pub is_finished: Cell<bool>,
    /// Whether the client has been told to go on (RFC 9110 §10.1.1).
    pub continue_sent: Cell<bool>,
    /// Whether the head of the response has gone to the client.
    pub response_started: Cell<bool>,
    /// Whether bytes have gone to a backend that are nowhere else: then nothing can be sent again.
    pub is_streamed: Cell<bool>,
    /// Content bytes taken from the client.
    pub content_bytes: Cell<u64>,
}

/// Why a body could not be moved to its end.
#[derive(Debug)]
pub(super) enum UploadFailure {
    /// The client sent something that is refused.
    Refused(Refusal),
    /// The client went away in the middle of its body.
    ClientGone,
    /// The backend takes no more: it may have answered, or died.
    BackendClosed(#[expect(dead_code, reason = "shown by Debug in diagnostics")] io::Error),
}

/// How long a client that expects 100 waits for a backend that never says it. RFC 9110 §10.1.1 lets the
/// client go on by itself after a while; one that does not is released here.
const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

impl<'a> Upload<'a> {
    pub(super) fn new(
        received: &ReceivedRequest,
        limit: Option<u64>,
        progress: &'a Progress,
        pace: Pace<'a>,
    ) -> Self {
        let decoder = BodyDecoder::new(received.framing);
        progress.is_finished.set(decoder.is_done());
        Self {
            decoder,
            is_chunked: received.framing == BodyFraming::Chunked,
            expects_continue: received.expects_continue,
            limit: limit.unwrap_or(u64::MAX),
            pace,
            progress,
        }
    }

    /// Takes what the buffer holds of the body and appends it, framed, to `out`.
    pub(super) fn take_available(
        &mut self,
        buffer: &mut ReadBuffer,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        while !self.decoder.is_done() {
            let decoded = self.decoder.decode(buffer.filled())?;
            let content = &buffer.filled()[decoded.content.clone()];
            let content_bytes = self.progress.content_bytes.get() + content.len() as u64;
            self.progress.content_bytes.set(content_bytes);
            if content_bytes > self.limit {
                return Err(Refusal::BodyTooLarge);
            }
            if self.is_chunked && !content.is_empty() {
                encode::chunk_size(out, content.len());
                out.extend_from_slice(content);
                out.extend_from_slice(b"\r\n");
            } else {
                out.extend_from_slice(content);
            }
            buffer.consume(decoded.consumed);
            if self.decoder.is_done() {
                self.progress.is_finished.set(true);
                if self.is_chunked {
                    encode::last_chunk(out, self.decoder.trailers());
                }
            } else if decoded.consumed == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the first piece of the body. A backend is chosen only afterwards, so that a body that is
    /// malformed from the start reaches none.
    pub(super) async fn take_first_piece(
        &mut self,
        client: &Wire,
        buffer: &mut ReadBuffer,
        out: &mut Vec<u8>,
    ) -> Result<(), UploadFailure> {
        self.take_available(buffer, out).map_err(UploadFailure::Refused)?;
        let progress = self.progress;
        while !self.decoder.is_done() && progress.content_bytes.get() == 0 && !self.expects_continue {
            self.read(client, buffer).await?;
            self.take_available(buffer, out).map_err(UploadFailure::Refused)?;
        }
        Ok(())
    }

    /// Moves the rest of the body.
    pub(super) async fn finish(
        &mut self,
        client: &Wire,
        buffer: &mut ReadBuffer,
        backend: &Wire,
        answer_within: Duration,
    ) -> Result<(), UploadFailure> {
        let mut piece = Vec::new();
        if self.expects_continue {
            if buffer.is_empty() {
                self.await_go_ahead(client).await?;
            }
            self.take_available(buffer, &mut piece).map_err(UploadFailure::Refused)?;
            self.send(backend, &mut piece, answer_within).await?;
        }
        while !self.decoder.is_done() {
            self.read(client, buffer).await?;
            self.take_available(buffer, &mut piece).map_err(UploadFailure::Refused)?;
            self.send(backend, &mut piece, answer_within).await?;
            buffer.enlarge();
        }
        Ok(())
    }

    async fn send(
        &self,
        backend: &Wire,
        piece: &mut Vec<u8>,
        patience: Duration,
    ) -> Result<(), UploadFailure> {
        // The backend's time to answer begins anew with each piece that it gets.
        backend.deadline.set(patience);
        if !piece.is_empty() {
            self.progress.is_streamed.set(true);
            backend.write_all(piece).await.map_err(UploadFailure::BackendClosed)?;
            backend.deadline.set(patience);
            piece.clear();
        }
        Ok(())
    }

    /// Waits until the client sends, and tells it to when the backend takes too long to.
    async fn await_go_ahead(&self, client: &Wire) -> Result<(), UploadFailure> {
        client.deadline.clear();
        let readable = std::future::poll_fn(|context| client.poll_readable(context));
        if tokio::time::timeout(CONTINUE_PATIENCE, readable).await.is_err()
            && !self.progress.continue_sent.replace(true)
        {
            let go_ahead = b"HTTP/1.1 100 Continue\r\n\r\n";
            client.write_all(go_ahead).await.map_err(|_| UploadFailure::ClientGone)?;
        }
        Ok(())
    }

    async fn read(&mut self, client: &Wire, buffer: &mut ReadBuffer) -> Result<(), UploadFailure> {
        match self.pace.fill(client, buffer, self.progress.content_bytes.get()).await {
            Ok(0) => Err(UploadFailure::ClientGone),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(UploadFailure::Refused(Refusal::Timeout))
            }
            Err(_) => Err(UploadFailure::ClientGone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(framing: BodyFraming) -> ReceivedRequest {
        ReceivedRequest { consumed: 0, framing, persistent: true, expects_continue: false, upgrade: false }
    }

    fn buffer(bytes: &[u8]) -> ReadBuffer {
        let mut buffer = ReadBuffer::lease();
        buffer.space()[..bytes.len()].copy_from_slice(bytes);
        buffer.commit(bytes.len());
        buffer
    }

    #[test]
    fn chunks_are_framed_anew_and_the_next_request_is_left_alone() {
        let progress = Progress::default();
        let mut upload = Upload::new(&received(BodyFraming::Chunked), None, &progress, Pace::any());
        let mut buffer = buffer(b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nSum: 1\r\n\r\nGET /");
        let mut out = Vec::new();
        upload.take_available(&mut buffer, &mut out).unwrap();
        assert_eq!(out, b"3\r\nabc\r\n2\r\nde\r\n0\r\nSum: 1\r\n\r\n");
        assert_eq!(
            (progress.is_finished.get(), progress.content_bytes.get(), buffer.filled()),
            (true, 5, &b"GET /"[..])
        );
    }

    #[test]
    fn a_body_beyond_the_limit_is_refused_as_soon_as_it_is() {
        let progress = Progress::default();
        let mut upload = Upload::new(&received(BodyFraming::Chunked), Some(4), &progress, Pace::any());
        let result = upload.take_available(&mut buffer(b"5\r\nhello"), &mut Vec::new());
        assert_eq!(result, Err(Refusal::BodyTooLarge));
    }
}
