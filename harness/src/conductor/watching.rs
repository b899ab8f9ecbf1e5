//! Repeats what failed, with the proxy watched, so that the cause is seen and not guessed.
//!
//! `run` asks here when a run has been judged. The repetition is a run of its own whose folder lies in that of the run; it changes no
//! verdict, and one that cannot be made costs the run nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::closing::Finished;
use super::desk::Desk;
use super::run::{Held, Observer, Repetition, RunOrder};
use harness_judge::check::{Basis, Outcome, Verdict};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::{EventKind, Listener, names};
use harness_model::plan::{Plan, StepKind};
use harness_run::proxy_under_test::Preparation;

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
/// A watched program is slower, and has to be built once more.
const SLOWER: u32 = 3;
const GRACE: Duration = Duration::from_secs(60);

/// The repetition that a run asks for, where it does.
pub(super) fn repetition(asked: &Asked, finished: &Finished) -> Option<RunOrder> {
    let plan = &asked.plan;
    let timed = plan.steps.iter().any(|step| {
        matches!(
            step.kind,
            StepKind::Load(_) | StepKind::Capacity(_) | StepKind::Cloud(_) | StepKind::Case(_)
        )
    }) || plan.checks.iter().any(|check| check.id == CheckId::LatencyThresholds);
    let possible = plan.adapter.copy_from.is_some()
        && plan.adapter.attached().is_none()
        && finished.start_problem.is_none();
    let wanted = match asked.watching {
        Watching::Never => false,
        Watching::Failures => !timed,
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

/// One check of a run once more, with what it needs, as a run of its own beside that one. Nobody holds it, so that it does not wait for
/// the one who waits for it.
pub(super) fn again(asked: &Asked, check: CheckId) -> RunOrder {
    let mut command = asked.command.clone();
    command.extend(["--only".to_owned(), check.name().to_owned()]);
    RunOrder { command, ..asked.part(asked.plan.only(&[check])) }
}

/// What is left of an order once it was carried out.
pub(super) struct Asked {
    pub(super) plan: Plan,
    pub(super) out: PathBuf,
    pub(super) command: Vec<String>,
    pub(super) interruption: super::Interruption,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) watching: Watching,
    pub(super) build_network: bool,
    pub(super) desk: Desk,
}

impl Asked {
    pub(super) fn of(order: &RunOrder) -> Asked {
        Asked {
            plan: order.plan.clone(),
            out: order.out.clone(),
            command: order.command.clone(),
            interruption: order.interruption.clone(),
            observer: order.observer.clone(),
            watching: order.watching,
            build_network: order.build_network,
            desk: order.desk.clone(),
        }
    }

    /// The order of a repetition, which is part of its run.
    pub(super) fn once_more(&self, plan: Plan, repetition: Repetition) -> RunOrder {
        RunOrder { observer: Arc::new(Aside), repetition: Some(repetition), ..self.part(plan) }
    }

    /// The order of a part of the plan, by itself.
    fn part(&self, plan: Plan) -> RunOrder {
        RunOrder {
            max_duration: Some(plan.estimated * SLOWER + GRACE),
            plan,
            out: self.out.clone(),
            command: self.command.clone(),
            interruption: self.interruption.clone(),
            hold: false,
            desk: Desk::default(),
            observer: self.observer.clone(),
            build_network: self.build_network,
            watching: Watching::Never,
            repetition: None,
        }
    }
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

/// The repetition is part of its run: who watches that sees one run.
struct Aside;

impl Observer for Aside {
    fn began(&self, _plan: &Plan, _run_directory: &std::path::Path, _events: Listener) {}
    fn preparing(&self, _preparation: &Preparation) {}
    fn holding(&self, _held: &Held<'_>) {}
    fn ended(&self) {}
    fn wants_pages(&self) -> bool {
        false
    }
}
