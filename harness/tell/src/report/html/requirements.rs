//! Requirement by requirement: what is asked and where, then each check with its verdict, its figures and its evidence.
//!
//! The order is that of the assignment. A requirement that the scenario covers and no check answers is shown as such.

use maud::{Markup, PreEscaped, html};

use super::evidence;
use super::first_screen::badge;
use super::frame::{capitalised, coded};
use super::grounds;
use super::page::{Page, code, told};
use crate::language::measure_words::measured_rows;
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, asks, explanation, requirement_text, source_words, title};
use crate::report::plot::{Figure, Look};
use harness_judge::check::Verdict;
use harness_model::catalogue::{CheckId, Requirement};

/// All requirements that this run says something about.
pub(super) fn sections(page: &Page<'_>) -> Markup {
    let verdicts = page.source.verdicts;
    let covered = &page.source.plan().covers;
    let shown = Requirement::ALL.iter().copied().filter(|requirement| {
        covered.contains(requirement) || verdicts.iter().any(|v| v.requirement == *requirement)
    });
    html! {
        div .evidence-buttons {
            button type="button" data-open="true" { (page.label(Label::ExpandAll)) }
            button type="button" data-open="false" { (page.label(Label::CollapseAll)) }
        }
        @for requirement in shown { (section(page, requirement)) }
    }
}

fn section(page: &Page<'_>, requirement: Requirement) -> Markup {
    let checks: Vec<&Verdict> =
        page.source.verdicts.iter().filter(|v| v.requirement == requirement).collect();
    html! {
        section .requirement id=(requirement.id()) aria-labelledby={ "h-" (requirement.id()) } {
            h2 id={ "h-" (requirement.id()) } {
                span .id { (requirement.id()) }
                " " (requirement_text(requirement, page.language))
            }
            p .source { (page.label(Label::Source)) ": " (point(page, requirement)) }
            @for verdict in &checks { (check(page, verdict)) }
            @if checks.is_empty() { p .aside { (page.label(Label::NotJudgedHere)) "." } }
        }
    }
}

fn point(page: &Page<'_>, requirement: Requirement) -> String {
    page.language.choose(
        format!("assignment, point {}", requirement.point()),
        format!("enunciado, punto {}", requirement.point()),
    )
}

fn check(page: &Page<'_>, verdict: &Verdict) -> Markup {
    let language = page.language;
    let name = verdict.check.name();
    let resolution = page.source.plan().adapter.capabilities.ttl_resolution;
    let mut first_group = page.groups.first().into_iter().flat_map(|group| &group.failures);
    let first = first_group.any(|&place| page.source.verdicts[place].check == verdict.check);
    let rows = measured_rows(&verdict.finding, resolution, language);
    html! {
        article .check .(code(verdict.outcome)) id=(name) data-outcome=(code(verdict.outcome)) aria-labelledby={ "t-" (name) } {
            header {
                h3 id={ "t-" (name) } { (coded(&title(verdict.check, language))) }
                (badge(page, verdict.outcome))
            }
            p .id {
                a .anchor href={ "#" (name) } { (name) }
                " · " (verdict.kind.in_words(language)) " · " (source_words(verdict.check, language))
            }
            p .asks { (coded(&asks(verdict.check, language))) }
            p .finding { (coded(&capitalised(&told(page, verdict)))) "." }
            @if !rows.is_empty() {
                table .measured {
                    caption .hidden { (page.label(Label::Measured)) " / " (page.label(Label::Allowed)) }
                    thead {
                        tr {
                            td {}
                            th scope="col" { (page.label(Label::Measured)) }
                            th scope="col" { (page.label(Label::Allowed)) }
                        }
                    }
                    tbody {
                        @for row in &rows {
                            tr { th scope="row" { (row.what) } td { (row.measured) } td { (row.allowed) } }
                        }
                    }
                }
            }
            @if let Some(cause) = verdict.cause {
                p .cause { b { (page.label(Label::LikelyCause)) ": " } (coded(&explanation(cause, language))) "." }
            }
            (grounds::grounds(page, verdict))
            @for figure in figures_of(page, verdict.check) { (drawing(page, figure)) }
            (evidence::evidence(page, verdict, first))
        }
    }
}

/// The figures that belong to a check: each is shown once, beside the first check that it explains.
fn figures_of<'a>(page: &'a Page<'_>, check: CheckId) -> impl Iterator<Item = &'a Figure> {
    let first_of = |prefix: &str| {
        let exact = page.source.verdicts.iter().find(|v| v.check.name() == format!("{prefix}expiry"));
        exact
            .or_else(|| page.source.verdicts.iter().find(|v| v.check.name().starts_with(prefix)))
            .map(|v| v.check)
    };
    let (ttl, rotation) = (first_of("ttl."), first_of("rr."));
    let has_restart = page.source.verdicts.iter().any(|verdict| verdict.check == CheckId::TtlAcrossRestart);
    let over_restart = if has_restart { Some(CheckId::TtlAcrossRestart) } else { ttl };
    page.figures.iter().filter(move |figure| match figure {
        Figure::Expiry(expiry) if expiry.restarted() => over_restart == Some(check),
        Figure::Expiry(_) => ttl == Some(check),
        Figure::Rotation(_) => rotation == Some(check),
        _ => false,
    })
}

/// A figure, once for wide screens and once for narrow ones.
pub(super) fn drawing(page: &Page<'_>, figure: &Figure) -> Markup {
    drawn(figure, page.language)
}

/// The same on any page.
pub(super) fn drawn(figure: &Figure, language: Language) -> Markup {
    html! {
        figure .plot {
            figcaption { (figure.title(language)) }
            @for (class, look) in [("wide", Look::WIDE), ("narrow", Look::NARROW)] {
                @match figure.svg(look, language) {
                    // Our own drawing: what it quotes was escaped when it was drawn.
                    Ok(svg) => div .(class) { (PreEscaped(svg)) },
                    Err(why) => div .(class) { p .aside { (why) } },
                }
            }
            // What a pointer or the keyboard is on; the script fills it.
            p .reading aria-hidden="true" {}
        }
    }
}
