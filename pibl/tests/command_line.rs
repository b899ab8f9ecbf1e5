//! What a user of the command sees: messages, exit codes, signals.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use predicates::str::contains;

use crate::testkit::program::Running;
use crate::testkit::proof::Asker;
use crate::testkit::{Backend, Client, PATIENCE, field, status, wait_until};

/// A command in a directory of its own.
fn pibl(directory: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_pibl"));
    command.current_dir(directory).timeout(PATIENCE);
    command
}

fn named(name: &'static str) -> Backend {
    Backend::answering(move |_| {
        let head = "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0";
        format!("{head}\r\nX-Backend: {name}\r\n\r\n")
    })
}

#[test]
fn a_valid_configuration_passes_the_check() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("pibl.toml"), "port = 8080\nbackends = [\"a:1\", \"b:2\"]\n")
        .unwrap();
    pibl(directory.path()).arg("--check").assert().code(0).stderr(contains("valid: 2 backends"));
}

#[test]
fn wrong_configurations_end_with_2_a_place_and_a_way_out() {
    let directory = tempfile::tempdir().unwrap();
    for (text, expected) in [
        ("port = 80800\nbackends = [\"a:1\"]", "pibl.toml:1:8"),
        ("backends = [\"a\"]", "pibl.toml:1:13"),
        ("backends = [\"a:1\"]\nttl = \"60\"", "write for example `60s`"),
        ("backends = [\"a:1\"]\nprot = 1", "unknown field `prot`"),
        ("backends = [\"a:1\"", "pibl.toml:1:"),
        ("", "name one with --backend HOST:PORT"),
    ] {
        std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
        pibl(directory.path()).assert().code(2).stderr(contains(expected));
    }
    std::fs::remove_file(directory.path().join("pibl.toml")).unwrap();
    pibl(directory.path()).arg("--config=none.toml").assert().code(2).stderr(contains("none.toml"));
    pibl(directory.path())
        .args(["--backend", "a:1", "--ttl", "60"])
        .assert()
        .code(2)
        .stderr(contains("no unit"));
    pibl(directory.path()).arg("--bakend").assert().code(2).stderr(contains("--backend"));
    pibl(directory.path()).arg("--help").assert().code(0).stdout(contains("Exit codes:"));
}

#[test]
fn a_port_in_use_ends_with_1_and_says_which() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    pibl(directory.path())
        .args(["--listen", "127.0.0.1", "--port", &port, "--backend", "127.0.0.1:1"])
        .assert()
        .code(1)
        .stderr(contains(format!("127.0.0.1:{port}")))
        .stderr(contains("another program listens there"));
}

#[test]
fn exchanges_are_logged_on_stdout_and_in_the_file_and_sigterm_ends_with_0() {
    let directory = tempfile::tempdir().unwrap();
    let backend = named("a");
    let mut running = Running::start(directory.path(), &["--backend", &backend.address.to_string()]);
    assert_eq!(status(&running.get("/marker-1")), 200);
    let in_file = std::fs::read_to_string(directory.path().join("pibl.log")).unwrap();
    assert!(in_file.contains("\"GET /marker-1 HTTP/1.1\" 200 "), "{in_file}");
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.exit_code(), Some(0));
    let stdout = BufReader::new(running.child.stdout.take().unwrap());
    let lines: Vec<String> = stdout.lines().map_while(Result::ok).collect();
    assert!(lines.iter().any(|line| line.contains("/marker-1")), "{lines:?}");
}

#[test]
fn stdout_and_the_file_show_every_exchange_once() {
    let directory = tempfile::tempdir().unwrap();
    let backend = named("a");
    let mut running =
        Running::start(directory.path(), &["--backend", &backend.address.to_string(), "--workers", "2"]);
    std::thread::scope(|scope| {
        for client in 0..4 {
            let address = running.address;
            scope.spawn(move || {
                let mut asker = Asker::new(address);
                for number in 0..25 {
                    assert_eq!(asker.get(&format!("/{client}/{number}")).expect("an answer").status, 200);
                }
            });
        }
    });
    running.signal(rustix::process::Signal::TERM);
    assert_eq!(running.exit_code(), Some(0));
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    let stdout = BufReader::new(running.child.stdout.take().unwrap());
    let shown = sorted(stdout.lines().map_while(Result::ok).collect());
    let file = std::fs::read_to_string(directory.path().join("pibl.log")).unwrap();
    assert_eq!(shown, sorted(file.lines().map(str::to_owned).collect()));
    assert_eq!(shown.len(), 100);
}

#[test]
fn sigusr1_opens_the_log_again_after_it_was_moved() {
    let directory = tempfile::tempdir().unwrap();
    let backend = named("a");
    let running = Running::start(directory.path(), &["--backend", &backend.address.to_string()]);
    running.get("/before");
    let log = directory.path().join("pibl.log");
    std::fs::rename(&log, directory.path().join("pibl.log.1")).unwrap();
    running.signal(rustix::process::Signal::USR1);
    wait_until("the new file", || log.exists());
    running.get("/after");
    assert!(std::fs::read_to_string(&log).unwrap().contains("/after"));
    let old = std::fs::read_to_string(directory.path().join("pibl.log.1")).unwrap();
    assert!(old.contains("/before") && !old.contains("/after"));
}

#[test]
fn sighup_reads_the_file_again_without_dropping_a_connection() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (named("one"), named("two"));
    let write = |address: SocketAddr| {
        std::fs::write(directory.path().join("pibl.toml"), format!("backends = [\"{address}\"]\n")).unwrap();
    };
    write(one.address);
    let running = Running::start(directory.path(), &[]);
    let mut client = Client::new(TcpStream::connect(running.address).unwrap());
    let mut ask = || {
        client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        field(&client.read_response(), "x-backend").map(str::to_owned)
    };
    assert_eq!(ask().as_deref(), Some("one"));
    write(two.address);
    running.signal(rustix::process::Signal::HUP);
    running.await_line("configuration read again");
    assert_eq!(ask().as_deref(), Some("two"));
    std::fs::write(directory.path().join("pibl.toml"), "backends = 3\n").unwrap();
    running.signal(rustix::process::Signal::HUP);
    running.await_line("stays as it was");
    assert_eq!(ask().as_deref(), Some("two"));
}

#[test]
fn the_operator_sees_health_backends_metrics_and_changes_the_set() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (named("one"), named("two"));
    let running =
        Running::start(directory.path(), &["--backend", &one.address.to_string(), "--admin", "127.0.0.1:0"]);
    let admin = running.admin();
    let ask = |request: String| {
        let mut client = Client::new(TcpStream::connect(admin).unwrap());
        client.send(request);
        client.read_to_end()
    };
    let get = |path: &str| ask(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(get("/healthz").ends_with("ok\n"));
    assert!(get("/backends").contains("in service"));
    assert!(get("/config").contains("\"ttl\""));
    running.get("/");
    assert!(get("/metrics").contains("pibl_responses_total{class=\"2xx\"} 1\n"));
    assert_eq!(status(&get("/nothing")), 404);
    let put = |body: String| {
        ask(format!(
            "PUT /backends HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    // A page of a stranger, whose name was made to resolve to this address after it was loaded, changes nothing.
    let stranger = format!("[\"{}\"]", one.address);
    for fields in [
        "Host: evil.example",
        "Host: localhost\r\nOrigin: http://evil.example",
        "Host: localhost\r\nSec-Fetch-Site: cross-site",
    ] {
        let length = stranger.len();
        let reply =
            ask(format!("PUT /backends HTTP/1.1\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{stranger}"));
        assert_eq!(status(&reply), 403, "{fields}");
        assert_eq!(status(&ask(format!("GET /config HTTP/1.1\r\n{fields}\r\n\r\n"))), 403, "{fields}");
    }
    assert_eq!(status(&put("[\"nonsense\"]".into())), 400);
    assert_eq!(status(&put(format!("[\"{}\"]", two.address))), 200);
    assert_eq!(field(&running.get("/"), "x-backend"), Some("two"));
}

#[test]
fn the_operator_purges_one_key_a_prefix_or_everything() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::answering(|_| "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into());
    let running = Running::start(
        directory.path(),
        &["--backend", &backend.address.to_string(), "--admin", "127.0.0.1:0"],
    );
    let admin = running.admin();
    let delete = |query: &str| {
        let mut client = Client::new(TcpStream::connect(admin).unwrap());
        client.send(format!("DELETE /cache{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        client.read_to_end()
    };
    let paths = ["/a/1", "/a/2", "/b?x=%26"];
    let hits = || {
        let seen = paths.map(|path| running.get(path));
        seen.map(|response| field(&response, "cache-status").unwrap_or_default().contains("; hit"))
    };
    assert_eq!((hits(), hits()), ([false; 3], [true; 3]));
    assert!(delete("?host=x&target=/b%3Fx=%2526").contains("\"purged\": 1"));
    assert_eq!(hits(), [true, true, false]);
    assert!(delete("?host=x&prefix=/a/").contains("\"purged\": 2"));
    assert_eq!(hits(), [false, false, true]);
    assert!(delete("").contains("\"purged\": 3"));
    assert_eq!(hits(), [false; 3]);
    assert_eq!(status(&delete("?target=/a")), 400);
}

/// Ends the clients of a test however it ends: a thread that a scope waits for must not outlive a panic.
struct Over<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_restart_with_handover_refuses_no_client() {
    let directory = tempfile::tempdir().unwrap();
    let backend = named("a");
    let address = backend.address.to_string();
    let arguments = ["--backend", &address, "--handover", "sockets"];
    let mut old = Running::start(directory.path(), &arguments);
    // Whoever reads the address may start the next process: a process that announced itself before it
    // offered its sockets made its successor open a port of its own.
    assert!(directory.path().join("sockets").exists());
    let mut kept = Client::new(TcpStream::connect(old.address).unwrap());
    kept.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&kept.read_response()), 200);
    let address = old.address;
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| {
            let mut answered = 0;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                let mut client = Client::new(TcpStream::connect(address).expect("never refused"));
                client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                assert_eq!(status(&client.read_to_end()), 200);
                answered += 1;
                // Not for order: a loop without a pause would use up the ports of the machine.
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            answered
        });
        let over = Over(&is_over);
        let new = Running::start(directory.path(), &arguments);
        assert_eq!(new.address, address);
        assert_eq!(old.exit_code(), Some(0));
        for _ in 0..20 {
            assert_eq!(status(&new.get("/")), 200);
        }
        drop(over);
        assert!(clients.join().unwrap() > 0);
    });
    let _ = kept.stream.flush();
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_who_comes_waits_for_room_in_the_table_of_open_files() {
    let directory = tempfile::tempdir().unwrap();
    let backend = Backend::echo();
    let running = Running::start(directory.path(), &["--backend", &backend.address.to_string()]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum.unwrap_or(u64::MAX);
    assert!(size.trim().parse::<u64>().unwrap() >= limit.min(16_384), "{size} of {limit}");
}
