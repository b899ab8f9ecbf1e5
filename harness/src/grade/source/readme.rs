//! The README of a submission and its headings, however they are written.

use std::path::{Path, PathBuf};

use crate::grade::students::folded;
use harness_model::scenario;

/// The README nearest to the root, by its name, and its headings.
pub(super) fn of(root: &Path, paths: &[PathBuf]) -> Option<(String, Vec<String>)> {
    let inside = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
    let is_readme = |path: &&PathBuf| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        (stem == "readme" || stem == "léeme" || stem == "leeme")
            && ["", "md", "markdown", "txt", "rst"].contains(&&*ending)
    };
    let readme =
        paths.iter().filter(is_readme).min_by_key(|path| (inside(path).iter().count(), inside(path)))?;
    let text = scenario::read(readme).ok()?;
    Some((inside(readme).to_string_lossy().into_owned(), headings(&text)))
}

/// Lines that begin with `#`, that are underlined, that are bold or numbered as a whole, or that stand alone in capitals.
fn headings(text: &str) -> Vec<String> {
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
        if line.starts_with('#') || is_underlined || is_bold || is_numbered || is_capitals {
            found.push(line.trim_matches(['#', '*', ' ', ':']).to_owned());
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
    fn headings_are_found_however_they_are_written() {
        let text = "# Proyecto\n\n## 1. INTRODUCCIÓN\ntexto\nDesarrollo\n----------\n**Conclusiones:**\n\n4. Referencias\n\n\
                    ```\n# no\n```\nUna frase cualquiera.\n";
        let found = headings(text);
        assert_eq!(found, ["Proyecto", "1. INTRODUCCIÓN", "Desarrollo", "Conclusiones", "4. Referencias"]);
        assert!(names(&found[1], "Introducción") && names("Introduccio\u{301}n", "introducción"));
        assert!(!names("Referencias", "Conclusiones"));
    }
}
