//! What an adapter of a stubborn proxy can say, tried through the program `harness` as a user would: addresses, names, menus and
//! constants of the source, a configuration of the user's own, and an honest proxy in another language than ours.
//!
//! The proxies lie in `tests/proxies`. Where the machine has no Python or allows no network namespace a test says so and ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Exit code and what was printed.
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

fn python_is_missing() -> bool {
    let missing =
        !Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if missing {
        eprintln!("skipped: python3 is not installed");
    }
    missing
}

fn run(scenario: &str, adapter: &str, name: &str) -> (i32, String, Value) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let out = folder.path().join("reports");
    let scenario_file = here().join("scenarios").join(format!("{scenario}.yaml"));
    let adapter_file = here().join("proxies").join(adapter);
    let (exit, printed) = harness(&[
        "run",
        &scenario_file.to_string_lossy(),
        "--sut",
        &adapter_file.to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
    ]);
    let events = std::fs::read_to_string(out.join(scenario).join(name).join("latest/events.jsonl"));
    let started =
        events.unwrap_or_default().lines().find(|line| line.contains("proxy_starting")).map(str::to_owned);
    let started = started.and_then(|line| serde_json::from_str(&line).ok()).unwrap_or_default();
    (exit, printed, started)
}

#[test]
fn an_honest_proxy_in_python_passes_every_required_check() {
    if python_is_missing() {
        return;
    }
    let scenarios = ["age", "turns", "crowd", "crash"];
    let runs =
        scenarios.map(|scenario| std::thread::spawn(move || run(scenario, "honest.yaml", "honest-python")));
    for (first, scenario) in runs.into_iter().zip(scenarios) {
        let (mut exit, mut printed, _) = first.join().expect("a run does not panic");
        if exit == 2 {
            // Four at a time on a busy machine may be too noisy for a conclusion: once more, alone.
            (exit, printed, _) = run(scenario, "honest.yaml", "honest-python");
        }
        let doubtful = exit == 2;
        assert!(exit == 0 || doubtful, "{scenario}: exit code {exit}\n{printed}");
    }
}

#[test]
fn addresses_names_a_menu_and_a_constant_of_the_source_are_all_provided_for() {
    if python_is_missing() {
        return;
    }
    let (exit, printed, started) = run("turns", "constants.yaml", "constants");
    if printed.contains("allows no network namespace") || printed.contains("could not be executed") {
        eprintln!("skipped: {printed}");
        return;
    }
    assert_eq!(exit, 0, "{printed}");
    let patch = &started["event"]["proxy_starting"]["patches"][0];
    assert_eq!(patch["path"], "settings.py", "{started}");
    assert_eq!(patch["text"], "@@ line 3 @@\n-TTL = 60  # seconds\n+TTL = 60  # seconds\n");
}

/// A copy of a proxy of somebody who has no adapter yet, and what `init` makes of it.
fn init(proxy: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for entry in std::fs::read_dir(here().join(proxy)).expect("the proxy").flatten() {
        if entry.path().is_file() && entry.file_name() != "pibl-judge.yaml" {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copied");
        }
    }
    let (exit, printed) = harness(&["init", &folder.path().to_string_lossy()]);
    let adapter = std::fs::read_to_string(folder.path().join("pibl-judge.yaml")).unwrap_or_default();
    let (again, complaint) = harness(&["init", &folder.path().to_string_lossy()]);
    assert_eq!(again, 4, "what was written is not overwritten: {complaint}");
    assert!(complaint.contains("--again"), "{complaint}");
    (exit, printed, adapter)
}

#[test]
fn init_writes_an_adapter_that_works_for_a_first_proxy_in_python() {
    if python_is_missing() {
        return;
    }
    let (exit, printed, adapter) = init("proxies/sixty_lines");
    assert_eq!(exit, 0, "{printed}\n{adapter}");
    assert!(printed.contains("requests reached b1, b2, b3"), "{printed}");
    assert!(adapter.contains("from: \"config.json\"") && adapter.contains("ttl_seconds"), "{adapter}");
}

#[test]
fn init_keeps_a_list_of_backends_one_to_a_line() {
    if python_is_missing() {
        return;
    }
    let (exit, printed, adapter) = init("blind/python");
    assert_eq!(exit, 0, "{printed}\n{adapter}");
    assert!(printed.contains("requests reached b1, b2, b3"), "{printed}");
}

#[test]
fn init_patches_and_builds_a_proxy_in_c_whose_addresses_stand_in_its_source() {
    if !Command::new("gcc").arg("--version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: gcc is not installed");
        return;
    }
    let (exit, printed, adapter) = init("proxies/in_c");
    assert_eq!(exit, 0, "{printed}\n{adapter}");
    assert!(printed.contains("reached b1, b2, b3") && adapter.contains("patch:"), "{printed}\n{adapter}");
}

#[test]
fn a_replacement_in_the_users_own_configuration_must_match() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("mine.conf"), "listen 80;\nserver a;\n").expect("written");
    let adapter = "name: mine\nprogram: {installed: {name: sh}}\nstart: [\"{{ program }}\"]\nconfig:\n  from: mine.conf\n  \
                   replace:\n    - {text: \"listen 80;\", with: \"listen {{ port }};\"}\ncapabilities: {cache: none, ttl: none}\n";
    let file = folder.path().join("mine.yaml");
    let check = |text: &str| {
        std::fs::write(&file, text).expect("written");
        harness(&["check", &file.to_string_lossy()])
    };
    assert_eq!(check(adapter).0, 0, "{}", check(adapter).1);
    let (exit, printed) = check(&adapter.replace("listen 80;\",", "listen 81;\","));
    assert_eq!(exit, 4, "{printed}");
    assert!(printed.contains("`listen 81;` does not occur in"), "{printed}");
    assert!(printed.contains("mine.yaml:7:"), "{printed}");
    let (exit, printed) = check(&adapter.replace("{{ port }}", "{{ prot }}"));
    assert_eq!(exit, 4, "{printed}");
    assert!(printed.contains("did you mean `port`?"), "{printed}");
}

#[test]
fn every_scenario_is_resolved_with_every_adapter_that_is_given() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let file = |name: &str| scenarios.join(name).to_string_lossy().into_owned();
    let (exit, printed) = harness(&["check", &file("ttl.yaml"), &file("suts/squid.yaml"), "nginx"]);
    assert_eq!(exit, 0, "{printed}");
    assert!(printed.contains("ttl.yaml · squid") && printed.contains("ttl.yaml · nginx"), "{printed}");
}

#[test]
fn the_templates_for_submissions_are_sound() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/suts/templates");
    for name in ["python", "c", "rust"] {
        let (exit, printed) = harness(&["check", &templates.join(format!("{name}.yaml")).to_string_lossy()]);
        assert_eq!(exit, 0, "{printed}");
    }
}
