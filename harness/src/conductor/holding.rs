//! A run that is held: no step begins, proxy and backends stay as they are, and somebody looks at them.
//!
//! `run` comes here where `--hold` or the desk asks for it. The record says when, and the checks see nothing of it but the time that
//! has passed.

use std::path::Path;

use super::desk::Next;
use super::interruption::Cause;
use super::repeating::{Asked, repeat};
use super::run::{Held, RunOrder, note_interruption};
use super::steps::Stage;
use harness_judge::check::{self, Outcome};
use harness_model::catalogue::{CheckId, Kind};
use harness_model::history::{self, EventKind, Recorder};

/// Checks that decide and have failed by what happened so far: a new one makes this the state to look at.
pub(super) fn failed_by_now(recorder: &Recorder, run_directory: &Path) -> Vec<CheckId> {
    recorder.flush();
    // A record that cannot be read is reported when the run is closed.
    let verdicts = history::read(run_directory).map(|record| check::evaluate(&record)).unwrap_or_default();
    let failed = verdicts.iter().filter(|v| v.outcome == Outcome::Fail && v.kind == Kind::Required);
    failed.map(|verdict| verdict.check).collect()
}

/// Leaves everything as it is until the user has seen enough, or the desk lets it go on; checks that it asks for meanwhile are
/// repeated in runs of their own. The cause, where the run is to end.
pub(super) async fn hold(
    order: &RunOrder,
    stage: &Stage,
    recorder: &Recorder,
    run_directory: &Path,
) -> Option<Cause> {
    order.desk.note_held(true);
    recorder.record(EventKind::Held);
    recorder.flush();
    if let Ok(record) = history::read(run_directory) {
        let verdicts = check::evaluate(&record);
        order.observer.holding(&Held {
            proxy: stage.traffic.clients.address(),
            backends: &stage.backends.addresses(),
            elsewhere: !order.plan.adapter.foreign_addresses().is_empty(),
            record: &record,
            verdicts: &verdicts,
        });
    }
    loop {
        let wish = tokio::select! {
            wish = order.desk.next() => wish,
            cause = order.interruption.wait() => {
                // Where holding is what was asked for, this is how it ends well; otherwise steps are missing.
                if !order.hold {
                    note_interruption(recorder, cause);
                }
                return Some(cause);
            }
        };
        match wish {
            Next::Repeat(check) => {
                let asked = Asked::of(order);
                // A panic has been printed, and costs the repetition only.
                let _ = tokio::task::spawn_blocking(move || repeat(&asked, check)).await;
            }
            Next::GoOn => {
                order.desk.note_held(false);
                recorder.record(EventKind::WentOn);
                return None;
            }
        }
    }
}
