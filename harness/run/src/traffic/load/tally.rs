//! What a load step counts: four histograms a tag and phase, what became of every request, a sample of them.
//!
//! Each engine thread owns its tallies and hands them over once a second; adding up is exact. It never judges: that a request
//! ended well means that its answer was complete, a success, and the content of its target.

use std::time::Duration;

use fake_backends::behavior::Random;

use super::proof::Proven;
use harness_model::history::{Exchange, ExchangeEnd, LatencyHistogram, Measure};

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Complete, a success, the right content.
    Good,
    /// No complete answer in time.
    TimedOut,
    /// Provably wrong bytes, or another's.
    Corrupt,
    /// Complete, with another status than a success.
    WrongStatus,
    /// No connection, or cut short.
    Broken,
    /// Our own side could not send it.
    Ours,
}

/// Times of a request, in nanoseconds from the start of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) intended: u64,
    /// `None`: never sent.
    pub(super) sent: Option<u64>,
    pub(super) finished: u64,
}

/// A part of a load step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The leading part, not counted.
    Warmup,
    /// What counts.
    Measured,
    /// The last part, not counted.
    Cooldown,
}

/// The histograms of an interval.
#[derive(Debug, Default)]
pub(super) struct IntervalTally {
    intended: LatencyHistogram,
    service: LatencyHistogram,
    send_lag: LatencyHistogram,
    error: LatencyHistogram,
}

/// The counters of a tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) good: u64,
    pub(super) timed_out: u64,
    pub(super) corrupt: u64,
    pub(super) wrong_status: u64,
    pub(super) broken: u64,
    /// Sent a second time, because the close of their connection had crossed them; none of them is an error for that.
    pub(super) asked_again: u64,
    /// Not sent, because our own side had no means to.
    pub(super) ours: u64,
    pub(super) body_bytes: u64,
    /// Sent before the schedule was over.
    pub(super) sent_in_time: u64,
    /// Never sent; also among `sent` and `timed_out`, since their users waited in vain.
    pub(super) never_sent: u64,
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
    /// Of a request that ended thus; `proven` is what its body proved to be, where it was complete.
    pub(super) fn of(end: &ExchangeEnd, status: u16, extra: usize, proven: Option<&Proven>) -> Fate {
        let success = (200..300).contains(&status);
        match (end, proven) {
            (ExchangeEnd::TimedOut, _) => Fate::TimedOut,
            (ExchangeEnd::Ours { .. }, _) => Fate::Ours,
            (ExchangeEnd::Complete, _) if extra > 0 => Fate::Corrupt,
            (ExchangeEnd::Complete, Some(Proven::Wrong(_))) => Fate::Corrupt,
            (ExchangeEnd::Complete, Some(Proven::Foreign(_))) if success => Fate::Corrupt,
            (ExchangeEnd::Complete, _) if success => Fate::Good,
            (ExchangeEnd::Complete, _) => Fate::WrongStatus,
            _ => Fate::Broken,
        }
    }
}

impl Phase {
    /// Of a request that was due at an offset.
    pub(super) fn of(due: u64, warmup: u64, cooldown_from: u64) -> Phase {
        match due {
            due if due < warmup => Phase::Warmup,
            due if due >= cooldown_from => Phase::Cooldown,
            _ => Phase::Measured,
        }
    }

    /// The name of its histograms: those that do not count have a suffix of their own.
    pub(super) fn tag(self, tag: &str) -> String {
        match self {
            Phase::Warmup => format!("{tag}:warmup"),
            Phase::Measured => tag.to_owned(),
            Phase::Cooldown => format!("{tag}:cooldown"),
        }
    }

    pub(super) const ALL: [Phase; 3] = [Phase::Warmup, Phase::Measured, Phase::Cooldown];
}

impl IntervalTally {
    /// Enters one request. A timeout enters the gated histogram at no less than its limit and is an error too; other errors
    /// enter the error histogram only, so that fast refusals cannot improve a percentile.
    pub(super) fn enter(&mut self, fate: Fate, times: Times, limit: u64) {
        let since = |from: u64| Duration::from_nanos(times.finished.saturating_sub(from));
        let latency = since(times.intended);
        let service = since(times.sent.unwrap_or(times.intended));
        let limit = Duration::from_nanos(limit);
        if let Some(sent) = times.sent {
            self.send_lag.record(Duration::from_nanos(sent.saturating_sub(times.intended)));
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
            Fate::Corrupt | Fate::WrongStatus | Fate::Broken => self.error.record(latency),
            Fate::Ours => {}
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

    /// From the intended instant, of what ended well or not in time.
    pub(super) fn intended(&self) -> &LatencyHistogram {
        &self.intended
    }

    /// Adds another one up; exact.
    pub(super) fn add(&mut self, other: &IntervalTally) {
        self.intended.add(&other.intended);
        self.service.add(&other.service);
        self.send_lag.add(&other.send_lag);
        self.error.add(&other.error);
    }
}

impl Counters {
    pub(super) fn enter(&mut self, fate: Fate, body_bytes: u64) {
        self.sent += 1;
        self.body_bytes += body_bytes;
        match fate {
            Fate::Good => self.good += 1,
            Fate::TimedOut => self.timed_out += 1,
            Fate::Corrupt => self.corrupt += 1,
            Fate::WrongStatus => self.wrong_status += 1,
            Fate::Broken => self.broken += 1,
            Fate::Ours => self.ours += 1,
        }
    }

    /// Adds those of another thread up.
    pub(super) fn add(&mut self, other: &Counters) {
        self.sent += other.sent;
        self.good += other.good;
        self.timed_out += other.timed_out;
        self.corrupt += other.corrupt;
        self.wrong_status += other.wrong_status;
        self.broken += other.broken;
        self.asked_again += other.asked_again;
        self.ours += other.ours;
        self.body_bytes += other.body_bytes;
        self.sent_in_time += other.sent_in_time;
        self.never_sent += other.never_sent;
    }
}

impl Sample {
    pub(super) fn new(size: usize, random: Random) -> Sample {
        Sample { kept: Vec::new(), seen: 0, size, random }
    }

    /// Whether the next exchange is to be kept, and in whose place.
    pub(super) fn place(&mut self) -> Option<usize> {
        self.seen += 1;
        if self.kept.len() < self.size {
            return Some(self.kept.len());
        }
        let place = (self.random.unit() * self.seen as f64) as usize;
        (place < self.kept.len()).then_some(place)
    }

    pub(super) fn keep(&mut self, place: usize, exchange: Exchange) {
        match self.kept.get_mut(place) {
            Some(slot) => *slot = exchange,
            None => self.kept.push(exchange),
        }
    }

    pub(super) fn into_exchanges(mut self) -> Vec<Exchange> {
        self.kept.sort_by_key(|exchange| exchange.id);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn latency_counts_from_the_intended_instant() {
        let mut tally = IntervalTally::default();
        tally.enter(Fate::Good, Times { intended: 0, sent: Some(40 * MS), finished: 50 * MS }, 1000 * MS);
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
        let fate = |end| Fate::of(&end, 0, 0, None);
        assert_eq!(fate(ExchangeEnd::TimedOut), Fate::TimedOut);
        tally.enter(Fate::TimedOut, Times { intended: 0, sent: Some(0), finished: 900 * MS }, 1000 * MS);
        assert_eq!(fate(ExchangeEnd::ClosedWithoutAnswer), Fate::Broken);
        tally.enter(Fate::Broken, Times { intended: 0, sent: Some(0), finished: MS }, 1000 * MS);
        let [(_, intended), _, _, (_, error)] = tally.parts();
        assert_eq!((intended.len(), error.len()), (1, 2));
        assert!(intended.values().max() >= 1000 * MS);
    }

    #[test]
    fn a_success_with_an_error_page_is_no_success() {
        let complete = ExchangeEnd::Complete;
        let page = Proven::Foreign("<html>".into());
        assert_eq!(Fate::of(&complete, 200, 0, Some(&page)), Fate::Corrupt);
        assert_eq!(Fate::of(&complete, 502, 0, Some(&page)), Fate::WrongStatus);
        assert_eq!(Fate::of(&complete, 200, 0, Some(&Proven::Right)), Fate::Good);
        assert_eq!(Fate::of(&complete, 200, 3, Some(&Proven::Right)), Fate::Corrupt);
        assert_eq!(Fate::of(&complete, 204, 0, None), Fate::Good);
    }

    #[test]
    fn a_sample_keeps_its_size_and_spans_the_whole_run() {
        let mut sample = Sample::new(100, Random::new(1));
        let places: Vec<u64> = (0..10_000).filter(|_| sample_takes(&mut sample)).collect();
        let late = places.iter().filter(|&&number| number >= 5000).count();
        // Of those kept after the first hundred, 100 ln 2 are expected in the second half.
        assert!((30..=120).contains(&late), "{late}");
    }

    fn sample_takes(sample: &mut Sample) -> bool {
        let place = sample.place();
        if let Some(place) = place {
            sample.keep(place, crate::traffic::load::testimony::tests::exchange());
        }
        place.is_some()
    }
}
