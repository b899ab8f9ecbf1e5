//! `harness init` on the untidy folders that people hand in, each without an edit: the adapter that it writes must be right, as a
//! short run shows, or the command must say what is open.
//!
//! The folders lie in `tests/layouts` and `tests/blind`. What a machine has no tools for says so and is left out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Forward, turns and hits: the least that shows that port and backends are told and that the cache is asked.
const SCENARIO: &str = "name: layout\ntitle: {en: \"Layout\", es: \"Estructura\"}\ncovers: [REQ-5]\nproxy: {ttl: 1h}\n\
    backends: {count: 3, script: {otherwise: {respond: {body: 1KiB}}}}\nsteps:\n\
    \x20 - exchange: {asks: forward.once, path: \"/once/{n}\", times: 3}\n\
    \x20 - serial: {requests: 12, path: \"/turn/{n}\", connections: each}\n\
    \x20 - fill: {keys: 5, path: \"/hit/{key}\", confirm: 5, vus: 1}\n\
    checks:\n  forward.once:\n  rr.serial_cycle:\n  proxy.alive:\n";

/// One at a time: `init` gives a program seconds to listen and looks at what lives for two, and others run beside these tests.
static TURN: Mutex<()> = Mutex::new(());

fn harness(arguments: &[&str]) -> (i32, String) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Whether a layout has a cache, and whether `init` can know where.
#[derive(Clone, Copy, PartialEq)]
enum Cache {
    Files,
    /// It is asked where it lies.
    Elsewhere,
    None,
}

/// What `init` writes for a copy of a layout, once it was run without an edit.
fn right(layout: &str, tool: &str, cache: Cache) -> String {
    if is_missing(tool) {
        return String::new();
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let proxy = folder.path().join("the proxy");
    copy(&here().join(layout), &proxy);
    let expected = if cache == Cache::Elsewhere { 2 } else { 0 };
    let file = proxy.join("pibl-judge.yaml");
    let (mut exit, mut said) = harness(&["init", &proxy.to_string_lossy()]);
    if exit != expected {
        // What a busy host has left open is looked at once more.
        let _ = std::fs::remove_file(&file);
        (exit, said) = harness(&["init", &proxy.to_string_lossy()]);
    }
    let adapter = std::fs::read_to_string(&file).unwrap_or_default();
    // What is open is said by the exit code and in the file.
    assert_eq!(exit, expected, "{layout}: {said}\n{adapter}");
    assert_eq!(adapter.contains("OPEN"), cache == Cache::Elsewhere, "{layout}: {said}\n{adapter}");
    if cache == Cache::Files {
        assert!(adapter.contains("told 1 h, they were not"), "{layout}: {said}\n{adapter}");
    }
    let scenario = folder.path().join("layout.yaml");
    let more = if cache == Cache::None { "" } else { "  cache.hit:\n" };
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
    let (exit, printed) = harness(&arguments);
    assert_eq!(exit, 0, "{layout}: {printed}\n{adapter}");
    adapter
}

#[test]
fn main_in_one_file_and_listen_in_another() {
    let adapter = right("layouts/c_two_files", "gcc", Cache::None);
    assert!(adapter.is_empty() || adapter.contains("\"pibl.conf\""), "{adapter}");
}

#[test]
fn one_letter_of_latin1() {
    right("layouts/latin1", "python3", Cache::Files);
}

#[test]
fn a_web_server_beside_is_not_the_proxy() {
    let adapter = right("layouts/web_server_beside", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("\"balanceador.py\""), "{adapter}");
}

#[test]
fn bare_addresses_with_one_port_for_all() {
    let adapter = right("layouts/bare_addresses", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("one_port: 8000"), "{adapter}");
}

#[test]
fn a_listener_on_the_loopback_of_ipv6_alone() {
    let adapter = right("layouts/ipv6_alone", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("fixed_host: \"::1\""), "{adapter}");
}

#[test]
fn what_an_old_editor_saved_among_copies_and_an_environment() {
    if is_missing("python3") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let proxy = folder.path().join("entrega final");
    let write = |name: &str, text: &str| {
        let path = proxy.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text.chars().map(|c| c as u8).collect::<Vec<u8>>()).expect("written");
    };
    let source = std::fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let said = "# -*- coding: latin-1 -*-\n# A\u{f1}adir aqu\u{ed} los servidores\n";
    write("proxy.py", &format!("{said}{source}").replace('\n', "\r\n"));
    for copy in ["v1/proxy.py", "proxy - copia.py", "entorno/lib/python3.9/site-packages/server.py"] {
        write(
            copy,
            "import socket\ns = socket.socket()\ns.bind(('', 8080))\ns.listen()\ns.connect(('a', 1))\n",
        );
    }
    write("entorno/bin/activate", "");
    let (exit, said) = harness(&["init", &proxy.to_string_lossy()]);
    let adapter = std::fs::read_to_string(proxy.join("pibl-judge.yaml")).unwrap_or_default();
    assert_eq!(exit, 0, "{said}\n{adapter}");
    assert!(adapter.contains("# proxy.py:") && !adapter.contains("copia"), "{adapter}");
}

/// A name that is right today alone would be wrong in silence.
#[test]
fn a_log_with_the_day_in_its_name_is_found_on_another_day_too() {
    if is_missing("python3") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let proxy = folder.path().join("proxy");
    std::fs::create_dir(&proxy).expect("a folder");
    let source = std::fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let dated = source.replace(
        "log = open(\"proxy.log\"",
        "os.makedirs(\"logs\", exist_ok=True)\nlog = open(time.strftime(\"logs/pibl-%Y-%m-%d.log\")",
    );
    assert_ne!(dated, source);
    std::fs::write(proxy.join("proxy.py"), dated).expect("written");
    let (exit, said) = harness(&["init", &proxy.to_string_lossy()]);
    let file = proxy.join("pibl-judge.yaml");
    let adapter = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(exit == 0 && adapter.contains("log_file: \"logs/pibl-*.log\""), "{said}\n{adapter}");
    let (scenario, out) = (here().join("scenarios/logged.yaml"), folder.path().join("out"));
    let [scenario, file, out] = [&scenario, &file, &out].map(|path| path.to_string_lossy());
    let (exit, said) = harness(&["run", &scenario, "--sut", &file, "--out", &out, "--only", "log.file"]);
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn settings_in_the_environment() {
    right("layouts/env_file", "python3", Cache::Files);
}

#[test]
fn a_file_that_only_an_argument_names_and_folders_that_must_exist() {
    let adapter = right("layouts/json_argument", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("directories: [\"datos/cache\", \"logs\""), "{adapter}");
}

#[test]
fn a_cache_in_memory_is_asked_about() {
    let adapter = right("layouts/http_server", "python3", Cache::Elsewhere);
    assert!(adapter.is_empty() || adapter.contains("cache: disk"), "{adapter}");
}

#[test]
fn settings_that_are_typed() {
    let adapter = right("layouts/keyboard", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("stdin: \"{{ port }}"), "{adapter}");
}

#[test]
fn options_behind_getopt_and_a_compiler_line_in_the_readme() {
    let adapter = right("layouts/c_getopt", "gcc", Cache::None);
    assert!(adapter.is_empty() || adapter.contains("\"-Wall\""), "{adapter}");
}

#[test]
fn a_compiler_line_and_a_call_in_a_comment_and_a_port_without_a_word() {
    let adapter = right("layouts/c_comment", "gcc", Cache::None);
    assert!(adapter.is_empty() || adapter.contains("\"lista.txt\": \"{{ port }}"), "{adapter}");
}

#[test]
fn a_second_look_keeps_what_was_edited() {
    if is_missing("python3") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory");
    let proxy = folder.path().join("proxy");
    copy(&here().join("layouts/web_server_beside"), &proxy);
    let (exit, said) = harness(&["init", &proxy.to_string_lossy()]);
    assert_eq!(exit, 0, "{said}");
    let file = proxy.join("pibl-judge.yaml");
    let first = std::fs::read_to_string(&file).expect("an adapter");
    std::fs::write(
        &file,
        first.replace("log_file: \"log.txt\"", "log_file: \"log.txt\"   # the one we mean"),
    )
    .expect("written");
    let (exit, said) = harness(&["init", "--again", &proxy.to_string_lossy()]);
    assert_eq!(exit, 0, "{said}");
    assert!(said.contains("kept as they were edited: log_file"), "{said}");
    let second = std::fs::read_to_string(&file).expect("an adapter");
    assert!(second.contains("# the one we mean") && second.contains("start:"), "{second}");
}

#[test]
fn a_port_of_htons_that_is_the_backends() {
    let adapter = right("layouts/c_backend_port", "make", Cache::None);
    assert!(adapter.is_empty() || adapter.contains("one_port: 80"), "{adapter}");
    // What its build makes is no cache, and never wiped.
    assert!(!adapter.contains("wipe:"), "{adapter}");
}

#[test]
fn modules_of_rust_and_numbers_in_place_of_addresses() {
    right("layouts/rust_modules", "cargo", Cache::None);
}

#[test]
fn a_program_of_node() {
    right("layouts/node_json", "node", Cache::Files);
}

#[test]
#[ignore = "an entry that lives a minute is waited for"]
fn numbered_sections_and_a_ttl_in_minutes() {
    let adapter = right("layouts/cfg_sections", "python3", Cache::Files);
    assert!(adapter.is_empty() || adapter.contains("ttl_step: 1m"), "{adapter}");
}

#[test]
fn the_blind_ones() {
    for (layout, tool) in [("blind/python", "python3"), ("blind/c", "make"), ("blind/rust", "cargo")] {
        right(layout, tool, Cache::Files);
    }
}
