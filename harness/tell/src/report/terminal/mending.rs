//! The end of a run in the terminal where something failed: what to mend first, how it shows, how to see it again.
//!
//! `verdicts` prints it below the sentence that matters. Groups come from `report::mending`, words from `language`; lines to
//! be copied are never wrapped.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::verdicts::wrapped;
use crate::language::{Bytes, InWords as _, Language, Span, asks, explanation, sentence};
use crate::language::{ground_words, mending_words as words};
use crate::report::Source;
use crate::report::by_hand::by_hand;
use crate::report::mending::{Group, Instance, command_for, instance};
use crate::report::wire::plain;
use harness_judge::check::{Named, Outcome, Verdict};

/// Groups that are shown; the pages have all of them.
const MOST_GROUPS: usize = 6;
/// Columns of the labels.
const INDENT: usize = 4;

/// Everything that failed, by cause; empty where nothing did. With `verbose` all of them, and what a person needs to see them
/// by hand; the report has it in any case.
pub(super) fn mending(
    text: &mut String,
    source: &Source<'_>,
    groups: &[Group],
    language: Language,
    verbose: bool,
    width: Option<usize>,
) {
    let most = if verbose { usize::MAX } else { MOST_GROUPS };
    let all: usize = groups.iter().map(|group| group.failures.len()).sum();
    for (place, group) in groups.iter().enumerate().take(most) {
        let heading = match place {
            0 if groups.len() == 1 => words::mend_this(language),
            0 => words::mend_first(language, group.failures.len(), all),
            _ => words::mend_then(language, group.failures.len(), all),
        };
        let number = if groups.len() == 1 { String::new() } else { format!("{}. ", place + 1) };
        let _ = writeln!(text, "\n  {}", format!("{number}{heading}").bold());
        one(text, source, group, language, (verbose, place == 0), width);
    }
    if groups.len() > most {
        let _ = writeln!(text, "\n  {}", words::more_groups(language, groups.len() - most));
    }
    if !groups.is_empty() {
        if let Some(why) = source.not_watched() {
            let _ = writeln!(text, "\n  {}", why.in_words(language));
        }
        text.push('\n');
    }
}

fn one(
    text: &mut String,
    source: &Source<'_>,
    group: &Group,
    language: Language,
    (verbose, first): (bool, bool),
    width: Option<usize>,
) {
    let Some(lead) = group.failures.first().and_then(|&place| source.verdicts.get(place)) else { return };
    let names = |places: &[usize]| {
        let checks: Vec<_> =
            places.iter().filter_map(|&place| source.verdicts.get(place)).map(|v| v.check).collect();
        words::names_of(&checks, language)
    };
    let mut rows: Vec<(String, String, bool)> = Vec::new();
    if let Some(cause) = group.cause {
        rows.push((words::cause(language), explanation(cause, language), true));
    }
    if let Some(grounds) = lead.grounds.as_deref() {
        if let Some(named) = &grounds.named {
            rows.push((ground_words::the_line(language), line_of(named, language), true));
        }
        let label = || ground_words::supports(language);
        rows.extend(
            grounds
                .supports
                .iter()
                .map(|fact| (label(), plain(&ground_words::fact(fact, language), 400), true)),
        );
        if let Some(tried) = &grounds.tried {
            rows.push((ground_words::the_change(language), ground_words::tried(tried, language), true));
            for edit in &tried.change.edits {
                let indent = edit.was.len() - edit.was.trim_start().len();
                rows.extend(edit.marked().into_iter().map(|(mark, line)| {
                    let place = format!("{}:{}", edit.file, edit.line);
                    let line = line.get(indent..).unwrap_or(line);
                    (place, format!("{mark} {}", plain(line, 200)), false)
                }));
            }
        }
        if grounds.again == Some(false) {
            rows.push((ground_words::the_line(language), ground_words::not_again(language), true));
        }
    }
    rows.push((words::checks(language), names(&group.failures), true));
    if !group.blocked.is_empty() {
        rows.push((words::waiting(language), names(&group.blocked), true));
    }
    if verbose {
        rows.push((words::expected(language), asks(lead.check, language), true));
    }
    rows.push((words::happened(language), plain(&sentence(&lead.finding, language), 600), true));
    if verbose {
        rows.extend(shown(source, lead, language).map(|example| (words::example(language), example, true)));
    }
    if verbose || first {
        rows.extend(by_hand(source, lead).map(|line| (words::by_hand(language), plain(&line, 2_000), false)));
    }
    rows.push((words::just_this(language), plain(&command_for(source, lead.check), 2_000), false));
    let column = rows.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or(0) + 2;
    for (label, told, may_wrap) in rows {
        let padding = " ".repeat(column - label.chars().count());
        let told = if may_wrap { wrapped(&told, INDENT + column, width) } else { told };
        let _ = writeln!(text, "    {}{padding}{told}", label.dimmed());
    }
}

/// The line that is named, what stands there, and how it was found.
fn line_of(named: &Named, language: Language) -> String {
    let text = named.code.iter().find(|(number, _)| *number == named.place.line);
    let text = text.map(|(_, text)| format!("  {}", plain(text.trim(), 120))).unwrap_or_default();
    format!(
        "{}{text} ({})",
        plain(&ground_words::place_of(named, language), 200),
        named.basis.in_words(language)
    )
}

/// The request that shows it, when it was sent, which backend saw it, and what the client got.
fn shown(source: &Source<'_>, verdict: &Verdict, language: Language) -> Option<String> {
    if verdict.outcome != Outcome::Fail {
        return None;
    }
    let Instance { exchange, attempt } = instance(source, verdict)?;
    let request = plain(&format!("{} {}", exchange.method, exchange.target), 120);
    let at = Span(exchange.sent.unwrap_or(exchange.intended).0 as f64 / 1e6);
    let how = plain(&exchange.end.in_words(language), 200);
    let end = match &exchange.response {
        Some(response) => {
            words::got_answer(language, &response.status.to_string(), Bytes(response.body.bytes), &how)
        }
        None => how,
    };
    Some(match attempt {
        Some(attempt) => words::request_at_backend(language, &request, at, &attempt.backend, &end),
        None if source.kept_numbers_only(exchange) => words::request_counted(language, &request, at, &end),
        None => words::request_at_none(language, &request, at, &end),
    })
}

#[cfg(test)]
mod tests {
    use super::mending;
    use crate::language::Language;
    use crate::report::mending::groups;
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::{Basis, Cause, Fact, Grounds, Named, Outcome, Tried, Verdict};
    use harness_judge::last_words::Spoke;
    use harness_model::catalogue::CheckId;
    use harness_model::history::{Call, SourcePlace, Watched};
    use harness_model::plan::{Change as PlanChange, Edit};

    #[test]
    fn a_failure_is_told_from_its_cause_to_the_line_that_shows_it() {
        let mut hit = verdict(CheckId::CacheHit, Outcome::Fail);
        hit.cause = Some(Cause::NothingCached);
        let run = RunBuilder::new("ttl")
            .ready()
            .ttl(2_000, 12)
            .verdict(hit)
            .verdict(Verdict { cause: None, ..verdict(CheckId::TtlPerResource, Outcome::Fail) })
            .evidence_everything()
            .build();
        for (language, parts) in [
            (
                Language::En,
                ["it explains 1 of your 2 failures", "likely cause", "GET /", "curl -s", "--only cache.hit"],
            ),
            (
                Language::Es,
                ["explica 1 de sus 2 fallas", "causa probable", "GET /", "curl -s", "--only cache.hit"],
            ),
        ] {
            let mut text = String::new();
            let groups = groups(run.source().verdicts, false);
            mending(&mut text, &run.source(), &groups, language, true, Some(80));
            let text = anstream::adapter::strip_str(&text).to_string();
            for part in parts {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn a_change_that_was_tried_stands_there_with_what_came_of_it() {
        let lines = ["  s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)", "  s.bind(\u{1b}[2J)"].map(str::to_owned);
        let edit = Edit { file: "p.py".into(), line: 9, was: lines[1].clone(), now: lines.to_vec() };
        for (passes, decisive, en, es) in [
            (Some(true), true, "the check passes", "la verificación se cumple"),
            (Some(false), true, "that was not the cause", "esa no era la causa"),
            (Some(false), false, "there is more to mend", "hay más por corregir"),
            (None, true, "is open", "quedó sin decidir"),
        ] {
            let mut failed = verdict(CheckId::PersistenceRebind, Outcome::Fail);
            let change = PlanChange { edits: vec![edit.clone()], decisive };
            let tried = Some(Tried { change, passes });
            failed.grounds = Some(Box::new(Grounds { tried, ..Grounds::default() }));
            let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).verdict(failed).build();
            for (language, words) in [(Language::En, en), (Language::Es, es)] {
                let mut text = String::new();
                mending(
                    &mut text,
                    &run.source(),
                    &groups(run.source().verdicts, false),
                    language,
                    false,
                    None,
                );
                let text = anstream::adapter::strip_str(&text).to_string();
                for part in [words, "p.py:9", "+ s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)"] {
                    assert!(text.contains(part), "{part}: {text}");
                }
                assert!(!text.contains("s.bind"), "a line that stays is no change: {text}");
                let page = crate::report::html::page(&run.source(), language);
                assert!(page.contains(words) && page.contains("p.py:9 +"), "{words}");
            }
        }
    }

    #[test]
    fn the_line_of_a_failure_stands_beside_its_cause_with_what_supports_it() {
        let mut hit = verdict(CheckId::CacheHit, Outcome::Fail);
        hit.cause = Some(Cause::ExceptionUncaught);
        let place = SourcePlace { file: "proxy.py".into(), line: 88, function: Some("atender".into()) };
        hit.grounds = Some(Box::new(Grounds {
            supports: vec![Fact::Said {
                kind: Spoke::Exception,
                what: "KeyError: 'Host'".into(),
                times: 4,
                place: Some(place.clone()),
            }],
            named: Some(Named {
                place,
                basis: Basis::Printed,
                code: vec![(87, "def atender():".into()), (88, "    host = campos['Host']\u{1b}[2J".into())],
            }),
            again: Some(false),
            calls: vec![Watched {
                at: Default::default(),
                process: 7,
                thread: 8,
                call: Call::Receive,
                subject: "client 5".into(),
                figure: Some(4_096),
                error: None,
                place: Some(SourcePlace { file: "proxy.py".into(), line: 91, function: None }),
                callers: Vec::new(),
            }],
            ..Grounds::default()
        }));
        let run = RunBuilder::new("ttl").ready().ttl(2_000, 12).verdict(hit).build();
        for (language, words) in [
            (Language::En, ["printed by the program itself", "an exception 4 times", "did not fail again"]),
            (Language::Es, ["la escribió el propio programa", "4 veces una excepción", "no volvió a fallar"]),
        ] {
            let mut text = String::new();
            let groups = groups(run.source().verdicts, false);
            mending(&mut text, &run.source(), &groups, language, false, None);
            let text = anstream::adapter::strip_str(&text).to_string();
            for part in words.into_iter().chain([
                "proxy.py:88",
                "atender",
                "host = campos['Host']",
                "KeyError: 'Host'",
            ]) {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains('\u{1b}'), "what a program wrote is shown harmlessly: {text}");
            let page = crate::report::html::page(&run.source(), language);
            for part in words.into_iter().chain([
                "recv(client 5) = 4096",
                "proxy.py:91",
                "proxy.py:88",
                "<mark>",
                "KeyError: &#39;Host",
            ]) {
                assert!(page.contains(part) || page.contains(&part.replace("&#39;", "'")), "{part}");
            }
        }
    }

    #[test]
    fn where_nothing_failed_nothing_is_said() {
        let run = RunBuilder::new("ttl").ready().verdict(verdict(CheckId::CacheHit, Outcome::Pass)).build();
        let mut text = String::new();
        mending(&mut text, &run.source(), &groups(run.source().verdicts, false), Language::En, false, None);
        assert_eq!(text, "");
    }
}
