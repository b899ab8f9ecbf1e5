//! What the control of a running `fake-backends` tells of itself: the words shared by the program and whoever attaches to it.
//!
//! The program serves them beside its backends; a harness whose proxy already runs elsewhere reads them. It holds types alone.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// What `GET /state` answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The present moment, by the clock of the journal.
    pub now: Moment,
    /// Attempts in the journal.
    pub attempts: usize,
    /// The backends, in their order.
    pub backends: Vec<BackendState>,
}

/// One backend.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackendState {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
}
