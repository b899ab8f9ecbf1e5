//! `harness diff` as a user runs it: a proxy before and after one fault was mended, in both directions.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::guilty_proxy;

const SCENARIO: &str = r#"
name: pair
title: {en: "Two requests each", es: "Dos peticiones a cada uno"}
covers: [REQ-3]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - fill: {keys: 4, path: "/hit/{key}", confirm: 4, as: stored}
checks: {cache.hit: , integrity.bodies: , proxy.alive: }
"#;

fn harness(arguments: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(arguments).args(paths).output().expect("the harness runs")
}

/// The run folder of the guilty proxy with a defect.
fn run(bench: &Path, defect: &str) -> PathBuf {
    let (adapter, scenario, out) =
        (bench.join(format!("{defect}.yaml")), bench.join("pair.yaml"), bench.join(format!("out-{defect}")));
    guilty_proxy::write_adapter(&adapter, guilty_proxy::program(), defect);
    std::fs::write(&scenario, SCENARIO).expect("the scenario");
    let options = ["run", "--lang", "en", "--watch=never", "--seed", "7", "--sut"];
    let output = harness(&options, &[&adapter, Path::new("--out"), &out, &scenario]);
    let proxy = std::fs::read_dir(out.join("pair")).expect("a run").flatten().next().expect("a proxy").path();
    assert!(proxy.join("latest").exists(), "{}", String::from_utf8_lossy(&output.stderr));
    proxy.join("latest")
}

#[test]
fn one_mended_fault_is_what_two_runs_differ_in() {
    let bench = tempfile::tempdir().expect("a temporary directory");
    let (before, after) = (run(bench.path(), "hit-has-one-byte-more"), run(bench.path(), "none"));
    let out = bench.path().join("diffs");
    let diff =
        |one: &Path, two: &Path| harness(&["diff", "--lang", "en"], &[one, two, Path::new("--out"), &out]);

    let mended = diff(&before, &after);
    let text = String::from_utf8_lossy(&mended.stdout);
    assert_eq!(mended.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&mended.stderr));
    assert!(text.starts_with("Mended: ") && !text.starts_with("Mended: 0"), "{text}");
    assert!(text.contains("no longer met: 0"), "{text}");
    assert!(text.contains("✗ → ✓ integrity.bodies (mended)"), "{text}");
    let first = text.find("integrity.bodies").expect("the mended check");
    assert!(text.find("of the same step and target: 8, of which").is_some_and(|at| at > first), "{text}");
    // What differs is told exactly, and another defect is not taken for the same program.
    assert!(
        text.contains("200, 1,025 bytes, no backend asked → 200, 1,024 bytes, no backend asked"),
        "{text}"
    );
    assert!(!text.contains("the same program"), "{text}");

    let broken = diff(&after, &before);
    let text = String::from_utf8_lossy(&broken.stdout);
    assert_eq!(broken.status.code(), Some(1), "a required check that was met fails now: {text}");
    assert!(text.contains("✓ → ✗ integrity.bodies (no longer met)"), "{text}");

    let same = diff(&after, &after);
    let text = String::from_utf8_lossy(&same.stdout);
    assert_eq!(same.status.code(), Some(0), "{text}");
    assert!(text.contains("of which 0 differ; only before: 0; only after: 0"), "{text}");

    let pages: Vec<PathBuf> = std::fs::read_dir(out.join("diff-pair"))
        .expect("pages")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(pages.len(), 3);
    for folder in &pages {
        for (language, word) in [("en", "Verdicts"), ("es", "Veredictos")] {
            let page = std::fs::read_to_string(folder.join(format!("diff.{language}.html"))).expect("a page");
            assert!(page.contains(word) && page.contains("integrity.bodies"));
        }
        let json = std::fs::read(folder.join("diff.json")).expect("the JSON");
        let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(json["aligned"], 8);
    }

    let nothing = diff(&before, &bench.path().join("nowhere"));
    assert_eq!(nothing.status.code(), Some(4), "{}", String::from_utf8_lossy(&nothing.stderr));
}
