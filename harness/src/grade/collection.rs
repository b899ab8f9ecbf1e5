//! Which of the things in a folder are submissions, and which only lie beside them.
//!
//! `submission` asks here about each folder that it is given. A course is handed in as folders and zips among lists, archives
//! of other kinds and what a desktop leaves behind; one program may consist of folders as well. Nothing is unpacked here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::source::is_source;
use super::unpack::is_zip;
use harness_model::adapter::is_profile;

/// What a folder holds that is a collection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Collection {
    pub(super) submissions: Vec<PathBuf>,
    pub(super) skipped: Vec<Skipped>,
}

/// Something that lies among submissions and is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Where it lies.
    pub path: PathBuf,
    /// Whether it may hold a submission all the same, in an archive that only other programs open.
    pub archive: bool,
}

/// Files that stand in the folder of a program and not in that of a course.
const BUILDS: [&str; 10] = [
    "makefile",
    "gnumakefile",
    "cmakelists.txt",
    "cargo.toml",
    "requirements.txt",
    "pyproject.toml",
    "package.json",
    "go.mod",
    "pom.xml",
    "dockerfile",
];
/// Names of folders that are a part of one program.
const PARTS: [&str; 20] = [
    "src",
    "lib",
    "include",
    "bin",
    "build",
    "obj",
    "target",
    "cache",
    "log",
    "logs",
    "conf",
    "config",
    "docs",
    "doc",
    "test",
    "tests",
    "data",
    "venv",
    "scripts",
    "node_modules",
];
/// Endings of archives that are not read.
const ARCHIVES: [&str; 8] = ["rar", "7z", "tar", "gz", "tgz", "xz", "bz2", "zst"];
/// How deep a program may lie in the folder of a team.
const DEEPEST: usize = 3;

/// What lies in a folder, where it is not a submission itself but a course.
pub(super) fn of(folder: &Path) -> io::Result<Option<Collection>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut inside: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        inside.push(entry?.path());
    }
    inside.sort();
    let (submissions, beside): (Vec<PathBuf>, Vec<PathBuf>) =
        inside.into_iter().partition(|path| may_be_one(path));
    let documents = beside.iter().any(|path| is_document(path));
    if beside.iter().any(|path| belongs_to_a_program(path)) || !several(&submissions, documents) {
        return Ok(None);
    }
    let skipped = beside.into_iter().map(skipped).collect();
    Ok(Some(Collection { submissions, skipped }))
}

/// Whether something among submissions can be one: a folder, or a zip that no desktop left behind.
pub(super) fn may_be_one(path: &Path) -> bool {
    let name = name_of(path);
    !name.starts_with('.') && name != "__macosx" && (path.is_dir() || is_zip(path))
}

pub(super) fn skipped(path: PathBuf) -> Skipped {
    let archive =
        path.is_file() && ARCHIVES.contains(&&*ending_of(&path)) && !name_of(&path).starts_with('.');
    Skipped { path, archive }
}

/// Whether these are submissions rather than the parts of one. A part may have the name of a team and a team that of a part.
fn several(folders_and_zips: &[PathBuf], documents: bool) -> bool {
    let is_part = |path: &&PathBuf| path.is_dir() && PARTS.contains(&&*name_of(path));
    let programs: Vec<&PathBuf> =
        folders_and_zips.iter().filter(|path| path.is_dir() && holds_a_program(path, DEEPEST)).collect();
    let parts = programs.iter().filter(|path| is_part(path)).count();
    let teams = folders_and_zips.iter().filter(|path| !is_part(path)).count();
    match programs.len() {
        // Sources in `src` and `include`, with whatever beside them.
        count if count > 0 && count == parts => false,
        _ if folders_and_zips.iter().any(|path| is_zip(path)) => true,
        // A report beside `proxy` and `client` is that of one team.
        count if documents => count > 2,
        0 | 1 => teams > 1,
        _ => true,
    }
}

fn holds_a_program(folder: &Path, depth: usize) -> bool {
    let inside = || fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    inside().any(|path| path.is_file() && belongs_to_a_program(&path))
        || depth > 0 && inside().any(|path| path.is_dir() && holds_a_program(&path, depth - 1))
}

fn belongs_to_a_program(path: &Path) -> bool {
    path.is_file() && (is_profile(path) || BUILDS.contains(&&*name_of(path)) || is_source(path))
}

/// A text for people. Lists of students are none.
fn is_document(path: &Path) -> bool {
    ["md", "markdown", "pdf", "docx", "odt", "rst"].contains(&&*ending_of(path))
        || name_of(path) == "readme.txt"
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn ending_of(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of what is taken and of what is skipped; `None` where the folder is one submission.
    fn collection(files: &[&str]) -> Option<(Vec<String>, Vec<String>)> {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = of(folder.path()).unwrap()?;
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let skipped = found.skipped.iter().map(|skipped| name(&skipped.path)).collect();
        Some((found.submissions.iter().map(name).collect(), skipped))
    }

    #[test]
    fn what_lies_beside_submissions_is_skipped_by_name() {
        let strays = [".DS_Store", "Thumbs.db", "equipo9.rar", "lista.csv", "notas.xlsx"];
        for submissions in [["a.zip", "b.ZIP"], ["a/proxy.py", "b/src/main.c"]] {
            let files: Vec<&str> =
                submissions.iter().chain(&strays).chain(&["__MACOSX/._a.zip"]).copied().collect();
            let (taken, skipped) = collection(&files).expect("a collection");
            assert_eq!(taken.len(), 2, "{taken:?}");
            assert_eq!(skipped.len(), strays.len() + 1, "{skipped:?}");
        }
        let (taken, _) = collection(&["a.zip", "lista.csv"]).expect("a collection of one");
        assert_eq!(taken, ["a.zip"]);
    }

    #[test]
    fn a_team_may_have_the_name_of_a_part_of_a_program() {
        for name in ["cache", "src", "docs"] {
            let (taken, _) =
                collection(&[&format!("{name}/proxy.py"), "ana/proxy.py"]).expect("a collection");
            assert_eq!(taken.len(), 2, "{taken:?}");
        }
        assert_eq!(collection(&["a/x.pdf", "b/proxy.py", "cache/y.txt"]).unwrap().0.len(), 3);
    }

    #[test]
    fn one_program_is_no_collection_however_it_is_laid_out() {
        for files in [
            &["main.c", "a/x.c", "b/y.c"][..],
            &["pibl-judge.yaml", "a/x.c", "b/y.c"],
            &["Makefile", "server/x.c", "client/y.c"],
            &["src/x.c", "include/x.h", "docs/informe.pdf"],
            &["src/x.c", "cache/1.bin", "respaldo.zip"],
            &["proxy/x.py", "cache/1.bin", "logs/a.log"],
            &["proxy/x.py", "client/y.py", "README.md"],
            &["codigo/x.py", "evidencias/1.png", "informe.pdf"],
            &["ana/proxy.py"],
        ] {
            assert_eq!(collection(files), None, "{files:?}");
        }
    }
}
