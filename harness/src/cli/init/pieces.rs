//! A piece of a text, and the template that takes its place.

use super::files::TextFile;

/// To the letter, and as a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// To the letter.
    pub(super) text: String,
    /// What takes its place.
    pub(super) with: String,
}

impl Piece {
    /// From the beginning of the line's last word before `at` – so that it says what it is – up to `end`.
    pub(super) fn of_number(file: &TextFile, from: usize, at: usize, end: usize, template: &str) -> Piece {
        Piece {
            text: file.text[from..end].to_owned(),
            with: format!("{}{template}", literal(&file.text[from..at])),
        }
    }
}

/// Text that a template hands on as it is.
pub(super) fn literal(text: &str) -> String {
    let mut escaped = text.to_owned();
    for opening in ["{{", "{%", "{#"] {
        if escaped.contains(opening) && !escaped.contains("{{ '") {
            escaped = escaped.replace(opening, &format!("{{{{ '{opening}' }}}}"));
        }
    }
    escaped
}
