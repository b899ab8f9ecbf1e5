//! How many times as much: the ratio of two sides that were measured in the same rounds.
//!
//! The round is the unit, because samples of one run are correlated; the logarithm makes "twice" and "half" equally far
//! from "the same". Comparisons call it; it decides nothing.

use super::median::{median, median_interval};

/// The ratio of two sides with an interval for its median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioInterval {
    /// Median of the ratios, second side over first.
    pub ratio: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Probability with which such an interval contains the true median.
    pub coverage: f64,
}

/// Median and interval of `second / first` over rounds, each a pair `(first, second)` of positive figures.
///
/// `None` where a figure is not positive and finite, or where the rounds are too few for `level`.
pub fn ratio_interval(rounds: &[(f64, f64)], level: f64) -> Option<RatioInterval> {
    let usable = |figure: f64| figure.is_finite() && figure > 0.0;
    let logarithms = rounds
        .iter()
        .map(|&(first, second)| (usable(first) && usable(second)).then(|| (second / first).ln()))
        .collect::<Option<Vec<f64>>>()?;
    let interval = median_interval(&logarithms, level)?;
    Some(RatioInterval {
        ratio: median(&logarithms)?.exp(),
        low: interval.low.exp(),
        high: interval.high.exp(),
        coverage: interval.coverage,
    })
}

#[cfg(test)]
mod tests {
    use super::ratio_interval;

    #[test]
    fn a_constant_factor_is_found_whatever_the_rounds_have_in_common() {
        let rounds: Vec<(f64, f64)> = (1..=8).map(|i| (f64::from(i), 1.1 * f64::from(i))).collect();
        let interval = ratio_interval(&rounds, 0.99).unwrap();
        assert!((interval.ratio - 1.1).abs() < 1e-9);
        assert!(interval.low > 1.0999 && interval.high < 1.1001);
    }

    #[test]
    fn twice_and_half_cancel_out() {
        let rounds =
            [(1.0, 2.0), (2.0, 1.0), (1.0, 2.0), (2.0, 1.0), (1.0, 2.0), (2.0, 1.0), (1.0, 2.0), (2.0, 1.0)];
        assert!((ratio_interval(&rounds, 0.99).unwrap().ratio - 1.0).abs() < 1e-9);
    }

    #[test]
    fn zero_or_too_few_is_no_ratio() {
        assert_eq!(ratio_interval(&[(1.0, 0.0); 8], 0.99), None);
        assert_eq!(ratio_interval(&[(1.0, 1.0); 7], 0.99), None);
    }
}
