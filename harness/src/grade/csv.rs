//! `grades.csv`: a row per student, or per submission where no list of students was given.
//!
//! `pages` writes it for spreadsheets and learning platforms, with the separator and the decimal mark that theirs expect. It
//! is for the instructor: unlike the pages it carries names. Nothing in a name can become a formula.

use super::document::{Graded, TeamGrade};
use super::score::Rung;
use super::students::{Student, submission_of};
use harness_tell::language::Language;

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Between the fields.
    pub separator: char,
    /// Before the decimals.
    pub decimal: char,
}

/// The table.
pub(super) fn text(graded: &Graded, students: &[Student], columns: Columns, language: Language) -> String {
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
    // Without it Excel takes the text for another encoding, and every accent for two letters.
    let mut text = "\u{feff}".to_owned() + &line(&heads, columns);
    let mut named = Vec::new();
    for student in students {
        let submission = submission_of(student, graded.teams.iter().map(|team| &team.team.submission));
        let code = submission.map(|submission| submission.code.clone());
        let team = graded.teams.iter().find(|team| code.as_ref() == Some(&team.document.code));
        text.push_str(&line(&row(graded, &student.name, &student.submission, team, columns), columns));
        named.extend(code);
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
pub(super) fn quoted(field: &str, separator: char) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
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
        for sign in ["=", "+", "-", "@", "\t"] {
            assert!(quoted(&format!("{sign}1"), ';').starts_with('\''));
        }
        assert_eq!(quoted("3,5", ';'), "3,5");
    }
}
