//! What the cause of a failure rests on: its facts, the line that it names with the code around it, and what the program printed.
//!
//! Everything here was written by the program under test or by its authors, and goes through `wire` or the escaping of the templates.

use maud::{Markup, html};

use super::page::Page;
use super::sequence::sequence;
use crate::language::ground_words as words;
use crate::language::{InWords as _, Language};
use crate::report::wire;
use harness_judge::check::{Grounds, Named, Outcome, Tried, Verdict, printed_between};
use harness_model::history::Exchange;

/// Bytes of output that are shown beside an exchange.
const OUTPUT_SHOWN: usize = 4 * 1024;
/// Longest quotation of what a program printed.
const LONGEST: usize = 500;
/// What belongs to an exchange may be printed so much after its end.
const PRINTED_WITHIN_NS: u64 = 400_000_000;

/// Below the cause: why, and where.
pub(super) fn grounds(page: &Page<'_>, verdict: &Verdict) -> Markup {
    let Some(grounds) = verdict.grounds.as_deref().filter(|_| verdict.outcome == Outcome::Fail) else {
        return html! {};
    };
    let language = page.language;
    html! {
        @if verdict.cause.is_none() && !grounds.supports.is_empty() { p .cause { (words::no_cause(language)) "." } }
        (facts(page, verdict, grounds))
        @if let Some(named) = &grounds.named { (line(page, named)) }
        @if let Some(change) = &grounds.tried { (tried(change, language)) }
        (sequence(page, grounds))
        @if let Some(why) = page.source.not_watched() { p .aside { (why.in_words(language)) "." } }
    }
}

fn facts(page: &Page<'_>, verdict: &Verdict, grounds: &Grounds) -> Markup {
    let language = page.language;
    html! {
        @if !grounds.supports.is_empty() {
            @if verdict.cause.is_some() { p .aside { (words::supports(language)) ": " } }
            ul .supports { @for fact in &grounds.supports { li { (wire::plain(&words::fact(fact, language), LONGEST)) } } }
            @if verdict.cause.is_some() { p .aside { (words::nothing_refutes(language)) "." } }
        }
        @if grounds.again == Some(false) { p .aside { (words::not_again(language)) "." } }
    }
}

fn line(page: &Page<'_>, named: &Named) -> Markup {
    let language = page.language;
    html! {
        p .place { b { code { (wire::plain(&words::place_of(named, language), LONGEST)) } } " – " (named.basis.in_words(language)) }
        (code_around(named, language))
    }
}

/// The line that is named, marked, with the lines around it.
pub fn code_around(named: &Named, language: Language) -> Markup {
    html! {
        @if !named.code.is_empty() {
            pre .numbered tabindex="0" {
                @for (number, text) in &named.code {
                    @if *number == named.place.line { mark { span .number { (number) } (wire::line(text.as_bytes(), language)) } "\n" }
                    @else { span .number { (number) } (wire::line(text.as_bytes(), language)) "\n" }
                }
            }
        }
    }
}

/// A change that was tried: the lines that go and those that come, and what came of it.
pub fn tried(tried: &Tried, language: Language) -> Markup {
    html! {
        p { (words::tried(tried, language)) ":" }
        pre .numbered .change tabindex="0" {
            @for edit in &tried.change.edits {
                @for (mark, text) in edit.marked() {
                    span .number { (format!("{}:{} {mark}", edit.file, edit.line)) } (wire::line(text.as_bytes(), language)) "\n"
                }
            }
        }
    }
}

/// What the program printed while an exchange lasted.
pub(super) fn printed(page: &Page<'_>, exchange: &Exchange) -> Markup {
    let from = exchange.sent.unwrap_or(exchange.intended);
    let until = fake_backends::clock::Moment(exchange.finished.0.saturating_add(PRINTED_WITHIN_NS));
    let text = printed_between(page.source.record, from, until);
    html! {
        @if !text.is_empty() {
            h5 { (words::printed_meanwhile(page.language)) }
            pre tabindex="0" { (wire::bytes(text, text.len() as u64, OUTPUT_SHOWN, page.language)) }
        }
    }
}
