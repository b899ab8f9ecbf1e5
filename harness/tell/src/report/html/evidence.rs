//! The evidence of a verdict: timeline, exact bytes, the proxy's own log lines, the lines of the scenario, and how to see
//! it again.
//!
//! Folded away but for what is to be mended first. Everything from outside goes through `wire`.

use maud::{Markup, html};

use super::first_screen::command;
use super::grounds;
use super::page::Page;
use super::related::Related;
use super::timeline;
use crate::language::InWords as _;
use crate::language::page_words::{by_hand_note, exchange_title};
use crate::language::report_words::{Label, shown_of};
use crate::report::attachments::Text;
use crate::report::{by_hand, command_for, wire};
use harness_judge::check::Verdict;
use harness_model::history::Exchange;

/// Exchanges whose bytes are shown.
const MOST_EXCHANGES: usize = 4;
/// Bytes of a head that are shown; the record keeps up to 64 KiB.
const HEAD_SHOWN: usize = 6 * 1024;
/// Bytes of a body that are shown; the record keeps up to 4 KiB.
const BODY_SHOWN: usize = 512;
/// Lines of a log for one target.
const MOST_LINES: usize = 6;
/// Lines of the scenario before and after the one that asks.
const AROUND: usize = 3;

/// All evidence of a verdict.
pub(super) fn evidence(page: &Page<'_>, verdict: &Verdict, open: bool) -> Markup {
    let related = Related::of(&page.source, verdict);
    let exchanges: Vec<&Exchange> = related.exchanges().take(MOST_EXCHANGES).collect();
    html! {
        details .evidence open[open] {
            summary { (page.label(Label::Evidence)) }
            @if !related.events.is_empty() {
                h4 { (page.label(Label::Timeline)) }
                @if related.evidence > super::related::MOST_EVENTS / 2 {
                    p .aside { (shown_of(page.language, super::related::MOST_EVENTS / 2, related.evidence)) }
                }
                (timeline::timeline(page, &related))
                @if !exchanges.is_empty() {
                    h4 { (page.label(Label::Request)) " / " (page.label(Label::Response)) }
                    @for exchange in &exchanges { (bytes_of(page, exchange)) }
                    (log_lines(page, &exchanges))
                }
            }
            h4 { (page.label(Label::ScenarioLines)) }
            (scenario_lines(page, verdict))
            h4 { (page.label(Label::RepeatCommand)) }
            p { (command(page, &command_for(&page.source, verdict.check))) }
            @if let Some(line) = by_hand(&page.source, verdict) {
                h4 { (page.label(Label::RepeatOneRequest)) }
                p { (command(page, &line)) }
                p .aside { (by_hand_note(page.language)) }
            }
        }
    }
}

fn bytes_of(page: &Page<'_>, exchange: &Exchange) -> Markup {
    let language = page.language;
    let target = wire::plain(&exchange.target, 80);
    html! {
        details .bytes {
            summary {
                code { (wire::plain(&exchange.method, 12)) " " (target) } " – "
                (exchange_title(language, exchange.id, &exchange.purpose.in_words(language)))
            }
            div .wire {
                h5 { (page.label(Label::RequestAsSent)) }
                pre tabindex="0" { (wire::bytes(&exchange.request_head.0, exchange.request_head.0.len() as u64, HEAD_SHOWN, language)) }
                h5 { (page.label(Label::ResponseAsReceived)) }
                @match &exchange.response {
                    Some(response) => {
                        pre tabindex="0" {
                            (wire::bytes(&response.head.0, response.head.0.len() as u64, HEAD_SHOWN, language))
                            (wire::bytes(&response.body.start.0, response.body.bytes, BODY_SHOWN, language))
                        }
                    }
                    None => p .aside { (page.label(Label::NoResponse)) ": " (wire::plain(&exchange.end.in_words(language), 200)) },
                }
                (grounds::printed(page, exchange))
                @if let Some(attempt) = page.source.attempt_of(exchange) {
                    h5 { (page.label(Label::AtTheBackend)) " (" (attempt.backend) ")" }
                    pre tabindex="0" { (wire::bytes(&attempt.head.0, attempt.head_bytes, HEAD_SHOWN, language)) }
                }
            }
        }
    }
}

fn log_lines(page: &Page<'_>, exchanges: &[&Exchange]) -> Markup {
    let attachments = page.source.attachments;
    let texts: Vec<(Label, &Text)> =
        [(Label::LogFile, &attachments.log), (Label::Output, &attachments.output)]
            .into_iter()
            .filter_map(|(label, text)| Some((label, text.as_ref()?)))
            .collect();
    if texts.is_empty() {
        return html! {};
    }
    let mut targets: Vec<&str> = exchanges.iter().map(|exchange| exchange.target.as_str()).collect();
    targets.dedup();
    targets.truncate(2);
    let mut found = Vec::new();
    for (label, text) in texts {
        for target in &targets {
            let (lines, all) = text.lines_with(target.as_bytes(), MOST_LINES);
            if !lines.is_empty() {
                found.push((label, lines, all));
            }
        }
    }
    html! {
        h4 { (page.label(Label::LogLines)) }
        @if found.is_empty() { p .aside { (page.label(Label::NoLogLines)) } }
        @for (label, lines, all) in &found {
            p .aside {
                (page.label(*label)) @if lines.len() < *all { " – " (shown_of(page.language, lines.len(), *all)) }
            }
            pre .numbered tabindex="0" {
                @for (number, line) in lines { span .number { (number) } (wire::line(line, page.language)) "\n" }
            }
        }
    }
}

fn scenario_lines(page: &Page<'_>, verdict: &Verdict) -> Markup {
    let asked = verdict.line.line;
    let lines = page.source.plan().text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let near = lines.filter(|(number, _)| number.abs_diff(asked) <= AROUND);
    html! {
        p .aside { (wire::plain(&verdict.line.file.to_string_lossy(), 200)) ":" (asked) }
        pre .numbered tabindex="0" {
            @for (number, line) in near {
                @if number == asked { mark { span .number { (number) } (line) } "\n" }
                @else { span .number { (number) } (line) "\n" }
            }
        }
    }
}
