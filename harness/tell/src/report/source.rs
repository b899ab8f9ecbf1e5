//! What every page is made from: the record, the verdicts and the texts that lie beside them in the run folder.
//!
//! `pages` puts it together once, each page reads it. It borrows everything and changes nothing.

use fake_backends::clock::Moment;
use fake_backends::journal::Attempt;

use super::Attachments;
use super::attachments::quoted;
use harness_judge::check::Verdict;
use harness_judge::compare::{Limited, judge_run};
use harness_model::history::{Event, EventKind, Exchange, NotWatched, Purpose, Record};
use harness_model::plan::Plan;

/// The record of a run, its verdicts and its texts.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Plan, events and histograms.
    pub record: &'a Record,
    /// One verdict per check, in the order of the scenario.
    pub verdicts: &'a [Verdict],
    /// The proxy's log and output, and the manifest.
    pub attachments: &'a Attachments,
}

impl<'a> Source<'a> {
    /// The plan of the run.
    pub fn plan(&self) -> &'a Plan {
        &self.record.plan
    }

    /// Everything that happened, in the order of its recording.
    pub fn events(&self) -> &'a [Event] {
        &self.record.events
    }

    /// The moment of the last thing that happened; the length of the run, its start being zero.
    pub fn end(&self) -> Moment {
        self.events().iter().map(|event| event.at).max().unwrap_or_default()
    }

    /// All exchanges, readiness probes included, with their line in the record.
    pub fn exchanges(&self) -> impl Iterator<Item = (usize, &'a Exchange)> + use<'a> {
        self.events().iter().enumerate().filter_map(|(line, event)| match &event.event {
            EventKind::Exchange(exchange) => Some((line, exchange.as_ref())),
            EventKind::Anomaly(anomaly) => Some((line, anomaly.exchange.as_deref()?)),
            _ => None,
        })
    }

    /// All attempts at the backends, with their line in the record.
    pub fn attempts(&self) -> impl Iterator<Item = (usize, &'a Attempt)> + use<'a> {
        self.events().iter().enumerate().filter_map(|(line, event)| match &event.event {
            EventKind::Attempt(attempt) => Some((line, attempt.as_ref())),
            _ => None,
        })
    }

    /// The attempt that an exchange caused: of the same target while the client waited, or the one that its answer names, where the
    /// target did not arrive as it was sent. `None`: no backend saw it.
    pub fn attempt_of(&self, exchange: &Exchange) -> Option<&'a Attempt> {
        if exchange.purpose == Purpose::Readiness {
            return None;
        }
        let sent = exchange.sent.unwrap_or(exchange.intended);
        let meanwhile = |attempt: &&Attempt| attempt.arrived >= sent && attempt.arrived <= exchange.finished;
        let all = || self.attempts().map(|(_, attempt)| attempt).filter(meanwhile);
        let stamp = exchange.response.as_ref().and_then(|response| response.stamp.as_ref());
        let named = |attempt: &&Attempt| {
            stamp.is_some_and(|stamp| stamp.backend == attempt.backend && stamp.number == attempt.number)
        };
        all().find(|attempt| attempt.target == exchange.target).or_else(|| all().find(named))
    }

    /// Whether the backends kept numbers only while a request was under way: then nobody knows which of them saw it.
    pub fn kept_numbers_only(&self, exchange: &Exchange) -> bool {
        let line = self.exchanges().find(|(_, other)| std::ptr::eq(*other, exchange)).map(|(line, _)| line);
        let step = line.and_then(|line| self.events()[line].step);
        step.and_then(|step| self.plan().steps.get(step)).is_some_and(|step| !step.kind.is_journalled())
    }

    /// Why the program was not seen in the repetition in which it was to be watched.
    pub fn not_watched(&self) -> Option<NotWatched> {
        let watched = self.record.beside.watched.as_deref()?;
        watched.events.iter().find_map(|event| match event.event {
            EventKind::NotWatched { why } => Some(why),
            _ => None,
        })
    }

    /// The names of the backends of this run, `b1` first.
    pub fn backend_names(&self) -> Vec<String> {
        (1..=self.plan().backends.count).map(|number| format!("b{number}")).collect()
    }

    /// What the thresholds of the scenario came to.
    pub fn thresholds(&self) -> Vec<Limited> {
        judge_run(self.record)
    }

    /// The command that repeats the run.
    ///
    /// The manifest knows the one that was typed; without it, scenario, adapter and seed say the same.
    pub fn command(&self) -> String {
        if let Some(command) = self.attachments.command() {
            return command;
        }
        let plan = self.plan();
        let strict = if plan.strict { " --strict" } else { "" };
        format!(
            "cargo run -p harness -- {} --sut {} --seed {}{strict}",
            quoted(&plan.file.to_string_lossy()),
            quoted(&plan.adapter.name),
            plan.seed
        )
    }
}
