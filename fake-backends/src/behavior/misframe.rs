//! `misframe`: answers with a message that is wrong in one exact way.
//!
//! Each flaw is one that smuggles, desynchronises or crashes; a proxy must not pass it on as it is. The rest of the
//! answer is right, so that what happens is due to the flaw alone.

use serde::{Deserialize, Serialize};

use super::quantity::Size;
use super::reply::Reply;
use super::{Occasion, Plan};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// A chunk size that is no number.
    BadChunkSize,
    /// Both `Content-Length` and `Transfer-Encoding: chunked`; the body is chunked.
    ChunkedAndLength,
    /// Two `Content-Length` fields that differ.
    TwoLengths,
    /// A `Content-Length` that is no number.
    LengthNoNumber,
    /// This many bytes after the end of the answer.
    ExtraBytes(Size),
    /// A body in an answer to HEAD.
    BodyToHead,
    /// Lines of the head that end in LF alone.
    BareLineFeeds,
    /// A field that goes on in the next line (RFC 9112 §5.2: obsolete).
    FoldedField,
    /// A line of the head without a colon.
    LineWithoutColon,
    /// A field with a NUL in its value.
    NulInField,
    /// A status that is no number.
    BadStatus,
}

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
