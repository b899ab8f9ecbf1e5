//! How many times as much: the one definition of a ratio that tables, thresholds, sentences and plots share.
//!
//! Of sides that were measured together it is the median of the ratios of their rounds; of rounds of different days, which are
//! no pairs, the ratio of two medians. No figure and no ratio is shown as an estimate without its interval.

use serde::Serialize;

use super::LEVEL;
use harness_model::statistics::{median, median_interval};

/// A figure of one side over the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Middle {
    /// Its median.
    pub median: f64,
    /// Where the median lies; `None` where the rounds are too few.
    pub interval: Option<(f64, f64)>,
    /// The least and the most that a round gave.
    pub range: (f64, f64),
    /// The rounds that it is of.
    pub rounds: usize,
}

/// How many times as much the side under test has as another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Median of the ratios of the rounds.
    pub ratio: f64,
    /// Where that median lies; `None` where the rounds are too few.
    pub interval: Option<(f64, f64)>,
    /// The ratio of each round.
    pub rounds: Vec<f64>,
}

/// What the ratio of two sides shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The whole interval lies above 1.
    More,
    /// The whole interval lies below 1.
    Less,
    /// The interval contains 1.
    NoDifference,
    /// There is no interval.
    TooFewRounds,
}

impl Pair {
    /// What follows from it.
    pub fn shows(&self) -> Shows {
        match self.interval {
            None => Shows::TooFewRounds,
            Some((low, _)) if low > 1.0 => Shows::More,
            Some((_, high)) if high < 1.0 => Shows::Less,
            Some(_) => Shows::NoDifference,
        }
    }
}

/// A figure over the rounds; `None` where none was measured.
pub(super) fn middle(values: &[f64]) -> Option<Middle> {
    let range = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    Some(Middle {
        median: median(values)?,
        interval: median_interval(values, LEVEL).map(|interval| (interval.low, interval.high)),
        range,
        rounds: values.len(),
    })
}

/// The ratio over rounds `(theirs, ours)`; `None` where a round has nothing to divide by.
pub(super) fn paired(rounds: &[(f64, f64)]) -> Option<Pair> {
    if rounds.iter().any(|(theirs, _)| *theirs <= 0.0) {
        return None;
    }
    let ratios: Vec<f64> = rounds.iter().map(|(theirs, ours)| ours / theirs).collect();
    let interval = median_interval(&ratios, LEVEL).map(|interval| (interval.low, interval.high));
    Some(Pair {
        ratio: median(&ratios)?,
        interval: interval.zip(quotient_of_medians(rounds)).map(|(interval, other)| holding(interval, other)),
        rounds: ratios,
    })
}

/// An interval that the medians of both sides do not refute: it holds their quotient (or difference), too. Of up to eight rounds
/// it does anyway, since it goes from the least of the rounds to the most and that of the medians lies between them; of more, it
/// is made wider where need be, which covers no less.
pub(super) fn holding((low, high): (f64, f64), of_medians: f64) -> (f64, f64) {
    (low.min(of_medians), high.max(of_medians))
}

/// What a reader makes of the medians of both sides, over rounds `(theirs, ours)`.
pub(super) fn quotient_of_medians(rounds: &[(f64, f64)]) -> Option<f64> {
    let (theirs, ours): (Vec<f64>, Vec<f64>) = rounds.iter().copied().unzip();
    let quotient = median(&ours)? / median(&theirs)?;
    quotient.is_finite().then_some(quotient)
}

/// The ratio of two medians of rounds that are no pairs: from the least of one to the most of the other.
pub(super) fn apart(ours: &[f64], theirs: &[f64]) -> Option<Pair> {
    let (now, then) = (middle(ours)?, middle(theirs).filter(|then| then.median > 0.0)?);
    let interval = now.interval.zip(then.interval).filter(|(_, then)| then.0 > 0.0);
    Some(Pair {
        ratio: now.median / then.median,
        interval: interval.map(|(now, then)| (now.0 / then.1, now.1 / then.0)),
        rounds: ours.iter().map(|ours| ours / then.median).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_model::statistics::Generator;

    #[test]
    fn what_is_shown_beside_each_other_never_refutes_itself() {
        let mut chance = Generator::new(7);
        for rounds in 1..=32 {
            for _ in 0..200 {
                let mut figure = || 10f64.powf(2.0 * chance.unit());
                let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (figure(), figure())).collect();
                let pair = paired(&pairs).expect("positive figures");
                let side = |of: fn(&(f64, f64)) -> f64| {
                    middle(&pairs.iter().map(of).collect::<Vec<_>>()).expect("rounds")
                };
                let quotient = side(|pair| pair.1).median / side(|pair| pair.0).median;
                match pair.interval {
                    None => assert!(rounds < 8, "eight rounds make an interval"),
                    Some((low, high)) => {
                        assert!(low <= quotient && quotient <= high, "{quotient} beside [{low}; {high}]");
                        assert!(low <= pair.ratio && pair.ratio <= high, "{pair:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_difference_is_shown_by_the_whole_interval_alone() {
        let of = |ours: [f64; 8]| paired(&ours.map(|ours| (1.0, ours))).expect("positive figures").shows();
        assert_eq!(of([1.1; 8]), Shows::More);
        assert_eq!(of([0.9; 8]), Shows::Less);
        assert_eq!(of([1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 0.99]), Shows::NoDifference);
        assert_eq!(paired(&[(1.0, 9.0); 7]).expect("positive figures").shows(), Shows::TooFewRounds);
        assert_eq!(paired(&[(0.0, 1.0); 8]), None, "there is nothing to divide by");
    }
}
