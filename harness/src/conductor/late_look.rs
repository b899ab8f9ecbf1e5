//! A second look in the middle of a run, where a request timed out although its backend had given the whole answer, or was answered
//! only when that backend closed its idle connection.
//!
//! `run` has it taken once such a step has ended. The first look asks one plain GET; a proxy may wait for its backend's end of file
//! for other answers only: chunked ones, large ones, those to other paths. What the request got is asked for once more, and only
//! where the answer then comes with the end of the connection do the backends adapt.

use std::path::Path;
use std::time::Duration;

use fake_backends::clock::Moment;

use super::first_look::is_about_keeping;
use super::steps::Stage;
use harness_model::history::{self, Adaptation, Because, Event, EventKind, Exchange, ExchangeEnd, Look};
use harness_model::plan::{Plan, Step};
use harness_run::traffic::first_look;

/// A look takes seconds: so many are enough to know a proxy by.
const MOST_LOOKS: u32 = 3;
/// So long a client goes on waiting at least after the backend was done, where it is not its own time that was short.
const WAITED: Duration = Duration::from_millis(300);

/// Whoever waits for a close goes on so soon after it.
const AFTER_CLOSE: Duration = Duration::from_millis(500);

impl Stage {
    /// Looks again after a step whose requests waited for their backends, and has the backends adapt to what is seen.
    pub(super) async fn look_again(
        &mut self,
        unanswered: u64,
        step: &Step,
        plan: &Plan,
        run_directory: &Path,
    ) {
        let adapted = self.adapted.contains(&Adaptation::BackendsClose);
        let nothing_to_do = adapted
            || self.late_looks >= MOST_LOOKS
            || self.down_on_purpose
            || is_about_keeping(step)
            || !self.backends.any_up();
        if nothing_to_do || unanswered == 0 && !self.was_idle_long() {
            return;
        }
        let Some(manners) = self.backends.manners().cloned() else { return };
        self.traffic.clients.recorder().flush();
        // A record that cannot be read is reported when the run is closed.
        let Ok(record) = history::read(run_directory) else { return };
        let Some((exchange, because)) = self.left_waiting(&record.events, step.index) else { return };
        let (_, given) = plan.backends.script.plan_for(&exchange.method, &exchange.target);
        self.late_looks += 1;
        let seen = first_look::kept_open(&self.traffic, &manners, given).await;
        manners.set(self.manner(Some(step)));
        if matches!(&seen, Look::KeptOpen { seen, .. } if seen.waits()) {
            self.adapt(Adaptation::BackendsClose, because);
        }
    }

    /// Whether a backend has closed a connection of its own accord lately: what waits for that has been answered by then.
    fn was_idle_long(&self) -> bool {
        let Some(idle) = self.idle else { return false };
        let now = self.traffic.clients.clock().now();
        let lately = |closed: Moment| now.since(closed) <= idle + AFTER_CLOSE;
        let connections = self.traffic.journal.connections();
        connections.iter().rev().take(64).any(|one| {
            one.requests > 0
                && one.closed.is_some_and(|closed| closed.since(one.accepted) >= idle && lately(closed))
        })
    }

    /// A request of a step that waited while its backend, done with its answer, kept the connection.
    fn left_waiting<'r>(&self, events: &'r [Event], step: usize) -> Option<(&'r Exchange, Because)> {
        let attempts = self.traffic.journal.snapshot();
        let connections = self.traffic.journal.connections();
        events.iter().filter(|event| event.step == Some(step)).find_map(|event| {
            let EventKind::Exchange(exchange) = &event.event else { return None };
            let id = exchange.id;
            let given = attempts.iter().rev().find(|attempt| {
                attempt.target.ends_with(&exchange.target) && attempt.method == exchange.method
            })?;
            let connection = connections.iter().find(|one| one.connection == given.connection)?;
            if given.responded.is_none() || exchange.finished.since(given.finished) < WAITED {
                return None;
            }
            let because = match (&exchange.end, connection.closed) {
                (ExchangeEnd::TimedOut, None) => Because::TimedOut { exchange: id },
                (ExchangeEnd::TimedOut, Some(closed)) if closed >= exchange.finished => {
                    Because::TimedOut { exchange: id }
                }
                (ExchangeEnd::Complete, Some(closed))
                    if closed <= exchange.finished && exchange.finished.since(closed) <= AFTER_CLOSE =>
                {
                    Because::AnsweredAtClose { exchange: id }
                }
                _ => return None,
            };
            Some((exchange.as_ref(), because))
        })
    }
}
