//! A proxy that runs already: pibl and `fake-backends`, each started by hand, and the harness attached to both.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

const SCENARIO: &str = r#"
name: attached
title: {en: "In brief", es: "En breve"}
covers: [REQ-3]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 3KiB}}}}
steps:
  - fill: {keys: 6, path: "/stored/{key}", confirm: 6}
  - serial: {requests: 8, path: "/turn/{n}"}
  - load: {tag: hits, executor: {constant-arrival-rate: {rate: 100/s, duration: 300ms, max_vus: 50}}, path: "/stored/{key}", keys: 5}
  - crash: {after: {least: 10ms, most: 20ms}}
  - restart: {}
checks: {cache.hit: , rr.serial_cycle: , integrity.bodies: , proxy.alive: , persistence.survives_kill: }
thresholds: ["hits: error_rate < 50%"]
"#;

/// Ended when the test is, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Built with an example beside it, for which cargo asks the features of the tests: everything is built already then.
fn program(name: &str) -> PathBuf {
    let build = escargot::CargoBuild::new().args(["--workspace", "--example", "guilty-proxy"]).bin(name);
    let build = if cfg!(debug_assertions) { build } else { build.release() };
    build.run().expect("a program of this workspace builds").path().to_owned()
}

/// Two backends that do nothing of what the scenario wants, until they are told; their addresses, the control's last.
fn backends() -> (Running, Vec<String>) {
    let mut command = Command::new(program("fake-backends"));
    command.args(["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
    let mut child = command.args(["--quiet", "error"]).stdout(Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let address = |line: String| line.rsplit("http://").next().unwrap_or_default().to_owned();
    let addresses = lines.take(3).map(|line| address(line.expect("a line"))).collect();
    (Running(child), addresses)
}

#[test]
fn a_proxy_that_runs_already_is_judged_by_the_journal_of_its_backends() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (mut behind, addresses) = backends();
    let [b1, b2, control] = addresses.as_slice() else { panic!("{addresses:?}") };
    // Nobody else takes it in the moment between: it is of the range that the system gives out in turn.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    std::fs::create_dir(folder.path().join("pibl")).expect("a directory");
    let mut command = Command::new(program("pibl"));
    command.args(["--listen=127.0.0.1", "--ttl=60s", &format!("--port={port}")]);
    command.args([format!("--backend={b1}"), format!("--backend={b2}")]);
    command.arg(format!("--dir={}", folder.path().join("pibl").display()));
    let mut proxy =
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pibl starts"));
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let adapter = format!(
        "name: mine\nprogram: {{attach: {{proxy: 127.0.0.1:{port}, backends: {control}}}}}\n\
         capabilities: {{cache: disk, ttl: {{fixed: 60s}}}}\n"
    );
    let (scenario, adapter) = (write("attached.yaml", SCENARIO), write("mine.yaml", &adapter));
    let run = || -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.arg(&scenario).args(["-v", "--lang", "en", "--sut"]).arg(&adapter);
        command.arg("--out").arg(folder.path().join("reports")).output().expect("the harness runs")
    };
    let output = run();
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}\n{said}");
    for passed in ["cache.hit", "rr.serial_cycle", "integrity.bodies"] {
        assert!(
            text.lines().any(|line| line.contains("✓ pass") && line.contains(passed)),
            "{passed}: {text}"
        );
    }
    for open in ["proxy.alive", "persistence.survives_kill"] {
        let line = text.lines().find(|line| line.contains(open)).unwrap_or_default();
        assert!(line.contains("unsupported") && line.contains("runs already"), "{line}");
    }
    assert!(proxy.0.try_wait().is_ok_and(|ended| ended.is_none()), "it is left alone");
    // A journal that cannot be read must never look like a cache that hits.
    behind.0.kill().and_then(|()| behind.0.wait()).expect("the backends end");
    let output = run();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(control.as_str()) && said.contains("--control"), "{said}");
}
