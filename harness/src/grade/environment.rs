//! Environments of Python that lie in a submission: thousands of files of another machine, which nobody of the team wrote.
//!
//! `unpack` leaves them out, and `init` does not look into them. They are known by what their makers put there, whatever their name. One
//! that was made in the folder of the program itself lies among its sources, and these stay.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::source::is_source;

/// What marks one, within it: of `venv`, of the older `virtualenv`, of conda.
const MARKS: [&str; 5] =
    ["pyvenv.cfg", "bin/activate", "Scripts/activate", "Scripts/activate.bat", "conda-meta/history"];
/// Where libraries lie in any of them.
pub const PACKAGES: &str = "site-packages";

/// Whether a folder is one.
pub fn is_one(folder: &Path) -> bool {
    let entries = || std::fs::read_dir(folder).into_iter().flatten().flatten();
    MARKS.iter().any(|mark| folder.join(mark).is_file())
        && !entries().any(|entry| is_source(Path::new(&entry.file_name())))
}

/// Those among the files of an archive, by their names alone; the folder around everything is none.
pub(super) fn among(names: &[PathBuf]) -> Vec<PathBuf> {
    let beside_sources: BTreeSet<&Path> =
        names.iter().filter(|name| is_source(name)).filter_map(|name| name.parent()).collect();
    let marked = names.iter().flat_map(|name| {
        let depth = |mark: &str| Path::new(mark).components().count();
        MARKS
            .iter()
            .filter(|mark| name.ends_with(mark))
            .filter_map(move |mark| name.ancestors().nth(depth(mark)))
    });
    let folders: BTreeSet<&Path> =
        marked.filter(|folder| *folder != Path::new("") && !beside_sources.contains(folder)).collect();
    folders.into_iter().map(Path::to_owned).collect()
}
