//! Figures of an earlier comparison, kept in a file: what `--save-baseline` writes and `--baseline` reads.
//!
//! `gates` judges `{vs:baseline}` by them and the report shows them beside those of today. Rounds of different days are no
//! pairs, so the intervals of both are put together, which is wider than those of sides measured together. No file is touched
//! here.

use serde::{Deserialize, Serialize};

use super::ratio::{Middle, Pair, apart, middle};
use super::table::SUBJECT_METRICS;
use super::{Figures, Subject};
use harness_model::plan::Metric;

/// The name that stands for it in thresholds.
pub const BASELINE: &str = "baseline";
const FORMAT: u32 = 1;

/// What one side came to, by round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of this document's shape.
    pub format: u32,
    /// The scenario's short name.
    pub scenario: String,
    /// Fingerprint of what was asked for: load, backends, settings.
    pub load: String,
    /// The side, as it was called.
    pub side: String,
    /// When it was saved, RFC 3339.
    pub saved: String,
    /// What decides how fast a host is: CPU, their number and quota, memory.
    pub host: String,
    /// Whether the proxy had CPUs of its own.
    #[serde(default)]
    pub pinned: bool,
    /// The figures.
    pub figures: Vec<Kept>,
}

/// A figure, by round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Which.
    pub subject: Subject,
    /// In the metric's own unit.
    pub values: Vec<f64>,
}

/// A baseline as it is used today.
#[derive(Clone, Debug, Serialize)]
pub struct Reference {
    /// What was kept.
    #[serde(flatten)]
    pub baseline: Baseline,
    /// Whether it comes from another host: then its speeds say nothing here.
    pub other_host: bool,
}

/// Today's figure beside that of the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Since {
    /// Which figure.
    pub subject: Subject,
    /// Today.
    pub now: Option<Middle>,
    /// Then.
    pub then: Option<Middle>,
    /// Today's over that of then; `None` also where it was refused.
    pub pair: Option<Pair>,
    /// Whether the two cannot be compared because the hosts differ.
    pub refused: bool,
}

impl Baseline {
    /// The figures of the first side, to be kept.
    pub fn of(
        scenario: String,
        load: String,
        side: String,
        saved: String,
        host: String,
        rounds: &[Vec<Figures>],
    ) -> Baseline {
        let mut tags: Vec<&String> =
            rounds.iter().filter_map(|round| round.first()).flat_map(|f| f.tags.keys()).collect();
        tags.sort();
        tags.dedup();
        let by_tag = tags.iter().flat_map(|tag| {
            SUBJECT_METRICS.into_iter().map(|metric| Subject { tag: Some((*tag).clone()), metric })
        });
        let whole = [Metric::RssPeak, Metric::RrSpread].map(|metric| Subject { tag: None, metric });
        let figures = by_tag
            .chain(whole)
            .map(|subject| Kept { values: values_of(rounds, 0, &subject), subject })
            .filter(|kept| !kept.values.is_empty())
            .collect();
        Baseline { format: FORMAT, scenario, load, side, saved, host, pinned: false, figures }
    }

    /// Whether this program knows the shape of the document.
    pub fn is_known(&self) -> bool {
        self.format == FORMAT
    }

    pub(super) fn values(&self, tag: Option<&str>, metric: Metric) -> &[f64] {
        let found = self
            .figures
            .iter()
            .find(|kept| kept.subject.tag.as_deref() == tag && kept.subject.metric == metric);
        found.map_or(&[], |kept| &kept.values)
    }
}

impl Reference {
    /// Whether a figure of it may be compared with one of today. Counts, memory and CPU per request carry over to another
    /// host near enough; speeds do not.
    pub fn speaks_of(&self, metric: Metric) -> bool {
        !self.other_host || !matches!(metric, Metric::Latency(_) | Metric::Rate)
    }

    /// All its figures beside those of today.
    pub fn beside(&self, rounds: &[Vec<Figures>]) -> Vec<Since> {
        let since = |kept: &Kept| {
            let today = values_of(rounds, 0, &kept.subject);
            let refused = !self.speaks_of(kept.subject.metric);
            let pair = if refused { None } else { apart(&today, &kept.values) };
            Since {
                subject: kept.subject.clone(),
                now: middle(&today),
                then: middle(&kept.values),
                pair,
                refused,
            }
        };
        self.baseline.figures.iter().map(since).collect()
    }
}

/// Values of a figure of a side, by round, where it could be measured.
fn values_of(rounds: &[Vec<Figures>], side: usize, subject: &Subject) -> Vec<f64> {
    let of_round = |round: &Vec<Figures>| round.get(side)?.get(subject.tag.as_deref(), subject.metric);
    rounds.iter().filter_map(of_round).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(bytes: [f64; 8]) -> Vec<Vec<Figures>> {
        bytes.map(|bytes| vec![Figures { rss_peak: Some(bytes), ..Figures::default() }]).to_vec()
    }

    fn kept(bytes: [f64; 8]) -> Baseline {
        let text = String::new;
        Baseline::of(text(), text(), text(), text(), text(), &rounds(bytes))
    }

    const EIGHT: [f64; 8] = [100.0, 101.0, 99.0, 100.0, 102.0, 98.0, 100.0, 101.0];

    #[test]
    fn what_is_kept_reads_back_and_is_compared_by_interval() {
        let text = serde_json::to_string(&kept(EIGHT)).unwrap();
        let baseline: Baseline = serde_json::from_str(&text).unwrap();
        let reference = Reference { baseline, other_host: true };
        let since = reference.beside(&rounds(EIGHT.map(|bytes| bytes * 2.0)));
        assert_eq!(since.len(), 1);
        let pair = since[0].pair.clone().unwrap();
        assert_eq!(pair.ratio, 2.0);
        let (low, high) = pair.interval.unwrap();
        assert!(low > 1.9 && low < 2.0 && high > 2.0 && high < 2.1, "{low} {high}");
    }

    #[test]
    fn speeds_of_another_host_are_refused() {
        let reference = Reference { baseline: kept(EIGHT), other_host: true };
        assert!(!reference.speaks_of(Metric::Latency(0.99)) && !reference.speaks_of(Metric::Rate));
        assert!(reference.speaks_of(Metric::CpuPerRequest) && reference.speaks_of(Metric::RrSpread));
        assert!(Reference { other_host: false, ..reference }.speaks_of(Metric::Rate));
    }
}
