//! The program as a person uses it: started, asked, ended with Ctrl-C, and told wrong things.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use fake_backends::content::Secret;
use fake_backends::journal::{Attempt, Outcome};
use predicates::str::contains;

use crate::testkit::{self, Client};

/// The running program; killed when a test fails.
struct Program {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-backends"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().unwrap());
        Program { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// The address in a line that says where a backend listens.
    fn address(&mut self) -> std::net::SocketAddr {
        let line = self.line();
        line.trim().rsplit("http://").next().unwrap().parse().unwrap_or_else(|_| panic!("{line:?}"))
    }

    /// Sends Ctrl-C; the exit code and what was still printed.
    fn end(mut self) -> (Option<i32>, String) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After `end` there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn requests_are_printed_journalled_and_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("requests.jsonl");
    let mut program = Program::start(&[
        "--listen",
        "127.0.0.1:0",
        "error",
        "--status",
        "418",
        "--every",
        "2",
        "--journal",
        journal.to_str().unwrap(),
    ]);
    let mut client = Client::connect(program.address());
    assert_eq!((client.get("/one").head.status, client.get("/two").head.status), (200, 418));
    assert!(program.line().contains("b1 #1 GET /one -> 200"));
    assert!(program.line().contains("b1 #2 GET /two -> 418"));
    let (code, summary) = program.end();
    assert_eq!(code, Some(0));
    assert!(summary.contains("b1: 2 requests (2 answered)"), "{summary}");
    let written = std::fs::read_to_string(journal).unwrap();
    let attempts: Vec<Attempt> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (attempts.len(), attempts[1].status, &attempts[1].outcome),
        (2, Some(418), &Outcome::Answered)
    );
}

#[test]
fn a_file_starts_several_backends() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("backends.yaml");
    let text = "backends:\n  - {name: good, listen: '127.0.0.1:0'}\n  - name: bad\n    listen: 127.0.0.1:0\n    plan: {error: {status: 500}}\n";
    std::fs::write(&file, text).unwrap();
    let mut program = Program::start(&["--quiet", "--file", file.to_str().unwrap()]);
    let (good, bad) = (program.address(), program.address());
    assert_eq!(Client::connect(good).get("/").head.stamp(Secret::NONE).unwrap().backend, "good");
    assert_eq!(Client::connect(bad).get("/").head.status, 500);
    let (code, summary) = program.end();
    assert_eq!((code, summary.lines().count()), (Some(0), 2), "{summary}");
}

#[test]
fn a_refusing_backend_keeps_its_port_and_does_not_listen() {
    let mut program = Program::start(&["--listen", "127.0.0.1:0", "refuse"]);
    let address = program.address();
    let refused = std::net::TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    assert!(other.bind(&address.into()).is_err(), "the port is taken");
    assert_eq!(program.end(), (Some(0), "no request came\n".into()));
}

fn refused(arguments: &[&str]) -> assert_cmd::assert::Assert {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_fake-backends"))
        .args(arguments)
        .timeout(testkit::PATIENCE)
        .assert()
        .failure()
}

#[test]
fn what_cannot_be_done_is_refused_with_the_way_out() {
    refused(&["--listen", "0.0.0.0:0", "echo"]).code(2).stderr(contains("--allow-remote"));
    refused(&["slow", "--delay", "20"]).code(2).stderr(contains("no unit"));
    refused(&["error", "--status", "99"]).code(2).stderr(contains("200 to 599"));
    refused(&["--quiet"]).code(2).stderr(contains("no behaviour given"));
    refused(&["reset", "--after", "10KiB"]).code(2).stderr(contains("would never happen, the body has 1KiB"));
    refused(&["explode"]).code(2).stderr(contains("unrecognized subcommand"));
    refused(&["--file", "/nonexistent.yaml"]).code(2).stderr(contains("could not read /nonexistent.yaml"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["--listen", &address, "echo"])
        .code(1)
        .stderr(contains(format!("could not listen on {address}")));
    refused(&["--journal", "/nonexistent/x", "echo"]).code(1).stderr(contains("could not open the journal"));
}
