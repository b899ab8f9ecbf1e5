//! Repeats what failed, with the proxy watched, so that the cause is seen and not guessed.
//!
//! `repeating` asks here when a run has been judged. The repetition is a run of its own whose folder lies in that of the run; it changes no
//! verdict, and one that cannot be made costs the run nothing.

use std::time::Duration;

use super::closing::Finished;
use super::repeating::Asked;
use super::run::{Repetition, RunOrder};
use harness_judge::check::{Basis, Outcome, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::{EventKind, names};
use harness_model::plan::Plan;

/// What is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// Nothing.
    #[default]
    Never,
    /// What failed and is repeated quickly, in a run that measures no times.
    Failures,
    /// All that failed, however long it takes.
    Everything,
}

/// What a repetition may take for each check, and for all of them, where nobody asked for it.
const PER_CHECK: Duration = Duration::from_secs(10);
const ALTOGETHER: Duration = Duration::from_secs(30);
/// And its program may have taken so long to be built.
const BUILT_WITHIN: Duration = Duration::from_secs(15);

/// The repetition that a run asks for, where it does.
pub(super) fn repetition(asked: &Asked, finished: &Finished) -> Option<RunOrder> {
    let plan = &asked.plan;
    let possible = plan.adapter.copy_from.is_some()
        && plan.adapter.attached().is_none()
        && finished.start_problem.is_none();
    let wanted = match asked.watching {
        Watching::Never => false,
        Watching::Failures => !plan.measures_speed(),
        Watching::Everything => true,
    };
    // Where no line is shown none is looked for.
    let wanted = wanted && plan.hints.names_lines();
    // What was long in building is long in building again, with its lines.
    let built = finished.record.events.iter().find_map(|event| match event.event {
        EventKind::ProxyStarting { .. } => Some(Duration::from_nanos(event.at.0)),
        _ => None,
    });
    let wanted = wanted
        && (asked.watching == Watching::Everything || built.is_some_and(|built| built <= BUILT_WITHIN));
    if !possible || !wanted || asked.interruption.cause().is_some() {
        return None;
    }
    let checks = chosen(plan, &finished.verdicts, asked.watching);
    let plan = (!checks.is_empty()).then(|| plan.only(&checks))?;
    let folder = finished.run_directory.join(names::WATCHED);
    Some(asked.once_more(plan, Repetition { folder, watched: true }))
}

/// One check of each cause, the quickest to repeat first; what the program itself has told needs no watching.
fn chosen(plan: &Plan, verdicts: &[Verdict], watching: Watching) -> Vec<CheckId> {
    let told = |verdict: &Verdict| {
        verdict
            .grounds
            .as_deref()
            .and_then(|grounds| grounds.named.as_ref())
            .is_some_and(|named| named.basis == Basis::Printed)
    };
    let failed = verdicts.iter().filter(|verdict| {
        verdict.outcome == Outcome::Fail
            && matches!(verdict.kind, Kind::Required | Kind::Optimal)
            && verdict.explained_by.is_none()
            // Whom nobody asks again makes no call that could be seen, and that is waited for more than a minute.
            && verdict.check != CheckId::FailuresRecovery
    });
    if watching == Watching::Everything {
        return failed.map(|verdict| verdict.check).collect();
    }
    let mut quick: Vec<(Duration, &Verdict)> = failed
        .filter(|verdict| !told(verdict))
        .map(|verdict| (plan.only(&[verdict.check]).estimated, verdict))
        .filter(|(time, _)| *time <= PER_CHECK)
        .collect();
    quick.sort_by_key(|(time, verdict)| (verdict.kind != Kind::Required, *time));
    let (mut checks, mut causes) = (Vec::new(), Vec::new());
    for (_, verdict) in quick {
        let known = verdict.cause.is_some() && causes.contains(&verdict.cause);
        checks.push(verdict.check);
        if known || plan.only(&checks).estimated > ALTOGETHER {
            checks.pop();
            continue;
        }
        causes.push(verdict.cause);
    }
    checks
}
