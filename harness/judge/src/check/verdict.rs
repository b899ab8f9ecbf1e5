//! What a check concludes: facts, never sentences.
//!
//! The checks make verdicts, the exit code and every report follow from them. Sentences about them are made in the
//! module `language`.

use serde::{Deserialize, Serialize};

use super::{Cause, Finding, Grounds};
use harness_model::catalogue::{CheckId, Kind, Requirement};
use harness_model::plan::SourceLine;

/// The conclusion of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Proven.
    Pass,
    /// Disproven, with evidence.
    Fail,
    /// Noise, too few samples, or the check itself broke: neither proven nor disproven.
    Inconclusive,
    /// The adapter declares that the proxy cannot.
    Unsupported,
    /// A check it depends on failed.
    Blocked,
    /// The host lacks something that the check needs.
    Skipped,
    /// To be judged by a person.
    Manual,
}

/// One check, concluded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// Which check.
    pub check: CheckId,
    /// The requirement it answers.
    pub requirement: Requirement,
    /// How much it counts.
    pub kind: Kind,
    /// Where it comes from, such as `assignment 5.8c`.
    pub source: String,
    /// The conclusion.
    pub outcome: Outcome,
    /// What was seen, typed: the module `language` makes the sentence, the report the figures.
    pub finding: Finding,
    /// The mistake that most likely explains a failure, where experience suggests one.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// What that rests on, and the line that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounds: Option<Box<Grounds>>,
    /// The check whose failure explains this one: the same fault, seen once more.
    #[serde(default)]
    pub explained_by: Option<CheckId>,
    /// Lines of `events.jsonl` that prove it, counted from zero, the most telling first.
    pub evidence: Vec<usize>,
    /// Where the scenario asked for it.
    pub line: SourceLine,
}
