//! `misframe`: answers with a message that is wrong in one exact way.
//!
//! Each flaw is one that smuggles, desynchronises or crashes; a proxy must not pass it on as it is. The rest of the
//! answer is right, so that what happens is due to the flaw alone.

use serde::{Deserialize, Serialize};

use super::flaw::Flaw;
use super::reply::Reply;
use super::{Occasion, Plan};

/// Settings of `misframe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Misframe {
    /// What is wrong.
    pub how: Flaw,
    /// The answer that is spoilt.
    #[serde(default)]
    pub then: Box<Plan>,
}

impl Misframe {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let mut reply = self.then.reply(occasion);
        match self.how {
            Flaw::FoldedField => reply.lines.extend_from_slice(b"X-Folded: one\r\n two\r\n"),
            Flaw::LineWithoutColon => reply.lines.extend_from_slice(b"this line has no colon\r\n"),
            Flaw::NulInField => reply.field("X-Nul", b"a\0b"),
            // The others concern framing, which is written when the reply is sent.
            _ => {}
        }
        reply.flaw = Some(self.how);
        reply
    }
}
