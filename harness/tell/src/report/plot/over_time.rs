//! Latency over time: for each interval how the requests lie between fast and slow, with what was done to the proxy.
//!
//! A heat map, darker where more requests are, with the lines of p50 and p99; kills and starts are upright lines. Intervals
//! are merged where there are too many to draw.

use hdrhistogram::Histogram;
use plotters::prelude::*;

use super::canvas::{AMBER, Area, BLUE, INK, Look, RED, SOFT, said};
use super::charts::{LatencyChart, RIGHT};
use super::scale::{LatencyAxis, Ticked};
use super::spots::{Told, upright};
use crate::language::plot_words::{PlotWord, counted, errors_seen, over_time_title, percentile_is};
use crate::language::{Counted, Decimal, InWords as _, Language, Milliseconds, Noun, Quantile};
use crate::report::Source;
use crate::report::wire::plain;
use harness_model::history::{EventKind, Measure};
use harness_model::statistics::samples_needed;

/// The intervals of one tag.
#[derive(Clone, Debug)]
pub(in crate::report) struct OverTime {
    tag: String,
    columns: Vec<Column>,
    /// Seconds at which the proxy was killed.
    kills: Vec<f64>,
    /// Backends that were down, as one name where they were together, and from when to when in seconds.
    outages: Vec<(String, f64, f64)>,
}

/// One interval.
#[derive(Clone, Debug)]
struct Column {
    /// Seconds since the start of the run.
    from: f64,
    to: f64,
    values: Option<Histogram<u64>>,
    errors: u64,
}

impl Column {
    /// What it shows, in words.
    fn says(&self, places: usize, language: Language) -> String {
        let at = |seconds: f64| Decimal(seconds, places).in_words(language);
        let mut parts = vec![format!("{}–{} s", at(self.from), at(self.to))];
        if let Some(values) = self.values.as_ref().filter(|values| !values.is_empty()) {
            parts.push(Counted(values.len(), Noun::Request).in_words(language));
            for quantile in [0.5, 0.99].into_iter().filter(|q| values.len() >= samples_needed(*q)) {
                let ms = Milliseconds(values.value_at_quantile(quantile) as f64 / 1e6);
                parts.push(percentile_is(language, Quantile(quantile), ms));
            }
        }
        if self.errors > 0 {
            parts.push(errors_seen(language, self.errors));
        }
        parts.join(" · ")
    }
}

/// When which backends were down. Those that went and came back at the same time are one outage.
fn outages(source: &Source<'_>) -> Vec<(String, f64, f64)> {
    /// Apart by less than this, in seconds, is the same moment.
    const TOGETHER: f64 = 0.05;
    let (mut down, mut outages) = (Vec::<(String, f64)>::new(), Vec::<(String, f64, f64)>::new());
    let mut over = |name: String, from: f64, to: f64| {
        let same = |o: &&mut (String, f64, f64)| (o.1 - from).abs() < TOGETHER && (o.2 - to).abs() < TOGETHER;
        match outages.iter_mut().rev().find(same) {
            Some(outage) => outage.0 = format!("{}, {name}", outage.0),
            None => outages.push((name, from, to)),
        }
    };
    for event in source.events() {
        let at = event.at.0 as f64 / 1e9;
        match &event.event {
            EventKind::BackendDown { backend } => down.push((backend.clone(), at)),
            EventKind::BackendUp { backend, .. } => {
                if let Some(place) = down.iter().position(|(name, _)| name == backend) {
                    let (name, from) = down.remove(place);
                    over(name, from, at);
                }
            }
            _ => {}
        }
    }
    for (name, from) in down {
        over(name, from, f64::INFINITY);
    }
    outages
}

/// More columns than this are merged.
const MOST_COLUMNS: usize = 90;
/// Rows of the heat map.
const ROWS: usize = 36;

impl OverTime {
    /// One figure for each tag.
    pub(super) fn of(source: &Source<'_>) -> Vec<OverTime> {
        let histograms = &source.record.histograms;
        let tags: Vec<String> = histograms.tags().into_iter().map(str::to_owned).collect();
        let kills = source.events().iter().filter_map(|event| match &event.event {
            EventKind::ProxySignalled { signal, .. } if signal == "SIGKILL" => Some(event.at.0 as f64 / 1e9),
            _ => None,
        });
        let kills: Vec<f64> = kills.collect();
        let outages = outages(source);
        tags.into_iter()
            .map(|tag| OverTime {
                columns: columns(source, &tag),
                tag: plain(&tag, 40),
                kills: kills.clone(),
                outages: outages.clone(),
            })
            .filter(|figure| !figure.columns.is_empty())
            .map(OverTime::within)
            .collect()
    }

    /// Keeps what lies in the time shown.
    fn within(mut self) -> OverTime {
        let (from, to) = self.span();
        self.kills.retain(|kill| (from..=to).contains(kill));
        self.outages.retain(|(_, down, up)| *down < to && *up > from);
        self
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    pub(super) fn title(&self, language: Language) -> String {
        over_time_title(
            language,
            &self.tag,
            counted(self.total().map_or(0, |t| t.len()) as usize, Noun::Sample),
        )
    }

    pub(super) fn description(&self, language: Language) -> String {
        let mut parts = Vec::new();
        if let Some(total) = self.total() {
            for (q, _) in self.lines() {
                let ms = total.value_at_quantile(q) as f64 / 1e6;
                parts.push(percentile_is(language, Quantile(q), Milliseconds(ms)));
            }
        } else {
            parts.push(PlotWord::NoSample.in_words(language));
        }
        let errors = self.columns.iter().map(|column| column.errors).sum();
        if errors > 0 {
            parts.push(errors_seen(language, errors));
        }
        parts.join(", ")
    }

    fn total(&self) -> Option<Histogram<u64>> {
        let mut all = self.columns.iter().filter_map(|column| column.values.as_ref());
        let mut total = all.next()?.clone();
        all.for_each(|values| {
            // All have the range and the digits of this crate, so adding up cannot fail.
            let _ = total.add(values);
        });
        Some(total)
    }

    fn span(&self) -> (f64, f64) {
        let from = self.columns.iter().map(|c| c.from).fold(f64::INFINITY, f64::min);
        let to = self.columns.iter().map(|c| c.to).fold(f64::NEG_INFINITY, f64::max);
        (from, to.max(from + 0.001))
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let total = self.total();
        let edge = |q: f64| total.as_ref().map_or(0.0, |t| t.value_at_quantile(q) as f64 / 1e6);
        // Without a sample there is nothing to scale by: any axis will do.
        let most = if total.is_some() { edge(1.0) } else { 1.0 };
        let axis = LatencyAxis::for_range(edge(0.0), most);
        let ((from, to), (low, high)) = (self.span(), axis.ends());
        let seconds = Ticked::round(from..to, if look.roomy() { 8 } else { 4 });
        let second_places = seconds.decimals();
        let chart = LatencyChart {
            latency: axis,
            across: seconds,
            word: PlotWord::SinceStart,
            name: &|s| Decimal(*s, second_places).in_words(language),
            right: RIGHT,
            top: 0.0,
        };
        let mut chart = chart.on(area, look, language)?;
        for (backend, from, to) in &self.outages {
            let (from, to) = (from.max(self.span().0), to.min(self.span().1));
            let band = Rectangle::new([(from, low), (to, high)], AMBER.mix(0.18).filled());
            chart.draw_series([band]).map_err(said)?;
            let top = EmptyElement::at((from, high));
            let name = Text::new(backend.clone(), (look.px(3.0), look.px(1.0)), look.text(11.5, &AMBER));
            chart.draw_series([top + name]).map_err(said)?;
        }
        chart.draw_series(self.cells(axis)).map_err(said)?;
        for (quantile, width) in self.lines() {
            let line: Vec<(f64, f64)> =
                self.line(quantile).map(|(x, ms)| (x, axis.place(ms).min(high))).collect();
            chart.draw_series([PathElement::new(line.clone(), look.stroke(INK, width))]).map_err(said)?;
            if line.len() < 12 {
                chart
                    .draw_series(line.iter().map(|at| Circle::new(*at, look.px(2.6), INK.filled())))
                    .map_err(said)?;
            }
            if let Some(last) = line.last() {
                let text = Quantile(quantile).in_words(language);
                let shift = (look.px(3.0), look.px(-7.0));
                chart
                    .draw_series([EmptyElement::at(*last) + Text::new(text, shift, look.text(11.5, &INK))])
                    .map_err(said)?;
            }
        }
        for column in self.columns.iter().filter(|column| column.errors > 0) {
            let at = (f64::midpoint(column.from, column.to), low);
            chart
                .draw_series([EmptyElement::at(at)
                    + Cross::new((0, look.px(-7.0)), look.px(4.0), look.stroke(RED, 1.8))])
                .map_err(said)?;
        }
        for kill in &self.kills {
            let ends = [(*kill, low), (*kill, high)];
            chart
                .draw_series(DashedLineSeries::new(ends, look.px(4.0), look.px(3.0), look.stroke(RED, 1.2)))
                .map_err(said)?;
        }
        let note = self.note(language);
        area.draw_text(&note, &look.text(11.5, &SOFT), (look.px(if look.roomy() { 76.0 } else { 62.0 }), 0))
            .map_err(said)?;
        let says = |column: &Column| column.says(second_places.max(1), language);
        let parts = self.columns.iter().map(|column| ((column.from, column.to), says(column)));
        Ok(upright(&chart, parts))
    }

    fn note(&self, language: Language) -> String {
        let errors: u64 = self.columns.iter().map(|column| column.errors).sum();
        let mut note = PlotWord::Density.in_words(language);
        if !self.outages.is_empty() {
            note.push_str(&format!(" · {}", PlotWord::Outage.in_words(language)));
        }
        if errors > 0 {
            note.push_str(&format!(" · ✕ {}", errors_seen(language, errors)));
        }
        note
    }

    /// Quantiles that there are samples enough for, with the width of their lines.
    fn lines(&self) -> impl Iterator<Item = (f64, f64)> {
        let samples = self.total().map_or(0, |total| total.len());
        [(0.5, 2.2), (0.99, 1.4)]
            .into_iter()
            .filter(move |(quantile, _)| samples >= samples_needed(*quantile))
    }

    fn line(&self, quantile: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.columns.iter().filter_map(move |column| {
            let values = column.values.as_ref().filter(|values| !values.is_empty())?;
            Some((f64::midpoint(column.from, column.to), values.value_at_quantile(quantile) as f64 / 1e6))
        })
    }

    /// The cells that hold requests, shaded by the logarithm of their number.
    fn cells(&self, axis: LatencyAxis) -> Vec<Rectangle<(f64, f64)>> {
        let (low, high) = axis.ends();
        let height = (high - low) / ROWS as f64;
        let counts: Vec<[u64; ROWS]> = self
            .columns
            .iter()
            .map(|column| {
                let mut rows = [0u64; ROWS];
                for value in column.values.iter().flat_map(Histogram::iter_recorded) {
                    let place = axis.place(value.value_iterated_to() as f64 / 1e6);
                    let row = ((place - low) / height).clamp(0.0, (ROWS - 1) as f64) as usize;
                    rows[row] += value.count_at_value();
                }
                rows
            })
            .collect();
        let most = counts.iter().flatten().copied().max().unwrap_or(0);
        let mut cells = Vec::new();
        for (column, rows) in self.columns.iter().zip(&counts) {
            for (row, count) in rows.iter().enumerate().filter(|(_, count)| **count > 0) {
                let strength = 0.12 + 0.68 * ((*count as f64).ln_1p() / (most as f64).ln_1p());
                let bottom = low + row as f64 * height;
                cells.push(Rectangle::new(
                    [(column.from, bottom), (column.to, bottom + height)],
                    BLUE.mix(strength).filled(),
                ));
            }
        }
        cells
    }
}

/// The intervals of a tag, merged so that there are not too many.
fn columns(source: &Source<'_>, tag: &str) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for interval in source.record.histograms.intervals().iter().filter(|interval| interval.tag == tag) {
        if !matches!(interval.measure, Measure::Intended | Measure::Error) {
            continue;
        }
        let from = interval.start.0 as f64 / 1e9;
        let to = from + interval.duration.as_secs_f64();
        let errors = if interval.measure == Measure::Error { interval.values.len() } else { 0 };
        let values = (interval.measure == Measure::Intended).then(|| interval.values.clone());
        merge(&mut columns, Column { from, to, values, errors }, 0.0);
    }
    columns.sort_by(|a, b| a.from.total_cmp(&b.from));
    if columns.len() > MOST_COLUMNS {
        let span = columns.last().map_or(0.0, |last| last.to) - columns[0].from;
        let width = span / MOST_COLUMNS as f64;
        let mut merged = Vec::new();
        for column in columns {
            merge(&mut merged, column, width);
        }
        return merged;
    }
    columns
}

/// Adds a column to the one it overlaps with, or to the last one while that is narrower than `width`.
fn merge(columns: &mut Vec<Column>, column: Column, width: f64) {
    let fits = |c: &Column| {
        (c.from - column.from).abs() < 0.05 || (width > 0.0 && column.to - c.from <= width * 1.001)
    };
    let Some(into) = columns.iter_mut().rev().find(|c| fits(c)) else {
        columns.push(column);
        return;
    };
    into.to = into.to.max(column.to);
    into.errors += column.errors;
    match (&mut into.values, column.values) {
        (Some(sum), Some(more)) => {
            // One range and one precision: cannot fail.
            let _ = sum.add(&more);
        }
        (empty @ None, some) => *empty = some,
        (Some(_), None) => {}
    }
}
