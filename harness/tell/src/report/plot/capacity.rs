//! The throughput–latency curve: what was served at each rung of a search, and how long it took.
//!
//! One line for each search. A ring marks the knee, the point farthest from the straight line between first and last; a dot
//! the highest rate that was kept, a cross each rate that was refused. Lines differ by dashes, so that print shows them too.

use plotters::prelude::*;

use super::canvas::{Area, Drawn, INK, Look, RED, said};
use super::charts::LatencyChart;
use super::overlay::style;
use super::scale::{LatencyAxis, Ticked, ticks};
use super::spots::{Told, around};
use crate::language::plot_words::{
    PlotWord, capacity_alt, capacity_alt_open, capacity_title, counted, percentile_is, served_of, threshold,
};
use crate::language::{Decimal, InWords as _, Language, Milliseconds, Noun, Quantile, Span};
use crate::report::Source;
use crate::report::wire::plain;
use harness_model::history::{EventKind, RungJudged};
use harness_model::plan::StepKind;

/// The curves of a run.
#[derive(Clone, Debug)]
pub(in crate::report) struct CapacityCurves {
    curves: Vec<Curve>,
    quantile: f64,
    limit_ms: f64,
    rungs: usize,
}

/// Rate asked for, rate served, milliseconds, what the search made of it.
type Rung = (f64, f64, f64, RungJudged);

#[derive(Clone, Debug)]
struct Curve {
    tag: String,
    /// By the rate asked for.
    rungs: Vec<Rung>,
}

/// The styles of lines, without the red of the limit.
const APART: [usize; 6] = [0, 2, 3, 5, 4, 7];
/// Room for the names at the right, where no line can run through them.
const LEGEND: f64 = 150.0;

impl CapacityCurves {
    /// One figure for all searches of a run.
    pub(super) fn of(source: &Source<'_>) -> Option<CapacityCurves> {
        let search = source.plan().steps.iter().find_map(|step| match &step.kind {
            StepKind::Capacity(search) => Some(search),
            _ => None,
        })?;
        let mut curves: Vec<Curve> = Vec::new();
        for event in source.events() {
            let EventKind::CapacityRung(rung) = &event.event else { continue };
            // What the engine itself sent too late says nothing about the proxy.
            let measured = rung.at_quantile.filter(|_| rung.judged != RungJudged::Unknown);
            let Some(latency) = measured else { continue };
            let tag = plain(&rung.tag, 16);
            let point =
                (rung.rate_per_second, rung.good_per_second, latency.as_secs_f64() * 1e3, rung.judged);
            match curves.iter_mut().find(|curve| curve.tag == tag) {
                Some(curve) => curve.rungs.push(point),
                None => curves.push(Curve { tag, rungs: vec![point] }),
            }
        }
        for curve in &mut curves {
            curve.rungs.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        let rungs = curves.iter().map(|curve| curve.rungs.len()).sum();
        let limit_ms = search.limit.as_secs_f64() * 1e3;
        (rungs > 0).then_some(CapacityCurves { curves, quantile: search.quantile, limit_ms, rungs })
    }

    pub(super) fn title(&self, language: Language) -> String {
        capacity_title(language, Quantile(self.quantile), counted(self.rungs, Noun::Sample))
    }

    pub(super) fn description(&self, language: Language) -> String {
        let described = |curve: &Curve| {
            let of = |judged| curve.rungs.iter().filter(move |rung| rung.3 == judged).map(|rung| rung.0);
            let kept = of(RungJudged::Kept).fold(0.0, f64::max);
            match of(RungJudged::Refused).filter(|rate| *rate > kept).min_by(f64::total_cmp) {
                Some(refused) => capacity_alt(language, &curve.tag, Decimal(kept, 0), Decimal(refused, 0)),
                None => capacity_alt_open(language, &curve.tag, Decimal(kept, 0)),
            }
        };
        self.curves.iter().map(described).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let all = || self.curves.iter().flat_map(|curve| &curve.rungs);
        let most_rate = all().map(|rung| rung.1).fold(1.0, f64::max) * 1.05;
        let least = all().map(|rung| rung.2).fold(self.limit_ms, f64::min);
        let most = all().map(|rung| rung.2).fold(self.limit_ms, f64::max);
        let axis = LatencyAxis::for_range(least, most);
        let across = Ticked::new(0.0..most_rate, ticks(0.0, most_rate, if look.roomy() { 8 } else { 3 }));
        let name = |rate: &f64| Decimal(*rate, 0).in_words(language);
        let chart = LatencyChart {
            latency: axis,
            across,
            word: PlotWord::Served,
            name: &name,
            right: LEGEND,
            top: 8.0,
        };
        let mut chart = chart.on(area, look, language)?;
        let limit = axis.place(self.limit_ms);
        let line = [(0.0, limit), (most_rate, limit)];
        chart
            .draw_series(DashedLineSeries::new(line, look.px(8.0), look.px(3.0), look.stroke(RED, 1.4)))
            .map_err(said)?;
        let name = threshold(language, Quantile(self.quantile), Span(self.limit_ms));
        let label = look.bold(12.0, &RED);
        chart
            .draw_series([
                EmptyElement::at((0.0, limit)) + Text::new(name, (look.px(8.0), look.px(-18.0)), label)
            ])
            .map_err(said)?;
        let mut told = Vec::new();
        for (place, curve) in self.curves.iter().enumerate() {
            let style = style(APART[place % APART.len()]);
            let color = style.color;
            let points: Vec<(f64, f64)> =
                curve.rungs.iter().map(|rung| (rung.1, axis.place(rung.2))).collect();
            style.line(&mut chart, look, points.clone())?;
            let kept = curve.rungs.iter().rposition(|rung| rung.3 == RungJudged::Kept);
            for (number, (rung, at)) in curve.rungs.iter().zip(&points).enumerate() {
                told.push(around(&chart, *at, look.px(8.0), self.says(&curve.tag, rung, language)));
                if rung.3 == RungJudged::Refused {
                    chart
                        .draw_series([Cross::new(*at, look.px(4.0), look.stroke(color, 1.8))])
                        .map_err(said)?;
                } else if Some(number) == kept {
                    chart.draw_series([Circle::new(*at, look.px(4.5), color.filled())]).map_err(said)?;
                }
            }
            if let Some(knee) = knee(&points) {
                chart
                    .draw_series([Circle::new(points[knee], look.px(8.0), look.stroke(color, 1.6))])
                    .map_err(said)?;
            }
        }
        self.draw_legend(area, look, language)?;
        Ok(told)
    }

    /// What a point shows, in words.
    fn says(&self, tag: &str, rung: &Rung, language: Language) -> String {
        let (asked, served, latency_ms, judged) = *rung;
        let (asked, served) = (Decimal(asked, 0), Decimal(served, 0));
        let latency = percentile_is(language, Quantile(self.quantile), Milliseconds(latency_ms));
        let refused = match judged {
            RungJudged::Refused => format!(" · {}", PlotWord::Refused.in_words(language)),
            RungJudged::Kept | RungJudged::Unknown => String::new(),
        };
        format!("{tag}: {} · {latency}{refused}", served_of(language, asked, served))
    }

    fn draw_legend<DB: DrawingBackend>(&self, area: &Area<'_, DB>, look: Look, language: Language) -> Drawn {
        let (width_of_all, _) = area.dim_in_pixel();
        let left = width_of_all as i32 - look.px(LEGEND - 14.0);
        let text = look.text(12.5, &INK);
        let mut y = look.px(20.0);
        for (place, curve) in self.curves.iter().enumerate() {
            let end = left + look.px(30.0);
            style(APART[place % APART.len()]).key(area, look, (left, end), y)?;
            area.draw_text(&curve.tag, &text, (end + look.px(8.0), y - look.px(6.0))).map_err(said)?;
            y += look.px(18.0);
        }
        y += look.px(10.0);
        let middle = left + look.px(15.0);
        for (row, word) in [PlotWord::Knee, PlotWord::HighestKept, PlotWord::Refused].into_iter().enumerate()
        {
            let at = (middle, y);
            match row {
                0 => area.draw(&Circle::new(at, look.px(7.0), look.stroke(INK, 1.6))),
                1 => area.draw(&Circle::new(at, look.px(4.5), INK.filled())),
                _ => area.draw(&Cross::new(at, look.px(4.0), look.stroke(INK, 1.8))),
            }
            .map_err(said)?;
            area.draw_text(&word.in_words(language), &text, (left + look.px(38.0), y - look.px(6.0)))
                .map_err(said)?;
            y += look.px(20.0);
        }
        Ok(())
    }
}

/// The point of a rising curve that is farthest from the straight line between its ends, both axes scaled to the same length
/// (V. Satopää and others, "Finding a kneedle in a haystack", ICDCSW 2011); `None` for fewer than four points, or where the
/// curve does not bend upwards.
fn knee(points: &[(f64, f64)]) -> Option<usize> {
    let (first, last) = (points.first()?, points.last()?);
    let (width, height) = (points.iter().map(|p| p.0).fold(0.0, f64::max) - first.0, last.1 - first.1);
    if points.len() < 4 || width <= 0.0 || height <= 0.0 {
        return None;
    }
    let below = |point: &(f64, f64)| (point.0 - first.0) / width - (point.1 - first.1) / height;
    let (place, distance) = points.iter().map(below).enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    (distance > 0.05).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::Figure;

    fn figure(curves: &[(&str, f64)]) -> CapacityCurves {
        let curve = |(tag, capacity): &(&str, f64)| {
            let rung = |share: f64| {
                let (rate, latency) = (capacity * share, 25.0 + 8.0 / (1.02 - share.min(1.0)));
                let judged = if latency > 60.0 { RungJudged::Refused } else { RungJudged::Kept };
                (rate, rate.min(*capacity), latency, judged)
            };
            Curve { tag: (*tag).to_owned(), rungs: [0.3, 0.5, 0.7, 0.8, 0.9, 1.1].map(rung).to_vec() }
        };
        let curves: Vec<Curve> = curves.iter().map(curve).collect();
        let rungs = curves.iter().map(|curve| curve.rungs.len()).sum();
        CapacityCurves { curves, quantile: 0.99, limit_ms: 60.0, rungs }
    }

    #[test]
    fn the_knee_is_where_the_curve_turns_up() {
        let points = [(1.0, 1.0), (2.0, 1.1), (3.0, 1.3), (4.0, 2.0), (4.4, 9.0)];
        assert_eq!(knee(&points), Some(3));
        assert_eq!(knee(&[(1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)]), None);
        assert_eq!(knee(&points[..2]), None);
    }

    #[test]
    fn one_curve_and_many_are_drawn_in_every_size_and_language() {
        for curves in
            [&[("one", 800.0)][..], &[("one", 800.0), ("two", 1_600.0), ("three", 2_000.0), ("six", 2_100.0)]]
        {
            for look in [Look::FILE, Look::WIDE, Look::NARROW] {
                for language in Language::ALL {
                    let svg = Figure::Capacity(figure(curves)).svg(look, language).unwrap();
                    assert!(svg.contains("one") && !svg.contains("NaN"));
                }
            }
        }
    }
}
