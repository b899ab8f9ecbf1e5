//! `sustentacion.es.html`: questions for the oral defence of one team, from what was observed of its proxy.
//!
//! `pages` writes it for the instructor, in both languages. Failures come first, then what is worth explaining although it
//! passed; each question has what a good answer contains, its evidence, and the command that shows it again.

use maud::{Markup, html};

use super::frame::{Frame, framed};
use super::places::{defence_file, index_of};
use super::team::{evidence, named_line};
use super::words::check_words;
use crate::grade::document::{Graded, TeamGrade};
use crate::grade::score::Judged;
use crate::grade::triage::Triage;
use harness_judge::check::Outcome;
use harness_tell::language::defence_words::{DefenceQuestion, question};
use harness_tell::language::grade_words::{GradeLabel, defence_intro, nothing_observed};
use harness_tell::language::{InWords as _, Language, sentence};
use harness_tell::report::plain;

/// More questions than this fit into no defence.
const MOST: usize = 10;

/// The page of a team.
pub(super) fn page(graded: &Graded, team: &TeamGrade, language: Language) -> String {
    let questions = questions(team, language);
    let content = html! {
        p .aside { (defence_intro(language, &team.document.code)) }
        @if questions.is_empty() { p { (nothing_observed(language)) } }
        ol .questions { @for (judged, question) in &questions { (one(graded, team, judged, question, language)) } }
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

fn one(
    graded: &Graded,
    team: &TeamGrade,
    judged: &Judged,
    question: &DefenceQuestion,
    language: Language,
) -> Markup {
    let scenario = graded.rubric.scenarios.iter().find(|scenario| scenario.name == judged.scenario);
    let profile = team.team.adapter.as_ref().map(|adapter| adapter.origin.as_str());
    html! {
        li {
            p .question { (plain(&question.question, 1_200)) }
            @if let Some(place) = named_line(judged) { p { code { (place) } } }
            p { b { (GradeLabel::GoodAnswer.in_words(language)) ": " } (question.answer) "." }
            p .aside {
                a href={ "../../" (team.document.code) "/" (evidence(judged, language)) } { (GradeLabel::Evidence.in_words(language)) } ": "
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
}
