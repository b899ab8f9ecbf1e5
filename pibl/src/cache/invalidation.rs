//! What a write makes wrong (RFC 9111 §4.4).
//!
//! `fetch` calls it after a successful answer to an unsafe request. It never touches a file: it names
//! keys.

use super::key::Key;
use crate::http::{Fields, RequestHead};

/// The keys that the answer to an unsafe request makes wrong: the target itself, and what `Location` and
/// `Content-Location` name on the same host.
pub(super) fn keys(request: &RequestHead, response: &Fields) -> Vec<Key> {
    let mut keys: Vec<Key> = Key::of_request(request).into_iter().collect();
    for name in ["location", "content-location"] {
        keys.extend(response.get(name).and_then(|reference| resolve(request, reference)));
    }
    keys
}

/// Resolves a URI reference against the target of the request (RFC 3986 §5.2). `None` when it names
/// another host: one origin must not clear the cache of another.
pub(super) fn resolve(request: &RequestHead, reference: &[u8]) -> Option<Key> {
    let host = request.fields.get("host").unwrap_or_default();
    let reference = before(reference, b'#');
    if reference.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
        return None;
    }
    let base = &request.target[..];
    let base_path = before(base, b'?');
    let target = if let Some((authority, path)) = split_authority(reference) {
        let usual = |authority| request.scheme.without_default_port(authority);
        let same = usual(authority).eq_ignore_ascii_case(usual(host));
        if !same {
            return None;
        }
        if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() }
    } else if reference.first() == Some(&b'/') {
        reference.to_vec()
    } else if reference.is_empty() {
        base.to_vec()
    } else if reference[0] == b'?' {
        [base_path, reference].concat()
    } else if before(before(reference, b'/'), b'?').contains(&b':') {
        // Another scheme.
        return None;
    } else {
        let directory = base_path.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        [&base_path[..directory], reference].concat()
    };
    Some(Key::new(request.scheme, host, &remove_dot_segments(&target)))
}

fn before(text: &[u8], end: u8) -> &[u8] {
    &text[..text.iter().position(|&byte| byte == end).unwrap_or(text.len())]
}

/// Authority and the rest of `http://authority/…`, `https://…` or `//…`.
fn split_authority(reference: &[u8]) -> Option<(&[u8], &[u8])> {
    let schemes = [&b"http://"[..], b"https://", b"//"];
    let length = schemes.iter().find_map(|scheme| {
        let start = reference.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    })?;
    let rest = &reference[length..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// RFC 3986 §5.2.4, for the path only.
fn remove_dot_segments(target: &[u8]) -> Vec<u8> {
    let path_end = before(target, b'?').len();
    let (path, query) = target.split_at(path_end);
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut parts = path.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part {
            b"." | b".." => {
                if part == b".." {
                    segments.pop();
                }
                if is_last {
                    segments.push(b"");
                }
            }
            _ => segments.push(part),
        }
    }
    let mut out = Vec::with_capacity(target.len());
    for segment in segments {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out.extend_from_slice(query);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn request() -> RequestHead {
        let mut request = RequestHead::new(Method::Post, "/a/b?c");
        request.fields.append("Host", "Example.com");
        request
    }

    fn resolved(reference: &str) -> Option<String> {
        resolve(&request(), reference.as_bytes()).map(|key| String::from_utf8(key.bytes().to_vec()).unwrap())
    }

    #[test]
    fn references_are_resolved_by_rfc_3986_section_5() {
        for (reference, expected) in [
            ("/x", "/x"),
            ("d", "/a/d"),
            ("d?e#f", "/a/d?e"),
            ("../d", "/d"),
            ("./", "/a/"),
            ("?q", "/a/b?q"),
            ("", "/a/b?c"),
            ("http://EXAMPLE.com:80/y", "/y"),
            ("//example.com?z", "/?z"),
        ] {
            assert_eq!(resolved(reference), Some(format!("example.com{expected}")), "{reference}");
        }
    }

    #[test]
    fn another_host_or_scheme_is_left_alone() {
        for reference in ["http://other/x", "//other/x", "mailto:a@b", "http://example.com:81/x", "/a b"] {
            assert_eq!(resolved(reference), None, "{reference}");
        }
    }

    #[test]
    fn target_and_both_locations_are_named() {
        let response = [("Location", "/new"), ("Content-Location", "http://other/")].into_iter().collect();
        let keys = keys(&request(), &response);
        let names: Vec<_> = keys.iter().map(|key| String::from_utf8_lossy(key.bytes())).collect();
        assert_eq!(names, ["example.com/a/b?c", "example.com/new"]);
    }
}
