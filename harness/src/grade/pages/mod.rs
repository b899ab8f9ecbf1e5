//! The pages and tables of a grading: the index, a folder per team that is complete without it, tables for other programs.
//!
//! The command calls [`write_all`] when the work is done or was interrupted. Pages carry codes of teams, no names; they load
//! nothing and can be opened from the disk. What a submission printed is escaped like everything that came from outside.

mod defence;
mod frame;
mod index;
mod places;
mod team;
pub(super) mod words;

use std::io;
use std::path::{Path, PathBuf};

use self::places::index_of;
use super::csv::{self, Columns};
use super::document::Graded;
use super::students::Student;
use super::{gradescope, markdown};
use harness_tell::language::Language;
use harness_tell::report::{ReportError, write};

/// Writes everything that follows from a grading; the path of the index in that language.
///
/// # Errors
/// A file cannot be written.
pub fn write_all(
    graded: &Graded,
    out: &Path,
    students: &[Student],
    columns: Columns,
    language: Language,
) -> Result<PathBuf, ReportError> {
    let form = |error: serde_json::Error| ReportError::Form { what: "JSON", why: error.to_string() };
    let defences = out.join(places::DEFENCE);
    std::fs::create_dir_all(&defences)
        .map_err(|error: io::Error| ReportError::File { path: defences.clone(), error })?;
    for team in &graded.teams {
        let folder = &team.team.folder;
        std::fs::create_dir_all(folder)
            .map_err(|error: io::Error| ReportError::File { path: folder.clone(), error })?;
        for language in Language::ALL {
            write(folder, &index_of(language), team::page(graded, team, language).as_bytes())?;
        }
        // Not beside what a team is given: the answers are in it.
        let questions = out.join(places::DEFENCE).join(&team.document.code);
        std::fs::create_dir_all(&questions)
            .map_err(|error: io::Error| ReportError::File { path: questions.clone(), error })?;
        for language in Language::ALL {
            write(
                &questions,
                places::defence_file(language),
                defence::page(graded, team, language).as_bytes(),
            )?;
        }
        let results = gradescope::bytes(&graded.rubric, team, language).map_err(form)?;
        write(folder, "results.json", &results)?;
    }
    for language in Language::ALL {
        let page = defence::all(graded, language);
        write(&defences, places::all_defences(language), page.as_bytes())?;
    }
    let mut document = serde_json::to_vec_pretty(&graded.document()).map_err(form)?;
    document.push(b'\n');
    write(out, "grades.json", &document)?;
    write(out, "grades.csv", csv::text(graded, students, columns, language).as_bytes())?;
    write(out, "summary.md", markdown::text(graded, language).as_bytes())?;
    for language in Language::ALL {
        write(out, &index_of(language), index::page(graded, language).as_bytes())?;
    }
    Ok(out.join(index_of(language)))
}
