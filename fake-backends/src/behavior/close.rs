//! `close`: reads the request and closes the connection without an answer.
//!
//! It is what a crashing application looks like from outside. A backend that does not even accept is `accept: refuse` of
//! the script's connections.

use serde::{Deserialize, Serialize};

use super::Occasion;
use super::reply::{Cut, CutHow, CutPlace, Reply};

/// Settings of `close`: there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Close {}

impl Close {
    pub(super) fn reply(&self, _occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = Reply::bare(200);
        reply.cut = Some(Cut { place: CutPlace::BeforeHead, how: CutHow::Close });
        reply
    }
}
