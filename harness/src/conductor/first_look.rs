//! The first look at a proxy, and how its backends treat it from then on, so that one fault does not decide every question.
//!
//! `run` has it taken once the proxy is ready, and asks before each step for the manner of the backends. Every start is asked
//! for the simplest answer that there is: what a proxy does with harder ones is a question of its own, never a start that failed.

use fake_backends::behavior::Span;
use fake_backends::server::Manner;

use super::steps::{DEATH_SHOWS_WITHIN, Stage};
use harness_model::catalogue::{CheckId, Family};
use harness_model::history::{Adaptation, Because, BinaryBody, EventKind, Look};
use harness_model::plan::{Exact, Step, StepKind};
use harness_run::proxy_under_test::StartProblem;
use harness_run::traffic::first_look;

/// A machine without a CPU to spare may show a death late.
const OF_A_BODY_WITHIN: std::time::Duration = DEATH_SHOWS_WITHIN.saturating_mul(10);

impl Stage {
    /// Looks at the proxy, which has just got ready, and has the backends adapt to what is seen. Behind a proxy that runs already
    /// they are not ours to adapt.
    ///
    /// # Errors
    /// It died of what it was asked and did not get ready again.
    pub(super) async fn look(&mut self) -> Result<(), StartProblem> {
        let Some(manners) = self.backends.manners().cloned() else { return Ok(()) };
        let recorder = self.traffic.clients.recorder().clone();
        let kept = first_look::kept_open(&self.traffic, &manners, &first_look::plain_text()).await;
        recorder.record(EventKind::Look(kept.clone()));
        if matches!(&kept, Look::KeptOpen { seen, .. } if seen.waits()) {
            self.adapt(Adaptation::BackendsClose, Because::FirstLook);
        }
        manners.set(self.simple_manner());
        let seen = first_look::binary_body(&self.traffic, &manners).await;
        manners.set(self.manner(None));
        let Some(mut seen) = seen else { return Ok(()) };
        let died =
            !seen.is_whole() && tokio::time::timeout(OF_A_BODY_WITHIN, self.proxy.ended()).await.is_ok();
        if died {
            seen = self.death_of_a_body();
        }
        let comes_through = seen.is_whole();
        recorder.record(EventKind::Look(Look::BinaryBody { bytes: first_look::BINARY_BYTES, seen }));
        if !comes_through {
            self.adapt(Adaptation::TextBodies, Because::FirstLook);
        }
        if died { self.start().await.map(drop) } else { Ok(()) }
    }

    /// From now on the backends do otherwise, except where that is what a step is about.
    pub(super) fn adapt(&mut self, adaptation: Adaptation, because: Because) {
        if !self.adapted.contains(&adaptation) {
            self.adapted.push(adaptation);
            self.traffic.clients.recorder().record(EventKind::Adapted { adaptation, because });
        }
    }

    /// How the backends treat a step, or what is between two of them.
    pub(super) fn manner(&self, step: Option<&Step>) -> Manner {
        let adapted = |adaptation| self.adapted.contains(&adaptation);
        Manner {
            idle: self.idle.map(Span),
            closes: adapted(Adaptation::BackendsClose) && !step.is_some_and(is_about_keeping),
            text: adapted(Adaptation::TextBodies) && !step.is_some_and(is_about_bodies),
            instead: None,
        }
    }

    /// How they treat a start: with the simplest answer that there is.
    pub(super) fn simple_manner(&self) -> Manner {
        let instead = Some(first_look::plain_text());
        Manner { closes: true, text: true, instead, ..self.manner(None) }
    }

    fn death_of_a_body(&self) -> BinaryBody {
        let exit = self.proxy.last_exit();
        BinaryBody::Died {
            code: exit.and_then(|exit| exit.code),
            signal: exit.and_then(|exit| exit.signal),
            last_lines: self.proxy.last_lines(),
        }
    }
}

pub(super) fn is_about_keeping(step: &Step) -> bool {
    asked_by(step).is_some_and(|exact| exact.asks == CheckId::ForwardKeptOpen)
}

fn is_about_bodies(step: &Step) -> bool {
    asked_by(step)
        .is_some_and(|exact| exact.asks == CheckId::CacheSizes || exact.asks.family() == Family::Page)
}

fn asked_by(step: &Step) -> Option<&Exact> {
    if let StepKind::Exact(exact) = &step.kind { Some(exact) } else { None }
}
