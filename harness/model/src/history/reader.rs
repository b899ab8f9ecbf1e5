//! The reader's side of the record: a run folder becomes a [`Record`] again, also months later.
//!
//! The conductor calls it at the end of a run, `harness report` on an old folder; checks and reports see nothing else. A
//! torn last line, as a killed harness leaves it, costs that line only.

use std::io;
use std::path::{Path, PathBuf};

use super::run_folder::names;
use super::{Beside, Event, Histograms, Manifest, interval_log};
use crate::plan::Plan;

/// Everything that is known of a run.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was planned.
    pub plan: Plan,
    /// What happened; the position of an event is its line in `events.jsonl`, from zero.
    pub events: Vec<Event>,
    /// The latencies of its load steps.
    pub histograms: Histograms,
    /// What lies beside the ledger.
    pub beside: Beside,
    /// Why it may not be what the run has written; empty for a run of this process.
    pub doubts: Vec<Doubt>,
}

/// Why a record may not be what the run has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// This file is not the one that the manifest knows.
    Changed(String),
    /// There is no manifest: the run was not brought to its end, or its folder is not whole.
    NoManifest,
}

/// Why a run folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// A file is missing or cannot be read.
    #[error("could not read {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file is not what this version writes.
    #[error("{}:{line}: {error}", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// One-based line.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// It was written in a shape that this version does not know.
    #[error("{}: format {format} is not known to this version, which reads format {FORMAT}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

/// The shape of plans and manifests that is read and written.
pub(super) const FORMAT: u32 = 1;

/// Reads the record of a run folder.
///
/// # Errors
/// A file is missing or damaged elsewhere than in its last line.
pub fn read(run_directory: &Path) -> Result<Record, ReadProblem> {
    let plan_path = run_directory.join(names::PLAN);
    let content = |error: serde_json::Error| ReadProblem::Content {
        path: plan_path.clone(),
        line: error.line(),
        error,
    };
    let plan: Plan = serde_json::from_slice(&file(&plan_path)?).map_err(content)?;
    known(plan.format, &plan_path)?;
    let events = events(&run_directory.join(names::EVENTS))?;
    // A run without load steps, or one that was interrupted before them, has an empty log or none.
    let histograms =
        file(&run_directory.join(names::INTERVALS)).map(|text| interval_log::read_intervals(&text));
    let beside = beside(run_directory);
    Ok(Record { plan, events, histograms: histograms.unwrap_or_default(), beside, doubts: Vec::new() })
}

/// Reads the record of a run that ended some time ago, and looks whether it is still what that run has written.
///
/// # Errors
/// As [`read`], and where the manifest is of another format.
pub fn read_again(run_directory: &Path) -> Result<Record, ReadProblem> {
    let mut record = read(run_directory)?;
    record.doubts = match Manifest::read(run_directory) {
        Ok(manifest) => {
            known(manifest.format, &run_directory.join(names::MANIFEST))?;
            manifest.changed(run_directory).into_iter().map(Doubt::Changed).collect()
        }
        Err(_) => vec![Doubt::NoManifest],
    };
    Ok(record)
}

/// What is missing stays empty: it explains, and decides nothing.
fn beside(run_directory: &Path) -> Beside {
    let source = file(&run_directory.join(names::SOURCE)).ok();
    let watched = run_directory.join(names::WATCHED);
    Beside {
        printed: file(&run_directory.join(names::PROXY_OUTPUT)).unwrap_or_default(),
        source: source.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default(),
        watched: watched.join(names::PLAN).exists().then(|| read(&watched).ok().map(Box::new)).flatten(),
        tried: tried(&run_directory.join(names::TRIED)),
    }
}

/// The repetitions with a change, by the names of their folders.
fn tried(folder: &Path) -> Vec<Record> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort_unstable();
    folders.iter().filter_map(|folder| read(folder).ok()).collect()
}

fn known(format: u32, path: &Path) -> Result<(), ReadProblem> {
    if format == FORMAT { Ok(()) } else { Err(ReadProblem::Format { path: path.to_path_buf(), format }) }
}

fn events(path: &Path) -> Result<Vec<Event>, ReadProblem> {
    let bytes = file(path)?;
    let mut events = Vec::new();
    let mut lines = bytes.split(|&byte| byte == b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        // The last piece has no line end: nothing, or a line that was being written when the harness was killed.
        if lines.peek().is_none() {
            events.extend(serde_json::from_slice(line).ok());
            break;
        }
        let event = serde_json::from_slice(line).map_err(|error| ReadProblem::Content {
            path: path.to_path_buf(),
            line: number + 1,
            error,
        })?;
        events.push(event);
    }
    Ok(events)
}

fn file(path: &Path) -> Result<Vec<u8>, ReadProblem> {
    std::fs::read(path).map_err(|error| ReadProblem::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "{\"at\":5,\"step\":null,\"event\":\"step_started\"}\n";

    fn events_of(text: &str) -> Result<usize, ReadProblem> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        events(file.path()).map(|events| events.len())
    }

    #[test]
    fn a_torn_last_line_costs_that_line_only() {
        assert_eq!(events_of("").unwrap(), 0);
        assert_eq!(events_of(&LINE.repeat(2)).unwrap(), 2);
        assert_eq!(events_of(&format!("{LINE}{}", &LINE[..20])).unwrap(), 1);
    }

    #[test]
    fn damage_elsewhere_is_an_error_with_its_line() {
        let problem = events_of(&format!("{LINE}nonsense\n{LINE}")).unwrap_err();
        assert!(matches!(problem, ReadProblem::Content { line: 2, .. }), "{problem}");
    }
}
