//! When to send and how: the steps that ask something of the proxy, one file a kind.
//!
//! The conductor calls the one function of each step in order. Everything runs on one thread with its own event loop, so
//! that "together" and "one after the other" are exact; a step is ended early by dropping its future. It knows nothing of
//! processes, and judges nothing.

pub mod batches;
pub mod callers;
pub mod capacity;
pub mod client;
pub mod crash_load;
pub mod deliveries;
pub mod exact;
pub mod fill;
pub mod first_look;
pub mod handshakes;
mod keys;
mod ladder;
pub mod load;
mod misuse;
pub mod origins;
pub mod overlap;
pub mod overload;
pub mod overtake;
mod pacing;
pub mod probe;
mod quiescence;
mod request;
pub mod reread;
pub mod serial;
pub mod sliding;
mod streams;
pub mod uploads;
pub mod users;
pub mod votes;
mod worker;

pub use client::{Clients, Connection};
pub use keys::{FilledKey, KeyBook};
pub use pacing::Pacer;
pub use request::{Numbers, PATIENCE, Request, Shape, expand};

use std::time::Duration;

use fake_backends::behavior::Random;
use fake_backends::journal::Journal;

use harness_model::adapter::Capabilities;

/// Some proxies store after their client has its last byte, and wait for their disk then.
const STORED_WITHIN: Duration = Duration::from_millis(100);

/// What every step of traffic works with.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Those who send.
    pub clients: Clients,
    /// What the backends have seen: read for barriers and quiescence, never for verdicts.
    pub journal: Journal,
    /// What the adapter declares: how long a store may take.
    pub capabilities: Capabilities,
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether the step is carried out for the second time.
    pub second_try: bool,
}

impl Traffic {
    /// After so long what was answered may be asked for again, as something that is stored.
    pub(crate) fn stored_within(&self) -> Duration {
        self.clients.strain().stretched(self.capabilities.store_lag.max(STORED_WITHIN))
    }

    /// A target of a step. That of a second try is another one, because the first may be cached by now; the backends'
    /// routes look at the path alone.
    fn target(&self, path: &str, numbers: Numbers) -> String {
        let target = expand(path, numbers);
        match (self.second_try, target.contains('?')) {
            (false, _) => target,
            (true, false) => target + "?again",
            (true, true) => target + "&again",
        }
    }

    /// Random numbers of a step: the same for the same seed, others for another step.
    pub fn random(&self, step: usize) -> Random {
        Random::new(self.seed ^ (step as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

/// Why a step could not be carried out.
pub use harness_model::history::StepProblem as Problem;
