//! What a check may conclude from a run that ended before its plan did.
//!
//! `evaluate` calls it last. "Everything so far is well" is no pass: the program that takes longest to fail would get the most
//! points. What was asked in full stands, and what was seen to fail too.

use super::judged::Judged;
use super::ledger::Ledger;
use super::{Finding, Outcome};
use harness_model::history::EventKind;
use harness_model::plan::CheckPlan;

/// What is left of a conclusion.
pub(super) fn left_of(ledger: &Ledger<'_>, check: &CheckPlan, judged: Judged) -> Judged {
    // Pages that are drawn while the run goes on say so themselves.
    let cut = |kind: &EventKind| matches!(kind, EventKind::Interrupted { by: Some(_), .. });
    let may_be_wrong = match judged.outcome {
        Outcome::Pass => true,
        // The proxy is killed at once, and with it what it had not written yet.
        Outcome::Fail => check.id.is_about_the_log(),
        _ => false,
    };
    if !may_be_wrong || !ledger.events.iter().any(|event| cut(&event.event)) {
        return judged;
    }
    let ended = |step: usize| {
        let of_it = |kind: &EventKind| matches!(kind, EventKind::StepEnded { .. });
        ledger.events.iter().any(|event| event.step == Some(step) && of_it(&event.event))
    };
    let read = ledger.plan.steps.iter().filter(|step| check.reads(step));
    let (asked, missing): (Vec<_>, Vec<_>) = read.partition(|step| ended(step.index));
    if missing.is_empty() {
        return judged;
    }
    let steps = (asked.len() + missing.len()) as u64;
    Judged::inconclusive(Finding::CutShort { ended: asked.len() as u64, steps })
}

#[cfg(test)]
mod tests {
    use super::super::testkit::{Ask, Kit};
    use super::*;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{CutBy, Purpose};
    use harness_model::plan::{StepKind, samples};

    /// One exact step that ends and one that is begun, and what a check of everything, of the first and of the second say.
    fn outcomes(by: Option<CutBy>) -> [Outcome; 2] {
        let mut kit = Kit::new(1);
        for (at, path, ends) in [(20.0, "/a", true), (40.0, "/b", false)] {
            kit.step(at, StepKind::Exact(samples::exact(CheckId::ForwardOnce, path, 1)));
            kit.ask(Ask::get(Purpose::Serial, path, at + 1.0).by("b1"));
            if ends {
                kit.event(at + 10.0, EventKind::StepEnded { problem: None });
            }
        }
        kit.event(60.0, EventKind::Interrupted { reason: "time".into(), by });
        [CheckId::ProxyAlive, CheckId::IntegrityBodies].map(|id| kit.judge(id).outcome)
    }

    #[test]
    fn a_check_over_everything_does_not_pass_in_a_run_that_was_cut() {
        assert_eq!(outcomes(Some(CutBy::Time)), [Outcome::Inconclusive; 2]);
        assert_eq!(outcomes(None), [Outcome::Pass; 2], "while it goes on, so far");
    }

    #[test]
    fn what_was_asked_in_full_before_the_cut_stands() {
        let mut kit = Kit::new(1);
        kit.step(20.0, StepKind::Exact(samples::exact(CheckId::ForwardOnce, "/a", 1)));
        kit.ask(Ask::get(Purpose::Serial, "/a", 21.0).by("b1"));
        kit.event(30.0, EventKind::StepEnded { problem: None });
        kit.step(40.0, StepKind::Exact(samples::exact(CheckId::ForwardTarget, "/b", 1)));
        kit.event(60.0, EventKind::Interrupted { reason: "time".into(), by: Some(CutBy::Time) });
        assert_eq!(kit.judge(CheckId::ProxyAlive).outcome, Outcome::Inconclusive);
        let pass = Judged::pass(Finding::ForAPerson);
        kit.check(CheckId::ForwardOnce);
        let check = kit.record.plan.checks.last().unwrap().clone();
        let left = left_of(&Ledger::new(&kit.record), &check, pass);
        assert_eq!(left.outcome, Outcome::Pass);
    }
}
