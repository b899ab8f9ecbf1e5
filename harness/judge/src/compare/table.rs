//! The table of a comparison: each figure's median for each side, and how many times as much the first side needs.
//!
//! `cli` makes it from the figures of the rounds; the report shows it. A row is of the rounds in which every side that has the
//! figure has it, so that what stands beside each other is of the same rounds; too few of them make no interval.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::ratio::{Middle, Pair, middle, paired};
use super::{Figures, LEVEL, Reference, Since};
use harness_model::plan::Metric;
use harness_model::statistics::median;

/// A comparison, ready to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The sides, the one under test first.
    pub sides: Vec<Side>,
    /// Rounds measured.
    pub rounds: usize,
    /// Confidence of the intervals.
    pub level: f64,
    /// What is compared.
    pub rows: Vec<Row>,
    /// The worst overshoot of a sleep of 1 ms, median over the rounds, in milliseconds.
    pub noise_ms: f64,
    /// The first side beside an earlier comparison.
    pub since: Vec<Since>,
    /// Latencies of each side by tag, pooled over the rounds; for the plots.
    #[serde(skip)]
    pub pooled: Vec<(String, Vec<Option<Histogram<u64>>>)>,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// As named on the command line.
    pub name: String,
    /// For people.
    pub title: String,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The load step's tag; `None`: the proxy as a whole.
    pub tag: Option<String>,
    /// The figure.
    pub metric: Metric,
}

/// A figure for every side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which figure.
    pub subject: Subject,
    /// Over the rounds, by side, in the metric's unit; `None` where it could not be measured.
    pub sides: Vec<Option<Middle>>,
    /// The first side over each other one, in the order of the others.
    pub ratios: Vec<Option<Pair>>,
}

/// The figures of a load step that are shown.
pub(super) const SUBJECT_METRICS: [Metric; 6] = [
    Metric::Latency(0.5),
    Metric::Latency(0.99),
    Metric::Rate,
    Metric::ErrorRate,
    Metric::CpuPerRequest,
    Metric::MemoryPerConnection,
];

/// The table of rounds: `rounds[round][side]`.
pub fn table(sides: Vec<Side>, rounds: &[Vec<Figures>], reference: Option<&Reference>) -> Comparison {
    let mut tags: Vec<String> = rounds.iter().flatten().flat_map(|side| side.tags.keys().cloned()).collect();
    tags.sort();
    tags.dedup();
    let mut subjects = Vec::new();
    for tag in &tags {
        for metric in SUBJECT_METRICS {
            subjects.push(Subject { tag: Some(tag.clone()), metric });
        }
    }
    subjects.push(Subject { tag: None, metric: Metric::RssPeak });
    let rows = subjects.into_iter().map(|subject| row(subject, sides.len(), rounds)).collect();
    let pooled = tags.iter().map(|tag| (tag.clone(), pooled(tag, sides.len(), rounds))).collect();
    let noise: Vec<f64> =
        rounds.iter().map(|round| round.iter().map(|side| side.noise_ms).fold(0.0, f64::max)).collect();
    Comparison {
        sides,
        rounds: rounds.len(),
        level: LEVEL,
        rows,
        noise_ms: median(&noise).unwrap_or_default(),
        since: reference.map(|reference| reference.beside(rounds)).unwrap_or_default(),
        pooled,
    }
}

/// Every side beside one of them, each over the rounds that the two share: of many, one that drops out takes no round from the
/// others. In the order of the sides; that of the one itself has its figures on both sides.
pub fn beside(sides: &[Side], reference: usize, rounds: &[Vec<Figures>]) -> Vec<Comparison> {
    let of = |round: &Vec<Figures>, side: usize| round.get(side).cloned().unwrap_or_default();
    (0..sides.len())
        .filter_map(|side| {
            let two = vec![sides.get(side)?.clone(), sides.get(reference)?.clone()];
            let rounds: Vec<_> =
                rounds.iter().map(|round| vec![of(round, side), of(round, reference)]).collect();
            Some(table(two, &rounds, None))
        })
        .collect()
}

fn row(subject: Subject, sides: usize, rounds: &[Vec<Figures>]) -> Row {
    let figure = |round: &Vec<Figures>, side: usize| {
        round.get(side).and_then(|figures| figures.get(subject.tag.as_deref(), subject.metric))
    };
    let measured: Vec<usize> =
        (0..sides).filter(|side| rounds.iter().any(|round| figure(round, *side).is_some())).collect();
    let is_whole = |round: &&Vec<Figures>| measured.iter().all(|side| figure(round, *side).is_some());
    let common: Vec<&Vec<Figures>> = rounds.iter().filter(is_whole).collect();
    let of_side =
        |side: usize| -> Vec<f64> { common.iter().filter_map(|round| figure(round, side)).collect() };
    let ratio = |side: usize| {
        let pairs: Vec<(f64, f64)> =
            common.iter().filter_map(|round| figure(round, side).zip(figure(round, 0))).collect();
        paired(&pairs)
    };
    Row {
        sides: (0..sides).map(|side| middle(&of_side(side))).collect(),
        ratios: (1..sides).map(ratio).collect(),
        subject,
    }
}

fn pooled(tag: &str, sides: usize, rounds: &[Vec<Figures>]) -> Vec<Option<Histogram<u64>>> {
    (0..sides)
        .map(|side| {
            let mut of_side = rounds.iter().filter_map(|round| round.get(side)?.tags.get(tag));
            let mut sum = of_side.next()?.latency.clone();
            // Every histogram of the product has the same range and digits.
            of_side.for_each(|more| {
                let _ = sum.add(&more.latency);
            });
            Some(sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::load;
    use super::*;

    fn side(name: &str) -> Side {
        Side { name: name.into(), title: name.into() }
    }

    fn took(ms: u64) -> Figures {
        Figures { tags: [("hits".to_owned(), load(400, ms, 0))].into(), ..Figures::default() }
    }

    #[test]
    fn a_side_that_drops_out_of_rounds_takes_none_from_the_others() {
        let rounds: Vec<Vec<Figures>> = (0..8)
            .map(|round| vec![took(10), took(20), if round < 2 { took(40) } else { Figures::default() }])
            .collect();
        let sides = [side("one"), side("two"), side("rare")];
        let p50 = |comparison: &Comparison| {
            let row = comparison.rows.iter().find(|row| row.subject.metric == Metric::Latency(0.5));
            row.and_then(|row| Some((row.sides[0]?.rounds, row.ratios[0].clone()?.interval.is_some())))
        };
        let all: Vec<_> = beside(&sides, 0, &rounds).iter().map(p50).collect();
        assert_eq!(all, [Some((8, true)), Some((8, true)), Some((2, false))]);
        // In one table of all three, two rounds would be left for everybody.
        assert_eq!(p50(&table(sides.to_vec(), &rounds, None)), Some((2, false)));
    }
}
