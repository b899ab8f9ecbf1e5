//! The first line of named content: whose it is, in text, with a checksum.
//!
//! `verify` reads it with these functions; `generate` writes it. A name that comes in pieces is told apart from one that
//! is damaged as soon as that is certain.

use super::damage::{Damage, shown};
use super::generate::{Content, Kind, MAGIC, START_LIMIT};
use super::secret::Secret;

/// Where the first line ends. The key is skipped by its length: it may hold anything.
pub(super) fn end_of(start: &[u8]) -> Option<usize> {
    match parts(start) {
        Ok(Some((.., end))) => Some(end),
        // A name that is damaged for certain ends here: there is nothing to wait for.
        Err(_) => Some(start.len()),
        Ok(None) => None,
    }
}

/// Kind, size, version, key, seed and length of a name.
type Parts<'a> = (Kind, u64, u64, &'a str, u64, usize);

/// Takes a name apart; `None` while it is incomplete.
fn parts(start: &[u8]) -> Result<Option<Parts<'_>>, Damage> {
    let damaged = |what: &str| Damage::Name(format!("{what} in \"{}\"", shown(start)));
    let mut at = MAGIC.len();
    let mut word = || -> Option<&[u8]> {
        let length = start.get(at..)?.iter().take(32).position(|&byte| byte == b' ')?;
        let word = &start[at..at + length];
        at += length + 1;
        Some(word)
    };
    let complete = |word: Option<&'_ [u8]>| match word {
        Some(word) => Ok(Some(std::str::from_utf8(word).map_err(|_| damaged("no text"))?.to_owned())),
        None if start.len() > MAGIC.len() + 100 => Err(damaged("no end of a word")),
        None => Ok(None),
    };
    let mut words = [const { String::new() }; 4];
    for slot in &mut words {
        match complete(word())? {
            Some(text) => *slot = text,
            None => return Ok(None),
        }
    }
    let kind = match words[0].as_str() {
        "b" => Kind::Binary,
        "t" => Kind::Text,
        "u" => Kind::Accented,
        _ => return Err(damaged("no kind")),
    };
    let number = |text: &str, what: &str| text.parse::<u64>().map_err(|_| damaged(what));
    let (size, version) = (number(&words[1], "no size")?, number(&words[2], "no version")?);
    let key_length = usize::try_from(number(&words[3], "no length of a key")?).unwrap_or(usize::MAX);
    if key_length >= START_LIMIT {
        return Err(damaged("too long a key"));
    }
    // The key, a blank, sixteen digits, a line end.
    let end = at + key_length + 18;
    let Some(rest) = start.get(at..end) else { return Ok(None) };
    let (key, rest) = rest.split_at(key_length);
    let key = std::str::from_utf8(key).map_err(|_| damaged("no text"))?;
    let seed = std::str::from_utf8(&rest[1..17]).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match (rest[0], seed, rest[17]) {
        (b' ', Some(seed), b'\n') => Ok(Some((kind, size, version, key, seed, end))),
        _ => Err(damaged("no checksum")),
    }
}

/// The content that a complete beginning names, its key and its version.
pub(super) fn parse(start: &[u8], secret: Secret) -> Result<(Content, String, u64), Damage> {
    if !start.starts_with(MAGIC) {
        return Err(Damage::Foreign(shown(start)));
    }
    let Some((kind, size, version, key, seed, _)) = parts(start)? else {
        return Err(Damage::Name(format!("it is cut: \"{}\"", shown(start))));
    };
    let content = secret.content(key, version, size, kind);
    if content.seed() != seed {
        return Err(Damage::Name(format!(
            "no backend of this run ever gave it, the checksum is not theirs in \"{}\"",
            shown(start)
        )));
    }
    Ok((content, key.to_owned(), version))
}

/// The content that a beginning names, whether or not its checksum is ours.
pub(super) fn claimed(start: &[u8]) -> Option<Content> {
    let (kind, size, version, key, seed, _) = start.starts_with(MAGIC).then(|| parts(start))?.ok()??;
    Some(Content::with_seed(key, version, size, kind, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_another_secret_is_nobodys_here_and_can_be_made_again_from_its_beginning() {
        let theirs = Content::with_seed("/a b", 1, 500, Kind::Binary, 7).to_vec();
        let damage = super::super::verify(&theirs, Secret::NONE).unwrap_err();
        assert!(damage.to_string().contains("no backend of this run ever gave it"), "{damage}");
        assert_eq!(claimed(&theirs[..100]).map(|content| content.to_vec()), Some(theirs));
        assert_eq!(claimed(b"FB1 b 500 1 4 /a b"), None, "cut");
        assert_eq!(claimed(b"<html>no name at all</html>"), None);
    }
}
