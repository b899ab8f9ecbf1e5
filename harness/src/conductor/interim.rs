//! Results while a run lasts: what is known so far, judged and drawn between two steps.
//!
//! `run` asks before each step. Whoever loses patience, or the machine, finds valid results in the run folder; they say that the
//! run is not over. Nothing here changes the run: no results are written where a step that is to come depends on the time that
//! has passed since an earlier one.

use std::path::Path;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};

use harness_judge::check;
use harness_model::history::{self, Event, EventKind, Recorder};
use harness_model::plan::{Plan, StepKind};
use harness_tell::report;

/// The first results are due so long after the beginning.
const FIRST_AFTER: Duration = Duration::from_secs(10);
/// Later ones are due so long after those before them.
const EVERY: Duration = Duration::from_secs(15);
/// They take at most one part in so many of the time.
const SHARE: u32 = 20;

/// When results are due.
#[derive(Debug)]
pub(super) struct Interim {
    clock: RunClock,
    due: Option<Moment>,
}

impl Interim {
    /// Results of a run, where they are wanted.
    pub(super) fn new(clock: RunClock, wanted: bool) -> Interim {
        Interim { clock, due: wanted.then(|| clock.now() + FIRST_AFTER) }
    }

    /// Writes them before a step, where they are due and no step waits for an instant.
    pub(super) fn before(&mut self, step: usize, plan: &Plan, recorder: &Recorder, run_directory: &Path) {
        let began = self.clock.now();
        if self.due.is_none_or(|due| began < due) || something_ripens(plan, step) {
            return;
        }
        // What cannot be written now can be at the end, or says so there.
        let _ = write(recorder, run_directory);
        let ended = self.clock.now();
        self.due = Some(ended + EVERY.max(ended.since(began) * SHARE));
    }
}

/// Whether a step that is to come asks again for what a step before it has stored: it has its instant, or a TTL runs.
pub(super) fn something_ripens(plan: &Plan, step: usize) -> bool {
    plan.steps.iter().skip(step).any(|later| match &later.kind {
        StepKind::Probe(probe) => probe.of < step,
        StepKind::Reread(reread) => reread.of < step,
        _ => false,
    })
}

fn write(recorder: &Recorder, run_directory: &Path) -> Result<(), Box<dyn std::error::Error>> {
    recorder.flush();
    let mut record = history::read(run_directory)?;
    let at = record.events.last().map_or(Moment::default(), |event| event.at);
    // A run that is not over has, so far, what an interrupted one has.
    let reason = history::NOT_OVER.to_owned();
    record.events.push(Event { at, step: None, event: EventKind::Interrupted { reason, by: None } });
    let verdicts = check::evaluate(&record);
    report::write_so_far(run_directory, &record, &verdicts)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::something_ripens;
    use harness_tell::report::testkit::RunBuilder;

    #[test]
    fn nothing_is_written_between_a_fill_and_its_probe() {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).build();
        let plan = &run.record.plan;
        let probe =
            plan.steps.iter().position(|step| matches!(step.kind, super::StepKind::Probe(_))).unwrap();
        assert!(!something_ripens(plan, 0));
        assert!(something_ripens(plan, probe));
        assert!(!something_ripens(plan, probe + 1));
    }
}
