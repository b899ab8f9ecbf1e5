//! The judge of the cloud cases, judged: proxies that share tokens or show what is old are caught, others are not.
//!
//! Each test runs the program `harness` on a brief scenario of `tests/scenarios`, as a user would. The example
//! `guilty-proxy` keeps answers for its TTL, whatever lifetime the origin gives them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Exit code and verdicts of a scenario on the guilty proxy with a defect.
fn run(scenario: &str, defect: &str, settings: &[&str]) -> (i32, Value, String) {
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
        .args(settings.iter().flat_map(|setting| ["--set", setting]))
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
fn a_cache_that_shares_tokens_is_caught_and_each_kind_is_named() {
    let (exit, verdicts, printed) = run("tokens", "shares-tokens", &[]);
    assert_eq!(exit, 1, "{printed}");
    let verdict = row(&verdicts, "privacy.tokens");
    assert_eq!(
        (&verdict["outcome"], &verdict["requirement"]),
        (&"fail".into(), &"REQ-6".into()),
        "{printed}"
    );
    let sentence = verdict["sentence"]["en"].as_str().expect("a sentence");
    // What is forbidden stands before what is allowed.
    let forbidden = sentence.find("max-age").expect("a kind that is forbidden");
    let allowed = sentence.find("must-revalidate").expect("a kind that is allowed");
    assert!(forbidden < allowed, "{sentence}");
}

#[test]
fn a_proxy_that_keeps_nothing_of_a_token_shares_nothing() {
    let (exit, verdicts, printed) = run("tokens", "none", &[]);
    assert_eq!(exit, 0, "{printed}");
    for check in ["privacy.tokens", "privacy.never_shared"] {
        assert_eq!(row(&verdicts, check)["outcome"], "pass", "{printed}");
    }
}

#[test]
fn a_list_that_is_kept_too_long_is_caught() {
    let (exit, verdicts, printed) = run("seen", "none", &["proxy.ttl=30s"]);
    assert_eq!((exit, &row(&verdicts, "freshness.delivered")["outcome"]), (1, &"fail".into()), "{printed}");
}

#[test]
fn a_list_that_is_kept_for_its_time_passes() {
    let (exit, verdicts, printed) = run("seen", "none", &[]);
    let verdict = row(&verdicts, "freshness.delivered");
    assert_eq!((exit, &verdict["outcome"]), (0, &"pass".into()), "{printed}");
    assert!(!verdict["sentence"]["en"].as_str().expect("a sentence").contains(" 0 of them from the cache"));
}
