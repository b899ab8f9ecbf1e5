//! The latencies of the load steps, put together for tables and plots.
//!
//! `plot` and `html` read them from here. Figures come from merged histograms, never from percentiles of percentiles; a
//! percentile that too few samples support is absent.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::Source;
use harness_model::history::{EventKind, Measure};
use harness_model::plan::{LatencyThreshold, Metric, Plan, StepKind};

/// Everything measured under one tag.
#[derive(Clone, Debug)]
pub(super) struct TagLatency<'a> {
    pub(super) tag: String,
    /// From the intended instant, nanoseconds.
    pub(super) intended: Option<&'a Histogram<u64>>,
    /// From the sending.
    pub(super) service: Option<&'a Histogram<u64>>,
    /// Actual minus intended sending.
    pub(super) send_lag: Option<&'a Histogram<u64>>,
    /// Of requests that did not end well.
    pub(super) errors: Option<&'a Histogram<u64>>,
    /// Counters, where the step was counted.
    pub(super) counters: Option<Counters>,
    /// Whether the pace was that of virtual users: its latencies are no latency claim.
    pub(super) closed_loop: bool,
    /// Limits of the scenario.
    pub(super) thresholds: Vec<LatencyThreshold>,
}

/// The counters of a load step, warm-up excluded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: u64,
    pub(super) good: u64,
    pub(super) errors: u64,
    pub(super) corrupt: u64,
    pub(super) overloaded: bool,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: Option<f64>,
    /// Rate asked for and reached, where the one was missed.
    pub(super) rate_missed: Option<(f64, f64)>,
    pub(super) never_sent: u64,
}

/// The quantiles that tables and descriptions name.
pub(super) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// Every tag of a run, in order.
pub(super) fn by_tag<'a>(source: &Source<'a>) -> Vec<TagLatency<'a>> {
    let histograms = &source.record.histograms;
    let counters = counters(source);
    let mut tags: Vec<String> = histograms.tags().into_iter().map(str::to_owned).collect();
    tags.extend(counters.iter().map(|(tag, _)| tag.clone()));
    tags.sort();
    tags.dedup();
    tags.into_iter()
        .map(|tag| TagLatency {
            intended: histograms.total(&tag, Measure::Intended),
            service: histograms.total(&tag, Measure::Service),
            send_lag: histograms.total(&tag, Measure::SendLag),
            errors: histograms.total(&tag, Measure::Error),
            counters: counters.iter().find(|(of, _)| *of == tag).map(|(_, counters)| *counters),
            closed_loop: source.plan().steps.iter().any(|step| {
                matches!(&step.kind, StepKind::Load(load)
                    if load.tags().contains(&tag.as_str()) && !load.executor.is_open())
            }),
            thresholds: limits_of(source.plan(), &tag),
            tag,
        })
        .collect()
}

/// The limits on a tag's latency that can be drawn: those of a check, and thresholds that compare with no other side.
fn limits_of(plan: &Plan, tag: &str) -> Vec<LatencyThreshold> {
    let of_checks = plan.checks.iter().flat_map(|check| &check.parameters.thresholds);
    let of_gates = plan.thresholds.iter().filter_map(|gate| match gate.metric {
        Metric::Latency(quantile) if gate.versus.is_none() && gate.below => Some(LatencyThreshold {
            tag: gate.tag.clone()?,
            quantile,
            limit: Duration::try_from_secs_f64(gate.limit / 1e3).ok()?,
            error_rate: 0.0,
        }),
        _ => None,
    });
    of_checks.cloned().chain(of_gates).filter(|threshold| threshold.tag == tag).collect()
}

impl TagLatency<'_> {
    /// Successful requests measured.
    pub(super) fn samples(&self) -> u64 {
        self.intended.map_or(0, Histogram::len)
    }

    /// Requests that did not end well.
    pub(super) fn error_count(&self) -> u64 {
        self.counters.map(|counters| counters.errors).unwrap_or_else(|| self.errors.map_or(0, Histogram::len))
    }
}

/// A quantile in milliseconds; `None` where fewer samples were taken than a 95 % bound on it needs.
pub(super) fn quantile_ms(values: &Histogram<u64>, quantile: f64) -> Option<f64> {
    (values.len() >= samples_needed(quantile)).then(|| values.value_at_quantile(quantile) as f64 / 1e6)
}

/// [`QUANTILES`] that there are samples enough for, with their milliseconds.
pub(super) fn named_quantiles(values: &Histogram<u64>) -> Vec<(f64, f64)> {
    QUANTILES.into_iter().filter_map(|q| Some((q, quantile_ms(values, q)?))).collect()
}

/// Samples of which the largest bounds this quantile from above with 95 % confidence: the least n with 1 − qⁿ ≥ 0.95.
pub(super) fn samples_needed(quantile: f64) -> u64 {
    if quantile <= 0.0 {
        return 1;
    }
    ((0.05f64).ln() / quantile.ln()).ceil().max(1.0) as u64
}

/// Counters by tag; several steps of one tag are added up.
fn counters(source: &Source<'_>) -> Vec<(String, Counters)> {
    let mut all: Vec<(String, Counters)> = Vec::new();
    for event in source.events() {
        let EventKind::LoadCounters {
            tag,
            sent,
            good,
            errors,
            corrupt,
            overloaded,
            seconds,
            proxy_cpu,
            engine,
        } = &event.event
        else {
            continue;
        };
        let position = all.iter().position(|(of, _)| of == tag).unwrap_or_else(|| {
            all.push((tag.clone(), Counters::default()));
            all.len() - 1
        });
        let sum = &mut all[position].1;
        sum.sent += sent;
        sum.good += good;
        sum.errors += errors;
        sum.corrupt += corrupt;
        sum.overloaded |= overloaded;
        sum.seconds += seconds;
        sum.never_sent += engine.never_sent;
        if let Some(asked) = engine.asked_per_second.filter(|_| !engine.rate_reached) {
            sum.rate_missed = Some((asked, engine.reached_per_second));
        }
        sum.cpu_seconds = match (sum.cpu_seconds, proxy_cpu) {
            (before, Some(cpu)) => Some(before.unwrap_or(0.0) + cpu.as_secs_f64()),
            (before, None) => before,
        };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{by_tag, quantile_ms, samples_needed};
    use crate::report::testkit::RunBuilder;

    #[test]
    fn a_percentile_needs_its_samples() {
        assert_eq!(
            (samples_needed(0.99), samples_needed(0.999), samples_needed(0.9999)),
            (299, 2_995, 29_956)
        );
        assert_eq!(samples_needed(0.0), 1);
        let run = RunBuilder::new("load").ready().load("steady", 400, 0).build();
        let source = run.source();
        let tags = by_tag(&source);
        let values = tags[0].intended.unwrap();
        assert!(quantile_ms(values, 0.99).is_some());
        assert!(quantile_ms(values, 0.999).is_none());
        assert_eq!(tags[0].counters.unwrap().sent, 400);
        assert!(!tags[0].closed_loop);
    }
}
