//! The page of one team: its grade, row by row with the reason of each rung and a link to the evidence, its runs, and what
//! was seen of its proxy at the first look.
//!
//! `pages` writes it into the team's folder, which is complete without the index and can be handed to the team.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::frame::{Frame, framed};
use super::places::index_of;
use super::words::{
    flag_words, grade_words, last_lines, points_words, row_title, rung_words, source_words, triage_words,
};
use crate::grade::document::{Graded, RunDocument, TeamGrade};
use crate::grade::profile::Flag;
use crate::grade::rubric::Row;
use crate::grade::score::{Judged, RowScore, Rung};
use crate::grade::source::SourceFinding;
use harness_model::history::{NotKept, SourcePlace};
use harness_tell::language::InWords as _;
use harness_tell::language::containment_words::what_was_not_kept;
use harness_tell::language::grade_words::{GradeLabel, run_cut};
use harness_tell::language::report_words::verdict_words;
use harness_tell::language::{Language, Span};
use harness_tell::report::{code_around, plain, tried};

/// The page.
pub(super) fn page(graded: &Graded, team: &TeamGrade, language: Language) -> String {
    let label = |label: GradeLabel| label.in_words(language);
    let document = &team.document;
    let mut shown = BTreeSet::new();
    let content = html! {
        div .verdict .manual {
            p .word { (label(GradeLabel::Grade)) ": " (grade_words(&graded.rubric, &document.grade, language)) }
        }
        @for run in &document.runs {
            @if let Some(seconds) = run.cut_after_seconds {
                aside .mend { p { (run_cut(language, &run.scenario, Span((seconds * 1e3).round()))) } }
            }
        }
        @if let Some(triage) = &document.triage {
            p { b { (label(GradeLabel::FirstLook)) ": " } (plain(&triage_words(triage, language), 1_200)) }
            @if !last_lines(triage).is_empty() {
                h2 { (label(GradeLabel::LastLines)) }
                pre tabindex="0" { @for line in last_lines(triage) { (plain(line, 400)) "\n" } }
            }
        }
        @if !document.flags.is_empty() { (flags(&document.flags, language)) }
        @if !document.not_kept.is_empty() { (not_kept(&document.not_kept, language)) }
        @if document.runs.iter().any(|run| !run.notes.is_empty()) { (notes(&document.runs, language)) }
        section {
            h2 { (label(GradeLabel::Points)) }
            table .rows {
                thead {
                    tr {
                        th scope="col" { (label(GradeLabel::Requirement)) }
                        th scope="col" { (label(GradeLabel::Points)) }
                        th scope="col" { (label(GradeLabel::Why)) }
                    }
                }
                tbody { @for (row, score) in graded.rubric.rows.iter().zip(&document.rows) { (line(team, row, score, language, &mut shown)) } }
            }
        }
        @if !document.runs.is_empty() { section { h2 { (label(GradeLabel::Runs)) } (runs(team, language)) } }
    };
    let frame = Frame {
        language,
        kind: label(GradeLabel::Grades),
        title: format!("{} {}", label(GradeLabel::Team), document.code),
        other: index_of(language.choose(Language::Es, Language::En)),
        back: Some((format!("../{}", index_of(language)), label(GradeLabel::AllTeams))),
        script: None,
    };
    framed(&frame, &content)
}

fn flags(flags: &[Flag], language: Language) -> Markup {
    html! {
        aside .mend {
            h2 { (GradeLabel::Flags.in_words(language)) }
            ul { @for flag in flags { li { (flag_words(flag, language)) } } }
        }
    }
}

fn not_kept(missing: &[NotKept], language: Language) -> Markup {
    html! {
        aside .mend {
            h2 { (what_was_not_kept(language)) }
            ul { @for what in missing { li { (what.in_words(language)) } } }
        }
    }
}

/// How it was asked, where that is not how everybody is: each sentence once.
fn notes(runs: &[RunDocument], language: Language) -> Markup {
    let mut said: Vec<&str> = runs.iter().flat_map(|run| &run.notes).map(|note| language.of(note)).collect();
    let mut known = BTreeSet::new();
    said.retain(|note| known.insert(*note));
    html! {
        aside .mend {
            h2 { (GradeLabel::HowJudged.in_words(language)) }
            ul { @for note in said { li { (plain(note, 800)) } } }
        }
    }
}

fn line(
    team: &TeamGrade,
    row: &Row,
    score: &RowScore,
    language: Language,
    shown: &mut BTreeSet<SourcePlace>,
) -> Markup {
    let mut reason = |index: usize, rung: &Rung| {
        let Some(words) = rung_words(team, index, rung, language) else { return html! {} };
        let class = match rung {
            Rung::Reached => "pass",
            Rung::Open { .. } => "inconclusive",
            Rung::Missed { .. } => "fail",
            Rung::Absent | Rung::BelowMissing => "blocked",
        };
        let deciding = team.deciding(rung);
        let grounds = deciding.and_then(|judged| judged.verdict.grounds.as_deref());
        let named = grounds.and_then(|grounds| grounds.named.as_ref());
        // Once on the page: the second time its place is enough.
        let code = named.filter(|named| shown.insert(named.place.clone()));
        html! {
            li .(class) {
                (words)
                @if let Some(place) = deciding.and_then(named_line) { " – " code { (place) } }
                @if let Some(judged) = deciding { " " a href=(evidence(judged, language)) { (GradeLabel::Evidence.in_words(language)) } }
                @if let Some(named) = code { p .place { (named.basis.in_words(language)) } (code_around(named, language)) }
                @if let Some(change) = grounds.and_then(|grounds| grounds.tried.as_ref()) { (tried(change, language)) }
            }
        }
    };
    html! {
        tr id=(row.key) {
            th scope="row" {
                b { (row.key) } " " (row_title(row, language))
                @if row.must_pass { " (" (GradeLabel::MustPass.in_words(language)) ")" }
            }
            td .figure { (points_words(score, language)) }
            td {
                @if let Some(why) = &score.overridden { p { b { (GradeLabel::Overridden.in_words(language)) ": " } (why) } }
                @if score.rungs.is_empty() && score.open > 0.0 { (GradeLabel::ToReview.in_words(language)) }
                ul .rungs {
                    @for (index, rung) in score.rungs.iter().enumerate() { (reason(index, rung)) }
                    @if let Some(finding) = &score.source { li .(source_class(finding)) { (source_words(finding, language)) } }
                }
            }
        }
    }
}

/// The line that a failure names, and what stands there.
pub(super) fn named_line(judged: &Judged) -> Option<String> {
    let named = judged.verdict.grounds.as_deref()?.named.as_ref()?;
    let text = named.code.iter().find(|(number, _)| *number == named.place.line);
    let text = text.map(|(_, text)| format!(": {}", text.trim())).unwrap_or_default();
    Some(plain(&format!("{}{text}", named.place), 200))
}

fn source_class(finding: &SourceFinding) -> &'static str {
    match finding.share() {
        None => "inconclusive",
        Some(share) if share >= 1.0 => "pass",
        Some(_) => "fail",
    }
}

/// Where the evidence of a conclusion stands, from the folder of the team.
pub(super) fn evidence(judged: &Judged, language: Language) -> String {
    format!("{}/report.{}.html#{}", judged.folder, language.code(), judged.verdict.check.name())
}

fn runs(team: &TeamGrade, language: Language) -> Markup {
    html! {
        ul .runs {
            @for (name, run) in &team.team.state.runs {
                li {
                    a href={ (run.folder) "/report." (language.code()) ".html" } { (name) }
                    " – " (verdict_words(run.exit, language))
                    " (" (harness_tell::language::report_words::Label::ExitCode.in_words(language)) " " (run.exit.number()) ")"
                    @if run.repeated { " (" (GradeLabel::Repeated.in_words(language)) ")" }
                }
            }
        }
    }
}
