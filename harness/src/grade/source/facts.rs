//! The files of a submission, and the language in which most of them are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::likeness::prints;
use super::modules::{self, SourceFile, Use};
use super::readme;
use harness_model::history::files_beneath;
use harness_model::scenario;

/// Endings of files and the language that they are written in.
const ENDINGS: [(&str, &str); 16] = [
    ("c", "C"),
    ("h", "C"),
    ("rs", "Rust"),
    ("py", "Python"),
    ("cpp", "C++"),
    ("cc", "C++"),
    ("hpp", "C++"),
    ("go", "Go"),
    ("java", "Java"),
    ("kt", "Kotlin"),
    ("js", "JavaScript"),
    ("mjs", "JavaScript"),
    ("ts", "TypeScript"),
    ("cs", "C#"),
    ("rb", "Ruby"),
    ("php", "PHP"),
];
/// Folders that hold what others wrote, or what a build made.
const PASSED_OVER: [&str; 7] =
    ["target", "node_modules", "__pycache__", "venv", "env", "site-packages", "build"];
/// Larger files are data, not source; in bytes.
const LARGEST: u64 = 1 << 20;
/// More files than a project of a course has.
const MOST_FILES: usize = 500;

/// What the source of a submission says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourceFacts {
    /// The language in which most lines are written; `None` where there is no source.
    pub language: Option<String>,
    /// How many files are written in it.
    pub files: usize,
    /// What it uses that is not part of the submission: modules, headers or packages, each at its first place.
    pub uses: Vec<Use>,
    /// Why what it uses could not be read in full.
    pub unread: Option<String>,
    /// Its README, relative to the submission.
    pub readme: Option<String>,
    /// The headings of it.
    pub headings: Vec<String>,
    /// Fingerprints of its code, by which submissions that share it are found; in no document.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(skip)]
    pub prints: BTreeSet<u64>,
}

/// Whether a file is written in a language of programs, by its ending.
pub fn is_source(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.iter().any(|(known, _)| *known == ending)
}

/// Reads the source of a submission. What cannot be read is left out; that is a fact as well.
pub fn read(root: &Path) -> SourceFacts {
    let mut by_language: BTreeMap<&str, Vec<SourceFile>> = BTreeMap::new();
    let mut paths = files_beneath(root);
    paths.sort();
    let is_own = |path: &Path| {
        path.strip_prefix(root).is_ok_and(|inside| {
            inside.iter().all(|part| {
                let part = part.to_string_lossy();
                !part.starts_with('.') && !PASSED_OVER.contains(&&*part)
            })
        })
    };
    paths.retain(|path| is_own(path));
    for path in paths.iter().take(MOST_FILES) {
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let Some((_, language)) = ENDINGS.iter().find(|(known, _)| *known == ending) else { continue };
        if !path.metadata().is_ok_and(|data| data.len() <= LARGEST) {
            continue;
        }
        let Ok(text) = scenario::read(path) else { continue };
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        let text = text.to_string();
        by_language.entry(language).or_default().push(SourceFile { name, text });
    }
    let lines = |files: &[SourceFile]| files.iter().map(|file| file.text.lines().count()).sum::<usize>();
    let texts =
        by_language.iter().flat_map(|(language, files)| files.iter().map(move |file| (*language, file)));
    let prints = texts.flat_map(|(language, file)| prints(language, &file.text)).collect();
    let most = by_language.into_iter().max_by_key(|(_, files)| lines(files));
    let (readme, headings) = readme::of(root, &paths).unzip();
    let mut facts =
        SourceFacts { readme, headings: headings.unwrap_or_default(), prints, ..SourceFacts::default() };
    if let Some((language, files)) = most {
        let (uses, unread) = modules::of(language, &files, root);
        facts.language = Some(language.to_owned());
        facts.files = files.len();
        (facts.uses, facts.unread) = (uses, unread);
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submission(files: &[(&str, &str)]) -> SourceFacts {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(folder.path())
    }

    fn names(facts: &SourceFacts) -> Vec<&str> {
        facts.uses.iter().map(|used| used.name.as_str()).collect()
    }

    #[test]
    fn headers_of_c_are_those_between_angles() {
        let facts = submission(&[
            (
                "src/main.c",
                "#include \"cache.h\"\n  #  include <sys/socket.h>\n// #include <none.h>\nint main(){}\n",
            ),
            ("src/cache.h", "#include <stdio.h>\n"),
            ("tool.py", "import flask\n"),
        ]);
        assert_eq!((facts.language.as_deref(), facts.files), (Some("C"), 2));
        assert_eq!(names(&facts), ["stdio.h", "sys/socket.h"]);
        assert_eq!(facts.uses[1].place, "src/main.c:2");
    }

    #[test]
    fn packages_of_rust_stand_in_its_manifests() {
        let manifest =
            "[package]\nname = \"p\"\n[dependencies]\ntokio = \"1\"\n[dev-dependencies]\nrand = \"0.9\"\n";
        let facts = submission(&[
            ("p/Cargo.toml", manifest),
            ("p/src/main.rs", "fn main() {}\n"),
            ("target/x.rs", "\n\n\n"),
        ]);
        assert_eq!((facts.language.as_deref(), facts.files), (Some("Rust"), 1));
        assert_eq!(names(&facts), ["tokio"]);
    }

    #[test]
    fn a_folder_without_source_has_no_language() {
        let facts = submission(&[("informe.txt", "hola")]);
        assert_eq!(facts, SourceFacts::default());
    }
}
