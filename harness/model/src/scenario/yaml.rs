//! The one door to the YAML parser: text in, typed values or problems with their places out.
//!
//! Scenarios, adapters and whatever else people write come through here, so that strictness is the same for all:
//! unknown keys, duplicate keys and loose booleans are refused. No other module names the parser.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_saphyr::{Error, Location};

use super::problem::{Place, Problem, Shape, Slip, What};

/// Reads a document.
///
/// # Errors
/// The first thing that is wrong with it, with its place.
pub fn parse<T: DeserializeOwned>(text: &Arc<str>, file: &Path) -> Result<T, Problem> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options::<T>(text, options).map_err(|error| problem_of(&error, text, file))
}

/// The outermost keys of a document; `None` where it is no mapping that can be read.
pub fn outermost_keys(text: &str) -> Option<Vec<String>> {
    let keys: BTreeMap<String, IgnoredAny> = serde_saphyr::from_str(text).ok()?;
    Some(keys.into_keys().collect())
}

/// The place of a value that the parser located.
pub fn place_of(location: Location, text: &Arc<str>, file: &Path) -> Place {
    let start = location.span().byte_offset().and_then(|at| usize::try_from(at).ok());
    let start = start.unwrap_or_else(|| offset_of(text, location.line(), location.column()));
    let start = start.min(text.len());
    Place { file: file.to_owned(), text: Arc::clone(text), bytes: start..end_of_word(text, start) }
}

/// The place where `key:` stands as a key of its own line or of a flow mapping; the beginning of the text otherwise.
pub fn find_key(text: &Arc<str>, file: &Path, key: &str) -> Place {
    let written = format!("{key}:");
    let start = text
        .match_indices(&written)
        .map(|(at, _)| at)
        .find(|&at| text[..at].ends_with([' ', '\n', '{', '"']) || at == 0)
        .unwrap_or(0);
    let end = if text[start..].starts_with(&written) { start + key.len() } else { start };
    Place { file: file.to_owned(), text: Arc::clone(text), bytes: start..end }
}

fn problem_of(error: &Error, text: &Arc<str>, file: &Path) -> Problem {
    let error = error.without_snippet();
    let place = error.location().map(|location| place_of(location, text, file));
    let what = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            What::UnknownKey { key: field.clone(), known: owned(expected) }
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            What::UnknownKey { key: variant.clone(), known: owned(expected) }
        }
        Error::SerdeMissingField { field, .. } => What::MissingKey((*field).to_owned()),
        Error::DuplicateMappingKey { key, .. } => What::DuplicateKey(key.clone().unwrap_or_default()),
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            What::WrongType { found: unexpected.clone(), expected: expected.clone() }
        }
        Error::Budget { .. } => What::TooMuch,
        Error::Message { msg, .. } => What::BadValue(msg.clone()),
        Error::InvalidScalar { ty, .. } => wrong_shape(scalar(ty), word(place.as_ref())),
        Error::InvalidBooleanStrict { .. } => wrong_shape(Shape::Truth, word(place.as_ref())),
        Error::NullIntoString { .. } => wrong_shape(Shape::Text, word(place.as_ref())),
        Error::Unexpected { expected, .. } if shape(expected).is_some() => {
            wrong_shape(shape(expected).unwrap_or(Shape::Text), word(place.as_ref()))
        }
        Error::MultipleDocuments { .. } => What::Syntax(Slip::Several),
        Error::RecursiveReferencesRequireWeakTypes { .. } | Error::UnknownAnchor { .. } => {
            What::Syntax(Slip::Alias)
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => What::TooMuch,
        Error::UnsupportedTag { .. } | Error::TaggedEnumMismatch { .. } => What::Syntax(Slip::Tag),
        Error::Eof { .. } if text.trim().is_empty() => What::Syntax(Slip::Empty),
        Error::Eof { .. } => What::Syntax(Slip::Unclosed),
        other => by_its_words(&other.to_string()),
    };
    Problem { place, what }
}

fn owned(names: &[&'static str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn wrong_shape(belongs: Shape, found: String) -> What {
    What::WrongShape { found, belongs }
}

/// The value at a place, where it is a word; the beginning of a list or of a mapping says nothing.
fn word(place: Option<&Place>) -> String {
    let word = place.map_or("", |place| &place.text[place.bytes.clone()]);
    if word.starts_with(['[', '{', '-', '"', '\'']) && word.parse::<f64>().is_err() {
        String::new()
    } else {
        word.to_owned()
    }
}

/// The parser names the types of Rust; a person writes numbers and words.
fn scalar(ty: &str) -> Shape {
    match ty {
        "bool" | "boolean" => Shape::Truth,
        "u8" => Shape::WholeNumber { most: u64::from(u8::MAX) },
        "u16" => Shape::WholeNumber { most: u64::from(u16::MAX) },
        "u32" | "i32" => Shape::WholeNumber { most: u64::from(u32::MAX) },
        float if float.starts_with('f') => Shape::Number,
        _ => Shape::WholeNumber { most: u64::MAX },
    }
}

/// What the parser was about to read, as a person would say it.
fn shape(expected: &str) -> Option<Shape> {
    match expected {
        "string scalar" | "scalar" => Some(Shape::Text),
        "sequence start" => Some(Shape::List),
        "mapping start" => Some(Shape::Keys),
        _ => None,
    }
}

/// What the parser tells apart by its words alone.
fn by_its_words(said: &str) -> What {
    const WORDS: [(&str, Slip); 12] = [
        (" tab", Slip::Tab),
        ("tabs ", Slip::Tab),
        ("anchor", Slip::Alias),
        ("alias", Slip::Alias),
        ("tag", Slip::Tag),
        ("bracket", Slip::Unclosed),
        ("unclosed", Slip::Unclosed),
        ("expected ','", Slip::Unclosed),
        ("quoted scalar", Slip::Unclosed),
        ("mapping values", Slip::Key),
        ("expected ':'", Slip::Key),
        ("simple key", Slip::Key),
    ];
    if ["recursion limit", "exceeded"].iter().any(|words| said.contains(words)) {
        return What::TooMuch;
    }
    let slip = WORDS.iter().find(|(words, _)| said.contains(words));
    What::Syntax(slip.map_or(Slip::Form, |(_, slip)| *slip))
}

fn offset_of(text: &str, line: u64, column: u64) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = &text[start.min(text.len())..];
    let column = usize::try_from(column).unwrap_or(1).max(1);
    start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
}

/// The end of the key or scalar that begins here, for the underline.
fn end_of_word(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let length = rest.find([':', ',', '}', ']', '\n', '#']).unwrap_or(rest.len());
    start + rest[..length].trim_end().len().max(usize::from(!rest.is_empty() && rest.is_char_boundary(1)))
}
