//! Where a run is: which step, how much of it, at what rate, how long it will still take.
//!
//! `progress` feeds it events and asks it for a line. It is a function of events and of the time that it is given.

use std::collections::VecDeque;
use std::time::Duration;

use fake_backends::clock::Moment;

use crate::language::load_words::live;
use crate::language::step_words::{Progressing, beginning, doing, progress_line};
use crate::language::{InWords as _, Language, Span};
use harness_model::history::{Event, EventKind, LoadInterval};
use harness_model::plan::{Plan, StepKind};

/// A step from which nothing has come for this long is said to wait.
const STILL: Duration = Duration::from_secs(3);
/// Rates are those of this last stretch.
const WINDOW: Duration = Duration::from_secs(2);

/// Where a run is.
#[derive(Debug)]
pub(super) struct Track {
    language: Language,
    steps: Vec<TrackedStep>,
    estimated: Duration,
    current: Option<usize>,
    step_began: Moment,
    /// When something was last heard of.
    heard: Moment,
    done: u64,
    recent: VecDeque<Moment>,
    /// The last second of a load.
    load: Option<LoadInterval>,
}

#[derive(Debug)]
struct TrackedStep {
    doing: String,
    expected: Expected,
}

/// How one sees how far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Expected {
    Requests(u64),
    Time(Duration),
    Unknown,
}

impl Track {
    pub(super) fn new(plan: &Plan, language: Language) -> Track {
        let steps = plan
            .steps
            .iter()
            .map(|step| TrackedStep {
                doing: doing(&step.kind, language),
                expected: expected(plan, &step.kind),
            })
            .collect();
        Track {
            language,
            steps,
            estimated: plan.estimated,
            current: None,
            step_began: Moment::default(),
            heard: Moment::default(),
            done: 0,
            recent: VecDeque::new(),
            load: None,
        }
    }

    /// Takes in an event; the answer is a line worth keeping in a log, where it is one.
    pub(super) fn see(&mut self, event: &Event) -> Option<String> {
        self.heard = event.at;
        match &event.event {
            EventKind::StepStarted => {
                self.current = event.step;
                self.step_began = event.at;
                self.done = 0;
                self.recent.clear();
                self.load = None;
                return Some(self.line(Duration::from_nanos(event.at.0), None));
            }
            EventKind::LoadInterval(second) => self.load = Some(second.clone()),
            EventKind::StepEnded { .. } => self.load = None,
            EventKind::Exchange(_) => {
                self.done += 1;
                self.recent.push_back(event.at);
                while self.recent.front().is_some_and(|first| event.at.since(*first) > WINDOW) {
                    self.recent.pop_front();
                }
            }
            _ => {}
        }
        None
    }

    /// The share of the run that is behind, by its estimated time; never all of it before the end.
    pub(super) fn share(&self, elapsed: Duration) -> f64 {
        if self.estimated.is_zero() {
            return 0.0;
        }
        (elapsed.as_secs_f64() / self.estimated.as_secs_f64()).min(0.99)
    }

    /// Phase, how much of it, rate, time left and how long it has been still, on one line; `preparing` is what is done before
    /// the first step.
    pub(super) fn line(&self, elapsed: Duration, preparing: Option<&str>) -> String {
        let still = elapsed.saturating_sub(Duration::from_nanos(self.heard.0));
        let Some((index, step)) = self.current.and_then(|index| Some((index, self.steps.get(index)?))) else {
            return beginning(self.language, preparing, elapsed);
        };
        let left = self.estimated.saturating_sub(elapsed);
        let of = match step.expected {
            // At its very beginning a step says what it is, not that nothing of it is done.
            Expected::Requests(_) if self.done == 0 => None,
            Expected::Requests(all) => {
                Some((self.done.min(all).in_words(self.language), all.in_words(self.language)))
            }
            Expected::Time(all) => {
                let behind = elapsed.saturating_sub(Duration::from_nanos(self.step_began.0)).min(all);
                let words =
                    |time: Duration| Span(time.as_secs_f64().round() * 1000.0).in_words(self.language);
                (all >= Duration::from_secs(2) && !behind.is_zero()).then(|| (words(behind), words(all)))
            }
            Expected::Unknown => None,
        };
        let doing = match &self.load {
            Some(second) => format!("{} · {}", step.doing, live(self.language, second)),
            None => step.doing.clone(),
        };
        progress_line(
            self.language,
            &Progressing {
                step: (index + 1, self.steps.len(), &doing),
                of,
                rate: self.rate(),
                left: (left >= Duration::from_secs(1)).then_some(left),
                still: (still >= STILL && !matches!(step.expected, Expected::Time(_))).then_some(still),
            },
        )
    }

    /// Exchanges a second over the last stretch; none while there are too few to tell.
    fn rate(&self) -> Option<u64> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let span = last.since(*first);
        (self.recent.len() > 4 && span >= Duration::from_millis(200))
            .then(|| ((self.recent.len() - 1) as f64 / span.as_secs_f64()).round() as u64)
    }
}

/// By what one sees how far a step of this plan is.
pub(in crate::report) fn expected(plan: &Plan, kind: &StepKind) -> Expected {
    let keys_of = |step: usize| match plan.steps.get(step).map(|step| &step.kind) {
        Some(StepKind::Fill(fill)) => Expected::Requests(fill.keys.into()),
        _ => Expected::Unknown,
    };
    match kind {
        StepKind::Fill(fill) => Expected::Requests(u64::from(fill.keys) + u64::from(fill.confirm)),
        StepKind::Probe(probe) => keys_of(probe.of),
        StepKind::Sliding(sliding) => Expected::Time(sliding.duration),
        StepKind::Serial(serial) => Expected::Requests(serial.requests.into()),
        StepKind::Batches(batches) => Expected::Requests(u64::from(batches.count) * u64::from(batches.size)),
        StepKind::Overlap(overlap) => Expected::Requests(overlap.requests.into()),
        StepKind::Overtake(overtake) => Expected::Requests(u64::from(overtake.requests) + 1),
        StepKind::Load(load) => Expected::Time(load.executor.duration()),
        StepKind::Capacity(search) => Expected::Time(search.estimated()),
        StepKind::Case(step) => Expected::Time(step.estimated()),
        StepKind::Cloud(step) => {
            step.requests().map_or_else(|| Expected::Time(step.estimated()), Expected::Requests)
        }
        StepKind::Exact(exact) => Expected::Requests(exact.times.into()),
        StepKind::Wait { duration } => Expected::Time(*duration),
        StepKind::Reread(_)
        | StepKind::Handshakes(_)
        | StepKind::Crash(_)
        | StepKind::Restart(_)
        | StepKind::Backends(_) => Expected::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Track;
    use crate::language::Language;
    use crate::report::testkit::RunBuilder;

    #[test]
    fn a_line_names_step_count_and_time_left() {
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 40).build();
        let mut track = Track::new(&run.record.plan, Language::En);
        assert_eq!(track.line(Duration::ZERO, None), "starting the proxy · 0 ms");
        let building = Some("building pibl (release)");
        assert_eq!(track.line(Duration::from_secs(90), building), "building pibl (release) · 90 s");
        let mut lines = Vec::new();
        for event in &run.record.events {
            lines.extend(track.see(event));
        }
        assert_eq!(lines.len(), run.record.plan.steps.len(), "{lines:?}");
        assert!(lines[0].starts_with("[1/2] filling 40 resources"), "{lines:?}");
        let line = track.line(Duration::from_secs(1), None);
        assert!(line.contains("40 of 40") && !line.contains("nothing"), "{line}");
        let hanging = track.line(Duration::from_secs(60), None);
        assert!(hanging.contains("nothing has come back for"), "{hanging}");
        assert!(track.share(Duration::from_secs(900)) < 1.0);
    }
}
