//! Conditional requests answered from a stored response (RFC 9110 §13, RFC 9111 §4.3.2).
//!
//! `reply` asks whether the client has the stored response already. Conditions that only an origin can
//! judge never come this far: `ask` passes such requests on.

use crate::clock::Timestamp;
use crate::http::{Fields, RequestHead, date, list_elements};

/// Whether only the origin can judge the request (RFC 9110 §13.1.1, §13.1.4).
pub(super) fn is_for_origin(request: &Fields) -> bool {
    request.contains("if-match") || request.contains("if-unmodified-since")
}

/// Whether the request carries a condition that a cache may judge.
pub(super) fn is_conditional(request: &Fields) -> bool {
    request.contains("if-none-match") || request.contains("if-modified-since")
}

/// Whether an answer may owe its status to the range or the condition of its request. A 200 is the whole response.
pub(super) fn is_answer_to_one(request: &RequestHead, status: u16) -> bool {
    let fields = &request.fields;
    status != 200 && (fields.contains("range") || fields.contains("if-range") || is_conditional(fields))
}

/// Whether the client has the stored response already, so that 304 is the answer.
pub(super) fn is_not_modified(request: &Fields, stored: &Fields, received_at: Timestamp) -> bool {
    // RFC 9110 §13.2.2: If-Modified-Since counts only where there is no If-None-Match.
    if request.contains("if-none-match") {
        let mut tags = request.get_all("if-none-match").flat_map(list_elements);
        let stored = stored.get("etag");
        return tags.any(|tag| tag == b"*" || stored.is_some_and(|stored| is_weakly_equal(tag, stored)));
    }
    let now = received_at.seconds();
    let Some(since) = request.get("if-modified-since").and_then(|text| date::parse(text, now)) else {
        return false;
    };
    // RFC 9111 §4.3.2: without Last-Modified, Date or the time of arrival stands in.
    let changed = match stored.get("last-modified") {
        Some(text) => date::parse(text, now),
        None => Some(stored.get("date").and_then(|text| date::parse(text, now)).unwrap_or(now)),
    };
    changed.is_some_and(|changed| changed <= since)
}

/// Whether `If-Range` lets the range be served from the stored response (RFC 9110 §13.1.5).
pub(super) fn range_may_be_served(request: &Fields, stored: &Fields, received_at: Timestamp) -> bool {
    let Some(validator) = request.get("if-range") else { return true };
    if validator.starts_with(b"\"") {
        return stored.get("etag") == Some(validator);
    }
    // A weak tag never matches here; a date only exactly, and only if it is strong (RFC 9110 §8.8.2.2).
    let now = received_at.seconds();
    let parse = |text| date::parse(text, now);
    let Some(wanted) = parse(validator) else { return false };
    let changed = stored.get("last-modified").and_then(parse);
    let made = stored.get("date").and_then(parse).unwrap_or(now);
    changed == Some(wanted) && made.saturating_sub(wanted) >= 1
}

/// Whether a 304 is about the stored response (RFC 9111 §4.3.4): the validators that it names are those of the stored
/// one. A filter that compresses may weaken the tag of a 200 and not that of its 304, so weak comparison is enough.
pub(super) fn is_about(confirmation: &Fields, stored: &Fields) -> bool {
    match (confirmation.get("etag"), confirmation.get("last-modified")) {
        (Some(tag), _) => stored.get("etag").is_some_and(|stored| is_weakly_equal(tag, stored)),
        (None, Some(changed)) => stored.get("last-modified") == Some(changed),
        (None, None) => true,
    }
}

/// Weak comparison of entity tags (RFC 9110 §8.8.3.2).
fn is_weakly_equal(one: &[u8], two: &[u8]) -> bool {
    let opaque = |tag: &'_ [u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    opaque(one) == opaque(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(784_111_800);
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:30 GMT";
    const SAMPLE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:45 GMT";

    fn fields(list: &[(&str, &str)]) -> Fields {
        list.iter().copied().collect()
    }

    fn matches(request: &[(&str, &str)], stored: &[(&str, &str)]) -> bool {
        is_not_modified(&fields(request), &fields(stored), NOW)
    }

    #[test]
    fn entity_tags_are_compared_weakly_over_the_whole_list() {
        let stored = [("ETag", "\"b\"")];
        for tags in ["\"b\"", "\"a\", \"b\", \"c\"", "W/\"b\"", "*", "\"a,b\",\"b\""] {
            assert!(matches(&[("If-None-Match", tags)], &stored), "{tags}");
        }
        for tags in ["\"a\"", "b", "w/\"b\"", "\"a,b\"", ""] {
            assert!(!matches(&[("If-None-Match", tags)], &stored), "{tags}");
        }
        assert!(matches(&[("If-None-Match", "W/\"b\"")], &[("ETag", "W/\"b\"")]));
    }

    #[test]
    fn dates_count_only_without_entity_tags() {
        let stored = [("ETag", "\"b\""), ("Last-Modified", SAMPLE)];
        assert!(matches(&[("If-Modified-Since", SAMPLE)], &stored));
        assert!(matches(&[("If-Modified-Since", LATER)], &stored));
        assert!(!matches(&[("If-Modified-Since", EARLIER)], &stored));
        assert!(matches(&[("If-None-Match", "\"b\""), ("If-Modified-Since", EARLIER)], &stored));
        assert!(!matches(&[("If-None-Match", "\"x\""), ("If-Modified-Since", LATER)], &stored));
        assert!(!matches(&[("If-Modified-Since", "yesterday")], &stored));
    }

    #[test]
    fn without_last_modified_the_date_stands_in() {
        assert!(matches(&[("If-Modified-Since", SAMPLE)], &[("Date", SAMPLE)]));
        assert!(!matches(&[("If-Modified-Since", EARLIER)], &[("Date", SAMPLE)]));
        assert!(!matches(&[("If-Modified-Since", SAMPLE)], &[]), "received after that");
    }

    #[test]
    fn if_range_wants_a_strong_validator() {
        let stored = fields(&[("ETag", "\"b\""), ("Last-Modified", SAMPLE), ("Date", LATER)]);
        let served = |value: &str| range_may_be_served(&fields(&[("If-Range", value)]), &stored, NOW);
        assert!(served("\"b\"") && served(SAMPLE));
        assert!(!served("W/\"b\"") && !served(EARLIER) && !served(LATER) && !served("x"));
        let fresh = fields(&[("Last-Modified", SAMPLE), ("Date", SAMPLE)]);
        assert!(!range_may_be_served(&fields(&[("If-Range", SAMPLE)]), &fresh, NOW));
    }
}
