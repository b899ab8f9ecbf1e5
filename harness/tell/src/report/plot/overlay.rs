//! Latency by percentile of several sides in one picture.
//!
//! Drawn for each load step of a comparison. Sides differ by dashes as well as by colour, so that print shows them too.

use hdrhistogram::Histogram;
use plotters::prelude::*;

use super::canvas::{AMBER, Area, BLUE, Drawn, GREEN, INK, Look, RED, SOFT, said};
use super::charts::{LineStyle, PercentileAxis, RIGHT};
use super::scale::{LatencyAxis, percentile_place};
use super::spectrum::curve;
use super::spots::{Told, half_way, upright};
use crate::language::compare_words::{overlay_description, overlay_title, samples};
use crate::language::{InWords as _, Language, Milliseconds, Quantile};
use crate::report::latency::{QUANTILES, named_quantiles};
use crate::report::wire::plain;
use harness_judge::compare::Comparison;

/// The lines of one load step.
#[derive(Clone, Debug)]
pub(in crate::report) struct Overlay {
    tag: String,
    samples: u64,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    side: String,
    /// Its place among the sides, which decides how it looks.
    place: usize,
    points: Vec<(f64, f64)>,
    /// Quantiles and milliseconds.
    named: Vec<(f64, f64)>,
}

impl Line {
    fn at(&self, quantile: f64) -> Option<f64> {
        self.named.iter().find(|(q, _)| *q == quantile).map(|(_, ms)| *ms)
    }
}

/// Room for the names at the right, where no line can run through them.
const LEGEND: f64 = 150.0;
/// Height of a name there.
const ROW: f64 = 18.0;

/// Colour, width, and lengths of dash and gap.
const STYLES: [LineStyle; 8] = [
    LineStyle::new(BLUE, 2.6, 0.0, 0.0),
    LineStyle::new(RED, 1.8, 9.0, 4.0),
    LineStyle::new(GREEN, 1.8, 3.0, 3.0),
    LineStyle::new(AMBER, 1.8, 14.0, 3.0),
    LineStyle::new(SOFT, 1.4, 1.5, 5.0),
    LineStyle::new(INK, 1.6, 18.0, 8.0),
    LineStyle::new(RED, 2.8, 4.0, 8.0),
    LineStyle::new(GREEN, 2.8, 12.0, 12.0),
];

impl Overlay {
    /// One figure for each load step.
    pub(in crate::report) fn of(comparison: &Comparison) -> Vec<Overlay> {
        let names: Vec<String> = comparison.sides.iter().map(|side| side.name.clone()).collect();
        Overlay::of_sides(&names, &comparison.pooled)
    }

    /// The same of these sides: latencies by load step, one histogram a side.
    pub(in crate::report) fn of_sides(
        names: &[String],
        pooled: &[(String, Vec<Option<Histogram<u64>>>)],
    ) -> Vec<Overlay> {
        let figure = |(tag, sides): &(String, Vec<Option<Histogram<u64>>>)| {
            let lines: Vec<Line> = sides
                .iter()
                .zip(names)
                .enumerate()
                .filter_map(|(place, (values, name))| {
                    let values = values.as_ref().filter(|values| !values.is_empty())?;
                    Some(Line {
                        side: plain(name, 16),
                        place,
                        points: curve(values),
                        named: named_quantiles(values),
                    })
                })
                .collect();
            let samples = sides.iter().flatten().map(Histogram::len).max().unwrap_or_default();
            Overlay { tag: plain(tag, 40), samples, lines }
        };
        pooled.iter().map(figure).filter(|figure| !figure.lines.is_empty()).collect()
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn title(&self, language: Language) -> String {
        overlay_title(language, &self.tag, samples(self.samples))
    }

    pub(super) fn description(&self, language: Language) -> String {
        let described = |line: &Line| overlay_description(language, &line.side, line.at(0.5), line.at(0.99));
        self.lines.iter().map(described).collect::<Vec<_>>().join("; ")
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let all = || self.lines.iter().flat_map(|line| &line.points).map(|(_, ms)| *ms);
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
        let axis = LatencyAxis::for_range(if least.is_finite() { least } else { 0.0 }, most);
        let percentiles = PercentileAxis::of(self.samples);
        let reach = percentiles.reach;
        // Where there is little room, the names stand above the lines instead of beside them.
        let margins =
            if look.roomy() { (LEGEND, 6.0) } else { (RIGHT, 10.0 + ROW * self.lines.len() as f64) };
        let mut chart = percentiles.chart(area, look, language, axis, margins)?;
        for line in &self.lines {
            let points: Vec<(f64, f64)> =
                line.points.iter().map(|(x, ms)| (x.min(reach), axis.place(*ms))).collect();
            let (style, last) = (style(line.place), points.last().copied());
            style.line(&mut chart, look, points)?;
            // Where the samples of a side end; with a single one there is nothing else to see.
            let end = last.map(|end| Circle::new(end, look.px(2.6), style.color.filled()));
            chart.draw_series(end).map_err(said)?;
        }
        self.draw_legend(area, look)?;
        Ok(upright(&chart, self.parts(reach, language).into_iter()))
    }

    /// The named percentiles that one side at least has samples enough for, each with its part of the axis.
    fn parts(&self, reach: f64, language: Language) -> Vec<((f64, f64), String)> {
        let of = |quantile: f64| {
            let side = |line: &Line| {
                let ms = Milliseconds(line.at(quantile)?).in_words(language);
                Some(format!("{} {ms}", line.side))
            };
            let sides: Vec<String> = self.lines.iter().filter_map(side).collect();
            let says = format!("{}: {}", Quantile(quantile).in_words(language), sides.join(" · "));
            (!sides.is_empty()).then(|| (percentile_place(quantile).min(reach), says))
        };
        let (places, says): (Vec<f64>, Vec<String>) = QUANTILES.into_iter().filter_map(of).unzip();
        half_way(&places, (0.0, reach)).zip(says).collect()
    }

    fn draw_legend<DB: DrawingBackend>(&self, area: &Area<'_, DB>, look: Look) -> Drawn {
        let (width_of_all, _) = area.dim_in_pixel();
        let (left, top) = match look.roomy() {
            true => (width_of_all as i32 - look.px(LEGEND - 16.0), look.px(20.0)),
            false => (look.px(66.0), look.px(9.0)),
        };
        for (row, line) in self.lines.iter().enumerate() {
            let y = top + look.px(ROW) * row as i32;
            let end = left + look.px(34.0);
            style(line.place).key(area, look, (left, end), y)?;
            area.draw_text(&line.side, &look.text(12.5, &INK), (end + look.px(8.0), y - look.px(5.0)))
                .map_err(said)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Overlay {
    /// Latencies of a load step, so many for each side.
    pub(in crate::report) fn sample_of(samples: &[u64]) -> Vec<(String, Vec<Option<Histogram<u64>>>)> {
        let values = |(place, &count): (usize, &u64)| {
            let mut values = harness_model::history::empty_histogram();
            (0..count)
                .for_each(|i| values.saturating_record((i * 7_919 % 1_000 + 1) * 1_000 * (place as u64 + 1)));
            Some(values)
        };
        vec![("hits".into(), samples.iter().enumerate().map(values).collect())]
    }
}

/// How the line at a place looks.
pub(super) fn style(place: usize) -> LineStyle {
    STYLES[place % STYLES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::Figure;
    use harness_judge::compare::Side;

    fn comparison(samples: &[u64]) -> Comparison {
        let side = |place: usize| Side { name: format!("side{place}"), title: format!("side{place}") };
        Comparison {
            sides: (0..samples.len()).map(side).collect(),
            rounds: 8,
            level: 0.99,
            rows: Vec::new(),
            noise_ms: 0.0,
            since: Vec::new(),
            pooled: Overlay::sample_of(samples),
        }
    }

    #[test]
    fn few_samples_one_sample_and_many_sides_are_drawn() {
        for samples in [&[5, 5][..], &[1, 1], &[5_000, 5], &[900, 900, 900, 900, 900, 900, 900]] {
            let figures = Overlay::of(&comparison(samples));
            assert_eq!(figures.len(), 1);
            for language in Language::ALL {
                let svg = Figure::Overlay(figures[0].clone()).svg(Look::FILE, language).unwrap();
                assert!(
                    svg.contains("side0") && svg.contains("side1") && !svg.contains("NaN"),
                    "{samples:?}"
                );
            }
        }
    }

    #[test]
    fn a_side_with_nothing_but_errors_is_left_out() {
        let figures = Overlay::of(&comparison(&[0, 50]));
        assert_eq!(figures[0].lines.len(), 1);
        assert!(Overlay::of(&comparison(&[0, 0])).is_empty(), "and with none there is nothing to draw");
    }

    /// `cargo test -p harness --lib look_at_the_overlays -- --ignored --nocapture`, then open what it says.
    #[test]
    #[ignore = "writes plots for people to look at"]
    fn look_at_the_overlays() {
        for samples in [&[5, 5][..], &[1, 1], &[0, 50], &[5_000_000, 5_000, 300, 9, 900, 900]] {
            let folder = std::env::temp_dir().join(format!("harness-overlays/{}", samples[0]));
            let figures: Vec<Figure> =
                Overlay::of(&comparison(samples)).into_iter().map(Figure::Overlay).collect();
            crate::report::plot::write_figures(&folder, &figures).unwrap();
            println!("{}", folder.display());
        }
    }
}
