//! What a worker counts: four histograms a tag, and what became of every request.
//!
//! Each worker owns one tally and hands it over once a second; the run adds them up, which is exact because all
//! histograms have the same range and digits. Nothing here sends, and nothing is judged.

use hdrhistogram::Histogram;

/// The range of every latency histogram: 1 ns to one hour, three digits.
pub const HIGHEST_NS: u64 = 3_600_000_000_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Complete, with the expected status, length and content.
    Good,
    /// No answer in time.
    TimedOut,
    /// The connection could not be made, or ended before the answer was complete.
    Broken,
    /// Complete, with another status than expected.
    WrongStatus(u16),
    /// Complete or not, with bytes that are provably not those of its target.
    Corrupt,
}

/// Times of one request, in nanoseconds of the run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// When it was due.
    pub intended: u64,
    /// When it was handed to the kernel.
    pub sent: u64,
    /// When its answer was complete, or it was given up.
    pub finished: u64,
}

/// Histograms and counters of one tag.
#[derive(Clone, Debug)]
pub struct TagTally {
    /// From the intended instant to the complete answer, good answers and time-outs.
    pub intended: Histogram<u64>,
    /// From the sending to the complete answer, good answers and time-outs.
    pub service: Histogram<u64>,
    /// From the intended instant to the sending, all that were sent.
    pub send_lag: Histogram<u64>,
    /// From the intended instant to the end, all that did not end well.
    pub error: Histogram<u64>,
    /// Requests that ended, well or not.
    pub ended: u64,
    /// Of these, the good ones.
    pub good: u64,
    /// Time-outs.
    pub timed_out: u64,
    /// Broken ones.
    pub broken: u64,
    /// Wrong statuses.
    pub wrong_status: u64,
    /// Provably wrong bytes.
    pub corrupt: u64,
    /// Body bytes received.
    pub body_bytes: u64,
    /// Values beyond the range of the histograms (recorded at its end).
    pub over_range: u64,
}

impl Default for TagTally {
    fn default() -> Self {
        let histogram = || Histogram::new_with_bounds(1, HIGHEST_NS, 3).expect("constant bounds are valid");
        TagTally {
            intended: histogram(),
            service: histogram(),
            send_lag: histogram(),
            error: histogram(),
            ended: 0,
            good: 0,
            timed_out: 0,
            broken: 0,
            wrong_status: 0,
            corrupt: 0,
            body_bytes: 0,
            over_range: 0,
        }
    }
}

impl TagTally {
    /// Enters one request. A time-out enters the gated histogram at no less than `timeout_ns` and counts as an error;
    /// other errors enter the error histogram only, so that fast refusals cannot improve a percentile.
    pub fn enter(&mut self, fate: Fate, times: Times, timeout_ns: u64) {
        self.ended += 1;
        let latency = times.finished.saturating_sub(times.intended);
        let service = times.finished.saturating_sub(times.sent);
        if latency > HIGHEST_NS {
            self.over_range += 1;
        }
        self.send_lag.saturating_record(times.sent.saturating_sub(times.intended).max(1));
        match fate {
            Fate::Good => {
                self.good += 1;
                self.intended.saturating_record(latency.max(1));
                self.service.saturating_record(service.max(1));
            }
            Fate::TimedOut => {
                self.timed_out += 1;
                self.intended.saturating_record(latency.max(timeout_ns));
                self.service.saturating_record(service.max(timeout_ns));
                self.error.saturating_record(latency.max(1));
            }
            Fate::Broken | Fate::WrongStatus(_) | Fate::Corrupt => {
                match fate {
                    Fate::Broken => self.broken += 1,
                    Fate::WrongStatus(_) => self.wrong_status += 1,
                    _ => self.corrupt += 1,
                }
                self.error.saturating_record(latency.max(1));
            }
        }
    }

    /// Adds another tally of the same tag; exact.
    pub fn add(&mut self, other: &TagTally) {
        for (mine, theirs) in [
            (&mut self.intended, &other.intended),
            (&mut self.service, &other.service),
            (&mut self.send_lag, &other.send_lag),
            (&mut self.error, &other.error),
        ] {
            mine.add(theirs).expect("all histograms have the same range and digits");
        }
        self.ended += other.ended;
        self.good += other.good;
        self.timed_out += other.timed_out;
        self.broken += other.broken;
        self.wrong_status += other.wrong_status;
        self.corrupt += other.corrupt;
        self.body_bytes += other.body_bytes;
        self.over_range += other.over_range;
    }

    /// Requests that did not end well.
    pub fn errors(&self) -> u64 {
        self.ended - self.good
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, TagTally, Times};

    const MS: u64 = 1_000_000;

    #[test]
    fn latency_counts_from_the_intended_instant() {
        let mut tally = TagTally::default();
        tally.enter(Fate::Good, Times { intended: 0, sent: 40 * MS, finished: 50 * MS }, 1000 * MS);
        assert!(tally.intended.max().abs_diff(50 * MS) < MS / 10);
        assert!(tally.service.max().abs_diff(10 * MS) < MS / 10);
        assert!(tally.send_lag.max().abs_diff(40 * MS) < MS / 10);
    }

    #[test]
    fn a_fast_error_does_not_improve_the_percentiles() {
        let mut tally = TagTally::default();
        tally.enter(Fate::WrongStatus(502), Times { intended: 0, sent: 0, finished: MS }, 1000 * MS);
        assert_eq!((tally.intended.len(), tally.error.len(), tally.errors()), (0, 1, 1));
    }

    #[test]
    fn a_time_out_counts_at_no_less_than_its_limit() {
        let mut tally = TagTally::default();
        tally.enter(Fate::TimedOut, Times { intended: 5, sent: 5, finished: 900 * MS }, 1000 * MS);
        assert!(tally.intended.max() >= 1000 * MS);
        assert_eq!(tally.errors(), 1);
    }
}
