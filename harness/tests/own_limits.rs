//! What the judge's own arithmetic, its own limits and its own surroundings must not do to a verdict: rows of `docs/trust-rows.md`.
//!
//! Each runs the program `harness` as a user would, as root and once more as an ordinary user, on a proxy of `odd` or on one that is
//! handed in. What only root of a namespace may do to its surroundings is done by `unshare`.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::interruption::wait_for;
use crate::{odd, ordinary};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A scenario that asks by load, with these thresholds.
fn load(executor: &str, thresholds: &str) -> String {
    format!(
        r#"
name: asked
title: {{en: "Load", es: "Carga"}}
covers: [REQ-3]
backends: {{count: 2, script: {{otherwise: {{respond: {{body: 1KiB}}}}}}}}
steps:
  - load: {{tag: all, path: "/{{n}}", executor: {{constant-arrival-rate: {{{executor}}}}}, timeout: 4s}}
checks:
  proxy.alive:
  integrity.bodies:
thresholds: [{thresholds}]
"#
    )
}

/// Rulings on thresholds, with their sentences in English.
fn rulings(run: &odd::Run) -> Vec<(String, String)> {
    let rows = run.verdicts["thresholds"].as_array().expect("thresholds").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    rows.map(|row| (text(&row["ruling"]), text(&row["sentence"]["en"]))).collect()
}

/// Each "a of b" in the sentences of a run, as numbers.
fn counted(run: &odd::Run) -> Vec<(u64, u64)> {
    let rows = run.verdicts["verdicts"].as_array().expect("verdicts");
    let number = |word: &str| word.replace(',', "").parse::<u64>().ok();
    let mut found = Vec::new();
    for row in rows {
        let sentence = row["sentence"]["en"].as_str().expect("a sentence").to_owned();
        let words: Vec<&str> = sentence.split([' ', '\u{a0}', ';', ':']).collect();
        for three in words.windows(3).filter(|three| three[1] == "of") {
            found.extend(number(three[0]).zip(number(three[2])));
        }
    }
    found
}

#[test]
fn an_answer_that_no_backend_gave_is_not_a_right_one() {
    ordinary::also("own_limits::an_answer_that_no_backend_gave_is_not_a_right_one");
    let asked = |text: &str, name: &str| text.replace(&format!("\nname: {name}\n"), "\nname: asked\n");
    let expiry = asked(include_str!("../../scenarios/ttl.yaml"), "ttl");
    let turns = asked(include_str!("../../scenarios/fairness.yaml"), "fairness");
    let under_load = load("rate: 50/s, duration: 2s", "");
    std::thread::scope(|scope| {
        for scenario in [&expiry, &turns, &under_load] {
            scope.spawn(move || {
                let run = odd::run("forwards-a-little", scenario);
                assert_eq!(run.outcome("integrity.bodies"), "inconclusive", "{}", run.printed);
                let sentence = run.row("integrity.bodies")["sentence"]["en"].as_str().expect("a sentence");
                assert!(sentence.contains("came from no backend"), "{sentence}");
                assert_ne!(run.exit, 0, "{}", run.printed);
                assert!(!run.printed.contains("single read"), "{}", run.printed);
                for (some, all) in counted(&run) {
                    assert!(some <= all, "{some} of {all}: {}", run.printed);
                }
            });
        }
    });
}

#[test]
fn counts_add_up_where_answers_under_load_are_wrong() {
    ordinary::also("own_limits::counts_add_up_where_answers_under_load_are_wrong");
    let run = odd::run("damages-later", &load("rate: 50/s, duration: 2s", ""));
    assert_eq!(run.outcome("integrity.bodies"), "fail", "{}", run.printed);
    let counted = counted(&run);
    assert!(counted.iter().any(|(some, all)| *all == 100 && (1..=100).contains(some)), "{counted:?}");
    assert!(counted.iter().all(|(some, all)| some <= all), "{counted:?}: {}", run.printed);
}

#[test]
fn what_our_own_side_runs_out_of_is_named_and_decides_nothing() {
    ordinary::also("own_limits::what_our_own_side_runs_out_of_is_named_and_decides_nothing");
    let mut few = Command::new("sh");
    few.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\""]).arg(ordinary::harness());
    let scenario =
        load("rate: 400/s, duration: 2s, max_vus: 600", "\"all: error_rate < 1%\", \"all: rate > 300/s\"");
    let run = odd::run_by(few, "hangs", &scenario, &[]);
    assert_eq!(run.exit, 2, "{}", run.printed);
    for (ruling, sentence) in rulings(&run) {
        assert_eq!(ruling, "inconclusive", "{sentence}");
        assert!(sentence.contains("ulimit -n"), "{sentence}");
        assert!(run.printed.contains("ulimit -n"), "on the screen: {}", run.printed);
    }
}

#[test]
fn a_rate_is_that_of_the_whole_step_and_one_request_proves_none() {
    ordinary::also("own_limits::a_rate_is_that_of_the_whole_step_and_one_request_proves_none");
    for (executor, threshold, highest) in [
        ("rate: 1/s, duration: 100ms", "\"all: rate > 10.5/s\"", 10.0),
        ("rate: 10/s, duration: 1s", "\"all: rate > 10.5/s\"", 10.0),
    ] {
        let run = odd::run("honest", &load(executor, threshold));
        let row = &run.verdicts["thresholds"][0];
        assert_ne!(row["ruling"], "pass", "{executor}: {}", run.printed);
        assert!(row["observed"].as_f64().is_some_and(|rate| rate <= highest + 1e-9), "{executor}: {row}");
    }
}

#[test]
fn the_end_of_the_time_is_heard_where_every_connection_is_refused() {
    ordinary::also("own_limits::the_end_of_the_time_is_heard_where_every_connection_is_refused");
    let steps = [
        "serial: {requests: 1000000, path: \"/{n}\"}",
        "fill: {keys: 1000000, path: \"/{key}\", as: all, vus: 50}",
    ];
    for step in steps {
        let scenario = load("rate: 1/s, duration: 1s", "");
        let (before, after) = scenario.split_once("  - load").expect("a step");
        let after = after.split_once('\n').expect("a line").1;
        let run = odd::run_told(
            "leaves-its-port",
            &format!("{before}  - {step}\n{after}"),
            &["--max-duration", "2s"],
        );
        assert_eq!(run.exit, 5, "{step}: {}", run.printed);
        assert!(run.printed.contains("THE RUN WAS CUT"), "{step}: {}", run.printed);
    }
}

/// The honest toy proxy in a folder of its own, begun by these lines of Python.
fn hand_in(folder: &Path, first: &str) -> PathBuf {
    let team = folder.join("team");
    fs::create_dir_all(&team).expect("a folder");
    let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let (words, rest) = source.split_once("import argparse").expect("its first import");
    fs::write(team.join("proxy.py"), format!("{words}{first}import argparse{rest}")).expect("its source");
    fs::copy(here().join("submissions/pibl-judge.yaml"), team.join("pibl-judge.yaml")).expect("its profile");
    team
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// `harness run` of the turns in brief on a team, into this folder.
fn turns(harness: &mut Command, team: &Path, out: &Path) -> Output {
    harness.arg("run").arg(here().join("scenarios/turns.yaml")).arg("--sut").arg(team).arg("--out").arg(out);
    harness.output().expect("the harness runs")
}

fn harness_in(language: &str) -> Command {
    let mut harness = Command::new(ordinary::harness());
    harness.env("LANG", if language == "es" { "es_CO.UTF-8" } else { "en_US.UTF-8" });
    harness
}

#[test]
fn a_program_that_asks_for_an_address_of_this_host_finds_one() {
    ordinary::also("own_limits::a_program_that_asks_for_an_address_of_this_host_finds_one");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let team = hand_in(
        folder.path(),
        "import socket as s\nfor name in (None, '127.0.0.1', 'localhost'):\n    \
         assert s.getaddrinfo(name, 80, s.AF_INET, s.SOCK_STREAM, 0, s.AI_PASSIVE | s.AI_ADDRCONFIG)\n",
    );
    let output = turns(&mut harness_in("en"), &team, &folder.path().join("out"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// A program as it is handed in, and the words by which both languages say why no system executes it.
const UNFIT: [(&[u8], &str, &str); 2] = [
    (b"#!/usr/bin/env python3\r\nprint(1)\r\n", "ends with CR LF", "termina en CR LF"),
    (
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\xff\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "built for another kind of machine",
        "compilado para otro tipo de computador",
    ),
];

#[test]
fn what_no_system_executes_is_told_by_its_true_reason_in_both_languages() {
    ordinary::also("own_limits::what_no_system_executes_is_told_by_its_true_reason_in_both_languages");
    use std::os::unix::fs::PermissionsExt as _;
    for (bytes, english, spanish) in UNFIT {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let team = hand_in(folder.path(), "");
        fs::write(team.join("run"), bytes).expect("a program");
        fs::set_permissions(team.join("run"), fs::Permissions::from_mode(0o755)).expect("its mode");
        let profile = "name: toy\nprogram: {own: run}\nstart: [\"{{ program }}\", \"{{ port }}\"]\n\
                       capabilities: {cache: none, ttl: none}\n";
        fs::write(team.join("pibl-judge.yaml"), profile).expect("its profile");
        for (language, words) in [("en", english), ("es", spanish)] {
            let output = turns(&mut harness_in(language), &team, &folder.path().join("out"));
            let said = said(&output);
            assert_eq!(output.status.code(), Some(3), "{said}");
            assert!(said.contains(words) && !said.contains("chmod"), "{said}");
        }
    }
}

#[test]
fn a_scenario_in_json_is_checked_and_carried_out() {
    ordinary::also("own_limits::a_scenario_in_json_is_checked_and_carried_out");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (team, file) = (hand_in(folder.path(), ""), folder.path().join("asked.json"));
    let scenario = r#"{"name": "asked", "title": {"en": "Asked", "es": "Preguntado"}, "covers": ["REQ-5"],
        "backends": {"count": 2, "script": {"otherwise": {"respond": {"body": "1KiB"}}}},
        "steps": [{"serial": {"requests": 4, "path": "/{n}"}}], "checks": {"integrity.bodies": null}}"#;
    fs::write(&file, scenario).expect("a scenario");
    let checked = harness_in("en").arg("check").arg(&file).output().expect("the harness runs");
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let out = folder.path().join("out");
    let run = |file: &Path| {
        let mut harness = harness_in("en");
        harness.arg("run").arg(file).arg("--sut").arg(&team).arg("--out").arg(&out);
        let output = harness.output().expect("the harness runs");
        (output.status.code(), said(&output))
    };
    let (code, said) = run(&file);
    assert_eq!(code, Some(0), "{said}");
    // The plan that it has left lies in JSON too, and is one.
    let plan = out.join("asked/toy/latest/plan.json");
    let (code, said) = run(&plan);
    assert_eq!(code, Some(0), "{said}");
    fs::write(&file, r#"{"adapter": 3}"#).expect("what is no plan");
    let (code, said) = run(&file);
    assert!(code == Some(4) && said.contains("not a plan") && !said.contains("missing field"), "{said}");
}

#[test]
fn a_run_that_nobody_hears_of_ends_in_a_sentence() {
    ordinary::also("own_limits::a_run_that_nobody_hears_of_ends_in_a_sentence");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let team = hand_in(folder.path(), "");
    for (language, words) in [("en", "could not print"), ("es", "no se pudo imprimir")] {
        let mut harness = harness_in("en");
        harness.stdout(fs::File::create("/dev/full").expect("a full disk")).stderr(Stdio::piped());
        harness.arg("run").arg(here().join("scenarios/turns.yaml")).args(["--lang", language]);
        harness.arg("--sut").arg(&team).arg("--out").arg(folder.path().join("out"));
        let output =
            harness.spawn().and_then(std::process::Child::wait_with_output).expect("the harness runs");
        let said = said(&output);
        assert!(output.status.code() == Some(4) && said.contains(words), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        assert!(folder.path().join("out/turns/toy/latest/events.jsonl").exists(), "the record is kept");
    }
}

/// Runs the harness where these commands have changed what is mounted; `None` where the host allows it to nobody, which is said.
fn surrounded(by: &str) -> Option<Command> {
    let rights = if ordinary::is_root() { "-m" } else { "-Urm" };
    let allowed = Command::new("unshare").args([rights, "true"]).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this host lets nobody mount");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args([rights, "sh", "-ec", &format!("{by}; exec \"$0\" \"$@\"")]).arg(ordinary::harness());
    command.env("LANG", "en_US.UTF-8");
    Some(command)
}

#[test]
fn reports_that_have_no_room_or_are_gone_end_in_a_sentence() {
    ordinary::also("own_limits::reports_that_have_no_room_or_are_gone_end_in_a_sentence");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (team, full) = (hand_in(folder.path(), ""), folder.path().join("full"));
    fs::create_dir(&full).expect("a folder");
    for room in ["4k", "64k", "300k"] {
        let by = format!("mount -t tmpfs -o mode=777,size={room} none {}", full.display());
        let Some(mut harness) = surrounded(&by) else { break };
        let output = turns(&mut harness, &team, &full);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(4), "{room}: {said}");
        assert!(said.contains("could not") && !said.contains("panicked"), "{room}: {said}");
    }
    let (file, out) = (folder.path().join("waits.yaml"), folder.path().join("gone"));
    let waits = load("rate: 5/s, duration: 1s", "").replace("steps:\n", "steps:\n  - wait: 2s\n");
    fs::write(&file, waits).expect("a scenario");
    let mut harness = harness_in("en");
    harness.arg("run").arg(&file).arg("--sut").arg(&team).arg("--out").arg(&out);
    let running = harness.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the harness runs");
    let begun = || {
        let run = fs::read_dir(out.join("asked/toy")).ok()?.flatten().next()?.path();
        let events = fs::read_to_string(run.join("events.jsonl")).ok()?;
        events.contains("step_started").then_some(())
    };
    wait_for("the first step", begun);
    fs::remove_dir_all(&out).expect("the reports go");
    let output = running.wait_with_output().expect("the harness runs");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("could not read") && !said.contains("panicked"), "{said}");
}

#[test]
fn what_cannot_be_measured_here_is_said() {
    ordinary::also("own_limits::what_cannot_be_measured_here_is_said");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (team, out) = (hand_in(folder.path(), ""), folder.path().join("out"));
    // A host without any of it, and one that masks what the judge would like to know.
    if let Some(mut harness) = surrounded("mount -t tmpfs none /proc") {
        let output = turns(&mut harness, &team, &out);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("/proc mounted?") && !said.contains("panicked"), "{said}");
    }
    for masked in ["/proc/stat", "/proc/meminfo", "/proc/loadavg"] {
        if let Some(mut harness) = surrounded(&format!("mount --bind /dev/null {masked}")) {
            let output = turns(&mut harness, &team, &out);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(0), "{masked}: {said}");
        }
    }
}
