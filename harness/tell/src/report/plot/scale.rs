//! Axes: round ticks for linear and logarithmic values, and the axis of percentiles.
//!
//! The figures of this module use it. Pure arithmetic.

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// Round values from `low` to `high`, about `wanted` of them: 1, 2 or 5 times a power of ten apart.
pub(super) fn ticks(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let span = high - low;
    if span <= 0.0 || !span.is_finite() || wanted == 0 {
        return vec![low];
    }
    let raw = span / wanted as f64;
    let power = 10f64.powf(raw.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// A vertical axis of latencies in milliseconds: linear, or logarithmic where the values span too much to be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LatencyAxis {
    /// From zero to this.
    Linear(f64),
    /// Between these two.
    Logarithmic(f64, f64),
}

impl LatencyAxis {
    /// An axis that shows values between these, both positive.
    pub(super) fn for_range(least: f64, most: f64) -> LatencyAxis {
        let most = most.max(1e-6);
        if least > 0.0 && most / least > 40.0 {
            let low = 10f64.powf(least.log10().floor().max(-3.0));
            LatencyAxis::Logarithmic(low, most * 1.4)
        } else {
            LatencyAxis::Linear(most * 1.12)
        }
    }

    /// Where a value lies on the axis.
    pub(super) fn place(self, value: f64) -> f64 {
        match self {
            LatencyAxis::Linear(_) => value,
            LatencyAxis::Logarithmic(low, _) => value.max(low).log10(),
        }
    }

    /// The value at a place.
    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            LatencyAxis::Linear(_) => place,
            LatencyAxis::Logarithmic(..) => 10f64.powf(place),
        }
    }

    /// Its ends, as places.
    pub(super) fn ends(self) -> (f64, f64) {
        match self {
            LatencyAxis::Linear(most) => (0.0, most),
            LatencyAxis::Logarithmic(low, most) => (low.log10(), most.log10()),
        }
    }

    /// Decimals that tell the values of its ticks apart.
    pub(super) fn decimals(self) -> usize {
        let ticks = self.ticks();
        let apart = ticks
            .windows(2)
            .map(|pair| self.value(pair[1]) - self.value(pair[0]))
            .fold(f64::INFINITY, f64::min);
        decimals(apart.min(1.0))
    }

    /// Its ticks, as places.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            LatencyAxis::Linear(most) => ticks(0.0, most, 6),
            LatencyAxis::Logarithmic(low, most) => {
                let decades: Vec<i32> = (low.log10().floor() as i32..=most.log10().ceil() as i32).collect();
                let steps: &[f64] = if decades.len() <= 4 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let values = decades.iter().flat_map(|d| steps.iter().map(move |s| s * 10f64.powi(*d)));
                values.filter(|v| *v >= low * 0.999 && *v <= most).map(f64::log10).collect()
            }
        }
    }
}

/// Where a quantile lies on the axis of percentiles: each further nine takes the same room.
pub(super) fn percentile_place(quantile: f64) -> f64 {
    (1.0 / (1.0 - quantile.clamp(0.0, 0.999_999_999))).log10()
}

/// The quantiles that the axis names, as far as `samples` reach.
pub(super) fn percentile_ticks(samples: u64) -> Vec<f64> {
    const NAMED: [f64; 8] = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
    let reach = (samples.max(2) as f64).log10() + 1e-9;
    NAMED.into_iter().filter(|q| percentile_place(*q) <= reach).collect()
}

/// An axis with the ticks that it is given.
#[derive(Clone, Debug)]
pub(super) struct Ticked {
    range: std::ops::Range<f64>,
    ticks: Vec<f64>,
}

impl Ticked {
    /// An axis over a range, with those of the ticks that lie on it.
    pub(super) fn new(range: std::ops::Range<f64>, ticks: Vec<f64>) -> Ticked {
        let slack = (range.end - range.start).abs() * 1e-9;
        let ticks =
            ticks.into_iter().filter(|t| *t >= range.start - slack && *t <= range.end + slack).collect();
        Ticked { range, ticks }
    }

    /// An axis over a range with about so many round ticks.
    pub(super) fn round(range: std::ops::Range<f64>, wanted: usize) -> Ticked {
        let ticks = ticks(range.start, range.end, wanted);
        Ticked::new(range, ticks)
    }

    /// Decimals that tell its ticks apart.
    pub(super) fn decimals(&self) -> usize {
        decimals(self.ticks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min).min(1.0))
    }
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start).max(f64::MIN_POSITIVE);
        limit.0 + (f64::from(limit.1 - limit.0) * share.clamp(-0.5, 1.5)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.clone()
    }
}

/// Decimals that a value needs so that ticks this far apart differ.
pub(super) fn decimals(step: f64) -> usize {
    if step <= 0.0 || step >= 1.0 { 0 } else { (-step.log10().floor()).clamp(0.0, 4.0) as usize }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(1600.0, 2400.0, 4), [1600.0, 1800.0, 2000.0, 2200.0, 2400.0]);
        assert_eq!(ticks(3.0, 3.0, 5), [3.0]);
        assert_eq!(ticks(f64::NAN, 3.0, 5).len(), 1);
    }

    #[test]
    fn an_axis_turns_logarithmic_when_values_span_too_much() {
        assert!(matches!(LatencyAxis::for_range(1.0, 20.0), LatencyAxis::Linear(_)));
        let axis = LatencyAxis::for_range(0.5, 900.0);
        assert!(matches!(axis, LatencyAxis::Logarithmic(..)));
        assert!((axis.value(axis.place(7.0)) - 7.0).abs() < 1e-9);
        assert!(axis.ticks().len() >= 4, "{:?}", axis.ticks());
        assert!(matches!(LatencyAxis::for_range(0.0, 0.0), LatencyAxis::Linear(_)));
    }

    #[test]
    fn a_limit_is_drawn_between_the_ticks_that_its_value_lies_between() {
        // Latencies far below their limit and above it, on both kinds of axis.
        for (least, most, limit) in
            [(1.0, 8.0, 500.0), (12.0, 70.0, 500.0), (70.0, 1_200.0, 500.0), (0.2, 3.0, 4.0)]
        {
            let axis = LatencyAxis::for_range(f64::min(least, limit), f64::max(most, limit));
            let (place, (from, to)) = (axis.place(limit), axis.ends());
            assert!(from <= place && place <= to, "{limit} on {axis:?}");
            for tick in axis.ticks() {
                assert_eq!(
                    axis.value(tick) < limit - 1e-6,
                    tick < place - 1e-9,
                    "{limit} and {tick} on {axis:?}"
                );
            }
        }
    }

    #[test]
    fn percentiles_are_named_as_far_as_samples_reach() {
        assert_eq!(percentile_ticks(5), [0.0, 0.5]);
        assert_eq!(percentile_ticks(1000), [0.0, 0.5, 0.9, 0.99, 0.999]);
        assert_eq!(percentile_ticks(0), [0.0, 0.5]);
    }
}
