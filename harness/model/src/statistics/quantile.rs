//! Quantiles, and how many samples it takes before one may be gated.
//!
//! The latency check and the reports ask here before they print a percentile. Nothing is interpolated: a quantile is a
//! value that was really measured.

use statrs::distribution::{Binomial, DiscreteCDF};

/// Samples needed so that the largest of them lies past quantile `q` with 95 % confidence: the least n with
/// 1 − qⁿ ≥ 0.95. It is 299 for p99, 2,995 for p99.9 and 29,956 for p99.99.
///
/// `q` lies between 0 and 1, both excluded; outside of that no number of samples is enough.
pub fn samples_needed(q: f64) -> u64 {
    if !(q > 0.0 && q < 1.0) {
        return u64::MAX;
    }
    // Truncation: the quotient is positive, and far below 2^64 for every q that a double can hold below one.
    (0.05_f64.ln() / q.ln()).ceil() as u64
}

/// The smallest value of which at least the share `q` of the samples is no greater (nearest rank).
///
/// `None` without samples. The values must be sorted.
pub fn quantile_of_sorted<T: Copy>(sorted: &[T], q: f64) -> Option<T> {
    let rank = (q.clamp(0.0, 1.0) * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The ranks (from one) between which the true quantile `q` lies, each end with confidence `bound`, such as 0.95.
///
/// Exact for independent samples: how many of `n` lie below the quantile is binomial. `None` where even the largest sample
/// bounds it less often than that; the smallest stands for the lower end where nothing bounds it from below.
pub fn quantile_ranks(n: u64, q: f64, bound: f64) -> Option<(u64, u64)> {
    let below = Binomial::new(q, n).ok().filter(|_| n > 0 && q < 1.0)?;
    // At most this many samples lie below the quantile with probability `bound`, so the next one is above it.
    let high = below.inverse_cdf(bound) + 1;
    let low = below.inverse_cdf(1.0 - bound).max(1);
    (high <= n).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::{quantile_of_sorted, quantile_ranks, samples_needed};

    #[test]
    fn ranks_bound_a_quantile_as_often_as_they_promise() {
        assert_eq!(quantile_ranks(298, 0.99, 0.95), None);
        assert_eq!(quantile_ranks(299, 0.99, 0.95).map(|(_, high)| high), Some(299));
        // Tables of the sign test: of 100 values the 42nd and the 59th, 95 % at each end.
        assert_eq!(quantile_ranks(100, 0.5, 0.95), Some((42, 59)));
        assert_eq!(quantile_ranks(0, 0.5, 0.95), None);
        let (low, high) = quantile_ranks(5_000_000, 0.999, 0.95).unwrap();
        assert!(low < 4_995_000 && high > 4_995_000 && high - low < 300, "{low} {high}");
    }

    #[test]
    fn sample_sizes_are_those_of_the_95_percent_bound() {
        assert_eq!(samples_needed(0.5), 5);
        assert_eq!(samples_needed(0.99), 299);
        assert_eq!(samples_needed(0.999), 2_995);
        assert_eq!(samples_needed(0.9999), 29_956);
    }

    #[test]
    fn a_quantile_outside_of_the_open_interval_is_never_measurable() {
        assert_eq!(samples_needed(1.0), u64::MAX);
        assert_eq!(samples_needed(0.0), u64::MAX);
        assert_eq!(samples_needed(f64::NAN), u64::MAX);
    }

    #[test]
    fn quantiles_are_measured_values() {
        let values = [10, 20, 30, 40];
        assert_eq!(quantile_of_sorted(&values, 0.5), Some(20));
        assert_eq!(quantile_of_sorted(&values, 0.51), Some(30));
        assert_eq!(quantile_of_sorted(&values, 1.0), Some(40));
        assert_eq!(quantile_of_sorted(&values, 0.0), Some(10));
        assert_eq!(quantile_of_sorted::<u32>(&[], 0.5), None);
    }
}
