//! The file of a baseline: written by `--save-baseline`, read by `--baseline`.
//!
//! `compare` calls it. A file of another load is refused, since nothing would follow from it; one of another host is taken
//! and marked. What is compared is decided in `harness_judge::compare`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fake_backends::clock::RunClock;

use super::fingerprint::load_of;
use super::sides::Sides;
use harness_judge::compare::{Baseline, Figures, Reference};
use harness_model::plan::Plan;
use harness_platform::host_facts;
use harness_tell::language::Language;
use harness_tell::language::compare_words::{
    baseline_of_other_load, baseline_of_other_pin, baseline_unreadable,
};

/// Reads the file that `--baseline` names.
///
/// # Errors
/// It is no baseline, or one of another load; ready to be printed.
pub(super) fn read(file: &Path, plan: &Plan, language: Language) -> Result<Reference, String> {
    let path = file.display().to_string();
    let text =
        std::fs::read(file).map_err(|error| baseline_unreadable(language, &path, &error.to_string()))?;
    let baseline: Baseline = serde_json::from_slice(&text)
        .map_err(|error| baseline_unreadable(language, &path, &error.to_string()))?;
    if !baseline.is_known() {
        return Err(baseline_unreadable(language, &path, &format!("format {}", baseline.format)));
    }
    if baseline.figures.is_empty() {
        return Err(baseline_unreadable(language, &path, "figures: []"));
    }
    if baseline.pinned != plan.pin.is_some() {
        return Err(baseline_of_other_pin(language, &path));
    }
    if baseline.scenario != plan.name || baseline.load != load_of(plan) {
        return Err(baseline_of_other_load(language, &path, &plan.name));
    }
    Ok(Reference { other_host: baseline.host != host(), baseline })
}

/// A place for a new baseline; the old one stays until the new one is whole.
pub(super) struct Place {
    written: tempfile::NamedTempFile,
    file: PathBuf,
}

/// Makes sure that a baseline can be written, before anything is measured.
///
/// # Errors
/// It cannot; with its path.
pub(super) fn place(file: &Path) -> Result<Place, (String, std::io::Error)> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match tempfile::NamedTempFile::new_in(folder) {
        Ok(written) => Ok(Place { written, file: file.to_owned() }),
        Err(error) => Err((file.display().to_string(), error)),
    }
}

impl Place {
    /// For messages.
    pub(super) fn path(&self) -> String {
        self.file.display().to_string()
    }
}

/// Writes the figures of the first side.
///
/// # Errors
/// The file cannot be written.
pub(super) fn save(mut place: Place, sides: &Sides, rounds: &[Vec<Figures>]) -> std::io::Result<()> {
    let Some(side) = sides.all.first() else { return Ok(()) };
    let (name, plan) = (side.name.clone(), &side.plan);
    let saved = jiff::Timestamp::try_from(RunClock::start().wall_start()).map(|time| time.to_string());
    let pinned = plan.pin.is_some();
    let saved = saved.unwrap_or_default();
    let baseline =
        Baseline { pinned, ..Baseline::of(plan.name.clone(), load_of(plan), name, saved, host(), rounds) };
    let mut text = serde_json::to_vec_pretty(&baseline)?;
    text.push(b'\n');
    place.written.write_all(&text)?;
    // Others of a project read it, as they would any file.
    #[cfg(unix)]
    place.written.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    place.written.persist(place.file).map(drop).map_err(|refused| refused.error)
}

fn host() -> String {
    let facts = host_facts();
    let cpu = facts.cpu.unwrap_or_else(|| "unknown CPU".to_owned());
    let quota = facts.cpu_quota.map_or_else(String::new, |quota| format!(", quota {quota:.1}"));
    let memory = facts.memory_bytes.map_or_else(String::new, |bytes| format!(", {} MiB", bytes >> 20));
    format!("{cpu}, {} cores{quota}{memory}", facts.cores)
}
