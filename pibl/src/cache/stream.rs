//! A response that another exchange is still receiving, read along from its file.
//!
//! `ask` makes one for a follower; `exchange` sends it. It never asks a backend: if the leader dies, the
//! stream ends in an error.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;

use super::cache_status::CacheStatus;
use super::flight::{Incoming, State};
use super::part::FilePart;
use crate::clock::Timestamp;
use crate::http::encode;

/// The response of a leader as its follower sees it.
#[derive(Debug)]
pub struct Stream {
    /// The status that the client gets.
    pub status_code: u16,
    /// What the cache did, for the log.
    pub status: CacheStatus,
    receiver: watch::Receiver<State>,
    incoming: Arc<Incoming>,
    sent: u64,
    age_seconds: u64,
}

impl Stream {
    pub(super) fn new(
        receiver: watch::Receiver<State>,
        incoming: Arc<Incoming>,
        status: CacheStatus,
        now: Timestamp,
    ) -> Self {
        let age_seconds = (incoming.freshness.age_millis(now) / 1000).max(0) as u64;
        Self { status_code: incoming.status, status, receiver, incoming, sent: 0, age_seconds }
    }

    /// What is left of a response of which so much was sent already.
    pub(super) fn resumed(receiver: watch::Receiver<State>, incoming: Arc<Incoming>, sent: u64) -> Self {
        let (status_code, status) = (incoming.status, CacheStatus::default());
        Self { status_code, status, receiver, incoming, sent, age_seconds: 0 }
    }

    /// Whether nothing comes behind what was taken last.
    pub fn is_over(&self) -> bool {
        match &*self.receiver.borrow() {
            State::Landed(entry) => entry.body_bytes() <= self.sent,
            State::Ended(body_bytes) => *body_bytes <= self.sent,
            _ => self.incoming.length == Some(self.sent),
        }
    }

    /// The length of the whole body, where it is known.
    pub fn length(&self) -> Option<u64> {
        self.incoming.length
    }

    /// Writes status line and fields: everything but what concerns the connection, the framing of a body
    /// of unknown length, and the empty line.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.incoming.head);
        if let Some(length) = self.incoming.length {
            encode::number_field(out, "Content-Length", length);
        }
        encode::number_field(out, "Age", self.age_seconds);
        self.status.write(out);
    }

    /// The next part that can be read; `None` at the end. An error when the leader died.
    pub async fn next(&mut self) -> io::Result<Option<FilePart>> {
        let sent = self.sent;
        let has_news = |state: &State| !matches!(state, State::Streaming(_, readable) if *readable <= sent);
        let state = self.receiver.wait_for(has_news).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        let readable = match &*state {
            State::Streaming(_, readable) => *readable,
            State::Landed(entry) => entry.body_bytes(),
            State::Ended(body_bytes) => *body_bytes,
            State::Waiting | State::Released | State::Gone => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        drop(state);
        if readable <= sent {
            return Ok(None);
        }
        let incoming = &self.incoming;
        let (file, offset, end) = match incoming.tail.get() {
            Some((start, tail)) if sent >= *start => (tail, sent - start, readable),
            Some((start, _)) => (&incoming.file, incoming.body_offset + sent, readable.min(*start)),
            None => (&incoming.file, incoming.body_offset + sent, readable),
        };
        let part = FilePart { file: Arc::clone(file), offset, length: end - sent };
        self.sent = end;
        Ok(Some(part))
    }
}
