//! `Cache-Control` of requests and responses (RFC 9111 §5.2), in all the forms that are sent.
//!
//! `freshness` and `storable` read the directives made here. Nothing is judged in this module, except
//! that a lifetime which cannot be read counts as none at all.

use crate::http::{Fields, is_token, is_token_or_quoted, list_elements};

/// The directives of a response that concern a shared cache (RFC 9111 §5.2.2, RFC 5861).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `max-age` in seconds; 0 when it was there but unreadable (RFC 9111 §4.2.1).
    pub max_age: Option<u64>,
    /// `s-maxage` in seconds; 0 when it was there but unreadable.
    pub s_maxage: Option<u64>,
    /// `no-cache` without a list of fields.
    pub no_cache: bool,
    /// The fields that `no-cache="…"` lists, in lower case: they are not reused.
    pub no_cache_fields: Vec<Vec<u8>>,
    /// `no-store`.
    pub no_store: bool,
    /// `private`, also with a list of fields: to treat that as the plain form is always safe.
    pub private: bool,
    /// `public`.
    pub public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
    /// `stale-while-revalidate` in seconds (RFC 5861 §3).
    pub stale_while_revalidate: u64,
    /// `stale-if-error` in seconds (RFC 5861 §4).
    pub stale_if_error: u64,
    /// A part of it is no directive, so that nobody knows what it forbids.
    pub is_unreadable: bool,
}

/// The directives of a request (RFC 9111 §5.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `max-age` in seconds; unreadable ones are ignored.
    pub max_age: Option<u64>,
    /// `min-fresh` in seconds.
    pub min_fresh: Option<u64>,
    /// `max-stale` in seconds; without a value any staleness is accepted.
    pub max_stale: Option<u64>,
    /// `no-cache`, or `Pragma: no-cache` where there is no `Cache-Control` (RFC 9111 §5.4).
    pub no_cache: bool,
    /// `no-store`.
    pub no_store: bool,
    /// `only-if-cached`.
    pub only_if_cached: bool,
    /// `stale-if-error` in seconds (RFC 5861 §4).
    pub stale_if_error: u64,
}

/// More than any cache lives; larger values are brought down to it (RFC 9111 §1.2.2).
const MOST_SECONDS: u64 = 1 << 40;

impl ResponseDirectives {
    /// Reads every `Cache-Control` line. Of repeated directives the first counts (RFC 9111 §4.2.1).
    pub fn read(fields: &Fields) -> Self {
        let mut directives = Self::default();
        for element in fields.list("cache-control") {
            directives.add(element);
        }
        directives
    }

    fn add(&mut self, element: &[u8]) {
        self.is_unreadable |= !is_directive(element);
        let (name, value) = split(element);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("max-age") {
            self.max_age.get_or_insert(lifetime(value));
        } else if is("s-maxage") {
            self.s_maxage.get_or_insert(lifetime(value));
        } else if is("no-cache") {
            match value {
                Some(value) if field_names(value).next().is_some() => {
                    self.no_cache_fields.extend(field_names(value));
                }
                // A list of nothing is no reason to be less strict.
                _ => self.no_cache = true,
            }
        } else if is("no-store") {
            self.no_store = true;
        } else if is("private") {
            self.private = true;
        } else if is("public") {
            self.public = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if is("must-understand") {
            self.must_understand = true;
        } else if is("stale-while-revalidate") {
            self.stale_while_revalidate = lifetime(value);
        } else if is("stale-if-error") {
            self.stale_if_error = lifetime(value);
        }
    }
}

impl RequestDirectives {
    /// Reads `Cache-Control`, or `Pragma` where there is none.
    pub fn read(fields: &Fields) -> Self {
        let mut directives = Self::default();
        if !fields.contains("cache-control") {
            directives.no_cache =
                fields.list("pragma").any(|element| element.eq_ignore_ascii_case(b"no-cache"));
            return directives;
        }
        for element in fields.list("cache-control") {
            directives.add(element);
        }
        directives
    }

    fn add(&mut self, element: &[u8]) {
        if !is_directive(element) {
            // Whatever it was meant to ask for: nothing is reused and nothing is left behind.
            (self.no_cache, self.no_store) = (true, true);
        }
        let (name, value) = split(element);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        let first = |place: &mut Option<u64>| {
            *place = place.or(value.and_then(seconds));
        };
        if is("max-age") {
            first(&mut self.max_age);
        } else if is("min-fresh") {
            first(&mut self.min_fresh);
        } else if is("max-stale") {
            let accepted = value.map_or(Some(MOST_SECONDS), seconds);
            self.max_stale = self.max_stale.or(accepted);
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("no-store") {
            self.no_store = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("stale-if-error") {
            self.stale_if_error = value.and_then(seconds).unwrap_or(0);
        }
    }
}

/// `delta-seconds` (RFC 9111 §1.2.2), as a token or, as recipients are asked to accept, quoted.
/// Nothing but digits will do: no sign, no fraction, no blank.
pub(super) fn seconds(value: &[u8]) -> Option<u64> {
    let digits = match value {
        [b'"', inner @ .., b'"'] => inner,
        plain => plain,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value =
        digits.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(value.min(MOST_SECONDS))
}

/// A lifetime that cannot be read makes the response stale (RFC 9111 §4.2.1).
fn lifetime(value: Option<&[u8]>) -> u64 {
    value.and_then(seconds).unwrap_or(0)
}

/// Whether an element has the form of RFC 9111 §5.2: `token [ "=" ( token / quoted-string ) ]`.
fn is_directive(element: &[u8]) -> bool {
    match element.iter().position(|&byte| byte == b'=') {
        None => is_token(element),
        Some(place) => is_token(&element[..place]) && is_token_or_quoted(&element[place + 1..]),
    }
}

/// Name and value; blanks around the equals sign stay in the value, where they make it unreadable.
fn split(element: &[u8]) -> (&[u8], Option<&[u8]>) {
    match element.iter().position(|&byte| byte == b'=') {
        Some(place) => {
            let (name, value) = (&element[..place], &element[place + 1..]);
            let trimmed = name.trim_ascii_end();
            // `max-age =1` names max-age, and says nothing readable about it.
            if trimmed.len() == name.len() { (name, Some(value)) } else { (trimmed, Some(b"")) }
        }
        None => (element, None),
    }
}

fn field_names(value: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let inner = match value {
        [b'"', inner @ .., b'"'] => inner,
        plain => plain,
    };
    list_elements(inner).map(<[u8]>::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn response(lines: &[&str]) -> ResponseDirectives {
        ResponseDirectives::read(&lines.iter().map(|line| ("Cache-Control", line)).collect())
    }

    fn request(line: &str) -> RequestDirectives {
        RequestDirectives::read(&[("cache-control", line)].into_iter().collect())
    }

    #[test]
    fn names_are_found_in_any_case_and_beside_extensions() {
        let read = response(&["foobar, MaX-aGe=3600", "NO-STORE,Must-Revalidate"]);
        assert_eq!((read.max_age, read.no_store, read.must_revalidate), (Some(3600), true, true));
    }

    #[test]
    fn of_repeated_lifetimes_the_first_counts() {
        assert_eq!(response(&["max-age=1800, max-age=1"]).max_age, Some(1800));
        assert_eq!(response(&["max-age=1", "max-age=1800"]).max_age, Some(1));
    }

    #[test]
    fn directives_inside_quoted_strings_are_not_directives() {
        let read = response(&["extension=\"max-age=3600, no-store\", max-age=1"]);
        assert_eq!((read.max_age, read.no_store), (Some(1), false));
    }

    #[test]
    fn lifetimes_are_digits_and_nothing_else() {
        for (text, expected) in [
            ("max-age=\"3600\"", 3600),
            ("max-age=003600", 3600),
            ("max-age=2147483649", 2_147_483_649),
            ("max-age=99999999999999999999999", MOST_SECONDS),
            ("max-age=-3600", 0),
            ("max-age='3600'", 0),
            ("max-age=3600.0", 0),
            ("max-age=3600a", 0),
            ("max-age =3600", 0),
            ("max-age= 3600", 0),
            ("max-age=", 0),
            ("max-age", 0),
        ] {
            assert_eq!(response(&[text]).max_age, Some(expected), "{text}");
        }
    }

    #[test]
    fn listed_fields_are_read_for_no_cache_and_ignored_for_private() {
        let read = response(&["no-cache=\"A, b\", private=\"x\""]);
        assert_eq!(read.no_cache_fields, [b"a", b"b"]);
        assert!(!read.no_cache && read.private);
        assert!(response(&["no-cache=\"\""]).no_cache && response(&["no-cache=\" , \""]).no_cache);
    }

    #[test]
    fn requests_may_accept_any_staleness_or_a_limit() {
        assert_eq!(request("max-stale").max_stale, Some(MOST_SECONDS));
        assert_eq!(request("max-stale=10, min-fresh=5").max_stale, Some(10));
        assert_eq!(request("max-age=x").max_age, None);
    }

    #[test]
    fn pragma_counts_only_where_there_is_no_cache_control() {
        let pragma = [("Pragma", "No-Cache")];
        assert!(RequestDirectives::read(&pragma.into_iter().collect()).no_cache);
        let both = [("Pragma", "no-cache"), ("Cache-Control", "foo")];
        assert!(!RequestDirectives::read(&both.into_iter().collect()).no_cache);
    }

    proptest! {
        #[test]
        fn reading_never_panics(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            let fields: Fields = [("cache-control", &line)].into_iter().collect();
            let _ = ResponseDirectives::read(&fields);
            let _ = RequestDirectives::read(&fields);
        }

        #[test]
        fn every_number_is_read_back(value in 0..MOST_SECONDS) {
            prop_assert_eq!(response(&[&format!("s-maxage={value}")]).s_maxage, Some(value));
        }
    }
}
