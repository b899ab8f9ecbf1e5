//! Share and order of the backends: who got how many requests, and in which order.
//!
//! Drawn for each phase in which a scenario asks in series or in batches of the same backends. The order is a row of points per backend, so that an exact cycle
//! is a regular pattern and a lost turn a hole in it.

use plotters::prelude::*;

use super::canvas::{Area, BLUE, GRID, INK, Look, SOFT, said};
use super::spots::{Told, part_of};
use crate::language::plot_words::{
    PlotWord, counted, first_of, ideal_share, rotation_title, share_of, turn_of,
};
use crate::language::{InWords as _, Language, Noun, Percent};
use crate::report::Source;
use crate::report::series::{RotationPhase, rotation_phases};

/// Attempts at the backends.
#[derive(Clone, Debug)]
pub(in crate::report) struct Rotation {
    /// Its place among those of the run.
    place: usize,
    /// Whether they were asked in batches.
    in_batches: bool,
    /// How many backends the proxy was told of.
    told: usize,
    /// Names, `b1` first.
    backends: Vec<String>,
    /// Attempts per backend, in the same order.
    counts: Vec<u64>,
    /// Positions in `backends`, in the order of arrival, the first of them only.
    order: Vec<usize>,
}

/// As much of the order as a drawing can show.
const ORDER_SHOWN: usize = 60;

impl Rotation {
    /// One figure for each phase.
    pub(super) fn of(source: &Source<'_>) -> Vec<Rotation> {
        let phases = rotation_phases(source).into_iter().enumerate();
        phases.map(|(place, phase)| Rotation::of_phase(source, place, phase)).collect()
    }

    fn of_phase(source: &Source<'_>, phase_at: usize, phase: RotationPhase<'_>) -> Rotation {
        let RotationPhase { in_batches, told, attempts } = phase;
        let mut backends = source.backend_names();
        backends.truncate(told);
        for attempt in &attempts {
            if !backends.contains(&attempt.backend) {
                backends.push(attempt.backend.clone());
            }
        }
        let place = |name: &str| backends.iter().position(|backend| backend == name).unwrap_or(0);
        let order: Vec<usize> = attempts.iter().map(|attempt| place(&attempt.backend)).collect();
        let counts = (0..backends.len()).map(|b| order.iter().filter(|o| **o == b).count() as u64).collect();
        let order = order.into_iter().take(ORDER_SHOWN).collect();
        Rotation { place: phase_at, in_batches, told, counts, order, backends }
    }

    /// The name of its file.
    pub(super) fn name(&self) -> String {
        match self.place {
            0 => "rotation".to_owned(),
            place => format!("rotation-{}", place + 1),
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn title(&self, language: Language) -> String {
        let phase = if self.in_batches { PlotWord::InBatches } else { PlotWord::InSeries };
        rotation_title(
            language,
            &phase.in_words(language),
            counted(self.total() as usize, Noun::Attempt),
            counted(self.backends.len(), Noun::Backend),
        )
    }

    pub(super) fn description(&self, language: Language) -> String {
        let shares: Vec<String> = self.shares(language).collect();
        let order: Vec<&str> = self.order.iter().take(12).map(|b| self.backends[*b].as_str()).collect();
        format!("{}. {}: {} …", shares.join(", "), PlotWord::Order.in_words(language), order.join(" "))
    }

    fn shares(&self, language: Language) -> impl Iterator<Item = String> + '_ {
        let total = self.total().max(1) as f64;
        self.backends
            .iter()
            .zip(&self.counts)
            .map(move |(name, count)| share_of(language, name, *count, Percent(*count as f64 / total)))
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let (width, height) = area.dim_in_pixel();
        let (width, height) = (width as i32 - look.px(20.0), height as i32);
        let left = look.px(44.0);
        let heading = look.bold(12.5, &INK);
        let split = height * 48 / 100;
        let order_words = PlotWord::Order.in_words(language);
        let first = first_of(language, self.order.len() as u64, self.total());
        area.draw_text(&format!("{order_words} ({first})"), &heading, (left, 0)).map_err(said)?;
        let mut told =
            self.draw_order(area, look, language, (left, look.px(24.0)), (width, split - look.px(24.0)))?;
        let title = PlotWord::Share.in_words(language);
        area.draw_text(&title, &heading, (left, split + look.px(10.0))).map_err(said)?;
        let (top, end) = ((left, split + look.px(32.0)), (width, height - look.px(6.0)));
        told.extend(self.draw_shares(area, look, language, top, end)?);
        Ok(told)
    }

    fn draw_order<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
        top: (i32, i32),
        end: (i32, i32),
    ) -> Told {
        let rows = self.backends.len().max(1) as i32;
        let row_height = (end.1 - top.1) / rows;
        let shown = if look.roomy() { ORDER_SHOWN } else { ORDER_SHOWN / 2 };
        let points: Vec<usize> = self.order.iter().copied().take(shown).collect();
        let apart = f64::from(end.0 - top.0 - look.px(12.0)) / points.len().max(12) as f64;
        let x = |index: usize| top.0 + look.px(8.0) + (apart * (index as f64 + 0.5)) as i32;
        let y = |row: usize| top.1 + row_height * row as i32 + row_height / 2;
        for (row, name) in self.backends.iter().enumerate() {
            let line = [(top.0, y(row)), (end.0, y(row))];
            area.draw(&PathElement::new(line, look.stroke(GRID, 1.0))).map_err(said)?;
            area.draw_text(name, &look.text(12.5, &SOFT), (look.px(12.0), y(row) - look.px(7.0)))
                .map_err(said)?;
        }
        let path: Vec<(i32, i32)> =
            points.iter().enumerate().map(|(index, row)| (x(index), y(*row))).collect();
        area.draw(&PathElement::new(path.clone(), look.stroke(SOFT, 0.8))).map_err(said)?;
        let radius = look.px(f64::min(4.5, apart / look.unit / 2.6)).max(2);
        for at in path {
            area.draw(&Circle::new(at, radius, BLUE.filled())).map_err(said)?;
        }
        let turn = |(index, row): (usize, &usize)| {
            let says = turn_of(language, index as u64 + 1, &self.backends[*row]);
            part_of(area, (x(index) - (apart / 2.0) as i32, top.1), (apart as i32, end.1 - top.1), says)
        };
        Ok(points.iter().enumerate().map(turn).collect())
    }

    fn draw_shares<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
        top: (i32, i32),
        end: (i32, i32),
    ) -> Told {
        let rows = self.backends.len().max(1) as i32;
        let row_height = (end.1 - top.1) / rows;
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let text_room = look.px(if look.roomy() { 150.0 } else { 120.0 });
        // Room for what the line of the ideal is called.
        let end = (end.0, end.1 - look.px(20.0));
        let row_height = row_height - look.px(20.0) / rows;
        let longest = f64::from((end.0 - top.0 - text_room).max(10));
        // Of the backends that it was told of: one that it was not told of should get nothing.
        let ideal = 1.0 / self.told.max(1) as f64;
        let even = self.total() as f64 * ideal / most * longest;
        let mut told = Vec::new();
        for (row, (words, count)) in self.shares(language).zip(&self.counts).enumerate() {
            let y = top.1 + row_height * row as i32;
            let bar = row_height * 62 / 100;
            let length = (*count as f64 / most * longest) as i32;
            area.draw_text(
                &self.backends[row],
                &look.text(12.5, &SOFT),
                (look.px(12.0), y + bar / 2 - look.px(7.0)),
            )
            .map_err(said)?;
            area.draw(&Rectangle::new([(top.0, y), (top.0 + length.max(1), y + bar)], BLUE.filled()))
                .map_err(said)?;
            told.push(part_of(area, (top.0, y), (end.0 - top.0, bar), words.clone()));
            let words = words.split_once(": ").map_or(words.as_str(), |(_, figures)| figures);
            let at = (top.0 + length + look.px(8.0), y + bar / 2 - look.px(7.0));
            area.draw_text(words, &look.text(12.5, &INK), at).map_err(said)?;
        }
        // Where every bar would end if the shares were equal.
        let x = top.0 + even as i32;
        let text = ideal_share(language, Percent(ideal));
        let style = look.text(12.5, &INK);
        let width = area.estimate_text_size(&text, &style).map_err(said)?.0 as i32;
        area.draw_text(&text, &style, ((x - width / 2).min(end.0 - width), end.1 + look.px(3.0)))
            .map_err(said)?;
        let mut y = top.1 - look.px(4.0);
        while y < end.1 {
            area.draw(&PathElement::new([(x, y), (x, (y + look.px(4.0)).min(end.1))], look.stroke(INK, 1.2)))
                .map_err(said)?;
            y += look.px(8.0);
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::Rotation;
    use crate::report::testkit::RunBuilder;

    #[test]
    fn shares_are_those_of_one_list() {
        let run = RunBuilder::new("fairness").ready().serial(12).told(2).serial(4).build();
        let drawn = Rotation::of(&run.source());
        let shown: Vec<_> =
            drawn.iter().map(|it| (it.name(), it.backends.len(), it.counts.clone())).collect();
        // Four requests while it was told of two are a picture of their own, with two backends and an ideal of a half; the third shows
        // because it was asked all the same.
        assert_eq!(shown[0], ("rotation".to_owned(), 3, vec![4, 4, 4]));
        assert_eq!((shown.len(), &shown[1].0, drawn[1].told), (2, &"rotation-2".to_owned(), 2));
        let svg = crate::report::plot::Figure::Rotation(drawn[1].clone());
        let svg = svg.svg(crate::report::plot::Look::WIDE, crate::language::Language::En).unwrap();
        assert!(svg.contains("ideal: 50%"), "{svg}");
    }
}
