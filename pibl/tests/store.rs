//! A disk that is full, fails or is shared, and responses larger than memory should hold.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::process::Signal;

use crate::testkit::origin::{Journal, Origin};
use crate::testkit::program::Running;
use crate::testkit::proof::{self, Asker};
use crate::testkit::{self, Backend, Client, Proxy, field, status, wait_until};

fn origin() -> Origin {
    Origin::start(&Arc::new(Journal::default()))
}

/// The program behind lines of the shell that prepare its world.
fn prepared(directory: &Path, script: &str, origin: &Origin) -> Running {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script}\nexec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_pibl")]);
    start(&mut command, directory, origin)
}

fn start(command: &mut Command, directory: &Path, origin: &Origin) -> Running {
    command.args(["--listen", "127.0.0.1", "--port", "0", "--ttl", "1h", "--backend"]);
    Running::spawn(command.arg(origin.address.to_string()).current_dir(directory).stdout(Stdio::null()))
}

/// Asks for every key twice; each answer must be right, whatever the disk does. Returns the hits.
fn ask_twice(running: &Running, keys: usize) -> usize {
    let mut asker = Asker::new(running.address);
    let mut hits = 0;
    for number in (0..keys).flat_map(|number| [number, number]) {
        let target = format!("/k/{number}");
        let answer = asker.get(&target).expect("an answer");
        assert_eq!(answer.status, 200, "{target}");
        assert!(answer.body == proof::body(&target), "{target}: {} bytes", answer.body.len());
        hits += usize::from(answer.is_hit());
    }
    hits
}

/// The warnings about the cache so far; failures come by the dozen, warnings at most every ten seconds.
fn warnings(running: &Running) -> Vec<String> {
    let mut lines = running.lines_so_far();
    lines.retain(|line| line.contains("cache directory"));
    lines
}

#[test]
fn files_that_cannot_grow_cost_their_place_in_the_cache_and_one_warning() {
    let (directory, origin) = (tempfile::tempdir().unwrap(), origin());
    // 64 blocks of 512 or 1024 bytes, as the shell counts; the log stays below.
    let mut running = prepared(directory.path(), "ulimit -f 64", &origin);
    let hits = ask_twice(&running, 100);
    assert!((50..100).contains(&hits), "small responses are stored, large ones are not: {hits}");
    let warnings = warnings(&running);
    assert!((1..=3).contains(&warnings.len()), "{warnings:?}");
    assert!(running.child.try_wait().unwrap().is_none(), "the program ended");
}

#[test]
fn a_full_or_read_only_disk_means_a_proxy_without_cache() {
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system does not let a test mount a file system of its own");
        return;
    }
    for (options, at_least, at_most) in [("size=300k", 1, 99), ("size=300k,ro", 0, 0)] {
        let (directory, origin) = (tempfile::tempdir().unwrap(), origin());
        std::fs::create_dir(directory.path().join("cache")).unwrap();
        let script = format!("mount -t tmpfs -o {options} none cache\nexec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_pibl")]);
        let running = start(&mut command, directory.path(), &origin);
        let hits = ask_twice(&running, 100);
        assert!((at_least..=at_most).contains(&hits), "{options}: {hits} hits");
        let warnings = warnings(&running);
        assert!((1..=3).contains(&warnings.len()), "{options}: {warnings:?}");
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_body_costs_no_follower_a_byte() {
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system does not let a test mount a file system of its own");
        return;
    }
    const BLOCKS: u64 = 48;
    let backend = Backend::start(|conversation| {
        while conversation.next_request().is_some() {
            conversation.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for number in 0..BLOCKS {
                conversation.send(format!("{BLOCK:x}\r\n"));
                conversation.send(block(number));
                conversation.send("\r\n");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            conversation.send("0\r\n\r\n");
        }
    });
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("cache")).unwrap();
    let script = "mount -t tmpfs -o size=1m none cache\nexec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_pibl")]);
    command.args(["--listen", "127.0.0.1", "--port", "0", "--backend", &backend.address.to_string()]);
    let running = Running::spawn(command.current_dir(directory.path()).stdout(Stdio::null()));
    let address = running.address;
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(move || {
                let response = testkit::program::get_bytes(address, "/big");
                let start = response.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
                let mut rest = &response[start..];
                let mut content = Vec::new();
                while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
                    let size = std::str::from_utf8(&rest[..end]).expect("a size");
                    let size = usize::from_str_radix(size, 16).expect("a size");
                    content.extend_from_slice(&rest[end + 2..end + 2 + size]);
                    rest = &rest[end + 4 + size..];
                    if size == 0 {
                        break;
                    }
                }
                let expected: Vec<u8> = (0..BLOCKS).flat_map(block).collect();
                assert!(content == expected, "{} bytes of {}", content.len(), expected.len());
            });
        }
    });
    assert!(backend.requests().len() < 5, "nobody read along");
}

#[test]
fn a_directory_that_fails_while_serving_costs_no_answer() {
    let (directory, origin) = (tempfile::tempdir().unwrap(), origin());
    let running = prepared(directory.path(), "", &origin);
    assert!(ask_twice(&running, 20) > 0);
    std::fs::remove_dir_all(directory.path().join("cache")).unwrap();
    std::fs::write(directory.path().join("cache"), "a file where the directory was").unwrap();
    ask_twice(&running, 60);
    let warnings = warnings(&running);
    assert!((1..=3).contains(&warnings.len()), "{warnings:?}");
}

/// A body of any length: blocks that carry their number.
const BLOCK: usize = 64 * 1024;

fn block(number: u64) -> Vec<u8> {
    (0..BLOCK as u64 / 8).flat_map(|word| proof::mix(number << 16 | word).to_le_bytes()).collect()
}

/// Receives a body of blocks in constant memory and compares each.
fn receive(address: std::net::SocketAddr, blocks: u64) -> String {
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let mut reader = std::io::BufReader::new(client.stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let mut piece = vec![0; BLOCK];
    for number in 0..blocks {
        reader.read_exact(&mut piece).expect("the whole body");
        assert!(piece == block(number), "block {number} differs");
    }
    String::from_utf8(head).unwrap()
}

/// 48 MiB by default; `PIBL_LARGE=1GiB cargo test -p pibl --test integration store::a_large -- --nocapture` for more.
#[test]
fn a_large_response_is_passed_stored_and_served_in_little_memory() {
    let size = std::env::var("PIBL_LARGE")
        .map_or(48 << 20, |text| text.parse::<bytesize::ByteSize>().expect("a size such as 1GiB").as_u64());
    let blocks = size / BLOCK as u64;
    let backend = Backend::start(move |conversation| {
        while conversation.next_request().is_some() {
            conversation
                .send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", blocks * BLOCK as u64));
            for number in 0..blocks {
                if conversation.client.stream.write_all(&block(number)).is_err() {
                    return;
                }
            }
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "backends = [\"{}\"]\nttl = \"1h\"\n[cache]\nsize = \"8GiB\"\nmax_object = \"4GiB\"\n",
        backend.address
    );
    std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
    let running = Running::start_silent(directory.path(), &[]);
    let before = running.most_resident_bytes();
    let passed = receive(running.address, blocks);
    let stored = receive(running.address, blocks);
    assert!(field(&stored, "cache-status").unwrap().contains("; hit"), "{passed}{stored}");
    let after = running.most_resident_bytes();
    drop(running);
    // The first use after a restart compares the whole body with its checksum.
    let running = Running::start_silent(directory.path(), &[]);
    assert!(field(&receive(running.address, blocks), "cache-status").unwrap().contains("; hit"));
    let restarted = running.most_resident_bytes();
    assert_eq!(backend.requests().len(), 1);
    println!(
        "{} MiB: memory {before:?} at first, {after:?} after it was passed and served, {restarted:?} after a restart",
        size >> 20
    );
    if let (Some(before), Some(after), Some(restarted)) = (before, after, restarted) {
        assert!(after.max(restarted) < before + (24 << 20), "memory grew with the size of the body");
    }
}

#[test]
fn two_processes_share_a_cache_during_a_handover() {
    let (say, told) = std::sync::mpsc::channel::<()>();
    let told = std::sync::Mutex::new(told);
    let backend = Backend::start(move |conversation| {
        while let Some(request) = conversation.next_request() {
            if request.starts_with("GET /slow ") && !request.contains("X-Quick") {
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
                let _ = told.lock().unwrap().recv_timeout(testkit::PATIENCE);
                conversation.send("half");
            } else {
                conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew");
            }
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let address = backend.address.to_string();
    let arguments = ["--backend", &address, "--ttl", "1h", "--handover", "sockets"];
    let mut old = Running::start_silent(directory.path(), &arguments);
    assert_eq!(status(&old.get("/before")), 200);
    let mut slow = Client::new(TcpStream::connect(old.address).unwrap());
    slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    slow.read_until("half");
    let new = Running::start_silent(directory.path(), &arguments);
    old.await_line("another process has taken over");
    // What the old process stored is a hit for the new one, at once.
    assert!(field(&new.get("/before"), "cache-status").unwrap().contains("; hit"));
    // The new one writes a key while the old one still receives what it asked for before.
    let request = "GET /slow HTTP/1.1\r\nHost: x\r\nX-Quick: 1\r\nConnection: close\r\n\r\n";
    let quick = || {
        let mut client = Client::new(TcpStream::connect(new.address).unwrap());
        client.send(request);
        client.read_to_end()
    };
    assert!(quick().ends_with("new"));
    say.send(()).unwrap();
    slow.read_until("half");
    assert_eq!(old.exit_code(), Some(0));
    // What the old one had asked for before is not stored after it.
    let answer = quick();
    assert!(answer.ends_with("new") && field(&answer, "cache-status").unwrap().contains("; hit"), "{answer}");
    let temporary = || {
        let directories = std::fs::read_dir(directory.path().join("cache")).unwrap().flatten();
        let files = directories.filter_map(|entry| std::fs::read_dir(entry.path()).ok()).flatten().flatten();
        files.filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")).count()
    };
    wait_until("nothing half-written to be left", || temporary() == 0);
    new.signal(Signal::TERM);
}

#[test]
fn a_stored_file_that_cannot_be_read_any_more_is_fetched_again() {
    for size in [8, 200_000] {
        let backend = Backend::answering(move |request| {
            let body = match request.contains("If-None-Match") {
                true => {
                    return "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nCache-Control: max-age=60\r\n\r\n"
                        .into();
                }
                false => "x".repeat(size),
            };
            let life = if request.contains("/stale") { 0 } else { 60 };
            format!(
                "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nCache-Control: max-age={life}\r\nContent-Length: {size}\r\n\r\n{body}"
            )
        });
        for left in [0, 100, size as u64 / 2] {
            let proxy = Proxy::start(&[backend.address], "");
            for path in ["/fresh", "/stale"] {
                let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
                proxy.exchange(&request);
                for file in stored_files(&proxy.directory.path().join("cache")) {
                    std::fs::File::options().write(true).open(file).unwrap().set_len(left).unwrap();
                }
                for _ in 0..2 {
                    let response = proxy.exchange(&request);
                    let (head, body) = response.split_once("\r\n\r\n").expect("a response");
                    assert!(status(head) == 200 && body.len() == size, "{path}, {left} of {size}: {head}");
                }
                assert!(
                    path == "/stale"
                        || field(&proxy.exchange(&request), "cache-status").unwrap().contains("hit")
                );
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_that_nobody_needs_are_given_back_before_a_request_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let backend = origin();
    let running = prepared(directory.path(), "ulimit -n 100", &backend);
    // More stored responses than descriptors, and more idle clients than there is room for.
    let mut idle = Vec::new();
    for number in 0..300 {
        if number % 3 == 0 {
            idle.push(Asker::new(running.address));
        }
        let asker = idle.last_mut().expect("a client");
        let answer = asker.get(&format!("/k/{number}")).expect("an answer");
        assert_eq!(answer.status, 200, "{number}");
    }
    for number in 0..12 {
        let target = format!("/k/{}", 1000 + number);
        let answer = Asker::new(running.address).get(&target).expect("an answer");
        assert!(answer.status == 200 && answer.body == proof::body(&target), "{target}");
    }
}

/// The files of stored responses in a cache.
fn stored_files(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name.len() == 2) {
            files.extend(std::fs::read_dir(path).expect("a directory").flatten().map(|entry| entry.path()));
        }
    }
    files
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_system_has_no_thread_to_give_those_that_are_there_do_the_work() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return eprintln!(
            "skipped: only root can be somebody who has no other process, as whose threads are counted"
        );
    }
    let (directory, origin) = (tempfile::tempdir().unwrap(), origin());
    let program = directory.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_pibl"), &program).unwrap();
    let user = 1_000_000 + std::process::id();
    chown(directory.path(), Some(user), Some(user)).unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(program);
    command.args(["--workers", "1"]).uid(user).gid(user);
    let mut running = start(&mut command, directory.path(), &origin);
    assert_eq!(Asker::new(running.address).get("/n/ready").unwrap().status, 200);
    // By the same user, who may take away from himself what even root may not take from others everywhere.
    let pid = running.child.id().to_string();
    let mut limit = Command::new("prlimit");
    let limited = limit.args(["--nproc=1", "--pid", &pid]).uid(user).gid(user).status();
    assert!(limited.expect("prlimit, a program of util-linux").success());
    assert_eq!(ask_twice(&running, 20), 20);
    // Threads without work leave after ten seconds; the last one must not.
    let idle = tokio::time::Instant::now();
    wait_until("threads without work to leave", || idle.elapsed() > std::time::Duration::from_secs(12));
    assert_eq!(ask_twice(&running, 40), 60);
    running.signal(Signal::TERM);
    assert_eq!(running.exit_code(), Some(0));
}
