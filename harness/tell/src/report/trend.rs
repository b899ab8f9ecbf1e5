//! How a proxy changed from run to run: verdicts, percentiles and cost, taken from the run folders beneath a directory.
//!
//! `harness report --history` calls [`write_trend`]. Verdicts are those that were given at the time; nothing is judged again,
//! and percentiles come from the histograms of each run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::html::trend_page;
use super::latency::{QUANTILES, by_tag, quantile_ms};
use super::overview::doubted;
use super::pages::{ReportError, write};
use super::series::resources;
use super::{Attachments, Source, VerdictsDocument};
use crate::language::Language;
use harness_judge::check::Outcome;
use harness_model::catalogue::CheckId;
use harness_model::history::{self, names};
use harness_model::terms::Bilingual;

/// The file in which the verdicts of a run lie.
const VERDICTS: &str = "verdicts.json";
/// Run folders lie this many folders deep at most.
const DEEPEST: usize = 8;

/// All runs beneath a directory.
#[derive(Clone, Debug, Default)]
pub struct Trend {
    /// By scenario and proxy.
    pub(super) groups: Vec<Group>,
    /// Folders that could not be read, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

/// The runs of one scenario on one proxy, the oldest first.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) scenario: Bilingual,
    pub(super) proxy: String,
    pub(super) runs: Vec<Run>,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Relative to the directory of the page.
    pub(super) folder: PathBuf,
    /// RFC 3339.
    pub(super) started: String,
    pub(super) exit_code: u8,
    pub(super) seed: u64,
    pub(super) program: Option<String>,
    pub(super) outcomes: BTreeMap<CheckId, Outcome>,
    /// By load: p50, p90, p99, p99.9, p99.99 in milliseconds, where there were samples enough.
    pub(super) quantiles: BTreeMap<String, [Option<f64>; QUANTILES.len()]>,
    /// By load: CPU time of the proxy in milliseconds for each request.
    pub(super) cpu_ms: BTreeMap<String, f64>,
    /// Most memory at once, bytes.
    pub(super) peak_bytes: Option<u64>,
}

impl Trend {
    /// Reads all run folders beneath a directory. Those whose record is not what their run has written are left out.
    pub fn read(root: &Path, language: Language) -> Trend {
        let mut trend = Trend::default();
        let mut folders = Vec::new();
        run_folders(root, DEEPEST, &mut folders);
        folders.sort();
        let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
        for folder in folders {
            match run(root, &folder, language) {
                Ok((key, group)) => {
                    groups
                        .entry(key)
                        .and_modify(|known| known.runs.extend(group.runs.clone()))
                        .or_insert(group);
                }
                Err(why) => trend.left_out.push((folder, why)),
            }
        }
        trend.groups = groups.into_values().collect();
        for group in &mut trend.groups {
            group.runs.sort_by(|one, two| (&one.started, &one.folder).cmp(&(&two.started, &two.folder)));
        }
        trend
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        self.groups.iter().map(|group| group.runs.len()).sum()
    }
}

impl Group {
    /// All checks of its runs, in the order of the catalogue.
    pub(super) fn checks(&self) -> Vec<CheckId> {
        let judged = |check: &CheckId| self.runs.iter().any(|run| run.outcomes.contains_key(check));
        CheckId::ALL.iter().copied().filter(judged).collect()
    }

    /// All loads of its runs.
    pub(super) fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.runs.iter().flat_map(|run| run.quantiles.keys().cloned()).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// What came out otherwise in a run than in the one before it.
    pub(super) fn changes(&self, run: usize) -> Vec<(CheckId, Outcome, Outcome)> {
        let Some(before) = run.checked_sub(1).and_then(|before| self.runs.get(before)) else {
            return Vec::new();
        };
        let Some(now) = self.runs.get(run) else { return Vec::new() };
        let changed = |(check, now): (&CheckId, &Outcome)| {
            before.outcomes.get(check).filter(|before| *before != now).map(|before| (*check, *before, *now))
        };
        now.outcomes.iter().filter_map(changed).collect()
    }
}

/// Folders with a manifest and verdicts; links, such as `latest`, are not followed.
fn run_folders(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join(names::MANIFEST).is_file() && folder.join(VERDICTS).is_file() {
        found.push(folder.to_path_buf());
        return;
    }
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            run_folders(&entry.path(), depth, found);
        }
    }
}

fn run(root: &Path, folder: &Path, language: Language) -> Result<((String, String), Group), String> {
    let text = std::fs::read(folder.join(VERDICTS)).map_err(|error| error.to_string())?;
    let verdicts: VerdictsDocument =
        serde_json::from_slice(&text).map_err(|error| format!("{VERDICTS}: {error}"))?;
    let record = history::read_again(folder).map_err(|error| error.to_string())?;
    if let Some(why) = doubted(&record.doubts, language) {
        return Err(why);
    }
    let attachments = Attachments::read(folder);
    let source = Source { record: &record, verdicts: &[], attachments: &attachments };
    let loads = by_tag(&source);
    // The clock of the harness is the client's of an open loop; a closed one has no intended instant.
    let quantiles = loads.iter().filter_map(|load| {
        let histogram = load.intended.or(load.service)?;
        Some((load.tag.clone(), QUANTILES.map(|quantile| quantile_ms(histogram, quantile))))
    });
    let cpu = loads.iter().filter_map(|load| {
        let counters = load.counters.filter(|counters| counters.good > 0)?;
        Some((load.tag.clone(), counters.cpu_seconds? * 1e3 / counters.good as f64))
    });
    let facts = attachments.manifest.as_ref().map(|manifest| &manifest.facts);
    let run = Run {
        folder: folder.strip_prefix(root).unwrap_or(folder).to_path_buf(),
        started: attachments.started().unwrap_or_default().to_owned(),
        exit_code: verdicts.exit_code,
        seed: verdicts.seed,
        program: facts.and_then(|facts| facts.program_sha256.clone()),
        outcomes: verdicts.verdicts.iter().map(|row| (row.check, row.outcome)).collect(),
        quantiles: quantiles.collect(),
        cpu_ms: cpu.collect(),
        peak_bytes: resources(&source).iter().map(|(_, sample)| sample.resident_bytes).max(),
    };
    let key = (verdicts.scenario.clone(), verdicts.proxy.clone());
    let plan = &record.plan;
    Ok((key, Group { scenario: plan.title.clone(), proxy: plan.adapter.title.clone(), runs: vec![run] }))
}

/// The name of the page in a language.
pub(super) fn file_name(language: Language) -> String {
    format!("history.{}.html", language.code())
}

/// Writes the page in both languages into the directory; the path of the one in `language`.
///
/// # Errors
/// It cannot be written.
pub fn write_trend(trend: &Trend, root: &Path, language: Language) -> Result<PathBuf, ReportError> {
    for language in Language::ALL {
        write(root, &file_name(language), trend_page(trend, language).as_bytes())?;
    }
    Ok(root.join(file_name(language)))
}
