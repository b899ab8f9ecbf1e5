//! The end of a run: the record is closed and hashed, then judged, then shown.
//!
//! The conductor calls [`close`] when nothing runs any more; `harness report` calls [`judge`] on an old folder. Everything
//! here is a function of the run folder.

use std::io;
use std::path::{Path, PathBuf};

use harness_judge::check::{self, Verdict};
use harness_model::exit_code::ExitCode;
use harness_model::history::{
    self, Manifest, ManifestFacts, NotKept, ReadProblem, Record, Recorder, RunFolder, names,
};
use harness_model::plan::Plan;
use harness_run::proxy_under_test::{OutputLog, StartProblem};
use harness_tell::report::{self, Pages, ReportError};

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    /// Its folder.
    pub run_directory: PathBuf,
    /// What happened.
    pub record: Record,
    /// What the checks conclude.
    pub verdicts: Vec<Verdict>,
    /// Where the pages lie.
    pub pages: Pages,
    /// The code that follows.
    pub exit: ExitCode,
    /// Why the proxy never got ready.
    pub start_problem: Option<StartProblem>,
    /// What should have kept it apart and did not.
    pub not_kept: Vec<NotKept>,
}

/// Why a run could not be carried out or shown; never the fault of the proxy.
#[derive(Debug, thiserror::Error)]
pub enum RunProblem {
    /// The run folder cannot be made.
    #[error("{0}")]
    Folder(io::Error),
    /// Threads, sockets or backends are not to be had.
    #[error("could not set the run up: {0}")]
    Setting(io::Error),
    /// Backends behind a proxy that runs already could not be told what to do, or asked what they saw.
    #[error("{0}")]
    Elsewhere(io::Error),
    /// The record could not be written.
    #[error("could not keep the record in {}: {error}", path.display())]
    Record {
        /// The run folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The record cannot be read back.
    #[error(transparent)]
    Unreadable(#[from] ReadProblem),
    /// The pages could not be written.
    #[error(transparent)]
    Pages(#[from] ReportError),
}

impl RunProblem {
    /// The code that follows. None of these is a bug: the user named a folder or an address that will not do, or the machine has no
    /// room, rights or descriptors for what the run needs.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Closes the record of a run, hashes it, judges it and draws its pages.
pub(super) fn close(
    plan: &Plan,
    run_directory: &Path,
    recorder: &Recorder,
    output: &OutputLog,
    mut facts: ManifestFacts,
    start_problem: Option<StartProblem>,
    draw: bool,
) -> Result<Finished, RunProblem> {
    let unkept = |error| RunProblem::Record { path: run_directory.to_path_buf(), error };
    facts.seconds = recorder.clock().now().0 as f64 / 1e9;
    recorder.close().map_err(unkept)?;
    output.finish().map_err(unkept)?;
    let record = history::read(run_directory)?;
    if !record.histograms.is_empty() {
        let text = history::percentile_text(&record.histograms);
        std::fs::write(run_directory.join(names::PERCENTILES), text).map_err(unkept)?;
    }
    let not_kept = facts.not_kept.clone();
    Manifest::write(run_directory, facts).map_err(unkept)?;
    let mut finished = conclude(run_directory, record, draw)?;
    if start_problem.is_some() {
        finished.exit = ExitCode::ProxyNotReady;
    }
    finished.start_problem = start_problem;
    finished.not_kept = not_kept;
    // A file system without links costs the link only. A repetition lies in its run, to which the link leads.
    let is_run = !run_directory.ends_with(names::WATCHED) && plan.change.is_none();
    if is_run && let Err(error) = RunFolder::mark_as_latest(run_directory) {
        eprintln!("{}: the link `latest` could not be set: {error}", plan.name);
    }
    Ok(finished)
}

/// Judges the record of a run folder again and draws its pages anew.
///
/// # Errors
/// The folder is not that of a run, or the pages cannot be written.
pub fn judge(run_directory: &Path) -> Result<Finished, RunProblem> {
    conclude(run_directory, history::read_again(run_directory)?, true)
}

/// Judges a run again of which a part was repeated.
pub(super) fn judged_with_repetition(run_directory: &Path, draw: bool) -> Result<Finished, RunProblem> {
    conclude(run_directory, history::read(run_directory)?, draw)
}

fn conclude(run_directory: &Path, record: Record, draw: bool) -> Result<Finished, RunProblem> {
    let verdicts = check::evaluate(&record);
    let pages = match draw {
        true => report::write_all(run_directory, &record, &verdicts)?,
        false => Pages::not_drawn(run_directory),
    };
    let exit = report::exit_code(&record, &verdicts);
    let run_directory = run_directory.to_path_buf();
    Ok(Finished { run_directory, record, verdicts, pages, exit, start_problem: None, not_kept: Vec::new() })
}
