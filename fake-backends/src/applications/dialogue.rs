//! Small helpers that all applications need: what a request asks, and answers in a word.
//!
//! They read the parsed request and make [`Answer`]s. No state is kept here and nothing waits.

use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::behavior::{Answer, Asked};
use crate::wire::value_of;

/// The method and the path without its query.
pub(super) fn route<'a>(asked: &Asked<'a>) -> (&'a str, &'a str) {
    let head = &asked.request.head;
    let path = head.path_and_query().split('?').next().unwrap_or_default();
    (head.method.as_str(), path)
}

/// The value of a parameter of the query, as written.
pub(super) fn parameter<'a>(asked: &Asked<'a>, name: &str) -> Option<&'a str> {
    let (_, query) = asked.request.head.path_and_query().split_once('?')?;
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The text of a field, where it is text.
pub(super) fn field<'a>(asked: &Asked<'a>, name: &str) -> Option<&'a str> {
    value_of(&asked.request.head.fields, name).and_then(|value| std::str::from_utf8(value).ok())
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1), or else of the cookie `session`.
pub(super) fn token<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    let of_authorization = field(asked, "authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let of_cookie = || {
        let pairs = field(asked, "cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.into_iter().find(|(name, _)| *name == "session").map(|(_, value)| value)
    };
    of_authorization.or_else(of_cookie)
}

/// The body, where it is JSON.
pub(super) fn body(asked: &Asked<'_>) -> Option<Value> {
    serde_json::from_slice(asked.request.body.as_deref()?).ok()
}

/// A text in a JSON object.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Seconds since 1970, by the clock of the run.
pub(super) fn wall_seconds(asked: &Asked<'_>) -> u64 {
    let started = asked.clock.wall_start().duration_since(UNIX_EPOCH).unwrap_or_default();
    (started + asked.clock.now().since(crate::clock::Moment(0))).as_secs()
}

/// An answer that says what is wrong.
pub(super) fn problem(status: u16, detail: &str) -> Answer {
    Answer::json(status, &json!({ "detail": detail }))
}

/// The same with a field more.
pub(super) fn with_field(mut answer: Answer, name: &str, value: impl Into<String>) -> Answer {
    answer.fields.push((name.to_owned(), value.into()));
    answer
}
