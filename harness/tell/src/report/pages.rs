//! Writes every page of a run into its folder.
//!
//! The conductor calls it at the end of a run, `harness report` at any later time. Each file is written beside its name
//! and renamed, so that a page is old or new, never half; a plot that cannot be drawn costs that plot only.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Attachments, Source, html, json, junit, markdown, plot};
use crate::language::Language;
use harness_judge::check::Verdict;
use harness_model::history::Record;

/// Where the pages of a run lie.
#[derive(Clone, Debug)]
pub struct Pages {
    /// `verdicts.json`.
    pub verdicts: PathBuf,
    /// `junit.xml`.
    pub junit: PathBuf,
    /// `summary.md`.
    pub summary: PathBuf,
    /// `report.en.html` and `report.es.html`, in the order of [`Language::ALL`].
    pub reports: [PathBuf; 2],
    /// The plots, as SVG and PNG.
    pub plots: Vec<PathBuf>,
    /// Plots that could not be drawn, and why; everything else is there all the same.
    pub problems: Vec<String>,
}

impl Pages {
    /// Where the pages of a run will lie once they are drawn.
    pub fn not_drawn(run_dir: &Path) -> Pages {
        Pages {
            verdicts: run_dir.join("verdicts.json"),
            junit: run_dir.join("junit.xml"),
            summary: run_dir.join("summary.md"),
            reports: [run_dir.join("report.en.html"), run_dir.join("report.es.html")],
            plots: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The report in a language.
    pub fn report(&self, language: Language) -> &Path {
        language.choose(&self.reports[0], &self.reports[1])
    }
}

/// Why the pages of a run could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file could not be written.
    #[error("could not write {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Facts could not be put into the form of a machine-readable file; a bug of the harness.
    #[error("could not express the verdicts as {what}: {why}")]
    Form {
        /// JSON or JUnit.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// Draws everything that follows from a record and its verdicts, into the run's folder. The same record gives the same bytes.
///
/// # Errors
/// A file cannot be written.
pub fn write_all(run_dir: &Path, record: &Record, verdicts: &[Verdict]) -> Result<Pages, ReportError> {
    let attachments = Attachments::read(run_dir);
    let source = Source { record, verdicts, attachments: &attachments };
    let plots = plot::write_all(&run_dir.join("plots"), &source)?;
    let pages = texts(run_dir, &source)?;
    Ok(Pages { plots: plots.files, problems: plots.problems, ..pages })
}

/// The same without plots of their own, for a run that is not over; the pages hold theirs.
///
/// # Errors
/// A file cannot be written.
pub fn write_so_far(run_dir: &Path, record: &Record, verdicts: &[Verdict]) -> Result<Pages, ReportError> {
    let attachments = Attachments::read(run_dir);
    texts(run_dir, &Source { record, verdicts, attachments: &attachments })
}

fn texts(run_dir: &Path, source: &Source<'_>) -> Result<Pages, ReportError> {
    let form = |what: &'static str| move |why: String| ReportError::Form { what, why };
    let json = json::bytes(source).map_err(|error| form("JSON")(error.to_string()))?;
    let junit = junit::bytes(source).map_err(|error| form("JUnit XML")(error.to_string()))?;
    let summary = markdown::summary(source).into_bytes();
    Ok(Pages {
        verdicts: write(run_dir, "verdicts.json", &json)?,
        junit: write(run_dir, "junit.xml", &junit)?,
        summary: write(run_dir, "summary.md", &summary)?,
        plots: Vec::new(),
        problems: Vec::new(),
        reports: [
            write(run_dir, "report.en.html", html::page(source, Language::En).as_bytes())?,
            write(run_dir, "report.es.html", html::page(source, Language::Es).as_bytes())?,
        ],
    })
}

/// Writes a file under a temporary name in the same folder and renames it.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    let path = folder.join(name);
    let put = || -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".page-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        // A temporary file is private; a page is for whoever may read the folder.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    put().map_err(|error| ReportError::File { path: path.clone(), error })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::write_all;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_model::catalogue::CheckId;

    /// `cargo test -p harness --lib look_at -- --ignored`, then open what it says.
    #[test]
    #[ignore = "writes pages for people to look at"]
    fn look_at_the_pages() {
        let folder = std::env::temp_dir().join("harness-pages");
        std::fs::create_dir_all(&folder).unwrap();
        let mut sliding = verdict(CheckId::TtlSliding, Outcome::Fail);
        sliding.kind = harness_model::catalogue::Kind::Optimal;
        let run = RunBuilder::new("ttl")
            .log("2026-11-21T14:04:01 GET /ttl/7 200 1024 b2 miss\n2026-11-21T14:04:03 GET /ttl/7 200 1024 - hit\n")
            .ready()
            .ttl(2_000, 120)
            .serial(90)
            .thresholds("steady", &[(0.99, 50), (0.999, 20)])
            .load("steady", 5_000, 1)
            .load("few", 5, 0)
            .load("only-errors", 50, 100)
            .crashes(4)
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Pass))
            .verdict(sliding)
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .verdict(verdict(CheckId::TtlPerResource, Outcome::Blocked))
            .verdict(verdict(CheckId::PersistenceSurvivesKill, Outcome::Unsupported))
            .verdict(verdict(CheckId::RotationSerialCycle, Outcome::Pass))
            .verdict(verdict(CheckId::LatencyThresholds, Outcome::Inconclusive))
            .judged()
            .build();
        write_all(&folder, &run.record, &run.verdicts).unwrap();
        println!("{}", folder.display());
    }

    #[test]
    fn the_same_record_gives_the_same_bytes() {
        let run = RunBuilder::new("ttl")
            .ready()
            .ttl(2_000, 24)
            .load("steady", 500, 3)
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Pass))
            .build();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let written =
            folders.each_ref().map(|folder| write_all(folder.path(), &run.record, &run.verdicts).unwrap());
        let files = |pages: &super::Pages| {
            let mut all = vec![pages.verdicts.clone(), pages.junit.clone(), pages.summary.clone()];
            all.extend(pages.reports.iter().cloned());
            all.extend(pages.plots.iter().cloned());
            all
        };
        let (first, second) = (files(&written[0]), files(&written[1]));
        assert!(first.len() > 8, "{first:?}");
        assert_eq!(first.len(), second.len());
        for (a, b) in first.iter().zip(&second) {
            assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{} differs", a.display());
        }
        let left: Vec<_> = std::fs::read_dir(folders[0].path())
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with('.'))
            .collect();
        assert!(left.is_empty(), "temporary files are gone: {left:?}");
    }
}
