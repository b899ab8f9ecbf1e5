//! Whether a body comes too slowly.
//!
//! `upload` and `relay` read bodies by it. Whoever sends one has his patience for each piece, and owes a least rate, in the
//! mean, for the time beyond that for which he was waited for. While others wait for the place that he takes, the
//! patience that nothing is owed for is short.

use std::io;
use std::time::Duration;

use super::services::Services;
use crate::clock;
use crate::http::Fields;
use crate::wire::{ReadBuffer, Wire};

/// How often somebody who says nothing is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// For how long nothing is owed while others wait.
const CROWDED: Duration = Duration::from_secs(2);

/// The pace of one body.
pub(super) struct Pace<'a> {
    services: Option<&'a Services>,
    patience: Duration,
    /// Bytes per second; 0 means any rate.
    least: u64,
    waited: Duration,
}

impl std::fmt::Debug for Pace<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pace").field("least", &self.least).finish_non_exhaustive()
    }
}

impl<'a> Pace<'a> {
    pub(super) fn new(services: &'a Services, patience: Duration, least: u64) -> Self {
        Self { services: Some(services), patience, least, waited: Duration::ZERO }
    }

    /// Nobody is in a hurry.
    #[cfg(test)]
    pub(super) fn any() -> Self {
        Self { services: None, patience: Duration::ZERO, least: 0, waited: Duration::ZERO }
    }

    /// Reads the next piece of a body of which so many bytes have come; an error of kind `TimedOut` where it is too slow.
    pub(super) async fn fill(
        &mut self,
        wire: &Wire,
        buffer: &mut ReadBuffer,
        come: u64,
    ) -> io::Result<usize> {
        let mut left = self.patience;
        loop {
            wire.deadline.set(left.min(LOOK));
            let before = clock::monotonic();
            let filled = wire.fill(buffer).await;
            let took = before.elapsed();
            // What somebody else takes his time for is not counted: only this wait is.
            self.waited += took;
            left = left.saturating_sub(took);
            if self.owed() > come as f64 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            match filled {
                Err(error) if error.kind() == io::ErrorKind::TimedOut && !left.is_zero() => {}
                filled => return filled,
            }
        }
    }

    fn owed(&self) -> f64 {
        let free = match self.services.is_some_and(Services::is_crowded) {
            true => CROWDED.min(self.patience),
            false => self.patience,
        };
        self.waited.saturating_sub(free).as_secs_f64() * self.least as f64
    }
}

/// Whether a response is slow by nature: it tells of events when they happen.
pub(super) fn is_of_events(fields: &Fields) -> bool {
    let media_type = fields.get("content-type").unwrap_or_default();
    let essence = media_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    ["text/event-stream", "multipart/x-mixed-replace", "application/x-ndjson", "application/json-seq"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known.as_bytes()))
}
