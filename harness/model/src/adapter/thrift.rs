//! Templates that cannot be made to cost time or memory: they come with submissions and are filled in by the judge itself.
//!
//! `render` makes its environment here. Fuel bounds what is executed and a ceiling what is written; what could grow within a
//! single expression, where neither looks, is left out of the language: repeated lists, texts that are doubled.

use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior};

/// Steps of one template: some hundred backends with some lines each.
const FUEL: u64 = 20_000;
/// Bytes of one template, and of what becomes of it.
const MOST_BYTES: usize = 64 << 10;
const MOST_WRITTEN: usize = 1 << 20;
/// Elements of `range`.
const MOST_ELEMENTS: i64 = 1_000;
/// Filters whose result may be longer than what they are given, without a bound.
const UNBOUNDED: [&str; 7] = ["batch", "slice", "chain", "zip", "format", "pprint", "sum"];
/// Names that stand for a number or for nothing that could be multiplied.
const NUMBERS: [&str; 35] = [
    "port",
    "ttl_seconds",
    "ttl_milliseconds",
    "ttl_minutes",
    "ttl_whole_minutes",
    "throttle",
    "throttle_burst",
    "health_milliseconds",
    "health_failures",
    "health_successes",
    "loop",
    "index",
    "index0",
    "revindex",
    "revindex0",
    "length",
    "first",
    "last",
    "or",
    "and",
    "not",
    "if",
    "elif",
    "else",
    "is",
    "defined",
    "none",
    "set",
    "int",
    "round",
    "abs",
    "float",
    "default",
    "true",
    "false",
];

/// The environment of every template of an adapter.
pub(super) fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_keep_trailing_newline(true);
    // A line that holds only a `{% for %}` leaves no empty line behind.
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_fuel(Some(FUEL));
    let written = AtomicUsize::new(0);
    environment.set_formatter(move |out, _, value| {
        // What is not told stands for itself as nothing: a port that is left to the program's own default is no word "none".
        let text = if value.is_none() { String::new() } else { value.to_string() };
        // Also what goes into a variable by `{% set x %}` comes by here.
        if written.fetch_add(text.len(), Ordering::Relaxed) > MOST_WRITTEN {
            return Err(too_much());
        }
        out.write_str(&text).map_err(Error::from)
    });
    UNBOUNDED.iter().for_each(|name| environment.remove_filter(name));
    environment.add_filter("indent", |text: String, width: usize| {
        bounded(text.len(), text.matches('\n').count().saturating_mul(width), || {
            text.replace('\n', &format!("\n{}", " ".repeat(width)))
        })
    });
    environment.add_filter("replace", |text: String, from: String, to: String| {
        bounded(text.len(), (text.len() + 1).saturating_mul(to.len()), || text.replace(&from, &to))
    });
    environment.add_filter("join", joined);
    environment.add_function("range", |from: i64, to: Option<i64>, step: Option<i64>| {
        let (from, to) = to.map_or((0, from), |to| (from, to));
        let step = usize::try_from(step.unwrap_or(1)).ok().filter(|step| *step > 0);
        let (Some(step), true) = (step, to.saturating_sub(from) <= MOST_ELEMENTS) else {
            return Err(too_much());
        };
        Ok((from..to).step_by(step).collect::<Vec<i64>>())
    });
    // What it holds outlives a loop, and so could grow with every turn.
    environment
        .add_function("namespace", |_: minijinja::value::Rest<minijinja::Value>| -> Result<String, Error> {
            Err(too_much())
        });
    environment
}

/// Fills in one template.
///
/// # Errors
/// What minijinja says, or that it asks for too much.
pub(super) fn fill(
    environment: &Environment<'_>,
    text: &str,
    variables: impl serde::Serialize,
) -> Result<String, Error> {
    if text.len() > MOST_BYTES || blocks(text).any(grows) {
        return Err(too_much());
    }
    environment.render_str(text, variables)
}

fn too_much() -> Error {
    Error::new(ErrorKind::InvalidOperation, "the template asks for more than a configuration needs")
}

fn bounded(one: usize, more: usize, make: impl FnOnce() -> String) -> Result<String, Error> {
    if one.saturating_add(more) > MOST_WRITTEN { Err(too_much()) } else { Ok(make()) }
}

fn joined(values: minijinja::Value, between: Option<String>) -> Result<String, Error> {
    let (mut text, between) = (String::new(), between.unwrap_or_default());
    for (place, value) in values.try_iter()?.enumerate() {
        if place > 0 {
            text.push_str(&between);
        }
        text.push_str(&value.to_string());
        if text.len() > MOST_WRITTEN {
            return Err(too_much());
        }
    }
    Ok(text)
}

/// Whether a block multiplies, or sums up for later, anything but numbers.
fn grows(block: &str) -> bool {
    let block = block.trim_matches(['-', '+']).trim();
    let bare = without_quotes(block);
    let sums_up = block.starts_with("set") && bare.contains(['+', '~']);
    if !bare.contains('*') && !sums_up {
        return false;
    }
    let of_letters = |c: char| c.is_alphanumeric() || c == '_';
    let mut names =
        bare.split(|c: char| !of_letters(c)).filter(|word| word.starts_with(|c: char| !c.is_ascii_digit()));
    let assigned =
        block.strip_prefix("set").and_then(|rest| rest.split('=').next()).unwrap_or_default().trim();
    bare.contains(['~', '[', '"'])
        || names.any(|name| name != assigned && !NUMBERS.contains(&name))
        || (!assigned.is_empty() && bare.matches(assigned).count() > 1)
}

/// A block with a mark in place of each text in quotes.
fn without_quotes(block: &str) -> String {
    let (mut bare, mut rest) = (String::new(), block);
    while let Some(at) = rest.find(['"', '\'']) {
        bare.push_str(&rest[..at]);
        bare.push('"');
        rest = &rest[at + end_of_quote(&rest[at..])..];
    }
    bare + rest
}

/// Where a text in quotes ends that begins here.
fn end_of_quote(text: &str) -> usize {
    let quote = text.as_bytes()[0];
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            byte if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The insides of `{{ … }}` and `{% … %}` as minijinja sees them: neither a comment nor a text in quotes hides any.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let open = rest
                .match_indices('{')
                .map(|(at, _)| at)
                .find(|&at| rest[at + 1..].starts_with(['{', '%', '#']))?;
            let kind = rest.as_bytes()[open + 1];
            let inside = &rest[open + 2..];
            if kind == b'#' {
                rest = inside.find("#}").map_or("", |end| &inside[end + 2..]);
                continue;
            }
            let end = end_of_block(inside, if kind == b'{' { "}}" } else { "%}" });
            let block = &inside[..end];
            rest = inside.get(end + 2..).unwrap_or("");
            if block.trim_matches(['-', '+']).trim() == "raw" {
                let end = rest.match_indices("{%").find(|(at, _)| {
                    rest[at + 2..].trim_start_matches(['-', '+']).trim_start().starts_with("endraw")
                });
                rest = end.map_or("", |(at, _)| &rest[at..]);
            }
            return Some(block);
        }
    })
}

fn end_of_block(inside: &str, close: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < inside.len() {
        let rest = &inside[at..];
        if depth == 0 && rest.starts_with(close) {
            return at;
        }
        at += match rest.as_bytes()[0] {
            b'"' | b'\'' => end_of_quote(rest),
            b'{' | b'[' | b'(' => {
                depth += 1;
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn filled(text: &str) -> Result<String, Error> {
        let backends = minijinja::context! { backends => ["a:1", "b:2"], ttl_seconds => 3, port => 80 };
        fill(&environment(), text, backends)
    }

    #[test]
    fn what_is_not_told_is_no_word() {
        let nothing = minijinja::context! { port => None::<u16> };
        assert_eq!(fill(&environment(), "port={{ port }}\n", nothing).unwrap(), "port=\n");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the time that a template takes is the subject")]
    fn no_template_costs_time_or_memory() {
        let doubled = "{% set x = 'aaaaaaaa' %}".to_owned() + &"{% set x = x ~ x %}".repeat(40) + "{{ x }}";
        let captured = "{% set x %}aaaaaaaa{% endset %}".to_owned()
            + &"{% set x %}{{ x }}{{ x }}{% endset %}".repeat(40)
            + "{{ x }}";
        for hostile in [
            "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
            "{% for a in range(999) %}{% for b in range(999) %}x{% endfor %}{% endfor %}",
            "{{ 'a\nb' | indent(9999999999) }}",
            "{{ 'a' * 99999999 }}",
            "{{ (backends * 99999999999) | last }}",
            "{{ ([1] * 99999999999) | last }}",
            "{# {{ \" #}{{ (backends * 99999999999) | last }}",
            "{% raw %}{{ \" {% endraw %}{{ (backends * 99999999999) | last }}",
            "{{ {'a': {'b': 1}} }}{{ (backends * 99999999999) | last }}",
            "{{ '}}' }}{{ (backends * 99999999999) | last }}",
            "{% set b = backends %}{{ b * 99999999999 }}",
            "{{ range(1000) | join('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' | replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')) }}",
            "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
            &doubled,
            &captured,
            &"a".repeat(MOST_BYTES + 1),
        ] {
            let began = Instant::now();
            assert!(filled(hostile).is_err(), "{}", &hostile[..hostile.len().min(80)]);
            assert!(began.elapsed() < Duration::from_secs(2), "{}", &hostile[..hostile.len().min(80)]);
        }
    }

    #[test]
    fn what_adapters_need_is_let_through() {
        for (text, expected) in [
            ("{{ ttl_seconds * 1000 }}", "3000"),
            ("{{ (ttl_seconds or 60) * 1000 }} * {{ port + 1 }}", "3000 * 81"),
            ("{% set ms = ttl_seconds * 1000 %}{{ ms }}", "3000"),
            ("{% set first = backends[0] %}{{ first }}", "a:1"),
            ("{{ backends | join(', ') }}{{ \"*\" }}", "a:1, b:2*"),
            ("{{ 'a\nb' | indent(2) }} {{ 'a.b' | replace('.', '-') }}", "a\n  b a-b"),
            ("{% for b in backends %}{{ loop.index * 10 }}={{ b ~ '/' }};{% endfor %}", "10=a:1/;20=b:2/;"),
            ("{% raw %}{{ x * y }}{% endraw %}", "{{ x * y }}"),
        ] {
            assert_eq!(filled(text).unwrap_or_else(|error| panic!("{text}: {error}")), expected);
        }
    }
}
