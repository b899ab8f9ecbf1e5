//! `respond`: a status, fields and a body that proves itself.
//!
//! It is what a healthy application does, and what the other behaviours change. By default it sends `ETag` and
//! `Content-Length` and states neither a lifetime nor a date, which would start caches' clocks on their own terms.

use serde::{Deserialize, Serialize};

use super::parts::{BodySpec, FieldLine, Persistence, ResponseFraming, Status};
use super::reply::{Reply, Source};
use super::{Occasion, Size};
use crate::content::Kind;
use crate::wire::{fields_named, push_number};

/// Settings of `respond`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Respond {
    /// Status.
    pub status: Status,
    /// Size and kind of the generated body, which depends on path, query and version only.
    pub body: BodySpec,
    /// This text instead of a generated body.
    pub text: Option<String>,
    /// `Content-Type`; chosen by the kind of the body where nothing is said, absent where this is empty.
    pub content_type: Option<String>,
    /// More fields, in this order.
    pub fields: Vec<FieldLine>,
    /// How the end of the body is marked.
    pub framing: ResponseFraming,
    /// Whether an `ETag` is sent.
    pub etag: bool,
    /// Whether a `Date` is sent.
    pub date: bool,
    /// Whether a matching `If-None-Match` is answered with 304.
    pub not_modified: bool,
    /// Whether the answer names its backend and number (`X-Backend`, `X-Answer`).
    pub stamp: bool,
    /// What becomes of the connection.
    pub persistence: Persistence,
}

impl Default for Respond {
    fn default() -> Self {
        Respond {
            status: Status::OK,
            body: BodySpec::default(),
            text: None,
            content_type: None,
            fields: Vec::new(),
            framing: ResponseFraming::ContentLength,
            etag: true,
            date: false,
            not_modified: false,
            stamp: true,
            persistence: Persistence::KeepOpen,
        }
    }
}

impl Respond {
    /// A body of this size, and the defaults otherwise.
    pub fn with_body(size_bytes: u64) -> Respond {
        Respond { body: BodySpec { kind: Kind::Binary, size: Size(size_bytes) }, ..Respond::default() }
    }

    pub(super) fn reply(&self, occasion: &mut Occasion<'_>) -> Reply {
        let code = self.status.code();
        let mut reply = if self.stamp { Reply::stamped(code, occasion) } else { Reply::bare(code) };
        let kind = if occasion.in_text { Kind::Text } else { self.body.kind };
        let tag = match &self.text {
            Some(text) => {
                reply.body = Source::Bytes(text.clone().into_bytes());
                xxhash_rust::xxh3::xxh3_64(text.as_bytes())
            }
            None => {
                let content =
                    BodySpec { kind, ..self.body }.content(occasion.key(), occasion.version, occasion.secret);
                let tag = content.seed();
                reply.body = Source::Content(content);
                tag
            }
        };
        if self.date {
            let now = occasion.clock.wall_start() + occasion.now.since(crate::clock::Moment(0));
            reply.field("Date", httpdate::fmt_http_date(now));
        }
        self.push_content_type(&mut reply, kind);
        if self.etag {
            reply.lines.extend_from_slice(b"ETag: \"");
            push_number(&mut reply.lines, tag);
            reply.lines.extend_from_slice(b"\"\r\n");
        }
        for line in &self.fields {
            reply.field(&line.name, &line.value);
        }
        reply.framing = self.framing;
        reply.persistence = self.persistence;
        if self.not_modified && code == 200 && matches_tag(occasion, tag) {
            reply.status = 304;
            reply.body = Source::Bytes(Vec::new());
        }
        reply
    }

    fn push_content_type(&self, reply: &mut Reply, kind: Kind) {
        let is_text = self.text.is_some() || kind != Kind::Binary;
        match self.content_type.as_deref() {
            Some("") => {}
            Some(written) => reply.field("Content-Type", written),
            None if is_text => reply.field("Content-Type", "text/plain; charset=utf-8"),
            None => reply.field("Content-Type", "application/octet-stream"),
        }
    }
}

/// Whether the client has this very content already (RFC 9110 §13.1.2; weak comparison).
fn matches_tag(occasion: &Occasion<'_>, tag: u64) -> bool {
    let ours = format!("\"{tag}\"");
    fields_named(&occasion.request.head.fields, "If-None-Match")
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|element| element == b"*" || element.strip_prefix(b"W/").unwrap_or(element) == ours.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::occasion::reply_to;
    use super::*;
    use crate::content::{Secret, verify};

    #[test]
    fn the_default_answer_states_neither_lifetime_nor_date() {
        let reply = reply_to(r#"{"respond": {}}"#, "/a?b", 3);
        let lines = String::from_utf8(reply.lines).unwrap();
        assert!(lines.starts_with("X-Backend: b1\r\nX-Answer: 3\r\n"), "{lines}");
        assert!(lines.contains("ETag: \"") && !lines.contains("Date") && !lines.contains("Last-Modified"));
        let Source::Content(content) = reply.body else { panic!("no content") };
        assert!(verify(&content.to_vec(), Secret::NONE).unwrap().is_of("/a?b", 1, Secret::NONE));
    }

    #[test]
    fn everything_can_be_said() {
        let plan = r#"{"respond": {"status": 404, "text": "no", "fields": ["A: 1", "A: 2"], "date": true,
            "framing": {"chunked": "1KiB"}, "etag": false, "stamp": false, "persistence": "close"}}"#;
        let reply = reply_to(plan, "/a", 1);
        let lines = String::from_utf8(reply.lines).unwrap();
        assert!(
            lines.contains("A: 1\r\nA: 2\r\n") && lines.contains("Date: ") && !lines.contains("X-Backend")
        );
        assert_eq!((reply.status, reply.body), (404, Source::Bytes(b"no".to_vec())));
        assert_eq!(reply.framing, ResponseFraming::Chunked(Size(1024)));
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<super::super::Plan>(r#"{"respond": {"staus": 404}}"#).is_err());
        assert!(serde_json::from_str::<super::super::Plan>(r#"{"respond": {"status": 99}}"#).is_err());
    }
}
