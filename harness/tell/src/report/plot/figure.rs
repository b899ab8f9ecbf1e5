//! The figures that a record has something to show for, and how each is drawn.
//!
//! `files` and the pages go through it. A new figure is a variant here and a file of its own.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::canvas::Look;
use super::capacity::CapacityCurves;
use super::expiry::Expiry;
use super::fleet::Fleet;
use super::life::Life;
use super::over_time::OverTime;
use super::overlay::Overlay;
use super::rotation::Rotation;
use super::spectrum::Spectrum;
use super::spots::{self, Spot, Told};
use crate::language::Language;
use crate::report::Source;
use harness_model::fleet::Forecast;

/// A figure with its data.
#[derive(Clone, Debug)]
pub(in crate::report) enum Figure {
    /// Age of entries against where they were answered.
    Expiry(Expiry),
    /// Latency by percentile.
    Spectrum(Spectrum),
    /// Latency over time.
    OverTime(OverTime),
    /// Throughput against latency.
    Capacity(CapacityCurves),
    /// Share and order of the backends.
    Rotation(Rotation),
    /// Starts, kills and resources of the proxy.
    Life(Life),
    /// Load, instances, latency and decisions of a fleet.
    Fleet(Fleet),
    /// Latency by percentile of several proxies.
    Overlay(Overlay),
}

/// The figures of a run, in the order of the report.
pub(in crate::report) fn figures(source: &Source<'_>) -> Vec<Figure> {
    let mut all: Vec<Figure> = Vec::new();
    all.extend(Expiry::of(source).into_iter().map(Figure::Expiry));
    all.extend(Rotation::of(source).into_iter().map(Figure::Rotation));
    all.extend(Spectrum::of(source).into_iter().map(Figure::Spectrum));
    all.extend(OverTime::of(source).into_iter().map(Figure::OverTime));
    all.extend(CapacityCurves::of(source).map(Figure::Capacity));
    all.extend(Fleet::of(source).into_iter().map(Figure::Fleet));
    all.extend(Life::of(source).map(Figure::Life));
    all
}

impl Figure {
    /// The figure of a fleet that was only simulated.
    pub(in crate::report) fn forecast(forecast: &Forecast) -> Figure {
        Figure::Fleet(Fleet::forecast(forecast))
    }

    /// The file name without language and extension; unique in a run.
    pub(in crate::report) fn name(&self) -> String {
        match self {
            Figure::Expiry(expiry) => expiry.name(),
            Figure::Spectrum(spectrum) => format!("latency-{}", tame(spectrum.tag())),
            Figure::OverTime(over_time) => format!("latency-over-time-{}", tame(over_time.tag())),
            Figure::Capacity(_) => "capacity".into(),
            Figure::Rotation(rotation) => rotation.name(),
            Figure::Fleet(fleet) => format!("fleet-{}", tame(fleet.name())),
            Figure::Life(_) => "proxy-life".into(),
            Figure::Overlay(overlay) => format!("compared-{}", tame(overlay.tag())),
        }
    }

    /// Title, with the number of samples.
    pub(in crate::report) fn title(&self, language: Language) -> String {
        match self {
            Figure::Expiry(figure) => figure.title(language),
            Figure::Spectrum(figure) => figure.title(language),
            Figure::OverTime(figure) => figure.title(language),
            Figure::Capacity(figure) => figure.title(language),
            Figure::Rotation(figure) => figure.title(language),
            Figure::Fleet(figure) => figure.title(language),
            Figure::Life(figure) => figure.title(language),
            Figure::Overlay(figure) => figure.title(language),
        }
    }

    /// What the figure shows, for those who do not see it.
    pub(in crate::report) fn description(&self, language: Language) -> String {
        match self {
            Figure::Expiry(figure) => figure.description(language),
            Figure::Spectrum(figure) => figure.description(language),
            Figure::OverTime(figure) => figure.description(language),
            Figure::Capacity(figure) => figure.description(language),
            Figure::Rotation(figure) => figure.description(language),
            Figure::Fleet(figure) => figure.description(language),
            Figure::Life(figure) => figure.description(language),
            Figure::Overlay(figure) => figure.description(language),
        }
    }

    /// Draws it; what comes back tells its figures to a pointer.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        root: &DrawingArea<DB, Shift>,
        look: Look,
        language: Language,
    ) -> Told {
        let inner = look.frame(root, &self.title(language))?;
        let spots = match self {
            Figure::Expiry(figure) => figure.draw(&inner, look, language)?,
            Figure::Spectrum(figure) => figure.draw(&inner, look, language)?,
            Figure::OverTime(figure) => figure.draw(&inner, look, language)?,
            Figure::Capacity(figure) => figure.draw(&inner, look, language)?,
            Figure::Rotation(figure) => figure.draw(&inner, look, language)?,
            Figure::Fleet(figure) => figure.draw(&inner, look, language)?,
            Figure::Life(figure) => figure.draw(&inner, look, language)?,
            Figure::Overlay(figure) => figure.draw(&inner, look, language)?,
        };
        root.present().map_err(super::canvas::said)?;
        Ok(spots)
    }

    /// The drawing as SVG, with title and description for screen readers.
    ///
    /// # Errors
    /// The drawing failed; the message says how.
    pub(in crate::report) fn svg(&self, look: Look, language: Language) -> Result<String, String> {
        let mut svg = String::new();
        let spots = {
            let root = SVGBackend::with_string(&mut svg, look.size).into_drawing_area();
            self.draw(&root, look, language)?
        };
        Ok(with_description(&svg, &self.title(language), &self.description(language), &spots))
    }
}

/// Puts title, description and what can be pointed at into an SVG, and lets it scale to the width it is given.
fn with_description(svg: &str, title: &str, description: &str, spots: &[Spot]) -> String {
    let (opening, rest) = svg.split_once('>').unwrap_or((svg, ""));
    // The parts of an image cannot be walked through, those of a group can.
    let role = if spots.is_empty() { "img" } else { "group" };
    let mut whole = format!(
        "{opening} role=\"{role}\"><title>{}</title><desc>{}</desc>{rest}",
        escaped(title),
        escaped(description)
    );
    if let Some(end) = whole.rfind("</svg>").filter(|_| !spots.is_empty()) {
        whole.insert_str(end, &spots::elements(spots));
    }
    whole
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A tag as a part of a file name.
fn tame(tag: &str) -> String {
    tag.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use fake_backends::clock::Moment;
    use harness_model::history::{Event, EventKind};

    use super::{Look, figures};
    use crate::language::Language;
    use crate::report::testkit::RunBuilder;

    #[test]
    fn every_figure_is_drawn_with_one_five_and_many_samples_and_with_errors_alone() {
        for (samples, failing) in [(1, 0), (5, 0), (5_000, 1), (40, 100)] {
            let run = RunBuilder::new("all")
                .ready()
                .ttl(2_000, samples.min(200) as u32)
                .serial(samples.min(100) as u32)
                .thresholds("steady", &[(0.99, 50), (0.999, 80)])
                .load("steady", samples, failing)
                .crashes(2)
                .build();
            let figures = figures(&run.source());
            let names: Vec<String> = figures.iter().map(super::Figure::name).collect();
            assert_eq!(
                names,
                ["expiry-2000ms", "rotation", "latency-steady", "latency-over-time-steady", "proxy-life"],
                "{samples} samples"
            );
            for figure in &figures {
                for look in [Look::FILE, Look::WIDE, Look::NARROW] {
                    let svg = figure.svg(look, Language::Es).unwrap();
                    assert!(
                        svg.contains("<title>") && svg.len() < 400_000,
                        "{}: {}",
                        figure.name(),
                        svg.len()
                    );
                    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", figure.name());
                }
            }
        }
    }

    #[test]
    fn what_was_down_under_load_is_shaded_and_each_second_tells_its_figures() {
        let mut run = RunBuilder::new("all").ready().load("steady", 5_000, 1).build();
        let began = run.record.histograms.intervals()[0].start.0;
        let mut event = |seconds: f64, event: EventKind| {
            let at = Moment(began + (seconds * 1e9) as u64);
            run.record.events.push(Event { at, step: None, event });
        };
        for backend in ["b1", "b2"].map(str::to_owned) {
            event(1.2, EventKind::BackendDown { backend });
        }
        for backend in ["b1", "b2"].map(str::to_owned) {
            event(3.4, EventKind::BackendUp { backend, address: ([127, 0, 0, 1], 1).into() });
        }
        // When the run ends they all go.
        event(7.0, EventKind::BackendDown { backend: "b3".to_owned() });
        let figures = figures(&run.source());
        let over_time = figures.iter().find(|figure| figure.name().contains("over-time")).unwrap();
        let svg = over_time.svg(Look::WIDE, Language::En).unwrap();
        assert!(svg.contains("b1, b2") && svg.contains("shaded: backends that are down"), "{svg}");
        assert!(!svg.contains("b3"));
        assert_eq!(svg.matches("aria-label=").count(), 5, "a part for each second");
        assert!(svg.contains("requests · p50 "), "{svg}");
        assert_eq!(svg.matches("tabindex=\"0\"").count(), 1, "one stop for the keyboard");
    }

    #[test]
    fn a_run_without_anything_to_show_has_no_figures() {
        assert!(figures(&RunBuilder::new("none").build().source()).is_empty());
    }
}
