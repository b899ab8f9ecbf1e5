//! Many verdicts, one answer: how many of each outcome, and the exit code that follows.
//!
//! `conductor` and `grade` ask here when a run has ended. Only required checks decide; nothing here looks at a record.

use serde::{Deserialize, Serialize};

use super::{Outcome, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::exit_code::ExitCode;

/// How many checks came out how, and which of them the last line of a run names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Required and passed.
    pub passed: usize,
    /// Required and failed.
    pub failed: Vec<CheckId>,
    /// Optimal and failed: named, never deciding.
    pub optimal_failed: Vec<CheckId>,
    /// Neither proven nor disproven: inconclusive, skipped or blocked, and required.
    pub undecided: Vec<CheckId>,
    /// Declared as not implemented, required or not.
    pub unsupported: Vec<CheckId>,
    /// The code that follows.
    pub exit: ExitCode,
}

impl Summary {
    /// Counts verdicts; `strict` makes of a required check that is unsupported a failed one.
    pub fn of(verdicts: &[Verdict], strict: bool) -> Summary {
        let of_kind = |kind: Kind, wanted: &dyn Fn(Outcome) -> bool| -> Vec<CheckId> {
            verdicts.iter().filter(|v| v.kind == kind && wanted(v.outcome)).map(|v| v.check).collect()
        };
        let fails = |outcome| outcome == Outcome::Fail || (strict && outcome == Outcome::Unsupported);
        let undecided =
            |outcome| matches!(outcome, Outcome::Inconclusive | Outcome::Skipped | Outcome::Blocked);
        Summary {
            passed: of_kind(Kind::Required, &|outcome| outcome == Outcome::Pass).len(),
            failed: of_kind(Kind::Required, &fails),
            optimal_failed: of_kind(Kind::Optimal, &|outcome| outcome == Outcome::Fail),
            undecided: of_kind(Kind::Required, &undecided),
            unsupported: verdicts
                .iter()
                .filter(|v| v.outcome == Outcome::Unsupported)
                .map(|v| v.check)
                .collect(),
            exit: exit_code_of(verdicts, strict),
        }
    }
}

/// The exit code of one run whose proxy got ready and whose record is complete.
///
/// Failed before undecided before passed. Where no check is required, any check that passed is enough to have shown
/// something; where none passed, nothing was shown.
pub fn exit_code_of(verdicts: &[Verdict], strict: bool) -> ExitCode {
    let judged: Vec<&Verdict> =
        verdicts.iter().filter(|v| v.kind != Kind::Manual && v.outcome != Outcome::Manual).collect();
    let required: Vec<&Verdict> = judged.iter().copied().filter(|v| v.kind == Kind::Required).collect();
    if verdicts.is_empty() {
        return ExitCode::Usage;
    }
    if required.iter().any(|v| v.outcome == Outcome::Fail || (strict && v.outcome == Outcome::Unsupported)) {
        return ExitCode::Failed;
    }
    // Blocked follows its cause: a required one has failed above; any other leaves the question open.
    if required
        .iter()
        .any(|v| matches!(v.outcome, Outcome::Inconclusive | Outcome::Skipped | Outcome::Blocked))
    {
        return ExitCode::Inconclusive;
    }
    let deciding = if required.is_empty() { &judged } else { &required };
    if deciding.iter().any(|v| v.outcome == Outcome::Pass) {
        ExitCode::Passed
    } else {
        ExitCode::Inconclusive
    }
}

#[cfg(test)]
mod tests {
    use super::{Summary, exit_code_of};
    use crate::check::testkit::verdict;
    use crate::check::{Outcome, Verdict};
    use harness_model::catalogue::{CheckId, Kind};
    use harness_model::exit_code::ExitCode;

    fn required(outcomes: &[Outcome]) -> Vec<Verdict> {
        outcomes.iter().map(|&outcome| verdict(CheckId::TtlExpiry, Kind::Required, outcome)).collect()
    }

    #[test]
    fn all_passed_or_unsupported_with_one_passed_is_zero() {
        assert_eq!(exit_code_of(&required(&[Outcome::Pass, Outcome::Unsupported]), false), ExitCode::Passed);
    }

    #[test]
    fn one_required_failure_is_one_whatever_else() {
        let verdicts = required(&[Outcome::Pass, Outcome::Inconclusive, Outcome::Fail]);
        assert_eq!(exit_code_of(&verdicts, false), ExitCode::Failed);
    }

    #[test]
    fn blocked_follows_its_cause() {
        assert_eq!(exit_code_of(&required(&[Outcome::Fail, Outcome::Blocked]), false), ExitCode::Failed);
        assert_eq!(
            exit_code_of(&required(&[Outcome::Pass, Outcome::Blocked]), false),
            ExitCode::Inconclusive
        );
    }

    #[test]
    fn inconclusive_or_skipped_is_two() {
        assert_eq!(
            exit_code_of(&required(&[Outcome::Pass, Outcome::Inconclusive]), false),
            ExitCode::Inconclusive
        );
        assert_eq!(
            exit_code_of(&required(&[Outcome::Pass, Outcome::Skipped]), false),
            ExitCode::Inconclusive
        );
    }

    #[test]
    fn nothing_passed_is_two() {
        assert_eq!(exit_code_of(&required(&[Outcome::Unsupported]), false), ExitCode::Inconclusive);
    }

    #[test]
    fn strict_counts_unsupported_as_failed() {
        assert_eq!(exit_code_of(&required(&[Outcome::Pass, Outcome::Unsupported]), true), ExitCode::Failed);
        let optimal = [
            verdict(CheckId::TtlExpiry, Kind::Required, Outcome::Pass),
            verdict(CheckId::TtlAcrossRestart, Kind::Optimal, Outcome::Unsupported),
        ];
        assert_eq!(exit_code_of(&optimal, true), ExitCode::Passed);
    }

    #[test]
    fn optimal_findings_and_manual_rows_never_decide() {
        let verdicts = [
            verdict(CheckId::TtlExpiry, Kind::Required, Outcome::Pass),
            verdict(CheckId::TtlSliding, Kind::Optimal, Outcome::Fail),
            verdict(CheckId::RotationScope, Kind::Check, Outcome::Inconclusive),
            verdict(CheckId::CacheHit, Kind::Manual, Outcome::Manual),
        ];
        assert_eq!(exit_code_of(&verdicts, false), ExitCode::Passed);
        let summary = Summary::of(&verdicts, false);
        assert_eq!(summary.optimal_failed, vec![CheckId::TtlSliding]);
        assert_eq!(summary.passed, 1);
        assert!(summary.failed.is_empty() && summary.undecided.is_empty());
    }

    #[test]
    fn without_required_checks_any_pass_is_enough_and_none_is_not() {
        let passed = [verdict(CheckId::RotationScope, Kind::Check, Outcome::Pass)];
        assert_eq!(exit_code_of(&passed, false), ExitCode::Passed);
        let failed = [verdict(CheckId::TtlSliding, Kind::Optimal, Outcome::Fail)];
        assert_eq!(exit_code_of(&failed, false), ExitCode::Inconclusive);
    }

    #[test]
    fn nothing_to_judge_is_a_usage_error() {
        assert_eq!(exit_code_of(&[], false), ExitCode::Usage);
    }
}
