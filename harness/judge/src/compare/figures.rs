//! The figures of one run, from its record: by load step, and of the proxy as a whole.
//!
//! `table` and `gates` read them. A percentile that too few samples support is absent, and so is what the platform does not
//! tell.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use harness_model::history::{EventKind, Measure, Record};
use harness_model::plan::{FEWEST_HELD, Metric, StepKind};
use harness_model::statistics::samples_needed;

/// What one run of one side came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// By tag of a load step.
    pub tags: BTreeMap<String, TagFigures>,
    /// Most resident memory in bytes.
    pub rss_peak: Option<f64>,
    /// Largest minus smallest number of attempts that a backend saw, of steps that record each.
    pub rr_spread: Option<f64>,
    /// The worst overshoot (p99 of an interval) of a sleep of 1 ms meanwhile, in milliseconds.
    pub noise_ms: f64,
}

/// What a load step came to.
#[derive(Clone, Debug)]
pub struct TagFigures {
    /// Latencies from the intended instant, in nanoseconds.
    pub latency: Histogram<u64>,
    /// How late requests were sent, in nanoseconds.
    pub send_lag: Histogram<u64>,
    sent: u64,
    good: u64,
    ours: u64,
    seconds: f64,
    cpu_seconds: Option<f64>,
    memory_per_connection: Option<f64>,
}

impl Figures {
    /// A figure; `None` where it could not be measured.
    pub fn get(&self, tag: Option<&str>, metric: Metric) -> Option<f64> {
        match metric {
            Metric::RssPeak => return self.rss_peak,
            Metric::RrSpread => return self.rr_spread,
            _ => {}
        }
        let of = self.tags.get(tag?)?;
        let share = |part: u64| (of.sent > 0).then(|| part as f64 / of.sent as f64);
        match metric {
            Metric::Latency(quantile) => quantile_ms(&of.latency, quantile),
            Metric::ErrorRate => share(of.sent - of.good.min(of.sent)),
            Metric::Rate => (of.seconds > 0.0).then(|| of.good as f64 / of.seconds),
            Metric::CpuPerRequest => {
                of.cpu_seconds.filter(|_| of.sent > 0).map(|cpu| cpu / of.sent as f64 * 1e6)
            }
            Metric::MemoryPerConnection => of.memory_per_connection,
            Metric::RssPeak | Metric::RrSpread => None,
        }
    }

    /// How late requests of a tag were sent at a quantile, in milliseconds.
    pub fn send_lag_ms(&self, tag: Option<&str>, quantile: f64) -> Option<f64> {
        let lag = &self.tags.get(tag?)?.send_lag;
        (!lag.is_empty()).then(|| lag.value_at_quantile(quantile) as f64 / 1e6)
    }
}

impl TagFigures {
    /// Requests that were sent: those that our own side had no means for are none.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Requests that our own side had no means for, where they are more than a thousandth.
    pub(super) fn ours(&self) -> Option<u64> {
        (self.ours * 1_000 > self.sent + self.ours).then_some(self.ours)
    }

    /// The rates between which the requests that ended well lie: one more may have been on either side of each end of the step.
    pub(super) fn rates(&self) -> (f64, f64) {
        let of = |good: f64| good / self.seconds;
        (of(self.good.saturating_sub(1) as f64), of(self.good as f64 + 1.0))
    }

    /// Those that ended well, never more than were sent.
    pub(super) fn good(&self) -> u64 {
        self.good.min(self.sent)
    }
}

/// Resident memory of the proxy, in bytes: when the step began and when it was read last.
#[derive(Default)]
struct Resident {
    at_start: Option<f64>,
    latest: Option<f64>,
}

impl Resident {
    fn begin(&mut self) {
        self.at_start = self.latest;
    }

    /// By how much it grew since the step began, for each connection that is held open now.
    fn per_connection(&self, held: u64) -> Option<f64> {
        let grown = self.latest? - self.at_start?;
        (held >= FEWEST_HELD).then(|| grown.max(0.0) / held as f64)
    }
}

/// A quantile in milliseconds, where enough samples support it.
pub(super) fn quantile_ms(values: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (values.len() >= samples_needed(quantile)).then(|| values.value_at_quantile(quantile) as f64 / 1e6)
}

/// The figures of a run.
pub fn figures_of(record: &Record) -> Figures {
    let mut figures = Figures::default();
    let mut resident = Resident::default();
    let cut = record.events.iter().any(|event| matches!(event.event, EventKind::Interrupted { .. }));
    let mut attempts: BTreeMap<&str, u64> = record
        .events
        .iter()
        .filter_map(|event| match &event.event {
            EventKind::BackendUp { backend, .. } => Some((backend.as_str(), 0)),
            _ => None,
        })
        .collect();
    for event in &record.events {
        match &event.event {
            EventKind::StepStarted => resident.begin(),
            EventKind::LoadCounters { tag, sent, good, seconds, proxy_cpu, engine, .. } => {
                let total = |measure| {
                    record
                        .histograms
                        .total(tag, measure)
                        .cloned()
                        .unwrap_or_else(harness_model::history::empty_histogram)
                };
                let of = figures.tags.entry(tag.clone()).or_insert_with(|| TagFigures {
                    latency: total(Measure::Intended),
                    send_lag: total(Measure::SendLag),
                    sent: 0,
                    good: 0,
                    ours: 0,
                    seconds: 0.0,
                    cpu_seconds: Some(0.0),
                    memory_per_connection: None,
                });
                of.sent += sent.saturating_sub(engine.ours);
                of.good += good;
                of.ours += engine.ours;
                // The first and the last answer of a few lie closer together than the step is long; one that was cut has no length.
                of.seconds += if cut { *seconds } else { seconds.max(length_of(record, event.step)) };
                of.memory_per_connection =
                    resident.per_connection(engine.connections_held).filter(|_| event.step == Some(0));
                of.cpu_seconds = of.cpu_seconds.zip(*proxy_cpu).map(|(sum, cpu)| sum + cpu.as_secs_f64());
            }
            EventKind::Resources(sample) => {
                let bytes = sample.resident_bytes as f64;
                resident.latest = Some(bytes);
                figures.rss_peak = Some(figures.rss_peak.map_or(bytes, |peak| peak.max(bytes)));
            }
            EventKind::Attempt(attempt) if event.step.is_some() => {
                *attempts.entry(attempt.backend.as_str()).or_default() += 1;
            }
            EventKind::HostNoise(noise) => {
                figures.noise_ms = figures.noise_ms.max(noise.p99_overshoot.as_secs_f64() * 1e3);
            }
            _ => {}
        }
    }
    if attempts.values().any(|count| *count > 0) {
        let most = attempts.values().max().copied().unwrap_or_default();
        let least = attempts.values().min().copied().unwrap_or_default();
        figures.rr_spread = Some((most - least) as f64);
    }
    figures
}

/// How long a load step counts by its plan, in seconds.
fn length_of(record: &Record, step: Option<usize>) -> f64 {
    match step.and_then(|step| record.plan.steps.get(step)).map(|step| &step.kind) {
        Some(StepKind::Load(load)) => load.counted().as_secs_f64(),
        _ => 0.0,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Resident, TagFigures};
    use harness_model::history::empty_histogram;

    /// A load step of which every good request took as long.
    pub(in crate::compare) fn load(good: u64, ms: u64, errors: u64) -> TagFigures {
        let mut latency = empty_histogram();
        latency.saturating_record_n(ms * 1_000_000, good);
        TagFigures {
            latency,
            send_lag: empty_histogram(),
            sent: good + errors,
            good,
            ours: 0,
            seconds: 2.0,
            cpu_seconds: Some(0.1),
            memory_per_connection: None,
        }
    }

    impl TagFigures {
        /// The same over another time, and with so many more requests that could not be sent.
        pub(in crate::compare) fn over(self, seconds: f64, ours: u64) -> TagFigures {
            TagFigures { seconds, ours, ..self }
        }
    }

    #[test]
    fn memory_per_connection_is_what_the_proxy_grew_by_since_the_step_began() {
        let mut resident = Resident { at_start: None, latest: Some(4e6) };
        assert_eq!(resident.per_connection(1_000), None, "nothing was read before the step");
        resident.begin();
        resident.latest = Some(5e6);
        assert_eq!(resident.per_connection(1_000), Some(1_000.0));
        assert_eq!(resident.per_connection(100), None, "too few to tell them from buffers");
        resident.latest = Some(3e6);
        assert_eq!(resident.per_connection(1_000), Some(0.0));
    }
}
