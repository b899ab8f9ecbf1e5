//! One backend as the balancer sees it, and the guard that counts a request to it.
//!
//! `set` keeps members and hands out choices. A member holds no connection; what it knows of its health
//! others have reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::health::{Marks, Standing};
use crate::config::Backend;

/// Names a backend for as long as the process lives, also across reloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(pub(super) u64);

/// A backend and what is known of it.
#[derive(Debug)]
pub struct Member {
    /// Its name in this process.
    pub id: BackendId,
    /// `HOST:PORT`.
    pub address: Arc<str>,
    /// Its share of the turns.
    pub weight: u32,
    /// The most requests that may be open at any time.
    pub max_connections: Option<usize>,
    /// Shared with the members that stand for the same backend in older and newer sets.
    pub(super) marks: Arc<Marks>,
    open: Arc<AtomicUsize>,
    room: Arc<Notify>,
}

impl Member {
    pub(super) fn new(id: BackendId, backend: &Backend, known: Option<&Self>, room: &Arc<Notify>) -> Self {
        Self {
            id,
            address: backend.address.as_str().into(),
            weight: backend.weight.max(1),
            max_connections: backend.max_connections,
            marks: known.map(|known| Arc::clone(&known.marks)).unwrap_or_default(),
            open: known.map(|known| Arc::clone(&known.open)).unwrap_or_default(),
            room: Arc::clone(room),
        }
    }

    /// Whether it takes part in the rotation.
    pub fn standing(&self) -> Standing {
        self.marks.standing()
    }

    /// Requests that were sent to it and are not finished.
    pub fn open_requests(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts one more request, unless the limit is reached.
    pub(super) fn try_open(self: &Arc<Self>, is_trial: bool) -> Option<Choice> {
        match self.max_connections {
            None => {
                self.open.fetch_add(1, Ordering::Relaxed);
            }
            Some(limit) => {
                let add = |open| (open < limit).then_some(open + 1);
                self.open.fetch_update(Ordering::AcqRel, Ordering::Relaxed, add).ok()?;
            }
        }
        Some(Choice { member: Arc::clone(self), is_trial, is_reported: false })
    }
}

/// A backend that was picked; the request counts as open until this is dropped.
#[derive(Debug)]
pub struct Choice {
    member: Arc<Member>,
    is_trial: bool,
    pub(super) is_reported: bool,
}

impl Choice {
    /// Which backend it is.
    pub fn id(&self) -> BackendId {
        self.member.id
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &Arc<str> {
        &self.member.address
    }

    /// The backend itself.
    pub fn member(&self) -> &Arc<Member> {
        &self.member
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        self.member.open.fetch_sub(1, Ordering::AcqRel);
        if self.is_trial && !self.is_reported {
            // The client left before anything was known; the next request is the trial.
            self.member.marks.give_trial_again();
        }
        if self.member.max_connections.is_some() {
            self.member.room.notify_one();
        }
    }
}
