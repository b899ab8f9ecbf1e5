//! `results.json` of a team, in the shape that Gradescope reads from an autograder.
//!
//! `pages` writes one into the folder of each team. The shape is that of "Autograder Specifications" in Gradescope's
//! documentation; only what is decided has a score, what is open has none and says so.

use serde::Serialize;

use super::document::TeamGrade;
use super::pages::words::{reasons, row_title};
use super::rubric::Rubric;
use harness_tell::language::InWords as _;
use harness_tell::language::Language;
use harness_tell::language::grade_words::GradeLabel;

/// All of `results.json`.
#[derive(Serialize)]
struct Results {
    /// Points that are certain; the tests need no score of their own then.
    score: f64,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    tests: Vec<Test>,
}

/// One row of the rubric.
#[derive(Serialize)]
struct Test {
    name: String,
    number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    max_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    output: String,
    output_format: &'static str,
}

/// The document of a team as bytes.
pub(super) fn bytes(rubric: &Rubric, team: &TeamGrade, language: Language) -> serde_json::Result<Vec<u8>> {
    let tests = rubric.rows.iter().zip(&team.document.rows).map(|(row, score)| {
        let mut output = reasons(team, score, language);
        output.extend(score.overridden.clone());
        if score.open > 0.0 && score.rungs.is_empty() {
            output.push(GradeLabel::ToReview.in_words(language));
        }
        let open = score.open > 0.0;
        let status = match open {
            true => None,
            false if score.earned >= score.points => Some("passed"),
            false => Some("failed"),
        };
        Test {
            name: row_title(row, language),
            number: row.key.clone(),
            // Points that are certain; a row of which nothing is certain yet has none.
            score: (!open || score.earned > 0.0).then_some(score.earned),
            max_score: score.points,
            status,
            output: output.join("\n"),
            output_format: "text",
        }
    });
    let document = Results {
        score: team.document.rows.iter().map(|row| row.earned).sum(),
        output: super::pages::words::grade_words(rubric, &team.document.grade, language),
        output_format: "text",
        visibility: "visible",
        tests: tests.collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&document)?;
    bytes.push(b'\n');
    Ok(bytes)
}
