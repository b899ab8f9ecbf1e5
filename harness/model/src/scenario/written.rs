//! Files as people save them: with a mark in front, in UTF-16, in Latin-1.
//!
//! Everything that a person wrote comes through [`read`]. What is rewritten for a proxy keeps the encoding that it had, as the
//! program that reads it expects. What is no text is refused with its place.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::problem::{Place, Problem, What, closest};

/// Longest file that somebody writes for the harness, in bytes: some hundred times the longest that anybody wrote.
const MOST_WRITTEN: u64 = 1 << 20;
/// Longest file of a program that is patched, in bytes.
const MOST_COPIED: u64 = 16 << 20;
/// Where a process finds what it was started with.
const OWN_DESCRIPTORS: [&str; 3] = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];

/// How the characters of a file are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As almost everywhere.
    #[default]
    Utf8,
    /// One byte a character, with the signs that Windows has in the place of control characters; what is no UTF-8 is taken for this, in
    /// which every byte is one.
    Latin1,
    /// Two bytes, the lower first: what Windows calls Unicode.
    Utf16Le,
    /// Two bytes, the higher first.
    Utf16Be,
}

/// The text of a file that a person wrote, without a mark in front.
///
/// # Errors
/// It cannot be read, or is no text.
pub fn read(file: &Path) -> Result<Arc<str>, Problem> {
    let (text, _) = decoded(&bytes_of(file, MOST_WRITTEN)?, file)?;
    Ok(text.strip_prefix(MARK).unwrap_or(&text).into())
}

/// The bytes of such a file.
///
/// # Errors
/// It cannot be read.
pub fn read_bytes(file: &Path) -> Result<Vec<u8>, Problem> {
    bytes_of(file, MOST_COPIED)
}

/// A device has no end, and a pipe in the place of a profile that nobody writes into is waited for for ever: neither is opened. What a
/// shell puts in the place of a file, as `<(...)` does, is one of this process's own descriptors.
fn bytes_of(file: &Path, most: u64) -> Result<Vec<u8>, Problem> {
    let own = |path: &Path| OWN_DESCRIPTORS.iter().any(|own| path.starts_with(own));
    let read = || {
        let kind = std::fs::metadata(file)?;
        if !kind.is_file() && !own(file) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        File::open(file)?.take(most + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    let file = file.to_owned();
    Err(Problem::nowhere(match read() {
        Ok(Some(bytes)) if bytes.len() as u64 <= most => return Ok(bytes),
        Ok(Some(_)) => What::TooLong { file, most },
        Ok(None) => What::NoFile(file),
        Err(error) if ErrorKind::NotFound == std::io::Error::kind(&error) => {
            What::NoSuchFile { near: nearest(&file), file }
        }
        Err(error) => What::Unreadable { file, why: error.to_string() },
    }))
}

/// The file beside it, or among the scenarios, whose name is so much alike that it was probably meant.
fn nearest(file: &Path) -> Option<PathBuf> {
    let wanted = file.file_name()?.to_str()?;
    let beside = file.parent().unwrap_or(Path::new("")).to_owned();
    [beside, PathBuf::from("scenarios")].into_iter().find_map(|folder| {
        let here = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let names: Vec<String> = std::fs::read_dir(here)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        // Whoever leaves out the ending means the same file.
        let with_ending = format!("{wanted}.yaml");
        let known = || names.iter().map(String::as_str);
        let near = known().find(|name| **name == with_ending).or_else(|| closest(wanted, known()))?;
        Some(folder.join(near))
    })
}

/// The characters of the bytes from 0x80 in code page 1252, by <https://encoding.spec.whatwg.org/#index-windows-1252>.
const OF_WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn of_one_byte(byte: u8) -> char {
    let sign = byte.checked_sub(0x80).and_then(|at| OF_WINDOWS.get(usize::from(at)));
    sign.copied().unwrap_or(char::from(byte))
}

fn in_one_byte(c: char) -> Option<u8> {
    let sign = OF_WINDOWS.iter().zip(0x80..).find(|(sign, _)| **sign == c).map(|(_, byte)| byte);
    sign.or_else(|| u8::try_from(c).ok().filter(|byte| of_one_byte(*byte) == c))
}

/// What tells UTF-16 from other text; some programs put it before UTF-8 as well.
const MARK: char = '\u{feff}';

/// A text with its mark, where it has one, and how it was written.
///
/// # Errors
/// It is no text; the place is that of the first byte that no text has.
pub fn decoded(bytes: &[u8], file: &Path) -> Result<(String, Encoding), Problem> {
    let wide = |pair: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|two| pair(*two)).collect();
        String::from_utf16(&units).ok().filter(|text| bytes.len().is_multiple_of(2) && !text.contains('\0'))
    };
    let found = match bytes {
        [0xff, 0xfe, ..] | [1..=0xff, 0, ..] => {
            wide(u16::from_le_bytes).map(|text| (text, Encoding::Utf16Le))
        }
        [0xfe, 0xff, ..] | [0, 1..=0xff, ..] => {
            wide(u16::from_be_bytes).map(|text| (text, Encoding::Utf16Be))
        }
        _ if bytes.contains(&0) => None,
        _ => Some(match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), Encoding::Utf8),
            Err(_) => (bytes.iter().copied().map(of_one_byte).collect(), Encoding::Latin1),
        }),
    };
    found.ok_or_else(|| {
        let text: Arc<str> = String::from_utf8_lossy(bytes).into();
        let at = text.find('\0').unwrap_or(0);
        let place = Place { file: file.to_owned(), bytes: at..(at + 1).min(text.len()), text };
        Problem::at(place, What::NotText)
    })
}

impl Encoding {
    /// A text written so; in UTF-8 after all where it has a character that this encoding has not.
    pub fn encoded(self, text: &str) -> Vec<u8> {
        let units = || text.encode_utf16();
        match self {
            Encoding::Latin1 => {
                let bytes: Option<Vec<u8>> = text.chars().map(in_one_byte).collect();
                bytes.unwrap_or_else(|| text.as_bytes().to_vec())
            }
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf16Le => units().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => units().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_not_begun() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.yaml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|it| it.success());
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.yaml")).unwrap();
        let zero = folder.path().join("zero.yaml");
        for path in [zero, folder.path().to_owned()].into_iter().chain(made.then_some(pipe)) {
            let what = read(&path).unwrap_err().what;
            assert!(matches!(what, What::NoFile(_)), "{path:?}: {what:?}");
        }
        let long = folder.path().join("long.yaml");
        File::create(&long).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(read(&long).unwrap_err().what, What::TooLong { .. }));
    }

    #[test]
    fn every_encoding_is_read_and_written_as_it_was() {
        let text = "name: peña\nport: 80\n";
        for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Utf16Le, Encoding::Utf16Be] {
            for text in [text.to_owned(), format!("{MARK}{text}")] {
                if encoding == Encoding::Latin1 && text.starts_with(MARK) {
                    continue;
                }
                let bytes = encoding.encoded(&text);
                assert_eq!(decoded(&bytes, Path::new("a")).unwrap(), (text, encoding));
            }
        }
    }

    #[test]
    fn signs_of_windows_are_read_and_every_byte_is_written_as_it_was() {
        let bytes: Vec<u8> = (1..=255).collect();
        let (text, encoding) = decoded(&bytes, Path::new("a")).unwrap();
        assert!(text.contains("‘’“”•–—") && encoding == Encoding::Latin1, "{text}");
        assert_eq!(encoding.encoded(&text), bytes);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let problem = decoded(b"name: x\nab\0\x01", Path::new("a")).unwrap_err();
        assert_eq!(problem.place.unwrap().line_and_column(), (2, 3));
        assert!(decoded(b"\x7fELF\0\0\x01\0", Path::new("a")).is_err());
        assert!(decoded(b"", Path::new("a")).unwrap().0.is_empty());
    }

    #[test]
    fn the_mark_in_front_is_no_part_of_a_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, "\u{feff}name: x").unwrap();
        assert_eq!(&*read(&file).unwrap(), "name: x");
    }
}
