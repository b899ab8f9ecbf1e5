//! Finds the submissions, gives each team its code, and brings its program into the folder of the team.
//!
//! Pages name teams by their codes; which submission is which is written in `teams.csv` alone, which is for the instructor.
//! A code stays with its submission from one call to the next. Nothing is started here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::collection::{self, Skipped};
use super::csv::quoted;
use super::unpack::{self, UnpackProblem};
use harness_model::history::hash_of_tree;
use harness_platform::remove_whatever_it_is;

/// Where a team's copy lies, relative to its folder.
const COPY: &str = "submission";
/// Which submission is which team.
pub const TEAMS: &str = "teams.csv";

/// One submission and the team that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// `E01`: the only name that pages carry.
    pub code: String,
    /// The name of its folder or zip, without the ending.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// A submission brought in.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The folder that holds the program.
    pub root: PathBuf,
    /// SHA-256 over all names and bytes in it.
    pub sha256: String,
}

/// The submissions that the arguments name, in order: folders and zips, or folders of such, with what was passed over.
///
/// # Errors
/// One of them cannot be read, with its path.
pub fn find(arguments: &[PathBuf], out: &Path) -> io::Result<(Vec<Submission>, Vec<Skipped>)> {
    let (mut paths, mut skipped) = (Vec::new(), Vec::new());
    for argument in arguments {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", argument.display()));
        let path = argument.canonicalize().map_err(named)?;
        match collection::of(&path).map_err(named)? {
            Some(inside) => {
                // Grades of an earlier call may lie among the submissions.
                let grades = out.canonicalize().ok();
                let holds_grades = |path: &PathBuf| grades.as_ref().is_some_and(|out| out.starts_with(path));
                paths.extend(inside.submissions.into_iter().filter(|path| !holds_grades(path)));
                skipped.extend(inside.skipped);
            }
            // `folder/*` names the strays as well.
            None if !path.is_dir() && !collection::may_be_one(&path) => {
                skipped.push(collection::skipped(path));
            }
            None => paths.push(path),
        }
    }
    paths.sort();
    paths.dedup();
    skipped.sort();
    skipped.dedup();
    Ok((with_codes(paths, &known_codes(&out.join(TEAMS))), skipped))
}

fn with_codes(paths: Vec<PathBuf>, known: &BTreeMap<String, String>) -> Vec<Submission> {
    let number = |code: &String| code.strip_prefix('E')?.parse::<u32>().ok();
    let mut next = known.values().filter_map(number).max().unwrap_or(0) + 1;
    let mut all: Vec<Submission> = Vec::new();
    for path in paths {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let mut name = stem.unwrap_or_default().to_string_lossy().into_owned();
        // Two folders of one name in different places are two teams.
        while all.iter().any(|other| other.name == name) {
            name.push('\'');
        }
        let code = known.get(&name).cloned().unwrap_or_else(|| {
            let code = format!("E{next:02}");
            next += 1;
            code
        });
        all.push(Submission { code, name, path });
    }
    // E100 comes after E99.
    all.sort_by(|one, two| (one.code.len(), &one.code).cmp(&(two.code.len(), &two.code)));
    all
}

/// The codes of earlier calls, by name of the submission.
fn known_codes(file: &Path) -> BTreeMap<String, String> {
    let Ok(mut reader) = csv::Reader::from_path(file) else { return BTreeMap::new() };
    let name = |name: &str| match name.strip_prefix('\'') {
        Some(formula) if formula.starts_with(['=', '+', '-', '@', '\t', '\r']) => formula.to_owned(),
        _ => name.to_owned(),
    };
    reader.records().flatten().filter_map(|row| Some((name(row.get(1)?), row.get(0)?.to_owned()))).collect()
}

/// Writes which submission is which team; codes of earlier calls are kept.
///
/// # Errors
/// The file cannot be written.
pub fn write_teams(out: &Path, submissions: &[Submission]) -> io::Result<()> {
    let mut known: BTreeMap<String, String> =
        known_codes(&out.join(TEAMS)).into_iter().map(|(name, code)| (code, name)).collect();
    known.extend(submissions.iter().map(|one| (one.code.clone(), one.name.clone())));
    let mut text = "\u{feff}team,submission\n".to_owned();
    for (code, name) in known {
        text.push_str(&format!("{code},{}\n", quoted(&name, ',')));
    }
    fs::write(out.join(TEAMS), text)
}

/// Brings a submission into the folder of its team, anew each time.
///
/// # Errors
/// It cannot be read or unpacked.
pub fn bring(
    submission: &Submission,
    team_folder: &Path,
    stop: unpack::Stop<'_>,
) -> Result<Brought, UnpackProblem> {
    let (to, unpacked) = (team_folder.join(COPY), team_folder.join(".unpacked"));
    let file = |error| UnpackProblem::File { path: to.clone(), error };
    for old in [&to, &unpacked] {
        remove_whatever_it_is(old).map_err(file)?;
    }
    unpack::bring(&submission.path, &unpacked, stop)?;
    // The folders around it often carry names of people: only what is inside goes on.
    fs::rename(unpack::heart(&unpacked, stop)?, &to).map_err(file)?;
    remove_whatever_it_is(&unpacked).map_err(file)?;
    let root = to.clone();
    let sha256 = hash_of_tree(&root).map_err(file)?;
    Ok(Brought { root, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stay_with_their_submissions() {
        let out = tempfile::tempdir().unwrap();
        let paths =
            |names: &[&str]| names.iter().map(|name| PathBuf::from(format!("/x/{name}.zip"))).collect();
        let first = with_codes(paths(&["b", "d, \"e\"", "=1\n"]), &BTreeMap::new());
        write_teams(out.path(), &first).unwrap();
        assert!(fs::read_to_string(out.path().join(TEAMS)).unwrap().contains("\"'=1"));
        let second =
            with_codes(paths(&["a", "b", "d, \"e\"", "=1\n"]), &known_codes(&out.path().join(TEAMS)));
        let code = |name: &str| second.iter().find(|one| one.name == name).unwrap().code.clone();
        let codes = ["b", "d, \"e\"", "=1\n", "a"].map(code);
        assert_eq!(codes, ["E01", "E02", "E03", "E04"]);
    }
}
