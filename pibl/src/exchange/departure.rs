//! Whether the client still waits, while the exchange waits for somebody else.
//!
//! `run` and `forward` look through it whenever they would wait: for the leader of the same request, for a place in
//! the queue, for a connection, for a backend that thinks. It never reads a byte of what the client sends.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::client::Audience;
use super::upload::Progress;
use crate::cache::Crowd;
use crate::http::Version;
use crate::wire::{Deadline, READING, Sight, Wire};

/// Looks now and then whether the client still waits, while its backend thinks: an answer that nobody wants is not
/// worth a backend's time.
pub(super) struct Departure<'a> {
    /// `None` when nobody waits in any case.
    wire: Option<&'a Wire>,
    /// Whether a client that says nothing more can be asked if it still listens: by an interim response, which is
    /// nothing to it (RFC 9110 §15.2), and an error to the kernel of one that has left.
    can_ask: bool,
    progress: Option<&'a Progress>,
    others: Option<Crowd>,
    is_set: bool,
    /// While the client's own deadline is about what it still sends.
    while_uploading: Option<Deadline>,
}

/// How often the client is looked at.
const LOOK: Duration = Duration::from_millis(250);

impl<'a> Departure<'a> {
    /// `progress`: what has been taken of the request and sent of a response, where there may be something of either.
    /// `others`: who is served by the same exchange.
    pub(super) fn of(
        audience: Audience<'a>,
        version: Version,
        progress: Option<&'a Progress>,
        others: Option<Crowd>,
    ) -> Self {
        Self {
            wire: audience.0,
            can_ask: version == Version::Http11,
            progress,
            others,
            is_set: false,
            while_uploading: None,
        }
    }

    /// The result of what is waited for, or `None` when the client has left before.
    pub(super) async fn or<T>(mut self, mut awaited: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|context| match awaited.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if self.is_over(context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Whether the client has left, and nobody else waits for the same.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        if self.wire.is_some_and(|wire| wire.poll_left(context)) {
            return !self.others.as_ref().is_some_and(Crowd::is_waiting);
        }
        // From its first byte on the response finds out by itself.
        let has_begun = self.progress.is_some_and(|progress| progress.response_started.get());
        let Some(wire) = self.wire.filter(|_| !has_begun) else { return false };
        let is_complete = self.progress.is_none_or(|progress| progress.is_finished.get());
        if !is_complete {
            return self.has_reset(wire, context);
        }
        if !std::mem::replace(&mut self.is_set, true) {
            wire.deadline.set(LOOK);
        }
        if !wire.deadline.poll_is_over(READING, context) {
            return false;
        }
        wire.deadline.set(LOOK);
        let is_gone = match wire.look() {
            Sight::There => false,
            Sight::Gone => true,
            Sight::SaidAll => {
                if std::mem::take(&mut self.can_ask) {
                    let mut asking = pin!(wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n"));
                    // It fits into a socket that nobody has written to, or the client is asked no more.
                    let _ = asking.as_mut().poll(context);
                }
                false
            }
        };
        is_gone && !self.others.as_ref().is_some_and(Crowd::is_waiting)
    }

    /// Whether a client that still sends has broken off. Who reads its body finds that out by himself, unless he waits for a
    /// backend that takes no more.
    fn has_reset(&mut self, wire: &Wire, context: &mut Context<'_>) -> bool {
        let deadline = self.while_uploading.get_or_insert_with(|| {
            let deadline = Deadline::new();
            deadline.set(LOOK);
            deadline
        });
        if !deadline.poll_is_over(READING, context) {
            return false;
        }
        deadline.set(LOOK);
        wire.is_broken()
    }
}
