//! The forest plot of two sides: a row for each figure with what both came to, their ratio, its interval and the dots of the rounds.
//!
//! `html::comparison` shows one for each other side, `html::league` one for each figure. The strips are drawn to scale on one
//! logarithmic axis, so that twice and half lie equally far from 1; every figure that is drawn stands beside it as text, from the same place.

use maud::{Markup, html};

use crate::language::compare_words::{CompareLabel, middle, ratio, shown};
use crate::language::{Decimal, InWords as _, Language};
use crate::report::comparison::quotient;
use crate::report::wire::plain;
use harness_judge::compare::{Comparison, Pair, Row, Shows};

/// Size of a strip in pixels. It is never scaled, so that its letters keep their size.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 28.0;
/// Room at either end, so that nothing is cut.
const EDGE: f64 = 18.0;
/// Two labels of the axis are at least so far apart.
const APART: f64 = 46.0;
/// Factors that the axis names, and their inverse.
const NAMED: [f64; 15] =
    [1.001, 1.002, 1.005, 1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 5.0, 10.0, 20.0, 100.0, 1_000.0];

/// Where ratios lie in a strip.
pub(super) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// From the least of all ratios to the most, and 1 in any case. What is more than twice as much or less than half lies beyond it
    /// where anything lies within, so that one large difference does not hide all small ones.
    pub(super) fn of(pairs: &[&Pair]) -> Axis {
        let near = |pair: &&&Pair| pair.ratio > 0.5 && pair.ratio < 2.0;
        let some_near = pairs.iter().any(|pair| near(&pair));
        let shown: Vec<&Pair> = pairs.iter().filter(|pair| !some_near || near(pair)).copied().collect();
        Axis::over(&shown)
    }

    /// The same with room for all of them, where it is of different sides and not of different figures.
    pub(super) fn over(pairs: &[&Pair]) -> Axis {
        let ends = pairs.iter().flat_map(|pair| pair.interval.iter().flat_map(|(low, high)| [*low, *high]));
        let all = pairs.iter().flat_map(|pair| &pair.rounds).copied().chain(ends).filter(|at| *at > 0.0);
        let (low, high) =
            all.map(f64::ln).fold((-0.01f64, 0.01f64), |(low, high), at| (low.min(at), high.max(at)));
        Axis { low, high }
    }

    /// Whether a ratio lies on it.
    fn holds(&self, ratio: f64) -> bool {
        (self.low..=self.high).contains(&ratio.ln())
    }

    fn x(&self, ratio: f64) -> f64 {
        let share = (ratio.max(f64::MIN_POSITIVE).ln() - self.low) / (self.high - self.low);
        ((EDGE + share.clamp(0.0, 1.0) * (WIDTH - 2.0 * EDGE)) * 10.0).round() / 10.0
    }

    /// The factors that it names, 1 first.
    fn ticks(&self) -> Vec<f64> {
        let mut chosen = vec![1.0f64];
        // The largest first: what is round and far apart says most.
        for factor in NAMED.iter().rev().flat_map(|factor| [*factor, 1.0 / factor]) {
            let inside = factor.ln() >= self.low && factor.ln() <= self.high;
            if inside && chosen.iter().all(|other| (self.x(*other) - self.x(factor)).abs() >= APART) {
                chosen.push(factor);
            }
        }
        chosen
    }
}

/// The plot of the first side over another.
pub(super) fn forest(comparison: &Comparison, other: usize, language: Language) -> Markup {
    let rows: Vec<&Row> =
        comparison.rows.iter().filter(|row| row.sides.iter().any(Option::is_some)).collect();
    let pair = |row: &&Row| row.ratios.get(other - 1).cloned().flatten();
    let pairs: Vec<Option<Pair>> = rows.iter().map(pair).collect();
    let axis = Axis::of(&pairs.iter().flatten().collect::<Vec<_>>());
    let name = |place: usize| comparison.sides.get(place).map_or_else(String::new, |it| plain(&it.name, 30));
    let quotient = quotient(comparison, other);
    html! {
        table .forest {
            thead {
                tr {
                    th scope="col" { (CompareLabel::Figure.in_words(language)) }
                    th scope="col" { (name(0)) }
                    th scope="col" { (name(other)) }
                    th scope="col" { (quotient) }
                    th scope="col" .axis { span .hidden { (CompareLabel::Rounds.in_words(language)) } (axis_of(&axis, language)) }
                }
            }
            tbody {
                @for (row, pair) in rows.iter().zip(&pairs) {
                    tr .(tone(pair.as_ref())) {
                        th scope="row" { (plain(&row.subject.in_words(language), 80)) }
                        @for place in [0, other] {
                            td data-of=(name(place)) { (middle(language, row.subject.metric, row.sides.get(place).copied().flatten())) }
                        }
                        td .ratio data-of=(quotient) { b { (ratio(language, pair.as_ref())) } " " small { (shown(language, pair.as_ref())) } }
                        td { @if let Some(pair) = pair { (strip(&axis, pair, language)) } }
                    }
                }
            }
        }
    }
}

/// The class of a row: a difference catches the eye, whichever way it goes.
pub(super) fn tone(pair: Option<&Pair>) -> &'static str {
    match pair.map(Pair::shows) {
        Some(Shows::More | Shows::Less) => "differs",
        _ => "alike",
    }
}

pub(super) fn axis_of(axis: &Axis, language: Language) -> Markup {
    html! {
        svg .strip width=(WIDTH) height="18" viewBox={ "0 0 " (WIDTH) " 18" } aria-hidden="true" {
            @for tick in axis.ticks() {
                text x=(axis.x(tick)) y="13" text-anchor="middle" { "×" (Decimal(tick, 3).in_words(language)) }
            }
        }
    }
}

/// A triangle that points to what lies beyond the axis.
fn arrow(x: f64, right: bool) -> String {
    let (base, tip) = if right { (x - 4.0, x + 6.0) } else { (x + 4.0, x - 6.0) };
    format!("M{base} 16 L{tip} 21 L{base} 26 Z")
}

pub(super) fn strip(axis: &Axis, pair: &Pair, language: Language) -> Markup {
    let rounds: Vec<String> = pair.rounds.iter().map(|round| Decimal(*round, 3).in_words(language)).collect();
    let said = format!("{} · {}", ratio(language, Some(pair)), rounds.join("; "));
    html! {
        svg .strip tabindex="0" role="img" aria-label=(said) width=(WIDTH) height=(HEIGHT) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } {
            title { (said) }
            @for tick in axis.ticks() {
                line class=(if tick == 1.0 { "tick one" } else { "tick" }) x1=(axis.x(tick)) x2=(axis.x(tick)) y1="0" y2=(HEIGHT) {}
            }
            @for (place, round) in pair.rounds.iter().enumerate() {
                // Three rows of dots, so that rounds that are alike do not hide each other.
                circle .round cx=(axis.x(*round)) cy=(4 + 4 * (place % 3)) r="2.5" {}
            }
            @if let Some((low, high)) = pair.interval {
                line .interval x1=(axis.x(low)) x2=(axis.x(high)) y1="21" y2="21" {}
                line .interval x1=(axis.x(low)) x2=(axis.x(low)) y1="17" y2="25" {}
                line .interval x1=(axis.x(high)) x2=(axis.x(high)) y1="17" y2="25" {}
                @if axis.holds(pair.ratio) { circle .middle cx=(axis.x(pair.ratio)) cy="21" r="4.5" {} }
                @else { path .middle d=(arrow(axis.x(pair.ratio), pair.ratio > 1.0)) {} }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;
    use harness_judge::compare::Pair;

    fn axis(rounds: &[f64]) -> Axis {
        Axis::of(&[&Pair { ratio: 1.0, interval: None, rounds: rounds.to_vec() }])
    }

    #[test]
    fn twice_and_half_lie_equally_far_from_one_and_labels_never_touch() {
        let axis = axis(&[0.25, 4.0]);
        assert!((axis.x(2.0) - axis.x(1.0) - (axis.x(1.0) - axis.x(0.5))).abs() < 0.2);
        for rounds in [&[0.999, 1.002][..], &[0.9, 1.3], &[0.01, 300.0], &[1.0], &[0.0, 5.0]] {
            let axis = super::tests::axis(rounds);
            let mut places: Vec<f64> = axis.ticks().iter().map(|tick| axis.x(*tick)).collect();
            places.sort_by(f64::total_cmp);
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= super::APART), "{places:?}");
            assert!(places.iter().all(|x| (super::EDGE - 0.1..=super::WIDTH).contains(x)), "{places:?}");
        }
    }
}
