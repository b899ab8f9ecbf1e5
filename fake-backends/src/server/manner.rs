//! How the backends of a run treat connections and bodies, whatever their scripts say; it may change while they run.
//!
//! Whoever holds the world sets it, connections follow it from their next answer on; those that are idle at once. It decides
//! nothing by itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::behavior::{Plan, Span};

/// How backends treat connections and bodies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manner {
    /// A connection that has been answered and on which nothing comes for so long is closed, as by Apache after five seconds;
    /// never where nothing is said. One whose plan is never to close stays.
    pub idle: Option<Span>,
    /// Whether each answer says `Connection: close` and ends its connection, unless its plan says what becomes of that.
    pub closes: bool,
    /// Whether generated bodies are text, of the same length.
    pub text: bool,
    /// What every request gets in place of what its script says.
    pub instead: Option<Plan>,
}

/// The manner in force. Clones share it.
#[derive(Clone, Debug)]
pub struct Manners {
    sender: watch::Sender<Manner>,
}

impl Default for Manners {
    fn default() -> Self {
        Manners { sender: watch::Sender::new(Manner::default()) }
    }
}

impl Manners {
    /// Puts a manner in force.
    pub fn set(&self, manner: Manner) {
        self.sender.send_replace(manner);
    }

    /// Changes the manner in force.
    pub fn change(&self, change: impl FnOnce(&mut Manner)) {
        self.sender.send_modify(change);
    }

    /// The manner in force.
    pub fn now(&self) -> Manner {
        self.sender.borrow().clone()
    }

    /// Returns when a connection that became idle now has been so for long enough, by the manners that are in force meanwhile.
    pub(super) async fn idle_time_is_over(&self) {
        let began = tokio::time::Instant::now();
        let mut changes = self.sender.subscribe();
        loop {
            let left = {
                let manner = changes.borrow_and_update();
                if manner.closes { Some(Duration::ZERO) } else { manner.idle.map(|idle| idle.0) }
            };
            let over = async {
                match left {
                    Some(idle) => tokio::time::sleep_until(began + idle).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // The sender lives as long as `self`.
                _ = changes.changed() => {}
            }
        }
    }
}
