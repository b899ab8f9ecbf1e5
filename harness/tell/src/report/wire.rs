//! Bytes from the wire, shown exactly and harmlessly: line ends visible, everything unprintable as its number.
//!
//! Every page quotes heads, bodies, targets and log lines through here. Nothing is interpreted, nothing is longer
//! than it was allowed to be.

use maud::{Markup, html};

use crate::language::Language;
use crate::language::report_words::cut_after;

/// Signs of our own sentences that are harmless in any text.
const PUNCTUATION: &str = "¿¡«»“”‘’–—…·−×≤≥≈→←°ºª%±µ";

/// A run of bytes that are shown in the same way.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// As it is.
    Text(String),
    /// As an escape, so that it is seen and cannot act.
    Escape(String),
    /// The end of a line.
    LineEnd,
}

/// Bytes as text, at most `limit` of them; `all` is how many there were in all.
pub(super) fn bytes(bytes: &[u8], all: u64, limit: usize, language: Language) -> Markup {
    let shown = &bytes[..bytes.len().min(limit)];
    html! {
        @for piece in pieces(shown) {
            @match piece {
                Piece::Text(text) => (text),
                Piece::Escape(code) => span .byte { (code) },
                Piece::LineEnd => "\n",
            }
        }
        @if (shown.len() as u64) < all { span .cut { "\n… " (cut_after(language, shown.len(), all)) } }
    }
}

/// One line of a log.
pub(super) fn line(bytes_of_line: &[u8], language: Language) -> Markup {
    const LONGEST: usize = 600;
    let trimmed = bytes_of_line.strip_suffix(b"\r").unwrap_or(bytes_of_line);
    bytes(trimmed, trimmed.len() as u64, LONGEST, language)
}

/// Text that came from outside, such as a target, for a place where markup cannot stand: unprintables as escapes.
pub fn plain(text: &str, longest: usize) -> String {
    let mut shown: String = pieces(text.as_bytes())
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Escape(text) => text,
            Piece::LineEnd => " ".to_owned(),
        })
        .collect();
    if shown.chars().count() > longest {
        shown = shown.chars().take(longest).chain(['…']).collect();
    }
    shown
}

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => pieces.push(Piece::LineEnd),
                '\r' => {
                    escape(&mut pieces, "\\r");
                }
                // Letters and digits of any script are shown; what could turn or hide text is not.
                ' '..='~' => text(&mut pieces, c),
                c if c.is_alphanumeric() || PUNCTUATION.contains(c) => text(&mut pieces, c),
                c => {
                    let mut buffer = [0; 4];
                    for byte in c.encode_utf8(&mut buffer).bytes() {
                        escape(&mut pieces, &format!("\\x{byte:02x}"));
                    }
                }
            }
        }
        for byte in chunk.invalid() {
            escape(&mut pieces, &format!("\\x{byte:02x}"));
        }
    }
    // CR LF is the ordinary end of a line and need not be seen; a bare one is odd and stays visible.
    let mut shown: Vec<Piece> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        if piece == Piece::LineEnd
            && let Some(Piece::Escape(before)) = shown.last_mut()
        {
            if before == "\\r" {
                shown.pop();
            } else if let Some(kept) = before.strip_suffix("\\r") {
                *before = kept.to_owned();
            }
            shown.push(Piece::LineEnd);
        } else if piece == Piece::LineEnd {
            escape(&mut shown, "\\n");
            shown.push(Piece::LineEnd);
        } else {
            shown.push(piece);
        }
    }
    shown
}

fn text(pieces: &mut Vec<Piece>, c: char) {
    if let Some(Piece::Text(text)) = pieces.last_mut() {
        text.push(c);
    } else {
        pieces.push(Piece::Text(c.to_string()));
    }
}

fn escape(pieces: &mut Vec<Piece>, code: &str) {
    if let Some(Piece::Escape(codes)) = pieces.last_mut() {
        codes.push_str(code);
    } else {
        pieces.push(Piece::Escape(code.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, plain};
    use crate::language::Language;

    #[test]
    fn ordinary_line_ends_are_line_ends_and_odd_ones_are_seen() {
        let shown = bytes(b"A: 1\r\nB: 2\n\x00\xff<b>", 16, 99, Language::En).into_string();
        assert_eq!(
            shown,
            "A: 1\nB: 2<span class=\"byte\">\\n</span>\n<span class=\"byte\">\\x00\\xff</span>&lt;b&gt;"
        );
    }

    #[test]
    fn what_is_longer_is_cut_with_a_note() {
        let shown = bytes(&[b'a'; 50], 5_000, 10, Language::Es).into_string();
        assert!(
            shown.starts_with("aaaaaaaaaa<span") && shown.contains("cortado tras 10 de 5000 bytes"),
            "{shown}"
        );
    }

    #[test]
    fn text_that_turns_around_is_written_as_bytes() {
        assert_eq!(plain("/a\u{202e}ñ\n", 99), "/a\\xe2\\x80\\xaeñ\\n ");
        assert_eq!(plain("abcdef", 3), "abc…");
    }
}
