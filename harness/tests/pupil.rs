//! The judge on a proxy in another language: the honest one passes, and each mistake is found at the check made for it.
//!
//! Each test runs the program `harness` as a user would. What the mistakes are is said in `suts/pupil.py`. Where there is no
//! Python on the machine the tests say so and prove nothing.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The verdicts of one run, and its exit code; nothing where there is no Python.
fn run(scenario: &str, defect: &str) -> Option<(i32, Value, String)> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is not installed");
        return None;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folder = tempfile::tempdir().unwrap();
    let adapter = std::fs::read_to_string(here.join("suts/pupil.yaml")).unwrap();
    let script = here.join("suts/pupil.py");
    let adapter =
        adapter.replace("SCRIPT", &script.to_string_lossy()).replace("DEFECT\"", &format!("{defect}\""));
    let adapter_file = folder.path().join("pupil.yaml");
    std::fs::write(&adapter_file, adapter).unwrap();
    let out = folder.path().join("reports");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("run")
        .arg(here.join("scenarios").join(format!("{scenario}.yaml")))
        .args(["--lang", "en", "--seed", "1", "--sut"])
        .arg(&adapter_file)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let file = out.join(scenario).join("pupil/latest/verdicts.json");
    let verdicts =
        std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}\n{printed}", file.display()));
    Some((output.status.code().unwrap_or(-1), serde_json::from_slice(&verdicts).unwrap(), printed))
}

fn outcomes(verdicts: &Value) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    verdicts["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "check"), text(row, "outcome")))
        .collect()
}

/// A mistake, the check that must fail, and what may fail beside it: a mistake may break more than one thing, but nothing
/// that has nothing to do with it.
struct Guilty(&'static str, &'static str, &'static [&'static str]);

/// A few that differ: they run with every `cargo test`.
const QUICK: &[Guilty] = &[
    Guilty("drops-fields", "forward.fields", &[]),
    Guilty("one-byte-more", "cache.sizes", &STORED_WRONGLY),
    Guilty("no-retry", "failures.one_refuses", &[]),
];

const STORED_WRONGLY: [&str; 3] = ["integrity.bodies", "cache.keys", "cache.similar_paths"];

/// The others: `cargo test -p harness --test integration pupil -- --ignored`.
const OTHERS: &[Guilty] = &[
    Guilty("one-after-the-other", "connections.silent_client", &[]),
    Guilty("body-up-to-a-buffer", "forward.body", &[]),
    Guilty("first-recv-only", "forward.body", &[]),
    Guilty("ignores-chunked-requests", "forward.chunked_request", &[]),
    Guilty("pads-with-nul", "forward.once", &[]),
    Guilty("drops-query-on-the-way", "forward.target", &["cache.keys", "integrity.bodies"]),
    Guilty("drops-answer-fields", "forward.answer_fields", &["cache.no_store"]),
    Guilty("status-always-200", "forward.status", &["failures.one_refuses", "integrity.bodies"]),
    Guilty(
        "cut-at-64k",
        "forward.answer_body",
        &["integrity.bodies", "connections.client_leaves", "cache.sizes", "page.many_images"],
    ),
    Guilty("body-to-head", "forward.head_method", &["integrity.bodies"]),
    Guilty("waits-for-close", "forward.kept_open", &["forward.once"]),
    Guilty("stores-four-kilobytes", "cache.sizes", &STORED_WRONGLY),
    Guilty("drops-query", "cache.keys", &["integrity.bodies"]),
    Guilty("lower-case-key", "cache.keys", &["integrity.bodies"]),
    Guilty("slash-to-underscore", "cache.similar_paths", &["integrity.bodies"]),
    Guilty("keeps-everything", "cache.errors", &["cache.no_store"]),
    Guilty("dies-of-bare-connect", "proxy.alive", &["connections.bare_connect", "connections.silent_client"]),
    Guilty("dies-of-dead-backend", "proxy.alive", &["failures.one_refuses"]),
    Guilty("spins-after-leaving", "connections.at_rest", &["failures.one_refuses"]),
];

/// What is not as the row says.
fn disagreement(Guilty(defect, check, also): &Guilty) -> Option<String> {
    let (_, verdicts, printed) = run("bytes", defect)?;
    let failed: Vec<String> = outcomes(&verdicts)
        .into_iter()
        .filter(|(_, outcome)| outcome == "fail")
        .map(|(check, _)| check)
        .collect();
    let others = || failed.iter().filter(|failed| failed != check && !also.contains(&failed.as_str()));
    if failed.iter().any(|failed| failed == check) && others().next().is_none() {
        return None;
    }
    let verdicts: Vec<&str> = printed.lines().filter(|line| line.starts_with("  ")).collect();
    Some(format!("{defect}: {check} expected, {failed:?} failed\n{}\n", verdicts.join("\n")))
}

/// Two at a time: they mostly wait.
fn all_caught(rows: &[Guilty]) {
    let halves = rows.split_at(rows.len() / 2);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let half = |rows: &'_ [Guilty]| rows.iter().filter_map(disagreement).collect::<Vec<_>>();
        let other = scope.spawn(move || half(halves.1));
        let mut wrong = half(halves.0);
        wrong.extend(other.join().unwrap());
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_honest_one_passes() {
    let Some((exit, verdicts, printed)) = run("bytes", "none") else { return };
    for (check, outcome) in outcomes(&verdicts) {
        assert_eq!(outcome, "pass", "{check}\n{printed}");
    }
    assert_eq!(exit, 0, "{printed}");
}

#[test]
fn mistakes_of_different_kinds_are_found() {
    all_caught(QUICK);
}

#[test]
#[ignore = "a minute and more"]
fn the_other_mistakes_are_found() {
    all_caught(OTHERS);
}
