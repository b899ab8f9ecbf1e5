//! Which of several stored responses fits a request (RFC 9111 §4.1).
//!
//! `ask` finds a variant through it and `fetch` names the one that it stores. Fields whose syntax is known are
//! compared in a normal form, so that requests which differ in the order of equal languages share one response;
//! all others byte by byte: whoever guesses there lets an answer be planted for somebody else.

use crate::http::{Fields, is_token, list_elements};

/// Fields that this proxy makes for each client or connection: no two requests are known to be alike in them.
const OF_ONE_CLIENT: [&[u8]; 3] = [b"x-forwarded-for", b"forwarded", b"te"];

/// The names that `Vary` lists, in lower case, sorted and each once; `None` for `*`, which nothing ever
/// matches, for what names nothing that a request could have, and for what is made for one client.
pub(super) fn names(response: &Fields) -> Option<Vec<Box<[u8]>>> {
    let mut names: Vec<Box<[u8]>> =
        response.list("vary").map(|name| name.to_ascii_lowercase().into_boxed_slice()).collect();
    let is_unmatched = |name: &[u8]| name == b"*" || !is_token(name) || OF_ONE_CLIENT.contains(&name);
    if names.iter().any(|name| is_unmatched(name)) {
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
                match normal_form(name, &value) {
                    Some(normal) => variant.extend_from_slice(&normal),
                    None => variant.extend_from_slice(&value),
                }
            }
            None => variant.push(b'-'),
        }
        variant.push(b'\n');
    }
    variant
}

/// What the syntax of a field says to mean the same (RFC 9111 §4.1). `None`: its syntax is unknown, or this value
/// does not follow it, and then every byte may make a difference to the origin.
fn normal_form(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    // Tags are equal in any case (RFC 9110 §8.4.1, RFC 5646 §2.1.1), and only weights rank them. Of media ranges
    // (RFC 9110 §12.5.1) the order means nothing either, but parameters may be case-sensitive.
    let has_case = match name {
        b"accept-encoding" | b"accept-language" | b"accept-charset" => false,
        b"accept" => true,
        _ => return None,
    };
    let mut elements =
        list_elements(value).map(|element| range(element, has_case)).collect::<Option<Vec<_>>>()?;
    elements.sort_unstable();
    elements.dedup();
    Some(elements.join(&b','))
}

/// One range with its parameters, without the blanks around semicolons. Quoted parameters are nobody's habit, and
/// not looked into.
fn range(element: &[u8], has_case: bool) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).collect();
    let is_plain = |byte: &u8| is_token(&[*byte]) || matches!(byte, b'/' | b'=');
    if parts.iter().any(|part| part.is_empty() || !part.iter().all(is_plain)) {
        return None;
    }
    // A weight of 1 is the same as none (RFC 9110 §12.4.2).
    if parts.len() > 1
        && matches!(parts[parts.len() - 1], b"q=1" | b"q=1." | b"q=1.0" | b"q=1.00" | b"q=1.000")
    {
        parts.pop();
    }
    let joined = parts.join(&b';');
    Some(if has_case { joined } else { joined.to_ascii_lowercase() })
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
    fn unknown_fields_are_compared_byte_by_byte_and_lines_are_joined() {
        assert_eq!(key("Foo", &["1, 2"]), key("Foo", &["1", "2"]));
        assert_ne!(key("Foo", &["1,2"]), key("Foo", &["1, 2"]));
        assert_ne!(key("Foo", &["1,"]), key("Foo", &["1"]));
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
        assert_ne!(one, key("Accept-Language", &["e n, de"]));
        assert_eq!(key("Accept", &["a/b ; c=D,d"]), key("Accept", &["d, a/b;c=D"]));
        assert_ne!(key("Accept", &["a/b;c=D"]), key("Accept", &["a/b;c=d"]));
    }

    #[test]
    fn an_absent_field_is_not_an_empty_one() {
        assert_ne!(key("Foo", &[]), key("Foo", &[""]));
        assert_eq!(key("Foo", &[]), key("Foo", &[]));
    }
}
