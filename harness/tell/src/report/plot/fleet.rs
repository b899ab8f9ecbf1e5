//! A fleet over a step: load, instances, latency, and what was decided when and why.
//!
//! Three panels over the minutes of the case. The simulation of the same plan is a line of its own, made anew from the plan;
//! decisions are upright lines with their numbers, deaths are crosses, lost requests are marked where they were lost.

use plotters::prelude::*;

use super::canvas::{AMBER, Area, BLUE, GREEN, INK, Look, RED, SOFT, said};
use super::charts::{Chart, RIGHT, TimePanel, left};
use super::spots::{Told, half_way, upright_across};
use crate::language::fleet_words::{self, FleetWord};
use crate::language::plot_words::percentile_is;
use crate::language::{
    Counted, Decimal, InWords as _, Language, Milliseconds, Noun, Quantile, Span, simulate_words,
};
use crate::report::Source;
use harness_model::fleet::{Forecast, simulate_beside};
use harness_model::history::{EventKind, FleetRun, FleetTick};
use harness_model::plan::{CloudStep, FleetPlan, StepKind};

/// One fleet step.
#[derive(Clone, Debug)]
pub(in crate::report) struct Fleet {
    name: String,
    plan: Box<FleetPlan>,
    run: FleetRun,
    /// The same in virtual time; `None` where there is nothing else.
    simulated: Option<FleetRun>,
}

/// Parts that can be pointed at, at most.
const MOST_PARTS: usize = 90;

/// A line of a panel: points of minutes and values, and how it is drawn.
type Line = (Vec<(f64, f64)>, RGBColor, f64);

impl Fleet {
    /// One figure for each fleet step that came to its end.
    pub(super) fn of(source: &Source<'_>) -> Vec<Fleet> {
        let plan = &source.record.plan;
        let runs = source.events().iter().filter_map(|event| match &event.event {
            EventKind::Fleet(run) => Some((plan.steps.get(event.step?)?, run)),
            _ => None,
        });
        runs.enumerate()
            .filter_map(|(number, (step, run))| {
                let StepKind::Cloud(CloudStep::Fleet(fleet)) = &step.kind else { return None };
                Some(Fleet {
                    name: step.label.clone().unwrap_or_else(|| (number + 1).to_string()),
                    plan: Box::new(fleet.clone()),
                    run: FleetRun::clone(run),
                    simulated: Some(simulate_beside(fleet, run, plan.seed)),
                })
            })
            .collect()
    }

    /// The figure of a forecast, which no real run stands beside.
    pub(super) fn forecast(forecast: &Forecast) -> Fleet {
        Fleet {
            name: forecast.name.clone(),
            plan: Box::new(forecast.plan.clone()),
            run: forecast.run.clone(),
            simulated: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn title(&self, language: Language) -> String {
        match self.simulated {
            Some(_) => fleet_words::title(&self.name, self.run.sent, &self.plan, language),
            None => simulate_words::figure_title(&self.name, self.run.sent, language),
        }
    }

    /// Every decision with its moment and its reason.
    pub(super) fn description(&self, language: Language) -> String {
        let moments = self.run.ticks.iter().filter_map(|tick| {
            let decision = tick.decision.as_ref()?;
            let at = Span(tick.at * 1e3).in_words(language);
            Some(format!("{at}: {}", fleet_words::decision(&self.plan, decision, language)))
        });
        moments.collect::<Vec<_>>().join("; ")
    }

    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<'_, DB>,
        look: Look,
        language: Language,
    ) -> Told {
        let per_minute = self.plan.weight() * 60.0 / self.plan.period;
        let of = |run: &FleetRun, value: &dyn Fn(&FleetTick) -> f64| -> Vec<(f64, f64)> {
            run.ticks.iter().map(|tick| (tick.at / 60.0, value(tick))).collect()
        };
        let load = of(&self.run, &|tick| tick.sent as f64 * per_minute);
        let capacity = of(&self.run, &|tick| tick.healthy as f64 * 60.0 / self.plan.needed(1.0));
        let healthy = stepped(&of(&self.run, &|tick| tick.healthy as f64));
        let ordered = stepped(&of(&self.run, &|tick| (tick.healthy + tick.launching) as f64));
        let beside = self.simulated.as_ref();
        let simulated = stepped(&beside.map_or_else(Vec::new, |run| of(run, &|tick| tick.healthy as f64)));
        let slow = |run: &FleetRun| -> Vec<(f64, f64)> {
            run.ticks.iter().filter_map(|tick| Some((tick.at / 60.0, tick.p99_ms?))).collect()
        };
        let slow_beside = beside.map_or_else(Vec::new, slow);
        let panels: [(FleetWord, Vec<Line>); 3] = [
            (FleetWord::Load, vec![(stepped(&capacity), GREEN, 1.2), (load, INK, 1.8)]),
            (FleetWord::Instances, vec![(simulated, AMBER, 3.4), (ordered, SOFT, 1.0), (healthy, BLUE, 1.8)]),
            (FleetWord::Latency, vec![(slow_beside, AMBER, 1.2), (slow(&self.run), INK, 1.8)]),
        ];
        let mut told = Vec::new();
        for (index, (part, (word, lines))) in area.split_evenly((3, 1)).iter().zip(&panels).enumerate() {
            let chart = self.draw_panel(part, look, language, *word, lines, index == 2)?;
            if index == 2 {
                told = upright_across(area, &chart, self.periods(per_minute, language).into_iter());
            }
        }
        Ok(told)
    }

    /// What was seen in each control period, in words; several are one part where there are many.
    fn periods(&self, per_minute: f64, language: Language) -> Vec<((f64, f64), String)> {
        let ticks = &self.run.ticks;
        let shown: Vec<&FleetTick> = ticks.iter().step_by(ticks.len().div_ceil(MOST_PARTS).max(1)).collect();
        let times: Vec<f64> = shown.iter().map(|tick| tick.at / 60.0).collect();
        let says = |tick: &&FleetTick| {
            let load = Decimal(tick.sent as f64 * per_minute, 0);
            let instances = Counted(tick.healthy as u64, Noun::Instance);
            let mut parts = vec![
                Span(tick.at * 1e3).in_words(language),
                fleet_words::per_minute(language, load),
                instances.in_words(language),
            ];
            let p99 = tick.p99_ms.map(|ms| percentile_is(language, Quantile(0.99), Milliseconds(ms)));
            parts.extend(p99);
            parts.extend(tick.decision.as_ref().map(|d| fleet_words::decision(&self.plan, d, language)));
            parts.join(" · ")
        };
        half_way(&times, (0.0, times.last().copied().unwrap_or(0.0))).zip(shown.iter().map(says)).collect()
    }

    fn draw_panel<'a, DB: DrawingBackend>(
        &self,
        area: &'a Area<'_, DB>,
        look: Look,
        language: Language,
        word: FleetWord,
        lines: &[Line],
        with_axis: bool,
    ) -> Result<Chart<'a, DB>, String> {
        let values = lines.iter().flat_map(|line| line.0.iter().map(|point| point.1));
        let most = values.fold(0.0, f64::max).max(0.001) * 1.2;
        let end = self.run.ticks.last().map_or(1.0, |tick| tick.at / 60.0).max(0.001);
        let time = with_axis.then(|| FleetWord::Minutes.in_words(language));
        let mut chart = TimePanel { end, most, top: 20.0, time }.on(area, look, language)?;
        for (points, color, width) in lines.iter().filter(|line| !line.0.is_empty()) {
            chart
                .draw_series([PathElement::new(points.clone(), look.stroke(*color, *width))])
                .map_err(said)?;
        }
        // Decisions that follow each other closely have their numbers in different rows.
        let mut row = 0;
        for tick in &self.run.ticks {
            let at = tick.at / 60.0;
            if let Some(decision) = tick.decision.as_ref().filter(|_| word == FleetWord::Instances) {
                let line = [(at, 0.0), (at, most)];
                chart.draw_series([PathElement::new(line, look.stroke(SOFT, 0.8))]).map_err(said)?;
                let text = format!("{} → {}", decision.from, decision.to);
                let place = chart.backend_coord(&(at, most));
                let (left, top) = area.get_base_pixel();
                let at =
                    (place.0 - left + look.px(3.0), place.1 - top + look.px(1.0 + 12.0 * f64::from(row)));
                row = (row + 1) % 3;
                area.draw_text(&text, &look.text(10.0, &SOFT), at).map_err(said)?;
            }
            if tick.died.is_some() && word == FleetWord::Instances {
                let cross = Cross::new((at, tick.healthy as f64), look.px(5.0), look.stroke(RED, 2.2));
                chart.draw_series([cross]).map_err(said)?;
            }
            if tick.lost > 0 && word == FleetWord::Load {
                let mark = TriangleMarker::new((at, most * 0.06), look.px(5.0), RED.filled());
                chart.draw_series([mark]).map_err(said)?;
            }
        }
        let at = (look.px(left(look)), look.px(2.0));
        area.draw_text(&word.in_words(language), &look.bold(12.0, &INK), at).map_err(said)?;
        let text = word.key(self.simulated.is_some(), language);
        let style = look.text(10.5, &SOFT);
        let width = area.estimate_text_size(&text, &style).map_err(said)?.0 as i32;
        let at = area.dim_in_pixel().0 as i32 - look.px(RIGHT) - width;
        if look.roomy() {
            area.draw_text(&text, &style, (at, look.px(3.0))).map_err(said)?;
        }
        Ok(chart)
    }
}

/// A value holds from its moment to the next.
fn stepped(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::plot::figure::Figure;
    use harness_model::fleet::{Overhead, simulate};
    use harness_model::plan::{Level, Policy, Stage};

    #[test]
    fn a_fleet_is_drawn_and_its_decisions_are_told_with_their_reasons() {
        let plan = FleetPlan {
            scale: 60.0,
            stands_for: None,
            least: 1,
            most: 4,
            start: None,
            provisioning: 60.0,
            places: 2,
            service: "constant(20ms)".parse().unwrap(),
            period: 30.0,
            policies: vec![Policy::Out {
                above: Level::Occupancy(0.6),
                lasting: 60.0,
                add: 1,
                cooldown: 0.0,
            }],
            load: vec![Stage { to_per_second: 150.0, over: 900.0 }],
            fails: vec![600.0],
            timeout: Duration::from_secs(5),
        };
        let run = simulate(&plan, Overhead::default(), 1);
        let fleet = Fleet { name: "ramp".into(), simulated: Some(run.clone()), run, plan: Box::new(plan) };
        let told = fleet.description(Language::Es);
        assert!(told.contains("1 → 2: ocupación") && told.contains("por encima de 60 %"), "{told}");
        let figure = Figure::Fleet(fleet);
        assert_eq!(figure.name(), "fleet-ramp");
        for look in [Look::WIDE, Look::NARROW] {
            let svg = figure.svg(look, Language::En).unwrap();
            assert!(svg.contains("1 → 2") && !svg.contains("NaN"));
        }
    }
}
