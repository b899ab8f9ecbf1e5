//! `harness init` on the untidy folders that people hand in, each without an edit: the adapter that it writes must be right, as a
//! short run shows, or the command must say what is open.
//!
//! The folders lie in `tests/layouts` and `tests/blind`. What a machine has no tools for says so and is left out.

use std::path::{Path, PathBuf};
use std::process::Command;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Forward, turns, hits and their age, the least that shows that port, backends and TTL are told.
const SCENARIO: &str = "name: layout\ntitle: {en: \"Layout\", es: \"Estructura\"}\ncovers: [REQ-5]\nproxy: {ttl: 3s}\n\
    backends: {count: 3, script: {otherwise: {respond: {body: 1KiB}}}}\nsteps:\n\
    \x20 - serial: {requests: 12, path: \"/turn/{n}\", connections: each}\n\
    \x20 - fill: {keys: 12, path: \"/hit/{key}\", confirm: 5, vus: 1, as: stored}\n\
    \x20 - probe: {of: stored}\n\
    checks:\n  rr.serial_cycle:\n  proxy.alive:\n";

fn harness(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(arguments)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), printed)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the layout").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else if entry.file_name() != "pibl-judge.yaml" {
            std::fs::copy(&path, &target).expect("copied");
        }
    }
}

fn is_missing(tool: &str) -> bool {
    let missing = !Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if missing {
        eprintln!("skipped: {tool} is not installed");
    }
    missing
}

/// What a layout has beside round robin.
#[derive(Clone, Copy, PartialEq)]
enum Cache {
    /// It stores, and keeps to its TTL.
    Keeps,
    None,
}

/// What `init` writes for a copy of a layout, once it was run without an edit.
fn right(layout: &str, tool: &str, cache: Cache) -> Option<String> {
    if is_missing(tool) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let proxy = folder.path().join("the proxy");
    copy(&here().join(layout), &proxy);
    let (exit, said) = harness(&["init", &proxy.to_string_lossy()]);
    let file = proxy.join("pibl-judge.yaml");
    let adapter = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(exit, 0, "{layout}: {said}\n{adapter}");
    let scenario = folder.path().join("layout.yaml");
    let more = match cache {
        Cache::Keeps => "  cache.hit:\n  ttl.expiry:\n",
        Cache::None => "",
    };
    std::fs::write(&scenario, format!("{SCENARIO}{more}")).expect("written");
    let out = folder.path().join("out");
    let arguments = [
        "run",
        &scenario.to_string_lossy(),
        "--sut",
        &file.to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
    ];
    let (_, printed) = harness(&arguments);
    // How exactly entries expire may be too noisy to say on a busy machine; that nothing fails is not.
    let passed = |check: &str| printed.lines().any(|line| line.contains("✓ pass") && line.contains(check));
    let fine = passed("rr.serial_cycle") && (cache == Cache::None || passed("cache.hit"));
    assert!(fine && !printed.contains("✗ fail"), "{layout}: {printed}\n{adapter}");
    Some(adapter)
}

#[test]
fn main_in_one_file_and_listen_in_another() {
    if let Some(adapter) = right("layouts/c_two_files", "gcc", Cache::None) {
        assert!(adapter.contains("\"pibl.conf\"") && adapter.contains("\"pibl.log\""), "{adapter}");
    }
}

#[test]
fn one_letter_of_latin1() {
    right("layouts/latin1", "python3", Cache::Keeps);
}

#[test]
fn a_web_server_beside_is_not_the_proxy() {
    if let Some(adapter) = right("layouts/web_server_beside", "python3", Cache::Keeps) {
        assert!(adapter.contains("balanceador.py"), "{adapter}");
    }
}
