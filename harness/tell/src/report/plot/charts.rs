//! What charts share: the rules of a mesh, the frame of a chart of latencies, and a panel over time.
//!
//! The figures of this module draw into what they get from here. Nothing here knows what a figure shows.

use plotters::chart::MeshStyle;
use plotters::prelude::*;

use super::canvas::{self, Area, Drawn, GRID, INK, Look, SOFT, said};
use super::scale::{LatencyAxis, Ticked, percentile_place, percentile_ticks};
use crate::language::plot_words::PlotWord;
use crate::language::{Decimal, InWords as _, Language, Quantile};

/// A chart over two axes with ticks of ours.
pub(super) type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Ticked, Ticked>>;

/// Room at the right so that the last label of an axis is not cut, in units.
pub(super) const RIGHT: f64 = 36.0;
/// Room for the labels of the lower axis, in units.
pub(super) const BELOW: f64 = 50.0;

/// The mesh of a chart, ruled and lettered like that of every other.
pub(super) fn ruled<'a, 'b, DB: DrawingBackend>(
    chart: &'b mut Chart<'a, DB>,
    look: Look,
) -> MeshStyle<'a, 'b, Ticked, Ticked, DB> {
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(canvas::PAPER)
        .bold_line_style(GRID)
        .axis_style(look.stroke(SOFT, 1.0))
        .label_style(look.text(12.0, &SOFT))
        .axis_desc_style(look.text(12.5, &INK));
    mesh
}

/// Latency upwards over something else.
pub(super) struct LatencyChart<'a> {
    /// The axis upwards.
    pub(super) latency: LatencyAxis,
    /// The axis to the right,
    pub(super) across: Ticked,
    /// what it is of,
    pub(super) word: PlotWord,
    /// and how its ticks are called.
    pub(super) name: &'a dyn Fn(&f64) -> String,
    /// Room at the right and at the top, in units.
    pub(super) right: f64,
    pub(super) top: f64,
}

impl LatencyChart<'_> {
    /// Draws its axes; what comes back is drawn into.
    pub(super) fn on<'a, DB: DrawingBackend>(
        self,
        area: &'a Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Result<Chart<'a, DB>, String> {
        let (axis, places) = (self.latency, self.latency.decimals());
        let (low, high) = axis.ends();
        let mut chart = ChartBuilder::on(area)
            .margin_right(look.px(self.right))
            .margin_top(look.px(self.top))
            .x_label_area_size(look.px(BELOW))
            .y_label_area_size(look.px(if look.roomy() { 72.0 } else { 62.0 }))
            .build_cartesian_2d(self.across, Ticked::new(low..high, axis.ticks()))
            .map_err(said)?;
        ruled(&mut chart, look)
            .disable_x_mesh()
            .x_desc(self.word.in_words(language))
            .y_desc(PlotWord::Latency.in_words(language))
            .x_label_formatter(self.name)
            .y_label_formatter(&|place| Decimal(axis.value(*place), places).in_words(language))
            .draw()
            .map_err(said)?;
        Ok(chart)
    }
}

/// The axis of percentiles, as far as so many samples reach.
pub(super) struct PercentileAxis {
    /// Its end, as a place.
    pub(super) reach: f64,
    nines: Vec<f64>,
}

impl PercentileAxis {
    /// For so many samples.
    pub(super) fn of(samples: u64) -> PercentileAxis {
        let reach = percentile_place(1.0 - 1.0 / samples.max(4) as f64).max(0.7) * 1.02;
        PercentileAxis { reach, nines: percentile_ticks(samples) }
    }

    /// From the median of nothing to its end; where there is little room, names that would stand on each other are left out.
    fn ticked(&self, look: Look) -> Ticked {
        let apart = if look.roomy() { 0.06 } else { 0.17 };
        let mut places: Vec<f64> = Vec::new();
        for place in self.nines.iter().rev().map(|q| percentile_place(*q)) {
            if places.last().is_none_or(|after| after - place >= apart * self.reach) {
                places.push(place);
            }
        }
        places.reverse();
        Ticked::new(0.0..self.reach, places)
    }

    /// What stands at a tick.
    fn name(&self, place: f64, language: Language) -> String {
        let named = self.nines.iter().find(|q| (percentile_place(**q) - place).abs() < 1e-6);
        named.map_or_else(String::new, |q| Quantile(*q).in_words(language))
    }

    /// Latency over percentiles; `margins` is the room at the right and at the top, in units.
    pub(super) fn chart<'a, DB: DrawingBackend>(
        &self,
        area: &'a Area<'_, DB>,
        look: Look,
        language: Language,
        latency: LatencyAxis,
        margins: (f64, f64),
    ) -> Result<Chart<'a, DB>, String> {
        let name = |place: &f64| self.name(*place, language);
        let (across, word, (right, top)) = (self.ticked(look), PlotWord::Percentile, margins);
        LatencyChart { latency, across, word, name: &name, right, top }.on(area, look, language)
    }
}

/// How one of several lines looks, so that they differ by dashes as well as by colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineStyle {
    pub(super) color: RGBColor,
    /// In units, as the lengths of dash and gap are.
    width: f64,
    dash: f64,
    /// None: a solid line.
    gap: f64,
}

impl LineStyle {
    pub(super) const fn new(color: RGBColor, width: f64, dash: f64, gap: f64) -> LineStyle {
        LineStyle { color, width, dash, gap }
    }

    /// Draws such a line.
    pub(super) fn line<DB: DrawingBackend>(
        self,
        chart: &mut Chart<'_, DB>,
        look: Look,
        points: Vec<(f64, f64)>,
    ) -> Drawn {
        let stroke = look.stroke(self.color, self.width);
        if self.gap == 0.0 {
            chart.draw_series([PathElement::new(points, stroke)]).map_err(said)?;
        } else {
            let dashes = DashedLineSeries::new(points, look.px(self.dash), look.px(self.gap), stroke);
            chart.draw_series(dashes).map_err(said)?;
        }
        Ok(())
    }

    /// Draws a piece of such a line into a legend.
    pub(super) fn key<DB: DrawingBackend>(
        self,
        area: &Area<'_, DB>,
        look: Look,
        (left, end): (i32, i32),
        y: i32,
    ) -> Drawn {
        let mut from = left;
        while from < end {
            let to = if self.gap == 0.0 { end } else { (from + look.px(self.dash)).min(end) };
            let piece = PathElement::new([(from, y), (to, y)], look.stroke(self.color, self.width));
            area.draw(&piece).map_err(said)?;
            from = to + look.px(self.gap).max(1);
        }
        Ok(())
    }
}

/// One of several panels beneath each other over the same time.
pub(super) struct TimePanel {
    /// Where the time ends.
    pub(super) end: f64,
    /// Where the values end.
    pub(super) most: f64,
    /// Room at the top, in units.
    pub(super) top: f64,
    /// What the axis of time is called; only the lowest panel names it, the others share its axis.
    pub(super) time: Option<String>,
}

impl TimePanel {
    /// Draws its axes; what comes back is drawn into.
    pub(super) fn on<'a, DB: DrawingBackend>(
        self,
        area: &'a Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Result<Chart<'a, DB>, String> {
        let (time, values) = (time_axis(self.end, look), Ticked::round(0.0..self.most, 3));
        let (time_places, places) = (time.decimals(), values.decimals());
        let mut chart = ChartBuilder::on(area)
            .margin_right(look.px(RIGHT))
            .margin_top(look.px(self.top))
            .x_label_area_size(look.px(if self.time.is_some() { BELOW } else { 4.0 }))
            .y_label_area_size(look.px(left(look)))
            .build_cartesian_2d(time, values)
            .map_err(said)?;
        let moment = |at: &f64| match self.time {
            Some(_) => Decimal(*at, time_places).in_words(language),
            None => String::new(),
        };
        let value = |value: &f64| Decimal(*value, places).in_words(language);
        {
            let mut mesh = ruled(&mut chart, look);
            mesh.disable_x_mesh().x_label_formatter(&moment).y_label_formatter(&value);
            if let Some(name) = &self.time {
                mesh.x_desc(name);
            }
            mesh.draw().map_err(said)?;
        }
        Ok(chart)
    }
}

/// Room for the labels at the left of a panel over time, in units.
pub(super) fn left(look: Look) -> f64 {
    if look.roomy() { 60.0 } else { 50.0 }
}

/// An axis of time from zero.
pub(super) fn time_axis(end: f64, look: Look) -> Ticked {
    Ticked::round(0.0..end, if look.roomy() { 8 } else { 4 })
}
