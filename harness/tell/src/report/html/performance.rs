//! Performance: a table of percentiles for each load step, its plots, and what must be known to read them.
//!
//! Percentiles that too few samples support are left out. Whether a threshold holds is a verdict and stands with its check.

use maud::{Markup, html};

use super::chart::chart_data;
use super::page::Page;
use super::requirements::drawing;
use crate::language::load_words::{never_sent, rate_missed};
use crate::language::page_words::{
    closed_loop, microseconds, no_load, of_the_run, overloaded, per_second, performance_intro,
    searched as searches,
};
use crate::language::report_words::Label;
use crate::language::{Decimal, InWords as _, Milliseconds, Percent, Quantile};
use crate::report::latency::{QUANTILES, TagLatency, by_tag, quantile_ms};
use crate::report::plot::Figure;
use harness_model::plan::{CloudStep, StepKind};

/// The section.
pub(super) fn section(page: &Page<'_>) -> Markup {
    let tags = by_tag(&page.source);
    let language = page.language;
    html! {
        section #performance aria-labelledby="h-performance" {
            h2 #h-performance { (page.label(Label::Performance)) }
            @let searched = page.source.plan().steps.iter().any(|step| matches!(step.kind, StepKind::Capacity(_)));
            @if searched { p .aside { (searches(language)) } }
            @if tags.is_empty() {
                @if !searched { p .aside { (no_load(language)) } }
            } @else {
                p .intro { (performance_intro(language)) }
                (table(page, &tags))
                @let fleets: Vec<&str> =
                    tags.iter().map(|tag| tag.tag.as_str()).filter(|tag| is_fleet(page, tag)).collect();
                @if !fleets.is_empty() { p .aside { (of_the_run(language, &fleets.join(", "))) } }
                @for tag in &tags {
                    @if tag.closed_loop { p .note { (closed_loop(language, &tag.tag)) } }
                    @if tag.counters.is_some_and(|counters| counters.overloaded) { p .note { (overloaded(language, &tag.tag)) } }
                    @if let Some((asked, reached)) = tag.counters.and_then(|counters| counters.rate_missed) {
                        p .note { (rate_missed(language, &tag.tag, Decimal(asked, 0), Decimal(reached, 0))) }
                    }
                    @if let Some(count) = tag.counters.map(|counters| counters.never_sent).filter(|count| *count > 0) {
                        p .note { (never_sent(language, &tag.tag, count)) }
                    }
                }
                @for figure in &page.figures {
                    @if matches!(figure, Figure::Spectrum(_) | Figure::OverTime(_)) { (drawing(page, figure)) }
                }
                @if tags.iter().any(|tag| tag.samples() > 0) {
                    figure .plot .zoomable hidden { figcaption { (page.label(Label::Zoomable)) } div #chart {} }
                }
            }
        }
    }
}

/// Whether a tag is that of a fleet.
fn is_fleet(page: &Page<'_>, tag: &str) -> bool {
    page.source.plan().steps.iter().any(|step| {
        matches!(step.kind, StepKind::Cloud(CloudStep::Fleet(_)))
            && step.label.as_deref().unwrap_or("fleet") == tag
    })
}

/// The figures of the zoomable chart as JSON that may stand in a page; `None` where there is nothing to draw.
pub(super) fn charts(page: &Page<'_>) -> Option<maud::PreEscaped<String>> {
    chart_data(&by_tag(&page.source), page.language).map(maud::PreEscaped)
}

fn table(page: &Page<'_>, tags: &[TagLatency<'_>]) -> Markup {
    let language = page.language;
    let absent = page.label(Label::NotApplicable);
    html! {
        div .scroll tabindex="0" role="region" aria-label=(page.label(Label::Table)) {
            table .figures {
                thead {
                    tr {
                        th scope="col" { (page.label(Label::Tag)) }
                        th scope="col" { (page.label(Label::Sent)) }
                        th scope="col" { (page.label(Label::Rate)) }
                        th scope="col" { (page.label(Label::Errors)) }
                        @for quantile in QUANTILES { th scope="col" { (Quantile(quantile).in_words(language)) } }
                        th scope="col" { (page.label(Label::Maximum)) }
                        th scope="col" { (page.label(Label::CpuPerRequest)) }
                    }
                }
                tbody {
                    @for tag in tags {
                        @let counters = tag.counters.unwrap_or_default();
                        @let sent = if tag.counters.is_some() { counters.sent } else { tag.samples() + tag.error_count() };
                        tr {
                            th scope="row" { (crate::report::wire::plain(&tag.tag, 60)) }
                            td { (sent.in_words(language)) }
                            td {
                                @if counters.seconds > 0.0 { (per_second(language, Decimal(sent as f64 / counters.seconds, 0))) }
                                @else { (absent) }
                            }
                            td {
                                (tag.error_count().in_words(language))
                                @if tag.error_count() > 0 && sent > 0 { " (" (Percent(tag.error_count() as f64 / sent as f64).in_words(language)) ")" }
                            }
                            @for quantile in QUANTILES {
                                td {
                                    @match tag.intended.and_then(|values| quantile_ms(values, quantile)) {
                                        Some(ms) => (Milliseconds(ms).in_words(language)),
                                        None => span .absent { (absent) },
                                    }
                                }
                            }
                            td {
                                @match tag.intended.filter(|values| !values.is_empty()) {
                                    Some(values) => (Milliseconds(values.max() as f64 / 1e6).in_words(language)),
                                    None => span .absent { (absent) },
                                }
                            }
                            td {
                                @match counters.cpu_seconds.filter(|_| sent > 0) {
                                    Some(seconds) => (microseconds(language, Decimal(seconds / sent as f64 * 1e6, 1))),
                                    None => span .absent { (absent) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
