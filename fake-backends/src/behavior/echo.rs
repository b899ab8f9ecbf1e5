//! `echo`: answers with what it saw of the request, as JSON.
//!
//! It shows a person, or a check, what a proxy made of a request: fields in order with duplicates, length and hash of
//! the body. Bytes appear as characters of the same number, so nothing is lost; the body itself is not sent back.

use serde::{Deserialize, Serialize};

use super::Occasion;
use super::parts::{FieldLine, Status};
use super::reply::{Reply, Source};
use crate::wire::{Field, WireBytes};

/// Settings of `echo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Echo {
    /// Status.
    pub status: Status,
    /// More fields, in this order. Without `Cache-Control: no-store` here a cache may keep the answer.
    pub fields: Vec<FieldLine>,
}

/// What an echo says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The backend.
    pub backend: String,
    /// The how-manieth request of that backend.
    pub number: u64,
    /// Method.
    pub method: String,
    /// Target as received.
    pub target: String,
    /// Version of HTTP.
    pub version: String,
    /// Names and values in order.
    pub fields: Vec<(String, WireBytes)>,
    /// Length of the body, without framing.
    pub body_bytes: u64,
    /// xxh3-64 of the body, in hexadecimal.
    pub body_hash: String,
    /// The first bytes of the body, at most 4 KiB.
    pub body_start: WireBytes,
    /// Fields after the last chunk.
    pub trailers: Vec<(String, WireBytes)>,
}

impl Default for Echo {
    fn default() -> Self {
        Echo { status: Status::OK, fields: Vec::new() }
    }
}

impl Echo {
    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let request = occasion.request;
        let pairs = |fields: &[Field]| fields.iter().map(|f| (f.name.clone(), f.value.clone())).collect();
        let seen = Seen {
            backend: occasion.stamp.backend.clone(),
            number: occasion.stamp.number,
            method: request.head.method.clone(),
            target: request.head.target.clone(),
            version: request.head.version.to_string(),
            fields: pairs(&request.head.fields),
            body_bytes: request.body_bytes,
            body_hash: format!("{:016x}", request.body_hash),
            body_start: request.body_start.clone(),
            trailers: pairs(&request.trailers),
        };
        let mut reply = Reply::stamped(self.status.code(), occasion);
        reply.field("Content-Type", "application/json");
        for line in &self.fields {
            reply.field(&line.name, &line.value);
        }
        // Strings, numbers and lists of them: this cannot fail.
        let mut text = serde_json::to_vec_pretty(&seen).unwrap_or_default();
        text.push(b'\n');
        reply.body = Source::Bytes(text);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;

    #[test]
    fn an_echo_holds_the_request() {
        let reply = reply_to(r#"{"echo": {"fields": ["Cache-Control: no-store"]}}"#, "/x?y=%20", 2);
        let Source::Bytes(text) = reply.body else { panic!("no bytes") };
        let seen: Seen = serde_json::from_slice(&text).unwrap();
        assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.number), ("GET", "/x?y=%20", 2));
        assert_eq!(seen.fields, [("Host".to_owned(), b"test"[..].into())]);
    }
}
