//! Takes a response apart as it comes: head, body, what its content says of itself, what lies beyond its end.
//!
//! All kinds of clients push their bytes here. Memory is constant whatever the size of a body. It never reads a socket.

use fake_backends::clock::Moment;
use fake_backends::content::{Damage, Identity, Secret, Verifier};
use fake_backends::journal::BODY_KEPT_BYTES;
use fake_backends::stamp::Claim;
use fake_backends::wire::{Ending, ResponseEvent, ResponseHead, ResponseReader};
use xxhash_rust::xxh3::Xxh3;

use harness_model::history::{BodySeen, ContentSeen, Cut, ExchangeEnd, ResponseSeen, WireBytes};

/// A head longer than this is malformed.
const HEAD_LIMIT: usize = 256 << 10;
/// Bytes kept of content that proved whole; enough for its name.
const KEPT_OF_WHOLE: usize = 128;
/// Versions that anonymous content is compared with.
const VERSIONS: u64 = 16;

/// A response as far as it has come.
pub(super) struct ResponseObserver {
    secret: Secret,
    reader: ResponseReader,
    head: Option<ResponseHead>,
    head_received: Option<Moment>,
    body: BodyObserver,
    extra_bytes: u64,
    malformed: Option<String>,
}

/// A body as far as it has come.
pub(super) struct BodyObserver {
    secret: Secret,
    bytes: u64,
    hash: Xxh3,
    start: Vec<u8>,
    content: Verifier,
}

impl ResponseObserver {
    /// Of a response to this method, in a run whose answers are proven by this secret.
    pub(super) fn new(method: &str, secret: Secret) -> ResponseObserver {
        ResponseObserver {
            secret,
            reader: ResponseReader::new(HEAD_LIMIT, method == "HEAD"),
            head: None,
            head_received: None,
            body: BodyObserver::new(secret),
            extra_bytes: 0,
            malformed: None,
        }
    }

    /// Takes bytes; says whether the response is over, well or not.
    pub(super) fn push(&mut self, mut input: &[u8], at: Moment) -> bool {
        let over = self.push_some(&mut input, at);
        if self.reader.is_complete() {
            self.extra_bytes += input.len() as u64;
        }
        over
    }

    /// The same, but what follows after the end of the response stays in `input`: it may be the next response.
    pub(super) fn push_some(&mut self, input: &mut &[u8], at: Moment) -> bool {
        loop {
            match self.reader.next(input) {
                Ok(Some(ResponseEvent::Head(head))) => {
                    self.head_received = Some(at);
                    self.head = Some(*head);
                }
                Ok(Some(ResponseEvent::Body(data))) => self.body.push(data),
                Ok(Some(ResponseEvent::Informational(_) | ResponseEvent::Trailers(_))) => {}
                Ok(Some(ResponseEvent::Complete) | None) => break,
                Err(error) => {
                    self.malformed = Some(error.to_string());
                    return true;
                }
            }
        }
        self.reader.is_complete()
    }

    /// Bytes of the body so far.
    pub(super) fn body_bytes(&self) -> u64 {
        self.body.bytes
    }

    /// The other end has closed, or reset with `error`; how the exchange ended.
    pub(super) fn closed(&mut self, error: Option<&std::io::Error>) -> ExchangeEnd {
        let error_said = error.map(ToString::to_string);
        let ending = if error.is_some() && self.reader.body_received() > 0 && !self.reader.is_complete() {
            // A body that ends with the connection ends with an orderly close only.
            Ending::InBody { received: self.reader.body_received(), announced: None }
        } else {
            self.reader.end()
        };
        match ending {
            Ending::Complete => ExchangeEnd::Complete,
            Ending::Nothing => ExchangeEnd::ClosedWithoutAnswer,
            Ending::InHead { received } => {
                ExchangeEnd::CutShort(Cut::Head { head_bytes: received, error: error_said })
            }
            Ending::InBody { received, announced } => {
                ExchangeEnd::CutShort(Cut::Body { body_bytes: received, announced, error: error_said })
            }
        }
    }

    /// How it ended, once `push` has said that it is over.
    pub(super) fn end(&self) -> ExchangeEnd {
        match &self.malformed {
            Some(reason) => ExchangeEnd::Malformed(reason.clone()),
            None => ExchangeEnd::Complete,
        }
    }

    /// Bytes that were found beyond the end of a complete response.
    pub(super) fn add_extra(&mut self, bytes: usize) {
        self.extra_bytes += bytes as u64;
    }

    /// Whether the connection may be used again.
    pub(super) fn keeps_alive(&self) -> bool {
        self.extra_bytes == 0
            && self.malformed.is_none()
            && self.reader.is_complete()
            && self.head.as_ref().is_some_and(ResponseHead::keeps_alive)
    }

    pub(super) fn head_received(&self) -> Option<Moment> {
        self.head_received
    }

    /// The response as far as it came; `None` where its head never was complete.
    pub(super) fn into_response(self, method: &str, target: &str) -> Option<ResponseSeen> {
        let head = self.head?;
        let claim = head.claim(self.secret);
        let body = self.body.finish(method, target, head.status, self.extra_bytes);
        Some(response(head.status, head.raw.0, body, claim))
    }
}

impl BodyObserver {
    pub(super) fn new(secret: Secret) -> BodyObserver {
        BodyObserver {
            secret,
            bytes: 0,
            hash: Xxh3::new(),
            start: Vec::new(),
            content: Verifier::new(secret),
        }
    }

    pub(super) fn push(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        self.hash.update(data);
        let room = BODY_KEPT_BYTES.saturating_sub(self.start.len()).min(data.len());
        self.start.extend_from_slice(&data[..room]);
        self.content.push(data);
    }

    pub(super) fn finish(self, method: &str, target: &str, status: u16, extra_bytes: u64) -> BodySeen {
        let content = content_of((self.content, self.secret), self.bytes, method, target, status);
        let mut start = self.start;
        if matches!(content, Some(ContentSeen::Whole { .. })) {
            // It can be made again from its name: a record of thousands of right answers need not hold their bytes.
            start.truncate(KEPT_OF_WHOLE);
        }
        BodySeen {
            bytes: self.bytes,
            hash: self.hash.digest(),
            start: WireBytes(start),
            extra_bytes,
            content,
        }
    }
}

/// What generated content says of itself. Answers that have no body, and error pages, are not generated content.
fn content_of(
    (verifier, secret): (Verifier, Secret),
    bytes: u64,
    method: &str,
    target: &str,
    status: u16,
) -> Option<ContentSeen> {
    if method == "HEAD" || matches!(status, 204 | 304) || (bytes == 0 && status != 200) {
        return None;
    }
    // A proxy's own words for "bad gateway", or a page of another server, are no content, however few bytes they are.
    let is_error = !(200..300).contains(&status);
    Some(match verifier.finish() {
        Ok(Identity::Named { key, version, .. }) => ContentSeen::Whole { key, version },
        Ok(identity) => {
            let version = (0..VERSIONS).find(|&version| identity.is_of(target, version, secret));
            match version {
                Some(version) => ContentSeen::Whole { key: target.to_owned(), version },
                None if is_error => return None,
                None => ContentSeen::Damaged("these few bytes are not those of this target".to_owned()),
            }
        }
        Err(Damage::Foreign(_)) if is_error => return None,
        Err(damage) => ContentSeen::Damaged(damage.to_string()),
    })
}

/// A response of this status, whose head claims this: what no backend gave is no content of theirs, whatever its bytes are.
pub(super) fn response(status: u16, head: Vec<u8>, mut body: BodySeen, claim: Claim) -> ResponseSeen {
    if let Claim::Forged(stamp) = &claim
        && !matches!(body.content, Some(ContentSeen::Damaged(_)))
    {
        body.content = Some(ContentSeen::Damaged(format!(
            "no backend of this run ever gave it: its stamp is \"{stamp}\""
        )));
    }
    ResponseSeen { status, head: WireBytes(head), body, stamp: claim.into_stamp() }
}

#[cfg(test)]
mod tests {
    use fake_backends::content::{Content, Kind};

    use super::*;

    fn observed(target: &str, body: &[u8], extra: &[u8]) -> (ExchangeEnd, ResponseSeen) {
        let mut observer = ResponseObserver::new("GET", Secret::NONE);
        let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        bytes.extend_from_slice(extra);
        assert!(observer.push(&bytes, Moment(5)));
        let end = observer.end();
        assert_eq!(observer.keeps_alive(), extra.is_empty());
        (end, observer.into_response("GET", target).unwrap())
    }

    #[test]
    fn content_says_whose_it_is_and_whether_it_is_whole() {
        for size in [5, 40, 5000] {
            let mut bytes = Content::new("/a", 1, size, Kind::Binary).to_vec();
            let whole = Some(ContentSeen::Whole { key: "/a".into(), version: 1 });
            assert_eq!(observed("/a", &bytes, b"").1.body.content, whole, "{size}");
            *bytes.last_mut().unwrap() ^= 1;
            let content = observed("/a", &bytes, b"").1.body.content;
            assert!(matches!(content, Some(ContentSeen::Damaged(_))), "{size}: {content:?}");
        }
        let other = Content::new("/b", 1, 5000, Kind::Text).to_vec();
        let whole = Some(ContentSeen::Whole { key: "/b".into(), version: 1 });
        assert_eq!(
            observed("/a", &other, b"").1.body.content,
            whole,
            "the check compares it with the target"
        );
    }

    #[test]
    fn an_error_page_is_no_content_however_short() {
        let page = |status: u16, body: &str| {
            let mut observer = ResponseObserver::new("GET", Secret::NONE);
            let bytes = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            assert!(observer.push(bytes.as_bytes(), Moment(5)));
            observer.into_response("GET", "/a").unwrap().body.content
        };
        for body in ["oops", "<html><body>the origin is out of reach, try again</body></html>"] {
            assert_eq!(page(502, body), None, "{body}");
            assert!(matches!(page(200, body), Some(ContentSeen::Damaged(_))), "{body}");
        }
    }

    #[test]
    fn an_answer_whose_stamp_no_backend_gave_is_named_as_such() {
        let secret = Secret::drawn();
        let body = secret.content("/a", 1, 100, Kind::Binary).to_vec();
        let content = |stamp: &str| {
            let mut observer = ResponseObserver::new("GET", secret);
            let head = format!("HTTP/1.1 200 OK\r\n{stamp}Content-Length: 100\r\n\r\n");
            assert!(observer.push(&[head.as_bytes(), &body].concat(), Moment(5)));
            let response = observer.into_response("GET", "/a").unwrap();
            (response.stamp.is_some(), response.body.content.unwrap())
        };
        let mut given = Vec::new();
        fake_backends::stamp::Stamp { backend: "b1".into(), number: 7 }.push_lines(&mut given, secret);
        let whole = ContentSeen::Whole { key: "/a".into(), version: 1 };
        assert_eq!(content(&String::from_utf8(given).unwrap()), (true, whole.clone()));
        assert_eq!(content(""), (false, whole), "a proxy may leave it out");
        let (stamped, ContentSeen::Damaged(how)) = content("X-Backend: b1\r\nX-Answer: 7\r\n") else {
            panic!()
        };
        assert!(!stamped && how.contains("no backend of this run ever gave it"), "{how}");
    }

    #[test]
    fn bytes_beyond_the_end_are_counted() {
        let body = Content::new("/a", 1, 100, Kind::Binary).to_vec();
        let (end, response) = observed("/a", &body, b"xyz");
        assert_eq!((end, response.body.extra_bytes), (ExchangeEnd::Complete, 3));
    }

    #[test]
    fn an_end_before_the_end_says_where_it_was() {
        let mut observer = ResponseObserver::new("GET", Secret::NONE);
        assert_eq!(observer.closed(None), ExchangeEnd::ClosedWithoutAnswer);
        observer.push(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Moment(0));
        let end = observer.closed(None);
        let cut = Cut::Body { body_bytes: 3, announced: Some(9), error: None };
        assert_eq!(end, ExchangeEnd::CutShort(cut));
    }

    #[test]
    fn a_body_that_ends_with_a_reset_is_cut_short() {
        let mut observer = ResponseObserver::new("GET", Secret::NONE);
        observer.push(b"HTTP/1.1 200 OK\r\n\r\nabc", Moment(0));
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(observer.closed(Some(&reset)), ExchangeEnd::CutShort(_)));
        assert_eq!(observer.closed(None), ExchangeEnd::Complete);
    }
}
