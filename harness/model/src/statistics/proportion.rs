//! How sure a share is: 20 of 20 is not 100 %.
//!
//! The table of detections and the reports ask for the exact interval of Clopper and Pearson, which never covers less
//! than it promises. No normal approximation is made, because the counts are small and the shares near 0 and 1.

use statrs::distribution::{Beta, ContinuousCDF};

/// An interval for a proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProportionInterval {
    /// Lower end, between 0 and 1.
    pub low: f64,
    /// Upper end, between 0 and 1.
    pub high: f64,
}

/// The exact two-sided interval for `successes` of `trials` at confidence `level`, such as 0.95.
///
/// Without trials, or with more successes than trials, nothing is known: 0 to 1.
pub fn clopper_pearson(successes: u64, trials: u64, level: f64) -> ProportionInterval {
    if trials == 0 || successes > trials {
        return ProportionInterval { low: 0.0, high: 1.0 };
    }
    let tail = (1.0 - level) / 2.0;
    let (good, bad) = (successes as f64, (trials - successes) as f64);
    let quantile = |a: f64, b: f64, p: f64, otherwise: f64| {
        Beta::new(a, b).map_or(otherwise, |beta| beta.inverse_cdf(p))
    };
    ProportionInterval {
        low: if successes == 0 { 0.0 } else { quantile(good, bad + 1.0, tail, 0.0) },
        high: if successes == trials { 1.0 } else { quantile(good + 1.0, bad, 1.0 - tail, 1.0) },
    }
}

#[cfg(test)]
mod tests {
    use super::clopper_pearson;

    #[test]
    fn twenty_of_twenty_means_at_least_83_percent() {
        let interval = clopper_pearson(20, 20, 0.95);
        assert!((interval.low - 0.025_f64.powf(1.0 / 20.0)).abs() < 1e-4, "{interval:?}");
        assert_eq!(interval.high, 1.0);
    }

    #[test]
    fn no_false_alarm_in_a_hundred_means_at_most_3_6_percent() {
        let interval = clopper_pearson(0, 100, 0.95);
        assert_eq!(interval.low, 0.0);
        assert!((interval.high - 0.0362).abs() < 1e-4, "{interval:?}");
    }

    #[test]
    fn a_share_in_the_middle_agrees_with_published_tables() {
        // 4 of 10 at 95 %: 0.1216 to 0.7376 (Clopper and Pearson 1934, any table since).
        let interval = clopper_pearson(4, 10, 0.95);
        assert!(
            (interval.low - 0.1216).abs() < 1e-3 && (interval.high - 0.7376).abs() < 1e-3,
            "{interval:?}"
        );
    }

    #[test]
    fn nothing_tried_is_nothing_known() {
        assert_eq!((clopper_pearson(0, 0, 0.95).low, clopper_pearson(0, 0, 0.95).high), (0.0, 1.0));
    }
}
