//! A small change of a program's source that is tried in its private copy: lines that others take the place of.
//!
//! `hypothesis` of the judge proposes one where a cause has a known small mending, the conductor carries out the failing part once more with it.
//! It becomes a patch of the adapter like those that a profile has, so that building and starting know nothing of it.

use serde::{Deserialize, Serialize};

use crate::adapter::{Adapter, Replacement, Rewrite, apply};
use crate::scenario::Encoding;

/// What is changed, line by line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// In the order of their lines.
    pub edits: Vec<Edit>,
    /// Whether a program that fails with it as before has not failed for the reason that it mends; otherwise there may be more of the same.
    pub decisive: bool,
}

/// One line, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// Relative to the copy of the submission.
    pub file: String,
    /// From one.
    pub line: u32,
    /// The line as it is, without its end.
    pub was: String,
    /// The lines that take its place.
    pub now: Vec<String>,
}

impl Change {
    /// An adapter that makes this change in the copy, beside what it rewrites already. `text` gives a file of the copy as it ran.
    ///
    /// `None` where a line is not found in it, or a patch of the profile changes the same lines.
    pub fn added_to<'a>(&self, adapter: &Adapter, text: impl Fn(&str) -> Option<&'a str>) -> Option<Adapter> {
        let mut changed = adapter.clone();
        let submission = adapter.copy_from.as_ref()?;
        for edit in &self.edits {
            let own = |rewrite: &Rewrite| rewrite.patch && rewrite.path == edit.file;
            if !changed.rewrites.iter().any(own) {
                let text = text(&edit.file)?;
                // Where bytes were replaced for reading, writing it again would change more than a line.
                if text.contains(char::REPLACEMENT_CHARACTER) {
                    return None;
                }
                changed.rewrites.push(Rewrite {
                    path: edit.file.clone(),
                    source: submission.join(&edit.file),
                    before: text.to_owned(),
                    encoding: Encoding::Utf8,
                    patch: true,
                    replace: Vec::new(),
                });
            }
            let rewrite = changed.rewrites.iter_mut().find(|rewrite| own(rewrite))?;
            rewrite.replace.push(edit.replacement(&rewrite.before)?);
            apply(&rewrite.before, &rewrite.replace).ok()?;
        }
        Some(changed)
    }
}

impl Edit {
    /// The lines that go, marked `-`, and those that come, marked `+`; a line that stays is neither.
    pub fn marked(&self) -> Vec<(char, &str)> {
        let gone = Some(('-', self.was.as_str())).filter(|(_, was)| !self.now.iter().any(|line| line == was));
        let come = self.now.iter().filter(|line| **line != self.was).map(|line| ('+', line.as_str()));
        gone.into_iter().chain(come).collect()
    }

    /// As a replacement of text that occurs once: the line, with as many before it as make it so.
    fn replacement(&self, before: &str) -> Option<Replacement> {
        let lines: Vec<&str> = before.split_inclusive('\n').collect();
        let place = (self.line as usize).checked_sub(1)?;
        let bare = |line: &str| line.trim_end_matches(['\n', '\r']).to_owned();
        let line = *lines.get(place)?;
        if bare(line) != self.was {
            return None;
        }
        let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
        let now = self.now.join(end) + &line[self.was.len()..];
        let first =
            (0..=place).rev().find(|&first| before.matches(&lines[first..=place].concat()).count() == 1)?;
        let (kept, text) = (lines[first..place].concat(), lines[first..=place].concat());
        let with = kept + &now;
        // What replaces is a template, and braces of a program are none.
        if with.contains("endraw") {
            return None;
        }
        Some(Replacement { text, with: format!("{{% raw %}}{with}{{% endraw %}}"), times: Some(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::resolve;

    fn change(line: u32, was: &str, now: &[&str]) -> Change {
        let now = now.iter().map(|&line| line.to_owned()).collect();
        Change { edits: vec![Edit { file: "a.c".into(), line, was: was.into(), now }], decisive: true }
    }

    fn tried(change: &Change, before: &str) -> Option<String> {
        let text = "name: a\nprogram: {own: a}\ncopy_from: sub\nbuild: [[make]]\nstart: [\"{{ program }}\"]\n\
            capabilities: {cache: none, ttl: none}\n";
        let adapter = resolve(&text.into(), std::path::Path::new("/x/pibl-judge.yaml")).unwrap();
        let changed = change.added_to(&adapter, |file| (file == "a.c").then_some(before))?;
        let [rewrite] = &changed.rewrites[..] else { panic!("{:?}", changed.rewrites) };
        let raw = &rewrite.replace[0];
        let with = raw.with.strip_prefix("{% raw %}").unwrap().strip_suffix("{% endraw %}").unwrap();
        let plain = Replacement { with: with.to_owned(), ..raw.clone() };
        Some(apply(before, &[plain]).unwrap().0)
    }

    #[test]
    fn one_of_two_lines_that_are_alike_is_changed() {
        let before = "a\n  go({{1}});\nb\n  go({{1}});\n";
        let after = tried(&change(4, "  go({{1}});", &["  stay();", "  go();"]), before);
        assert_eq!(after.as_deref(), Some("a\n  go({{1}});\nb\n  stay();\n  go();\n"));
        // The first of them has nothing before it that the second lacks.
        assert_eq!(tried(&change(1, "x", &["y"]), "x\nx\n"), None);
    }

    #[test]
    fn lines_keep_their_ends_and_what_is_not_there_is_not_changed() {
        assert_eq!(tried(&change(1, "x", &["y", "z"]), "x\r\nw\r\n").as_deref(), Some("y\r\nz\r\nw\r\n"));
        assert_eq!(tried(&change(2, "x", &["y"]), "x\nw\n"), None);
        assert_eq!(tried(&change(9, "x", &["y"]), "x\n"), None);
        assert_eq!(tried(&change(1, "caf\u{fffd}", &["y"]), "caf\u{fffd}\n"), None);
    }
}
