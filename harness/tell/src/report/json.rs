//! `verdicts.json`: the verdicts for programs, with a published schema.
//!
//! `pages` writes it, `harness schema` prints its schema. The shape grows and never changes under the same `format`; the
//! sentences are there for people who read it, programs use the findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Overview, Source};
use crate::language::threshold_words::limited;
use crate::language::{Language, sentence, title};
use harness_judge::check::{Finding, Outcome, Verdict};
use harness_judge::compare::{Limited, Ruling};
use harness_model::catalogue::{CheckId, Kind, Requirement};

/// Version of the shape of `verdicts.json`.
const FORMAT: u32 = 1;

/// All of `verdicts.json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerdictsDocument {
    /// Version of this shape. Fields may be added under the same number; none is removed or changes its meaning.
    pub format: u32,
    /// Short name of the scenario.
    pub scenario: String,
    /// Short name of the proxy's adapter.
    pub proxy: String,
    /// Seed of every random choice of the run.
    pub seed: u64,
    /// Whether *unsupported* counted as failed.
    pub strict: bool,
    /// Exit code of the run.
    pub exit_code: u8,
    /// SHA-256 of `manifest.json`, where there is one: stands for the whole record.
    pub run_hash: Option<String>,
    /// Why the record cannot be believed, where it is not what the run has written.
    #[serde(default)]
    pub doubted: Option<Texts>,
    /// Length of the run in milliseconds.
    pub took_ms: u64,
    /// The verdicts, in the order of the scenario.
    pub verdicts: Vec<VerdictRow>,
    /// The thresholds, in the order of the scenario.
    #[serde(default)]
    pub thresholds: Vec<ThresholdRow>,
}

/// One threshold.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdRow {
    /// As written.
    pub threshold: String,
    /// `pass`, `fail` or `inconclusive`.
    pub ruling: Ruling,
    /// The figure: milliseconds, microseconds a request, bytes, requests a second, a share or a count, as the metric has it.
    pub observed: Option<f64>,
    /// Where it lies, with a confidence of 95 % at each end, as far as one run tells.
    pub interval: Option<(f64, f64)>,
    /// The limit in the same unit, or a factor.
    pub limit: f64,
    /// Requests that it rests on; 0 for a figure of the proxy as a whole.
    pub samples: u64,
    /// Why it did not pass, typed, where that is more than the figure.
    pub reason: serde_json::Value,
    /// What it came to, as a sentence.
    pub sentence: Texts,
}

/// One verdict.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct VerdictRow {
    /// The check.
    pub check: CheckId,
    /// The requirement it answers.
    pub requirement: Requirement,
    /// How much it counts.
    pub kind: Kind,
    /// Where it comes from.
    pub source: String,
    /// `pass`, `fail`, `inconclusive`, `unsupported`, `blocked`, `skipped` or `manual`.
    pub outcome: Outcome,
    /// What the check asks, as a short title.
    pub title: Texts,
    /// What was seen, as a sentence.
    pub sentence: Texts,
    /// What was seen, typed: `finding` names the variant, the other members are its figures, with units in their names.
    pub finding: serde_json::Value,
    /// The mistake that most likely explains a failure, where experience suggests one.
    pub likely_cause: Option<String>,
    /// What that rests on: the facts that support it, and the line of the program that it names.
    #[serde(default)]
    pub grounds: Option<serde_json::Value>,
    /// The check whose failure explains this one: the same fault once more, or what this one depends on.
    #[serde(default)]
    pub explained_by: Option<CheckId>,
    /// Lines of `events.jsonl` that prove it, counted from one, the most telling first.
    pub evidence: Vec<usize>,
    /// Where the scenario asked for it: `file:line`.
    pub asked_at: String,
}

/// A text in both languages.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Texts {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

/// The document of a run.
pub(super) fn document(source: &Source<'_>) -> VerdictsDocument {
    let overview = Overview::of(source);
    let plan = source.plan();
    VerdictsDocument {
        format: FORMAT,
        scenario: plan.name.clone(),
        proxy: plan.adapter.name.clone(),
        seed: plan.seed,
        strict: plan.strict,
        exit_code: overview.exit.number(),
        run_hash: source.attachments.run_hash.clone(),
        doubted: overview
            .doubted(Language::En)
            .zip(overview.doubted(Language::Es))
            .map(|(en, es)| Texts { en, es }),
        took_ms: u64::try_from(overview.took.as_millis()).unwrap_or(u64::MAX),
        verdicts: source.verdicts.iter().map(row).collect(),
        thresholds: overview.thresholds.iter().map(threshold_row).collect(),
    }
}

/// The document as bytes, indented, with a line end.
pub(super) fn bytes(source: &Source<'_>) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(&document(source))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The JSON Schema of `verdicts.json`.
pub fn verdicts_schema() -> serde_json::Value {
    schemars::schema_for!(VerdictsDocument).to_value()
}

fn row(verdict: &Verdict) -> VerdictRow {
    let texts = |text: &dyn Fn(Language) -> String| Texts { en: text(Language::En), es: text(Language::Es) };
    let code =
        |value: serde_json::Result<serde_json::Value>| value.ok().and_then(|v| v.as_str().map(str::to_owned));
    VerdictRow {
        check: verdict.check,
        requirement: verdict.requirement,
        kind: verdict.kind,
        source: verdict.source.clone(),
        outcome: verdict.outcome,
        title: texts(&|language| title(verdict.check, language)),
        sentence: texts(&|language| sentence(&verdict.finding, language)),
        finding: serde_json::to_value(&verdict.finding).unwrap_or_default(),
        likely_cause: verdict.cause.and_then(|cause| code(serde_json::to_value(cause))),
        grounds: verdict.grounds.as_deref().and_then(|grounds| serde_json::to_value(grounds).ok()),
        explained_by: match verdict.finding {
            Finding::DependsOn { check } => Some(check),
            _ => verdict.explained_by,
        },
        evidence: verdict.evidence.iter().map(|line| line + 1).collect(),
        asked_at: format!("{}:{}", verdict.line.file.display(), verdict.line.line),
    }
}

fn threshold_row(it: &Limited) -> ThresholdRow {
    ThresholdRow {
        threshold: it.gate.text.clone(),
        ruling: it.ruling,
        observed: it.observed,
        interval: it.interval,
        limit: it.gate.limit,
        samples: it.samples,
        reason: serde_json::to_value(&it.reason).unwrap_or_default(),
        sentence: Texts { en: limited(Language::En, it), es: limited(Language::Es, it) },
    }
}

#[cfg(test)]
mod tests {
    use super::{VerdictsDocument, bytes, verdicts_schema};
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_judge::compare::Ruling;
    use harness_model::catalogue::CheckId;

    #[test]
    fn the_document_is_read_back_and_has_every_member_of_its_schema() {
        let run = RunBuilder::new("ttl").ready().verdict(verdict(CheckId::TtlExpiry, Outcome::Pass)).build();
        let written = bytes(&run.source()).unwrap();
        let read: VerdictsDocument = serde_json::from_slice(&written).unwrap();
        assert_eq!((read.format, read.exit_code, read.verdicts.len()), (1, 0, 1));
        let raw: serde_json::Value = serde_json::from_slice(&written).unwrap();
        for required in verdicts_schema()["required"].as_array().unwrap() {
            assert!(raw.get(required.as_str().unwrap()).is_some(), "{required} is missing");
        }
    }

    #[test]
    fn a_threshold_is_a_row_with_its_figures() {
        let run = RunBuilder::new("pace")
            .ready()
            .load("steady", 2_000, 0)
            .limits(&["steady: latency p(50) < 500us"])
            .verdict(verdict(CheckId::IntegrityBodies, Outcome::Pass))
            .build();
        let read: VerdictsDocument = serde_json::from_slice(&bytes(&run.source()).unwrap()).unwrap();
        let row = &read.thresholds[0];
        assert_eq!((row.ruling, row.limit, read.exit_code), (Ruling::Fail, 0.5, 1));
        assert!(row.observed.is_some() && row.interval.is_some() && row.samples > 1_000);
    }
}
