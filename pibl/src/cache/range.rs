//! Parts of a stored body (RFC 9110 §14).
//!
//! `reply` asks it which bytes a `Range` names. It computes with lengths and never sees a body.

use crate::http::encode;

/// What a `Range` field comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    /// It is ignored and the whole is sent: unknown unit, bad syntax, or a greedy request.
    Whole,
    /// Nothing of it lies inside the body: 416.
    Unsatisfiable,
    /// These parts, as (first byte, number of bytes), in the order in which they were asked for.
    Parts(Vec<(u64, u64)>),
}

/// More parts than any honest client asks for; RFC 9110 §14.2 allows to ignore such a request.
const MOST_PARTS: usize = 16;

/// Reads a `Range` field for a body of this length.
pub(super) fn parse(value: &[u8], length: u64) -> Ranges {
    let Some(unit_end) = value.iter().position(|&byte| byte == b'=') else { return Ranges::Whole };
    if !value[..unit_end].trim_ascii().eq_ignore_ascii_case(b"bytes") {
        return Ranges::Whole;
    }
    let mut parts = Vec::new();
    let mut count = 0;
    for specification in value[unit_end + 1..].split(|&byte| byte == b',') {
        let specification = specification.trim_ascii();
        if specification.is_empty() {
            continue;
        }
        count += 1;
        match part(specification, length) {
            Some(Some(part)) => parts.push(part),
            Some(None) => {}
            None => return Ranges::Whole,
        }
    }
    let asked: u64 = parts.iter().map(|part| part.1).fold(0, u64::saturating_add);
    // Overlapping parts that add up to more than the whole are an attack on the sender.
    if count == 0 || count > MOST_PARTS || (parts.len() > 1 && asked > length) {
        return Ranges::Whole;
    }
    if parts.is_empty() { Ranges::Unsatisfiable } else { Ranges::Parts(parts) }
}

/// `None` for bad syntax, `Some(None)` for a part outside the body.
fn part(specification: &[u8], length: u64) -> Option<Option<(u64, u64)>> {
    let dash = specification.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&specification[..dash], &specification[dash + 1..]);
    if first.is_empty() {
        // The last n bytes.
        let wanted = number(last)?.min(length);
        return Some((wanted > 0).then_some((length - wanted, wanted)));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    if first >= length {
        return Some(None);
    }
    Some(Some((first, last.min(length - 1) - first + 1)))
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))),
    )
}

/// The value of `Content-Range` (RFC 9110 §14.4); without a part it is that of a 416.
pub(super) fn content_range(part: Option<(u64, u64)>, length: u64) -> Vec<u8> {
    let mut out = b"bytes ".to_vec();
    match part {
        Some((first, count)) => {
            encode::decimal(&mut out, first);
            out.push(b'-');
            encode::decimal(&mut out, first + count - 1);
        }
        None => out.push(b'*'),
    }
    out.push(b'/');
    encode::decimal(&mut out, length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read_by_rfc_9110_section_14_1_2() {
        let parts = |value: &str| parse(value.as_bytes(), 11);
        assert_eq!(parts("bytes=0-1"), Ranges::Parts(vec![(0, 2)]));
        assert_eq!(parts("bytes=1-"), Ranges::Parts(vec![(1, 10)]));
        assert_eq!(parts("bytes=-1"), Ranges::Parts(vec![(10, 1)]));
        assert_eq!(parts("bytes=-99"), Ranges::Parts(vec![(0, 11)]));
        assert_eq!(parts("Bytes= 0-0, -1 ,"), Ranges::Parts(vec![(0, 1), (10, 1)]));
        assert_eq!(parts("bytes=5-5,90-"), Ranges::Parts(vec![(5, 1)]));
        assert_eq!(parts("bytes=11-"), Ranges::Unsatisfiable);
        assert_eq!(parts("bytes=-0"), Ranges::Unsatisfiable);
    }

    #[test]
    fn bad_or_greedy_ranges_are_ignored() {
        for value in
            ["", "bytes", "items=0-1", "bytes=", "bytes=a-b", "bytes=2-1", "bytes=1", "bytes=0-9,0-9"]
        {
            assert_eq!(parse(value.as_bytes(), 11), Ranges::Whole, "{value}");
        }
        let many = format!("bytes={}", "0-0,".repeat(MOST_PARTS + 1));
        assert_eq!(parse(many.as_bytes(), 1000), Ranges::Whole);
        assert_eq!(parse(b"bytes=0-", 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn content_range_names_first_last_and_length() {
        assert_eq!(content_range(Some((4, 6)), 10), b"bytes 4-9/10");
        assert_eq!(content_range(None, 10), b"bytes */10");
    }

    proptest! {
        #[test]
        fn no_part_ever_leaves_the_body(text in "bytes=[0-9,\\- ]{0,40}", length in 0u64..50) {
            if let Ranges::Parts(parts) = parse(text.as_bytes(), length) {
                for (first, count) in parts {
                    prop_assert!(count > 0 && first + count <= length);
                }
            }
        }
    }
}
