//! Steps that are not worth their time, because what they stand on is gone.
//!
//! `run` asks before each step. Only what a proxy has shown in this run counts, never what its adapter says; each step that is
//! left out is recorded with its reason, and the check that misses it names the one that it depends on.

use super::steps::Stage;
use harness_model::catalogue::CheckId;
use harness_model::history::NotAsked;
use harness_model::plan::{Plan, Step, StepKind};

/// So many requests without one answer are enough.
const SILENT_AFTER: u64 = 6;

impl Stage {
    /// Why a step is not asked; `None`: it is.
    pub(super) fn not_asked(&self, step: &Step, plan: &Plan) -> Option<NotAsked> {
        if self.traffic.clients.never_answered() >= SILENT_AFTER && !is_of_the_stage(step) {
            return Some(NotAsked::NothingForwarded);
        }
        let nothing_cached = is_about_age(step, plan) && self.nothing_is_cached(step, plan);
        nothing_cached.then_some(NotAsked::Ground { check: CheckId::CacheHit })
    }

    /// Whether the last step before this one that asked everything twice got nothing of it from the cache.
    fn nothing_is_cached(&self, step: &Step, plan: &Plan) -> bool {
        let earlier = plan.steps[..step.index].iter().rev();
        let asked_twice = |earlier: &&Step| matches!(&earlier.kind, StepKind::Fill(fill) if fill.confirm > 0);
        earlier
            .filter(asked_twice)
            .map(|earlier| self.book.of(earlier.index))
            .find(|keys| !keys.is_empty())
            .is_some_and(|keys| keys.iter().any(|key| key.answered) && !keys.iter().any(|key| key.confirmed))
    }
}

/// Whether it asks nothing but sets the stage for others.
fn is_of_the_stage(step: &Step) -> bool {
    matches!(step.kind, StepKind::Backends(_) | StepKind::Restart(_))
}

/// Whether it asks how old what is cached may become, or fills for a step that does.
fn is_about_age(step: &Step, plan: &Plan) -> bool {
    let probed = |later: &Step| matches!(&later.kind, StepKind::Probe(probe) if probe.of == step.index);
    match step.kind {
        StepKind::Probe(_) | StepKind::Sliding(_) => true,
        StepKind::Fill(_) => plan.steps[step.index..].iter().any(probed),
        _ => false,
    }
}
