//! What changed since the last run of the same scenario on the same proxy, check by check.
//!
//! The command line asks for it when a run has ended. It compares two sets of verdicts and looks at nothing else; a check that
//! only one of the two has is not compared.

use super::VerdictsDocument;
use harness_judge::check::{Outcome, Verdict};
use harness_model::catalogue::CheckId;

/// Checks by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Met now, and not before.
    pub mended: Vec<CheckId>,
    /// Met before, and not now.
    pub broken: Vec<CheckId>,
    /// Failed before and now.
    pub still: Vec<CheckId>,
    /// Checks of the last run that this one did not repeat.
    pub not_repeated: usize,
}

impl Changes {
    /// Compares an earlier run with the verdicts of this one.
    pub fn between(before: &VerdictsDocument, now: &[Verdict]) -> Changes {
        let mut changes = Changes::default();
        for row in &before.verdicts {
            let Some(verdict) = now.iter().find(|verdict| verdict.check == row.check) else {
                changes.not_repeated += 1;
                continue;
            };
            match (row.outcome, verdict.outcome) {
                (Outcome::Pass, Outcome::Pass) => {}
                (_, Outcome::Pass) => changes.mended.push(row.check),
                (Outcome::Pass, Outcome::Fail | Outcome::Blocked) => changes.broken.push(row.check),
                (Outcome::Fail, Outcome::Fail) => changes.still.push(row.check),
                _ => {}
            }
        }
        changes
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.mended.is_empty() && self.broken.is_empty() && self.still.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Changes;
    use crate::report::json;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_model::catalogue::CheckId;

    #[test]
    fn each_check_is_compared_with_itself() {
        let run = RunBuilder::new("ttl")
            .ready()
            .verdict(verdict(CheckId::CacheHit, Outcome::Fail))
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Blocked))
            .verdict(verdict(CheckId::CachePost, Outcome::Pass))
            .verdict(verdict(CheckId::IntegrityBodies, Outcome::Fail))
            .verdict(verdict(CheckId::ProxyAlive, Outcome::Pass))
            .build();
        let before = json::document(&run.source());
        let now = [
            verdict(CheckId::CacheHit, Outcome::Pass),
            verdict(CheckId::TtlExpiry, Outcome::Pass),
            verdict(CheckId::CachePost, Outcome::Fail),
            verdict(CheckId::IntegrityBodies, Outcome::Fail),
        ];
        let changes = Changes::between(&before, &now);
        assert_eq!(changes.mended, [CheckId::CacheHit, CheckId::TtlExpiry]);
        assert_eq!(changes.broken, [CheckId::CachePost]);
        assert_eq!(changes.still, [CheckId::IntegrityBodies]);
        assert_eq!(changes.not_repeated, 1);
        assert!(Changes::between(&before, &[]).is_empty());
    }
}
