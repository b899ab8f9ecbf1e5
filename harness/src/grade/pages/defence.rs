//! `sustentacion.es.html`: questions for the oral defence of one team, from what was observed of its proxy.
//!
//! `pages` writes it for the instructor, in both languages. Failures come first, then what is worth explaining although it
//! passed; each question has what a good answer contains, its evidence, and the command that shows it again.

use maud::{Markup, html};

use super::frame::{Frame, framed};
use super::places::{all_defences, defence_file, index_of};
use super::team::{evidence, named_line};
use super::words::{check_words, grade_words};
use crate::grade::document::{Graded, TeamGrade};
use crate::grade::rubric::{By, Row};
use crate::grade::score::Judged;
use crate::grade::triage::Triage;
use harness_judge::check::Outcome;
use harness_tell::language::defence_words::{DefenceQuestion, question};
use harness_tell::language::grade_words::{
    GradeLabel, at_stake, defence_intro, no_run_yet, nothing_observed, nothing_to_ask,
};
use harness_tell::language::{Decimal, InWords as _, Language, sentence};
use harness_tell::report::plain;

/// More questions than this fit into no defence.
const MOST: usize = 10;
/// And more than this on no sheet of paper beside a mark and a note.
const SHEET: usize = 5;

/// The page of a team.
pub(super) fn page(graded: &Graded, team: &TeamGrade, language: Language) -> String {
    let questions = questions(team, language);
    let content = html! {
        p .aside { (defence_intro(language, &team.document.code)) }
        @if questions.is_empty() { p { (why_none(team, language)) } }
        ol .questions { @for (judged, question) in &questions { (one(graded, team, judged, question, "../../", language)) } }
    };
    let frame = Frame {
        language,
        kind: GradeLabel::Defence.in_words(language),
        title: format!("{} {}", GradeLabel::Team.in_words(language), team.document.code),
        other: defence_file(language.choose(Language::Es, Language::En)).to_owned(),
        back: Some((format!("../../{}", index_of(language)), GradeLabel::AllTeams.in_words(language))),
        script: None,
    };
    framed(&frame, &content)
}

/// The page of all teams, one printed page each: boxes for the mark and for a note, and the questions by the points at stake.
pub(super) fn all(graded: &Graded, language: Language) -> String {
    let content = html! {
        @for team in &graded.teams {
            @let document = &team.document;
            section .sheet {
                h2 { (GradeLabel::Team.in_words(language)) " " (document.code) }
                p { (GradeLabel::Grade.in_words(language)) ": " (grade_words(&graded.rubric, &document.grade, language)) }
                div .boxes {
                    p .box { (GradeLabel::MarkGiven.in_words(language)) }
                    p .box .wide { (GradeLabel::Note.in_words(language)) }
                }
                @let questions = by_stake(graded, team, language);
                @if questions.is_empty() { p { (why_none(team, language)) } }
                ol .questions {
                    @for (judged, question) in questions.iter().take(SHEET) {
                        li {
                            @let points = stake(graded, team, judged);
                            @if points > 0.0 { p .aside { (at_stake(language, Decimal(points, 2))) } }
                            (asked(graded, team, judged, question, "../", language))
                        }
                    }
                }
            }
        }
    };
    let frame = Frame {
        language,
        kind: GradeLabel::Defence.in_words(language),
        title: GradeLabel::AllTeams.in_words(language),
        other: all_defences(language.choose(Language::Es, Language::En)).to_owned(),
        back: Some((format!("../{}", index_of(language)), GradeLabel::Grades.in_words(language))),
        script: None,
    };
    framed(&frame, &content)
}

/// The questions of a team, those with the most points at stake first.
fn by_stake<'a>(
    graded: &Graded,
    team: &'a TeamGrade,
    language: Language,
) -> Vec<(&'a Judged, DefenceQuestion)> {
    let mut questions = questions(team, language);
    questions.sort_by(|one, two| stake(graded, team, two.0).total_cmp(&stake(graded, team, one.0)));
    questions
}

/// The points that hang on a check: of each row that asks for it, what its team did not get.
fn stake(graded: &Graded, team: &TeamGrade, judged: &Judged) -> f64 {
    let rows = graded.rubric.rows.iter().zip(&team.document.rows);
    let asks = |row: &Row| {
        let By::Checks(rungs) = &row.by else { return false };
        rungs.iter().flatten().any(|check| *check == judged.verdict.check)
    };
    rows.filter(|(row, _)| asks(row))
        .map(|(_, score)| (score.points - score.earned).max(0.0))
        .fold(0.0, f64::max)
}

/// The failures first; of each check one question, and none twice.
fn questions(team: &TeamGrade, language: Language) -> Vec<(&Judged, DefenceQuestion)> {
    if !team.document.triage.as_ref().is_some_and(Triage::starts) {
        return Vec::new();
    }
    let mut found: Vec<(&Judged, DefenceQuestion)> = Vec::new();
    for wanted in [Outcome::Fail, Outcome::Pass] {
        // A fault that was seen several times is asked about once.
        let is_asked =
            |judged: &&Judged| judged.verdict.outcome == wanted && judged.verdict.explained_by.is_none();
        for judged in team.judged.iter().filter(is_asked) {
            let Some(question) = question(&judged.verdict.finding, judged.verdict.cause, language) else {
                continue;
            };
            let known = |(other, same): &(&Judged, DefenceQuestion)| {
                other.verdict.check == judged.verdict.check || same.answer == question.answer
            };
            if !found.iter().any(known) {
                found.push((judged, question));
            }
        }
    }
    found.truncate(MOST);
    found
}

/// Why there is no question.
fn why_none(team: &TeamGrade, language: Language) -> String {
    match team.document.triage.as_ref().map(Triage::starts) {
        Some(false) => nothing_observed(language),
        Some(true) if !team.judged.is_empty() => nothing_to_ask(language),
        _ => no_run_yet(language),
    }
}

fn one(
    graded: &Graded,
    team: &TeamGrade,
    judged: &Judged,
    question: &DefenceQuestion,
    root: &str,
    language: Language,
) -> Markup {
    html! { li { (asked(graded, team, judged, question, root, language)) } }
}

/// A question with its answer and its evidence; `root` leads to the folder of the grading.
fn asked(
    graded: &Graded,
    team: &TeamGrade,
    judged: &Judged,
    question: &DefenceQuestion,
    root: &str,
    language: Language,
) -> Markup {
    let scenario = graded.rubric.scenarios.iter().find(|scenario| scenario.name == judged.scenario);
    let profile = team.team.state.profile.as_deref();
    html! {
            p .question { (plain(&question.question, 1_200)) }
            @if let Some(place) = named_line(judged) { p { code { (place) } } }
            p { b { (GradeLabel::GoodAnswer.in_words(language)) ": " } (question.answer) "." }
            p .aside {
                a href={ (root) (team.document.code) "/" (evidence(judged, language)) } { (GradeLabel::Evidence.in_words(language)) } ": "
                (check_words(judged.verdict.check, language)) " – "
                (plain(&sentence(&judged.verdict.finding, language), 400)) "."
            }
            @if let (Some(scenario), Some(profile)) = (scenario, profile) {
                p .aside {
                    (GradeLabel::Command.in_words(language)) ": "
                    code {
                        "harness run scenarios/" (scenario.file.display()) " --sut " (profile) " --seed " (graded.seed)
                        " --strict --only " (judged.verdict.check.name())
                    }
                }
            }
    }
}
