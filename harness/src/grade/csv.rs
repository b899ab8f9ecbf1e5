//! `grades.csv`: a row per student, or per submission where no list of students was given.
//!
//! `pages` writes it for spreadsheets and learning platforms, with the separator and the decimal mark that theirs expect. It
//! is for the instructor: unlike the pages it carries names. Nothing in a name can become a formula.

use std::collections::BTreeMap;
use std::path::Path;

use super::document::{Graded, TeamGrade};
use super::score::Rung;
use harness_model::scenario::{Problem, What};
use harness_tell::language::Language;

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Between the fields.
    pub separator: char,
    /// Before the decimals.
    pub decimal: char,
}

/// Reads a list of students: `student,submission`, one a line, the submission by the name of its folder or zip.
///
/// # Errors
/// It cannot be read, or a line has no comma or semicolon.
pub fn students(file: &Path) -> Result<Vec<(String, String)>, Problem> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Problem::nowhere(What::Unreadable { file: file.to_owned(), why: error.to_string() })
    })?;
    let line = |line: &str| {
        let (student, submission) = line.split_once([';', ','])?;
        Some((student.trim().to_owned(), submission.trim().trim_end_matches(".zip").to_owned()))
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|written| {
            line(written).ok_or_else(|| {
                Problem::nowhere(What::Unreadable { file: file.to_owned(), why: written.to_owned() })
            })
        })
        .collect()
}

/// The table.
pub(super) fn text(
    graded: &Graded,
    students: &[(String, String)],
    columns: Columns,
    language: Language,
) -> String {
    let heads: Vec<String> = match language {
        Language::En => ["student", "submission", "team", "grade", "least", "most", "to_review"],
        Language::Es => {
            ["estudiante", "entrega", "equipo", "nota", "nota_minima", "nota_maxima", "por_revisar"]
        }
    }
    .map(str::to_owned)
    .into_iter()
    .chain(graded.rubric.rows.iter().map(|row| row.key.clone()))
    .collect();
    let mut text = line(&heads, columns);
    let by_name: BTreeMap<&str, &TeamGrade> =
        graded.teams.iter().map(|team| (team.team.submission.name.as_str(), team)).collect();
    let mut named = Vec::new();
    for (student, submission) in students {
        let team = by_name.get(submission.as_str()).copied();
        named.extend(team.map(|team| team.document.code.clone()));
        text.push_str(&line(&row(graded, student, submission, team, columns), columns));
    }
    // A submission whose students are in no list still has its row.
    for team in graded.teams.iter().filter(|team| !named.contains(&team.document.code)) {
        text.push_str(&line(&row(graded, "", &team.team.submission.name, Some(team), columns), columns));
    }
    text
}

/// One row; a student whose submission is not there has an empty grade and no zero.
fn row(
    graded: &Graded,
    student: &str,
    submission: &str,
    team: Option<&TeamGrade>,
    columns: Columns,
) -> Vec<String> {
    let number = |value: f64, decimals: usize| {
        format!("{value:.decimals$}").replace('.', &columns.decimal.to_string())
    };
    let mut fields = vec![student.to_owned(), submission.to_owned()];
    let Some(TeamGrade { document, .. }) = team else {
        fields.resize(7 + graded.rubric.rows.len(), String::new());
        return fields;
    };
    let decimals = graded.rubric.scale.decimals;
    let grade = &document.grade;
    let open: Vec<&str> =
        document.rows.iter().filter(|row| row.open > 0.0).map(|row| row.key.as_str()).collect();
    fields.push(document.code.clone());
    fields.push(grade.decided().map_or_else(String::new, |grade| number(grade, decimals)));
    fields.push(number(grade.least, decimals));
    fields.push(number(grade.most, decimals));
    fields.push(open.join(" "));
    fields.extend(document.rows.iter().map(|row| {
        let open = row.rungs.is_empty() && row.open > 0.0
            || row.rungs.iter().any(|rung| matches!(rung, Rung::Open { .. }));
        if open && row.earned == 0.0 { String::new() } else { number(row.earned, 2) }
    }));
    fields
}

fn line(fields: &[String], columns: Columns) -> String {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field, columns.separator)).collect();
    fields.join(&columns.separator.to_string()) + "\r\n"
}

/// A field as RFC 4180 §2 wants it. Spreadsheets take what begins with these signs for a formula; an apostrophe prevents it.
fn quoted(field: &str, separator: char) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([separator, '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_become_neither_columns_nor_formulas() {
        assert_eq!(quoted("Peña; \"Ana\"", ';'), "\"Peña; \"\"Ana\"\"\"");
        assert_eq!(quoted("=HYPERLINK(1)", ','), "'=HYPERLINK(1)");
        assert_eq!(quoted("3,5", ';'), "3,5");
    }
}
