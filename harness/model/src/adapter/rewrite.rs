//! Literal replacements in files that somebody else wrote: the user's own configuration, constants in a private copy of source.
//!
//! `originals` reads them into the adapter, `render` fills in what replaces, `proxy_under_test` writes the result. A
//! replacement whose text does not occur is an error, never passed over. Nothing here touches a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::scenario::Encoding;

/// A file that is changed before it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    /// Where the result goes, relative to the working directory.
    pub path: String,
    /// Where the original lies.
    pub source: PathBuf,
    /// The original, once it was read.
    pub before: String,
    /// How it is written, before and after.
    #[serde(default)]
    pub encoding: Encoding,
    /// Whether it is a patch of the program itself, which is built again afterwards and counted; otherwise configuration.
    pub patch: bool,
    /// What is replaced.
    pub replace: Vec<Replacement>,
}

/// One literal replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// What stands in the file, to the letter.
    pub text: String,
    /// What takes its place; a template.
    pub with: String,
    /// How often it must occur; at least once where left out.
    #[serde(default)]
    pub times: Option<usize>,
}

/// `config:` of an adapter.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The user's own configuration file, relative to the adapter.
    pub from: PathBuf,
    /// Where the proxy finds it, relative to the working directory; the name of `from` where left out.
    #[serde(default)]
    pub to: Option<String>,
    /// What is replaced in it.
    #[serde(default)]
    pub replace: Vec<Replacement>,
}

/// One entry of `patch:` of an adapter.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchFile {
    /// File of the submission, relative to `copy_from`.
    pub file: String,
    /// What stands in it, to the letter.
    pub text: String,
    /// What takes its place; a template.
    pub with: String,
    /// How often it must occur; at least once where left out.
    #[serde(default)]
    pub times: Option<usize>,
}

/// Why a replacement cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// Its text occurs this often, which is not as often as it must.
    Occurs(usize),
    /// It would replace a part of what another one replaces.
    Overlaps,
}

/// A file, changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// Relative to the working directory.
    pub path: String,
    /// Whether it is a patch of the program itself.
    pub patch: bool,
    /// Its text.
    pub text: String,
    /// How it is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The changed lines, old and new.
    pub diff: String,
}

/// Makes all replacements at once, so that none sees what another has put there: the new text, and the lines that changed.
///
/// # Errors
/// The first replacement that cannot be made, by its place in the list.
pub fn apply(before: &str, replace: &[Replacement]) -> Result<(String, String), (usize, Unmatched)> {
    let mut edits: Vec<(usize, usize, usize)> = Vec::new();
    for (place, replacement) in replace.iter().enumerate() {
        let found: Vec<usize> = if replacement.text.is_empty() {
            Vec::new()
        } else {
            before.match_indices(&replacement.text).map(|(at, _)| at).collect()
        };
        if found.is_empty() || replacement.times.is_some_and(|times| times != found.len()) {
            return Err((place, Unmatched::Occurs(found.len())));
        }
        edits.extend(found.into_iter().map(|at| (at, at + replacement.text.len(), place)));
    }
    edits.sort_unstable();
    if let Some(pair) = edits.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        return Err((pair[1].2, Unmatched::Overlaps));
    }
    let mut after = String::with_capacity(before.len());
    let mut at = 0;
    for &(start, end, place) in &edits {
        after.push_str(&before[at..start]);
        after.push_str(&replace[place].with);
        at = end;
    }
    after.push_str(&before[at..]);
    Ok((after, diff(before, &edits, replace)))
}

/// The lines that edits touch, as they were and as they are.
fn diff(before: &str, edits: &[(usize, usize, usize)], replace: &[Replacement]) -> String {
    let line_start = |at: usize| before[..at].rfind('\n').map_or(0, |found| found + 1);
    let line_end = |at: usize| before[at..].find('\n').map_or(before.len(), |found| at + found);
    let mut text = String::new();
    let mut next = 0;
    while next < edits.len() {
        let first = next;
        let (start, mut end) = (line_start(edits[first].0), line_end(edits[first].1));
        next += 1;
        while next < edits.len() && edits[next].0 <= end {
            end = end.max(line_end(edits[next].1));
            next += 1;
        }
        let mut new = String::new();
        let mut at = start;
        for &(from, to, place) in &edits[first..next] {
            new.push_str(&before[at..from]);
            new.push_str(&replace[place].with);
            at = to;
        }
        new.push_str(&before[at..end]);
        text.push_str(&format!("@@ line {} @@\n", before[..start].matches('\n').count() + 1));
        before[start..end].lines().for_each(|line| text.push_str(&format!("-{line}\n")));
        new.lines().for_each(|line| text.push_str(&format!("+{line}\n")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replacement(text: &str, with: &str, times: Option<usize>) -> Replacement {
        Replacement { text: text.into(), with: with.into(), times }
    }

    #[test]
    fn what_is_replaced_is_shown_as_lines() {
        let before = "PORT = 8080\nTTL = 60 # and 60 again\nrest\n";
        let replace = [replacement("8080", "20001", Some(1)), replacement("60", "2", None)];
        let (after, diff) = apply(before, &replace).unwrap();
        assert_eq!(after, "PORT = 20001\nTTL = 2 # and 2 again\nrest\n");
        assert_eq!(
            diff,
            "@@ line 1 @@\n-PORT = 8080\n+PORT = 20001\n@@ line 2 @@\n-TTL = 60 # and 60 again\n+TTL = 2 # and 2 again\n"
        );
    }

    #[test]
    fn a_replacement_sees_the_original_and_not_another_ones_work() {
        let (after, _) = apply("a b", &[replacement("a", "b", None), replacement("b", "a", None)]).unwrap();
        assert_eq!(after, "b a");
    }

    #[test]
    fn what_does_not_occur_or_too_often_or_overlaps_is_an_error() {
        assert_eq!(apply("abc", &[replacement("x", "y", None)]), Err((0, Unmatched::Occurs(0))));
        assert_eq!(apply("aa", &[replacement("a", "y", Some(1))]), Err((0, Unmatched::Occurs(2))));
        assert_eq!(apply("abc", &[replacement("", "y", None)]), Err((0, Unmatched::Occurs(0))));
        let both = [replacement("ab", "1", None), replacement("bc", "2", None)];
        assert_eq!(apply("abc", &both), Err((1, Unmatched::Overlaps)));
    }
}
