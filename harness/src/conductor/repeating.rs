//! What is done once more for a run, as a run of its own: what failed, watched or with a change, and what somebody asked for.
//!
//! `run` and `holding` come here. `watching` and `trying` say which parts of the plan are worth it; an order of one of them leaves
//! out what belongs to the run alone. No repetition changes a verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::closing::{self, Finished, RunProblem};
use super::desk::Desk;
use super::run::{Held, Observer, Repetition, RunOrder, on_a_thread};
use super::trying;
use super::watching::{self, Watching};
use harness_model::catalogue::CheckId;
use harness_model::history::Listener;
use harness_model::plan::Plan;
use harness_run::proxy_under_test::Preparation;

/// A watched program is slower, and has to be built once more.
const SLOWER: u32 = 3;
const GRACE: Duration = Duration::from_secs(60);

/// A run with the repetitions that explain its failures: watched, and with a change of the program.
pub(super) fn repeated_where_it_helps(asked: &Asked, mut finished: Finished) -> Result<Finished, RunProblem> {
    let mut repeated = false;
    if let Some(repetition) = watching::repetition(asked, &finished) {
        asked.observer.watching(&checks_of(&repetition.plan));
        repeated = on_a_thread(repetition).is_ok();
    }
    if trying::is_wanted(asked) {
        // With what was watched a cause may be another one by now.
        if repeated {
            finished = judged_again(finished, false)?;
        }
        for trial in trying::trials(asked, &finished) {
            asked.observer.trying(&checks_of(&trial.plan));
            repeated |= on_a_thread(trial).is_ok();
        }
    }
    // One that could not be made leaves the run as it is.
    if repeated { judged_again(finished, asked.observer.wants_pages()) } else { Ok(finished) }
}

fn judged_again(finished: Finished, draw: bool) -> Result<Finished, RunProblem> {
    let judged = closing::judged_with_repetition(&finished.run_directory, draw)?;
    Ok(Finished { exit: finished.exit, not_kept: finished.not_kept, ..judged })
}

fn checks_of(plan: &Plan) -> Vec<CheckId> {
    plan.checks.iter().map(|check| check.id).collect()
}

/// Carries out one check and what it needs once more, as a run of its own. It changes nothing of the run that it repeats, and one
/// that cannot be made costs that run nothing; whoever watches sees that none began.
pub(super) fn repeat(asked: &Asked, check: CheckId) {
    asked.observer.repeating(check);
    if let Ok(finished) = on_a_thread(again(asked, check)) {
        asked.observer.repeated(&finished);
    }
}

/// One check of a run once more, with what it needs, as a run of its own beside that one. Nobody holds it, so that it does not wait for
/// the one who waits for it.
fn again(asked: &Asked, check: CheckId) -> RunOrder {
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
