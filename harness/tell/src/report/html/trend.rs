//! The page of many runs: for each scenario and proxy what changed, a table of all verdicts, and percentiles over the runs.
//!
//! `report::trend` writes it once in each language. Plots only repeat what the tables say.

use maud::{Markup, html};

use super::frame::{Frame, framed};
use crate::language::report_words::Label;
use crate::language::trend_words::{TrendLabel, changed_verdict, covers_runs, over_runs, point};
use crate::language::{Bytes, InWords as _, Language, Milliseconds, Quantile};
use crate::report::latency::QUANTILES;
use crate::report::markdown::symbol;
use crate::report::trend::{Group, Run, Trend, file_name};
use crate::report::wire::plain;
use harness_judge::check::Outcome;

/// Tables that grow sideways, in a box that scrolls.
const OWN_STYLE: &str = ".trend table{width:auto;min-width:100%}.trend th,.trend td{white-space:nowrap;overflow-wrap:normal;padding-right:1.1rem}.trend td.pass,.trend span.pass{color:var(--pass)}.trend td.fail,.trend span.fail{color:var(--fail)}.trend td.inconclusive,.trend span.inconclusive{color:var(--doubt)}.trend h3{margin-top:1.2rem}";

/// The quantiles of the plots, by their place in [`QUANTILES`], with the colours of their lines.
const DRAWN: [(usize, &str); 2] = [(0, "var(--link)"), (2, "var(--fail)")];

/// The whole page.
pub(in crate::report) fn trend_page(trend: &Trend, language: Language) -> String {
    let other = language.choose(Language::Es, Language::En);
    let title = TrendLabel::HistoryOfRuns.in_words(language);
    let frame = Frame {
        language,
        title: title.clone(),
        class: Some("trend"),
        style: OWN_STYLE,
        skip: true,
        bar: html! { (Label::Report.in_words(language)) },
        other: file_name(other),
    };
    let content = html! {
        div .alone {
            main #content {
                section { h1 { (title) } p .intro { (covers_runs(language, trend.runs(), trend.groups.len())) } }
                @for group in &trend.groups { (section(group, language)) }
            }
        }
    };
    framed(&frame, &content)
}

fn section(group: &Group, language: Language) -> Markup {
    let changes: Vec<usize> = (0..group.runs.len()).filter(|run| !group.changes(*run).is_empty()).collect();
    html! {
        section {
            h2 { (plain(&group.proxy, 80)) " · " (plain(language.of(&group.scenario), 160)) }
            h3 { (TrendLabel::Changes.in_words(language)) }
            @if changes.is_empty() { p .aside { (TrendLabel::NoChanges.in_words(language)) } }
            ul {
                @for run in changes {
                    li {
                        b { (moment(&group.runs[run])) } ": "
                        @for (index, (check, before, now)) in group.changes(run).into_iter().enumerate() {
                            @if index > 0 { "; " }
                            span .(class(now)) {
                                (changed_verdict(language, check.name(), &before.in_words(language), &now.in_words(language)))
                            }
                        }
                    }
                }
            }
            h3 { (TrendLabel::Verdicts.in_words(language)) }
            (verdicts(group, language))
            @for tag in group.tags() { (load(group, &tag, language)) }
        }
    }
}

fn verdicts(group: &Group, language: Language) -> Markup {
    let checks = group.checks();
    let name = TrendLabel::Verdicts.in_words(language);
    html! {
        div .scroll tabindex="0" role="region" aria-label={ (name) ", " (plain(&group.proxy, 80)) } {
            table {
                thead {
                    tr {
                        th scope="col" { (TrendLabel::Run.in_words(language)) }
                        th scope="col" { (Label::ExitCode.in_words(language)) }
                        th scope="col" { (TrendLabel::Program.in_words(language)) }
                        th scope="col" { (Label::Seed.in_words(language)) }
                        th scope="col" { (Label::PeakMemory.in_words(language)) }
                        @for check in &checks { th scope="col" { (check.name()) } }
                    }
                }
                tbody {
                    @for (index, run) in group.runs.iter().enumerate() {
                        tr {
                            th scope="row" { a href=(report_of(run, language)) { (moment(run)) } }
                            td { (run.exit_code) }
                            td { (program(group, index, language)) }
                            td { (run.seed) }
                            td { (run.peak_bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes(bytes).in_words(language))) }
                            @for check in &checks { (cell(run.outcomes.get(check).copied(), language)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell(outcome: Option<Outcome>, language: Language) -> Markup {
    html! {
        @match outcome {
            Some(outcome) => td .(class(outcome)) { (symbol(outcome)) " " (outcome.in_words(language)) },
            None => td { "–" },
        }
    }
}

/// The first figures of the program's hash, and whether it is another than in the run before.
fn program(group: &Group, index: usize, language: Language) -> Markup {
    let of = |index: usize| group.runs.get(index).and_then(|run| run.program.as_deref());
    let changed = index > 0 && of(index) != of(index - 1);
    html! {
        code { (of(index).map_or("–", |hash| hash.get(..8).unwrap_or(hash))) }
        @if changed { " (" (TrendLabel::NewProgram.in_words(language)) ")" }
    }
}

/// Percentiles and cost of one load, as a table and drawn.
fn load(group: &Group, tag: &str, language: Language) -> Markup {
    let title = over_runs(language, &plain(tag, 60), "ms");
    let ms =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| Milliseconds(v).in_words(language));
    html! {
        h3 { (title) }
        @if group.runs.len() > 1 { (drawing(group, tag, &title, language)) }
        div .scroll tabindex="0" role="region" aria-label=(title) {
            table {
                thead {
                    tr {
                        th scope="col" { (TrendLabel::Run.in_words(language)) }
                        @for quantile in QUANTILES { th scope="col" { (Quantile(quantile).in_words(language)) } }
                        th scope="col" { (Label::CpuPerRequest.in_words(language)) }
                    }
                }
                tbody {
                    @for run in &group.runs {
                        @if let Some(quantiles) = run.quantiles.get(tag) {
                            tr {
                                th scope="row" { (moment(run)) }
                                @for value in quantiles { td .figure { (ms(*value)) } }
                                td .figure { (ms(run.cpu_ms.get(tag).copied())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Two lines over the runs, from nothing to the largest value.
fn drawing(group: &Group, tag: &str, title: &str, language: Language) -> Markup {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 150.0;
    const EDGE: f64 = 12.0;
    let values = |quantile: usize| -> Vec<(usize, f64)> {
        let of = |run: &Run| run.quantiles.get(tag).and_then(|quantiles| quantiles[quantile]);
        group.runs.iter().enumerate().filter_map(|(index, run)| Some((index, of(run)?))).collect()
    };
    let most =
        DRAWN.iter().flat_map(|(quantile, _)| values(*quantile)).map(|(_, value)| value).fold(0.0, f64::max);
    if most <= 0.0 {
        return html! {};
    }
    let last = (group.runs.len() - 1).max(1) as f64;
    let x = |index: usize| EDGE + (WIDTH - 2.0 * EDGE) * index as f64 / last;
    let y = |value: f64| HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * value / most;
    html! {
        figure .plot {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) style="width:100%;max-width:44rem" {
                line x1=(EDGE) x2=(WIDTH - EDGE) y1=(HEIGHT - EDGE) y2=(HEIGHT - EDGE) stroke="var(--rule)" {}
                @for (quantile, colour) in DRAWN {
                    @let points = values(quantile);
                    polyline fill="none" stroke=(colour) stroke-width="1.5"
                        points=(points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect::<Vec<_>>().join(" ")) {}
                    @for (at, value) in &points {
                        circle cx={ (format!("{:.1}", x(*at))) } cy={ (format!("{:.1}", y(*value))) } r="3.5" fill=(colour) {
                            title {
                                (Quantile(QUANTILES[quantile]).in_words(language)) " · "
                                (point(language, &moment(&group.runs[*at]), Milliseconds(*value)))
                            }
                        }
                    }
                }
            }
            figcaption {
                @for (quantile, colour) in DRAWN {
                    span style={ "color:" (colour) } { "● " (Quantile(QUANTILES[quantile]).in_words(language)) } " "
                }
            }
        }
    }
}

/// When a run began, to the second: `2026-11-21 11:35:37`.
fn moment(run: &Run) -> String {
    plain(run.started.get(..19).unwrap_or(&run.started), 40).replace('T', " ")
}

fn report_of(run: &Run, language: Language) -> String {
    let folder: Vec<String> =
        run.folder.components().map(|part| encoded(&part.as_os_str().to_string_lossy())).collect();
    format!("{}/report.{}.html", folder.join("/"), language.code())
}

/// A name as part of an address: what is no letter, digit or one of `-._~` as its bytes (RFC 3986 §2.3).
pub(super) fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

pub(super) const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Unsupported | Outcome::Blocked | Outcome::Skipped | Outcome::Manual => "blocked",
    }
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_folder_cannot_leave_its_address() {
        assert_eq!(encoded("a b\"><x>?#%"), "a%20b%22%3E%3Cx%3E%3F%23%25");
        assert_eq!(encoded("2026-11-21_11-35-37"), "2026-11-21_11-35-37");
    }
}
