//! The list of students of a course, as a spreadsheet saves it: who belongs to which submission.
//!
//! The command reads it before anything starts; `csv` asks it for each row of `grades.csv`. A name is found however its accents
//! are written, and who is not found is said. Nobody's grade depends on it.

use std::path::Path;

use harness_model::scenario::{self, Problem, What};

use super::submission::Submission;

/// A student and the submission that the list says is theirs, by the name of its folder or zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Student {
    /// The name.
    pub name: String,
    /// The submission.
    pub submission: String,
}

/// Words above the columns that a person wrote, without accents.
const OF_STUDENTS: [&str; 15] = [
    "student",
    "students",
    "name",
    "names",
    "surname",
    "estudiante",
    "estudiantes",
    "alumno",
    "alumnos",
    "integrante",
    "integrantes",
    "nombre",
    "nombres",
    "apellido",
    "apellidos",
];
const OF_SUBMISSIONS: [&str; 13] = [
    "submission",
    "submissions",
    "file",
    "folder",
    "team",
    "group",
    "entrega",
    "archivo",
    "carpeta",
    "equipo",
    "grupo",
    "proyecto",
    "project",
];
/// What may stand beside such a word; names of people and of folders have others.
const BESIDE: [&str; 17] = [
    "full",
    "first",
    "last",
    "of",
    "the",
    "and",
    "completo",
    "completos",
    "de",
    "del",
    "la",
    "el",
    "los",
    "y",
    "o",
    "s",
    "es",
];

/// Reads a list: a student and a submission a line, in the first two columns or those that its first line names.
///
/// # Errors
/// It cannot be read, or a line has no submission.
pub fn students(file: &Path) -> Result<Vec<Student>, Problem> {
    let text = scenario::read(file)?;
    // Excel may say so itself, in a line of its own.
    let said = text.lines().next().and_then(|line| line.strip_prefix("sep=")?.bytes().next());
    let text = if said.is_some() { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
    let rows = said
        .into_iter()
        .chain(*b";\t,")
        .map(|separator| rows(text, separator))
        .find(|rows| !rows.is_empty() && rows.iter().all(|row| row.len() > 1))
        .unwrap_or_else(|| rows(text, b','));
    let (students, submissions, skipped) = columns(rows.first());
    let mut found = Vec::new();
    for row in rows.iter().skip(skipped) {
        let cells: Vec<&str> = students.iter().filter_map(|column| row.get(*column)).map(str::trim).collect();
        let Some(submission) = row.get(submissions) else {
            let why = row.iter().collect::<Vec<_>>().join(" ");
            return Err(Problem::nowhere(What::Unreadable { file: file.to_owned(), why }));
        };
        found.push(Student {
            name: cells.join(" ").trim().to_owned(),
            submission: without_ending(submission.trim()).to_owned(),
        });
    }
    Ok(found)
}

fn rows(text: &str, separator: u8) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader =
        reader.has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let rows = reader.records().map_while(Result::ok);
    rows.filter(|row| row.iter().any(|cell| !cell.trim().is_empty())).collect()
}

/// The columns of the names and of the submissions, and how many rows stand above the first student.
fn columns(first: Option<&csv::StringRecord>) -> (Vec<usize>, usize, usize) {
    let kind_of = |cell: &str| {
        let cell = folded(cell);
        let words: Vec<&str> =
            cell.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let known =
            |word: &&str| [&OF_STUDENTS[..], &OF_SUBMISSIONS, &BESIDE].iter().any(|all| all.contains(word));
        let has = |all: &[&str]| words.iter().all(known) && words.iter().any(|word| all.contains(word));
        // The name of a folder is a folder.
        (has(&OF_STUDENTS) && !has(&OF_SUBMISSIONS), has(&OF_SUBMISSIONS))
    };
    let kinds: Vec<(bool, bool)> = first.iter().flat_map(|row| row.iter()).map(kind_of).collect();
    let with = |is: fn(&(bool, bool)) -> bool| -> Vec<usize> {
        kinds.iter().enumerate().filter(|(_, kind)| is(kind)).map(|(column, _)| column).collect()
    };
    match (with(|kind| kind.0), with(|kind| kind.1)) {
        (names, submissions) if !names.is_empty() && !submissions.is_empty() => (names, submissions[0], 1),
        _ => (vec![0], 1, 0),
    }
}

/// The submission of a student: of that very name, or else the only one that reads the same.
pub(super) fn submission_of<'a>(
    student: &Student,
    submissions: impl Iterator<Item = &'a Submission> + Clone,
) -> Option<&'a Submission> {
    let wanted = folded(&student.submission);
    let mut alike = submissions.clone().filter(|one| folded(without_ending(&one.name)) == wanted);
    let exact = submissions.clone().find(|one| one.name == student.submission);
    exact.or_else(|| alike.next().filter(|_| alike.next().is_none()))
}

/// Who of a list has no submission among these, and which of these belong to nobody of it.
pub fn unmatched<'a>(
    students: &'a [Student],
    submissions: &'a [Submission],
) -> (Vec<&'a Student>, Vec<&'a Submission>) {
    let of = |student| submission_of(student, submissions.iter());
    let named: Vec<&Submission> = students.iter().filter_map(of).collect();
    let without = students.iter().filter(|student| of(student).is_none()).collect();
    (without, submissions.iter().filter(|one| !named.contains(one)).collect())
}

fn without_ending(name: &str) -> &str {
    let ending = name.len().checked_sub(4).and_then(|at| name.split_at_checked(at));
    ending.filter(|(_, ending)| ending.eq_ignore_ascii_case(".zip")).map_or(name, |(name, _)| name)
}

/// A name without what its writers differ in: case, accents whether of their own or part of a letter, blanks.
pub(super) fn folded(text: &str) -> String {
    let letter = |c: char| match c {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    };
    // Accents that stand behind their letter as signs of their own are left out.
    let is_sign = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain: String = text.to_lowercase().chars().filter(|c| !is_sign(c)).map(letter).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_model::scenario::Encoding;

    fn list(bytes: &[u8]) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lista.csv");
        std::fs::write(&file, bytes).unwrap();
        students(&file).unwrap().into_iter().map(|one| (one.name, one.submission)).collect()
    }

    #[test]
    fn a_list_is_read_however_a_spreadsheet_saves_it() {
        let ana = [("Ana Gómez".to_owned(), "ana".to_owned())];
        for text in [
            "Ana Gómez,ana\n",
            "Ana Gómez;ana.ZIP\r\n",
            "Ana Gómez\tana.zip",
            "\u{feff}Estudiante;Entrega\r\n\"Ana Gómez\";\"ana\"\r\n;\r\n",
            "sep=;\r\nAna Gómez;ana\r\n",
            "Correo,Entrega,Nombre,Apellido(s)\na@x.co,ana,Ana,Gómez\n",
            "Nombre completo;Nombre de la carpeta\r\nAna Gómez;ana\r\n",
            "Dirección de correo\tNombre(s) y apellidos\tArchivo del equipo\r\na@x.co\tAna Gómez\tana\r\n",
            "student,submission\nAna Gómez,ana\n",
        ] {
            assert_eq!(list(text.as_bytes()), ana, "{text:?}");
        }
        // A team may be called so.
        let teams = [("Estudiante A".to_owned(), "Grupo A".to_owned())];
        assert_eq!(list(b"Estudiante A;Grupo A"), teams);
        assert_eq!(list(&Encoding::Latin1.encoded("Ana Gómez;ana")), ana);
        assert_eq!(list(&Encoding::Utf16Le.encoded("\u{feff}Ana Gómez\tana")), ana);
        assert_eq!(
            list(b"\"Gomez; Ana\";\"el, \"\"dos\"\"\""),
            [("Gomez; Ana".to_owned(), "el, \"dos\"".to_owned())]
        );
    }

    #[test]
    fn names_are_found_however_their_accents_are_written_and_who_is_not_is_listed() {
        let submission = |name: &str| Submission { code: name.into(), name: name.into(), path: name.into() };
        let student = |submission: &str| Student { name: "x".into(), submission: submission.into() };
        let submissions = ["Ana Go\u{301}mez", "peña", "Peña", "nadie"].map(submission);
        let of = |name: &str| submission_of(&student(name), submissions.iter()).map(|one| one.name.as_str());
        assert_eq!(of("ana gómez"), Some("Ana Go\u{301}mez"));
        assert_eq!((of("peña"), of("Peña"), of("PEÑA")), (Some("peña"), Some("Peña"), None));
        let students = [student("Ana Gómez"), student("otra")];
        let (without, nobodys) = unmatched(&students, &submissions);
        assert_eq!((without, nobodys.len()), (vec![&students[1]], 3));
    }
}
