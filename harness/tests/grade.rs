//! `harness grade` as an instructor uses it: submissions of all kinds in one folder, one command, one row each.
//!
//! The toy proxy of `tests/submissions` is handed in with one mistake or another, as a folder, as a zip, without a profile,
//! broken, hanging. Everything runs on a scenario of a second, so that only grading itself is tried here.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use zip::write::SimpleFileOptions;

pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A submission of the toy proxy with a mistake.
pub(crate) fn hand_in(folder: &Path, name: &str, defect: &str) -> PathBuf {
    let to = folder.join(name);
    fs::create_dir_all(&to).expect("a folder");
    let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let source = source.replace("DEFECT = \"none\"", &format!("DEFECT = {defect:?}"));
    fs::write(to.join("proxy.py"), source).expect("its source");
    fs::copy(here().join("submissions/pibl-judge.yaml"), to.join("pibl-judge.yaml")).expect("its profile");
    to
}

/// What a learning platform makes of a folder.
fn zipped(folder: &Path) {
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.with_extension("zip")).expect("a file"));
    let inside = folder.file_name().expect("a name").to_string_lossy().into_owned();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        zip.start_file(format!("{inside}/{name}"), SimpleFileOptions::default()).expect("an entry");
        zip.write_all(&fs::read(entry.path()).expect("a file")).expect("its bytes");
    }
    zip.finish().expect("a zip");
    fs::remove_dir_all(folder).expect("the folder goes");
}

fn grade(folder: &Path, more: &[&str]) -> Output {
    grading(folder).args(["--jobs", "3"]).args(more).output().expect("the harness runs")
}

fn grading(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg("grade").arg(here().join("rubrics/turns.yaml")).arg(folder.join("handed in"));
    command.arg("--out").arg(folder).args(["--lang", "es"]);
    command
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn who_was_only_looked_at_is_not_told_that_its_proxy_never_got_ready() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    hand_in(&folder.path().join("handed in"), "good", "none");
    let looked = grade(folder.path(), &["--look"]);
    assert_eq!(looked.status.code(), Some(0), "{}", text(&looked));
    for file in ["sustentacion.es.html", "todas.html"] {
        let page = page_named(&folder.path().join("grades/turns"), file);
        assert!(page.contains("no se ha hecho ninguna de sus corridas"), "{file}: {page}");
        assert!(!page.contains("nunca llegó a estar listo"), "{file}");
    }
}

/// The text of the first file of this name beneath a folder.
fn page_named(folder: &Path, name: &str) -> String {
    let entries = fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let mut found = entries.filter_map(|path| match path.is_dir() {
        true => Some(page_named(&path, name)).filter(|text| !text.is_empty()),
        false => path.ends_with(name).then(|| read(&path)),
    });
    found.next().unwrap_or_default()
}

#[test]
fn every_kind_of_submission_has_its_row_and_breaks_no_other() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submissions = folder.path().join("handed in");
    hand_in(&submissions, "Ana Gómez_1_good", "none");
    zipped(&hand_in(&submissions, "Beto_2_first", "first"));
    let no_profile = hand_in(&submissions, "Carla_3_no_profile", "none");
    fs::remove_file(no_profile.join("pibl-judge.yaml")).expect("no profile");
    let broken = hand_in(&submissions, "Dora_4_broken", "none");
    fs::write(broken.join("proxy.py"), "def (\n").expect("a broken program");
    let hangs = hand_in(&submissions, "Elsa_5_hangs", "hangs");
    let profile = read(&hangs.join("pibl-judge.yaml")) + "ready_within: 1s\n";
    fs::write(hangs.join("pibl-judge.yaml"), profile).expect("less patience");
    let slip = hand_in(&submissions, "Hugo_8_slip", "none");
    fs::write(slip.join("pibl-judge.yaml"), "nombre: x\n").expect("a wrong profile");
    fs::create_dir(submissions.join("Fran_6_empty")).expect("a folder");
    fs::write(submissions.join("Fran_6_empty/informe.txt"), "hola").expect("a text");
    fs::write(submissions.join("Gil_7_no.zip"), "no zip at all").expect("a file");

    // The runs, and then the same again with what a person enters.
    let runs = grade(folder.path(), &[]);
    assert_eq!(runs.status.code(), Some(0), "{}", text(&runs));
    assert!(text(&runs).contains("[3/3]"), "three proxies start: {}", text(&runs));
    let out = folder.path().join("grades/turns");
    let entries = folder.path().join("entries.yaml");
    fs::write(&entries, "E01: {manual: {defence: 50%}}\nE02: {manual: {defence: 100%}, overrides: {REQ-9: {points: 10, reason: \"lo mostró en vivo\"}}}\n").unwrap();
    let students = folder.path().join("students.csv");
    fs::write(&students, "\u{feff}Estudiante;Entrega\r\n\"Ana Gómez\";Ana Go\u{301}mez_1_good.ZIP\r\n=Beto();Beto_2_first\r\nNadie;no está\r\n").unwrap();
    let again = grade(
        folder.path(),
        &["--entries", &entries.to_string_lossy(), "--students", &students.to_string_lossy()],
    );
    assert!(text(&again).contains("3 ejecuciones, 3 ya hechas"), "{}", text(&again));
    for said in ["Nadie, cuya entrega sería no está", "de ningún estudiante de la lista: Dora_4_broken"] {
        assert!(text(&again).contains(said), "{said}: {}", text(&again));
    }

    let grades: Value = serde_json::from_str(&read(&out.join("grades.json"))).expect("grades.json is JSON");
    let team = |index: usize| &grades["teams"][index];
    assert_eq!(team(0)["grade"]["least"], 4.5, "{}", team(0));
    assert_eq!(team(1)["grade"]["least"], 3.5, "40 + 10 + 20 of 100: {}", team(1));
    assert_eq!(team(0)["source"]["language"], "Python", "{}", team(0));
    assert_eq!(team(5)["source"]["language"], Value::Null, "a text is no program");
    assert_eq!(team(1)["rows"][1]["rungs"][0]["why"], "fail");
    assert_eq!(team(2)["flags"][0]["flag"], "drafted");
    assert_eq!(team(2)["rows"][1]["earned"], 40.0);
    for (index, found) in [(3, "does_not_start"), (4, "does_not_start"), (7, "wrong_profile")] {
        assert_eq!(team(index)["triage"]["triage"], found, "{}", team(index));
        assert_eq!(
            (&team(index)["rows"][1]["earned"], &team(index)["rows"][1]["open"]),
            (&0.0.into(), &0.0.into())
        );
        assert_eq!(team(index)["rows"][1]["rungs"][0]["why"], "not_started");
    }
    for (index, found) in [(5, "no_profile"), (6, "unreadable")] {
        assert_eq!(team(index)["triage"]["triage"], found, "{}", team(index));
        assert_eq!(team(index)["rows"][1]["open"], 40.0, "what the judge could not do is no zero");
    }

    let table = read(&out.join("grades.csv"));
    assert!(table.starts_with('\u{feff}'), "for Excel: {table}");
    assert!(table.contains("Ana Gómez;Ana Go\u{301}mez_1_good;E01;4,5;"), "{table}");
    assert!(table.contains("'=Beto();Beto_2_first;E02;3,5;"), "{table}");
    assert!(table.contains("Nadie;no está;;;"), "who handed nothing in has no grade: {table}");
    assert_pages_carry_codes_only(&out, folder.path());
    assert_other_programs_can_read(&out);
    the_command_of_the_defence_repeats_a_finding(&out);
}

/// No page of a grading says who a team is, nor where on whose machine it was made.
fn assert_pages_carry_codes_only(out: &Path, folder: &Path) {
    let mut pages = Vec::new();
    let mut folders = vec![out.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.file_type().expect("a kind") {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() && entry.path().extension().is_some_and(|end| end == "html") => {
                    pages.push(entry.path());
                }
                _ => {}
            }
        }
    }
    assert!(pages.len() > 20, "{pages:?}");
    let home = std::env::var("HOME").unwrap_or_default();
    for page in pages {
        let text = read(&page);
        for name in ["Gómez", "Beto", "Carla", "Dora", "Elsa", "Fran_", "Gil_", "Hugo"] {
            assert!(!text.contains(name), "{name} in {}", page.display());
        }
        assert!(!text.contains(&*folder.to_string_lossy()), "a path in {}", page.display());
        assert!(home.len() < 2 || !text.contains(&format!("{home}/")), "a home in {}", page.display());
    }
}

/// Each table by its schema or a reader that nobody here wrote.
fn assert_other_programs_can_read(out: &Path) {
    let schema =
        Command::new(env!("CARGO_BIN_EXE_harness")).args(["schema", "grades"]).output().expect("a schema");
    assert_fits(&out.join("grades.json"), &serde_json::from_slice(&schema.stdout).expect("JSON"));
    let gradescope = serde_json::from_str(&read(&here().join("schemas/gradescope.json"))).expect("JSON");
    for team in ["E01", "E02", "E03", "E04", "E05", "E06", "E07", "E08"] {
        assert_fits(&out.join(team).join("results.json"), &gradescope);
    }
    let mut table =
        csv::ReaderBuilder::new().delimiter(b';').from_path(out.join("grades.csv")).expect("a table");
    assert_eq!(table.headers().expect("a head").len(), 10);
    // Three students, and the seven submissions of which no student is known.
    let rows: Result<Vec<_>, _> = table.records().collect();
    assert_eq!(rows.expect("rows of equal length").len(), 3 + 6);
}

fn assert_fits(document: &Path, schema: &Value) {
    let value: Value = serde_json::from_str(&read(document)).expect("JSON");
    let validator = jsonschema::validator_for(schema).expect("a schema that is one");
    let problems: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{}: {problems:#?}", document.display());
}

/// The command on the page for the defence, as it is written there, run where it says.
fn the_command_of_the_defence_repeats_a_finding(out: &Path) {
    let page = read(&out.join("defence/E02/sustentacion.es.html"));
    assert!(page.contains("Una buena respuesta contiene"), "{page}");
    let command =
        page.split("<code>harness ").nth(1).and_then(|rest| rest.split('<').next()).expect("a command");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(command.split(' '))
        .args(["--lang", "en", "--out"])
        .arg(out.join("again"))
        .current_dir(out)
        .output()
        .expect("the harness runs");
    assert_eq!(output.status.code(), Some(1), "{command}\n{}", text(&output));
    assert!(text(&output).contains("rr.serial_cycle"), "{}", text(&output));
}

/// Ctrl-C between two runs of a grading: what is done is shown, and the same command goes on where it stopped.
#[test]
fn an_interrupted_grading_shows_what_is_done_and_goes_on_with_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submissions = folder.path().join("handed in");
    for name in ["a", "b", "c"] {
        hand_in(&submissions, name, "none");
    }
    let command =
        grading(folder.path()).args(["--jobs", "1"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut command = command.expect("the harness runs");
    let mut lines = BufReader::new(command.stderr.take().expect("its words")).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.contains("[1/3]")), "the first run ends");
    kill_process(Pid::from_child(&command), Signal::INT).expect("it still works");
    let said: Vec<String> = lines.collect();
    assert_eq!(command.wait().expect("it ends").code(), Some(130), "{said:?}");
    let out = folder.path().join("grades/turns");
    let grades: Value = serde_json::from_str(&read(&out.join("grades.json"))).expect("grades.json is JSON");
    assert_eq!(grades["teams"][0]["rows"][1]["earned"], 40.0, "what is done counts: {grades}");
    assert_eq!(grades["teams"][2]["rows"][1]["open"], 40.0, "what is not done is open, not zero: {grades}");
    assert!(out.join("index.es.html").is_file(), "and shown");

    let again = grade(folder.path(), &[]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    assert!(!text(&again).contains(", 0 ya hechas") && text(&again).contains("[3/3]"), "{}", text(&again));
    let grades: Value = serde_json::from_str(&read(&out.join("grades.json"))).expect("grades.json is JSON");
    assert_eq!(grades["teams"][2]["rows"][1]["earned"], 40.0, "{grades}");
}

#[test]
fn a_rubric_with_a_slip_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    hand_in(&folder.path().join("handed in"), "one", "none");
    let rubric = folder.path().join("rubric.yaml");
    let scenario = here().join("scenarios/turns.yaml").display().to_string();
    let wrong = format!(
        "name: r\ntitle: {{en: R, es: R}}\nscenarios: [{scenario:?}]\nrequirements:\n  REQ-9: {{points: 10, works: [rr.serial_cicle]}}\n  REQ-99: {{points: 1, works: [rr.spread]}}\n"
    );
    fs::write(&rubric, wrong).expect("a rubric");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("grade")
        .arg(&rubric)
        .arg(folder.path().join("handed in"))
        .args(["--lang", "en", "--out"])
        .arg(folder.path())
        .output()
        .expect("the harness runs");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("rr.serial_cicle") && said.contains("rr.serial_cycle"), "did you mean: {said}");
    assert!(said.contains("REQ-99"), "all problems at once: {said}");
    assert!(!folder.path().join("grades").exists());
}
