//! Names of fields that stand for somebody: credentials.
//!
//! `cache` asks here whose answer it holds. Nothing is read here but names, and `_` counts as `-`, because for CGI
//! and its heirs it does.

use super::Fields;

/// Whether a request says who sends it, so that its answer may be for that one alone.
pub(crate) fn has_credentials(fields: &Fields) -> bool {
    fields.iter().any(|(name, _)| is_credential(name))
}

/// Nobody can know every name that was ever given to a key; these are the habits.
fn is_credential(name: &[u8]) -> bool {
    const WHOLE: [&[u8]; 4] = [b"cookie", b"authorization", b"apikey", b"x-apikey"];
    const ENDS: [&[u8]; 6] = [b"-key", b"-token", b"-secret", b"-authorization", b"-auth", b"-session"];
    WHOLE.iter().any(|known| is_spelled(name, known))
        || ENDS.iter().any(|end| name.len() > end.len() && is_spelled(&name[name.len() - end.len()..], end))
}

/// Equal whatever the case, and whether it is written with `-` or `_`.
fn is_spelled(name: &[u8], known: &[u8]) -> bool {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == known.len() && name.iter().zip(known).all(|(&one, &two)| fold(one) == two)
}
