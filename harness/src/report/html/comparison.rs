//! The page of a comparison: what it covers first, then thresholds, ratios and the overlaid percentiles.
//!
//! `report::comparison` writes it once in each language. Everything is taken from the comparison and never judged here.

use maud::{DOCTYPE, PreEscaped, html};

use super::page::STYLE;
use crate::compare::Ruling;
use crate::language::compare_words::{CompareLabel, covers, gated, how_to_read, noise};
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, Milliseconds, Percent};
use crate::report::comparison::{Compared, cells, headline};
use crate::report::plot::{Figure, Look};
use crate::report::wire::plain;

/// The whole page.
pub(in crate::report) fn comparison_page(
    compared: &Compared,
    figures: &[Figure],
    language: Language,
) -> String {
    let other = language.choose(Language::Es, Language::En);
    let table = cells(&compared.comparison, language);
    let title = headline(compared, language);
    html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="harness";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header .top {
                    div .bar {
                        p .kind { (Label::Report.in_words(language)) }
                        a .language href={ "compare." (other.code()) ".html" } lang=(other.code()) hreflang=(other.code()) {
                            (Label::OtherLanguage.in_words(language))
                        }
                    }
                }
                div .alone {
                    main #content {
                        section {
                            h1 { (title) }
                            p .intro { (covers(language)) }
                            p .aside { (how_to_read(language, Percent(compared.comparison.level))) }
                            p .note { (noise(language, Milliseconds(compared.comparison.noise_ms))) }
                            @for trouble in &compared.troubles { p .note { (trouble.text(language)) } }
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
                            div .scroll tabindex="0" role="region" aria-label=(CompareLabel::Ratios.in_words(language)) {
                                table .figures {
                                    thead { tr { @for cell in &table[0] { th scope="col" { (cell) } } } }
                                    tbody {
                                        @for row in &table[1..] {
                                            tr {
                                                th scope="row" { (row[0]) }
                                                @for cell in &row[1..] { td { (cell) } }
                                            }
                                        }
                                    }
                                }
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
            }
        }
    }
    .into_string()
}

/// A sign that needs no colour.
pub(in crate::report) fn sign(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Pass => "✓",
        Ruling::Fail => "✗",
        Ruling::Inconclusive => "?",
    }
}
