//! Tries the small change that would mend a failure: the failing part once more, on a copy of the program in which the line is another one.
//!
//! `repeating` asks here when a run has been judged and, where that was wanted, watched. A trial is a repetition like the watched one; it changes
//! no verdict, and one whose program cannot be built any more costs the run nothing.

use std::time::Duration;

use super::closing::Finished;
use super::repeating::Asked;
use super::run::{Repetition, RunOrder};
use harness_judge::check::Outcome;
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::names;
use harness_model::plan::{Change, Hints};

/// Trials of a run: one a change, those of the most required checks first.
const MOST_TRIALS: usize = 3;
/// What a trial may be announced to take. A check that needs longer is not asked again.
const WITHIN: Duration = Duration::from_secs(45);

/// Whether changes are to be tried at all.
pub(super) fn is_wanted(asked: &Asked) -> bool {
    asked.plan.hints == Hints::Trial
}

/// The trials of a run, each with a folder of its own.
pub(super) fn trials(asked: &Asked, finished: &Finished) -> Vec<RunOrder> {
    let plan = &asked.plan;
    if asked.interruption.cause().is_some() || finished.start_problem.is_some() {
        return Vec::new();
    }
    let mut changes: Vec<(&Change, Vec<CheckId>)> = Vec::new();
    let failed = finished.verdicts.iter().filter(|verdict| {
        verdict.outcome == Outcome::Fail && matches!(verdict.kind, Kind::Required | Kind::Optimal)
    });
    for verdict in failed {
        let Some(grounds) = verdict.grounds.as_deref() else { continue };
        // What comes and goes by chance says nothing when it has gone.
        let (Some(change), true) = (&grounds.change, grounds.again != Some(false)) else { continue };
        match changes.iter_mut().find(|(known, _)| *known == change) {
            Some((_, checks)) => checks.push(verdict.check),
            None => changes.push((change, vec![verdict.check])),
        }
    }
    changes.sort_by_key(|(_, checks)| std::cmp::Reverse(checks.len()));
    let source = &finished.record.beside.source;
    let text = |path: &str| source.file(path).map(|file| file.text.as_str());
    let orders = changes.into_iter().filter_map(|(change, mut checks)| {
        while checks.len() > 1 && plan.only(&checks).estimated > WITHIN {
            checks.pop();
        }
        let mut part = plan.only(&checks);
        if part.estimated > WITHIN {
            return None;
        }
        part.adapter = change.added_to(&plan.adapter, text)?;
        part.change = Some(change.clone());
        Some(part)
    });
    orders
        .take(MOST_TRIALS)
        .enumerate()
        .map(|(number, part)| {
            let folder = finished.run_directory.join(names::TRIED).join((number + 1).to_string());
            asked.once_more(part, Repetition { folder, watched: false })
        })
        .collect()
}
