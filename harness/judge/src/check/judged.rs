//! What a family concludes of one check: outcome, finding, and the lines of the record that show it.
//!
//! The families make it and `evaluate` makes the verdict of it. It depends on no family.

use super::seen::Samples;
use super::{Finding, Outcome};

/// What a family concludes of one check.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) outcome: Outcome,
    pub(super) finding: Finding,
    pub(super) evidence: Vec<usize>,
}

impl Judged {
    pub(super) fn pass(finding: Finding) -> Judged {
        Judged { outcome: Outcome::Pass, finding, evidence: Vec::new() }
    }

    pub(super) fn fail(finding: Finding, evidence: Vec<usize>) -> Judged {
        Judged { outcome: Outcome::Fail, finding, evidence }
    }

    pub(super) fn inconclusive(finding: Finding) -> Judged {
        Judged { outcome: Outcome::Inconclusive, finding, evidence: Vec::new() }
    }

    pub(super) fn too_few(of: Samples, have: u64, needed: u64) -> Judged {
        Judged::inconclusive(Finding::TooFew { of, have, needed })
    }

    pub(super) fn not_reached() -> Judged {
        Judged::inconclusive(Finding::NotReached)
    }

    pub(super) fn with_evidence(mut self, lines: impl IntoIterator<Item = usize>) -> Judged {
        self.evidence.extend(lines);
        self
    }
}
