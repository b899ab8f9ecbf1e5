//! The page of a comparison: what it covers first, then thresholds, ratios and the overlaid percentiles.
//!
//! `report::comparison` writes it once in each language. Everything is taken from the comparison and never judged here.

use maud::{Markup, PreEscaped, html};

use super::frame::{Frame, framed};
use crate::language::compare_words::{CompareLabel, covers, gated, how_to_read, noise};
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, Milliseconds, Percent};
use crate::report::comparison::{Compared, cells, headline, since_cells, since_notes, since_title};
use crate::report::plot::{Figure, Look};
use crate::report::wire::plain;
use harness_judge::compare::Ruling;

/// The whole page.
pub(in crate::report) fn comparison_page(
    compared: &Compared,
    figures: &[Figure],
    language: Language,
) -> String {
    let other = language.choose(Language::Es, Language::En);
    let title = headline(compared, language);
    let frame = Frame {
        language,
        title: title.clone(),
        class: None,
        style: "",
        skip: false,
        bar: html! { (Label::Report.in_words(language)) },
        other: format!("compare.{}.html", other.code()),
    };
    let content = html! {
        div .alone {
            main #content {
                section {
                    h1 { (title) }
                    p .intro { (covers(language)) }
                    p .aside { (how_to_read(language, Percent(compared.comparison.level))) }
                    p .note { (noise(language, Milliseconds(compared.comparison.noise_ms))) }
                    @for trouble in &compared.troubles { p .note { (language.of(trouble)) } }
                }
                @if !compared.gated.is_empty() {
                    section {
                        h2 { (CompareLabel::Thresholds.in_words(language)) }
                        div .scroll tabindex="0" role="region" aria-label=(CompareLabel::Thresholds.in_words(language)) {
                            table {
                                tbody {
                                    @for one in &compared.gated {
                                        tr {
                                            td { (sign(one.ruling)) " " (one.ruling.in_words(language)) }
                                            th scope="row" { code { (plain(&one.gate.text, 200)) } }
                                            td { (gated(language, one)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                section {
                    h2 { (CompareLabel::Ratios.in_words(language)) }
                    (figures_table(&CompareLabel::Ratios.in_words(language), &cells(&compared.comparison, language)))
                }
                @if let Some(reference) = &compared.reference {
                    section {
                        h2 { (since_title(reference, language)) }
                        @for note in since_notes(reference, language) { p .aside { (note) } }
                        (figures_table(&since_title(reference, language), &since_cells(&compared.comparison, language)))
                    }
                }
                section {
                    h2 { (CompareLabel::Percentiles.in_words(language)) }
                    p .aside { (CompareLabel::Medians.in_words(language)) }
                    @for figure in figures {
                        @if let Ok(svg) = figure.svg(Look::WIDE, language) {
                            figure .plot { figcaption { (figure.title(language)) } (PreEscaped(svg)) }
                        }
                    }
                }
            }
        }
    };
    framed(&frame, &content)
}

fn figures_table(name: &str, table: &[Vec<String>]) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label=(name) {
            table .figures {
                thead { tr { @for cell in table.iter().take(1).flatten() { th scope="col" { (cell) } } } }
                tbody {
                    @for row in table.iter().skip(1) {
                        tr {
                            @for (column, cell) in row.iter().enumerate() {
                                @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A sign that needs no colour.
pub(in crate::report) fn sign(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Pass => "✓",
        Ruling::Fail => "✗",
        Ruling::Inconclusive => "?",
    }
}
