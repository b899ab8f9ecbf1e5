//! A request as a step wants it sent, and its bytes.
//!
//! Steps compose requests, the clients send them. Repeated requests are byte-identical: no field names the exchange, since
//! a proxy that keys on the whole request would look as if it had no cache. Nothing here opens a socket.

use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::content::{Content, Kind};
use fake_backends::wire::{Version, push_field, push_request_line};

use crate::history::Purpose;
use crate::plan::ClientKind;

/// One request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Why.
    pub purpose: Purpose,
    /// By which client.
    pub client: ClientKind,
    /// Number within its step; see [`Exchange::number`](crate::history::Exchange::number).
    pub number: u32,
    /// Batch or cycle.
    pub group: u32,
    /// Method.
    pub method: String,
    /// Target.
    pub target: String,
    /// Length of the body in bytes; zero for none. Its bytes are generated content of the target.
    pub body_bytes: u64,
    /// When it is due.
    pub intended: Moment,
    /// How long after it is due, or sent where that is later, its answer must be complete.
    pub timeout: Duration,
    /// Whether its connection may be kept for the next one.
    pub keep: bool,
    /// Fields of its own, such as a token. Only the raw client sends them.
    pub fields: Vec<(&'static str, String)>,
    /// A body of JSON in the place of generated content. Only the raw client sends it.
    pub json: Option<String>,
}

/// The numbers that the placeholders of a target stand for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    /// `{n}` and `{key}`.
    pub n: u64,
    /// `{batch}`.
    pub batch: u32,
    /// `{cycle}`.
    pub cycle: u32,
}

/// A request takes no longer than this, unless its step says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

impl Request {
    /// A GET by the raw client on a connection of its own, due at a moment.
    pub fn get(purpose: Purpose, number: u32, target: String, intended: Moment) -> Request {
        Request {
            purpose,
            client: ClientKind::Raw,
            number,
            group: 0,
            method: "GET".into(),
            target,
            body_bytes: 0,
            intended,
            timeout: PATIENCE,
            keep: false,
            fields: Vec::new(),
            json: None,
        }
    }

    /// The same with a field more.
    pub fn with_field(mut self, name: &'static str, value: String) -> Request {
        self.fields.push((name, value));
        self
    }

    /// The same as a POST of this JSON.
    pub fn posting(mut self, json: String) -> Request {
        self.method = "POST".into();
        self.body_bytes = json.len() as u64;
        self.json = Some(json);
        self
    }

    /// The same in a batch or cycle.
    pub fn in_group(mut self, group: u32) -> Request {
        self.group = group;
        self
    }

    /// Its head as the raw client sends it. `host` is the value of `Host`.
    pub fn head(&self, host: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(128 + self.target.len());
        push_request_line(&mut head, &self.method, &self.target, Version::Http11);
        push_field(&mut head, "Host", host);
        push_field(&mut head, "User-Agent", "harness");
        push_field(&mut head, "Accept", "*/*");
        if self.has_body() {
            let kind = if self.json.is_some() { "application/json" } else { "application/octet-stream" };
            push_field(&mut head, "Content-Type", kind);
            push_field(&mut head, "Content-Length", self.body_bytes.to_string());
        }
        for (name, value) in &self.fields {
            push_field(&mut head, name, value);
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    /// Its body: content generated for its target, so that a backend that stores it can be asked what came.
    pub fn body(&self) -> Vec<u8> {
        if let Some(json) = &self.json {
            return json.clone().into_bytes();
        }
        if self.body_bytes == 0 {
            return Vec::new();
        }
        Content::new(&self.target, 0, self.body_bytes, Kind::Binary).to_vec()
    }

    /// A POST or PUT says that its body is empty (RFC 9110 §8.6).
    fn has_body(&self) -> bool {
        self.body_bytes > 0 || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH")
    }
}

/// A target with its placeholders replaced.
pub fn expand(path: &str, numbers: Numbers) -> String {
    if !path.contains('{') {
        return path.to_owned();
    }
    let n = numbers.n.to_string();
    path.replace("{n}", &n)
        .replace("{key}", &n)
        .replace("{batch}", &numbers.batch.to_string())
        .replace("{cycle}", &numbers.cycle.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_requests_are_byte_identical() {
        let at = |moment| Request::get(Purpose::Probe, 7, "/a".into(), Moment(moment)).head("127.0.0.1:80");
        assert_eq!(at(1), at(2));
        let text = String::from_utf8(at(1)).unwrap();
        assert_eq!(
            text,
            "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: harness\r\nAccept: */*\r\n\r\n"
        );
    }

    #[test]
    fn a_post_announces_its_body_also_when_it_is_empty() {
        let mut post = Request::get(Purpose::Serial, 0, "/a".into(), Moment(0));
        post.method = "POST".into();
        assert!(String::from_utf8(post.head("h")).unwrap().contains("Content-Length: 0\r\n"));
        post.body_bytes = 100;
        assert_eq!(post.body().len(), 100);
    }

    #[test]
    fn placeholders_become_numbers() {
        let numbers = Numbers { n: 12, batch: 3, cycle: 1 };
        assert_eq!(expand("/{cycle}/{batch}/{n}?k={key}", numbers), "/1/3/12?k=12");
        assert_eq!(expand("/plain", numbers), "/plain");
    }
}
