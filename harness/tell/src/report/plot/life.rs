//! The life of the proxy over a run: when it ran, when it was killed and ready again, what it used meanwhile.
//!
//! Drawn where it was killed or its resources were sampled. One strip for its starts, one panel for memory, one for CPU,
//! all over the same time.

use plotters::prelude::*;

use super::canvas::{self, Area, BLUE, Drawn, GREEN, INK, Look, RED, said};
use super::charts::{BELOW, Chart, RIGHT, TimePanel, left, ruled, time_axis};
use super::scale::Ticked;
use super::spots::{Told, half_way, upright, upright_across};
use crate::language::plot_words::{PlotWord, counted, life_alt, life_title};
use crate::language::{Decimal, InWords as _, Language, Noun, Span};
use crate::report::Source;
use crate::report::series::{Lifetime, cpu_percent, lifetimes, resources, thinned};

/// Starts, kills and samples.
#[derive(Clone, Debug)]
pub(in crate::report) struct Life {
    end: f64,
    lives: Vec<Lifetime>,
    samples: usize,
    /// Seconds and MiB.
    memory: Vec<(f64, f64)>,
    /// Seconds and percent of one core.
    cpu: Vec<(f64, f64)>,
}

/// Points of a line at most.
const MOST_POINTS: usize = 400;
/// Parts that can be pointed at, at most.
const MOST_PARTS: usize = 90;

impl Life {
    /// The figure; `None` where there is neither a kill nor a series of samples.
    pub(super) fn of(source: &Source<'_>) -> Option<Life> {
        let lives = lifetimes(source);
        let samples = resources(source);
        if samples.len() < 2 && !lives.iter().any(|life| life.killed) {
            return None;
        }
        let memory: Vec<(f64, f64)> =
            samples.iter().map(|(at, s)| (*at, s.resident_bytes as f64 / 1_048_576.0)).collect();
        Some(Life {
            end: (source.end().0 as f64 / 1e9).max(0.001),
            lives,
            samples: samples.len(),
            memory: thinned(&memory, MOST_POINTS),
            cpu: thinned(&cpu_percent(&samples), MOST_POINTS),
        })
    }

    fn kills(&self) -> usize {
        self.lives.iter().filter(|life| life.killed).count()
    }

    pub(super) fn title(&self, language: Language) -> String {
        let starts = counted(self.lives.len(), Noun::Start);
        life_title(language, starts, counted(self.kills(), Noun::Kill), counted(self.samples, Noun::Sample))
    }

    pub(super) fn description(&self, language: Language) -> String {
        let starts = counted(self.lives.len(), Noun::Start);
        life_alt(language, starts, counted(self.kills(), Noun::Kill), Span((self.end * 1000.0).round()))
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let panels: Vec<(&[(f64, f64)], PlotWord)> =
            [(&self.memory[..], PlotWord::Memory), (&self.cpu[..], PlotWord::Cpu)]
                .into_iter()
                .filter(|(points, _)| !points.is_empty())
                .collect();
        let height = area.dim_in_pixel().1 as i32;
        let strip_height = if panels.is_empty() { height } else { look.px(86.0) };
        let (strip, below) = area.split_vertically(strip_height);
        let mut told = self.draw_strip(&strip, look, language, panels.is_empty())?;
        let parts = below.split_evenly((panels.len().max(1), 1));
        for (index, (part, (points, word))) in parts.iter().zip(&panels).enumerate() {
            let with_axis = index + 1 == panels.len();
            let chart = self.draw_panel(part, look, language, points, *word, with_axis)?;
            if with_axis {
                told.extend(upright_across(&below, &chart, self.moments(language).into_iter()));
            }
        }
        Ok(told)
    }

    /// What was used when, in words, with the part of the time that it stands for.
    fn moments(&self, language: Language) -> Vec<((f64, f64), String)> {
        let shown = thinned(if self.memory.is_empty() { &self.cpu } else { &self.memory }, MOST_PARTS);
        let times: Vec<f64> = shown.iter().map(|(at, _)| *at).collect();
        let says = |at: &f64| {
            let nearest = |points: &[(f64, f64)]| {
                let apart = |point: &(f64, f64)| (point.0 - at).abs();
                points.iter().copied().min_by(|a, b| apart(a).total_cmp(&apart(b)))
            };
            let of = |points: &[(f64, f64)], word: PlotWord, places: usize| {
                let (_, value) = nearest(points)?;
                Some(format!("{}: {}", word.in_words(language), Decimal(value, places).in_words(language)))
            };
            let used = [of(&self.memory, PlotWord::Memory, 1), of(&self.cpu, PlotWord::Cpu, 0)];
            let parts = [Some(Span((at * 1e3).round()).in_words(language))].into_iter().chain(used);
            parts.flatten().collect::<Vec<_>>().join(" · ")
        };
        half_way(&times, (0.0, self.end)).zip(times.iter().map(says)).collect()
    }

    /// What became of a start, in words.
    fn says(&self, number: usize, language: Language) -> String {
        let life = &self.lives[number];
        let at = |seconds: f64| Span((seconds * 1e3).round()).in_words(language);
        let mut parts = vec![format!("{}: {}–{}", number + 1, at(life.started), at(life.ended))];
        if let Some(ready) = life.ready {
            parts.push(format!("{}: {}", PlotWord::Started.in_words(language), at(ready)));
        }
        match (life.killed, life.died) {
            (true, _) => parts.push(PlotWord::Killed.in_words(language)),
            (false, true) => parts.push(PlotWord::Died.in_words(language)),
            (false, false) => {}
        }
        parts.join(" · ")
    }

    /// The starts of the proxy: a bar while it ran, a filled circle where it was ready, a cross where it was killed.
    fn draw_strip<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
        with_axis: bool,
    ) -> Told {
        let mut chart = ChartBuilder::on(area)
            .margin_right(look.px(RIGHT))
            .margin_top(look.px(28.0))
            .x_label_area_size(look.px(if with_axis { BELOW } else { 0.0 }))
            .y_label_area_size(look.px(left(look)))
            .build_cartesian_2d(time_axis(self.end, look), Ticked::new(0.0..1.0, Vec::new()))
            .map_err(said)?;
        if with_axis {
            axis_of_time(&mut chart, look, language, time_axis(self.end, look).decimals())?;
        }
        for life in &self.lives {
            let bar = [(life.started, 0.25), (life.ended.max(life.started), 0.75)];
            chart.draw_series([Rectangle::new(bar, canvas::BAND.filled())]).map_err(said)?;
            chart.draw_series([Rectangle::new(bar, look.stroke(BLUE, 0.8))]).map_err(said)?;
        }
        for life in &self.lives {
            if let Some(ready) = life.ready {
                chart.draw_series([Circle::new((ready, 0.5), look.px(3.6), GREEN.filled())]).map_err(said)?;
            }
            if life.killed || life.died {
                let cross = Cross::new((life.ended, 0.5), look.px(5.0), look.stroke(RED, 2.2));
                chart.draw_series([cross]).map_err(said)?;
            }
        }
        self.draw_key(area, look, language)?;
        let part =
            |(number, life): (usize, &Lifetime)| ((life.started, life.ended), self.says(number, language));
        Ok(upright(&chart, self.lives.iter().enumerate().map(part)))
    }

    fn draw_key<DB: DrawingBackend>(&self, area: &Area<'_, DB>, look: Look, language: Language) -> Drawn {
        let (mut x, y) = (look.px(left(look)), look.px(10.0));
        let gap = look.px(8.0);
        let words = [PlotWord::ProxyRuns, PlotWord::Started, PlotWord::Killed];
        for word in words {
            match word {
                PlotWord::ProxyRuns => {
                    let bar = [(x, y - look.px(4.0)), (x + look.px(16.0), y + look.px(4.0))];
                    area.draw(&Rectangle::new(bar, canvas::BAND.filled())).map_err(said)?;
                    area.draw(&Rectangle::new(bar, look.stroke(BLUE, 0.8))).map_err(said)?;
                    x += look.px(10.0);
                }
                PlotWord::Started => {
                    area.draw(&Circle::new((x + gap / 2, y), look.px(3.6), GREEN.filled())).map_err(said)?;
                }
                _ => {
                    area.draw(&Cross::new((x + gap / 2, y), look.px(5.0), look.stroke(RED, 2.2)))
                        .map_err(said)?;
                }
            }
            let text = word.in_words(language);
            let style = look.text(11.5, &INK);
            area.draw_text(&text, &style, (x + gap + look.px(6.0), y - look.px(7.0))).map_err(said)?;
            let width = area.estimate_text_size(&text, &style).map_err(said)?.0 as i32;
            x += gap + look.px(24.0) + width;
        }
        Ok(())
    }

    fn draw_panel<'a, DB: DrawingBackend>(
        &self,
        area: &'a Area<'_, DB>,
        look: Look,
        language: Language,
        points: &[(f64, f64)],
        word: PlotWord,
        with_axis: bool,
    ) -> Result<Chart<'a, DB>, String> {
        let most = points.iter().map(|(_, value)| *value).fold(0.0, f64::max).max(0.001) * 1.15;
        let time = with_axis.then(|| PlotWord::SinceStart.in_words(language));
        let mut chart = TimePanel { end: self.end, most, top: 22.0, time }.on(area, look, language)?;
        chart.draw_series([PathElement::new(points.to_vec(), look.stroke(INK, 1.6))]).map_err(said)?;
        if points.len() < 30 {
            chart
                .draw_series(points.iter().map(|at| Circle::new(*at, look.px(2.4), INK.filled())))
                .map_err(said)?;
        }
        let at = (look.px(left(look)), look.px(3.0));
        area.draw_text(&word.in_words(language), &look.bold(12.0, &INK), at).map_err(said)?;
        Ok(chart)
    }
}

fn axis_of_time<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    look: Look,
    language: Language,
    places: usize,
) -> Drawn {
    ruled(chart, look)
        .disable_mesh()
        .disable_y_axis()
        .x_desc(PlotWord::SinceStart.in_words(language))
        .x_label_formatter(&|s| Decimal(*s, places).in_words(language))
        .draw()
        .map_err(said)
}
