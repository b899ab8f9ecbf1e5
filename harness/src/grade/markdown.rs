//! `summary.md` of a grading: the table of teams and requirements for the step summary of a CI job or a pull request.
//!
//! `pages` writes it. Of a single submission, as at home or in a CI job of the team, it says why as well. Codes only; all that
//! came from outside is escaped.

use std::fmt::Write as _;

use super::document::{Graded, TeamGrade};
use super::pages::words::{grade_words, points_words, reasons as why, row_title, triage_words};
use harness_tell::language::grade_words::GradeLabel;
use harness_tell::language::{Decimal, InWords as _, Language};
use harness_tell::report::{markdown_escape as escape, plain};

/// Longest cell.
const LONGEST: usize = 400;

/// The document, in both languages, the one asked for first.
pub(super) fn text(graded: &Graded, language: Language) -> String {
    let (other, name) = language.choose((Language::Es, "Español"), (Language::En, "English"));
    format!(
        "{}\n<details><summary>{name}</summary>\n\n{}\n</details>\n",
        in_language(graded, language),
        in_language(graded, other)
    )
}

fn in_language(graded: &Graded, language: Language) -> String {
    let title = escape(language.of(&graded.rubric.title));
    let mut text = format!("## {}: {title}\n\n", GradeLabel::Grades.in_words(language));
    table(&mut text, graded, language);
    if let [only] = graded.teams.as_slice() {
        reasons(&mut text, graded, only, language);
    }
    text
}

fn table(text: &mut String, graded: &Graded, language: Language) {
    let label = |label: GradeLabel| label.in_words(language);
    let keys: String = graded.rubric.rows.iter().map(|row| format!(" {} |", escape(&row.key))).collect();
    let _ = writeln!(
        text,
        "| {} | {} |{keys} {} |",
        label(GradeLabel::Team),
        label(GradeLabel::Grade),
        label(GradeLabel::FirstLook)
    );
    let _ = writeln!(text, "|{}", " --- |".repeat(graded.rubric.rows.len() + 3));
    for team in &graded.teams {
        let document = &team.document;
        let cells: String = document
            .rows
            .iter()
            .map(|row| {
                let open = if row.open > 0.0 { " ?" } else { "" };
                format!(" {}{open} |", Decimal(row.earned, 2).in_words(language))
            })
            .collect();
        let grade = escape(&grade_words(&graded.rubric, &document.grade, language));
        let look = document.triage.as_ref().map_or_else(String::new, |look| triage_words(look, language));
        let _ = writeln!(text, "| {} | {grade} |{cells} {} |", document.code, escape(&plain(&look, LONGEST)));
    }
}

fn reasons(text: &mut String, graded: &Graded, team: &TeamGrade, language: Language) {
    text.push('\n');
    for (row, score) in graded.rubric.rows.iter().zip(&team.document.rows) {
        let points = points_words(score, language);
        let _ = writeln!(text, "- **{}** {}: {points}", escape(&row.key), escape(&row_title(row, language)));
        for words in why(team, score, language) {
            let _ = writeln!(text, "  - {}", escape(&words));
        }
    }
}
