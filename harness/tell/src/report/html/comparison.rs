//! The page of a comparison: the answers first, then the forest of ratios, thresholds, and the overlaid percentiles.
//!
//! `report::comparison` writes it once in each language. Everything is taken from the comparison and never judged here.

use maud::{Markup, html};

use super::environment::host_in_words;
use super::forest::forest;
use super::frame::{Frame, coded, framed};
use super::requirements::drawn;
use crate::language::compare_words::{
    CompareLabel, compare_meaning, covers, gated, how_to_read, noise, rounds_apart,
};
use crate::language::report_words::Label;
use crate::language::{Decimal, InWords as _, Language, Milliseconds, Percent};
use crate::report::comparison::{Compared, headline, quotient, since_cells, since_notes, since_title};
use crate::report::plot::Figure;
use crate::report::wire::plain;
use harness_judge::compare::{Row, Ruling};

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
                    @for answer in compared.answers(language) { p .answer { (answer) } }
                    @for trouble in &compared.troubles { p .note { (coded(language.of(trouble))) } }
                }
                @for other in 1..compared.comparison.sides.len() {
                    section {
                        h2 { (quotient(&compared.comparison, other)) }
                        (forest(&compared.comparison, other, language))
                        (rounds(compared, other, language))
                    }
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
                    @for figure in figures { (drawn(figure, language)) }
                }
                (conditions(compared, language))
            }
        }
    };
    framed(&frame, &content)
}

/// How each figure was measured: what was typed, where, and what followed.
fn conditions(compared: &Compared, language: Language) -> Markup {
    let exit = compared.exit_code;
    html! {
        section {
            h2 { (CompareLabel::HowMeasured.in_words(language)) }
            p .intro { (covers(language)) }
            p .aside { (how_to_read(language, Percent(compared.comparison.level))) }
            p .note { (noise(language, Milliseconds(compared.comparison.noise_ms))) }
            dl .facts {
                div .wide { dt { (Label::Command.in_words(language)) } dd { code { (plain(&compared.command, 600)) } } }
                div { dt { (CompareLabel::ExitCode.in_words(language)) } dd { (exit.number()) " – " (compare_meaning(language, exit)) } }
                div .wide {
                    dt { (Label::Host.in_words(language)) }
                    dd {
                        ul .host {
                            @for (label, value) in host_in_words(compared.host.clone(), language) {
                                li { span .key { (label.in_words(language)) } " " (plain(&value, 200)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The ratio of each round, in figures.
fn rounds(compared: &Compared, other: usize, language: Language) -> Markup {
    let of = |row: &Row| Some((row.subject.clone(), row.ratios.get(other - 1)?.clone()?.rounds));
    let rows: Vec<_> = compared.comparison.rows.iter().filter_map(of).collect();
    let most = rows.iter().map(|(_, rounds)| rounds.len()).max().unwrap_or_default();
    let mut table = vec![vec![CompareLabel::Figure.in_words(language)]];
    table[0].extend((1..=most).map(|round| round.to_string()));
    for (subject, rounds) in rows {
        let mut cells = vec![plain(&subject.in_words(language), 80)];
        cells.extend(rounds.iter().map(|ratio| format!("×{}", Decimal(*ratio, 3).in_words(language))));
        cells.resize(most + 1, "–".to_owned());
        table.push(cells);
    }
    let name = rounds_apart(language);
    html! { details { summary { (name) } (figures_table(&name, &table)) } }
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
