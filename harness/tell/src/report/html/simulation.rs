//! The page of a simulation: that it is one and what it rests on first, then for each step its figures, plot and time line.
//!
//! `report::forecast` writes it once in each language. Everything is taken from the forecasts and never computed here.

use maud::{Markup, html};

use super::frame::{Frame, coded, framed};
use super::requirements::drawn;
use crate::language::report_words::Label;
use crate::language::simulate_words::{SimulateLabel, not_trusted, outcome};
use crate::language::{InWords as _, Language};
use crate::report::forecast::{Simulated, rows};
use crate::report::plot::Figure;
use harness_model::fleet::Forecast;

/// The last column of the time line has sentences, the others do not break.
const OWN_STYLE: &str = ".simulation table{width:auto;min-width:100%}.simulation th,.simulation td:not(:last-child){white-space:nowrap;overflow-wrap:normal;padding-right:1.1rem}.simulation td:last-child{min-width:18rem}";

/// The whole page.
pub(in crate::report) fn simulation_page(
    simulated: &Simulated,
    figures: &[Figure],
    language: Language,
) -> String {
    let other = language.choose(Language::Es, Language::En);
    let title = SimulateLabel::Simulation.in_words(language);
    let doubtful = simulated.calibration.as_ref().is_some_and(|calibration| !calibration.trusted);
    let frame = Frame {
        language,
        title: title.clone(),
        class: Some("simulation"),
        style: OWN_STYLE,
        skip: false,
        bar: html! { (Label::Report.in_words(language)) },
        other: format!("simulation.{}.html", other.code()),
    };
    let content = html! {
        div .alone {
            main #content {
                section {
                    h1 { (title) }
                    @if doubtful { p .note { (coded(&not_trusted(language))) } }
                }
                @for (index, forecast) in simulated.forecasts.iter().enumerate() {
                    (section(simulated, forecast, figures.get(index), language))
                }
            }
        }
    };
    framed(&frame, &content)
}

fn section(
    simulated: &Simulated,
    forecast: &Forecast,
    figure: Option<&Figure>,
    language: Language,
) -> Markup {
    let title = simulated.heading(forecast, language);
    let table = rows(forecast, language);
    html! {
        section {
            h2 { (title) }
            ul { @for said in outcome(forecast, language) { li { (coded(&said)) } } }
            @if let Some(figure) = figure { (drawn(figure, language)) }
            h3 { (SimulateLabel::Model.in_words(language)) }
            ul .aside { @for said in simulated.caution(forecast, language) { li { (coded(&said)) } } }
            div .scroll tabindex="0" role="region" aria-label=(title) {
                table {
                    @for (number, row) in table.iter().enumerate() {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if number == 0 { th scope="col" { (cell) } }
                                @else if column == 0 { th scope="row" { (cell) } }
                                @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
