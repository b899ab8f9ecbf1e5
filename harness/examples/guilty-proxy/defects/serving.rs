//! Defects of serving: who is let in, how many, and what clients do to each other.
//!
//! The server asks at every connection and before every answer. The honest rule: everyone at once, each with memory of its
//! own, for ever.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Defect;
use crate::http::Message;

/// Bytes after which a proxy with one large buffer stops.
const HALF_A_MEGABYTE: usize = 512 * 1024;

/// Requests after which a proxy that wears out does so.
const HUNDREDS: usize = 300;

/// Whether a client is answered before the next one is accepted.
pub fn one_after_the_other(defect: Defect) -> bool {
    defect == Defect::SerialAccept
}

/// What happens to the request of this number, from one, before it is answered: it may wait for ever, end the process, or
/// take a little longer.
pub fn before_answer(defect: Defect, number: usize) {
    match defect {
        Defect::DeadlocksAfterHundreds if number > HUNDREDS => loop {
            std::thread::park();
        },
        Defect::DiesAfterHundreds if number > HUNDREDS => std::process::abort(),
        Defect::LatencyFloor => std::thread::sleep(Duration::from_millis(100)),
        _ => {}
    }
}

/// Whether a request is refused for the spelling of its fields.
pub fn refuses(defect: Defect, mut names: impl Iterator<Item = impl AsRef<str>>) -> bool {
    defect == Defect::ChokesOnLowerCase
        && names.any(|name| !name.as_ref().contains(|c: char| c.is_ascii_uppercase()))
}

/// A place among the few that are served at once; dropping it makes room.
pub struct Place(bool);

static TAKEN: Mutex<usize> = Mutex::new(0);
static LEFT: Condvar = Condvar::new();

/// Waits for a place where there are only four.
pub fn place(defect: Defect) -> Place {
    if defect != Defect::FourAtOnce {
        return Place(false);
    }
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    while *taken >= 4 {
        taken = LEFT.wait(taken).unwrap_or_else(PoisonError::into_inner);
    }
    *taken += 1;
    Place(true)
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0 {
            *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            LEFT.notify_one();
        }
    }
}

static SHARED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// The bytes of an answer as they leave: through one buffer for all clients, filled and read at different moments, where
/// that is the defect. (Each access is locked, since a real race would be undefined behaviour; between them anyone writes.)
pub fn through_shared_buffer(defect: Defect, bytes: Vec<u8>) -> Vec<u8> {
    if defect != Defect::SharedBuffer {
        return bytes;
    }
    let buffer = || SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    *buffer() = bytes;
    // Long enough for another client to come in between wherever many are served at once.
    std::thread::sleep(Duration::from_millis(5));
    buffer().clone()
}

/// The refusal of a request for the number of others under way.
pub fn too_many(defect: Defect, others: usize) -> Option<Message> {
    (defect == Defect::RefusesABurst && others >= 3).then(|| Message::own(503, "Service Unavailable"))
}

/// An answer as it is made of what was forwarded or found; `others` are under way.
pub fn as_served(defect: Defect, target: &str, others: bool, mut answer: Message) -> Message {
    match defect {
        Defect::SpoilsImages if target.ends_with(".png") => {
            let text = answer.body.split(|&byte| byte == b'\n').collect::<Vec<_>>();
            answer.body = text.join(&b"\r\n"[..]);
        }
        Defect::CutsAtHalfAMegabyte => answer.body.truncate(HALF_A_MEGABYTE),
        Defect::CutsUnderLoad if others => answer.body.truncate(HALF_A_MEGABYTE),
        _ => {}
    }
    answer
}

static STOPPED: Mutex<bool> = Mutex::new(false);

/// What becomes of everybody when a client has left in the middle of its answer.
pub fn client_left(defect: Defect) {
    match defect {
        Defect::LeavingClientStopsAll => *STOPPED.lock().unwrap_or_else(PoisonError::into_inner) = true,
        // As SIGPIPE does.
        Defect::DiesOfLeavingClient => std::process::abort(),
        _ => {}
    }
}

/// What becomes of everybody when a client has sent what is no request.
pub fn malformed(defect: Defect) {
    if defect == Defect::MalformedStopsAll {
        *STOPPED.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

/// Waits for ever where a client that left has stopped everything.
pub fn wait_where_all_is_stopped() {
    while *STOPPED.lock().unwrap_or_else(PoisonError::into_inner) {
        std::thread::sleep(Duration::from_secs(1));
    }
}
