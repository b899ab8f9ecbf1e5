//! Thresholds by a single run: what it shows of itself, within the doubt that its samples, its clock and its host leave.
//!
//! The pages of a run ask for it. How much one run differs from the next it cannot know; `gates` does, over rounds, and
//! whatever is compared with another side is left to it.

use serde::Serialize;

use super::errors::{BOUND, too_many};
use super::figures_of;
use super::gates::{Ruling, SEND_LAG_SHARE};
use super::{Figures, figures::TagFigures};
use harness_model::history::Record;
use harness_model::plan::{Gate, Metric};
use harness_model::statistics::{clopper_pearson, quantile_ranks, samples_needed};

/// Seconds of CPU time by which two readings may be wrong together: of processes that ended, and where a process has no clock of
/// its own, they are cut to ticks of 10 ms.
const CPU_STEP: f64 = 0.02;

/// Why a threshold was not met, or could not be decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Our own side had no descriptors, ports or memory for so many requests.
    NoMeans {
        /// Requests that were never sent for that.
        requests: u64,
    },
    /// It compares with another side, and a single run has none.
    NeedsComparison {
        /// That side.
        side: String,
    },
    /// It limits a latency, and the small profile judges none.
    SmallHost,
    /// Nothing was measured of it.
    NotMeasured,
    /// Fewer samples than its percentile needs.
    TooFewSamples {
        /// So many there are.
        have: u64,
        /// So many it takes.
        needed: u64,
    },
    /// The limit lies within the interval.
    Straddles,
    /// Requests left this many milliseconds late.
    SentTooLate(f64),
    /// The host wakes sleepers this many milliseconds late, more than the margin.
    HostTooNoisy(f64),
    /// Too many requests went wrong for the rest to say how fast it is.
    TooManyErrors {
        /// Their share.
        share: f64,
        /// The largest that is allowed.
        limit: f64,
    },
}

/// A threshold and what one run says of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limited {
    /// The threshold.
    pub gate: Gate,
    /// The figure, in the metric's own unit.
    pub observed: Option<f64>,
    /// Where it lies with a confidence of 95 % at each end; both ends are the figure itself where it is counted exactly.
    pub interval: Option<(f64, f64)>,
    /// Requests it rests on; 0 where it is a figure of the proxy as a whole.
    pub samples: u64,
    /// What follows.
    pub ruling: Ruling,
    /// Why it is no pass, where that is more than the figure itself.
    pub reason: Option<Reason>,
}

/// Judges the thresholds of a run by its record.
pub fn judge_run(record: &Record) -> Vec<Limited> {
    let gates = &record.plan.thresholds;
    if gates.is_empty() {
        return Vec::new();
    }
    let figures = figures_of(record);
    gates.iter().map(|gate| one(gate, gates, &figures, record.plan.is_small())).collect()
}

fn one(gate: &Gate, all: &[Gate], figures: &Figures, small: bool) -> Limited {
    let tag = gate.tag.as_ref().and_then(|tag| figures.tags.get(tag));
    let mut limited = Limited {
        gate: gate.clone(),
        observed: None,
        interval: None,
        samples: tag.map_or(0, TagFigures::sent),
        ruling: Ruling::Inconclusive,
        reason: None,
    };
    let because = |reason, limited| Limited { reason: Some(reason), ..limited };
    if let Some(versus) = &gate.versus {
        return because(Reason::NeedsComparison { side: versus.side().to_owned() }, limited);
    }
    // What we could not send says nothing of what would have come of it.
    if let Some(requests) = tag.and_then(TagFigures::ours) {
        return because(Reason::NoMeans { requests }, limited);
    }
    if let Some((share, limit)) = tag.and_then(|tag| too_many(gate, all, tag.sent(), tag.good())) {
        return Limited { ruling: Ruling::Fail, ..because(Reason::TooManyErrors { share, limit }, limited) };
    }
    limited.observed = figures.get(gate.tag.as_deref(), gate.metric);
    limited.interval = interval(gate.metric, tag, limited.observed);
    if let (Metric::Latency(quantile), Some(tag)) = (gate.metric, tag) {
        let have = tag.latency.len();
        limited.samples = have;
        if limited.interval.is_none() && have > 0 {
            let needed = samples_needed(quantile);
            return because(Reason::TooFewSamples { have, needed }, limited);
        }
    }
    let (Some(observed), Some((low, high))) = (limited.observed, limited.interval) else {
        return because(Reason::NotMeasured, limited);
    };
    if small && matches!(gate.metric, Metric::Latency(_)) {
        return because(Reason::SmallHost, limited);
    }
    if gate.holds(low) != gate.holds(high) {
        return because(Reason::Straddles, limited);
    }
    if let Some(reason) = latency_doubt(gate, observed, figures) {
        return because(reason, limited);
    }
    let ruling = if gate.holds(observed) { Ruling::Pass } else { Ruling::Fail };
    Limited { ruling, ..limited }
}

/// Where the figure lies, as far as this run tells.
fn interval(metric: Metric, tag: Option<&TagFigures>, observed: Option<f64>) -> Option<(f64, f64)> {
    let observed = observed?;
    match (metric, tag) {
        (Metric::Latency(quantile), Some(tag)) => {
            let values = &tag.latency;
            let (low, high) = quantile_ranks(values.len(), quantile, BOUND)?;
            // The middle of a rank, so that rounding finds that rank and no other.
            let at =
                |rank: u64| values.value_at_quantile((rank as f64 - 0.5) / values.len() as f64) as f64 / 1e6;
            Some((at(low), at(high)))
        }
        (Metric::ErrorRate, Some(tag)) => {
            let share = clopper_pearson(tag.sent() - tag.good(), tag.sent(), 2.0 * BOUND - 1.0);
            Some((share.low, share.high))
        }
        (Metric::Rate, Some(tag)) => Some(tag.rates()),
        (Metric::CpuPerRequest, Some(tag)) if tag.sent() > 0 => {
            let step = CPU_STEP * 1e6 / tag.sent() as f64;
            Some(((observed - step).max(0.0), observed + step))
        }
        // Counted, not sampled.
        _ => Some((observed, observed)),
    }
}

/// Why a latency cannot be judged here.
fn latency_doubt(gate: &Gate, observed: f64, figures: &Figures) -> Option<Reason> {
    let Metric::Latency(quantile) = gate.metric else { return None };
    let lag = figures.send_lag_ms(gate.tag.as_deref(), quantile).unwrap_or_default();
    if lag > SEND_LAG_SHARE * gate.limit {
        return Some(Reason::SentTooLate(lag));
    }
    // The sentinel's p99 disturbs tails, not medians.
    let noise = figures.noise_ms;
    (quantile > 0.9 && noise > (gate.limit - observed).abs()).then_some(Reason::HostTooNoisy(noise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::figures::tests::load;

    /// So many good requests of so many milliseconds, and so many errors.
    fn ruled(gates: &[&str], good: u64, ms: u64, errors: u64) -> Vec<(Ruling, Option<Reason>)> {
        let gates: Vec<Gate> = gates.iter().map(|gate| gate.parse().unwrap()).collect();
        let mut figures = Figures { rr_spread: Some(1.0), noise_ms: 3.0, ..Figures::default() };
        figures.tags.insert("hits".into(), load(good, ms, errors));
        gates.iter().map(|gate| one(gate, &gates, &figures, false)).map(|it| (it.ruling, it.reason)).collect()
    }

    fn one_ruled(gate: &str, good: u64, ms: u64, errors: u64) -> (Ruling, Option<Reason>) {
        ruled(&[gate], good, ms, errors).remove(0)
    }

    #[test]
    fn a_limit_is_met_missed_or_not_measurable() {
        assert_eq!(one_ruled("hits: latency p(99) < 50ms", 1_000, 10, 0), (Ruling::Pass, None));
        assert_eq!(one_ruled("hits: latency p(99) < 5ms", 1_000, 10, 0), (Ruling::Fail, None));
        assert_eq!(one_ruled("hits: latency p(99) > 5ms", 1_000, 10, 0), (Ruling::Pass, None));
        let noisy = one_ruled("hits: latency p(99) < 11ms", 1_000, 10, 0);
        assert_eq!(noisy, (Ruling::Inconclusive, Some(Reason::HostTooNoisy(3.0))));
        let few = one_ruled("hits: latency p(99) < 50ms", 100, 10, 0);
        assert_eq!(few, (Ruling::Inconclusive, Some(Reason::TooFewSamples { have: 100, needed: 299 })));
        assert_eq!(one_ruled("rss_peak < 1GiB", 10, 1, 0).1, Some(Reason::NotMeasured));
        assert_eq!(one_ruled("misses: rate > 1/s", 10, 1, 0).1, Some(Reason::NotMeasured));
        assert_eq!(one_ruled("rr.spread <= 1", 10, 1, 0), (Ruling::Pass, None));
    }

    #[test]
    fn the_small_profile_judges_no_latency_and_everything_else() {
        let mut figures = Figures { rr_spread: Some(1.0), ..Figures::default() };
        figures.tags.insert("hits".into(), load(1_000, 10, 0));
        for (text, ruling, reason) in [
            ("hits: latency p(99) < 5ms", Ruling::Inconclusive, Some(Reason::SmallHost)),
            ("hits: latency p(99) < 50ms", Ruling::Inconclusive, Some(Reason::SmallHost)),
            ("hits: error_rate < 1%", Ruling::Pass, None),
            ("rr.spread <= 1", Ruling::Pass, None),
        ] {
            let gate: Gate = text.parse().unwrap();
            let limited = one(&gate, std::slice::from_ref(&gate), &figures, true);
            assert_eq!((limited.ruling, limited.reason), (ruling, reason), "{text}");
        }
    }

    #[test]
    fn a_share_of_errors_needs_enough_requests() {
        assert_eq!(one_ruled("hits: error_rate < 1%", 1_000, 1, 0), (Ruling::Pass, None));
        assert_eq!(one_ruled("hits: error_rate < 1%", 100, 1, 0).1, Some(Reason::Straddles));
        assert_eq!(one_ruled("hits: error_rate < 1%", 900, 1, 100), (Ruling::Fail, None));
    }

    fn of_load(gate: &str, figures: TagFigures) -> (Ruling, Option<Reason>) {
        let gate: Gate = gate.parse().unwrap();
        let all = Figures { tags: [("hits".to_owned(), figures)].into(), ..Figures::default() };
        let limited = one(&gate, std::slice::from_ref(&gate), &all, false);
        (limited.ruling, limited.reason)
    }

    #[test]
    fn a_few_requests_are_no_rate() {
        let rate = |good, seconds, limit: &str| of_load(limit, load(good, 1, 0).over(seconds, 0));
        assert_eq!(rate(1, 0.1, "hits: rate > 5/s").1, Some(Reason::Straddles));
        assert_eq!(rate(10, 1.0, "hits: rate > 10.5/s").1, Some(Reason::Straddles));
        assert_eq!(rate(10, 1.0, "hits: rate > 20/s").0, Ruling::Fail);
        assert_eq!(rate(1_000, 2.0, "hits: rate > 490/s").0, Ruling::Pass);
    }

    #[test]
    fn what_our_own_side_had_no_means_for_is_no_error_of_the_proxy() {
        for gate in ["hits: error_rate < 1%", "hits: latency p(50) < 50ms", "hits: rate > 1/s"] {
            let (ruling, reason) = of_load(gate, load(185, 1, 0).over(2.0, 615));
            assert_eq!((ruling, reason), (Ruling::Inconclusive, Some(Reason::NoMeans { requests: 615 })));
        }
        assert_eq!(of_load("hits: error_rate < 1%", load(5_000, 1, 0).over(2.0, 1)), (Ruling::Pass, None));
    }

    #[test]
    fn fast_errors_do_not_make_a_latency() {
        let (ruling, reason) = one_ruled("hits: latency p(50) < 50ms", 900, 1, 100);
        assert_eq!(ruling, Ruling::Fail);
        assert_eq!(reason, Some(Reason::TooManyErrors { share: 0.1, limit: 0.01 }));
        let allowed = ruled(&["hits: latency p(50) < 50ms", "hits: error_rate < 20%"], 900, 1, 100);
        assert_eq!(allowed, [(Ruling::Pass, None), (Ruling::Pass, None)]);
    }

    #[test]
    fn what_is_compared_with_another_side_is_left_to_a_comparison() {
        for gate in ["hits: added_latency{vs:direct} p(50) < 1ms", "hits: cpu_per_request{vs:direct} < 2x"] {
            let (ruling, reason) = one_ruled(gate, 1_000, 1, 0);
            assert_eq!(ruling, Ruling::Inconclusive);
            assert_eq!(reason, Some(Reason::NeedsComparison { side: "direct".into() }));
        }
    }
}
