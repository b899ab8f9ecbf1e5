//! `--set key=value`: replaces one scalar of a scenario's text before it is parsed.
//!
//! The text stays YAML, so a wrong value is complained about at the place where it now stands. Only existing keys can
//! be set; a path that leads nowhere is a problem, not a new key.

use std::path::Path;
use std::sync::Arc;

use super::problem::{NameKind, Problem, What};

/// Applies settings of the form `proxy.ttl=1s` to a text.
///
/// # Errors
/// A setting without `=`, or a path that the text does not hold.
pub fn apply(text: &str, settings: &[String], _file: &Path) -> Result<Arc<str>, Problem> {
    let mut text = text.to_owned();
    for setting in settings {
        let Some((path, value)) = setting.split_once('=') else {
            return Err(Problem::nowhere(What::BadValue(format!(
                "--set {setting}: write it as key=value, such as --set proxy.ttl=1s"
            ))));
        };
        let segments: Vec<&str> = path.split('.').collect();
        let Some(range) = find_scalar(&text, &segments) else {
            let known = scalars(&text);
            return Err(Problem::nowhere(What::UnknownName {
                kind: NameKind::Setting,
                name: path.to_owned(),
                known,
            }));
        };
        text.replace_range(range, value);
    }
    Ok(text.into())
}

/// The bytes of the scalar at a path of keys, in block or one-line flow mappings.
fn find_scalar(text: &str, segments: &[&str]) -> Option<std::ops::Range<usize>> {
    let (first, rest) = segments.split_first()?;
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if let Some(after) = line.strip_prefix(&format!("{first}:")) {
            let start = offset + first.len() + 1;
            return match rest {
                [] => scalar_at(text, start),
                [key] => find_in_block(text, start, after, key),
                _ => None,
            };
        }
        offset += line.len();
    }
    None
}

fn find_in_block(text: &str, start: usize, after: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let written = format!("{key}:");
    if after.trim_start().starts_with('{') {
        let at = after
            .match_indices(&written)
            .map(|(at, _)| at)
            .find(|&at| after[..at].ends_with(['{', ' ', ',']))?;
        return scalar_at(text, start + at + written.len());
    }
    let mut offset = start + after.len();
    for line in text[offset..].split_inclusive('\n') {
        if !line.starts_with(' ') && !line.trim().is_empty() {
            return None;
        }
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with(&written) {
            return scalar_at(text, offset + indent + written.len());
        }
        offset += line.len();
    }
    None
}

fn scalar_at(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let rest = &text[from..];
    let line = rest.lines().next()?;
    let end = line.find([',', '}', '#']).unwrap_or(line.len());
    let raw = &line[..end];
    let start = raw.len() - raw.trim_start().len();
    (!raw.trim().is_empty()).then(|| from + start..from + raw.trim_end().len())
}

/// The paths that can be set: top-level scalars and those one level below.
fn scalars(text: &str) -> Vec<String> {
    let mut top = "";
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let trimmed = key.trim();
        if trimmed.is_empty() || trimmed.starts_with(['-', '#']) {
            continue;
        }
        if key.starts_with(' ') {
            if !value.trim().is_empty() && ["proxy", "backends"].contains(&top) {
                found.push(format!("{top}.{trimmed}"));
            }
        } else {
            top = trimmed;
            for part in value.trim().strip_prefix('{').into_iter().flat_map(|flow| flow.split(',')) {
                if let Some((inner, _)) = part.split_once(':') {
                    found.push(format!("{top}.{}", inner.trim()));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "name: a\nproxy: {ttl: 2s} # launch\nbackends:\n  count: 3\n  script: {}\n";

    fn set(setting: &str) -> Result<Arc<str>, Problem> {
        apply(TEXT, &[setting.to_owned()], Path::new("a.yaml"))
    }

    #[test]
    fn scalars_of_both_styles_are_replaced() {
        assert!(set("proxy.ttl=5s").unwrap().contains("{ttl: 5s} # launch"));
        assert!(set("backends.count=4").unwrap().contains("count: 4\n"));
        assert!(set("name=b").unwrap().starts_with("name: b\n"));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_a_problem_with_the_paths_that_exist() {
        let What::UnknownName { known, .. } = set("proxy.tll=5s").unwrap_err().what else { panic!() };
        assert!(known.contains(&"proxy.ttl".to_owned()), "{known:?}");
        assert!(set("proxy.ttl").is_err());
    }
}
