//! Which of several stored responses fits a request (RFC 9111 §4.1).
//!
//! `ask` finds a variant through it and `fetch` names the one that it stores. Fields are compared in a
//! normal form, so that requests which differ in blanks, in the order of equal languages or in the
//! number of field lines share one response.

use crate::http::{Fields, list_elements};

/// The names that `Vary` lists, in lower case, sorted and each once; `None` for `*`, which nothing ever
/// matches.
pub(super) fn names(response: &Fields) -> Option<Vec<Box<[u8]>>> {
    let mut names: Vec<Box<[u8]>> =
        response.list("vary").map(|name| name.to_ascii_lowercase().into_boxed_slice()).collect();
    if names.iter().any(|name| **name == *b"*") {
        return None;
    }
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// The secondary key: every listed field of the request in its normal form. An absent field is not the
/// same as an empty one.
pub(super) fn variant<'a>(names: impl IntoIterator<Item = &'a [u8]>, request: &Fields) -> Vec<u8> {
    let mut variant = Vec::new();
    for name in names {
        variant.extend_from_slice(name);
        let value = std::str::from_utf8(name).ok().and_then(|name| request.combined(name));
        match value {
            Some(value) => {
                variant.push(b':');
                normalise(name, &value, &mut variant);
            }
            None => variant.push(b'-'),
        }
        variant.push(b'\n');
    }
    variant
}

fn normalise(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    match name {
        // Their tags are equal in any case (RFC 9110 §8.4.1, RFC 5646 §2.1.1), and only weights rank them.
        b"accept-encoding" | b"accept-language" | b"accept-charset" => {
            let mut elements: Vec<Vec<u8>> = list_elements(value).map(compact).collect();
            elements.iter_mut().for_each(|element| element.make_ascii_lowercase());
            join_sorted(elements, out);
        }
        // Parameters may be case-sensitive; the order of media ranges means nothing (RFC 9110 §12.5.1).
        b"accept" => join_sorted(list_elements(value).map(compact).collect(), out),
        // Of a list whose meaning is unknown only the blanks around its commas mean nothing.
        _ => {
            for (index, element) in list_elements(value).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(element);
            }
        }
    }
}

fn join_sorted(mut elements: Vec<Vec<u8>>, out: &mut Vec<u8>) {
    for element in &mut elements {
        // A weight of 1 is the same as none (RFC 9110 §12.4.2).
        for full in [&b";q=1.000"[..], b";q=1.00", b";q=1.0", b";q=1"] {
            if element.len() >= full.len() && element[element.len() - full.len()..].eq_ignore_ascii_case(full)
            {
                element.truncate(element.len() - full.len());
                break;
            }
        }
    }
    elements.sort_unstable();
    elements.dedup();
    out.extend_from_slice(&elements.join(&b','));
}

fn compact(element: &[u8]) -> Vec<u8> {
    element.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, lines: &[&str]) -> Vec<u8> {
        let request: Fields = lines.iter().map(|line| (name, line)).collect();
        let lower = name.to_ascii_lowercase();
        variant([lower.as_bytes()], &request)
    }

    #[test]
    fn vary_lists_names_in_any_form_and_star_matches_nothing() {
        let read = |lines: &[&str]| names(&lines.iter().map(|line| ("Vary", line)).collect());
        assert_eq!(read(&["Foo, bar", "BAR,"]), Some(vec![b"bar"[..].into(), b"foo"[..].into()]));
        for star in [&["*"][..], &["*, *"], &[", *"], &["", "*"], &["*, Foo"], &["Foo, *"]] {
            assert_eq!(read(star), None, "{star:?}");
        }
        assert_eq!(read(&[]), Some(vec![]));
    }

    #[test]
    fn blanks_and_field_lines_make_no_difference() {
        assert_eq!(key("Foo", &["1, 2"]), key("Foo", &["1", "2"]));
        assert_eq!(key("Foo", &["1,2"]), key("Foo", &[" 1 ,  2 "]));
        assert_ne!(key("Foo", &["1,2"]), key("Foo", &["2,1"]));
        assert_ne!(key("Foo", &["a"]), key("Foo", &["A"]));
    }

    #[test]
    fn languages_are_compared_without_order_and_case() {
        let one = key("Accept-Language", &["en, de"]);
        for same in ["de, en", "eN, De", " en ,   de", "de;q=1.0,en"] {
            assert_eq!(one, key("Accept-Language", &[same]), "{same}");
        }
        assert_ne!(one, key("Accept-Language", &["en, de;q=0.5"]));
    }

    #[test]
    fn an_absent_field_is_not_an_empty_one() {
        assert_ne!(key("Foo", &[]), key("Foo", &[""]));
        assert_eq!(key("Foo", &[]), key("Foo", &[]));
    }
}
