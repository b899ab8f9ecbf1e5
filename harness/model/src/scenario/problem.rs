//! What is wrong with a file that a person wrote: where, what, and what may have been meant.
//!
//! The parsers and `plan` make problems, the module `language` words them and `cli` shows them with the line underlined.
//! A problem holds facts; it is never a sentence.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// Something wrong in a file or on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where; `None` where no file is concerned.
    pub place: Option<Place>,
    /// What.
    pub what: What,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// All of its text.
    pub text: std::sync::Arc<str>,
    /// The bytes concerned.
    pub bytes: Range<usize>,
}

/// How a text fails to be YAML. The parser has words of its own for it, in English and of its own types; nobody is shown them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// There is nothing in it.
    Empty,
    /// A tab where blanks belong.
    Tab,
    /// A second document.
    Several,
    /// An alias of nothing, or of what contains it.
    Alias,
    /// A tag, which nothing here has.
    Tag,
    /// A bracket, a brace or a quote that is not closed.
    Unclosed,
    /// A key where none can stand.
    Key,
    /// Anything else.
    Form,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// More than a file of its kind can mean: levels, aliases or values without end.
    TooMuch,
    /// Something that is there and no file, such as a folder, a pipe or a device.
    NoFile(PathBuf),
    /// A file that is longer than any of its kind.
    TooLong {
        /// Which.
        file: PathBuf,
        /// Bytes that are read at most.
        most: u64,
    },
    /// Not YAML, or none of the kind that is read here.
    Syntax(Slip),
    /// A key that does not exist there.
    UnknownKey {
        /// As written.
        key: String,
        /// Those that do.
        known: Vec<String>,
    },
    /// A key is missing.
    MissingKey(String),
    /// A key stands twice.
    DuplicateKey(String),
    /// A value of the wrong kind.
    WrongType {
        /// What is there.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// A value of another shape than the one that belongs there.
    WrongShape {
        /// What is there, as written; empty where it is more than a word.
        found: String,
        /// What belongs there.
        belongs: Shape,
    },
    /// A value that cannot be used, and why.
    BadValue(String),
    /// A name that nothing has.
    UnknownName {
        /// What kind of thing it names.
        kind: NameKind,
        /// As written.
        name: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// A TTL is needed by a step and given nowhere.
    NoTtl,
    /// A step refers to one that does not fill keys.
    NotAFill(String),
    /// A requirement or check is weakened below what the catalogue says.
    Weakened(String),
    /// There is nothing to do.
    NothingToRun,
    /// A file cannot be read.
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why, in the system's words.
        why: String,
    },
    /// There is no such file.
    NoSuchFile {
        /// Which.
        file: PathBuf,
        /// One that was probably meant.
        near: Option<PathBuf>,
    },
    /// A file that is no text.
    NotText,
    /// A name that cannot be a folder of reports.
    UnsafeName,
    /// A literal replacement whose text does not occur in its original as often as it must.
    Unmatched {
        /// The text.
        text: String,
        /// The original.
        file: PathBuf,
        /// How often it occurs; `None` where it overlaps with another replacement.
        times: Option<usize>,
    },
    /// A patch where nothing is copied that could be patched.
    PatchWithoutCopy,
    /// The profile of a submission says at this key what only somebody who trusts it may allow.
    Forbidden(String, Forbidden),
    /// A template of an adapter cannot be rendered.
    Template {
        /// Which file or argument.
        name: String,
        /// Why, in the renderer's words.
        why: String,
    },
}

/// Why the profile of a submission may not say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// It would be done with the rights of whoever runs the harness.
    OutsideTheFence,
    /// It would give the program more than its own folder and network.
    OpensTheFence,
    /// A path that leads out of the submission.
    Outside(String),
    /// A time that nobody waits for.
    LongerThan(std::time::Duration),
    /// A number beyond what a submission gets.
    MoreThan(u64),
}

/// The shape of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A word or a sentence.
    Text,
    /// A whole number, not below zero and not beyond its bound.
    WholeNumber {
        /// The largest that fits.
        most: u64,
    },
    /// A number with or without a fraction.
    Number,
    /// `true` or `false`.
    Truth,
    /// `[one, two]`.
    List,
    /// `{key: value}`.
    Keys,
}

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// A check of the catalogue.
    Check,
    /// A requirement.
    Requirement,
    /// A step's label.
    Label,
    /// An adapter.
    Adapter,
    /// A backend.
    Backend,
    /// A path of `--set`.
    Setting,
    /// A variable of an adapter's templates.
    Variable,
}

impl Problem {
    /// A problem at a place.
    pub fn at(place: Place, what: What) -> Problem {
        Problem { place: Some(place), what }
    }

    /// A problem of no particular place.
    pub fn nowhere(what: What) -> Problem {
        Problem { place: None, what }
    }

    /// The same, with files beneath `from` named as if they lay beneath `to`.
    #[must_use]
    pub fn moved(mut self, from: &Path, to: &Path) -> Problem {
        let place = self.place.as_mut().map(|place| &mut place.file);
        let named = match &mut self.what {
            What::Unreadable { file, .. }
            | What::NoSuchFile { file, .. }
            | What::Unmatched { file, .. }
            | What::NoFile(file)
            | What::TooLong { file, .. } => Some(file),
            _ => None,
        };
        for file in place.into_iter().chain(named) {
            if let Ok(inside) = file.strip_prefix(from) {
                *file = to.join(inside);
            }
        }
        self
    }
}

impl Place {
    /// One-based line and column of its beginning.
    pub fn line_and_column(&self) -> (usize, usize) {
        let before = &self.text[..self.bytes.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The line it begins in, without indentation.
    pub fn line_text(&self) -> String {
        let start = self.text[..self.bytes.start.min(self.text.len())].rfind('\n').map_or(0, |at| at + 1);
        self.text[start..].lines().next().unwrap_or_default().trim().to_owned()
    }
}

/// The known name that was probably meant: the nearest by edit distance, where it is near enough to be a slip.
pub fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).max(1) + 1;
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&written.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_nonsense_is_not() {
        let known = ["ttl.expiry", "ttl.sliding", "cache.hit"];
        assert_eq!(closest("ttl.expriy", known), Some("ttl.expiry"));
        assert_eq!(closest("cache.hits", known), Some("cache.hit"));
        assert_eq!(closest("banana", known), None);
    }

    #[test]
    fn places_count_lines_and_columns_from_one() {
        let place = Place { file: "a".into(), text: "ab\n  cd: 1\n".into(), bytes: 5..7 };
        assert_eq!(place.line_and_column(), (2, 3));
        assert_eq!(place.line_text(), "cd: 1");
    }
}
