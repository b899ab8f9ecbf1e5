//! A course of odd submissions, graded by one command: nobody loses a point by the judge's fault.
//!
//! `handed_in` lays it out and says what is true of each. The brief course asks for turns alone; the whole pack on all of them takes
//! a quarter of an hour, so it is run by hand, and leaves its pages where `COURSE` says:
//!
//! ```text
//! COURSE=/tmp/course cargo test -p harness --test integration course -- --ignored --nocapture
//! ```

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::handed_in::{self, HandedIn, Truth};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Where table and verdict part for a reason that `docs/blind.md` tells.
const EXPLAINED: [(&str, &str); 1] = [("eco", "forward.kept_open")];

/// What came of a course.
struct Graded {
    said: String,
    out: PathBuf,
    document: Value,
    teams: BTreeMap<String, String>,
}

fn grade(folder: &Path, course: &[HandedIn], rubric: &Path, name: &str, more: &[&str]) -> Graded {
    let handed_in = handed_in::lay_out(folder, course);
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args([Path::new("grade"), rubric, &handed_in, Path::new("--out"), &folder.join("out")])
        .args(["--lang", "es", "--students"])
        .arg(folder.join("estudiantes.csv"))
        .args(more)
        .output()
        .expect("the harness runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let out = folder.join("out/grades").join(name);
    let document = std::fs::read(out.join("grades.json")).expect("grades.json");
    let document = serde_json::from_slice(&document).expect("JSON");
    let mut table = csv::Reader::from_path(out.join("teams.csv")).expect("teams.csv");
    let rows = table.records().map(|row| row.expect("a row"));
    let teams = rows.map(|row| (row[1].to_owned(), row[0].to_owned())).collect();
    Graded { said, out, document, teams }
}

impl Graded {
    fn code(&self, one: &HandedIn) -> &str {
        let name = one.name.strip_suffix(".zip").or(one.name.strip_suffix(".ZIP")).unwrap_or(one.name);
        self.teams.get(name).unwrap_or_else(|| panic!("{name} has no code\n{}", self.said))
    }

    fn team(&self, one: &HandedIn) -> &Value {
        let code = self.code(one);
        let mut teams = self.document["teams"].as_array().expect("teams").iter();
        teams.find(|team| team["code"] == code).expect("a row for each")
    }

    /// Outcome of each check in the newest run.
    fn outcomes(&self, one: &HandedIn, scenario: &str) -> BTreeMap<String, String> {
        let code = self.code(one);
        let file = self.out.join(code).join(scenario).join(code).join("latest/verdicts.json");
        let Ok(bytes) = std::fs::read(file) else { return BTreeMap::new() };
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let rows = document["verdicts"].as_array().expect("verdicts").iter();
        rows.map(|row| (word(&row["check"]), word(&row["outcome"]))).collect()
    }

    /// What is not as it is true, a line each.
    fn wrong(&self, one: &HandedIn, scenario: &str) -> Vec<String> {
        let team = self.team(one);
        let triage = team["triage"]["triage"].as_str().unwrap_or_default();
        let by_runs = |what: &str| -> f64 {
            let rows = team["rows"].as_array().expect("rows").iter();
            rows.filter(|row| !row["rungs"].as_array().expect("rungs").is_empty())
                .map(|row| row[what].as_f64().unwrap_or_default())
                .sum()
        };
        let (earned, open) = (by_runs("earned"), by_runs("open"));
        let outcomes = self.outcomes(one, scenario);
        // What misses under a draft of the judge, or is inconclusive, is open and costs nothing.
        let drafted = team["flags"].as_array().expect("flags").iter().any(|flag| flag["flag"] == "drafted");
        let accused = |check: &str| {
            let outcome = outcomes.get(check).map_or("not asked", String::as_str);
            let known = |row: &(&str, &str)| {
                matches!(one.truth, Truth::Table("untidy", program) if program == row.0) && row.1 == check
            };
            let lost = ["fail", "blocked", "unsupported", "not asked"].contains(&outcome) && !drafted;
            let costs = lost && !EXPLAINED.iter().any(known);
            costs.then(|| format!("{check} is true and {outcome} here"))
        };
        let mut wrong: Vec<String> = match one.truth {
            Truth::Works(checks) => checks.iter().filter_map(|check| accused(check)).collect(),
            Truth::Table(family, program) => by_hand(family, program)
                .into_iter()
                .filter(|(check, truth)| truth == "pass" && outcomes.contains_key(check))
                .filter_map(|(check, _)| accused(&check))
                .collect(),
            Truth::Own(_) if earned + open > 0.0 => vec![format!("earned {earned}, open {open}")],
            Truth::Open(_) if earned > 0.0 || open == 0.0 => vec![format!("earned {earned}, open {open}")],
            _ => Vec::new(),
        };
        let wanted = match one.truth {
            Truth::Table(..) | Truth::Works(_) => "starts",
            Truth::Own(triage) | Truth::Open(triage) => triage,
        };
        if triage != wanted {
            wrong.push(format!("{wanted}, and {} here", team["triage"]));
        }
        wrong
    }
}

/// The rows of a table made by hand, for one program.
fn by_hand(family: &str, program: &str) -> BTreeMap<String, String> {
    let mut table = csv::Reader::from_path(tests().join(family).join("truth.csv")).expect("the table");
    let column =
        table.headers().expect("a header").iter().position(|name| name == program).expect("a column");
    let rows = table.records().map(|row| row.expect("a row"));
    rows.map(|row| (row[0].to_owned(), row[column].to_owned())).collect()
}

/// What every course must show: a row for each, strays named, the one student who handed in nothing.
fn assert_all_are_there(graded: &Graded, course: &[HandedIn]) {
    assert_eq!(graded.document["teams"].as_array().expect("teams").len(), course.len(), "{}", graded.said);
    for stray in ["lista.csv", "Thumbs.db", "desktop.ini", "tarde.rar", "__MACOSX"] {
        assert!(graded.said.contains(stray), "{stray}: {}", graded.said);
    }
    assert_eq!(graded.said.matches("cuya entrega sería").count(), 1, "{}", graded.said);
    assert!(!graded.said.contains("de ningún estudiante"), "{}", graded.said);
}

#[test]
fn nobody_loses_a_point_by_how_a_submission_is_packed_started_or_built() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let course: Vec<HandedIn> = handed_in::all().into_iter().filter(|one| one.brief).collect();
    let rubric = tests().join("rubrics/handed-in.yaml");
    let graded = grade(folder.path(), &course, &rubric, "handed-in", &["--jobs", "4"]);
    assert_all_are_there(&graded, &course);
    let wrong: Vec<String> = course
        .iter()
        .flat_map(|one| graded.wrong(one, "handed-in").into_iter().map(|it| format!("{}: {it}", one.name)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", graded.said);
}

#[test]
#[ignore = "a quarter of an hour: the whole course pack on all of them"]
fn a_course_of_odd_submissions_is_graded_by_one_command() {
    let temporary = tempfile::tempdir().expect("a temporary directory");
    let folder = std::env::var_os("COURSE").map_or(temporary.path().to_path_buf(), PathBuf::from);
    let course = handed_in::all();
    let rubric = tests().join("../../scenarios/rubrics/pibl-2026.yaml");
    let clock = fake_backends::clock::RunClock::start();
    let graded = grade(&folder, &course, &rubric, "pibl-2026", &["--jobs", "2", "--max-duration", "4m"]);
    println!("{}\n{:.0?} in all", graded.said, std::time::Duration::from_nanos(clock.now().0));
    assert_all_are_there(&graded, &course);
    let mut lost = 0;
    for one in &course {
        let wrong = graded.wrong(one, "course-2026");
        lost += wrong.len();
        println!("{} {}: {}", graded.code(one), one.name, graded.team(one)["grade"]);
        wrong.iter().for_each(|it| println!("    {it}"));
    }
    assert_eq!(lost, 0, "points lost by the judge's fault, above");
}
