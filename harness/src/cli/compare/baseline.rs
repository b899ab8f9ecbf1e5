//! The file of a baseline: written by `--save-baseline`, read by `--baseline`.
//!
//! `compare` calls it. A file of another load is refused, since nothing would follow from it; one of another host is taken
//! and marked. What is compared is decided in `crate::compare`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fake_backends::clock::RunClock;
use sha2::{Digest, Sha256};

use super::sides::Sides;
use crate::compare::{Baseline, Figures, Reference};
use crate::language::Language;
use crate::language::compare_words::{baseline_of_other_load, baseline_of_other_pin, baseline_unreadable};
use crate::plan::Plan;
use crate::platform::host_facts;

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
/// It cannot.
pub(super) fn place(file: &Path) -> std::io::Result<Place> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(Place { written: tempfile::NamedTempFile::new_in(folder)?, file: file.to_owned() })
}

/// Writes the figures of the first side.
///
/// # Errors
/// The file cannot be written.
pub(super) fn save(mut place: Place, sides: &Sides, rounds: &[Vec<Figures>]) -> std::io::Result<()> {
    let Some(side) = sides.all.first() else { return Ok(()) };
    let (name, plan) = (side.name.clone(), &side.plan);
    let saved = jiff::Timestamp::try_from(RunClock::start().wall_start()).map(|time| time.to_string());
    let mut baseline =
        Baseline::of(plan.name.clone(), load_of(plan), name, saved.unwrap_or_default(), host(), rounds);
    baseline.pinned = plan.pin.is_some();
    let mut text = serde_json::to_vec_pretty(&baseline)?;
    text.push(b'\n');
    place.written.write_all(&text)?;
    // Others of a project read it, as they would any file.
    #[cfg(unix)]
    place.written.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    place.written.persist(place.file).map(drop).map_err(|refused| refused.error)
}

/// What the load is: a comment or a threshold of the scenario may change without making figures worthless.
pub(super) fn load_of(plan: &Plan) -> String {
    let steps: Vec<_> = plan.steps.iter().map(|step| &step.kind).collect();
    let text = serde_json::to_string(&(&plan.proxy, &plan.backends, steps)).unwrap_or_default();
    fingerprint(&text)
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Which proxy an adapter means, wherever its program lies: two sides of one name may be different ones.
pub(super) fn proxy_of(plan: &Plan) -> String {
    let mut adapter = serde_json::to_value(&plan.adapter).unwrap_or_default();
    if let Some(fields) = adapter.as_object_mut() {
        for path in ["program", "origin", "copy_from", "limits"] {
            fields.remove(path);
        }
    }
    fingerprint(&adapter.to_string())
}

fn host() -> String {
    let facts = host_facts();
    let cpu = facts.cpu.unwrap_or_else(|| "unknown CPU".to_owned());
    let quota = facts.cpu_quota.map_or_else(String::new, |quota| format!(", quota {quota:.1}"));
    let memory = facts.memory_bytes.map_or_else(String::new, |bytes| format!(", {} MiB", bytes >> 20));
    format!("{cpu}, {} cores{quota}{memory}", facts.cores)
}
