//! The page of two runs beside each other: the answer, what changed with both sentences, exchanges with their bytes, latencies.
//!
//! `report::diff` writes it once in each language. Nothing is compared here.

use maud::{Markup, html};

use super::frame::{Frame, capitalised, coded, framed};
use super::page::code;
use super::requirements::drawn;
use crate::language::diff_words::{After, Before, DiffLabel, diff_meaning, more_differ, one_run_each};
use crate::language::report_words::Label;
use crate::language::{InWords as _, Language, Milliseconds, Quantile, title};
use crate::report::diff::{
    Aligned, Change, CheckDiff, MOST_SHOWN, RunDiff, SHOWN_QUANTILES, answer_in_words, told,
};
use crate::report::markdown::symbol;
use crate::report::plot::Figure;
use crate::report::{Source, wire};
use harness_judge::check::Verdict;
use harness_model::history::Exchange;

/// So many bytes of a head and of a body are shown.
const HEAD_SHOWN: usize = 2_048;
const BODY_SHOWN: usize = 256;

/// The whole page.
pub(in crate::report) fn diff_page(diff: &RunDiff<'_>, language: Language) -> String {
    let other = language.choose(Language::Es, Language::En);
    let heading = DiffLabel::TwoRuns.in_words(language);
    let plan = diff.after.plan();
    let frame = Frame {
        language,
        title: format!("{heading} · {}", language.of(&plan.title)),
        class: None,
        style: "",
        skip: false,
        bar: html! { (Label::Report.in_words(language)) },
        other: format!("diff.{}.html", other.code()),
    };
    let exit = diff.exit();
    let content = html! {
        div .alone {
            main #content {
                section {
                    p .what { (heading) }
                    h1 { (language.of(&plan.title)) }
                    p .answer { (diff.answer(language)) }
                    p .note { (Label::ExitCode.in_words(language)) " " b { (exit.number()) } ": " (diff_meaning(language, exit)) "." }
                    dl .facts {
                        @for (place, source) in [&diff.before, &diff.after].into_iter().enumerate() {
                            div .wide { dt { (side(place, language)) } dd { (run(source, &diff.folders[place])) } }
                        }
                    }
                }
                section {
                    h2 { (DiffLabel::Verdicts.in_words(language)) }
                    @let (same, changed): (Vec<&CheckDiff<'_>>, Vec<&CheckDiff<'_>>) =
                        diff.checks.iter().partition(|check| check.change == Change::Same);
                    @if !changed.is_empty() { (checks(&changed, language)) }
                    @if !same.is_empty() {
                        details { summary { (DiffLabel::AsBefore.in_words(language)) } (checks(&same, language)) }
                    }
                }
                section {
                    h2 { (DiffLabel::Exchanges.in_words(language)) }
                    p .intro { (diff.exchanges(language)) }
                    @for one in diff.differing.iter().take(MOST_SHOWN) { (exchange(diff, one, language)) }
                    @if diff.differing.len() > MOST_SHOWN { p .aside { (more_differ(language, diff.differing.len() - MOST_SHOWN)) "." } }
                }
                (latency(diff, language))
            }
        }
    };
    framed(&frame, &content)
}

fn side(place: usize, language: Language) -> String {
    if place == 0 { Before.in_words(language) } else { After.in_words(language) }
}

/// Which run it is.
fn run(source: &Source<'_>, folder: &str) -> Markup {
    let facts = source.attachments.manifest.as_ref().map(|manifest| &manifest.facts);
    html! {
        b { (wire::plain(&source.plan().adapter.title, 80)) } " · " code { (wire::plain(folder, 200)) }
        @if let Some(started) = source.attachments.started() { " · " time datetime=(started) { (started) } }
        @if let Some(hash) = facts.and_then(|facts| facts.program_sha256.as_ref()) { br; small { "SHA-256 " code { (hash) } } }
    }
}

fn checks(checks: &[&CheckDiff<'_>], language: Language) -> Markup {
    html! {
        table .pairs {
            thead { tr { th scope="col" { (DiffLabel::Check.in_words(language)) } th scope="col" { (side(0, language)) } th scope="col" { (side(1, language)) } } }
            tbody {
                @for check in checks {
                    tr {
                        th scope="row" {
                            b { (coded(&capitalised(&title(check.check, language)))) }
                            br; small { code { (check.check.name()) } " · " (check.change.in_words(language)) }
                        }
                        td { (verdict(check.before, language)) }
                        td { (verdict(check.after, language)) }
                    }
                }
            }
        }
    }
}

fn verdict(verdict: Option<&Verdict>, language: Language) -> Markup {
    html! {
        @match verdict {
            Some(verdict) => {
                p .badge .(code(verdict.outcome)) {
                    span aria-hidden="true" { (symbol(verdict.outcome)) } " " (verdict.outcome.in_words(language))
                }
                p { (coded(&capitalised(&told(Some(verdict), language)))) "." }
            }
            None => "–",
        }
    }
}

fn exchange(diff: &RunDiff<'_>, one: &Aligned<'_>, language: Language) -> Markup {
    html! {
        details .bytes {
            summary {
                (one.number()) code { (wire::plain(&one.after.method, 12)) " " (wire::plain(&one.after.target, 80)) } " – "
                (answer_in_words(&diff.before, one.before, language)) " → " (answer_in_words(&diff.after, one.after, language))
            }
            div .beside {
                @for (place, exchange) in [one.before, one.after].into_iter().enumerate() {
                    div { h5 { (side(place, language)) } (bytes(exchange, language)) }
                }
            }
        }
    }
}

fn bytes(exchange: &Exchange, language: Language) -> Markup {
    html! {
        pre tabindex="0" { (wire::bytes(&exchange.request_head.0, exchange.request_head.0.len() as u64, HEAD_SHOWN, language)) }
        @match &exchange.response {
            Some(response) => {
                pre tabindex="0" {
                    (wire::bytes(&response.head.0, response.head.0.len() as u64, HEAD_SHOWN, language))
                    (wire::bytes(&response.body.start.0, response.body.bytes, BODY_SHOWN, language))
                }
            }
            None => p .aside { (wire::plain(&exchange.end.in_words(language), 200)) },
        }
    }
}

fn latency(diff: &RunDiff<'_>, language: Language) -> Markup {
    let percentiles = diff.percentiles();
    if percentiles.is_empty() {
        return html! {};
    }
    let name = DiffLabel::Latency.in_words(language);
    let figure =
        |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), |ms| Milliseconds(ms).in_words(language));
    html! {
        section {
            h2 { (name) }
            p .aside { (coded(&one_run_each(language))) }
            div .scroll tabindex="0" role="region" aria-label=(name) {
                table .figures {
                    thead {
                        tr {
                            th scope="col" { (Label::Tag.in_words(language)) }
                            @for quantile in SHOWN_QUANTILES {
                                @for place in 0..2 { th scope="col" { (Quantile(quantile).in_words(language)) " " (side(place, language)) } }
                            }
                        }
                    }
                    tbody {
                        @for (tag, [before, after]) in &percentiles {
                            tr {
                                th scope="row" { (wire::plain(tag, 60)) }
                                @for (then, now) in before.iter().zip(after) { td { (figure(*then)) } td { (figure(*now)) } }
                            }
                        }
                    }
                }
            }
            @for overlay in diff.overlays(language) { (drawn(&Figure::Overlay(overlay), language)) }
        }
    }
}
