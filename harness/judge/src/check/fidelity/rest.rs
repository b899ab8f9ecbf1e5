//! The proxy when nobody asks: the CPU it uses, the threads and descriptors that it has not given back.
//!
//! `evaluate` asks for it; the samples are those of the kernel, taken during the last `wait` of the scenario and at its
//! beginning.

use crate::check::judged::Judged;
use crate::check::ledger::Ledger;
use crate::check::{ExchangeFinding, Finding};
use harness_model::history::{EventKind, ResourceSample};
use harness_model::plan::StepKind;

/// More than this share of one core, with nothing to do, is a loop that polls or spins.
const MOST_CPU: f64 = 0.2;
/// Threads and descriptors beyond those of the beginning that a pool may keep.
const MOST_MORE: u32 = 64;

/// `connections.at_rest`.
pub(in crate::check) fn at_rest(ledger: &Ledger<'_>) -> Judged {
    let wait = ledger.plan.steps.iter().rev().find(|step| matches!(step.kind, StepKind::Wait { .. }));
    let Some(wait) = wait else { return Judged::not_reached() };
    let samples: Vec<(usize, f64, Option<usize>, &ResourceSample)> = ledger
        .events
        .iter()
        .enumerate()
        .filter_map(|(line, event)| match &event.event {
            EventKind::Resources(sample) => Some((line, event.at.0 as f64 / 1e9, event.step, sample)),
            _ => None,
        })
        .collect();
    let resting: Vec<_> = samples.iter().filter(|(_, _, step, _)| *step == Some(wait.index)).collect();
    let (Some(begin), Some(first), Some(last)) = (samples.first(), resting.first(), resting.last()) else {
        return Judged::not_reached();
    };
    let seconds = last.1 - first.1;
    if seconds < 0.5 {
        return Judged::not_reached();
    }
    let cpu = (last.3.cpu.as_secs_f64() - first.3.cpu.as_secs_f64()).max(0.0) / seconds;
    let threads = last.3.threads.saturating_sub(begin.3.threads);
    let files = last.3.open_files.saturating_sub(begin.3.open_files);
    let finding =
        Finding::Exchange(ExchangeFinding::AtRest { cpu, threads: threads.into(), files: files.into() });
    if cpu > MOST_CPU || threads > MOST_MORE || files > MOST_MORE {
        Judged::fail(finding, vec![first.0, last.0])
    } else {
        Judged::pass(finding)
    }
}
