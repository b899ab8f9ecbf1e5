//! The request target and the authority it belongs to (RFC 9112 §3.2).
//!
//! `parse` calls it for every request, so that all other rooms see one form only: a path, or `*`.
//! It never resolves dot segments or percent-encoding: the backend sees what the client wrote.

use super::head::{Method, RequestHead, Scheme};
use super::refusal::Refusal;

/// Checks target and `Host` together and turns an absolute target into a path.
pub(super) fn normalise(head: &mut RequestHead) -> Result<(), Refusal> {
    // A reverse proxy opens no tunnels and reflects no credentials (RFC 9110 §9.3.6, §9.3.8).
    if matches!(head.method, Method::Connect | Method::Trace) {
        return Err(Refusal::Method);
    }
    let host = head.fields.get("host");
    if host.is_some_and(|host| !is_valid_authority(host)) {
        return Err(Refusal::HostSyntax);
    }
    if let Some(normal) = host.and_then(|host| normal_authority(head.scheme, host)) {
        head.fields.set("Host", normal);
    }
    match head.target.first() {
        // A fragment never travels (RFC 9110 §4.2.5).
        Some(b'/') if !head.target.contains(&b'#') => Ok(()),
        Some(b'*') if head.target.len() == 1 && head.method == Method::Options => Ok(()),
        Some(b'h' | b'H') => absolute(head),
        _ => Err(Refusal::Target),
    }
}

/// Host names are equal in any case and with the default port (RFC 9110 §4.2.3), so that caches take them for one:
/// then a backend must see one too, or what it says about the odd form is kept for the usual one. `None`: it is the
/// usual one.
fn normal_authority(scheme: Scheme, authority: &[u8]) -> Option<Vec<u8>> {
    let usual = scheme.without_default_port(authority);
    (usual.len() < authority.len() || usual.iter().any(u8::is_ascii_uppercase))
        .then(|| usual.to_ascii_lowercase())
}

/// RFC 9112 §3.2.2: the authority of an absolute target counts; a different `Host` beside it is what an
/// attacker writes, so it is refused instead of replaced. So is the scheme that is not the connection's.
fn absolute(head: &mut RequestHead) -> Result<(), Refusal> {
    let scheme: &[u8] = match head.scheme {
        Scheme::Http => b"http://",
        Scheme::Https => b"https://",
    };
    let scheme_end = match head.target.get(..scheme.len()) {
        Some(written) if written.eq_ignore_ascii_case(scheme) => scheme.len(),
        _ => return Err(Refusal::Target),
    };
    if head.target.contains(&b'#') {
        return Err(Refusal::Target);
    }
    let rest = &head.target[scheme_end..];
    let authority_end =
        scheme_end + rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let authority = &head.target[scheme_end..authority_end];
    if !is_valid_authority(authority) {
        return Err(Refusal::HostSyntax);
    }
    match head.fields.get("host") {
        Some(host) if !same_authority(head.scheme, host, authority) => {
            return Err(Refusal::AuthorityConflict);
        }
        Some(_) => {}
        None => {
            let authority = normal_authority(head.scheme, authority).unwrap_or_else(|| authority.to_vec());
            head.fields.append("Host", authority);
        }
    }
    head.target.drain(..authority_end);
    match head.target.first() {
        Some(b'/') => {}
        // RFC 9112 §3.2.4: OPTIONS without a path asks about the server as a whole.
        None if head.method == Method::Options => head.target.push(b'*'),
        _ => head.target.insert(0, b'/'),
    }
    Ok(())
}

/// `one` is in normal form already.
fn same_authority(scheme: Scheme, one: &[u8], two: &[u8]) -> bool {
    one.eq_ignore_ascii_case(scheme.without_default_port(two))
}

/// `uri-host [":" port]` of RFC 3986 §3.2: no user information, no empty host, no odd characters.
fn is_valid_authority(authority: &[u8]) -> bool {
    if let Some(rest) = authority.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|&byte| byte == b']') else { return false };
        let address_is_valid =
            std::str::from_utf8(&rest[..end]).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        return address_is_valid && is_valid_port(&rest[end + 1..]);
    }
    let colon = authority.iter().position(|&byte| byte == b':').unwrap_or(authority.len());
    let (host, port) = authority.split_at(colon);
    !host.is_empty() && host.iter().all(|&byte| is_host_byte(byte)) && is_valid_port(port)
}

/// Empty, or a colon and at most five digits that make a port.
fn is_valid_port(port: &[u8]) -> bool {
    match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            digits.len() <= 5
                && digits.iter().all(u8::is_ascii_digit)
                && digits.iter().fold(0, |sum: u32, digit| sum * 10 + u32::from(digit - b'0')) <= 65_535
        }
        _ => false,
    }
}

/// `unreserved`, `sub-delims` and the percent sign of RFC 3986 §3.2.2; the comma is left out, because a
/// list of hosts is an attack and no name has one.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Fields;

    fn normalised(method: Method, target: &str, host: Option<&str>) -> Result<(String, String), Refusal> {
        let mut head = RequestHead::new(method, target);
        head.fields = host.into_iter().map(|host| ("Host", host)).collect::<Fields>();
        normalise(&mut head)?;
        let host = head.fields.get("host").unwrap_or_default().to_vec();
        Ok((String::from_utf8(head.target).unwrap(), String::from_utf8(host).unwrap()))
    }

    #[test]
    fn an_absolute_target_becomes_a_path_when_host_agrees() {
        let to_path = |target, host| normalised(Method::Get, target, host).map(|pair| pair.0);
        assert_eq!(to_path("http://a/b?c", Some("a")), Ok("/b?c".into()));
        assert_eq!(to_path("HTTP://A:80/b", Some("a")), Ok("/b".into()));
        assert_eq!(to_path("http://a", Some("a")), Ok("/".into()));
        assert_eq!(to_path("http://a?b", Some("a")), Ok("/?b".into()));
        assert_eq!(to_path("http://a/", Some("b")), Err(Refusal::AuthorityConflict));
        assert_eq!(to_path("http://u@a/", Some("a")), Err(Refusal::HostSyntax));
        assert_eq!(to_path("ftp://a/", Some("a")), Err(Refusal::Target));
        assert_eq!(to_path("https://a/", Some("a")), Err(Refusal::Target));
        assert_eq!(normalised(Method::Get, "http://a:9/", None), Ok(("/".into(), "a:9".into())));
    }

    #[test]
    fn a_connection_has_one_scheme_and_its_default_port() {
        let mut head = RequestHead::new(Method::Get, "https://A:443/b");
        head.scheme = Scheme::Https;
        head.fields.append("Host", "a:443");
        assert_eq!(normalise(&mut head), Ok(()));
        assert_eq!((&head.target[..], head.fields.get("host")), (&b"/b"[..], Some(&b"a"[..])));
        head.target = b"http://a/b".to_vec();
        assert_eq!(normalise(&mut head), Err(Refusal::Target));
        head.target = b"/b".to_vec();
        head.fields.set("Host", "a:80");
        assert_eq!(normalise(&mut head), Ok(()));
        assert_eq!(head.fields.get("host"), Some(&b"a:80"[..]));
    }

    #[test]
    fn targets_of_other_forms_are_refused() {
        for target in ["", "a", "*", "/a#b", "a:80", "//../..#"] {
            assert_eq!(normalised(Method::Get, target, Some("a")), Err(Refusal::Target), "{target:?}");
        }
        assert_eq!(normalised(Method::Options, "*", Some("a")).map(|pair| pair.0), Ok("*".into()));
        assert_eq!(normalised(Method::Connect, "a:80", Some("a")), Err(Refusal::Method));
    }

    #[test]
    fn hosts_are_held_to_rfc_3986_section_3_2_2() {
        for host in ["a", "a.b:80", "127.0.0.1:", "[::1]", "[::1]:80", "a_b", "xn--a"] {
            assert!(is_valid_authority(host.as_bytes()), "{host}");
        }
        for host in
            ["", ":80", "a b", "a@b", "a/b", "a:b", "a:123456", "a:65536", "[::1", "[x]", "a,b", "a:80:80"]
        {
            assert!(!is_valid_authority(host.as_bytes()), "{host}");
        }
    }
}
