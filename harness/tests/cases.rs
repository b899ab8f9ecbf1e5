//! The judge of balancers in the cloud, judged: each check of the family catches the proxy that lacks what it asks for.
//!
//! Each test runs the program `harness` on a brief scenario of `tests/scenarios`, as a user would, with the example
//! `guilty-proxy`. It opens a backend connection for each request, which is a defect where many clients share few.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Exit code, verdicts and what was printed of a scenario on the guilty proxy with a defect.
fn run(scenario: &str, defect: &str) -> (i32, Value, String) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let build = escargot::CargoBuild::new().arg("--workspace").example("guilty-proxy");
    let build = if cfg!(debug_assertions) { build } else { build.release() };
    let program = build.run().expect("the guilty proxy builds").path().to_owned();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let adapter = std::fs::read_to_string(here.join("suts/guilty.yaml")).expect("the adapter");
    let adapter =
        adapter.replace("PROGRAM", &program.to_string_lossy()).replace("DEFECT\"", &format!("{defect}\""));
    std::fs::write(folder.path().join("guilty.yaml"), adapter).expect("the adapter, filled in");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("run")
        .arg(here.join("scenarios").join(format!("{scenario}.yaml")))
        .arg("--sut")
        .arg(folder.path().join("guilty.yaml"))
        .arg("--out")
        .arg(folder.path().join("reports"))
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let file = folder.path().join("reports").join(scenario).join("guilty/latest/verdicts.json");
    let verdicts =
        std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}\n{printed}", file.display()));
    (output.status.code().unwrap_or(-1), serde_json::from_slice(&verdicts).expect("JSON"), printed)
}

fn row<'a>(verdicts: &'a Value, check: &str) -> &'a Value {
    let rows = verdicts["verdicts"].as_array().expect("verdicts");
    rows.iter().find(|row| row["check"] == check).expect("a verdict on the check")
}

#[test]
fn two_instances_of_which_one_is_left_idle_are_caught() {
    let (exit, verdicts, printed) = run("scale", "always-first");
    let verdict = row(&verdicts, "capacity.scaling");
    assert_eq!((exit, &verdict["outcome"]), (1, &"fail".into()), "{printed}");
    assert!(verdict["sentence"]["en"].as_str().is_some_and(|sentence| sentence.contains("another one")));
}

#[test]
fn a_backend_connection_for_each_request_is_caught() {
    let (exit, verdicts, printed) = run("pool", "none");
    let verdict = row(&verdicts, "multiplexing.connections");
    assert_eq!((exit, &verdict["outcome"]), (1, &"fail".into()), "{printed}");
}

/// The outcome of a check on an honest proxy and on one with a defect.
fn both(scenario: &str, check: &str, defect: &str) {
    let (exit, verdicts, printed) = run(scenario, "none");
    assert_eq!((exit, &row(&verdicts, check)["outcome"]), (0, &"pass".into()), "{printed}");
    let (exit, verdicts, printed) = run(scenario, defect);
    assert_eq!((exit, &row(&verdicts, check)["outcome"]), (1, &"fail".into()), "{printed}");
}

#[test]
fn turns_where_the_least_busy_was_asked_for_are_caught() {
    both("busy", "balance.least_busy", "ignores-what-is-open");
}

#[test]
fn strangers_who_are_served_are_caught() {
    both("door", "gateway.admission", "lets-everybody-in");
}

#[test]
fn a_throttle_that_starves_the_modest_client_is_caught() {
    both("past", "degradation.controlled", "one-bucket-for-all");
}

#[test]
fn a_list_of_uploads_that_is_out_of_date_is_caught() {
    both("queue", "worker.processed", "shares-tokens");
}
