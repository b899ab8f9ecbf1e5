//! A disk that does not answer holds up nobody but those who need it, and those not for ever.
//!
//! The disk is a file system of the test, which keeps one kind of call waiting until the test lets it go: what is served
//! meanwhile shows who waits, without any clock. Skipped where no such file system can be mounted.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::sync::Arc;

use crate::testkit::disk::{Call, Disk, State};
use crate::testkit::origin::{Journal, Origin};
use crate::testkit::program::Running;
use crate::testkit::proof::{self, Answer, Asker};
use crate::testkit::{Backend, wait_until};

/// The program with one worker, in front of an origin whose bodies prove themselves, with its cache on a disk of ours.
struct Bench {
    running: Option<Running>,
    disk: Option<Disk>,
    _origin: Origin,
    backend: SocketAddr,
    directory: tempfile::TempDir,
}

impl Bench {
    fn start() -> Option<Self> {
        Self::before(None)
    }

    /// The same before another backend.
    fn before(backend: Option<SocketAddr>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("cache");
        std::fs::create_dir(&cache).unwrap();
        let disk = match Disk::mount(&cache, State::default()) {
            Ok(disk) => disk,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        let origin = Origin::start(&Arc::new(Journal::default()));
        let backend = backend.unwrap_or(origin.address);
        let mut bench = Self { running: None, disk: Some(disk), _origin: origin, backend, directory };
        bench.restart();
        Some(bench)
    }

    fn restart(&mut self) {
        self.running = None;
        let address = self.backend.to_string();
        let arguments = ["--backend", &address, "--ttl", "1h", "--workers", "1"];
        self.running = Some(Running::start_silent(self.directory.path(), &arguments));
    }

    fn disk(&self) -> &Disk {
        self.disk.as_ref().unwrap()
    }

    fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().address
    }

    fn get(&self, target: &str) -> Answer {
        get(self.address(), target)
    }

    /// Returns when the target is a hit.
    fn keep(&self, target: &str) {
        wait_until("a hit", || self.get(target).is_hit());
    }

    /// Keeps a kind of call waiting, asks for something that needs it, and meanwhile for what does not; in the end for the
    /// first again, which the disk may or may not have kept.
    fn hold(&self, call: Call, request: impl FnOnce(SocketAddr) + Send) {
        let address = self.address();
        self.disk().hold(call);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || request(address));
            self.disk().await_waiting();
            for number in 0..20 {
                assert!(self.get("/warm").is_hit(), "{call:?}");
                self.get(&format!("/n/{call:?}/{number}"));
            }
            // Served without the disk in the end.
            waiting.join().expect("an answer while the disk does not answer");
            assert!(self.disk().waiting() > 0, "{call:?}: it answered after all");
        });
        self.disk().release();
        wait_until("the disk to be done", || self.disk().waiting() == 0);
        self.keep("/warm");
    }
}

/// A right answer, from wherever.
fn get(address: SocketAddr, target: &str) -> Answer {
    let answer = Asker::new(address).get(target).expect("an answer");
    assert!(answer.status == 200 && answer.body == proof::body(target), "{target}: {}", answer.status);
    answer
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Nobody holds files any more when the file system goes.
        self.disk().release();
        self.running = None;
        self.disk = None;
    }
}

/// What a response that is stored needs of the disk.
fn storing(call: Call) {
    let Some(bench) = Bench::start() else { return };
    bench.keep("/warm");
    for target in ["/stored", "/stored/large"] {
        // One that comes in one piece, one that comes in many.
        let target = (0..).map(|number| format!("{target}/{number}")).find(|target| {
            let length = proof::length(target);
            if target.contains("large") { length > 300_000 } else { (1..4000).contains(&length) }
        });
        let target = target.unwrap();
        bench.hold(call, |address| drop(get(address, &target)));
        bench.keep(&target);
    }
}

/// What a response that was stored before the start needs of the disk.
fn finding(call: Call) {
    let Some(mut bench) = Bench::start() else { return };
    bench.keep("/cold");
    bench.keep("/warm");
    bench.restart();
    bench.keep("/warm");
    bench.hold(call, |address| drop(get(address, "/cold")));
    bench.keep("/cold");
}

#[test]
fn a_file_that_cannot_be_made_holds_up_nobody_else() {
    storing(Call::Create);
}

#[test]
fn a_directory_that_cannot_be_made_holds_up_nobody_else() {
    storing(Call::Mkdir);
}

#[test]
fn a_body_that_cannot_be_written_holds_up_nobody_else() {
    storing(Call::Write);
}

#[test]
fn a_name_that_cannot_be_given_holds_up_nobody_else() {
    storing(Call::Rename);
}

#[test]
fn a_file_that_cannot_be_opened_holds_up_nobody_else() {
    finding(Call::Open);
}

#[test]
fn a_file_that_cannot_be_read_holds_up_nobody_else() {
    finding(Call::Read);
}

#[test]
fn a_file_that_cannot_be_deleted_holds_up_nobody_else() {
    let Some(bench) = Bench::start() else { return };
    bench.keep("/warm");
    bench.keep("/deleted");
    bench.hold(Call::Unlink, |address| {
        let body = proof::body("/deleted");
        let head = format!("POST /deleted HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = Asker::new(address).ask(&head, &body).expect("an answer");
        assert_eq!(answer.status, 200);
        // Forgotten, whatever the disk does.
        assert!(!get(address, "/deleted").is_hit());
    });
}

#[test]
fn a_body_that_breaks_off_while_the_disk_is_busy_is_asked_for_again_at_once() {
    // It breaks off once a piece waits for the disk.
    let (break_off, told) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let backend = Backend::start(move |conversation| {
        if conversation.next_request().is_some() {
            let half = "a".repeat(100_000);
            conversation.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n{half}"));
            let _ = told.lock().unwrap().recv();
        }
    });
    let Some(bench) = Bench::before(Some(backend.address)) else { return };
    bench.disk().hold(Call::Write);
    for asked in 1..=3 {
        std::thread::scope(|scope| {
            let address = bench.address();
            let cut = scope.spawn(move || Asker::new(address).get("/cut").is_err());
            bench.disk().await_waiting();
            break_off.send(()).unwrap();
            assert!(cut.join().unwrap());
        });
        // None has read along with one before it, of whose pieces some are still on their way to the disk.
        assert_eq!(backend.requests().len(), asked);
    }
}
