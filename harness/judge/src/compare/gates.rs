//! Thresholds over rounds: passed or failed where the whole interval says so, otherwise more rounds, at last inconclusive.
//!
//! `harness compare` asks after 8, 16 and 32 rounds. A failure must also exceed what the same side differs from itself between
//! rounds, and a latency is judged only where requests left in time and the host was quiet enough.

use serde::{Deserialize, Serialize};

use super::errors::too_many;
use super::ratio::{holding, quotient_of_medians};
use super::{BASELINE, Figures, LEVEL, Reference};
use harness_model::plan::{Gate, Metric, Versus};
use harness_model::statistics::{median, median_interval};

/// Share of a latency limit by which requests may be sent late before the limit is not measurable.
pub(super) const SEND_LAG_SHARE: f64 = 0.2;

/// What follows for a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// The whole interval is within the limit.
    Pass,
    /// The whole interval is beyond it.
    Fail,
    /// Neither.
    Inconclusive,
}

/// Why a threshold is inconclusive, or fails for another reason than its figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The side that it names was not measured.
    NoSuchSide,
    /// The baseline has no such figure.
    NotInBaseline,
    /// The baseline comes from another host, whose speeds say nothing here.
    OtherHost,
    /// It could be measured in too few rounds.
    TooFewRounds,
    /// The limit lies within the interval.
    Straddles,
    /// It is beyond the limit by less than the side differs from itself.
    WithinNoise,
    /// Requests left this many milliseconds late.
    SentTooLate(f64),
    /// Requests to the one side left by so many milliseconds later than those to the other, which is more than what is left
    /// to the limit.
    LagsDiffer(f64),
    /// The host wakes sleepers this many milliseconds late, more than the margin.
    HostTooNoisy(f64),
    /// So many requests to a side went wrong that the rest says nothing.
    TooManyErrors {
        /// The side.
        side: String,
        /// The share of its requests.
        share: f64,
        /// The largest that is allowed.
        limit: f64,
    },
}

/// A threshold and what follows for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gated {
    /// The threshold.
    pub gate: Gate,
    /// Median of the figure over the rounds.
    pub observed: Option<f64>,
    /// Interval for that median.
    pub interval: Option<(f64, f64)>,
    /// Rounds in which it could be measured.
    pub rounds: usize,
    /// What follows.
    pub ruling: Ruling,
    /// Why it does not, where it does not.
    pub doubt: Option<Doubt>,
}

/// Judges thresholds: `rounds[round][side]`, the side under test first; `names` are those of the sides.
pub fn judge_gates(
    gates: &[Gate],
    names: &[&str],
    rounds: &[Vec<Figures>],
    reference: Option<&Reference>,
) -> Vec<Gated> {
    gates.iter().map(|gate| one(gate, gates, names, rounds, reference)).collect()
}

fn one(
    gate: &Gate,
    all: &[Gate],
    names: &[&str],
    rounds: &[Vec<Figures>],
    reference: Option<&Reference>,
) -> Gated {
    let mut gated = Gated {
        gate: gate.clone(),
        observed: None,
        interval: None,
        rounds: 0,
        ruling: Ruling::Inconclusive,
        doubt: None,
    };
    let doubtful = |doubt, gated: Gated| Gated { doubt: Some(doubt), ..gated };
    let values = match compared_values(gate, names, rounds, reference) {
        Ok(values) => values,
        Err(doubt) => return doubtful(doubt, gated),
    };
    gated.rounds = values.len();
    gated.observed = median(&values);
    if let Some((side, doubt)) = errors_of_sides(gate, all, names, rounds) {
        // Of the side under test it is a failure; of another, nothing follows.
        let ruling = if side == 0 { Ruling::Fail } else { Ruling::Inconclusive };
        return Gated { ruling, ..doubtful(doubt, gated) };
    }
    gated.interval = median_interval(&values, LEVEL).map(|interval| (interval.low, interval.high));
    if let (Some(reference), Some(interval)) = (reference.filter(|_| is_of_baseline(gate)), gated.interval) {
        gated.interval = widened(gate, interval, reference);
    } else if let (Some(other), Some(interval)) = (of_medians(gate, names, rounds), gated.interval) {
        gated.interval = Some(holding(interval, other));
    }
    let (Some(observed), Some((low, high))) = (gated.observed, gated.interval) else {
        return doubtful(Doubt::TooFewRounds, gated);
    };
    let (within, beyond) = (gate.holds(low) && gate.holds(high), !gate.holds(low) && !gate.holds(high));
    let doubt = match (within, beyond) {
        (false, false) => Some(Doubt::Straddles),
        _ => latency_doubt(gate, observed, names, rounds).or_else(|| {
            let margin = (observed - gate.limit).abs();
            let floor = noise_floor(gate, &values);
            (beyond && floor > 0.0 && margin <= floor).then_some(Doubt::WithinNoise)
        }),
    };
    gated.ruling = match (&doubt, within) {
        (Some(_), _) => Ruling::Inconclusive,
        (None, true) => Ruling::Pass,
        (None, false) => Ruling::Fail,
    };
    Gated { doubt, ..gated }
}

/// The first side of those compared of which so much went wrong that its figures say nothing.
fn errors_of_sides(
    gate: &Gate,
    all: &[Gate],
    names: &[&str],
    rounds: &[Vec<Figures>],
) -> Option<(usize, Doubt)> {
    let other = gate.versus.as_ref().and_then(|versus| names.iter().position(|name| *name == versus.side()));
    [0].into_iter().chain(other).find_map(|side| {
        let tags = rounds.iter().filter_map(|round| round.get(side)?.tags.get(gate.tag.as_ref()?));
        let (sent, good) = tags.fold((0, 0), |sum, tag| (sum.0 + tag.sent(), sum.1 + tag.good()));
        let (share, limit) = too_many(gate, all, sent, good)?;
        let side_name = names.get(side).copied().unwrap_or_default().to_owned();
        Some((side, Doubt::TooManyErrors { side: side_name, share, limit }))
    })
}

fn is_of_baseline(gate: &Gate) -> bool {
    gate.versus.as_ref().is_some_and(|versus| versus.side() == BASELINE)
}

/// What is limited, by round: a figure, its ratio to that of another side, or the difference.
fn compared_values(
    gate: &Gate,
    names: &[&str],
    rounds: &[Vec<Figures>],
    reference: Option<&Reference>,
) -> Result<Vec<f64>, Doubt> {
    let figure = |round: &Vec<Figures>, side: usize| round.get(side)?.get(gate.tag.as_deref(), gate.metric);
    let compare = |ours: f64, theirs: f64| match gate.versus {
        Some(Versus::Difference(_)) => Some(ours - theirs),
        // Two sides without an error are alike.
        _ if gate.metric == Metric::ErrorRate && theirs == 0.0 => {
            Some(if ours == 0.0 { 1.0 } else { f64::INFINITY })
        }
        _ => (theirs > 0.0).then(|| ours / theirs),
    };
    let Some(versus) = &gate.versus else {
        return Ok(rounds.iter().filter_map(|round| figure(round, 0)).collect());
    };
    if let Some(reference) = reference.filter(|_| is_of_baseline(gate)) {
        if !reference.speaks_of(gate.metric) {
            return Err(Doubt::OtherHost);
        }
        let then = median(reference.baseline.values(gate.tag.as_deref(), gate.metric))
            .ok_or(Doubt::NotInBaseline)?;
        return Ok(rounds.iter().filter_map(|round| compare(figure(round, 0)?, then)).collect());
    }
    let other = names.iter().position(|name| *name == versus.side()).ok_or(Doubt::NoSuchSide)?;
    Ok(rounds.iter().filter_map(|round| compare(figure(round, 0)?, figure(round, other)?)).collect())
}

/// What follows for a ratio or a difference from the medians of the two sides alone, as a reader works it out.
fn of_medians(gate: &Gate, names: &[&str], rounds: &[Vec<Figures>]) -> Option<f64> {
    let versus = gate.versus.as_ref()?;
    let other = names.iter().position(|name| *name == versus.side())?;
    let figure = |round: &Vec<Figures>, side: usize| round.get(side)?.get(gate.tag.as_deref(), gate.metric);
    let pairs: Vec<(f64, f64)> =
        rounds.iter().filter_map(|round| figure(round, other).zip(figure(round, 0))).collect();
    match versus {
        Versus::Ratio(_) => quotient_of_medians(&pairs),
        Versus::Difference(_) => {
            let (theirs, ours): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            Some(median(&ours)? - median(&theirs)?)
        }
    }
}

/// The interval of what was compared with the median of a baseline, with the uncertainty of that median added.
fn widened(gate: &Gate, (low, high): (f64, f64), reference: &Reference) -> Option<(f64, f64)> {
    let values = reference.baseline.values(gate.tag.as_deref(), gate.metric);
    let (then, of_then) = (median(values)?, median_interval(values, LEVEL)?);
    match gate.versus {
        Some(Versus::Difference(_)) => Some((low + then - of_then.high, high + then - of_then.low)),
        _ => (of_then.low > 0.0).then(|| (low * then / of_then.high, high * then / of_then.low)),
    }
}

/// How much the figure differs from itself between neighbouring rounds, as a median; what is counted exactly has none.
fn noise_floor(gate: &Gate, values: &[f64]) -> f64 {
    if matches!(gate.metric, Metric::RrSpread | Metric::ErrorRate) {
        return 0.0;
    }
    let differences: Vec<f64> = values.chunks_exact(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    // Half of it: a difference of two has the noise of both.
    median(&differences).unwrap_or_default() / 2.0
}

/// Why a latency cannot be judged here. In a ratio the noise of the host cancels out, as long as the requests to both sides
/// left alike.
fn latency_doubt(gate: &Gate, observed: f64, names: &[&str], rounds: &[Vec<Figures>]) -> Option<Doubt> {
    let Metric::Latency(quantile) = gate.metric else { return None };
    if let Some(Versus::Ratio(_)) = gate.versus {
        return lags_differ(gate, quantile, observed, names, rounds);
    }
    let over_rounds = |figure: &dyn Fn(&Figures) -> Option<f64>| {
        let values: Vec<f64> = rounds.iter().filter_map(|round| figure(round.first()?)).collect();
        median(&values).unwrap_or_default()
    };
    let lag = over_rounds(&|figures| figures.send_lag_ms(gate.tag.as_deref(), quantile));
    if lag > SEND_LAG_SHARE * gate.limit {
        return Some(Doubt::SentTooLate(lag));
    }
    // The sentinel's p99 disturbs tails, not medians.
    let noise = over_rounds(&|figures| Some(figures.noise_ms));
    (quantile > 0.9 && noise > (gate.limit - observed).abs()).then_some(Doubt::HostTooNoisy(noise))
}

/// Whether the requests to one side left so much later than those to the other that the verdict could be of the lag alone. Of
/// a baseline no lag is kept: beside it today's must be small against the limit.
fn lags_differ(
    gate: &Gate,
    quantile: f64,
    observed: f64,
    names: &[&str],
    rounds: &[Vec<Figures>],
) -> Option<Doubt> {
    let lag = |round: &Vec<Figures>, side: usize| round.get(side)?.send_lag_ms(gate.tag.as_deref(), quantile);
    let of_side = |side: usize| -> Vec<f64> {
        let figure = |round: &Vec<Figures>| round.get(side)?.get(gate.tag.as_deref(), gate.metric);
        rounds.iter().filter_map(figure).collect()
    };
    let versus = gate.versus.as_ref().map_or("", Versus::side);
    let Some(other) = names.iter().position(|name| *name == versus) else {
        let then = median(&of_side(0))? / observed;
        let late = median(&rounds.iter().filter_map(|round| lag(round, 0)).collect::<Vec<f64>>())?;
        return (late > SEND_LAG_SHARE * gate.limit * then).then_some(Doubt::SentTooLate(late));
    };
    let apart: Vec<f64> =
        rounds.iter().filter_map(|round| Some(lag(round, 0)? - lag(round, other)?)).collect();
    let (apart, theirs) = (median(&apart)?.abs(), median(&of_side(other))?);
    (apart > (gate.limit - observed).abs() * theirs).then_some(Doubt::LagsDiffer(apart))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(ours: &[f64], theirs: &[f64]) -> Vec<Vec<Figures>> {
        let side = |bytes: f64| Figures { rss_peak: Some(bytes), ..Figures::default() };
        ours.iter().zip(theirs).map(|(a, b)| vec![side(*a), side(*b)]).collect()
    }

    fn ruled(gate: &str, rounds: &[Vec<Figures>]) -> (Ruling, Option<Doubt>) {
        let gated = judge_gates(&[gate.parse().unwrap()], &["pibl", "nginx"], rounds, None).remove(0);
        (gated.ruling, gated.doubt)
    }

    const EIGHT: [f64; 8] = [100.0, 101.0, 99.0, 100.0, 102.0, 98.0, 100.0, 101.0];

    #[test]
    fn the_whole_interval_decides() {
        let even = rounds(&EIGHT, &EIGHT);
        assert_eq!(ruled("rss_peak < 110B", &even), (Ruling::Pass, None));
        assert_eq!(ruled("rss_peak < 90B", &even), (Ruling::Fail, None));
        assert_eq!(ruled("rss_peak < 100B", &even), (Ruling::Inconclusive, Some(Doubt::Straddles)));
        assert_eq!(ruled("rss_peak > 90B", &even), (Ruling::Pass, None));
    }

    #[test]
    fn what_lies_on_a_strict_limit_without_any_noise_fails() {
        let spread = |spread: f64| vec![Figures { rr_spread: Some(spread), ..Figures::default() }];
        let eight: Vec<Vec<Figures>> = (0..8).map(|_| spread(1.0)).collect();
        assert_eq!(ruled("rr.spread < 1", &eight), (Ruling::Fail, None));
        assert_eq!(ruled("rr.spread <= 1", &eight), (Ruling::Pass, None));
    }

    #[test]
    fn fast_errors_are_no_speed() {
        let with = |errors: u64| {
            let mut figures = Figures::default();
            figures.tags.insert("hits".into(), crate::compare::figures::tests::load(200, 1, errors));
            figures
        };
        let rounds = |ours: u64, theirs: u64| -> Vec<Vec<Figures>> {
            (0..8).map(|_| vec![with(ours), with(theirs)]).collect()
        };
        for gate in [
            "hits: latency p(50) < 500ms",
            "hits: latency{vs:nginx} p(50) < 200%",
            "hits: cpu_per_request{vs:nginx} < 200%",
        ] {
            assert_eq!(ruled(gate, &rounds(0, 0)), (Ruling::Pass, None), "{gate}");
            let (ruling, doubt) = ruled(gate, &rounds(200, 0));
            assert_eq!(ruling, Ruling::Fail, "{gate}");
            assert!(matches!(doubt, Some(Doubt::TooManyErrors { share, .. }) if share == 0.5), "{doubt:?}");
        }
        // Where the other side is in error, nothing follows for the one under test.
        let (ruling, _) = ruled("hits: cpu_per_request{vs:nginx} < 200%", &rounds(0, 200));
        assert_eq!(ruling, Ruling::Inconclusive);
        assert_eq!(ruled("hits: error_rate{vs:nginx} < 2x", &rounds(0, 0)), (Ruling::Pass, None));
        assert_eq!(ruled("hits: error_rate{vs:nginx} < 2x", &rounds(9, 0)), (Ruling::Fail, None));
    }

    #[test]
    fn a_side_compared_with_itself_does_not_fail() {
        let even = rounds(&EIGHT, &EIGHT);
        assert_eq!(ruled("rss_peak{vs:nginx} < 105%", &even).0, Ruling::Pass);
        let slower: Vec<f64> = EIGHT.iter().map(|value| value * 1.2).collect();
        assert_eq!(ruled("rss_peak{vs:nginx} < 105%", &rounds(&slower, &EIGHT)).0, Ruling::Fail);
    }

    #[test]
    fn too_few_rounds_and_absent_sides_decide_nothing() {
        let few = rounds(&EIGHT[..5], &EIGHT[..5]);
        assert_eq!(ruled("rss_peak < 110B", &few), (Ruling::Inconclusive, Some(Doubt::TooFewRounds)));
        let even = rounds(&EIGHT, &EIGHT);
        assert_eq!(ruled("rss_peak{vs:squid} < 2x", &even), (Ruling::Inconclusive, Some(Doubt::NoSuchSide)));
        assert_eq!(ruled("hits: rate > 5/s", &even), (Ruling::Inconclusive, Some(Doubt::TooFewRounds)));
    }

    #[test]
    fn a_failure_must_exceed_what_a_side_differs_from_itself() {
        let restless = [101.0, 140.0, 101.0, 140.0, 101.0, 140.0, 101.0, 140.0];
        assert_eq!(ruled("rss_peak < 101B", &rounds(&restless, &EIGHT)).1, Some(Doubt::WithinNoise));
    }

    #[test]
    fn a_ratio_of_latencies_wants_requests_that_left_alike() {
        let side = |ms: u64, lag_ms: u64| {
            let mut tag = crate::compare::figures::tests::load(1_000, ms, 0);
            tag.send_lag.saturating_record_n(lag_ms * 1_000_000, 1_000);
            Figures { tags: [("hits".to_owned(), tag)].into(), ..Figures::default() }
        };
        let of = |ours: (u64, u64), theirs: (u64, u64)| -> Vec<Vec<Figures>> {
            (0..8).map(|_| vec![side(ours.0, ours.1), side(theirs.0, theirs.1)]).collect()
        };
        let gate = "hits: latency{vs:nginx} p(50) < 120%";
        assert_eq!(ruled(gate, &of((30, 1), (20, 1))), (Ruling::Fail, None));
        assert!(matches!(ruled(gate, &of((30, 8), (20, 1))).1, Some(Doubt::LagsDiffer(_))));
        assert!(matches!(ruled(gate, &of((20, 1), (20, 9))).1, Some(Doubt::LagsDiffer(_))));
        assert_eq!(ruled(gate, &of((20, 2), (20, 1))), (Ruling::Pass, None));
    }

    #[test]
    fn a_baseline_is_compared_by_both_intervals_and_refused_from_another_host() {
        let of = |bytes: &[f64], other_host| {
            let text = String::new;
            let baseline =
                crate::compare::Baseline::of(text(), text(), text(), text(), text(), &rounds(bytes, bytes));
            Reference { baseline, other_host }
        };
        let ruled = |gate: &str, ours: &[f64], reference: &Reference| {
            let gates = [gate.parse().unwrap()];
            let gated = judge_gates(&gates, &["pibl"], &rounds(ours, ours), Some(reference)).remove(0);
            (gated.ruling, gated.doubt)
        };
        let reference = of(&EIGHT, true);
        assert_eq!(ruled("rss_peak{vs:baseline} < 110%", &EIGHT, &reference), (Ruling::Pass, None));
        let doubled = EIGHT.map(|bytes| bytes * 2.0);
        assert_eq!(ruled("rss_peak{vs:baseline} < 110%", &doubled, &reference), (Ruling::Fail, None));
        // 4 % apart: the spread of then and now covers the limit.
        assert_eq!(ruled("rss_peak{vs:baseline} < 102%", &EIGHT, &reference).1, Some(Doubt::Straddles));
        let latency = "hits: latency{vs:baseline} p(99) < 2x";
        assert_eq!(ruled(latency, &EIGHT, &reference).1, Some(Doubt::OtherHost));
        assert_eq!(ruled(latency, &EIGHT, &of(&EIGHT, false)).1, Some(Doubt::NotInBaseline));
    }
}
