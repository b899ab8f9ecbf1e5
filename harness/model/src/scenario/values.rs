//! Bounds of what a step may say: targets that can stand in a request line, counts that a run can hold.
//!
//! The types of the steps name these functions, so that a value is refused where it stands. A sentence of a refusal has its Spanish
//! in the language crate, whose test walks through [`refusals`].

use std::time::Duration;

use fake_backends::behavior::{Script, Size, Span};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// Most requests of a step, keys of a fill or of a load.
const MOST_REQUESTS: u32 = 1_000_000;
/// Most of them at the same instant: each has a socket, and the proxy another one.
const MOST_AT_ONCE: u32 = 20_000;
/// Most backends, and instances of a fleet, of which each is one: each of them listens, and has its place on every page.
const MOST_BACKENDS: u32 = 200;
/// What a target may leave to be filled in for each request, and for each rung or client of a cloud case.
const PLACEHOLDERS: [&str; 7] = ["{n}", "{key}", "{cycle}", "{batch}", "{kind}", "{rung}", "{client}"];
/// Most bytes of the body, or of the head, of a request that is sent: it lies in memory.
const MOST_SENT: u64 = 256 << 20;
/// Least time between two of many: nothing that is done again and again without a pause ends in an orderly way.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
/// Longest target or method, in bytes: more than any server reads.
const LONGEST_TARGET: usize = 64 * 1024;
/// Longest name of a folder, in bytes: what stands behind it has to fit into a path too.
const LONGEST_NAME: usize = 80;

/// A target in origin form (RFC 9112, section 3.2.1), with placeholders; empty where the step has none.
pub(super) fn target<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |path: &String| refused_target(path))
}

/// Several of them.
pub(super) fn targets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    checked(deserializer, |paths: &Vec<String>| paths.iter().find_map(|path| refused_target(path)))
}

/// How much of a request is sent.
pub(super) fn sent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    checked(deserializer, |size: &Option<Size>| size.and_then(refused_size))
}

/// The time between two of many.
pub(super) fn pause<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    checked(deserializer, |pause: &Span| refused_pause(pause.0))
}

/// A method: a token (RFC 9110, section 5.6.2).
pub(super) fn method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |method: &String| refused_method(method))
}

/// How many requests, keys or rounds: at least one.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, |count: &u64| refused_number(*count, 1, MOST_REQUESTS)).map(narrow)
}

/// A count that may be nought, where that means that there is none.
pub(super) fn count_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, |count: &u64| refused_number(*count, 0, MOST_REQUESTS)).map(narrow)
}

/// How many requests or clients at the same instant: at least one.
pub(super) fn at_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, |count: &u64| refused_number(*count, 1, MOST_AT_ONCE)).map(narrow)
}

/// Clients at the same instant, of whom there may be none.
pub(super) fn at_once_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(deserializer, |count: &u64| refused_number(*count, 0, MOST_AT_ONCE)).map(narrow)
}

/// How many backends or instances: at least one.
pub(super) fn backends<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    checked(deserializer, |count: &usize| refused_backends(*count))
}

/// The same, where it may be left open.
pub(super) fn some_backends<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    checked(deserializer, |count: &Option<usize>| count.and_then(refused_backends))
}

/// The same with its place, to be held against how many there are.
pub(super) fn told_backends<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Spanned<usize>>, D::Error> {
    checked(deserializer, |count: &Option<Spanned<usize>>| refused_backends(count.as_ref()?.value))
}

/// What backends answer, with nothing in it that can never happen.
pub(super) fn script<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Script, D::Error> {
    checked(deserializer, Script::never_broken_off)
}

fn checked<'de, D, T>(deserializer: D, refused: impl Fn(&T) -> Option<String>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = T::deserialize(deserializer)?;
    refused(&value).map_or(Ok(value), |why| Err(D::Error::custom(why)))
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Why a number cannot be used, between the least and the most that can.
pub(crate) fn refused_number(count: u64, least: u32, most: u32) -> Option<String> {
    if count < u64::from(least) {
        return Some(format!("`{count}` is too few: at least {least}"));
    }
    (count > u64::from(most)).then(|| format!("`{count}` is too many: at most {most}"))
}

fn refused_backends(count: usize) -> Option<String> {
    refused_number(count as u64, 1, MOST_BACKENDS)
}

fn refused_size(size: Size) -> Option<String> {
    let most = MOST_SENT;
    (size.0 > most).then(|| format!("{} bytes of a request are too many: at most {most}", size.0))
}

fn refused_pause(pause: Duration) -> Option<String> {
    (pause < LEAST_PAUSE).then(|| format!("{pause:?} between two of them is too short: at least 1ms"))
}

/// Why a target cannot be asked for.
pub(crate) fn refused_target(path: &str) -> Option<String> {
    if path.len() > LONGEST_TARGET {
        return Some(format!("a target of {} bytes is too long: at most {LONGEST_TARGET}", path.len()));
    }
    if !path.starts_with('/') {
        return Some(format!("`{}` is no target: it begins with `/`", path.escape_debug()));
    }
    if let Some(odd) = path.chars().find(|&c| !c.is_ascii_graphic() || c == '#') {
        return Some(format!(
            "{odd:?} cannot stand in a target: write {} for it",
            odd.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
        ));
    }
    let unknown = unknown_placeholder(path)?;
    Some(format!("`{unknown}` is no placeholder of a target: {}", PLACEHOLDERS.join(", ")))
}

/// The first `{...}` that nothing would be put in the place of.
fn unknown_placeholder(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let length = rest.find('}').map_or(rest.len(), |end| end + 1);
        if !PLACEHOLDERS.contains(&&rest[..length]) {
            return Some(&rest[..length]);
        }
        rest = &rest[length..];
    }
    None
}

fn refused_method(method: &str) -> Option<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let sound = !method.is_empty() && method.len() <= 100 && method.bytes().all(token);
    (!sound).then(|| format!("`{}` is no method: write a word such as GET", method.escape_debug()))
}

/// Whether a name can be a folder of reports and a part of the name of temporary ones.
pub fn is_folder_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(char::is_alphanumeric)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// One refusal of each kind, for the test that each has its words.
pub fn refusals() -> Vec<String> {
    let targets = [format!("/{}", "a".repeat(LONGEST_TARGET)), "a".into(), "/a b".into(), "/{bogus}".into()];
    let mut all: Vec<String> = targets.iter().filter_map(|path| refused_target(path)).collect();
    all.extend(refused_number(0, 1, 9));
    all.extend(refused_number(10, 1, 9));
    all.extend(refused_method("GET /"));
    all.extend(refused_size(Size(MOST_SENT + 1)));
    all.extend(refused_pause(Duration::ZERO));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_request_line_is_refused_with_the_way_out() {
        assert_eq!(refused_target("/{cycle}/a%20b?k={key}&n={n}"), None);
        assert_eq!(refused_target("/{client}/{rung}/{n}"), None);
        for (path, part) in [
            ("/a\r\nX-Injected: 1", "write %0D"),
            ("/a b", "write %20"),
            ("/a#b", "write %23"),
            ("/ñ", "write %C3%B1"),
            ("a", "begins with `/`"),
            ("", "begins with `/`"),
            ("/{bogus}", "`{bogus}` is no placeholder"),
            ("/{n", "`{n` is no placeholder"),
        ] {
            let why = refused_target(path).unwrap_or_else(|| panic!("{path:?} passed"));
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_count_is_neither_nought_nor_endless() {
        assert_eq!(refused_number(1, 1, MOST_REQUESTS), None);
        for wrong in [0, u64::from(MOST_REQUESTS) + 1, u64::MAX] {
            assert!(refused_number(wrong, 1, MOST_REQUESTS).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(refused_method("M-SEARCH"), None);
        for wrong in ["", "GET ", "GET\r\n", "GÉT"] {
            assert!(refused_method(wrong).is_some(), "{wrong:?}");
        }
    }
}
