//! What a load step counts: four histograms, what became of every request, a sample of them.
//!
//! Each engine thread owns one and hands its histograms over once a second; adding up is exact. It never judges: that a
//! request ended well means that its answer was complete, a success, and the content of its target.

use std::time::Duration;

use fake_backends::behavior::Random;
use fake_backends::clock::Moment;

use crate::history::{ContentSeen, Exchange, ExchangeEnd, LatencyHistogram, Measure};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Complete, a success, the right content.
    Good,
    /// No complete answer in time.
    TimedOut,
    /// Provably wrong bytes, or another's.
    Corrupt,
    /// No connection, cut short, or another status.
    Failed,
}

/// The histograms of an interval.
#[derive(Debug, Default)]
pub(super) struct IntervalTally {
    intended: LatencyHistogram,
    service: LatencyHistogram,
    send_lag: LatencyHistogram,
    error: LatencyHistogram,
}

/// The counters of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) good: u64,
    pub(super) errors: u64,
    pub(super) corrupt: u64,
}

/// A sample of fixed size in which every exchange has the same chance to be (reservoir sampling).
#[derive(Debug)]
pub(super) struct Sample {
    kept: Vec<Exchange>,
    seen: u64,
    size: usize,
    random: Random,
}

impl Fate {
    pub(super) fn of(exchange: &Exchange) -> Fate {
        let response = match (&exchange.end, &exchange.response) {
            (ExchangeEnd::TimedOut, _) => return Fate::TimedOut,
            (ExchangeEnd::Complete, Some(response)) => response,
            _ => return Fate::Failed,
        };
        match &response.body.content {
            _ if response.body.extra_bytes > 0 => Fate::Corrupt,
            Some(ContentSeen::Damaged(_)) => Fate::Corrupt,
            Some(ContentSeen::Whole { key, .. }) if *key != exchange.target => Fate::Corrupt,
            _ if (200..300).contains(&response.status) => Fate::Good,
            _ => Fate::Failed,
        }
    }
}

impl IntervalTally {
    /// Enters one request. A timeout enters the gated histogram at no less than its limit and is an error too; other errors
    /// enter the error histogram only, so that fast refusals cannot improve a percentile.
    pub(super) fn enter(&mut self, fate: Fate, exchange: &Exchange, limit: Duration) {
        let latency = exchange.finished.since(exchange.intended);
        let sent = exchange.sent.unwrap_or(exchange.intended);
        let service = exchange.finished.since(sent);
        if exchange.sent.is_some() {
            self.send_lag.record(sent.since(exchange.intended));
        }
        match fate {
            Fate::Good => {
                self.intended.record(latency);
                self.service.record(service);
            }
            Fate::TimedOut => {
                self.intended.record(latency.max(limit));
                self.service.record(service.max(limit));
                self.error.record(latency);
            }
            Fate::Corrupt | Fate::Failed => self.error.record(latency),
        }
    }

    /// Its histograms by measure.
    pub(super) fn parts(&self) -> [(Measure, &LatencyHistogram); 4] {
        [
            (Measure::Intended, &self.intended),
            (Measure::Service, &self.service),
            (Measure::SendLag, &self.send_lag),
            (Measure::Error, &self.error),
        ]
    }
}

impl Counters {
    pub(super) fn enter(&mut self, fate: Fate) {
        self.sent += 1;
        match fate {
            Fate::Good => self.good += 1,
            Fate::Corrupt => {
                self.corrupt += 1;
                self.errors += 1;
            }
            Fate::TimedOut | Fate::Failed => self.errors += 1,
        }
    }
}

impl Sample {
    pub(super) fn new(size: usize, random: Random) -> Sample {
        Sample { kept: Vec::new(), seen: 0, size, random }
    }

    pub(super) fn offer(&mut self, exchange: Exchange) {
        self.seen += 1;
        if self.kept.len() < self.size {
            self.kept.push(exchange);
            return;
        }
        let place = (self.random.unit() * self.seen as f64) as usize;
        if let Some(slot) = self.kept.get_mut(place) {
            *slot = exchange;
        }
    }

    pub(super) fn into_exchanges(mut self) -> Vec<Exchange> {
        self.kept.sort_by_key(|exchange| exchange.id);
        self.kept
    }
}

/// Whether an arrival counts: the warm-up does not.
pub(super) fn counts(due: Moment, start: Moment, warmup: Duration) -> bool {
    due.since(start) >= warmup
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Purpose, WireBytes};
    use crate::plan::ClientKind;

    const MS: u64 = 1_000_000;

    fn exchange(end: ExchangeEnd, intended: u64, sent: u64, finished: u64) -> Exchange {
        Exchange {
            id: finished,
            purpose: Purpose::Load,
            client: ClientKind::Raw,
            connection: None,
            request_on_connection: 1,
            number: 0,
            group: 0,
            method: "GET".into(),
            target: "/".into(),
            request_head: WireBytes::default(),
            request_body_bytes: 0,
            intended: Moment(intended),
            sent: Some(Moment(sent)),
            head_received: None,
            finished: Moment(finished),
            end,
            response: None,
        }
    }

    #[test]
    fn latency_counts_from_the_intended_instant() {
        let mut tally = IntervalTally::default();
        tally.enter(
            Fate::Good,
            &exchange(ExchangeEnd::Complete, 0, 40 * MS, 50 * MS),
            Duration::from_secs(1),
        );
        let max = |measure| {
            let parts = tally.parts();
            parts.iter().find(|(m, _)| *m == measure).map(|(_, h)| h.values().max()).unwrap()
        };
        assert!(max(Measure::Intended).abs_diff(50 * MS) < MS / 10);
        assert!(max(Measure::Service).abs_diff(10 * MS) < MS / 10);
        assert!(max(Measure::SendLag).abs_diff(40 * MS) < MS / 10);
    }

    #[test]
    fn a_timeout_counts_at_no_less_than_its_limit_and_a_refusal_not_at_all() {
        let mut tally = IntervalTally::default();
        let late = exchange(ExchangeEnd::TimedOut, 0, 0, 900 * MS);
        assert_eq!(Fate::of(&late), Fate::TimedOut);
        tally.enter(Fate::TimedOut, &late, Duration::from_secs(1));
        let refused = exchange(ExchangeEnd::ClosedWithoutAnswer, 0, 0, MS);
        assert_eq!(Fate::of(&refused), Fate::Failed);
        tally.enter(Fate::Failed, &refused, Duration::from_secs(1));
        let [(_, intended), _, _, (_, error)] = tally.parts();
        assert_eq!((intended.len(), error.len()), (1, 2));
        assert!(intended.values().max() >= 1000 * MS);
    }

    #[test]
    fn a_sample_keeps_its_size_and_spans_the_whole_run() {
        let mut sample = Sample::new(100, Random::new(1));
        (0..10_000).for_each(|id| sample.offer(exchange(ExchangeEnd::Complete, 0, 0, id)));
        let kept = sample.into_exchanges();
        assert_eq!(kept.len(), 100);
        let late = kept.iter().filter(|exchange| exchange.id >= 5000).count();
        assert!((25..=75).contains(&late), "{late}");
    }
}
