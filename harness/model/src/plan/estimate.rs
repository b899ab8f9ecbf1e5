//! How long a plan will take on a good proxy.
//!
//! Announced before the run and compared with `--max-duration`; it errs on the long side. It never reads a clock.

use std::time::Duration;

use super::{Plan, StepKind};

/// A request and its answer over loopback, with the ledger's share.
const REQUEST: Duration = Duration::from_micros(600);
/// Ending and starting a proxy.
const START: Duration = Duration::from_millis(500);

/// The estimate for a whole plan.
pub(super) fn of(plan: &Plan) -> Duration {
    START * 2 + plan.steps.iter().map(|step| of_step(&step.kind)).sum::<Duration>()
}

fn of_step(kind: &StepKind) -> Duration {
    match kind {
        StepKind::Fill(fill) => fill.spread + REQUEST * (fill.keys + fill.confirm),
        StepKind::Probe(probe) => probe.at.ttl + probe.at.after,
        StepKind::Sliding(sliding) => sliding.duration,
        StepKind::Reread(_) => REQUEST * 100,
        StepKind::Serial(serial) => REQUEST * serial.requests,
        StepKind::Batches(batches) => REQUEST * batches.count * batches.size,
        StepKind::Overlap(overlap) => REQUEST * overlap.requests,
        StepKind::Overtake(overtake) => overtake.slow_takes,
        StepKind::Load(load) => load.executor.duration(),
        StepKind::Capacity(search) => search.estimated(),
        StepKind::Crash(crash) => crash.after_most,
        StepKind::Restart(restart) => START + restart.downtime,
        StepKind::Backends(_) => Duration::from_millis(5),
        StepKind::Case(step) => step.estimated(),
        StepKind::Cloud(step) => step.estimated(),
        StepKind::Exact(exact) => {
            let pauses = exact.pause * exact.cut.len() as u32;
            (REQUEST + pauses + Duration::from_micros(exact.body_bytes / 50)) * exact.times
        }
        StepKind::Wait { duration } => *duration,
    }
}
