//! `CDN-Cache-Control`: directives for caches like this one, in place of `Cache-Control` (RFC 9213).
//!
//! `freshness` asks here first. The field is a dictionary of structured fields (RFC 8941 §3.2), and one
//! that is not exactly that is ignored as a whole, as RFC 9213 §2.1 demands.

use super::cache_control::ResponseDirectives;
use crate::http::Fields;

/// The directives that take the place of `Cache-Control` and `Expires`; `None` when there is no such
/// field, when it is empty, or when it is not well formed.
pub(super) fn read(fields: &Fields) -> Option<ResponseDirectives> {
    let text = fields.combined("cdn-cache-control")?;
    let mut parser = Parser { rest: text.trim_ascii() };
    let mut directives = ResponseDirectives::default();
    if parser.rest.is_empty() {
        return None;
    }
    loop {
        let name = parser.key()?;
        let value = if parser.eat(b'=') { parser.item()? } else { Value::Boolean(true) };
        parser.parameters()?;
        apply(&mut directives, name, &value)?;
        parser.skip_blanks();
        if parser.rest.is_empty() {
            return Some(directives);
        }
        if !parser.eat(b',') {
            return None;
        }
        parser.skip_blanks();
    }
}

enum Value {
    Integer(i64),
    Boolean(bool),
    Other,
}

/// Of repeated keys the last counts (RFC 8941 §3.2). A directive with a value of the wrong type makes the
/// field invalid: guessing a lifetime is worse than falling back to `Cache-Control`.
fn apply(directives: &mut ResponseDirectives, name: &[u8], value: &Value) -> Option<()> {
    let lifetime = || match value {
        Value::Integer(seconds) => u64::try_from(*seconds).ok(),
        _ => None,
    };
    let flag = || match value {
        Value::Boolean(is_set) => Some(*is_set),
        // `no-cache="field"`: the plain form is the safe reading.
        Value::Other => Some(true),
        Value::Integer(_) => None,
    };
    match name {
        b"max-age" => directives.max_age = Some(lifetime()?),
        b"s-maxage" => directives.s_maxage = Some(lifetime()?),
        b"stale-while-revalidate" => directives.stale_while_revalidate = lifetime()?,
        b"stale-if-error" => directives.stale_if_error = lifetime()?,
        b"no-cache" => directives.no_cache = flag()?,
        b"no-store" => directives.no_store = flag()?,
        b"private" => directives.private = flag()?,
        b"public" => directives.public = flag()?,
        b"must-revalidate" => directives.must_revalidate = flag()?,
        b"proxy-revalidate" => directives.proxy_revalidate = flag()?,
        b"must-understand" => directives.must_understand = flag()?,
        _ => {}
    }
    Some(())
}

/// A parser of the dictionaries of RFC 8941 §4.2.2, which fails as a whole.
struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    fn eat(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_blanks(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') {}
    }

    fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !fits(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Keys are in lower case (RFC 8941 §3.1.2).
    fn key(&mut self) -> Option<&'a [u8]> {
        let first = *self.rest.first()?;
        (first.is_ascii_lowercase() || first == b'*').then(|| {
            self.take_while(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
            })
        })
    }

    fn item(&mut self) -> Option<Value> {
        if self.eat(b'(') {
            return self.inner_list();
        }
        self.bare_item()
    }

    fn inner_list(&mut self) -> Option<Value> {
        loop {
            while self.eat(b' ') {}
            if self.eat(b')') {
                return Some(Value::Other);
            }
            self.bare_item()?;
            self.parameters()?;
            if !matches!(self.rest.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.eat(b';') {
            while self.eat(b' ') {}
            self.key()?;
            if self.eat(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    fn bare_item(&mut self) -> Option<Value> {
        match *self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => {
                self.eat(b'?');
                let is_true = self.eat(b'1');
                (is_true || self.eat(b'0')).then_some(Value::Boolean(is_true))
            }
            b':' => {
                self.eat(b':');
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
                self.eat(b':').then_some(Value::Other)
            }
            b'*' | b'a'..=b'z' | b'A'..=b'Z' => {
                self.take_while(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
                Some(Value::Other)
            }
            _ => None,
        }
    }

    /// At most fifteen digits, or twelve and three behind a point (RFC 8941 §3.3.1, §3.3.2).
    fn number(&mut self) -> Option<Value> {
        let is_negative = self.eat(b'-');
        let whole = self.take_while(|byte| byte.is_ascii_digit());
        if self.eat(b'.') {
            let fraction = self.take_while(|byte| byte.is_ascii_digit());
            let fits = (1..=12).contains(&whole.len()) && (1..=3).contains(&fraction.len());
            return fits.then_some(Value::Other);
        }
        if !(1..=15).contains(&whole.len()) {
            return None;
        }
        let value = whole.iter().fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Some(Value::Integer(if is_negative { -value } else { value }))
    }

    fn string(&mut self) -> Option<Value> {
        self.eat(b'"');
        loop {
            self.take_while(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
            if self.eat(b'"') {
                return Some(Value::Other);
            }
            // Only a quote and a backslash may be escaped (RFC 8941 §3.3.3).
            if !self.eat(b'\\') || !(self.eat(b'"') || self.eat(b'\\')) {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directives(text: &str) -> Option<ResponseDirectives> {
        read(&[("CDN-Cache-Control", text)].into_iter().collect())
    }

    #[test]
    fn directives_are_read_beside_extensions_and_parameters() {
        let read = directives("foobar, max-age=3600;x=\"y\", ext=(a \"b\";c 1.5), no-cache").unwrap();
        assert_eq!((read.max_age, read.no_cache), (Some(3600), true));
        assert_eq!(directives("max-age=99999999999").unwrap().max_age, Some(99_999_999_999));
        assert_eq!(directives("max-age=1, max-age=2").unwrap().max_age, Some(2));
        assert!(!directives("no-store=?0, max-age=1").unwrap().no_store);
    }

    #[test]
    fn a_field_that_is_no_dictionary_is_ignored_as_a_whole_by_rfc_9213_section_2_1() {
        for text in [
            "",
            "max-age=10000, &&&&&",
            "max-age=\"10000\"",
            "MaX-aGe=3600",
            "max-age =100",
            "max-age= 100",
            "max-age=1,",
            "max-age=1 no-store",
            "max-age=-1",
            "a=\"unterminated",
            "max-age=1234567890123456",
        ] {
            assert_eq!(directives(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(line in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = read(&[("cdn-cache-control", &line)].into_iter().collect());
        }
    }
}
