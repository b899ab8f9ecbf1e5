//! What belongs to a verdict: its evidence, and what happened around it at the proxy and at the backends.
//!
//! The timeline, the exact bytes and the log lines of a check all start from here. A choice of what to show, never of what
//! is true.

use std::collections::{BTreeSet, HashSet};

use fake_backends::clock::Moment;

use crate::report::Source;
use harness_judge::check::Verdict;
use harness_model::history::{Event, EventKind, Exchange};

/// Evidence beyond this is counted, not shown: the record has all of it.
pub(super) const MOST_EVENTS: usize = 28;

/// The events that tell the story of a verdict, in the order of the record.
pub(super) struct Related<'a> {
    /// Line of `events.jsonl`, from zero, and the event.
    pub(super) events: Vec<(usize, &'a Event)>,
    /// How many pieces of evidence the verdict names in all.
    pub(super) evidence: usize,
}

impl<'a> Related<'a> {
    /// Gathers them.
    pub(super) fn of(source: &Source<'a>, verdict: &Verdict) -> Related<'a> {
        let all = source.events();
        let mut chosen: BTreeSet<usize> =
            verdict.evidence.iter().copied().filter(|line| *line < all.len()).take(MOST_EVENTS / 2).collect();
        if chosen.is_empty() {
            return Related { events: Vec::new(), evidence: 0 };
        }
        // A handshake is seen beside the others of its step.
        if let Some(step) = chosen.iter().find(|line| is_handshake(&all[**line])).map(|line| all[*line].step)
        {
            let beside = |(_, event): &(usize, &Event)| event.step == step && is_handshake(event);
            chosen.extend(all.iter().enumerate().filter(beside).map(|(line, _)| line).take(MOST_EVENTS / 2));
        }
        // Evidence that is not an exchange, such as the death of the proxy, is told by what was asked just before.
        let tells = |event: &Event| exchange_of(event).is_some() || speaks_for_itself(event);
        if !chosen.iter().any(|line| tells(&all[*line])) {
            let first = *chosen.first().unwrap_or(&0);
            let before = (0..first).rev().filter(|line| exchange_of(&all[*line]).is_some()).take(5);
            chosen.extend(before.collect::<Vec<_>>());
        }
        let targets: HashSet<&str> = chosen
            .iter()
            .filter_map(|line| exchange_of(&all[*line]))
            .map(|exchange| exchange.target.as_str())
            .collect();
        let (from, to) = span(chosen.iter().map(|line| &all[*line]));
        let near = |event: &Event| {
            let (begins, ends) = times(event);
            ends >= from && begins <= to
        };
        for (line, event) in all.iter().enumerate() {
            if chosen.len() >= MOST_EVENTS {
                break;
            }
            let belongs = match &event.event {
                EventKind::Attempt(attempt) => targets.contains(attempt.target.as_str()) && near(event),
                EventKind::ProxyStarting { .. }
                | EventKind::ProxyReady { .. }
                | EventKind::ProxySignalled { .. }
                | EventKind::ProxyExited(_)
                | EventKind::BackendUp { .. }
                | EventKind::BackendDown { .. } => near(event),
                _ => false,
            };
            if belongs {
                chosen.insert(line);
            }
        }
        Related {
            events: chosen.into_iter().map(|line| (line, &all[line])).collect(),
            evidence: verdict.evidence.len(),
        }
    }

    /// The exchanges among them.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &'a Exchange> + '_ {
        self.events.iter().filter_map(|(_, event)| exchange_of(event))
    }

    /// The earliest and the latest moment that they tell of.
    pub(super) fn span(&self) -> (Moment, Moment) {
        span(self.events.iter().map(|(_, event)| *event))
    }
}

fn is_handshake(event: &Event) -> bool {
    matches!(event.event, EventKind::Handshake(_))
}

/// Whether an event tells what was done and what came of it, as an exchange does.
fn speaks_for_itself(event: &Event) -> bool {
    is_handshake(event) || matches!(event.event, EventKind::Misused(_))
}

/// The exchange of an event, that of an anomaly included.
pub(super) fn exchange_of(event: &Event) -> Option<&Exchange> {
    match &event.event {
        EventKind::Exchange(exchange) => Some(exchange),
        EventKind::Anomaly(anomaly) => anomaly.exchange.as_deref(),
        _ => None,
    }
}

/// When what an event tells of began and ended.
pub(super) fn times(event: &Event) -> (Moment, Moment) {
    match &event.event {
        EventKind::Attempt(attempt) => (attempt.arrived, attempt.finished),
        EventKind::Handshake(handshake) => (handshake.began, handshake.ended),
        EventKind::Misused(misused) => (misused.began, misused.ended),
        _ => match exchange_of(event) {
            Some(exchange) => (exchange.sent.unwrap_or(exchange.intended), exchange.finished),
            None => (event.at, event.at),
        },
    }
}

fn span<'a>(events: impl Iterator<Item = &'a Event>) -> (Moment, Moment) {
    events
        .map(times)
        .fold((Moment(u64::MAX), Moment(0)), |(from, to), (begins, ends)| (from.min(begins), to.max(ends)))
}
