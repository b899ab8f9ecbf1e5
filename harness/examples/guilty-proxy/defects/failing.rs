//! Defects of coping with backends that fail: silence, success that is none, and a grudge.
//!
//! The server asks before it forwards, and when a backend refused or went wrong. The honest rule: ask another one where the
//! connection was refused, and say 502 or 504 for everything else, about that request alone.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Defect;
use crate::http::Message;

/// Requests that are refused after a failure by a proxy that stumbles over it.
const STUMBLES: usize = 6;

/// How long a backend may say nothing. An hour is longer than anybody asks.
pub fn patience(defect: Defect) -> Duration {
    Duration::from_secs(if defect == Defect::WaitsForHungBackend { 3600 } else { 3 })
}

/// Whether the next backend is asked after one had taken the request and gone wrong.
pub fn asks_the_next(defect: Defect) -> bool {
    defect == Defect::RepeatsPosts
}

/// The answer where every backend refuses.
pub fn nobody_answers(defect: Defect) -> Message {
    match defect {
        Defect::SuccessWithoutBackend => Message::own(200, "OK"),
        _ => Message::own(502, "Bad Gateway"),
    }
}

static STUMBLING: AtomicUsize = AtomicUsize::new(0);

/// The answer where a backend went wrong after it had been asked; `None` closes the connection without one.
pub fn went_wrong(defect: Defect, error: &std::io::Error) -> Option<Message> {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    match defect {
        Defect::ClosesWithoutAnswer => return None,
        Defect::StumblesAfterFailure => STUMBLING.store(STUMBLES, Ordering::SeqCst),
        _ => {}
    }
    Some(match error.kind() {
        TimedOut | WouldBlock => Message::own(504, "Gateway Timeout"),
        _ => Message::own(502, "Bad Gateway"),
    })
}

/// Whether a request is refused for what happened to another one.
pub fn stumbles() -> bool {
    STUMBLING.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

/// Whether what a backend says of its health changes anything.
pub fn acts_on_health(defect: Defect) -> bool {
    defect != Defect::KeepsTheIll
}

/// The bad answers in a row that take a backend out, where it was told of so many.
pub fn failures_needed(defect: Defect, told: u32) -> u32 {
    if defect == Defect::LeavesAtTheFirst { 1 } else { told }
}

static REFUSED: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// Notes that a backend refused.
pub fn refused(defect: Defect, backend: &str) {
    if defect == Defect::NeverAsksAgain {
        let mut refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert_default().insert(backend.to_owned());
    }
}

/// Whether a backend is passed over for having refused once.
pub fn bears_a_grudge(backend: &str) -> bool {
    let refused = REFUSED.lock().unwrap_or_else(PoisonError::into_inner);
    refused.as_ref().is_some_and(|refused| refused.contains(backend))
}
