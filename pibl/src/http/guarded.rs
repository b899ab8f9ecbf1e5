//! Names of fields by which a request says who sends it, pretends to come from somebody else, or asks for something
//! else than its first line does.
//!
//! `cache` and `exchange` ask here what such a request may share, and what of it travels. Nothing is read but names,
//! and `_` counts as `-`, because for CGI and its heirs it does.

use super::Fields;
use super::hop_by_hop::is_hop_by_hop;

/// Whether a request asks for another method or another target than its first line says.
pub(crate) fn overrides(fields: &Fields) -> bool {
    fields.iter().any(|(name, _)| is_override(name))
}

/// The habits of frameworks that serve clients which know only GET and POST, and of servers behind rewriting ones.
pub(crate) fn is_override(name: &[u8]) -> bool {
    let known: &[u8] = match name.len() {
        13 if name[2] | 0x20 == b'r' => b"x-rewrite-url",
        13 => b"x-http-method",
        14 => b"x-original-url",
        17 => b"x-method-override",
        22 => b"x-http-method-override",
        _ => return false,
    };
    is_spelled(name, known)
}

/// The fields with which a client could lie about where it comes from: the standard one, and what programs look into that
/// have met many proxies.
pub(crate) fn tells_who_asked(name: &[u8]) -> bool {
    match name.len() {
        9 => is_spelled(name, b"forwarded") || is_spelled(name, b"x-real-ip") || is_client_ip(name),
        11 => is_spelled(name, b"x-forwarded") || is_client_ip(name),
        13 => is_spelled(name, b"forwarded-for") || is_forwarded(name),
        12.. => {
            is_forwarded(name)
                || is_client_ip(name)
                || is_spelled(name, b"cf-connecting-ip")
                || is_spelled(name, b"x-originating-ip")
        }
        _ => false,
    }
}

fn is_forwarded(name: &[u8]) -> bool {
    is_spelled(&name[..12], b"x-forwarded-")
}

/// `Client-IP`, whatever stands before it.
fn is_client_ip(name: &[u8]) -> bool {
    let end = &name[name.len() - 9..];
    is_spelled(end, b"client-ip")
        && name.len().checked_sub(10).is_none_or(|place| matches!(name[place], b'-' | b'_'))
}

/// Whether a name is one that frames the message or belongs to its connection, but for `_` in place of `-`: no HTTP
/// program reads it so, and every program behind CGI does.
pub(crate) fn is_in_disguise(name: &[u8]) -> bool {
    if !name.contains(&b'_') {
        return false;
    }
    let plain: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
    is_hop_by_hop(&plain) || plain.eq_ignore_ascii_case(b"content-length")
}

/// Whether a request says who sends it, so that its answer may be for that one alone.
pub(crate) fn has_credentials(fields: &Fields) -> bool {
    fields.iter().any(|(name, _)| is_credential(name))
}

/// Nobody can know every name that was ever given to a key, or by which a proxy that signs people in says who they are
/// (`Remote-User`, `X-Goog-IAP-JWT-Assertion`, `X-Amzn-Oidc-Identity`); these are the habits. By their last letter: every
/// field of a request that may be shared is held against them.
fn is_credential(name: &[u8]) -> bool {
    let Some(last) = name.last() else { return false };
    let (names, ends): (&[&[u8]], &[&[u8]]) = match last.to_ascii_lowercase() {
        b'a' => (&[], &[b"-oidc-data"]),
        b'd' => (&[], &[b"-session-id", b"-sid", b"-password", b"-user-id"]),
        b'e' => (&[b"cookie", b"x-wsse"], &[b"-username"]),
        b'h' => (&[], &[b"-auth"]),
        b'l' => (&[], &[b"-email"]),
        b'n' => (&[b"authorization"], &[b"-authorization", b"-token", b"-session", b"-assertion", b"-dn"]),
        b'r' => (&[], &[b"-user"]),
        b't' => (&[], &[b"-secret", b"-jwt", b"-client-cert"]),
        b'y' => (&[b"apikey", b"x-apikey"], &[b"-key", b"-identity"]),
        _ => return false,
    };
    // Browsers say `Sec-Fetch-User` and the like of what they do, not of whom they do it for.
    let is_of_browser = || name.len() > 4 && is_spelled(&name[..4], b"sec-");
    let ends_in = |end: &&[u8]| name.len() > end.len() && is_spelled(&name[name.len() - end.len()..], end);
    names.iter().any(|known| is_spelled(name, known)) || (ends.iter().any(ends_in) && !is_of_browser())
}

/// Equal whatever the case, and whether it is written with `-` or `_`.
pub(super) fn is_spelled(name: &[u8], known: &[u8]) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == known.len() && name.iter().zip(known).all(|(&one, &two)| fold(one) == two)
}
