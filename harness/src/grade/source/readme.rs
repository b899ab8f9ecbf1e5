//! The README of a submission and its headings, however they are written.

use std::path::{Path, PathBuf};

use crate::grade::students::folded;
use harness_model::scenario;

/// More headings than this make a text that is called otherwise the README, where there is no other.
const ENOUGH_HEADINGS: usize = 3;

/// The README nearest to the root, by its name or by its headings, and those.
pub(super) fn of(root: &Path, paths: &[PathBuf]) -> Option<(String, Vec<String>)> {
    let inside = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
    let ends_as_one = |path: &&PathBuf| {
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        ["", "md", "markdown", "txt", "rst"].contains(&&*ending)
    };
    let is_called_so = |path: &PathBuf| {
        let stem = path.file_stem().map(|stem| folded(&stem.to_string_lossy())).unwrap_or_default();
        ["readme", "leeme", "leame"].iter().any(|name| stem.starts_with(name))
    };
    let mut texts: Vec<&PathBuf> = paths.iter().filter(ends_as_one).collect();
    texts.sort_by_key(|path| (!is_called_so(path), inside(path).iter().count(), inside(path)));
    texts.into_iter().find_map(|path| {
        let headings = headings(&scenario::read(path).ok()?);
        let is_one = is_called_so(path) || headings.len() > ENOUGH_HEADINGS;
        is_one.then(|| (inside(path).to_string_lossy().into_owned(), headings))
    })
}

/// Lines that begin with `#`, that are underlined, that are bold or numbered as a whole, that stand alone in capitals or above what is
/// indented; and what is bold at the beginning of a paragraph.
fn headings(text: &str) -> Vec<String> {
    let indented: Vec<bool> = text.lines().map(|line| line.starts_with([' ', '\t'])).collect();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        if in_code || line.is_empty() || line.len() > 120 {
            continue;
        }
        let below = lines.get(index + 1).copied().unwrap_or_default();
        let is_underlined =
            below.len() >= 3 && ["=", "-", "~"].iter().any(|sign| below.replace(sign, "").is_empty());
        let is_bold = line.len() > 4 && line.starts_with("**") && line.trim_end_matches(':').ends_with("**");
        let is_numbered = line.split_once(['.', ')']).is_some_and(|(number, rest)| {
            number.chars().all(|c| c.is_ascii_digit())
                && !number.is_empty()
                && rest.split_whitespace().count() <= 4
        });
        let letters = || line.chars().filter(|c| c.is_alphabetic());
        let is_capitals = letters().count() >= 4 && letters().all(char::is_uppercase);
        let is_above = !indented[index]
            && indented.get(index + 1).is_some_and(|deeper| *deeper && !below.is_empty())
            && (index == 0 || lines[index - 1].is_empty())
            && line.split_whitespace().count() <= 4;
        let bold = line.strip_prefix("**").and_then(|rest| rest.split_once("**"));
        if line.starts_with('#') || is_underlined || is_bold || is_numbered || is_capitals || is_above {
            found.push(line.trim_matches(['#', '*', ' ', ':']).to_owned());
        } else if let Some((bold, _)) = bold {
            found.push(bold.trim_matches([' ', ':', '.']).to_owned());
        }
    }
    found
}

/// Whether a heading is that of a section, whatever its case, accents and numbers.
pub(super) fn names(heading: &str, section: &str) -> bool {
    folded(heading).contains(&folded(section))
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_model::scenario::Encoding;

    #[test]
    fn a_readme_is_read_however_it_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("LÉEME.txt");
        for encoding in [Encoding::Utf8, Encoding::Latin1, Encoding::Utf16Le] {
            std::fs::write(&file, encoding.encoded("# Introducción\nSoporte.\n")).unwrap();
            let (_, headings) = of(folder.path(), std::slice::from_ref(&file)).unwrap();
            assert_eq!(headings, ["Introducción"], "{encoding:?}");
        }
    }

    #[test]
    fn a_readme_may_be_called_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let list = write("servidores.txt", "10.0.0.1\n10.0.0.2\n");
        let notes =
            write("NOTAS.txt", "1. Introduccion\n  a\n2. Desarrollo\n3. Conclusiones\n4. Referencias\n");
        assert_eq!(of(folder.path(), &[list.clone(), notes.clone()]).unwrap().0, "NOTAS.txt");
        let own = write("LEAME.md", "# Nada\n");
        assert_eq!(of(folder.path(), &[list.clone(), notes, own]).unwrap().0, "LEAME.md");
        assert_eq!(of(folder.path(), &[list]), None);
    }

    #[test]
    fn a_heading_may_be_bold_at_the_beginning_or_stand_above_what_is_indented() {
        let text = "**Introducción.** Un proxy.\n\nDesarrollo\n  make\n\nUna frase que no lo es\nsigue.\n";
        assert_eq!(headings(text), ["Introducción", "Desarrollo"]);
    }

    #[test]
    fn headings_are_found_however_they_are_written() {
        let text = "# Proyecto\n\n## 1. INTRODUCCIÓN\ntexto\nDesarrollo\n----------\n**Conclusiones:**\n\n4. Referencias\n\n\
                    ```\n# no\n```\nUna frase cualquiera.\n";
        let found = headings(text);
        assert_eq!(found, ["Proyecto", "1. INTRODUCCIÓN", "Desarrollo", "Conclusiones", "4. Referencias"]);
        assert!(names(&found[1], "Introducción") && names("Introduccio\u{301}n", "introducción"));
        assert!(!names("Referencias", "Conclusiones"));
    }
}
