//! The S-curve of a TTL: the age of each probed entry and whether the cache or a backend answered.
//!
//! Each probe is drawn as the interval of ages that the record proves, filled where the cache answered and hollow where a
//! backend did; the staircase is the share served. What the checks concluded is not repeated here.

use plotters::prelude::*;

use super::canvas::{self, AMBER, Area, BAND, BLUE, Drawn, INK, Look, RED, SOFT, said};
use super::charts::{BELOW, Chart, RIGHT, ruled};
use super::scale::Ticked;
use super::spots::{Told, upright};
use crate::language::plot_words::{
    PlotWord, bracket, counted, expiry_alt, expiry_alt_one_sided, expiry_title, expiry_title_restarted,
    probes_between, ttl_line,
};
use crate::language::{Decimal, InWords as _, Language, Milliseconds, Noun, Span};
use crate::report::Source;
use harness_judge::check::{CurvePoint, expiry_curve};

/// The probes of one TTL.
#[derive(Clone, Debug)]
pub(in crate::report) struct Expiry {
    ttl_ms: f64,
    early_ms: f64,
    late_ms: f64,
    /// Whether the proxy was started again between storing and asking.
    restarted: bool,
    points: Vec<CurvePoint>,
}

/// Probes whose ages lie in one part of the range.
struct Stair {
    from_ms: f64,
    to_ms: f64,
    served: usize,
    all: usize,
}

/// A staircase with fewer probes than this would show noise.
const ENOUGH_FOR_STAIRS: usize = 30;
const STAIRS: usize = 16;

impl Expiry {
    /// One figure for each TTL that was in force, and another for those entries that lived through a restart.
    pub(super) fn of(source: &Source<'_>) -> Vec<Expiry> {
        let resolution = source.plan().adapter.capabilities.ttl_resolution;
        let mut by_ttl: Vec<Expiry> = Vec::new();
        for point in expiry_curve(source.record) {
            match by_ttl.iter_mut().find(|e| e.ttl_ms == point.ttl_ms && e.restarted == (point.restarts > 0))
            {
                Some(expiry) => expiry.points.push(point),
                None => by_ttl.push(Expiry {
                    ttl_ms: point.ttl_ms,
                    early_ms: resolution.early.as_secs_f64() * 1000.0,
                    late_ms: resolution.late.as_secs_f64() * 1000.0,
                    restarted: point.restarts > 0,
                    points: vec![point],
                }),
            }
        }
        by_ttl
    }

    pub(super) fn name(&self) -> String {
        let restarted = if self.restarted { "-over-restart" } else { "" };
        format!("expiry-{}ms{restarted}", self.ttl_ms.round())
    }

    /// Whether it shows entries that lived through a restart.
    pub(in crate::report) fn restarted(&self) -> bool {
        self.restarted
    }

    pub(super) fn title(&self, language: Language) -> String {
        let probes = counted(self.points.len(), Noun::Probe);
        let title = if self.restarted { expiry_title_restarted } else { expiry_title };
        title(language, Span(self.ttl_ms), probes)
    }

    pub(super) fn description(&self, language: Language) -> String {
        match (self.last_served(), self.first_gone()) {
            (Some(last), Some(first)) => expiry_alt(language, Milliseconds(last), Milliseconds(first)),
            _ => {
                let served = self.points.iter().filter(|point| point.served).count();
                expiry_alt_one_sided(language, served as u64, (self.points.len() - served) as u64)
            }
        }
    }

    /// Largest age at which an entry is proven to have been served.
    fn last_served(&self) -> Option<f64> {
        self.points.iter().filter(|p| p.served).map(|p| p.least_age_ms).max_by(f64::total_cmp)
    }

    /// Smallest age at which an entry is proven to be gone.
    fn first_gone(&self) -> Option<f64> {
        self.points.iter().filter(|p| !p.served).map(|p| p.most_age_ms).min_by(f64::total_cmp)
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let low = self.points.iter().map(|p| p.least_age_ms).fold(self.ttl_ms - self.early_ms, f64::min);
        let high = self.points.iter().map(|p| p.most_age_ms).fold(self.ttl_ms + self.late_ms, f64::max);
        let room = ((high - low) * 0.06).max(5.0);
        let (low, high) = (low - room, high + room);
        let label_room = if look.roomy() { 150.0 } else { 0.0 };
        let ages = Ticked::round(low..high, if look.roomy() { 8 } else { 4 });
        let places = ages.decimals();
        let mut chart = ChartBuilder::on(area)
            .margin_right(look.px(RIGHT))
            .x_label_area_size(look.px(BELOW))
            .y_label_area_size(look.px(label_room))
            .build_cartesian_2d(ages, Ticked::new(-0.45..1.45, Vec::new()))
            .map_err(said)?;
        ruled(&mut chart, look)
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc(PlotWord::Age.in_words(language))
            .x_label_formatter(&|age| Decimal(*age, places).in_words(language))
            .draw()
            .map_err(said)?;
        self.draw_bracket(&mut chart, look, language)?;
        self.draw_stairs(&mut chart, look)?;
        self.draw_points(&mut chart, look)?;
        self.draw_row_names(&mut chart, (low, high), look, language)?;
        let age = |ms: f64| Decimal(ms, places);
        let parts = self.stairs().into_iter().map(|Stair { from_ms, to_ms, served, all }| {
            let gone = (all - served) as u64;
            ((from_ms, to_ms), probes_between(language, age(from_ms), age(to_ms), served as u64, gone))
        });
        Ok(upright(&chart, parts))
    }

    fn draw_bracket<DB: DrawingBackend>(
        &self,
        chart: &mut Chart<'_, DB>,
        look: Look,
        language: Language,
    ) -> Drawn {
        if self.early_ms + self.late_ms > 0.0 {
            let corners = [(self.ttl_ms - self.early_ms, -0.45), (self.ttl_ms + self.late_ms, 1.45)];
            chart.draw_series([Rectangle::new(corners, BAND.filled())]).map_err(said)?;
        }
        let ttl = [(self.ttl_ms, -0.45), (self.ttl_ms, 1.45)];
        chart.draw_series([PathElement::new(ttl, look.stroke(RED, 1.6))]).map_err(said)?;
        let label = look.bold(12.5, &RED);
        let shift = (look.px(5.0), look.px(2.0));
        let text = ttl_line(language, Span(self.ttl_ms));
        chart
            .draw_series([EmptyElement::at((self.ttl_ms, 1.45)) + Text::new(text, shift, label)])
            .map_err(said)?;
        // Between the oldest entry served and the youngest gone, as a measure with two ends.
        if let (Some(last), Some(first)) = (self.last_served(), self.first_gone()) {
            let (from, to) = (last.min(first), last.max(first));
            let style = look.stroke(AMBER, 2.0);
            let ends = |x: f64| PathElement::new([(x, 0.44), (x, 0.56)], style);
            chart
                .draw_series([PathElement::new([(from, 0.5), (to, 0.5)], style), ends(from), ends(to)])
                .map_err(said)?;
            if look.roomy() {
                let text = bracket(language, Milliseconds(from), Milliseconds(to));
                let shift = (look.px(8.0), look.px(-7.0));
                let label = look.text(12.5, &AMBER);
                chart
                    .draw_series([EmptyElement::at((to, 0.5)) + Text::new(text, shift, label)])
                    .map_err(said)?;
            }
        }
        Ok(())
    }

    /// The probes in as many parts of the range of ages, those without any left out.
    fn stairs(&self) -> Vec<Stair> {
        let middle = |p: &CurvePoint| f64::midpoint(p.least_age_ms, p.most_age_ms);
        let low = self.points.iter().map(middle).fold(f64::INFINITY, f64::min);
        let high = self.points.iter().map(middle).fold(f64::NEG_INFINITY, f64::max);
        let width = ((high - low) / STAIRS as f64).max(1e-9);
        let stair = |number: usize| {
            let (from_ms, to_ms) = (low + number as f64 * width, low + (number + 1) as f64 * width);
            let last = number + 1 == STAIRS;
            let inside = |p: &&CurvePoint| middle(p) >= from_ms && (middle(p) < to_ms || last);
            let all = self.points.iter().filter(inside).count();
            let served = self.points.iter().filter(inside).filter(|p| p.served).count();
            Stair { from_ms, to_ms, served, all }
        };
        (0..STAIRS).map(stair).filter(|stair| stair.all > 0).collect()
    }

    /// The share served.
    fn draw_stairs<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, look: Look) -> Drawn {
        if self.points.len() < ENOUGH_FOR_STAIRS {
            return Ok(());
        }
        let share = |stair: &Stair| stair.served as f64 / stair.all as f64;
        let corners = |stair: &Stair| [(stair.from_ms, share(stair)), (stair.to_ms, share(stair))];
        let line: Vec<(f64, f64)> = self.stairs().iter().flat_map(corners).collect();
        chart.draw_series([PathElement::new(line, look.stroke(SOFT, 1.2))]).map_err(said)?;
        Ok(())
    }

    fn draw_points<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, look: Look) -> Drawn {
        let radius = look.px(if self.points.len() > 400 { 2.5 } else { 3.6 });
        for (index, point) in self.points.iter().enumerate() {
            // Rows of five, so that probes of one age do not hide one another.
            let shift = ((index * 2 % 5) as f64 - 2.0) * 0.07;
            let (row, age) = if point.served { (1.0, point.least_age_ms) } else { (0.0, point.most_age_ms) };
            let at = (age, row + shift);
            let ends = [(point.least_age_ms, at.1), (point.most_age_ms, at.1)];
            let color = if point.served { BLUE } else { INK };
            chart.draw_series([PathElement::new(ends, look.stroke(color, 1.0))]).map_err(said)?;
            if point.served {
                chart.draw_series([Circle::new(at, radius, BLUE.filled())]).map_err(said)?;
            } else {
                chart.draw_series([Circle::new(at, radius, canvas::PAPER.filled())]).map_err(said)?;
                chart.draw_series([Circle::new(at, radius, look.stroke(INK, 1.3))]).map_err(said)?;
            }
        }
        Ok(())
    }

    fn draw_row_names<DB: DrawingBackend>(
        &self,
        chart: &mut Chart<'_, DB>,
        (low, _high): (f64, f64),
        look: Look,
        language: Language,
    ) -> Drawn {
        for (row, word, color) in
            [(1.0, PlotWord::ServedFromCache, &BLUE), (0.0, PlotWord::AskedTheBackend, &INK)]
        {
            let text = word.in_words(language);
            // On a wide drawing beside the axis, on a narrow one above the row.
            let (at, shift) = if look.roomy() {
                ((low, row), (look.px(-148.0), look.px(-7.0)))
            } else {
                ((low, row + 0.26), (look.px(4.0), look.px(-14.0)))
            };
            let label = look.text(12.5, color);
            chart.draw_series([EmptyElement::at(at) + Text::new(text, shift, label)]).map_err(said)?;
        }
        Ok(())
    }
}
