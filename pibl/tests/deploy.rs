//! The service as systemd runs it: the command lines of `deploy/pibl.service`, word for word, on folders of a test.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::testkit::program::Running;
use crate::testkit::{Backend, field, status};

const UNIT: &str = include_str!("../deploy/pibl.service");

/// The words after `KEY=` in the unit, with its folders replaced by those of the test.
fn words_of(key: &str, directory: &Path) -> Vec<String> {
    let prefix = format!("{key}=");
    let line = UNIT.lines().find_map(|line| line.strip_prefix(&prefix)).expect("the unit has the key");
    let here = directory.to_str().expect("a name in UTF-8");
    line.split(' ')
        .map(|word| match word {
            "/usr/local/bin/pibl" => env!("CARGO_BIN_EXE_pibl").to_owned(),
            "/etc/pibl/pibl.toml" => format!("{here}/pibl.toml"),
            "/var/lib/pibl" => format!("{here}/state"),
            other => other.to_owned(),
        })
        .collect()
}

fn command(key: &str, directory: &Path) -> Command {
    let words = words_of(key, directory);
    assert_eq!(words[0], env!("CARGO_BIN_EXE_pibl"), "the unit runs the installed program");
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).current_dir(directory.join("state"));
    command
}

#[test]
fn the_unit_checks_starts_reloads_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("state")).unwrap();
    let (one, two) = (Backend::echo(), Backend::answering(|_| "HTTP/1.1 204 No Content\r\n\r\n".into()));
    let write = |backend: &Backend| {
        let text = format!(
            "listen = \"127.0.0.1\"\nport = 0\nttl = \"60s\"\nbackends = [\"{}\"]\n",
            backend.address
        );
        std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
    };
    write(&one);
    assert!(command("ExecStartPre", directory.path()).stderr(Stdio::null()).status().unwrap().success());

    let mut service = Running::spawn(command("ExecStart", directory.path()).stdout(Stdio::null()));
    let first = service.get("/first");
    assert_eq!(status(&first), 200);
    assert!(field(&first, "cache-status").is_some(), "{first}");
    // The state directory, and no other place, holds the log and the cache.
    assert!(directory.path().join("state/pibl.log").is_file());
    assert!(directory.path().join("state/cache").is_dir());

    assert_eq!(words_of("ExecReload", directory.path()).join(" "), "/bin/kill -HUP $MAINPID");
    write(&two);
    service.signal(rustix::process::Signal::HUP);
    service.await_line("configuration read again");
    assert_eq!(status(&service.get("/second")), 204);

    assert_eq!(words_of("KillSignal", directory.path()), ["SIGTERM"]);
    service.signal(rustix::process::Signal::TERM);
    assert_eq!(service.exit_code(), Some(0));
}

#[test]
fn the_unit_refuses_to_start_with_a_wrong_configuration() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("state")).unwrap();
    std::fs::write(directory.path().join("pibl.toml"), "backends = [\"no-port\"]\n").unwrap();
    let checked = command("ExecStartPre", directory.path()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(checked.code(), Some(2));
}
