//! The mending loop as a user goes through it: a failure, its cause, the same once more, what changed, and a look by hand.
//!
//! Each test runs the program `harness` on a guilty proxy. What a defect looks like is the matter of `guilty`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::guilty_proxy;

/// A folder with an adapter of the guilty proxy, and the command that judges it.
struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn with(defect: &str) -> Workshop {
        let workshop = Workshop { folder: tempfile::tempdir().expect("a temporary directory") };
        workshop.mend(defect);
        workshop
    }

    /// The same proxy with another defect, as after a change of its source.
    fn mend(&self, defect: &str) {
        let adapter = self.folder.path().join("guilty.yaml");
        guilty_proxy::write_adapter(&adapter, guilty_proxy::program(), defect);
    }

    fn command(&self, scenario: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command
            .arg(here().join("scenarios").join(format!("{scenario}.yaml")))
            .args(["--sut", "guilty.yaml", "--out", "reports"])
            .args(more)
            .current_dir(self.folder.path())
            .env("LANG", "en_US.UTF-8");
        command
    }

    fn run(&self, scenario: &str, more: &[&str]) -> (Option<i32>, String) {
        let output = self.command(scenario, more).output().expect("the harness runs");
        let printed =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), printed)
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[test]
fn a_failure_is_explained_repeated_alone_and_seen_to_be_mended() {
    let workshop = Workshop::with("always-first");
    let (exit, printed) = workshop.run("turns", &[]);
    assert_eq!(exit, Some(1), "{printed}");
    for part in ["Mend this", "likely cause", "for i in $(seq 9); do curl", "--only rr.serial_cycle"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }

    let (exit, printed) = workshop.run("turns", &["--failed"]);
    assert_eq!(exit, Some(1), "{printed}");
    assert!(printed.contains("still not met: ") && !printed.contains("proxy.alive"), "{printed}");

    workshop.mend("none");
    let (exit, printed) = workshop.run("turns", &["--failed"]);
    assert_eq!(exit, Some(0), "{printed}");
    assert!(printed.contains("now met: "), "{printed}");

    let (exit, printed) = workshop.run("turns", &["--failed"]);
    assert!(exit == Some(4) && printed.contains("nothing to run"), "{printed}");
    let (exit, printed) = workshop.run("turns", &["--only", "ttl.expiry"]);
    assert!(exit == Some(4) && printed.contains("is not asked for"), "{printed}");
}

#[test]
fn a_held_run_stops_at_the_failing_step_and_can_be_asked_by_hand() {
    let workshop = Workshop::with("always-first");
    let mut held = workshop
        .command("turns", &["--hold", "--max-duration", "60s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the harness starts");
    let mut lines = BufReader::new(held.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let stopped = lines.find(|line| line.starts_with("stopped at")).expect("it stops");
    assert!(stopped.contains("rr.serial_cycle"), "{stopped}");
    let addresses = lines.next().expect("the addresses");
    let address = addresses.split("stays up at ").nth(1).and_then(|rest| rest.split(',').next());
    let address = address.unwrap_or_else(|| panic!("{addresses}"));
    let mut proxy = TcpStream::connect(address).expect("the proxy can be reached");
    proxy.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    proxy.write_all(b"GET /by-hand HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    proxy.read_to_end(&mut answer).expect("answered");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));

    let id = rustix::process::Pid::from_child(&held);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("interrupted");
    let output = held.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
}

#[test]
fn a_folder_of_scenarios_is_run_in_the_order_of_its_readme_and_shown_on_one_page() {
    let workshop = Workshop::with("always-first");
    let folder = workshop.folder.path().join("some");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["turns", "stored"] {
        let from = here().join("scenarios").join(format!("{name}.yaml"));
        std::fs::copy(from, folder.join(format!("{name}.yaml"))).expect("a scenario");
    }
    std::fs::write(folder.join("README.md"), "First `turns.yaml`, then `stored.yaml`.").expect("a README");
    std::fs::write(folder.join("notes.txt"), "no scenario").expect("a text");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .args(["some/", "--sut", "guilty.yaml", "--out", "reports", "--lang", "es"])
        .current_dir(workshop.folder.path())
        .output()
        .expect("the harness runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let suite = printed.split("Conjunto de escenarios").nth(1).unwrap_or_else(|| panic!("{printed}"));
    assert!(suite.find("turns") < suite.find("stored") && suite.contains("rr.serial_cycle"), "{suite}");
    assert!(suite.contains("No cumple:") && suite.contains("en 2 escenarios"), "{suite}");
    for language in ["es", "en"] {
        let page = workshop.folder.path().join(format!("reports/some/index.{language}.html"));
        let page = std::fs::read_to_string(page).expect("the page of all");
        let link =
            page.split("href=\"../turns/").nth(1).and_then(|rest| rest.split('"').next()).expect("a link");
        let link = link.split('#').next().expect("a file");
        assert!(workshop.folder.path().join("reports/turns").join(link).is_file(), "{link}");
    }
}
