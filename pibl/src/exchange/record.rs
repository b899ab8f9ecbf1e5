//! What is known of one exchange, gathered as it goes along, for its line in the log.
//!
//! `forward`, `relay` and `answer` fill it in and hand it over right before the last bytes of the response
//! go to the kernel. It never writes anything itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cache::Times;
use crate::clock::{self, Timestamp};

/// The facts of one exchange.
#[derive(Debug)]
pub(super) struct Record {
    /// When the head of the request was complete.
    pub started: Instant,
    /// The same by the wall clock.
    pub started_at: Timestamp,
    /// The same on the time line of this run, by which stored responses age.
    pub steady_at: Timestamp,
    /// The backend that answered, or that was tried last.
    pub backend: Option<Arc<str>>,
    /// How many backends were tried.
    pub attempts: u32,
    /// The status that the client gets.
    pub status: u16,
    /// What the cache did.
    pub cache: &'static str,
    /// Whether nobody asked for this exchange, so that it has no line.
    pub is_silent: bool,
    /// Content bytes of the request.
    pub request_bytes: u64,
    /// Content bytes of the response.
    pub response_bytes: u64,
    /// From the start to the head of the backend's response.
    pub first_byte: Option<Duration>,
    /// Whether the line has been written; an exchange has exactly one.
    pub is_logged: bool,
}

impl Record {
    /// The wall clock when the head of the backend's response was complete, or at the start where there is none.
    pub(super) fn first_byte_at(&self) -> Timestamp {
        self.started_at.plus(self.first_byte.unwrap_or_default())
    }

    /// When the request went out, so long after the start, and when the head of the response came, for the cache.
    pub(super) fn times(&self, asked_after: Duration) -> Times {
        Times {
            requested_at: self.steady_at.plus(asked_after),
            received_at: self.steady_at.plus(self.first_byte.unwrap_or_default()),
            ahead_micros: clock::ahead(self.steady_at, self.started_at),
        }
    }

    pub(super) fn start() -> Self {
        let (started, started_at) = (Instant::now(), clock::now());
        Self {
            started,
            started_at,
            steady_at: clock::steady(started.into_std(), started_at),
            backend: None,
            attempts: 0,
            cache: "-",
            is_silent: false,
            status: 0,
            request_bytes: 0,
            response_bytes: 0,
            first_byte: None,
            is_logged: false,
        }
    }
}
