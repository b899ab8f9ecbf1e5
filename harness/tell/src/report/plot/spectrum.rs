//! Latency by percentile, the classic picture of HdrHistogram: each further nine takes the same room.
//!
//! Drawn for each load step. The gated line begins at the intended instant of each request, the thin one at its sending;
//! where they part, requests had to wait. Thresholds are steps that the line must stay beneath.

use hdrhistogram::Histogram;
use plotters::prelude::*;

use super::canvas::{Area, BLUE, Drawn, INK, Look, RED, SOFT, said};
use super::charts::{PercentileAxis, RIGHT};
use super::scale::{LatencyAxis, percentile_place};
use super::spots::{Told, half_way, upright};
use crate::language::plot_words::{PlotWord, counted, errors_seen, percentile_is, spectrum_title, threshold};
use crate::language::{InWords as _, Language, Milliseconds, Noun, Quantile, Span};
use crate::report::Source;
use crate::report::latency::{TagLatency, by_tag, named_quantiles};
use crate::report::wire::plain;
use harness_model::plan::LatencyThreshold;

/// The percentiles of one tag.
#[derive(Clone, Debug)]
pub(in crate::report) struct Spectrum {
    tag: String,
    samples: u64,
    errors: u64,
    intended: Vec<(f64, f64)>,
    service: Vec<(f64, f64)>,
    failed: Vec<(f64, f64)>,
    thresholds: Vec<LatencyThreshold>,
    named: Vec<(f64, f64)>,
}

impl Spectrum {
    /// One figure for each tag.
    pub(super) fn of(source: &Source<'_>) -> Vec<Spectrum> {
        by_tag(source)
            .iter()
            .filter(|tag| tag.samples() + tag.error_count() > 0)
            .map(Spectrum::of_tag)
            .collect()
    }

    fn of_tag(tag: &TagLatency<'_>) -> Spectrum {
        let points = |values: Option<&Histogram<u64>>| values.map(curve).unwrap_or_default();
        Spectrum {
            tag: plain(&tag.tag, 40),
            samples: tag.samples(),
            errors: tag.error_count(),
            intended: points(tag.intended),
            service: points(tag.service),
            failed: points(tag.errors),
            thresholds: tag.thresholds.clone(),
            named: tag.intended.map(named_quantiles).unwrap_or_default(),
        }
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn title(&self, language: Language) -> String {
        spectrum_title(language, &self.tag, counted(self.samples as usize, Noun::Sample))
    }

    pub(super) fn description(&self, language: Language) -> String {
        let mut parts: Vec<String> = self
            .named
            .iter()
            .map(|(q, ms)| percentile_is(language, Quantile(*q), Milliseconds(*ms)))
            .collect();
        if self.samples == 0 {
            parts.push(PlotWord::NoSample.in_words(language));
        }
        if self.errors > 0 {
            parts.push(errors_seen(language, self.errors));
        }
        parts.join(", ")
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let shown = if self.intended.is_empty() { &self.failed } else { &self.intended };
        let most = shown.iter().chain(&self.service).map(|(_, ms)| *ms).fold(0.0, f64::max);
        let least = shown.iter().chain(&self.service).map(|(_, ms)| *ms).fold(f64::INFINITY, f64::min);
        // A limit is drawn where it is, however far from what was measured: the axis reaches to it.
        let limits = self.thresholds.iter().map(|t| t.limit.as_secs_f64() * 1000.0);
        let (least, most) =
            limits.fold((least, most), |(least, most), limit| (least.min(limit), most.max(limit)));
        let axis = LatencyAxis::for_range(if least.is_finite() { least } else { 0.0 }, most);
        let samples = if self.samples > 0 { self.samples } else { self.errors };
        let percentiles = PercentileAxis::of(samples);
        let reach = percentiles.reach;
        let mut chart = percentiles.chart(area, look, language, axis, (RIGHT, 0.0))?;
        let placed = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().map(|(x, ms)| (x.min(reach), axis.place(*ms))).collect()
        };
        if self.intended.is_empty() {
            chart
                .draw_series(DashedLineSeries::new(
                    placed(&self.failed),
                    look.px(6.0),
                    look.px(4.0),
                    look.stroke(RED, 1.5),
                ))
                .map_err(said)?;
        }
        // Thin and dashed: from the sending. Thick: from the intended instant.
        chart
            .draw_series(DashedLineSeries::new(
                placed(&self.service),
                look.px(3.0),
                look.px(4.0),
                look.stroke(SOFT, 1.2),
            ))
            .map_err(said)?;
        let line = placed(&self.intended);
        chart.draw_series([PathElement::new(line.clone(), look.stroke(BLUE, 2.4))]).map_err(said)?;
        if line.len() < 20 {
            chart
                .draw_series(line.iter().map(|at| Circle::new(*at, look.px(3.5), BLUE.filled())))
                .map_err(said)?;
        }
        for (place, limit) in self.thresholds.iter().enumerate() {
            let ms = limit.limit.as_secs_f64() * 1000.0;
            let (x, y) = (percentile_place(limit.quantile).min(reach), axis.place(ms));
            let style = look.stroke(RED, 1.6);
            chart
                .draw_series(DashedLineSeries::new([(0.0, y), (x, y)], look.px(8.0), look.px(3.0), style))
                .map_err(said)?;
            chart
                .draw_series([EmptyElement::at((x, y))
                    + TriangleMarker::new((0, look.px(-6.0)), look.px(-6.0), RED.filled())])
                .map_err(said)?;
            // At the left, above its own line: there the curve is lowest. Equal limits stand beside each other.
            let text = threshold(language, Quantile(limit.quantile), Span(ms));
            let equal = self.thresholds.iter().take(place).filter(|other| other.limit == limit.limit).count();
            let shift = (look.px(8.0 + 130.0 * equal as f64), look.px(-17.0));
            let label = look.bold(12.0, &RED);
            chart.draw_series([EmptyElement::at((0.0, y)) + Text::new(text, shift, label)]).map_err(said)?;
        }
        self.draw_legend(area, look, language)?;
        Ok(upright(&chart, self.parts(reach, language).into_iter()))
    }

    /// The named percentiles, each with its part of the axis.
    fn parts(&self, reach: f64, language: Language) -> Vec<((f64, f64), String)> {
        let places: Vec<f64> = self.named.iter().map(|(q, _)| percentile_place(*q).min(reach)).collect();
        let says = |&(q, ms): &(f64, f64)| percentile_is(language, Quantile(q), Milliseconds(ms));
        half_way(&places, (0.0, reach)).zip(self.named.iter().map(says)).collect()
    }

    fn draw_legend<DB: DrawingBackend>(&self, area: &Area<'_, DB>, look: Look, language: Language) -> Drawn {
        let (width, _) = area.dim_in_pixel();
        // On a telephone there is room for the one or the other.
        let nothing = || match look.roomy() {
            true => {
                format!("{} · {}", PlotWord::NoSample.in_words(language), errors_seen(language, self.errors))
            }
            false => PlotWord::NoSample.in_words(language),
        };
        let (rows, room) = if self.intended.is_empty() {
            (vec![(nothing(), RED, 1.5, true)], 420.0)
        } else {
            let words = |word: PlotWord| word.in_words(language);
            let (intended, sending) = (words(PlotWord::FromIntended), words(PlotWord::FromSending));
            (vec![(intended, BLUE, 2.4, false), (sending, SOFT, 1.2, true)], 260.0)
        };
        let left = if look.roomy() { width as i32 - look.px(room) } else { look.px(66.0) };
        let bottom = area.dim_in_pixel().1 as i32 - look.px(look_bottom(look));
        for (row, (text, color, width, dashed)) in rows.into_iter().enumerate() {
            let y = bottom - look.px(18.0) * (1 - row as i32);
            let x = left;
            let pieces: Vec<(i32, i32)> = if dashed {
                (0..4)
                    .map(|piece| (x + look.px(7.0) * piece, x + look.px(7.0) * piece + look.px(3.5)))
                    .collect()
            } else {
                vec![(x, x + look.px(26.0))]
            };
            for (from, to) in pieces {
                area.draw(&PathElement::new([(from, y), (to, y)], look.stroke(color, width)))
                    .map_err(said)?;
            }
            area.draw_text(&text, &look.text(12.0, &INK), (x + look.px(32.0), y - look.px(7.0)))
                .map_err(said)?;
        }
        Ok(())
    }
}

/// How far above the lower edge the legend ends: above the labels of the axis.
fn look_bottom(look: Look) -> f64 {
    if look.roomy() { 68.0 } else { 66.0 }
}

/// The line of a histogram: place of the percentile, milliseconds.
pub(super) fn curve(values: &Histogram<u64>) -> Vec<(f64, f64)> {
    let reach = percentile_place(1.0 - 1.0 / values.len().max(1) as f64);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for step in values.iter_quantiles(8) {
        let place = percentile_place(step.quantile_iterated_to()).min(reach);
        let ms = step.value_iterated_to() as f64 / 1e6;
        if points.last().is_none_or(|(x, y)| (place - x).abs() > 1e-4 || (ms - y).abs() > 1e-9) {
            points.push((place, ms));
        }
        if place >= reach && step.quantile_iterated_to() >= 1.0 {
            break;
        }
    }
    points
}
