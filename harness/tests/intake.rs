//! What a course really hands in, graded: nobody loses a point by the judge's fault, and nothing handed in is changed.
//!
//! `tests/grade.rs` tries grading itself on a toy; here are folders as people make them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A folder with all that is in it, but what a build has made there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => copy(&path, &to),
            false => drop(fs::copy(&path, &to).expect("a file")),
        }
    }
}

/// Every file of a folder with its bytes.
fn all_bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(all_bytes(&path)),
            path => drop(found.insert(path.clone(), fs::read(path).expect("a file"))),
        }
    }
    found
}

fn harness(arguments: &[&Path]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_harness")).args(arguments).output();
    output.expect("the harness runs")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).expect("JSON")
}

/// What was concluded in the newest run of a folder: check → outcome.
fn outcomes(folder: &Path) -> BTreeMap<String, String> {
    let verdicts = json(&folder.join("latest/verdicts.json"));
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let all = verdicts["verdicts"].as_array().expect("verdicts");
    all.iter().map(|verdict| (word(&verdict["check"]), word(&verdict["outcome"]))).collect()
}

#[test]
fn grade_and_run_prepare_a_subject_by_one_path_and_change_nothing_of_it() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (submissions, out) = (folder.path().join("handed in"), folder.path().join("out"));
    for name in ["c", "python", "rust"] {
        copy(&here().join("blind").join(name), &submissions.join(name));
    }
    let before = all_bytes(&submissions);
    let [grade, to] = ["grade", "--out"].map(Path::new);
    let graded = harness(&[grade, &here().join("rubrics/turns.yaml"), &submissions, to, &out]);
    assert_eq!(graded.status.code(), Some(0), "{}", text(&graded));
    assert_eq!(all_bytes(&submissions), before, "what was handed in is as it was");
    let grades = json(&out.join("grades/turns/grades.json"));
    for (index, name) in ["c", "python", "rust"].iter().enumerate() {
        let team = &grades["teams"][index];
        assert_eq!(team["triage"]["triage"], "starts", "{name}: {team}");
        let profile = submissions.join(name).join("pibl-judge.yaml");
        let run = harness(&[&here().join("scenarios/turns.yaml"), Path::new("--sut"), &profile, to, &out]);
        assert!(out.join("turns").is_dir(), "{}", text(&run));
        let code = team["code"].as_str().expect("a code");
        let by_grade = outcomes(&out.join("grades/turns").join(code).join("turns").join(code));
        assert_eq!(by_grade, outcomes(&out.join("turns").join(name)), "{name}");
        if *name == "python" {
            let hash =
                |folder: PathBuf| json(&folder.join("latest/manifest.json"))["run"]["program_sha256"].clone();
            let by_run = hash(out.join("turns").join(name));
            assert_eq!(
                hash(out.join("grades/turns").join(code).join("turns").join(code)),
                by_run,
                "of the copy"
            );
            fs::write(submissions.join("python/otro.py"), "").expect("another program");
            harness(&[&here().join("scenarios/turns.yaml"), Path::new("--sut"), &profile, to, &out]);
            assert_ne!(hash(out.join("turns").join(name)), by_run, "and not that of python3");
            fs::remove_file(submissions.join("python/otro.py")).expect("as it was");
        }
        assert_eq!(by_grade["rr.serial_cycle"], "pass", "{name}: {by_grade:?}");
    }
    assert_eq!(all_bytes(&submissions), before, "what was handed in is as it was");
}

/// A profile that the judge drafted and that starts nothing costs the team nothing.
#[test]
fn what_a_draft_of_the_judge_does_not_start_is_to_be_reviewed() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (submission, out) = (folder.path().join("handed in"), folder.path().join("out"));
    fs::create_dir_all(&submission).expect("a folder");
    let program = "import socket, sys\nif len(sys.argv) != 7: sys.exit('usage')\ns = socket.create_server(('', 8080))\ns.listen()\n";
    fs::write(submission.join("proxy.py"), program).expect("a program");
    let [grade, to] = ["grade", "--out"].map(Path::new);
    let graded = harness(&[grade, &here().join("rubrics/turns.yaml"), &submission, to, &out]);
    let grades = json(&out.join("grades/turns/grades.json"));
    let team = &grades["teams"][0];
    assert_eq!(team["flags"][0]["flag"], "drafted", "{}", text(&graded));
    assert_eq!(team["triage"]["triage"], "does_not_start", "{team}");
    assert_eq!(team["rows"][1]["open"], 40.0, "{team}");
    assert_eq!((&team["grade"]["least"], &team["grade"]["most"]), (&0.0.into(), &5.0.into()));
}

/// Grades a folder and says what came of it, with the document.
fn graded(folder: &Path, more: &[&str]) -> (String, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("grade")
        .arg(here().join("rubrics/turns.yaml"))
        .arg(folder.join("handed in"))
        .arg("--out")
        .arg(folder.join("out"))
        .args(["--lang", "es"])
        .args(more)
        .output()
        .expect("the harness runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    (text(&output), json(&folder.join("out/grades/turns/grades.json")))
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

#[test]
fn what_lies_beside_the_submissions_is_named_and_makes_them_no_single_one() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let handed_in = |name: &str| folder.path().join("handed in").join(name);
    for name in ["cache/hola.py", "ana/hola.py", "lista.csv", "Thumbs.db", "beto.rar", "__MACOSX/._x"] {
        write(&handed_in(name), "print()");
    }
    let (said, grades) = graded(folder.path(), &[]);
    assert_eq!(grades["teams"].as_array().expect("teams").len(), 2, "{said}");
    for skipped in ["entrega: lista.csv", "entrega: Thumbs.db", "carpeta: beto.rar", "entrega: __MACOSX"] {
        assert!(said.contains(skipped), "{skipped}: {said}");
    }
}

/// Half a run proves nothing: its passes so far are no passes, and the page says first that it was cut.
#[test]
fn a_run_that_was_cut_is_said_first_and_earns_nothing_for_what_it_did_not_ask() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = folder.path().join("handed in");
    for (from, to) in [("toy_proxy.py", "proxy.py"), ("pibl-judge.yaml", "pibl-judge.yaml")] {
        write(&submission.join(to), fs::read(here().join("submissions").join(from)).expect("a file"));
    }
    let (said, grades) = graded(folder.path(), &["--max-duration", "400ms"]);
    let team = &grades["teams"][0];
    assert_eq!(team["runs"][0]["exit_code"], 5, "{said}\n{team}");
    assert_eq!((&team["rows"][0]["earned"], &team["rows"][0]["open"]), (&0.0.into(), &40.0.into()), "{team}");
    for (language, words) in [("es", "se cortó tras"), ("en", "was cut after")] {
        let page = folder.path().join(format!("out/grades/turns/E01/index.{language}.html"));
        let page = fs::read_to_string(page).expect("the page of the team");
        let (cut, table) = (page.find(words).expect(words), page.find("<table").expect("a table"));
        assert!(cut < table, "before all else");
    }
    let (_, grades) = graded(folder.path(), &["--max-duration", "60s"]);
    assert_eq!(grades["teams"][0]["rows"][0]["earned"], 40.0, "made again where it is given more time");
}

/// A zip with a password, made by hand since nothing here writes such: the flag is all that a reader looks at.
#[test]
fn what_the_judge_could_not_do_costs_nobody_a_point() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let handed_in = folder.path().join("handed in");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("proxy.py", zip::write::SimpleFileOptions::default()).expect("an entry");
    let mut bytes = zip.finish().expect("a zip").into_inner();
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let at = bytes.windows(4).position(|four| four == signature).expect("a header");
        bytes[at + flags] |= 1;
    }
    write(&handed_in.join("a.zip"), bytes);
    write(&handed_in.join("b.zip"), "no zip");
    let out = folder.path().join("out/grades/turns");
    let (said, grades) = graded(folder.path(), &[]);
    for team in grades["teams"].as_array().expect("teams") {
        assert_eq!(team["triage"]["triage"], "unreadable", "{said}");
        assert_eq!(team["rows"][1]["open"], 40.0, "{team}");
    }
    // While another one writes there, nothing is mixed.
    let other = fs::File::create(out.join(".grading")).expect("the lock");
    other.lock().expect("it is free");
    let [grade, to] = ["grade", "--out"].map(Path::new);
    let second =
        harness(&[grade, &here().join("rubrics/turns.yaml"), &handed_in, to, &folder.path().join("out")]);
    assert_eq!(second.status.code(), Some(4), "{}", text(&second));
    assert!(text(&second).contains("another grading is writing there"), "{}", text(&second));
}

/// Whether the one submission of a folder starts and earns its points where the judge has this home, or none.
fn earns_at_home(folder: &Path, home: Option<&str>) {
    let mut grade = Command::new(env!("CARGO_BIN_EXE_harness"));
    grade.arg("grade").arg(here().join("rubrics/turns.yaml")).arg(folder.join("handed in"));
    grade.arg("--out").arg(folder.join("out")).env_remove("HOME").envs(home.map(|home| ("HOME", home)));
    let output = grade.output().expect("the harness runs");
    let grades = json(&folder.join("out/grades/turns/grades.json"));
    let team = &grades["teams"][0];
    assert_eq!(team["triage"]["triage"], "starts", "{}\n{team}", text(&output));
    assert_eq!(team["rows"][1]["earned"], 40.0, "{}\n{team}", text(&output));
}

/// A job of a scheduler or of a service has no `HOME`; compilers and programs want one all the same.
#[test]
fn a_home_that_is_not_set_is_no_fault_of_a_submission() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = folder.path().join("handed in");
    let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let notes = "with open(os.path.join(os.environ[\"HOME\"], \"pibl.pid\"), \"w\") as notes:\n    notes.write(\"x\")\n\n\nlistener =";
    write(&submission.join("proxy.py"), source.replacen("\nlistener =", &format!("\n{notes}"), 1));
    let profile = fs::read_to_string(here().join("submissions/pibl-judge.yaml")).expect("its profile");
    write(
        &submission.join("pibl-judge.yaml"),
        profile + "build:\n  - [sh, -c, 'test -d \"$HOME\" && echo x > \"$HOME/.built\"']\n",
    );
    earns_at_home(folder.path(), None);
}

#[test]
fn a_home_that_does_not_exist_is_no_fault_of_a_submission_either() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = folder.path().join("handed in");
    for (from, to) in [("toy_proxy.py", "proxy.py"), ("pibl-judge.yaml", "pibl-judge.yaml")] {
        write(&submission.join(to), fs::read(here().join("submissions").join(from)).expect("a file"));
    }
    earns_at_home(folder.path(), Some("/nonexistent"));
}

/// The toy proxy at port 8080 of an address, with backends that have that port too, at addresses of their own.
fn with_the_port_of_its_backends(address: &str) -> (String, Value) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = folder.path().join("handed in");
    let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let bound = format!("('{address}', 8080)");
    write(&submission.join("proxy.py"), source.replace("(options.host, options.port)", &bound));
    let profile = fs::read_to_string(here().join("submissions/pibl-judge.yaml")).expect("its profile");
    write(
        &submission.join("pibl-judge.yaml"),
        profile + "fixed_port: 8080\nbackends: {one_port: 8080}\nready_within: 2s\nrebind_within: 2s\n",
    );
    graded(folder.path(), &[])
}

#[test]
fn a_proxy_at_one_address_may_have_the_port_of_its_backends() {
    let (said, grades) = with_the_port_of_its_backends("127.0.0.1");
    let team = &grades["teams"][0];
    assert_eq!(team["triage"]["triage"], "starts", "{said}\n{team}");
    assert_eq!(team["rows"][1]["earned"], 40.0, "{said}\n{team}");
}

/// On machines of their own proxy and backends could have the same port; on one they cannot, and that is no fault of the team.
#[test]
fn a_port_that_backends_must_have_too_is_no_fault_of_a_submission() {
    let (said, grades) = with_the_port_of_its_backends("");
    let team = &grades["teams"][0];
    assert_eq!(team["triage"]["triage"], "not_looked_at", "{said}\n{team}");
    assert_eq!(team["rows"][1]["open"], 40.0, "{team}");
    assert!(said.contains("exigen el mismo puerto"), "{said}");
}
