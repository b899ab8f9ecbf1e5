//! Latency thresholds: percentiles from the instant each request was due, with their error rate, sample size and doubts.
//!
//! `evaluate` calls it. A limit is judged only where it could be measured: enough samples, requests sent in time, a host
//! quiet enough for the margin; otherwise the verdict is inconclusive and says why.

use super::judged::Judged;
use super::ledger::{Ledger, ms};
use super::seen::{Judgement, ThresholdSeen};
use super::{Finding, Outcome};
use harness_model::history::{EventKind, Histograms, Measure};
use harness_model::plan::{CheckPlan, LatencyThreshold, StepKind};
use harness_model::statistics::samples_needed;

/// Share of a limit by which requests may be sent late before the limit is not measurable.
const SEND_LAG_SHARE: f64 = 0.2;

/// `latency.thresholds`: every threshold of the scenario.
pub(super) fn thresholds(ledger: &Ledger<'_>, histograms: &Histograms, check: &CheckPlan) -> Judged {
    if check.parameters.thresholds.is_empty() {
        return Judged::not_reached();
    }
    let seen: Vec<ThresholdSeen> =
        check.parameters.thresholds.iter().map(|threshold| one(ledger, histograms, threshold)).collect();
    let any = |wanted: &[Judgement]| seen.iter().any(|one| wanted.contains(&one.judgement));
    let outcome = if any(&[Judgement::Exceeded, Judgement::TooManyErrors]) {
        Outcome::Fail
    } else if seen.iter().all(|one| one.judgement == Judgement::Within) {
        Outcome::Pass
    } else {
        Outcome::Inconclusive
    };
    let evidence = counter_lines(ledger, &check.parameters.thresholds);
    Judged { outcome, finding: Finding::Latencies { thresholds: seen }, evidence }
}

fn one(ledger: &Ledger<'_>, histograms: &Histograms, threshold: &LatencyThreshold) -> ThresholdSeen {
    let limit_ms = ms(threshold.limit);
    let counted = counters(ledger, &threshold.tag);
    let mut seen = ThresholdSeen {
        tag: threshold.tag.clone(),
        quantile: threshold.quantile,
        limit_ms,
        observed_ms: None,
        samples: 0,
        samples_needed: samples_needed(threshold.quantile),
        error_rate: counted.error_rate,
        error_limit: threshold.error_rate,
        send_lag_ms: None,
        host_noise_ms: host_noise(ledger, &threshold.tag),
        overloaded: counted.overloaded,
        judgement: Judgement::NothingMeasured,
    };
    let total = |measure| histograms.total(&threshold.tag, measure);
    let length = |measure| total(measure).map_or(0, hdrhistogram::Histogram::len);
    seen.samples = length(Measure::Intended);
    if counted.sent == 0 {
        // A load that was cut short has no counters: its errors are in their own histogram.
        let (all, errors) = (seen.samples + length(Measure::Error), length(Measure::Error));
        seen.error_rate = if all == 0 { 0.0 } else { errors as f64 / all as f64 };
    }
    let at = |measure| total(measure).map(|values| values.value_at_quantile(threshold.quantile) as f64 / 1e6);
    if seen.samples >= seen.samples_needed {
        seen.observed_ms = at(Measure::Intended);
    }
    if length(Measure::SendLag) > 0 {
        seen.send_lag_ms = at(Measure::SendLag);
    }
    // What we could not send says nothing of what would have come of it; a thousandth of it changes nothing.
    seen.judgement = if counted.ours * 1_000 > counted.sent + counted.ours {
        Judgement::NoMeans
    } else {
        judgement(&seen, ledger.plan.is_small())
    };
    seen
}

/// What follows from the figures: errors first, because they are certain; then whether it could be measured at all.
fn judgement(seen: &ThresholdSeen, small: bool) -> Judgement {
    if seen.error_rate > seen.error_limit {
        return Judgement::TooManyErrors;
    }
    if seen.samples == 0 {
        return Judgement::NothingMeasured;
    }
    let Some(observed) = seen.observed_ms else { return Judgement::TooFewSamples };
    if small {
        return Judgement::SmallHost;
    }
    if seen.send_lag_ms.is_some_and(|lag| lag > SEND_LAG_SHARE * seen.limit_ms) {
        return Judgement::SentTooLate;
    }
    if seen.host_noise_ms.is_some_and(|noise| noise > (seen.limit_ms - observed).abs()) {
        return Judgement::HostTooNoisy;
    }
    if observed < seen.limit_ms { Judgement::Within } else { Judgement::Exceeded }
}

#[derive(Default)]
struct Counted {
    sent: u64,
    /// Never sent, because our own side had no means.
    ours: u64,
    error_rate: f64,
    overloaded: bool,
}

fn counters(ledger: &Ledger<'_>, wanted: &str) -> Counted {
    let (mut all_sent, mut all_ours, mut all_errors, mut any_overloaded) = (0u64, 0u64, 0u64, false);
    for event in ledger.events {
        if let EventKind::LoadCounters { tag, sent, errors, corrupt, overloaded, engine, .. } = &event.event
            && tag == wanted
        {
            all_sent += sent.saturating_sub(engine.ours);
            all_ours += engine.ours;
            all_errors += errors + corrupt;
            any_overloaded |= overloaded;
        }
    }
    let error_rate = if all_sent == 0 { 0.0 } else { all_errors as f64 / all_sent as f64 };
    Counted { sent: all_sent, ours: all_ours, error_rate, overloaded: any_overloaded }
}

/// The worst interval of the host's sentinel during the steps of a tag.
fn host_noise(ledger: &Ledger<'_>, tag: &str) -> Option<f64> {
    let of_tag = |step: Option<usize>| {
        let kind = step.and_then(|step| ledger.plan.steps.get(step)).map(|step| &step.kind);
        matches!(kind, Some(StepKind::Load(load)) if load.tags().contains(&tag))
    };
    let noises =
        ledger.events.iter().filter(|event| of_tag(event.step)).filter_map(|event| match &event.event {
            EventKind::HostNoise(noise) => Some(ms(noise.p99_overshoot)),
            _ => None,
        });
    noises.max_by(f64::total_cmp)
}

fn counter_lines(ledger: &Ledger<'_>, thresholds: &[LatencyThreshold]) -> Vec<usize> {
    let wanted = |tag: &String| thresholds.iter().any(|threshold| threshold.tag == *tag);
    let lines = ledger.events.iter().enumerate().filter_map(|(line, event)| match &event.event {
        EventKind::LoadCounters { tag, .. } if wanted(tag) => Some(line),
        _ => None,
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;

    use crate::check::testkit::Kit;
    use crate::check::{Finding, Judgement, Outcome, Verdict, evaluate};
    use harness_model::catalogue::CheckId;
    use harness_model::history::{EventKind, HostNoise, Interval, Measure};
    use harness_model::plan::samples::{load, rate};
    use harness_model::plan::{LatencyThreshold, StepKind};

    fn histogram(samples: u64, milliseconds: u64) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
        histogram.record_n(milliseconds * 1_000_000, samples).unwrap();
        histogram
    }

    fn judged(
        samples: u64,
        milliseconds: u64,
        lag_ms: u64,
        errors: u64,
        noise_ms: u64,
    ) -> (Outcome, Judgement) {
        let mut kit = Kit::new(3);
        kit.step(0.0, StepKind::Load(load("steady", rate(100.0, 5))));
        kit.event(
            10.0,
            EventKind::LoadCounters {
                tag: "steady".into(),
                sent: samples + errors,
                good: samples,
                errors,
                corrupt: 0,
                overloaded: false,
                seconds: 5.0,
                proxy_cpu: None,
                engine: harness_model::history::EngineCounters::default(),
            },
        );
        let noise = HostNoise { p99_overshoot: Duration::from_millis(noise_ms), ..HostNoise::default() };
        kit.event(11.0, EventKind::HostNoise(noise));
        for (measure, values) in [
            (Measure::Intended, histogram(samples, milliseconds)),
            (Measure::SendLag, histogram(samples, lag_ms)),
            (Measure::Error, histogram(errors, 1)),
        ] {
            let (start, duration) = (crate::check::testkit::moment(0.0), Duration::from_secs(5));
            kit.record.histograms.push(Interval { tag: "steady".into(), measure, start, duration, values });
        }
        kit.check(CheckId::LatencyThresholds);
        let limit = Duration::from_millis(50);
        let threshold = LatencyThreshold { tag: "steady".into(), quantile: 0.99, limit, error_rate: 0.01 };
        kit.record.plan.checks[0].parameters.thresholds = vec![threshold];
        let Verdict { outcome, finding: Finding::Latencies { thresholds }, .. } =
            evaluate(&kit.record).remove(0)
        else {
            panic!()
        };
        (outcome, thresholds[0].judgement)
    }

    #[test]
    fn within_and_past_the_limit() {
        assert_eq!(judged(500, 10, 0, 0, 1), (Outcome::Pass, Judgement::Within));
        assert_eq!(judged(500, 80, 0, 0, 1), (Outcome::Fail, Judgement::Exceeded));
    }

    #[test]
    fn too_few_samples_are_not_gated() {
        assert_eq!(judged(298, 80, 0, 0, 1), (Outcome::Inconclusive, Judgement::TooFewSamples));
        assert_eq!(judged(299, 80, 0, 0, 1), (Outcome::Fail, Judgement::Exceeded));
    }

    #[test]
    fn fast_errors_do_not_improve_a_percentile() {
        assert_eq!(judged(500, 10, 0, 50, 1), (Outcome::Fail, Judgement::TooManyErrors));
    }

    #[test]
    fn a_harness_that_sends_late_judges_nothing() {
        assert_eq!(judged(500, 80, 11, 0, 1), (Outcome::Inconclusive, Judgement::SentTooLate));
    }

    #[test]
    fn noise_counts_only_where_it_exceeds_the_margin() {
        assert_eq!(judged(500, 45, 0, 0, 20), (Outcome::Inconclusive, Judgement::HostTooNoisy));
        assert_eq!(judged(500, 10, 0, 0, 20), (Outcome::Pass, Judgement::Within));
    }
}
