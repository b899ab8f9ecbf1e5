//! `streaming`: a body that comes in pieces with pauses, as from an application that works while it answers.
//!
//! A proxy that collects whole bodies before it sends any shows in the time of the first byte. The body is generated,
//! so it proves itself.

use serde::{Deserialize, Serialize};

use super::parts::{BodySpec, ResponseFraming};
use super::quantity::{Size, Span};
use super::reply::{Pauses, Reply};
use super::{Occasion, Respond};
use crate::content::Kind;

/// Settings of `streaming`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Streaming {
    /// Number of pieces.
    pub pieces: u32,
    /// Size of each; also that of its chunk.
    pub size: Size,
    /// Pause after each but the last.
    pub pause: Span,
    /// How the end of the body is marked: in chunks, one per piece, unless said otherwise.
    pub framing: Option<ResponseFraming>,
}

impl Default for Streaming {
    fn default() -> Self {
        let pause = Span(std::time::Duration::from_millis(100));
        Streaming { pieces: 10, size: Size(1024), pause, framing: None }
    }
}

impl Streaming {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let size = Size(self.size.0.saturating_mul(u64::from(self.pieces)));
        let framing = self.framing.unwrap_or(ResponseFraming::Chunked(self.size));
        let body = BodySpec { kind: Kind::Binary, size };
        let mut reply = Respond { body, framing, ..Respond::default() }.reply(occasion);
        reply.pauses = Some(Pauses { every_bytes: self.size.0, pause: self.pause.0 });
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;

    #[test]
    fn the_body_has_all_pieces() {
        let reply = reply_to(r#"{"streaming": {"pieces": 3, "size": "2KiB", "pause": "1ms"}}"#, "/", 1);
        assert_eq!(reply.body.size(), 6144);
        assert_eq!(reply.framing, ResponseFraming::Chunked(Size(2048)));
        assert_eq!(reply.pauses.unwrap().every_bytes, 2048);
    }
}
