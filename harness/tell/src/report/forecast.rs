//! A simulation for people and programs: lines for the terminal, two pages with their plots, and JSON.
//!
//! `harness simulate` calls it. Every surface says that nothing was measured, and with what the model was calibrated.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::comparison::in_columns;
use super::html::simulation_page;
use super::pages::{ReportError, write};
use super::plot::{Figure, write_figures};
use super::wire::plain;
use crate::language::fleet_words::decision;
use crate::language::simulate_words::{
    SimulateLabel, and_more, calibrated, distance, left_out, model, not_calibrated, not_trusted, outcome,
    policy, trusted,
};
use crate::language::{Decimal, InWords as _, Language, Milliseconds, Percent, Span};
use harness_model::fleet::{Distance, Forecast};
use harness_model::history::FleetTick;
use harness_model::terms::Bilingual;

/// Rows of a table at most; longer spans have several control periods in a row.
const ROWS: usize = 30;

/// What was simulated of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// So that no program takes it for a measurement.
    pub kind: SimulationKind,
    /// Title of the scenario.
    pub title: Bilingual,
    /// Its file.
    pub file: String,
    /// Seed of the service times.
    pub seed: u64,
    /// The real run whose overheads are in it.
    pub calibration: Option<Calibration>,
    /// One a fleet step.
    pub forecasts: Vec<Forecast>,
}

/// The one kind.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulationKind {
    /// Nothing was measured.
    #[default]
    Simulation,
}

/// How far the model was from a real run.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Folder of the run.
    pub folder: String,
    /// Each of its fleet steps.
    pub steps: Vec<Calibrated>,
    /// Whether all of them were close enough.
    pub trusted: bool,
}

/// One step of that run.
#[derive(Clone, Debug, Serialize)]
pub struct Calibrated {
    /// Its name.
    pub step: String,
    /// How far the model was from it.
    pub distance: Distance,
}

impl Simulated {
    /// The heading of one of its steps.
    pub(super) fn heading(&self, forecast: &Forecast, language: Language) -> String {
        format!("{} · {}", plain(language.of(&self.title), 120), plain(&forecast.name, 60))
    }

    /// What must be known before a figure is believed, a sentence each.
    pub(super) fn caution(&self, forecast: &Forecast, language: Language) -> Vec<String> {
        let mut said = vec![model(&forecast.plan, self.seed, language)];
        said.extend(forecast.plan.policies.iter().map(|one| policy(one, language)));
        said.push(left_out(language));
        let Some(calibration) = &self.calibration else {
            said.push(not_calibrated(language));
            return said;
        };
        said.push(calibrated(&plain(&calibration.folder, 200), forecast.overhead, language));
        said.extend(
            calibration.steps.iter().map(|one| distance(&plain(&one.step, 60), &one.distance, language)),
        );
        said.push(if calibration.trusted { trusted(language) } else { not_trusted(language) });
        said
    }

    /// What the terminal shows.
    pub fn lines(&self, language: Language) -> String {
        let mut text = String::new();
        for forecast in &self.forecasts {
            let kind = SimulateLabel::Simulation.in_words(language);
            let _ = writeln!(text, "\n{kind}: {}", self.heading(forecast, language));
            for said in self.caution(forecast, language) {
                let _ = writeln!(text, "  {said}");
            }
            text.push('\n');
            text.push_str(&in_columns(&rows(forecast, language), |column| column == 0 || column == 7));
            text.push('\n');
            for said in outcome(forecast, language) {
                let _ = writeln!(text, "  {said}");
            }
        }
        text
    }
}

/// The time line as a table; the first row is the heading.
pub(super) fn rows(forecast: &Forecast, language: Language) -> Vec<Vec<String>> {
    const HEADINGS: [SimulateLabel; 8] = [
        SimulateLabel::Time,
        SimulateLabel::Load,
        SimulateLabel::Instances,
        SimulateLabel::Occupancy,
        SimulateLabel::Median,
        SimulateLabel::Slow,
        SimulateLabel::Lost,
        SimulateLabel::Decisions,
    ];
    let ticks = &forecast.run.ticks;
    let together = ticks.len().div_ceil(ROWS).max(1);
    let heading = HEADINGS.iter().map(|label| label.in_words(language)).collect();
    std::iter::once(heading)
        .chain(ticks.chunks(together).map(|chunk| row(forecast, chunk, language)))
        .collect()
}

/// The periods of a row: the rate over all of them, the state at their end, the worst latency.
fn row(forecast: &Forecast, chunk: &[FleetTick], language: Language) -> Vec<String> {
    let plan = &forecast.plan;
    let minutes = plan.period / 60.0 * chunk.len() as f64;
    let sent: u64 = chunk.iter().map(|tick| tick.sent).sum();
    let worst = |value: fn(&FleetTick) -> Option<f64>| {
        let worst = chunk.iter().filter_map(value).reduce(f64::max);
        worst.map_or_else(|| "–".to_owned(), |ms| Milliseconds((ms * plan.scale).round()).in_words(language))
    };
    let (at, healthy, launching) =
        chunk.last().map_or((0.0, 0, 0), |tick| (tick.at, tick.healthy, tick.launching));
    let instances = if launching == 0 { healthy.to_string() } else { format!("{healthy} + {launching}") };
    let occupancy = chunk.iter().map(|tick| tick.occupancy).fold(0.0, f64::max);
    vec![
        Span(at * 1e3).in_words(language),
        Decimal(sent as f64 * plan.weight() / minutes, 0).in_words(language),
        instances,
        Percent((occupancy * 100.0).round() / 100.0).in_words(language),
        worst(|tick| tick.p50_ms),
        worst(|tick| tick.p99_ms),
        chunk.iter().map(|tick| tick.lost).sum::<u64>().in_words(language),
        decisions(forecast, chunk, language),
    ]
}

/// The first decision of a row with its reason; of the others how many there are, and where they led.
fn decisions(forecast: &Forecast, chunk: &[FleetTick], language: Language) -> String {
    let made: Vec<_> = chunk.iter().filter_map(|tick| tick.decision.as_ref()).collect();
    let mut said: Vec<String> =
        made.iter().take(1).map(|one| decision(&forecast.plan, one, language)).collect();
    if let Some(last) = made.last().filter(|_| made.len() > 1) {
        said.push(format!("{} (→ {})", and_more(language, made.len() - 1), last.to));
    }
    if chunk.iter().any(|tick| tick.died.is_some()) {
        said.push(SimulateLabel::Died.in_words(language));
    }
    said.join("; ")
}

/// Writes `simulation.json`, a page in each language, and plots.
///
/// # Errors
/// A file cannot be written.
pub fn write_simulation(folder: &Path, simulated: &Simulated) -> Result<(), ReportError> {
    let json = serde_json::to_vec_pretty(simulated)
        .map_err(|error| ReportError::Form { what: "JSON", why: error.to_string() })?;
    write(folder, "simulation.json", &json)?;
    let figures: Vec<Figure> = simulated.forecasts.iter().map(Figure::forecast).collect();
    write_figures(&folder.join("plots"), &figures)?;
    for language in Language::ALL {
        let page = simulation_page(simulated, &figures, language);
        write(folder, &format!("simulation.{}.html", language.code()), page.as_bytes())?;
    }
    Ok(())
}
