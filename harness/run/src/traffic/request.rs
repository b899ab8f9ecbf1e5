//! A request as a step wants it sent, and its bytes.
//!
//! Steps compose requests, the clients send them. Repeated requests are byte-identical: no field names the exchange, since
//! a proxy that keys on the whole request would look as if it had no cache. Nothing here opens a socket.

use std::sync::Arc;
use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::content::{Content, Kind};
use fake_backends::wire::{Version, push_field, push_request_line};
use tokio_util::sync::CancellationToken;

use harness_model::history::Purpose;
use harness_model::plan::ClientKind;
use harness_model::terms::{Cut, Over};

/// One request to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Why.
    pub purpose: Purpose,
    /// By which client.
    pub client: ClientKind,
    /// Number within its step; see [`Exchange::number`](harness_model::history::Exchange::number).
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
    /// What it travels over; the raw client alone obeys it.
    pub over: Over,
    /// Whether its connection may be kept for the next one.
    pub keep: bool,
    /// Fields of its own, such as a token. Only the raw client sends them.
    pub fields: Vec<(&'static str, String)>,
    /// A body of JSON in the place of generated content. Only the raw client sends it.
    pub json: Option<String>,
    /// What is unusual about its bytes and about how they are sent; the raw client alone obeys it.
    pub shape: Option<Arc<Shape>>,
    /// Says before its time that nobody waits for its answer any more.
    pub given_up: CancellationToken,
}

/// What is unusual about a request.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// More fields, `Name: value`, in this order.
    pub fields: Vec<String>,
    /// Length in bytes of the value of one more field; zero: none.
    pub long_head_bytes: u64,
    /// Whether the body is sent in chunks.
    pub chunked: bool,
    /// Where the bytes are cut into segments.
    pub cut: Vec<Cut>,
    /// Pause between segments.
    pub pause: Duration,
    /// Whether the client speaks HTTP/1.0.
    pub http10: bool,
    /// The client resets its connection after so many bytes of a body; after none it closes it as soon as it has asked.
    pub leaves_after: Option<u64>,
    /// Whether keeping the connection is what it is about: then what must not be sent twice is sent on a kept one too.
    pub about_keeping: bool,
}

/// Length of the chunks of a chunked request: small, so that there are several of them.
const CHUNK_BYTES: usize = 700;

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
/// What requests say of whoever sends them: a head is to the letter what the curl program sends, so that a proxy which is well for us
/// is well for a person.
pub(super) const USER_AGENT: &str = "curl/8.14.1";

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
            over: Over::Plain,
            keep: false,
            fields: Vec::new(),
            json: None,
            shape: None,
            given_up: CancellationToken::new(),
        }
    }

    /// The same with a field more.
    pub fn with_field(mut self, name: &'static str, value: String) -> Request {
        self.fields.push((name, value));
        self
    }

    /// The same with the token of a user (RFC 6750 §2.1).
    pub fn bearing(self, token: &str) -> Request {
        self.with_field("Authorization", format!("Bearer {token}"))
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
        let version = match self.shape.as_deref() {
            Some(Shape { http10: true, .. }) => Version::Http10,
            _ => Version::Http11,
        };
        push_request_line(&mut head, &self.method, &self.target, version);
        push_field(&mut head, "Host", host);
        push_field(&mut head, "User-Agent", USER_AGENT);
        push_field(&mut head, "Accept", "*/*");
        let written_out = |name: &str| {
            let lines = self.shape.iter().flat_map(|shape| &shape.fields);
            lines.filter_map(|line| line.split_once(':')).any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        if self.has_body() {
            let kind = if self.json.is_some() { "application/json" } else { "application/octet-stream" };
            push_field(&mut head, "Content-Type", kind);
            match self.shape.as_deref() {
                Some(Shape { chunked: true, .. }) => push_field(&mut head, "Transfer-Encoding", "chunked"),
                // As the scenario spells it.
                _ if written_out("Content-Length") => {}
                _ => push_field(&mut head, "Content-Length", self.body_bytes.to_string()),
            }
        }
        if let Some(shape) = &self.shape {
            for line in &shape.fields {
                head.extend_from_slice(line.as_bytes());
                head.extend_from_slice(b"\r\n");
            }
            if shape.long_head_bytes > 0 {
                push_field(&mut head, "X-Long", "l".repeat(shape.long_head_bytes as usize));
            }
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

    /// Its bytes in the segments in which they are to be sent behind this head, and the pause between these.
    pub fn segments(&self, head: Vec<u8>) -> (Vec<Vec<u8>>, Duration) {
        let body = self.body();
        let Some(shape) = &self.shape else { return (vec![[head, body].concat()], Duration::ZERO) };
        let body = if shape.chunked { in_chunks(&body) } else { body };
        let (length, whole) = (head.len(), [head, body].concat());
        let mut places: Vec<usize> = shape
            .cut
            .iter()
            .map(|cut| match cut {
                Cut::InHead => length / 2,
                Cut::AfterHead => length,
                Cut::InBody => length + (whole.len() - length) / 2,
            })
            .filter(|&place| place > 0 && place < whole.len())
            .collect();
        places.sort_unstable();
        places.dedup();
        let ends = places.iter().copied().chain([whole.len()]);
        let begins = [0].into_iter().chain(places.iter().copied());
        (begins.zip(ends).map(|(from, to)| whole[from..to].to_vec()).collect(), shape.pause)
    }

    /// A POST or PUT says that its body is empty (RFC 9110 §8.6).
    fn has_body(&self) -> bool {
        self.body_bytes > 0 || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH")
    }
}

fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(CHUNK_BYTES) {
        out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
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
            "GET /a HTTP/1.1\r\nHost: 127.0.0.1:80\r\nUser-Agent: curl/8.14.1\r\nAccept: */*\r\n\r\n"
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
    fn a_length_that_is_written_out_is_the_only_one() {
        let mut post = Request::get(Purpose::Exact, 0, "/a".into(), Moment(0));
        (post.method, post.body_bytes) = ("POST".into(), 100);
        let fields = vec!["content-length: 100".to_owned()];
        post.shape = Some(Arc::new(Shape { fields, ..Shape::default() }));
        let head = String::from_utf8(post.head("h")).unwrap();
        assert!(head.contains("content-length: 100\r\n") && !head.contains("Content-Length"), "{head}");
    }

    #[test]
    fn segments_are_cut_where_the_shape_says_and_lose_nothing() {
        let mut post = Request::get(Purpose::Exact, 0, "/a".into(), Moment(0));
        (post.method, post.body_bytes) = ("POST".into(), 1_000);
        let whole = post.segments(post.head("h")).0.concat();
        let cut = vec![Cut::InBody, Cut::InHead, Cut::AfterHead];
        post.shape = Some(Arc::new(Shape { cut, ..Shape::default() }));
        let (segments, _) = post.segments(post.head("h"));
        assert_eq!((segments.len(), segments.concat() == whole), (4, true));
        assert!(segments[1].ends_with(b"\r\n\r\n"));
        post.shape = Some(Arc::new(Shape { chunked: true, ..Shape::default() }));
        let chunked = String::from_utf8_lossy(&post.segments(post.head("h")).0.concat()).into_owned();
        assert!(chunked.contains("Transfer-Encoding: chunked") && !chunked.contains("Content-Length"));
        assert!(chunked.contains("\r\n\r\n2bc\r\n") && chunked.ends_with("\r\n0\r\n\r\n"));
    }

    #[test]
    fn placeholders_become_numbers() {
        let numbers = Numbers { n: 12, batch: 3, cycle: 1 };
        assert_eq!(expand("/{cycle}/{batch}/{n}?k={key}", numbers), "/1/3/12?k=12");
        assert_eq!(expand("/plain", numbers), "/plain");
    }
}
