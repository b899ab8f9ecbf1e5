//! Whether a request may be asked again, and on which connection one is asked at all.
//!
//! A proxy may close a connection that was used before at any time (RFC 9112 §9.5), also while a request is on its way; the client
//! then asks again on a fresh one, once, where asking twice does no harm (§9.3.1). What happened stands in the exchange.

use std::io;

use harness_model::history::{ExchangeEnd, FoundGone, Reconnected};

use super::raw::Connection;
use crate::traffic::request::Request;

/// Methods that may be sent twice (RFC 9110 §9.2.2).
const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

/// Whether a request may be sent twice.
pub(in crate::traffic) fn may_be_repeated(method: &str) -> bool {
    IDEMPOTENT.contains(&method)
}

/// The connection to send a request on, of the one that was kept; and what became of that one, where it is gone.
pub(super) fn usable(
    kept: Option<Connection>,
    request: &Request,
) -> (Option<Connection>, Option<Reconnected>) {
    let Some(mut connection) = kept else { return (None, None) };
    let about_keeping = request.shape.as_ref().is_some_and(|shape| shape.about_keeping);
    if !may_be_repeated(&request.method) && !about_keeping {
        return (None, None);
    }
    match connection.gone() {
        None => (Some(connection), None),
        Some(found) => (None, Some(connection.lost(found))),
    }
}

/// Whether an end on a connection that was used before is no answer but its close.
pub(super) fn asks_again(connection: &Connection, request: &Request, end: &ExchangeEnd) -> bool {
    *end == ExchangeEnd::ClosedWithoutAnswer
        && connection.requests > 1
        && may_be_repeated(&request.method)
        && request.shape.as_ref().is_none_or(|shape| shape.leaves_after.is_none())
}

impl Connection {
    /// How it is found to be gone while it is idle; `None`: it may be used.
    fn gone(&mut self) -> Option<FoundGone> {
        let mut bytes = [0; 1024];
        match self.stream.glance(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Ok(spoken @ 1..) => Some(FoundGone::Spoke { bytes: spoken as u64 }),
            Ok(0) | Err(_) => Some(FoundGone::Idle),
        }
    }

    /// What is told of it.
    pub(super) fn lost(&self, found: FoundGone) -> Reconnected {
        let answered = match found {
            FoundGone::Idle | FoundGone::Spoke { .. } => self.requests,
            FoundGone::Closed { .. } | FoundGone::Reset { .. } => self.requests.saturating_sub(1),
        };
        let idle = self.clock.now().since(self.answered);
        Reconnected { connection: Some(self.id), answered, idle: Some(idle), found }
    }
}
