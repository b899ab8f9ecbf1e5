//! The first screen: who, what, when, the verdict, the sentence that matters, what to mend first, and every check at a glance.
//!
//! Whoever reads no further must not be misled: what was not decided and what is declared as missing is named here.

use maud::{Markup, html};

use super::frame::{capitalised, coded};
use super::grounds::grounds;
use super::page::{Page, code, told};
use crate::language::conduct_words::{cut, cut_by};
use crate::language::mending_words as words;
use crate::language::page_words::{self, counted_checks, score_of};
use crate::language::report_words::{
    Label, decides, killed_times, took_place, took_place_in_part, verdict_words,
};
use crate::language::{Counted, InWords as _, Noun, Span, explanation, title};
use crate::report::markdown::symbol;
use crate::report::overview::OUTCOMES;
use crate::report::{Group, command_for};
use harness_judge::check::{Outcome, Verdict};
use harness_model::catalogue::Kind;
use harness_model::exit_code::ExitCode;

/// The outcome whose sign and colour stand for an exit code.
pub(super) const fn outcome_of(exit: ExitCode) -> Outcome {
    match exit {
        ExitCode::Passed => Outcome::Pass,
        ExitCode::Failed | ExitCode::ProxyNotReady => Outcome::Fail,
        _ => Outcome::Inconclusive,
    }
}

/// The first screen.
pub(super) fn first_screen(page: &Page<'_>) -> Markup {
    let (source, overview, language) = (&page.source, &page.overview, page.language);
    let plan = source.plan();
    let outcome = outcome_of(overview.exit);
    html! {
        section #summary aria-labelledby="title" {
            p .what { (page.label(Label::Proxy)) ": " b { (plan.adapter.title) } }
            h1 #title { (language.of(&plan.title)) }
            div .verdict .(code(outcome)) {
                p .word { span aria-hidden="true" { (symbol(outcome)) } " " (verdict_words(overview.exit, language)) }
                p .headline { (overview.headline(language)) "." }
                @if let Some(by) = overview.cut { p .note { b { (cut(language, cut_by(language, by))) } "." } }
                @for note in overview.footnotes(language) { p .note { (note.trim_end_matches('.')) "." } }
                p .code { (page.label(Label::ExitCode)) " " b { (overview.exit.number()) } ": " (overview.meaning(language)) "." }
            }
            (mend_first(page))
            (facts(page))
            (at_a_glance(page))
        }
    }
}

fn mend_first(page: &Page<'_>) -> Markup {
    let verdicts = page.source.verdicts;
    let groups = &page.groups;
    let Some(first) = groups.first() else { return html! {} };
    let all: usize = groups.iter().map(|group| group.failures.len()).sum();
    let decides = |group: &&Group| group.failures.iter().any(|&place| verdicts[place].kind == Kind::Required);
    let (required, beyond): (Vec<&Group>, Vec<&Group>) = groups.iter().partition(decides);
    let linked = |places: &[usize]| {
        html! {
            @for (number, verdict) in places.iter().filter_map(|&place| verdicts.get(place)).enumerate() {
                @if number > 0 { ", " }
                a href={ "#" (verdict.check.name()) } { (verdict.check.name()) }
            }
        }
    };
    let verdict = &verdicts[first.failures[0]];
    let lead = html! {
        p {
            a href={ "#" (verdict.check.name()) } { (verdict.check.name()) }
            " – " (coded(&title(verdict.check, page.language))) ": " (coded(&told(page, verdict))) "."
        }
        @if let Some(cause) = verdict.cause {
            p .cause { b { (page.label(Label::LikelyCause)) ": " } (coded(&explanation(cause, page.language))) "." }
        }
        (grounds(page, verdict))
        @if first.explains() > 1 {
            p {
                @if groups.len() == 1 { (words::mend_this(page.language)) }
                @else { (words::mend_first(page.language, first.failures.len(), all)) }
                ": " (linked(&first.failures))
                @if !first.blocked.is_empty() { "; " (words::waiting(page.language)) ": " (linked(&first.blocked)) }
                "."
            }
        }
        p { (command(page, &command_for(&page.source, verdict.check))) }
    };
    let then = |group: &Group| {
        html! {
            (words::mend_then(page.language, group.failures.len(), all)) ": "
            (linked(&group.failures))
            @if let Some(cause) = group.cause { " – " (coded(&explanation(cause, page.language))) }
            @if !group.blocked.is_empty() { "; " (words::waiting(page.language)) ": " (linked(&group.blocked)) }
            "."
        }
    };
    html! {
        aside .mend {
            h2 { (page.label(Label::MendFirst)) }
            ol {
                li { (lead) }
                @for group in required.iter().skip(1) { li { (then(group)) } }
            }
            @let beyond = if required.is_empty() { &beyond[1..] } else { &beyond[..] };
            @if !beyond.is_empty() {
                h3 { (words::beyond_required(page.language)) }
                ol start=(groups.len() - beyond.len() + 1) { @for group in beyond { li { (then(group)) } } }
            }
        }
    }
}

fn facts(page: &Page<'_>) -> Markup {
    let (source, overview, language) = (&page.source, &page.overview, page.language);
    let plan = source.plan();
    let requests = Counted(overview.exchanges as u64 + overview.counted, Noun::Request);
    let attempts = Counted(overview.attempts as u64, Noun::Attempt);
    let time = Span((overview.took.as_secs_f64() * 1000.0).round());
    html! {
        dl .facts {
            @if !source.verdicts.is_empty() { div { dt { (page.label(Label::Score)) } dd { (score(page)) } } }
            div { dt { (page.label(Label::Scenario)) } dd { (plan.name) } }
            @if let Some(started) = source.attachments.started() {
                div { dt { (page.label(Label::Started)) } dd { time datetime=(started) { (readable_time(started)) } } }
            }
            div { dt { (page.label(Label::Took)) } dd { (time.in_words(language)) } }
            div { dt { (page.label(Label::Traffic)) } dd { (if overview.some_uncounted { took_place_in_part(language, requests, attempts) } else { took_place(language, requests, attempts) }) } }
            @if overview.kills > 0 {
                div {
                    dt { (page.label(Label::Launch)) }
                    dd {
                        (killed_times(language, Counted(overview.kills as u64, Noun::Kill), Counted(overview.launches as u64, Noun::Start)))
                    }
                }
            }
            div { dt { (page.label(Label::Seed)) } dd { (plan.seed) } }
            div .wide {
                dt { (page.label(Label::RepeatCommand)) }
                dd { (command(page, &source.command())) }
            }
        }
    }
}

/// How many of the checks that decide passed. What is declared as not implemented counts among them under `--strict` only.
fn score(page: &Page<'_>) -> String {
    let summary = &page.overview.summary;
    let of = summary.passed + summary.failed.len() + summary.undecided.len();
    score_of(page.language, summary.passed, of)
}

/// A command with a button that copies it.
pub(super) fn command(page: &Page<'_>, text: &str) -> Markup {
    html! {
        span .command {
            code { (text) }
            button .copy type="button" data-copied=(page.label(Label::Copied)) { (page.label(Label::Copy)) }
        }
    }
}

fn at_a_glance(page: &Page<'_>) -> Markup {
    let verdicts = page.source.verdicts;
    if verdicts.is_empty() {
        return html! {};
    }
    let of = |wanted: &dyn Fn(Kind) -> bool| verdicts.iter().filter(|verdict| wanted(verdict.kind)).count();
    let required = of(&|kind| kind == Kind::Required);
    // What a person looks at is no check that was made.
    let others = of(&|kind| matches!(kind, Kind::Optimal | Kind::Check));
    html! {
        div .search {
            input #search type="search" autocomplete="off" placeholder=(page_words::search(page.language)) aria-label=(page_words::search(page.language));
            button type="button" #order aria-pressed="false" { (page_words::order_of_plan(page.language)) }
            span .aside { (page_words::keys(page.language)) }
        }
        div .filters role="group" aria-label=(page.label(Label::Filter)) {
            button type="button" data-filter="" aria-pressed="true" {
                (page.label(Label::All)) " " span .count { (verdicts.len()) }
            }
            @for (outcome, count) in &page.overview.counts {
                button type="button" data-filter=(code(*outcome)) aria-pressed="false" .(code(*outcome)) {
                    span aria-hidden="true" { (symbol(*outcome)) } " " (outcome.in_words(page.language)) " "
                    span .count { (count) }
                }
            }
        }
        table .glance {
            caption .hidden { (page.label(Label::Checks)) }
            thead {
                tr {
                    th scope="col" { (page.label(Label::Verdict)) }
                    th scope="col" { (page.label(Label::Check)) }
                    th scope="col" { (page.label(Label::WhatWasSeen)) }
                }
            }
            tbody { @for place in gravest_first(page) { (glance_row(page, place, &verdicts[place])) } }
        }
        p .aside { (counted_checks(required, others, page.language)) ". " (decides(page.language)) }
    }
}

/// Positions of the verdicts: what failed in the order of mending, then the other outcomes, the gravest first.
fn gravest_first(page: &Page<'_>) -> Vec<usize> {
    let verdicts = page.source.verdicts;
    let mending: Vec<usize> = page.groups.iter().flat_map(|group| group.failures.iter().copied()).collect();
    let mut places: Vec<usize> = (0..verdicts.len()).collect();
    places.sort_by_key(|place| {
        let turn = mending.iter().position(|failure| failure == place).unwrap_or(mending.len());
        let gravity = OUTCOMES.iter().position(|outcome| *outcome == verdicts[*place].outcome);
        (gravity, turn, *place)
    });
    places
}

fn glance_row(page: &Page<'_>, place: usize, verdict: &Verdict) -> Markup {
    html! {
        tr data-outcome=(code(verdict.outcome)) data-place=(place) {
            td { (badge(page, verdict.outcome)) }
            th scope="row" {
                a href={ "#" (verdict.check.name()) } { (coded(&title(verdict.check, page.language))) }
                span .id { (verdict.requirement) " · " (verdict.check.name()) " · " (verdict.kind.in_words(page.language)) }
            }
            td { (coded(&capitalised(&told(page, verdict)))) }
        }
    }
}

/// An outcome as sign and word.
pub(super) fn badge(page: &Page<'_>, outcome: Outcome) -> Markup {
    html! {
        span .badge .(code(outcome)) { span aria-hidden="true" { (symbol(outcome)) } " " (outcome.in_words(page.language)) }
    }
}

/// `2026-11-21T14:03:59-05:00` as people read it; anything else as it is.
fn readable_time(time: &str) -> String {
    match (time.split_once('T'), time.get(19..)) {
        (Some((date, rest)), Some(zone)) if rest.len() >= 8 && rest.is_char_boundary(8) => {
            let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
            format!("{date} {} ({})", &rest[..8], if zone == "Z" { "UTC" } else { zone })
        }
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::readable_time;

    #[test]
    fn times_are_readable_and_strange_ones_pass_through() {
        assert_eq!(readable_time("2026-11-21T14:03:59-05:00"), "2026-11-21 14:03:59 (-05:00)");
        assert_eq!(readable_time("2026-11-21T14:03:59.123Z"), "2026-11-21 14:03:59 (UTC)");
        assert_eq!(readable_time("yesterday"), "yesterday");
    }
}
