//! Submissions that attack the judge, tried through the program `harness`: what `docs/trust.md` says is refused is refused here.
//!
//! Each test hands in a program with a profile, as a team would, and looks for what it left behind outside its own folder.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::odd;
use crate::ordinary;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Exit code and what was printed.
fn harness(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(ordinary::harness())
        .args(arguments)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code().unwrap_or(-1), said.concat())
}

/// The honest toy proxy in a folder of its own, with more in its profile.
fn hand_in(folder: &Path, more: &str) -> PathBuf {
    let submission = folder.join("handed in").join("team");
    fs::create_dir_all(&submission).expect("a folder");
    for file in ["toy_proxy.py", "pibl-judge.yaml"] {
        let to = submission.join(file.replace("toy_proxy", "proxy"));
        fs::copy(here().join("submissions").join(file), &to).expect("a file of the toy proxy");
    }
    let profile = submission.join("pibl-judge.yaml");
    let text = fs::read_to_string(&profile).expect("the profile") + more;
    fs::write(profile, text).expect("the profile");
    submission
}

#[test]
fn a_profile_says_nothing_that_reaches_beyond_its_submission_unless_it_is_trusted() {
    ordinary::also("trust::a_profile_says_nothing_that_reaches_beyond_its_submission_unless_it_is_trusted");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let marker = folder.path().join("was-here");
    let command = format!("commands: {{stop: [touch, {:?}]}}\n", marker.display().to_string());
    let submission = hand_in(folder.path(), &command);
    let (team, out) = (submission.display().to_string(), folder.path().display().to_string());
    let profile = submission.join("pibl-judge.yaml").display().to_string();

    let (code, said) = harness(&["check", &profile]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("`commands.stop` would act with the rights of whoever runs the harness"), "{said}");
    assert!(said.contains("pibl-judge.yaml:") && said.contains("--trust-profile"), "{said}");
    let (code, said) = harness(&["check", &profile, "--trust-profile"]);
    assert_eq!(code, 0, "{said}");

    // The folder names its profile, and is judged by the same words.
    let scenario = here().join("scenarios/turns.yaml").display().to_string();
    let (code, said) = harness(&["run", &scenario, "--sut", &team, "--out", &out]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("`commands.stop`"), "{said}");

    let rubric = here().join("rubrics/turns.yaml").display().to_string();
    let graded = |more: &[&str]| {
        let mut line = vec!["grade", &rubric, &team, "--out", &out, "--look"];
        line.extend(more);
        harness(&line)
    };
    let (code, said) = graded(&[]);
    assert_eq!(code, 0, "a row for each: {said}");
    assert!(said.contains("`commands.stop`"), "{said}");
    assert!(!marker.exists(), "nothing of it was executed");
    let (_, said) = graded(&["--trust-profile"]);
    assert!(marker.exists(), "the instructor has allowed it: {said}");
}

#[test]
fn a_log_file_that_is_a_link_to_elsewhere_is_neither_read_nor_copied() {
    ordinary::also("trust::a_log_file_that_is_a_link_to_elsewhere_is_neither_read_nor_copied");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let secret = folder.path().join("secret");
    fs::write(&secret, "of the instructor").expect("a file of the instructor");
    let submission = hand_in(folder.path(), "");
    // The link is made while it runs: nothing could have seen it before.
    let proxy = fs::read_to_string(submission.join("proxy.py")).expect("the toy proxy");
    let link = format!("import os\nos.symlink({:?}, 'proxy.log')\n", secret.display().to_string());
    fs::write(submission.join("proxy.py"), link + &proxy.replace("open(\"proxy.log\"", "open(\"other.log\""))
        .expect("its source");
    let (scenario, out) = (here().join("scenarios/turns.yaml"), folder.path().join("reports"));
    let team = submission.display().to_string();
    let line = ["run", &scenario.display().to_string(), "--sut", &team, "--out", &out.display().to_string()];
    let (_, said) = harness(&line);
    let run = out.join("turns/toy/latest");
    let events =
        fs::read_to_string(run.join("events.jsonl")).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert!(events.contains("leads out of its own folder and was not read"), "{events}");
    assert!(!run.join("proxy.log").exists() && !events.contains("of the instructor"));
}

#[test]
fn whoever_runs_the_judge_a_submission_has_a_network_and_folders_of_its_own() {
    ordinary::also("trust::whoever_runs_the_judge_a_submission_has_a_network_and_folders_of_its_own");
    if !ordinary::may_have_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = hand_in(folder.path(), "");
    // Outside, on the network of the host, somebody listens whom it has no business with.
    let host = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = host.local_addr().expect("its address");
    let proxy = fs::read_to_string(submission.join("proxy.py")).expect("the toy proxy");
    let attempt = format!(
        "import socket as s\ntry:\n    s.create_connection(('127.0.0.1', {}), 2)\n    open('reached', 'w')\n\
         except OSError as error:\n    open('not-reached', 'w').write(str(error))\n",
        address.port()
    );
    fs::write(submission.join("proxy.py"), attempt + &proxy).expect("its source");
    let (scenario, out) = (here().join("scenarios/turns.yaml"), folder.path().join("reports"));
    let team = submission.display().to_string();
    let line = ["run", &scenario.display().to_string(), "--sut", &team, "--out", &out.display().to_string()];
    let (code, said) = harness(&line);
    assert_eq!(code, 0, "{said}");
    let manifest = fs::read_to_string(out.join("turns/toy/latest/manifest.json")).expect("a manifest");
    assert!(manifest.contains("private network namespace"), "{manifest}");
    assert!(manifest.contains("folders for temporary files and a home of its own"), "{manifest}");
    let events = fs::read_to_string(out.join("turns/toy/latest/events.jsonl")).expect("events");
    assert!(events.contains("not-reached") && !events.contains("\"reached\""), "{events}");
}

#[test]
fn a_build_has_the_limits_of_a_submission_and_no_network_unless_the_instructor_allows_it() {
    ordinary::also(
        "trust::a_build_has_the_limits_of_a_submission_and_no_network_unless_the_instructor_allows_it",
    );
    if !ordinary::may_have_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = hand_in(folder.path(), "build:\n  - [python3, build.py]\n");
    let (team, out) = (submission.display().to_string(), folder.path().display().to_string());
    let host = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let fetch = format!(
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {}), 2)\nexcept OSError:\n\
         \x20   raise SystemExit('could not resolve host: registry.example.org')\n",
        host.local_addr().expect("its address").port()
    );
    fs::write(submission.join("build.py"), fetch).expect("a build");
    let scenario = here().join("scenarios/turns.yaml").display().to_string();
    let line = ["run", &scenario, "--sut", &team, "--out", &out];
    let (code, said) = harness(&line);
    assert!(code != 0 && said.contains("the judge allows no network in a build"), "{code}: {said}");
    let (code, said) = harness(&[&line[..], &["--build-network"]].concat());
    assert_eq!(code, 0, "{said}");

    let rubric = here().join("rubrics/turns.yaml").display().to_string();
    let (code, said) = harness(&["grade", &rubric, &team, "--out", &out, "--look"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the judge allows no network in a build"), "{said}");
    let grades = fs::read_to_string(Path::new(&out).join("grades/turns/grades.json")).expect("grades");
    assert!(grades.contains("\"triage\": \"needs\""), "nothing that is its own fault: {grades}");
    let (_, said) = harness(&["grade", &rubric, &team, "--out", &out, "--look", "--build-network"]);
    assert!(said.contains("starts and answers"), "{said}");

    // Nobody, as whom the test runs again, has no control group; whatever is lacking is said to everybody.
    let out_of =
        |page: &str| fs::read_to_string(Path::new(&out).join("grades/turns").join(page)).expect("a page");
    let lacks_memory = out_of("grades.json").contains("\"memory\"");
    assert!(ordinary::is_root() || lacks_memory, "{}", out_of("grades.json"));
    if lacks_memory {
        let limit = ["this host limits memory for each", "este computador limita la memoria de cada proceso"];
        for (words, language) in limit.iter().zip(["en", "es"]) {
            for page in ["", "E01/"] {
                let page = out_of(&format!("{page}index.{language}.html"));
                assert!(page.contains(words), "{words}");
            }
        }
    }

    // A build that fills the disk is ended like a program that does.
    let profile = submission.join("pibl-judge.yaml");
    let text = fs::read_to_string(&profile).expect("the profile") + "limits: {written: 20MiB}\n";
    fs::write(&profile, text).expect("the profile");
    let fill =
        "import time\nfor n in range(100):\n    open(str(n), 'wb').write(bytes(1 << 20))\ntime.sleep(100)\n";
    fs::write(submission.join("build.py"), fill).expect("a build");
    let (code, said) = harness(&line);
    assert!(code != 0, "{said}");
    let events = fs::read_to_string(Path::new(&out).join("turns/toy/latest/events.jsonl")).expect("events");
    assert!(events.contains("wrote more than"), "{events}");
}

/// What a program does before it ever listens, and what is recorded of it.
const TOO_MUCH: [(&str, &str, &str); 3] = [
    (
        "writes and never listens",
        "for n in range(60): open(str(n), 'wb').write(bytes(1 << 20))",
        "wrote more than",
    ),
    (
        "writes where no process has it",
        "for n in range(60): file = open('f', 'wb'); os.unlink('f'); file.write(bytes(1 << 20)); file.flush(); \
         socket.send_fds(one, [b'x'], [file.fileno()]); file.close()",
        "wrote more than",
    ),
    (
        "takes the memory that is there for what it writes",
        "while len(kept) < 150: kept.append(b'x' * (1 << 20)); time.sleep(0.01)",
        "used up the memory",
    ),
];

#[test]
fn who_takes_too_much_where_nobody_looks_or_before_it_listens_is_ended_all_the_same() {
    ordinary::also("trust::who_takes_too_much_where_nobody_looks_or_before_it_listens_is_ended_all_the_same");
    if !ordinary::may_have_namespaces() {
        return;
    }
    for (what, script, recorded) in TOO_MUCH {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let limits =
            if recorded.contains("memory") { "written: 512MiB, memory: 100MiB" } else { "written: 20MiB" };
        let submission = hand_in(folder.path(), &format!("limits: {{{limits}}}\nready_within: 20s\n"));
        // It stays when it is refused, or what it holds would be gone before anybody looks.
        let script = format!(
            "import os, socket, time\nkept, (one, other) = [], socket.socketpair()\ntry:\n    {script}\nexcept OSError as \
             error:\n    print(error)\ntime.sleep(600)\n"
        );
        fs::write(submission.join("proxy.py"), script).expect("its source");
        let (scenario, out) = (here().join("scenarios/turns.yaml"), folder.path().join("reports"));
        let (team, out_shown) = (submission.display().to_string(), out.display().to_string());
        let line = ["run", &scenario.display().to_string(), "--sut", &team, "--out", &out_shown];
        let (code, said) = harness(&line);
        let read =
            |name: &str| fs::read_to_string(out.join("turns/toy/latest").join(name)).expect("a record");
        let (manifest, events) = (read("manifest.json"), read("events.jsonl"));
        let needed = if recorded.contains("memory") { "limited: memory" } else { "a disk of its own" };
        if !manifest.contains("a disk of its own") || !manifest.contains(needed) {
            eprintln!("skipped, {what}: this host gives no {needed}: {manifest}");
            continue;
        }
        assert!(code != 0 && events.contains(recorded), "{what}: {code}: {said}\n{events}");
    }
}

#[test]
fn what_lies_in_the_place_of_a_profile_is_not_waited_for() {
    ordinary::also("trust::what_lies_in_the_place_of_a_profile_is_not_waited_for");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let submission = hand_in(folder.path(), "");
    let profile = submission.join("pibl-judge.yaml");
    let scenario = here().join("scenarios/turns.yaml").display().to_string();
    let (team, shown) = (submission.display().to_string(), profile.display().to_string());
    let pipe = |place: &Path| {
        let status = Command::new("mkfifo").arg(place).status().expect("mkfifo");
        assert!(status.success());
    };
    let zero = |place: &Path| std::os::unix::fs::symlink("/dev/zero", place).expect("a link");
    let long = |place: &Path| fs::File::create(place).and_then(|it| it.set_len(5 << 30)).expect("a file");
    let put: [&dyn Fn(&Path); 3] = [&pipe, &zero, &long];
    let told = [("a pipe", "no file"), ("a device", "no file"), ("5 GiB", "is longer than")];
    for (put, (what, words)) in put.into_iter().zip(told) {
        fs::remove_file(&profile).expect("what was there");
        put(&profile);
        for line in [&["check", &shown][..], &["run", &scenario, "--sut", &team], &["check", &team]] {
            let (code, said) = harness(line);
            assert_eq!(code, 4, "{what}: {line:?}: {said}");
            assert!(said.contains(words), "{what}: {line:?}: {said}");
        }
    }
}

#[test]
fn a_record_that_is_not_what_the_run_has_written_is_said_everywhere_and_never_passes() {
    ordinary::also(
        "trust::a_record_that_is_not_what_the_run_has_written_is_said_everywhere_and_never_passes",
    );
    let folder = tempfile::tempdir().expect("a temporary directory");
    let team = hand_in(folder.path(), "").display().to_string();
    let (scenario, out) = (here().join("scenarios/turns.yaml"), folder.path().join("reports"));
    let line = ["run", &scenario.display().to_string(), "--sut", &team, "--out", &out.display().to_string()];
    let (code, said) = harness(&line);
    assert_eq!(code, 0, "{said}");
    let run = out.join("turns/toy/latest").canonicalize().expect("the run");
    let shown = run.display().to_string();
    let report = || harness(&["report", &shown]);
    assert_eq!(report().0, 0, "as it was written");
    let everywhere = |words: &str| {
        let (code, said) = report();
        assert!(code != 0 && said.contains(words), "{code}: {said}");
        for page in ["report.en.html", "summary.md", "verdicts.json", "junit.xml"] {
            let text = fs::read_to_string(run.join(page)).expect("a page");
            assert!(text.contains(words), "{page} is silent about it");
        }
    };
    let swap = |file: &str, change: &dyn Fn(String) -> String| {
        let path = run.join(file);
        let before = fs::read_to_string(&path).expect("a file of the record");
        fs::write(&path, change(before.clone())).expect("the file");
        before
    };
    let before = swap("events.jsonl", &|text| text.replacen("\"b2\"", "\"b1\"", 1));
    everywhere("events.jsonl changed since the run");
    fs::write(run.join("events.jsonl"), before).expect("as it was");
    fs::rename(run.join("manifest.json"), run.join("kept")).expect("no manifest");
    everywhere("the record has no manifest");
    fs::rename(run.join("kept"), run.join("manifest.json")).expect("as it was");
    assert_eq!(report().0, 0, "whole again");
    for file in ["plan.json", "manifest.json"] {
        let before = swap(file, &|text| text.replacen("\"format\": 1", "\"format\": 999", 1));
        let (code, said) = report();
        assert!(code == 4 && said.contains("format 999"), "{file}: {code}: {said}");
        fs::write(run.join(file), before).expect("as it was");
    }
}

const KILLED: &str = r#"
name: asked
title: {en: "Asked", es: "Preguntado"}
covers: [REQ-8a]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 8KiB}}}}
steps:
  - fill: {keys: 4, path: "/kept/{key}", confirm: 4, as: kept}
  - crash: {vus: 1, path: "/write/{n}", after: {least: 60ms, most: 100ms}}
  - backends: {down: all}
  - restart: {}
  - reread: {of: kept, keys: confirmed}
checks:
  cache.hit:
  persistence.survives_kill:
  integrity.bodies:
"#;

#[test]
fn a_body_that_no_backend_gave_is_not_taken_for_one_that_was_kept() {
    ordinary::also("trust::a_body_that_no_backend_gave_is_not_taken_for_one_that_was_kept");
    for habit in ["computes", "copies"] {
        let run = odd::run(habit, KILLED);
        assert_eq!(run.outcome("cache.hit"), "pass", "{habit}: {}", run.printed);
        for check in ["persistence.survives_kill", "integrity.bodies"] {
            assert_eq!(run.outcome(check), "fail", "{habit}: {}", run.printed);
        }
        assert!(run.printed.contains("no backend of this run ever gave it"), "{habit}: {}", run.printed);
        assert!(!run.printed.contains("secret"), "{}", run.printed);
    }
}
