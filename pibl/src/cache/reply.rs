//! A stored response as an answer: whole, in part, or as "you have it already".
//!
//! `ask` and `fetch` make replies from entries; `exchange` sends them. It decides by the request alone
//! which form the answer takes (RFC 9110 §13.2.2), never whether the entry may be used at all.

use std::sync::Arc;

use super::cache_status::CacheStatus;
use super::conditions;
use super::entry::Entry;
use super::part::FilePart;
use super::range::{self, Ranges};
use crate::clock::Timestamp;
use crate::http::head::reason_phrase;
use crate::http::{Method, RequestHead, encode};

/// A complete answer.
#[derive(Debug)]
pub struct Reply {
    /// The status that the client gets.
    pub status_code: u16,
    /// What the cache did, for the log.
    pub status: CacheStatus,
    /// The body, empty for HEAD.
    pub body: ReplyBody,
    form: Form,
    age_seconds: u64,
    /// What it is sent from.
    entry: Option<Arc<Entry>>,
}

#[derive(Debug)]
enum Form {
    /// The head as it is stored.
    Stored,
    /// Another head, made for this request: status line and fields.
    Made(Vec<u8>),
}

/// The bytes behind the head.
#[derive(Debug)]
pub enum ReplyBody {
    /// None.
    Empty,
    /// A part of a file.
    File(FilePart),
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Several parts of one file with bytes between them (`multipart/byteranges`).
    Parts(Vec<BodyPart>),
}

/// A piece of a body of several parts.
#[derive(Debug)]
pub enum BodyPart {
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// A part of a file.
    File(FilePart),
}

impl Reply {
    /// The answer to a GET or HEAD from a stored response.
    pub(super) fn new(request: &RequestHead, entry: Arc<Entry>, status: CacheStatus, now: Timestamp) -> Self {
        let age_seconds = (entry.freshness.age_millis(now) / 1000).max(0) as u64;
        let is_head = request.method == Method::Head;
        let whole = |entry: Arc<Entry>| {
            let body = match entry.body_bytes() {
                0 => ReplyBody::Empty,
                _ if is_head => ReplyBody::Empty,
                length => ReplyBody::File(part_of(&entry, 0, length)),
            };
            Self {
                status_code: entry.record.status,
                status,
                body,
                form: Form::Stored,
                age_seconds,
                entry: Some(entry),
            }
        };
        // RFC 9110 §13.2.1: conditions count only where the answer would be a success.
        if !(200..300).contains(&entry.record.status) {
            return whole(entry);
        }
        let received_at = entry.record.times.received_by_wall();
        if conditions::is_conditional(&request.fields)
            && conditions::is_not_modified(&request.fields, &entry.record.fields, received_at)
        {
            let head = not_modified(&entry);
            return Self {
                status_code: 304,
                status,
                body: ReplyBody::Empty,
                form: Form::Made(head),
                age_seconds,
                entry: Some(entry),
            };
        }
        // RFC 9110 §14.2: Range is defined for GET, and for what would be a 200.
        let range = request.fields.get("range").filter(|_| !is_head && entry.record.status == 200);
        let range = range
            .filter(|_| conditions::range_may_be_served(&request.fields, &entry.record.fields, received_at));
        let ranges = range.map_or(Ranges::Whole, |range| range::parse(range, entry.body_bytes()));
        let (status_code, head, body) = match ranges {
            Ranges::Whole => return whole(entry),
            Ranges::Unsatisfiable => unsatisfiable(&entry),
            Ranges::Parts(parts) => match parts[..] {
                [part] => single_part(&entry, part),
                _ => several_parts(&entry, &parts),
            },
        };
        Self { status_code, status, body, form: Form::Made(head), age_seconds, entry: Some(entry) }
    }

    /// RFC 9111 §5.2.1.7: nothing usable is stored, and the client wants nothing else.
    pub(super) fn only_if_cached() -> Self {
        let mut head = Vec::new();
        encode::status_line(&mut head, 504, reason_phrase(504).as_bytes());
        let text = b"504 Gateway Timeout: nothing usable is stored, and the request is only-if-cached\n";
        encode::field(&mut head, "Content-Type", b"text/plain; charset=utf-8");
        encode::number_field(&mut head, "Content-Length", text.len() as u64);
        Self {
            status_code: 504,
            status: CacheStatus { detail: Some("only-if-cached"), ..CacheStatus::default() },
            body: ReplyBody::Bytes(text.to_vec()),
            form: Form::Made(head),
            age_seconds: 0,
            entry: None,
        }
    }

    /// Writes status line and fields: everything but what concerns the connection, and the empty line.
    pub fn write_head(&self, out: &mut Vec<u8>) {
        match (&self.form, &self.entry) {
            (Form::Made(head), _) => out.extend_from_slice(head),
            (Form::Stored, entry) => {
                out.extend_from_slice(entry.as_ref().map(|entry| &*entry.head).unwrap_or_default());
            }
        }
        if self.entry.is_some() {
            encode::number_field(out, "Age", self.age_seconds);
        }
        self.status.write(out);
    }

    /// What it is sent from.
    pub(super) fn entry(&self) -> Option<&Arc<Entry>> {
        self.entry.as_ref()
    }

    /// Whether the last byte of every part that is sent from a file is there: asked before the head leaves, because
    /// afterwards there is no other answer.
    pub async fn is_readable(&self) -> bool {
        match &self.body {
            ReplyBody::Empty | ReplyBody::Bytes(_) => true,
            ReplyBody::File(part) => part.has_end().await,
            ReplyBody::Parts(parts) => {
                for part in parts {
                    if let BodyPart::File(part) = part
                        && !part.has_end().await
                    {
                        return false;
                    }
                }
                true
            }
        }
    }

    /// Bytes of the body that is sent.
    pub fn body_length(&self) -> u64 {
        match &self.body {
            ReplyBody::Empty => 0,
            ReplyBody::File(part) => part.length,
            ReplyBody::Bytes(bytes) => bytes.len() as u64,
            ReplyBody::Parts(parts) => parts
                .iter()
                .map(|part| match part {
                    BodyPart::Bytes(bytes) => bytes.len() as u64,
                    BodyPart::File(part) => part.length,
                })
                .sum(),
        }
    }
}

fn part_of(entry: &Entry, first: u64, length: u64) -> FilePart {
    FilePart { file: Arc::clone(&entry.file), offset: entry.preamble.body_offset() + first, length }
}

/// The fields that a 304 repeats (RFC 9110 §15.4.5); the rest the client has.
fn not_modified(entry: &Entry) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    encode::status_line(&mut head, 304, reason_phrase(304).as_bytes());
    let fields = &entry.record.fields;
    let has_tag = fields.contains("etag");
    for (name, value) in fields.iter() {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let is_repeated =
            ["cache-control", "content-location", "date", "etag", "expires", "vary"].into_iter().any(is)
                || is("cdn-cache-control")
                || (is("last-modified") && !has_tag);
        if is_repeated {
            encode::raw_field(&mut head, name, value);
        }
    }
    head
}

fn unsatisfiable(entry: &Entry) -> (u16, Vec<u8>, ReplyBody) {
    let mut head = Vec::with_capacity(256);
    encode::status_line(&mut head, 416, reason_phrase(416).as_bytes());
    if let Some(date) = entry.record.fields.get("date") {
        encode::field(&mut head, "Date", date);
    }
    encode::field(&mut head, "Content-Range", &range::content_range(None, entry.body_bytes()));
    encode::number_field(&mut head, "Content-Length", 0);
    (416, head, ReplyBody::Empty)
}

/// Status line and stored fields of a 206; `replaced` are left out.
fn partial_head(entry: &Entry, replaced: &[&str]) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    encode::status_line(&mut head, 206, reason_phrase(206).as_bytes());
    for (name, value) in entry.record.fields.iter() {
        let is_replaced = |other: &&str| name.eq_ignore_ascii_case(other.as_bytes());
        if !name.eq_ignore_ascii_case(b"age") && !replaced.iter().any(is_replaced) {
            encode::raw_field(&mut head, name, value);
        }
    }
    head
}

fn single_part(entry: &Entry, (first, count): (u64, u64)) -> (u16, Vec<u8>, ReplyBody) {
    let mut head = partial_head(entry, &["content-range"]);
    encode::field(
        &mut head,
        "Content-Range",
        &range::content_range(Some((first, count)), entry.body_bytes()),
    );
    encode::number_field(&mut head, "Content-Length", count);
    (206, head, ReplyBody::File(part_of(entry, first, count)))
}

/// RFC 9110 §14.6. The boundary is a hash of the response that nobody who wrote the body could know.
fn several_parts(entry: &Entry, parts: &[(u64, u64)]) -> (u16, Vec<u8>, ReplyBody) {
    let random = std::hash::RandomState::new();
    let boundary = format!("pibl-{:016x}", std::hash::BuildHasher::hash_one(&random, entry.hash));
    let content_type = entry.record.fields.get("content-type");
    let mut pieces = Vec::with_capacity(2 * parts.len() + 1);
    let mut length = 0;
    for (index, &(first, count)) in parts.iter().enumerate() {
        let mut delimiter = Vec::with_capacity(128);
        if index > 0 {
            delimiter.extend_from_slice(b"\r\n");
        }
        delimiter.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        if let Some(content_type) = content_type {
            encode::field(&mut delimiter, "Content-Type", content_type);
        }
        let content_range = range::content_range(Some((first, count)), entry.body_bytes());
        encode::field(&mut delimiter, "Content-Range", &content_range);
        delimiter.extend_from_slice(b"\r\n");
        length += delimiter.len() as u64 + count;
        pieces.push(BodyPart::Bytes(delimiter));
        pieces.push(BodyPart::File(part_of(entry, first, count)));
    }
    let end = format!("\r\n--{boundary}--\r\n").into_bytes();
    length += end.len() as u64;
    pieces.push(BodyPart::Bytes(end));
    let mut head = partial_head(entry, &["content-range", "content-type"]);
    let media_type = format!("multipart/byteranges; boundary={boundary}");
    encode::field(&mut head, "Content-Type", media_type.as_bytes());
    encode::number_field(&mut head, "Content-Length", length);
    (206, head, ReplyBody::Parts(pieces))
}
