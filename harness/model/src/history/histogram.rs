//! Latency histograms: one fixed range and precision everywhere, so that adding them up is exact.
//!
//! The load workers record into them, the interval log stores them, checks and plots read them back by tag and measure.
//! Values beyond the range are counted and recorded at its end; nothing is ever resized or dropped.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_backends::clock::Moment;
use hdrhistogram::Histogram;

/// Highest value that is recorded as such, in nanoseconds: one hour.
pub const HIGHEST_NS: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// What a histogram of a tag measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// From the instant a request was due to its complete answer; what gates judge.
    Intended,
    /// From its sending to its complete answer; explains, never gates.
    Service,
    /// From the instant it was due to its sending.
    SendLag,
    /// From the instant it was due to its end, of requests that did not end well.
    Error,
}

/// A histogram of nanoseconds that saturates.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    values: Histogram<u64>,
    over_range: u64,
}

/// One stored histogram of a tag and measure.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Name of the load step's histograms.
    pub tag: String,
    /// What is measured.
    pub measure: Measure,
    /// When the interval began.
    pub start: Moment,
    /// Its length.
    pub duration: Duration,
    /// Nanoseconds.
    pub values: Histogram<u64>,
}

/// All histograms of a run: by interval, and added up by tag and measure.
#[derive(Clone, Debug, Default)]
pub struct Histograms {
    intervals: Vec<Interval>,
    totals: BTreeMap<(String, Measure), Histogram<u64>>,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 4] = [Measure::Intended, Measure::Service, Measure::SendLag, Measure::Error];

    /// The last part of a tag in the interval log, such as `send-lag` in `steady.send-lag`.
    pub const fn suffix(self) -> &'static str {
        match self {
            Measure::Intended => "intended",
            Measure::Service => "service",
            Measure::SendLag => "send-lag",
            Measure::Error => "error",
        }
    }

    /// Tag and measure of a name in the interval log.
    pub fn split(name: &str) -> Option<(&str, Measure)> {
        let (tag, suffix) = name.rsplit_once('.')?;
        Measure::ALL.into_iter().find(|measure| measure.suffix() == suffix).map(|measure| (tag, measure))
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        LatencyHistogram { values: empty(), over_range: 0 }
    }
}

impl LatencyHistogram {
    /// Records a duration; what lies beyond the range is counted and recorded at its end.
    pub fn record(&mut self, value: Duration) {
        let nanoseconds = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        if nanoseconds > HIGHEST_NS {
            self.over_range += 1;
        }
        self.values.saturating_record(nanoseconds.max(1));
    }

    /// Adds another one up; exact, since all have the same range and digits.
    pub fn add(&mut self, other: &LatencyHistogram) {
        add(&mut self.values, &other.values);
        self.over_range += other.over_range;
    }

    /// Number of values.
    pub fn len(&self) -> u64 {
        self.values.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values beyond the range.
    pub fn over_range(&self) -> u64 {
        self.over_range
    }

    /// The values, in nanoseconds.
    pub fn values(&self) -> &Histogram<u64> {
        &self.values
    }

    /// Empties it and returns what was there.
    pub fn take(&mut self) -> LatencyHistogram {
        std::mem::take(self)
    }
}

impl From<Histogram<u64>> for LatencyHistogram {
    fn from(values: Histogram<u64>) -> LatencyHistogram {
        LatencyHistogram { values, over_range: 0 }
    }
}

impl Histograms {
    /// Adds a stored interval.
    pub fn push(&mut self, interval: Interval) {
        let total = self.totals.entry((interval.tag.clone(), interval.measure)).or_insert_with(empty);
        add(total, &interval.values);
        self.intervals.push(interval);
    }

    /// All values of a tag and measure over the run, in nanoseconds; `None` where none was recorded.
    pub fn total(&self, tag: &str, measure: Measure) -> Option<&Histogram<u64>> {
        self.totals.get(&(tag.to_owned(), measure))
    }

    /// The tags that count, in order: not those of warm-up and cool-down, `TAG:warmup` and `TAG:cooldown`.
    pub fn tags(&self) -> Vec<&str> {
        let all = self.totals.keys().map(|(tag, _)| tag.as_str());
        let mut tags: Vec<&str> = all.filter(|tag| !tag.contains(':')).collect();
        tags.dedup();
        tags
    }

    /// The stored intervals, in the order of the log.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }
}

/// An empty histogram of the range and precision used everywhere.
pub fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS).expect("constant bounds are valid")
}

/// Adds `other`; a histogram of another precision, from a foreign log, is added value by value.
fn add(total: &mut Histogram<u64>, other: &Histogram<u64>) {
    if total.add(other).is_err() {
        for value in other.iter_recorded() {
            total.saturating_record_n(value.value_iterated_to().max(1), value.count_at_value());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_beyond_the_range_is_counted_and_saturates() {
        let mut histogram = LatencyHistogram::default();
        histogram.record(Duration::from_millis(10));
        histogram.record(Duration::from_secs(3 * 3600));
        assert_eq!((histogram.len(), histogram.over_range()), (2, 1));
        assert!(histogram.values().max() >= HIGHEST_NS);
    }

    #[test]
    fn names_of_the_log_split_at_their_last_dot() {
        assert_eq!(Measure::split("a.b.send-lag"), Some(("a.b", Measure::SendLag)));
        assert_eq!(Measure::split("steady"), None);
        assert_eq!(Measure::split("steady.other"), None);
    }

    #[test]
    fn adding_up_is_exact() {
        let mut all = Histograms::default();
        for start in 0..5 {
            let mut histogram = LatencyHistogram::default();
            (1..=100).for_each(|i| histogram.record(Duration::from_micros(i * 7)));
            let values = histogram.values().clone();
            let (measure, start) = (Measure::Intended, Moment(start));
            all.push(Interval { tag: "t".into(), measure, start, duration: Duration::from_secs(1), values });
        }
        assert_eq!(all.total("t", Measure::Intended).unwrap().len(), 500);
        assert_eq!(all.tags(), ["t"]);
        assert!(all.total("t", Measure::Error).is_none());
    }
}
