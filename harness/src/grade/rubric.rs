//! A rubric: which scenarios are run, which checks stand for which requirement, and how many points each is worth.
//!
//! `harness grade` reads it before anything runs and refuses names that do not exist, so that a slip of the finger costs a
//! minute and not a night. Nothing here runs or scores.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fake_backends::behavior::{Share, Span};
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::source::{EDITION_ROWS, Edition, LANGUAGES, SourceRule};
use harness_model::adapter::{self, built_in};
use harness_model::catalogue::{CheckId, Requirement};
use harness_model::plan::{self, Hints, Options};
use harness_model::scenario::{self, NameKind, Problem, What, find_key, parse, place_of};
use harness_model::terms::Bilingual;

/// Where a grading keeps its rubric, and the scenarios of that.
const KEPT: &str = "rubric.yaml";
const SCENARIOS: &str = "scenarios";

/// A rubric as its author wrote it.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RubricFile {
    /// Short name, also the folder of its grades.
    pub name: String,
    /// Its title in both languages.
    pub title: Bilingual,
    /// From which grade to which, and with how many decimals.
    #[serde(default)]
    pub scale: ScaleFile,
    /// What share of a requirement's points each rung is worth.
    #[serde(default)]
    pub rungs: RungsFile,
    /// Whether a check that fails for a fault of another one costs its own points too.
    #[serde(default)]
    pub one_fault: OneFault,
    /// What the reports of the teams say beside what was seen: nothing (`none`, for an exam), the likely cause, or the line as well.
    #[serde(default)]
    pub hints: Hints,
    /// Scenario files, relative to this file.
    #[schemars(with = "Vec<String>")]
    pub scenarios: Vec<Spanned<String>>,
    /// Longest time that one run may take; by default three times its estimate and a minute.
    #[serde(default)]
    pub run_within: Option<Span>,
    /// What is checked: requirement → points and checks.
    pub requirements: BTreeMap<String, RowFile>,
    /// What the edition allows, which the source of a submission is held against without running it.
    #[serde(default)]
    pub edition: Edition,
    /// What reading the source decides: `REQ-1` (its language), `REQ-1a` (modules of Python), `REQ-DOC` (sections of the README)
    /// → points.
    #[serde(default)]
    pub source: BTreeMap<String, SourceRowFile>,
    /// What a person judges: requirement or a name of its own → points.
    #[serde(default)]
    pub manual: BTreeMap<String, ManualFile>,
}

/// What a failure costs that another one explains (`explained_by`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OneFault {
    /// Its own points too.
    #[default]
    EachTime,
    /// Nothing: what it would have shown without the fault is open, for a person to look at.
    Once,
}

/// The grades that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScaleFile {
    /// The grade of no points at all.
    pub from: f64,
    /// The grade of all points.
    pub to: f64,
    /// Digits after the decimal mark.
    pub decimals: usize,
    /// The highest grade that can be had where a requirement marked `must_pass` does not work.
    pub without_must_pass: f64,
}

impl Default for ScaleFile {
    fn default() -> Self {
        ScaleFile { from: 0.0, to: 5.0, decimals: 1, without_must_pass: 2.9 }
    }
}

/// What share of the points each rung is worth. A requirement without one of them shares it out among the others.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RungsFile {
    /// It does what was asked.
    pub works: Share,
    /// It does all that was asked.
    pub complete: Share,
    /// It does so under bad conditions too.
    pub robust: Share,
}

impl Default for RungsFile {
    fn default() -> Self {
        RungsFile { works: Share(0.6), complete: Share(0.3), robust: Share(0.1) }
    }
}

/// One requirement that is checked.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowFile {
    /// What it is worth.
    pub points: f64,
    /// Whether nobody passes without it.
    #[serde(default)]
    pub must_pass: bool,
    /// Checks of the first rung.
    #[schemars(with = "Vec<String>")]
    pub works: Vec<Spanned<String>>,
    /// Checks of the second.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub complete: Vec<Spanned<String>>,
    /// Checks of the third.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub robust: Vec<Spanned<String>>,
}

/// One row that the source decides.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRowFile {
    /// What it is worth.
    pub points: f64,
}

/// One row that a person judges.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManualFile {
    /// What it is worth.
    pub points: f64,
    /// What is judged, where the name is no requirement of the assignment.
    #[serde(default)]
    pub title: Option<Bilingual>,
}

/// A rubric, resolved.
#[derive(Clone, Debug)]
pub struct Rubric {
    /// As its author wrote it.
    pub text: Arc<str>,
    /// Short name.
    pub name: String,
    /// Title.
    pub title: Bilingual,
    /// The grades that can be given.
    pub scale: ScaleFile,
    /// What the rungs are worth: works, complete, robust.
    pub rungs: [f64; 3],
    /// What a failure costs that another one explains.
    pub one_fault: OneFault,
    /// What reports say beside what was seen.
    pub hints: Hints,
    /// The scenarios.
    pub scenarios: Vec<ScenarioText>,
    /// Longest time of one run, where the rubric says so.
    pub run_within: Option<std::time::Duration>,
    /// The rows, in the order of the assignment, those of a person last.
    pub rows: Vec<Row>,
}

/// A scenario of a rubric.
#[derive(Clone, Debug)]
pub struct ScenarioText {
    /// Its short name.
    pub name: String,
    /// The name of its file, without folders: what pages and commands say.
    pub file: PathBuf,
    /// Its text.
    pub text: Arc<str>,
}

/// One row of a rubric.
#[derive(Clone, Debug)]
pub struct Row {
    /// `REQ-9`, or the name of a row that a person judges.
    pub key: String,
    /// The requirement, where the key is one.
    pub requirement: Option<Requirement>,
    /// The title that the rubric gives it.
    pub title: Option<Bilingual>,
    /// What it is worth.
    pub points: f64,
    /// Whether nobody passes without it.
    pub must_pass: bool,
    /// Who or what decides it.
    pub by: By,
}

/// Who or what decides a row.
#[derive(Clone, Debug)]
pub enum By {
    /// The checks of its three rungs.
    Checks([Vec<CheckId>; 3]),
    /// What the source says.
    Source(SourceRule),
    /// A person.
    Person,
}

/// Reads a rubric and the scenarios that it names.
///
/// # Errors
/// Everything that is wrong with them, with its place.
pub fn read(file: &Path) -> Result<Rubric, Vec<Problem>> {
    read_with(file, |name| file.with_file_name(name))
}

/// Reads the rubric that a grading has kept in its folder.
///
/// # Errors
/// As [`read`].
pub fn read_kept(grading: &Path) -> Result<Rubric, Vec<Problem>> {
    let scenarios = grading.join(SCENARIOS);
    let of = |name: &str| scenarios.join(Path::new(name).file_name().unwrap_or_default());
    read_with(&grading.join(KEPT), of)
}

/// Keeps a rubric and its scenarios in the folder of a grading.
///
/// # Errors
/// A file cannot be written.
pub fn keep(rubric: &Rubric, grading: &Path) -> io::Result<()> {
    let scenarios = grading.join(SCENARIOS);
    std::fs::create_dir_all(&scenarios)?;
    for scenario in &rubric.scenarios {
        std::fs::write(scenarios.join(&scenario.file), scenario.text.as_bytes())?;
    }
    std::fs::write(grading.join(KEPT), rubric.text.as_bytes())
}

fn read_with(file: &Path, of: impl Fn(&str) -> PathBuf) -> Result<Rubric, Vec<Problem>> {
    let text = scenario::read(file).map_err(|problem| vec![problem])?;
    let written: RubricFile = parse(&text, file).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut scenarios = scenarios(&written, &text, file, of, &mut problems);
    let judged = judged_somewhere(&mut scenarios, file, &mut problems);
    let mut rows = checked_rows(&written, &text, file, &judged, &mut problems);
    rows.extend(source_rows(&written, &text, file, &mut problems));
    rows.sort_by_key(|row| row.requirement);
    rows.extend(manual_rows(&written, &text, file, &mut problems));
    let bad = |key: &str, why: &str| Problem::at(find_key(&text, file, key), What::BadValue(why.to_owned()));
    if written.name.is_empty() || !written.name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    {
        problems.push(bad("name", "a name is a folder of reports: letters, digits, `-` and `_` only"));
    }
    let scale = written.scale;
    if !(scale.to > scale.from && scale.to.is_finite() && scale.from.is_finite() && scale.decimals <= 3) {
        problems.push(bad("scale", "a scale goes up: `from` is less than `to`, with at most 3 decimals"));
    }
    let rungs = [written.rungs.works.0, written.rungs.complete.0, written.rungs.robust.0];
    if rungs.iter().sum::<f64>() <= 0.0 || rungs[0] <= 0.0 {
        problems.push(bad("rungs", "the rung `works` is worth more than 0%"));
    }
    if rows.iter().any(|row| !(row.points.is_finite() && row.points > 0.0)) {
        problems.push(bad("points", "points are more than 0"));
    }
    if problems.is_empty() {
        let (name, title) = (written.name, written.title);
        let one_fault = written.one_fault;
        let run_within = written.run_within.map(|span| span.0);
        let hints = written.hints;
        Ok(Rubric { text, name, title, scale, rungs, one_fault, hints, scenarios, run_within, rows })
    } else {
        Err(problems)
    }
}

fn scenarios(
    written: &RubricFile,
    text: &Arc<str>,
    file: &Path,
    of: impl Fn(&str) -> PathBuf,
    problems: &mut Vec<Problem>,
) -> Vec<ScenarioText> {
    let mut found = Vec::new();
    for name in &written.scenarios {
        let path = of(&name.value);
        match scenario::read(&path) {
            Ok(text) => found.push(ScenarioText {
                name: String::new(),
                file: path.file_name().map(PathBuf::from).unwrap_or_default(),
                text,
            }),
            Err(problem) => {
                let place = place_of(name.defined, text, file);
                problems.push(Problem::at(place, problem.what));
            }
        }
    }
    found
}

/// The checks that the scenarios judge; each scenario learns its name on the way. Any adapter will do to find out; the default one is always there.
fn judged_somewhere(
    scenarios: &mut [ScenarioText],
    file: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<CheckId> {
    let (default, text) = built_in::ALL[0];
    let Ok(adapter) = adapter::resolve(&text.into(), Path::new(default)) else { return Vec::new() };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut judged = Vec::new();
    for scenario in scenarios {
        match plan::resolve(&scenario.text, &folder.join(&scenario.file), &adapter, &Options::default()) {
            Ok(plan) => {
                judged.extend(plan.checks.iter().map(|check| check.id));
                scenario.name = plan.name;
            }
            Err(more) => problems.extend(more),
        }
    }
    judged
}

fn checked_rows(
    written: &RubricFile,
    text: &Arc<str>,
    file: &Path,
    judged: &[CheckId],
    problems: &mut Vec<Problem>,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, row) in &written.requirements {
        let Ok(requirement) = key.parse::<Requirement>() else {
            let known = Requirement::ALL.iter().map(|r| r.id().to_owned()).collect();
            let what = What::UnknownName { kind: NameKind::Requirement, name: key.clone(), known };
            problems.push(Problem::at(find_key(text, file, key), what));
            continue;
        };
        let mut rungs: [Vec<CheckId>; 3] = Default::default();
        for (rung, names) in rungs.iter_mut().zip([&row.works, &row.complete, &row.robust]) {
            for name in names {
                match name.value.parse::<CheckId>() {
                    Ok(check) if judged.contains(&check) => rung.push(check),
                    // With a scenario that cannot be read, what it would have judged is not known.
                    Ok(_) if !problems.is_empty() => {}
                    _ => {
                        let known = judged.iter().map(|check| check.name().to_owned()).collect();
                        let what =
                            What::UnknownName { kind: NameKind::Check, name: name.value.clone(), known };
                        problems.push(Problem::at(place_of(name.defined, text, file), what));
                    }
                }
            }
        }
        let (points, must_pass) = (row.points, row.must_pass);
        let requirement = Some(requirement);
        rows.push(Row {
            key: key.clone(),
            requirement,
            title: None,
            points,
            must_pass,
            by: By::Checks(rungs),
        });
    }
    rows
}

fn source_rows(written: &RubricFile, text: &Arc<str>, file: &Path, problems: &mut Vec<Problem>) -> Vec<Row> {
    for language in &written.edition.languages {
        if !LANGUAGES.iter().any(|known| known.eq_ignore_ascii_case(language)) {
            let why = format!(
                "`{language}` is not among the languages that can be told apart here: {}",
                LANGUAGES.join(", ")
            );
            problems.push(Problem::at(find_key(text, file, "languages"), What::BadValue(why)));
        }
    }
    let mut rows = Vec::new();
    for (key, row) in &written.source {
        let place = || find_key(text, file, key);
        let edition = EDITION_ROWS.iter().find(|(requirement, _)| requirement.id() == key);
        let Some((requirement, needs)) = edition else {
            let known = EDITION_ROWS.iter().map(|(requirement, _)| requirement.id().to_owned()).collect();
            let what = What::UnknownName { kind: NameKind::Requirement, name: key.clone(), known };
            problems.push(Problem::at(place(), what));
            continue;
        };
        let Some(rule) = SourceRule::of(*requirement, &written.edition) else {
            problems.push(Problem::at(place(), What::MissingKey(format!("edition: {{{needs}: […]}}"))));
            continue;
        };
        if written.requirements.contains_key(key) || written.manual.contains_key(key) {
            let why =
                format!("`{key}` has a row already; what a person judges beside it needs a name of its own");
            problems.push(Problem::at(place(), What::BadValue(why)));
        }
        let (requirement, by) = (Some(*requirement), By::Source(rule));
        rows.push(Row {
            key: key.clone(),
            requirement,
            title: None,
            points: row.points,
            must_pass: false,
            by,
        });
    }
    rows
}

fn manual_rows(written: &RubricFile, text: &Arc<str>, file: &Path, problems: &mut Vec<Problem>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (key, row) in &written.manual {
        let requirement = key.parse::<Requirement>().ok();
        if requirement.is_none() && row.title.is_none() {
            problems.push(Problem::at(find_key(text, file, key), What::MissingKey("title".to_owned())));
        }
        let (title, points) = (row.title.clone(), row.points);
        rows.push(Row { key: key.clone(), requirement, title, points, must_pass: false, by: By::Person });
    }
    rows.sort_by_key(|row| (row.requirement.is_none(), row.requirement));
    rows
}

impl Rubric {
    /// All points that can be had.
    pub fn points(&self) -> f64 {
        self.rows.iter().map(|row| row.points).sum()
    }

    /// What the three rungs of a row are worth, those without checks shared out among the others.
    pub fn worth(&self, rungs: &[Vec<CheckId>; 3]) -> [f64; 3] {
        let there = |index: usize| if rungs[index].is_empty() { 0.0 } else { self.rungs[index] };
        let all: f64 = (0..3).map(there).sum();
        std::array::from_fn(|index| if all > 0.0 { there(index) / all } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rubrics_of_the_course_are_sound_and_worth_a_hundred_points() {
        for edition in ["2022-2", "2024", "2026"] {
            let file = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../scenarios/rubrics/pibl-{edition}.yaml"));
            let rubric = read(&file).unwrap();
            assert_eq!(rubric.points(), 100.0, "{edition}");
            assert!(rubric.rows.iter().any(|row| row.must_pass));
            assert!(rubric.rows.iter().any(|row| matches!(row.by, By::Source(_))));
        }
    }

    #[test]
    fn a_row_of_the_source_needs_what_the_edition_says_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r.yaml");
        let text = "name: r\ntitle: {en: R, es: R}\nscenarios: []\nrequirements: {}\nedition: {languages: [Cobol]}\n\
                    source:\n  REQ-1a: {points: 1}\n  REQ-9: {points: 1}\n";
        std::fs::write(&file, text).unwrap();
        let problems = format!("{:?}", read(&file).unwrap_err());
        for said in ["Cobol", "python_modules", "REQ-9"] {
            assert!(problems.contains(said), "{said}: {problems}");
        }
    }

    #[test]
    fn a_rung_without_checks_is_shared_out() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/rubrics/pibl-2022-2.yaml");
        let rubric = read(&file).unwrap();
        let worth = rubric.worth(&[vec![CheckId::CacheHit], vec![], vec![CheckId::CachePost]]);
        assert_eq!(worth.map(|share| (share * 70.0).round()), [60.0, 0.0, 10.0]);
    }
}
