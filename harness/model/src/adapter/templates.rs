//! Looks through the templates of an adapter before anything starts: variables that do not exist, blocks that do not end.
//!
//! `resolve` calls it, so that `harness check` refuses what a launch would, with its place in the file. What the templates
//! produce is not looked at here.

use std::path::Path;
use std::sync::Arc;

use super::render::{ATTRIBUTES, VARIABLES, render};
use super::{Adapter, BackendAddress, LaunchVariables};
use crate::scenario::{NameKind, Place, Problem, What};

/// Words of the template language itself.
const WORDS: [&str; 24] = [
    "for",
    "endfor",
    "in",
    "if",
    "else",
    "elif",
    "endif",
    "not",
    "and",
    "or",
    "is",
    "set",
    "endset",
    "true",
    "false",
    "none",
    "loop",
    "defined",
    "undefined",
    "filter",
    "endfilter",
    "range",
    "raw",
    "endraw",
];

/// The first thing that is wrong with a template.
///
/// # Errors
/// The problem, at the place of the name where it can be found in the text.
pub(super) fn look_through(adapter: &Adapter, text: &Arc<str>, origin: &Path) -> Result<(), Problem> {
    if let Some(problem) = misspelt(text, origin) {
        return Err(problem);
    }
    // Once as at a launch with a TTL and all other settings, once as at one without.
    for ttl in [Some(2), None] {
        if let Err(problem) = render(adapter, &sample(ttl)) {
            let what = What::Template { name: problem.template.clone(), why: problem.error };
            // `files.nginx.conf` is found by `nginx.conf:`, `start[2]` by `start:`.
            let key = problem.template.split_once('.').map_or(problem.template.as_str(), |(_, key)| key);
            let key = key.split('[').next().unwrap_or(key);
            return Err(Problem::at(crate::scenario::find_key(text, origin, key), what));
        }
    }
    Ok(())
}

fn sample(ttl_seconds: Option<u64>) -> LaunchVariables {
    let backend = |number: u16| BackendAddress {
        name: format!("b{number}"),
        host: "127.0.0.1".into(),
        port: 9000 + number,
        address: format!("127.0.0.1:{}", 9000 + number),
    };
    LaunchVariables {
        program: "/usr/bin/proxy".into(),
        directory: "/tmp/proxy".into(),
        host: "127.0.0.1".into(),
        port: Some(8080),
        tls_port: ttl_seconds.map(|_| 8443),
        certificate: ttl_seconds.map(|_| "/tmp/proxy/certificate.pem".into()),
        key: ttl_seconds.map(|_| "/tmp/proxy/key.pem".into()),
        certificate_and_key: ttl_seconds.map(|_| "/tmp/proxy/certificate-and-key.pem".into()),
        authority: ttl_seconds.map(|_| "/tmp/proxy/authority.pem".into()),
        http2: ttl_seconds.is_some(),
        backends: (1..=3).map(backend).collect(),
        ttl_seconds,
        ttl_milliseconds: ttl_seconds.map(|seconds| seconds * 1000),
        ttl_minutes: ttl_seconds.map(|seconds| seconds as f64 / 60.0),
        ttl_whole_minutes: ttl_seconds.map(|seconds| seconds.div_ceil(60)),
        balance: ttl_seconds.map(|_| "least_connections".into()),
        throttle: ttl_seconds.map(|_| 100),
        throttle_burst: 10,
        allow: ttl_seconds.map(|_| "127.0.0.2".into()).into_iter().collect(),
        health_path: ttl_seconds.map(|_| "/health".into()),
        health_milliseconds: ttl_seconds.map(|_| 500),
        health_failures: ttl_seconds.map(|_| 3),
        health_successes: ttl_seconds.map(|_| 2),
    }
}

/// A name inside `{{ }}` or `{% %}` that means nothing.
fn misspelt(text: &Arc<str>, origin: &Path) -> Option<Problem> {
    let mut own: Vec<String> = Vec::new();
    for (start, end) in blocks(text) {
        for name in names(text, start, end) {
            let word = &text[name.clone()];
            let before = text[start..name.start].trim_end();
            if before.ends_with("for") || before.ends_with("set") {
                own.push(word.to_owned());
                continue;
            }
            // After a bar stands a filter, after `is` a test, in front of an equals sign an argument's name.
            let after = text[name.end..end].trim_start();
            let names_an_argument = after.starts_with('=') && !after.starts_with("==");
            if before.ends_with('|') || before.ends_with("is") || names_an_argument {
                continue;
            }
            // What stands behind `backends[0].` is one of what a backend has.
            if before.ends_with("].") {
                if ATTRIBUTES.contains(&word) {
                    continue;
                }
                let what = What::UnknownName {
                    kind: NameKind::Variable,
                    name: word.to_owned(),
                    known: ATTRIBUTES.map(str::to_owned).into(),
                };
                let place = Place { file: origin.to_owned(), text: Arc::clone(text), bytes: name.clone() };
                return Some(Problem::at(place, what));
            }
            let (first, attribute) = word.split_once('.').map_or((word, None), |(a, b)| (a, Some(b)));
            let place = || Place { file: origin.to_owned(), text: Arc::clone(text), bytes: name.clone() };
            let unknown = |known: Vec<String>| {
                let what = What::UnknownName { kind: NameKind::Variable, name: word.to_owned(), known };
                Some(Problem::at(place(), what))
            };
            if let Some(attribute) = attribute.filter(|_| own.iter().any(|name| name == first)) {
                if !ATTRIBUTES.contains(&attribute) {
                    return unknown(ATTRIBUTES.iter().map(|known| format!("{first}.{known}")).collect());
                }
            } else if !VARIABLES.contains(&first)
                && !WORDS.contains(&first)
                && !own.iter().any(|name| name == first)
            {
                return unknown(
                    VARIABLES.iter().chain(&own_refs(&own)).map(|&name| name.to_owned()).collect(),
                );
            }
        }
    }
    None
}

fn own_refs(own: &[String]) -> Vec<&str> {
    own.iter().map(String::as_str).collect()
}

/// The insides of `{{ … }}` and `{% … %}`, comments of YAML left out.
fn blocks(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{").into_iter().chain(text[at..].find("{%")).min() {
        let start = at + open + 2;
        let close = if text[at + open..].starts_with("{{") { "}}" } else { "%}" };
        let Some(length) = text[start..].find(close) else { break };
        at = start + length + 2;
        let line = text[..start].rfind('\n').map_or(0, |found| found + 1);
        // A comment of the adapter itself may show a template.
        if !text[line..start].trim_start().starts_with('#') {
            found.push((start, start + length));
        }
    }
    found
}

/// Names in a block, with their attributes; texts in quotes are none.
fn names(text: &str, start: usize, end: usize) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut name: Option<usize> = None;
    for (offset, c) in text[start..end].char_indices().chain([(end - start, ' ')]) {
        let at = start + offset;
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        let continues = c.is_alphanumeric() || c == '_' || (c == '.' && name.is_some());
        match (continues, name) {
            (true, None) => name = Some(at),
            (false, Some(began)) => {
                if text[began..].starts_with(|first: char| first.is_alphabetic() || first == '_') {
                    found.push(began..at);
                }
                name = None;
            }
            _ => {}
        }
        if matches!(c, '"' | '\'') {
            quote = Some(c);
        }
    }
    found
}
