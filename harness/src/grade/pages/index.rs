//! The index: all teams and all requirements in one table, how each requirement came out, and the mistakes that teams share.
//!
//! `pages` writes it. It links to the folder of each team and carries no names. The form at its end only makes a text to be
//! copied: nothing is stored by a page.

use maud::{Markup, PreEscaped, html};

use super::frame::{Frame, framed};
use super::places::{all_defences_of, defence_of, index_of};
use super::words::{check_words, flag_words, grade_words, row_title, triage_words};
use crate::grade::document::{Graded, SharedFault, TeamGrade};
use crate::grade::rubric::{By, Row};
use crate::grade::score::{RowScore, swings};
use harness_judge::check::Cause;
use harness_model::catalogue::CheckId;
use harness_model::history::NotKept;
use harness_tell::language::containment_words::{not_kept_of, what_was_not_kept};
use harness_tell::language::grade_words::{
    GradeLabel, Mark, and_more, missed_not_started, of_teams, share_code, teams_counted, would_become,
};
use harness_tell::language::report_words::Label;
use harness_tell::language::{Decimal, InWords as _, Language, Percent, explanation};
use harness_tell::report::plain;

static SCRIPT: &str = include_str!("../assets/grades.js");

/// The page.
pub(super) fn page(graded: &Graded, language: Language) -> String {
    let label = |label: GradeLabel| label.in_words(language);
    let content = html! {
        p .aside {
            (teams_counted(language, graded.teams.len())) " · " (label(GradeLabel::Rubric)) " " code { (graded.rubric.name) }
            " · " (Label::Seed.in_words(language)) " " (graded.seed)
        }
        section {
            h2 { (label(GradeLabel::Matrix)) }
            style { (PreEscaped(signs(language))) }
            div .scroll tabindex="0" role="region" aria-label=(label(GradeLabel::Matrix)) { (matrix(graded, language)) }
        }
        p { a href=(all_defences_of(language)) { (label(GradeLabel::AllDefences)) } }
        @if graded.teams.iter().any(|team| in_dispute(team) > 0.0) {
            section #disputed { h2 { (label(GradeLabel::WouldChange)) } (would_change(graded, language)) }
        }
        @if !graded.alike.is_empty() {
            section #alike {
                h2 { (label(GradeLabel::SharedCode)) }
                p .aside { (label(GradeLabel::SharedCodeHelp)) }
                ul {
                    @for pair in &graded.alike {
                        li { (share_code(language, &pair.codes[0], &pair.codes[1], Percent(pair.share))) }
                    }
                }
            }
        }
        @if !graded.not_kept().is_empty() {
            section #not-kept {
                h2 { (what_was_not_kept(language)) }
                ul { @for words in not_kept(graded, language) { li { (words) } } }
            }
        }
        section { h2 { (label(GradeLabel::Distribution)) } (distribution(graded, language)) }
        section { h2 { (label(GradeLabel::SharedFaults)) } (shared(graded, language)) }
        @if graded.rubric.rows.iter().any(|row| matches!(row.by, By::Person)) {
            section { h2 { (label(GradeLabel::Entries)) } (entries(graded, language)) }
        }
    };
    let other = language.choose(Language::Es, Language::En);
    let frame = Frame {
        language,
        kind: label(GradeLabel::Grades),
        title: language.of(&graded.rubric.title).to_owned(),
        other: index_of(other),
        back: None,
        script: Some(SCRIPT),
    };
    framed(&frame, &content)
}

/// What this host could not keep apart, a sentence each; whom it concerns, where that is not everybody.
fn not_kept(graded: &Graded, language: Language) -> Vec<String> {
    let words = |(what, teams): (NotKept, Vec<&str>)| {
        let what = what.in_words(language);
        if teams.len() == graded.teams.len() { what } else { not_kept_of(language, &what, &teams.join(", ")) }
    };
    graded.not_kept().into_iter().map(words).collect()
}

fn matrix(graded: &Graded, language: Language) -> Markup {
    let address = |team: &TeamGrade| format!("{}/{}", team.document.code, index_of(language));
    html! {
        table .matrix {
            thead {
                tr {
                    th scope="col" data-sort="code" { (GradeLabel::Team.in_words(language)) }
                    th scope="col" data-sort="least" { (GradeLabel::Grade.in_words(language)) }
                    th scope="col" data-sort="earned" { (GradeLabel::Points.in_words(language)) " /" (Decimal(graded.rubric.points(), 2).in_words(language)) }
                    th scope="col" data-sort="dispute" { (GradeLabel::InDispute.in_words(language)) }
                    @for row in &graded.rubric.rows {
                        th scope="col" title=(row_title(row, language)) {
                            (row.key) " /" (Decimal(row.points, 2).in_words(language))
                            @if row.must_pass { span title=(GradeLabel::MustPass.in_words(language)) { " *" } }
                        }
                    }
                    th scope="col" { (GradeLabel::DefenceShort.in_words(language)) }
                    th scope="col" { (GradeLabel::FirstLook.in_words(language)) }
                }
            }
            tbody {
                @for team in &graded.teams {
                    tr data-code=(team.document.code) data-least=(team.document.grade.least) data-earned=(earned(team)) data-dispute=(in_dispute(team)) {
                        th scope="row" { a href=(address(team)) { (team.document.code) } }
                        td .grade { (grade_words(&graded.rubric, &team.document.grade, language)) }
                        td .figure { (Decimal(earned(team), 2).in_words(language)) }
                        td .figure { (Decimal(in_dispute(team), 2).in_words(language)) }
                        @for score in &team.document.rows { (cell(score, language)) }
                        td { a href=(defence_of(&team.document.code, language)) { (GradeLabel::Questions.in_words(language)) } }
                        td .look {
                            @if let Some(triage) = &team.document.triage { (plain(&triage_words(triage, language), 160)) }
                            @for flag in &team.document.flags { " · " (flag_words(flag, language)) }
                        }
                    }
                }
            }
        }
    }
}

/// Points that are earned for certain.
fn earned(team: &TeamGrade) -> f64 {
    team.document.rows.iter().map(|row| row.earned).sum()
}

/// Points that a person still has to decide on.
fn in_dispute(team: &TeamGrade) -> f64 {
    team.document.rows.iter().map(|row| row.open).sum()
}

/// For each team, what a decision would make of its grade, the most points first.
fn would_change(graded: &Graded, language: Language) -> Markup {
    let mark = |grade: f64| Mark(grade, graded.rubric.scale.decimals);
    let mut teams: Vec<&TeamGrade> = graded.teams.iter().filter(|team| in_dispute(team) > 0.0).collect();
    teams.sort_by(|one, two| in_dispute(two).total_cmp(&in_dispute(one)));
    html! {
        ul .faults {
            @for team in teams {
                li {
                    b { a href={ (team.document.code) "/" (index_of(language)) } { (team.document.code) } } " – "
                    (grade_words(&graded.rubric, &team.document.grade, language)) ": "
                    @for (number, swing) in swings(&graded.rubric, &team.document.rows).into_iter().enumerate() {
                        @if number > 0 { "; " }
                        @let row = &graded.rubric.rows[swing.row];
                        span title=(row_title(row, language)) {
                            (would_become(language, &row.key, Decimal(swing.points, 2), mark(team.document.grade.least), mark(swing.grade)))
                        }
                    }
                    "."
                }
            }
        }
    }
}

/// How a row can come out: class, a sign for those who do not see colours, words for those who see neither.
const PARTS: [(&str, &str, GradeLabel); 4] = [
    ("pass", "✓", GradeLabel::All),
    ("part", "◐", GradeLabel::Some),
    ("fail", "✗", GradeLabel::None),
    ("inconclusive", "?", GradeLabel::Open),
];

/// Signs and words of the cells: once for the page, as a table of thousands of teams has tens of thousands of cells.
fn signs(language: Language) -> String {
    let rule = |(class, sign, label): &(&str, &str, GradeLabel)| {
        let words = label.in_words(language);
        format!(".cell.{class}::before {{ content: \"{sign} \"; content: \"{sign} \" / \"{words}: \"; }}\n")
    };
    PARTS.iter().map(rule).collect()
}

/// Points.
fn cell(score: &RowScore, language: Language) -> Markup {
    let class = if score.open > 0.0 {
        "inconclusive"
    } else if score.earned >= score.points {
        "pass"
    } else if score.earned > 0.0 {
        "part"
    } else {
        "fail"
    };
    html! {
        td .cell .(class) {
            (Decimal(score.earned, 2).in_words(language))
            @if score.open > 0.0 { i { " +" (Decimal(score.open, 2).in_words(language)) "?" } }
        }
    }
}

fn distribution(graded: &Graded, language: Language) -> Markup {
    let bar = |index: usize, row: &Row| {
        let counts = graded.distribution(index);
        html! {
            tr {
                th scope="row" { b { (row.key) } " " (row_title(row, language)) }
                td {
                    div .bar-of-teams {
                        @for ((class, sign, label), count) in PARTS.iter().zip(counts) {
                            @if count > 0 {
                                span .part-of-bar .(class) style={ "flex-grow:" (count) } {
                                    span aria-hidden="true" { (sign) } " " (count) " "
                                    span .hidden { (label.in_words(language)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        p .legend {
            @for (class, sign, label) in PARTS { span .(class) { (sign) " " (label.in_words(language)) } }
        }
        table .distribution { tbody { @for (index, row) in graded.rubric.rows.iter().enumerate() { (bar(index, row)) } } }
    }
}

fn shared(graded: &Graded, language: Language) -> Markup {
    let faults = graded.shared_faults();
    html! {
        @if faults.is_empty() { p .aside { (GradeLabel::NoSharedFaults.in_words(language)) } }
        ul .faults {
            @for fault in &faults {
                li {
                    b { (of_teams(language, fault.teams.len(), graded.teams.len())) } " – "
                    (fault.check.map_or_else(|| missed_not_started(language), |check| check_words(check, language)))
                    ul .aside { @for (cause, codes) in by_cause(fault) { (who(cause, &codes, fault.check, language)) } }
                }
            }
        }
    }
}

/// So many teams of one fault and cause are named; the row of each says it anyway.
const MOST_NAMED: usize = 60;

/// The teams that a fault has in common, those with the same cause together.
fn by_cause(fault: &SharedFault) -> Vec<(Option<Cause>, Vec<&str>)> {
    let mut groups: Vec<(Option<Cause>, Vec<&str>)> = Vec::new();
    for (code, cause) in &fault.teams {
        match groups.iter_mut().find(|(known, _)| known == cause) {
            Some((_, codes)) => codes.push(code),
            None => groups.push((*cause, vec![code])),
        }
    }
    groups
}

fn who(cause: Option<Cause>, codes: &[&str], check: Option<CheckId>, language: Language) -> Markup {
    let place = check.map_or_else(String::new, |check| format!("#{}", check.requirement().id()));
    let row = |code: &str| format!("{code}/{}{place}", index_of(language));
    html! {
        li {
            @for (index, code) in codes.iter().take(MOST_NAMED).enumerate() { @if index > 0 { ", " } a href=(row(code)) { (code) } }
            @if codes.len() > MOST_NAMED { " " (and_more(language, codes.len() - MOST_NAMED)) }
            @if let Some(cause) = cause { ": " (explanation(cause, language)) }
        }
    }
}

fn entries(graded: &Graded, language: Language) -> Markup {
    let rows: Vec<&Row> = graded.rubric.rows.iter().filter(|row| matches!(row.by, By::Person)).collect();
    let codes: Vec<&str> = graded.teams.iter().map(|team| team.document.code.as_str()).collect();
    html! {
        p .aside { (GradeLabel::EntriesHelp.in_words(language)) }
        div .scroll tabindex="0" role="region" aria-label=(GradeLabel::Entries.in_words(language)) {
            table .entries {
                thead {
                    tr {
                        th scope="col" { (GradeLabel::Team.in_words(language)) }
                        @for row in &rows { th scope="col" { (row_title(row, language)) " (" (Decimal(row.points, 1).in_words(language)) ")" } }
                    }
                }
                // The script makes a line for each of these teams: without it there is nothing to fill in.
                tbody #teams data-codes=(codes.join(" ")) {}
            }
        }
        template #line {
            tr {
                th scope="row" {}
                @for row in &rows {
                    td { input type="number" min="0" max="100" step="5" inputmode="numeric" data-row=(row.key) aria-label=(row_title(row, language)); }
                }
            }
        }
        pre #entries tabindex="0" { }
    }
}
