//! The fields that concern one connection only and must not travel further (RFC 9110 §7.6.1).
//!
//! `exchange` strips every request and every response through this module before any other module sees it.
//! It never touches a field that frames the body beyond removing `Transfer-Encoding`, which each
//! connection states afresh.

use super::fields::{Fields, list_elements};
use super::guarded::{is_in_disguise, is_override, is_spelled, tells_who_asked};

/// Removes the hop-by-hop fields, and those that `Connection` names, from a message.
///
/// `Host` and `Content-Length` stay even when `Connection` names them: without the first the message
/// loses its meaning, without the second its length. So does what says who may keep a response, which is for every
/// recipient (RFC 9110 §7.6.1): without it a response would be kept for people for whom it is not meant.
pub fn strip(fields: &mut Fields) {
    let nominated = nominated_names(fields);
    fields.retain(|name, _| !is_hop_by_hop(name) && !nominated.iter().any(|other| is_removed(other, name)));
}

/// The same for a request, which keeps nothing but what a backend will see: whatever the cache tells requests apart by,
/// the backend has seen as well. A client that is not trusted says nothing about where it comes from, nobody says in
/// disguise what frames a message, and a name stands on one line, so that nobody reads the first where another reads all.
pub fn strip_request(fields: &mut Fields, is_trusted: bool) {
    let nominated = nominated_names(fields);
    fields.retain(|name, _| {
        !is_hop_by_hop(name)
            && (is_trusted || !tells_who_asked(name))
            && !is_in_disguise(name)
            && !nominated.iter().any(|other| is_removed(other, name))
    });
    fields.join_lines();
}

/// Whether a field of this name always belongs to one connection (RFC 9110 §7.6.1, §11.7).
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    let known: &[u8] = match name.len() {
        2 => b"te",
        7 => b"upgrade",
        // Not defined by HTTP, but some servers invent it to switch protocols (RFC 7540 appendix).
        14 => b"http2-settings",
        10 if name[0] | 0x20 == b'k' => b"keep-alive",
        10 => b"connection",
        16 => b"proxy-connection",
        17 => b"transfer-encoding",
        18 => b"proxy-authenticate",
        19 => b"proxy-authorization",
        25 => b"proxy-authentication-info",
        _ => return false,
    };
    name.eq_ignore_ascii_case(known)
}

/// Whether a trailer field may be passed on: nothing comes in a trailer that frames, routes or authenticates a message,
/// says where it comes from or how it is to be treated (RFC 9110 §6.5.1). A recipient that merges trailers into the
/// head would take it for what the proxy has let through.
pub fn is_allowed_in_trailer(name: &[u8]) -> bool {
    const FORBIDDEN: [&str; 30] = [
        "content-length",
        "host",
        "trailer",
        "authorization",
        "cookie",
        "set-cookie",
        "www-authenticate",
        "content-encoding",
        "content-type",
        "content-range",
        "content-location",
        "cache-control",
        "pragma",
        "expires",
        "age",
        "date",
        "vary",
        "via",
        "location",
        "retry-after",
        "warning",
        "expect",
        "max-forwards",
        "range",
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
        "if-range",
        "cdn-cache-control",
    ];
    let is_forbidden = FORBIDDEN.iter().any(|forbidden| is_spelled(name, forbidden.as_bytes()));
    !is_forbidden
        && !is_hop_by_hop(name)
        && !is_in_disguise(name)
        && !tells_who_asked(name)
        && !is_override(name)
}

/// The names in `Connection` that are not options of the connection itself; nearly always none, and then
/// nothing is allocated.
fn nominated_names(fields: &Fields) -> Vec<Vec<u8>> {
    fields
        .get_all("connection")
        .flat_map(list_elements)
        .filter(|option| !is_hop_by_hop(option) && !option.eq_ignore_ascii_case(b"close"))
        .map(<[u8]>::to_vec)
        .collect()
}

fn is_removed(nominated: &[u8], name: &[u8]) -> bool {
    const KEPT: [&[u8]; 6] =
        [b"host", b"content-length", b"cache-control", b"cdn-cache-control", b"expires", b"vary"];
    nominated.eq_ignore_ascii_case(name) && !KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_by_hop_and_nominated_fields_are_removed() {
        let mut fields: Fields = [
            ("Host", "a"),
            ("Connection", "close, X-Secret, host"),
            ("X-Secret", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("TE", "trailers"),
            ("Upgrade", "h2c"),
            ("Proxy-Connection", "keep-alive"),
            ("Content-Length", "3"),
            ("X-Other", "2"),
        ]
        .into_iter()
        .collect();
        strip(&mut fields);
        let names: Vec<_> = fields.iter().map(|(name, _)| name.to_vec()).collect();
        assert_eq!(names, [&b"Host"[..], b"Content-Length", b"X-Other"]);
    }

    #[test]
    fn trailers_may_not_carry_framing_or_hop_by_hop_fields() {
        assert!(is_allowed_in_trailer(b"Server-Timing"));
        assert!(!is_allowed_in_trailer(b"Content-Length"));
        assert!(!is_allowed_in_trailer(b"transfer-encoding"));
        for name in ["X-Forwarded-For", "x_forwarded_for", "Forwarded", "X-Real-IP", "X-HTTP-Method-Override"]
        {
            assert!(!is_allowed_in_trailer(name.as_bytes()), "{name}");
        }
        for name in ["Range", "If-Match", "Expect", "Pragma", "Location", "Content_Type", "Transfer_Encoding"]
        {
            assert!(!is_allowed_in_trailer(name.as_bytes()), "{name}");
        }
        assert!(is_allowed_in_trailer(b"ETag") && is_allowed_in_trailer(b"Digest"));
    }
}
