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

/// An answer that may take so long is one that a proxy is expected to need time for.
const LONG: Duration = Duration::from_secs(10);

/// What a plan offers beyond its estimate to proxies that are right and slow, or wrong and waited for: the time of a hung backend, and once
/// that in which backends are to be asked again.
pub(super) fn for_slow(plan: &Plan) -> Duration {
    of_exchanges(plan.steps.iter().map(|step| &step.kind))
}

fn of_exchanges<'a>(kinds: impl Iterator<Item = &'a StepKind>) -> Duration {
    let (mut hung, mut back) = (Duration::ZERO, Duration::ZERO);
    for kind in kinds {
        let StepKind::Exact(exact) = kind else { continue };
        let longest = exact.within.max(exact.keep_waiting.unwrap_or_default());
        if longest >= LONG {
            hung += longest * exact.times.div_ceil(exact.at_once.max(1));
        }
        back = back.max(exact.keep_asking.unwrap_or_default());
    }
    hung + back
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
        StepKind::Handshakes(_) => Duration::from_millis(200),
        StepKind::Wait { duration } => *duration,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CheckId;
    use crate::plan::samples;

    #[test]
    fn who_is_waited_for_has_the_time_that_the_plan_offers() {
        let [mut plain, mut hung, mut back] =
            [(); 3].map(|()| samples::exact(CheckId::FailuresHang, "/h", 3));
        (hung.keep_waiting, hung.at_once) = (Some(Duration::from_secs(31)), 3);
        back.keep_asking = Some(Duration::from_secs(70));
        plain.within = Duration::from_secs(2);
        let kinds = [plain, hung, back.clone(), back].map(StepKind::Exact);
        assert_eq!(of_exchanges(kinds.iter()), Duration::from_secs(101));
    }
}
