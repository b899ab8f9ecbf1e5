//! What can be wrong with the framing of an answer: the vocabulary of `misframe`.
//!
//! A script names a flaw, a reply carries it, and the server commits it while it writes. Nothing is done here.

use serde::{Deserialize, Serialize};

use super::quantity::Size;

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
