//! `reset`: resets the connection, before the answer or in the middle of it.
//!
//! The other end sees ECONNRESET, as when a process is killed with data unread or a machine forgets its connections.
//! Whether bytes sent before the reset arrive is up to the network.

use serde::{Deserialize, Serialize};

use super::hang::Place;
use super::reply::{CutHow, Reply};
use super::{Occasion, Plan};

/// Settings of `reset`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// Where the answer is torn.
    pub at: Place,
    /// The answer that is torn.
    pub then: Box<Plan>,
}

impl Reset {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        reply.cut = Some(self.at.cut(CutHow::Reset));
        reply
    }
}
