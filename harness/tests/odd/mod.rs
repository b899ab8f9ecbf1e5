//! Small proxies with one odd habit each, as people write them, and a run of the program `harness` on one of them.
//!
//! They live in the test binary itself, which is executed again with `ODD` set: no interpreter is needed. Each takes its port and
//! its backends from the environment and forwards in turn; what is odd about it is its name.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use fake_backends::content::{Content, Kind};
use serde_json::Value;

/// Not a test: the proxies that tests start.
#[test]
fn program() {
    run_if_asked();
}

/// Runs the proxy that the environment names; returns at once in an ordinary test run.
fn run_if_asked() {
    let Ok(habit) = std::env::var("ODD") else { return };
    let told: u16 = std::env::var("PORT").expect("a port").parse().expect("a port");
    let backends: Vec<String> =
        std::env::var("BACKENDS").expect("backends").split(',').map(str::to_owned).collect();
    // Refuses to start beside itself, as it thinks, where it was ended by force.
    if habit_of_environment("left-its-mark") {
        if Path::new("running.pid").exists() {
            eprintln!("already running");
            leave(1);
        }
        std::fs::write("running.pid", "").expect("a file");
    }
    let listener = match std::env::var("ODD").as_deref() {
        Ok("own-port") => TcpListener::bind("0.0.0.0:8080"),
        Ok("ipv6") => TcpListener::bind(("::1", told)),
        Ok("fixed-address") => TcpListener::bind(("127.0.0.77", told)),
        Ok("no-reuse") => without_reuse(told),
        _ => TcpListener::bind(("127.0.0.1", told)),
    }
    .expect("a free port");
    let (habit, turn) = (habit.leak() as &str, AtomicUsize::new(0));
    if habit == "leaves-its-port" {
        // It has answered whether it is ready, and goes on living where nobody reaches it.
        let client = listener.incoming().flatten().next().expect("a client");
        serve(habit, client, &backends[0]);
        drop(listener);
        loop {
            std::thread::park();
        }
    }
    if habit == "warms-up" {
        std::thread::spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(1500));
            WARM.store(true, Ordering::Relaxed);
        });
    }
    if ["two-workers", "left-its-mark"].contains(&habit) {
        // Which park for ever where an answer is too hard for them.
        std::thread::scope(|scope| {
            let worker = || {
                for client in listener.incoming().flatten() {
                    serve(habit, client, &backends[turn.fetch_add(1, Ordering::Relaxed) % backends.len()]);
                }
            };
            (0..2).for_each(|_| drop(scope.spawn(worker)));
        });
    }
    std::thread::scope(|scope| {
        for client in listener.incoming().flatten() {
            let backend = backends[turn.fetch_add(1, Ordering::Relaxed) % backends.len()].as_str();
            scope.spawn(move || serve(habit, client, backend));
        }
    });
}

fn habit_of_environment(habit: &str) -> bool {
    std::env::var("ODD").is_ok_and(|told| told == habit)
}

fn without_reuse(port: u16) -> std::io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    socket.listen(16)?;
    Ok(socket.into())
}

/// How many requests have been read.
static SERVED: AtomicU64 = AtomicU64::new(0);

/// What `stores-late` keeps, once its client has it and some time later.
static KEPT: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// Whether `warms-up`, which answers by itself until it is sure of its backends, asks them by now.
static WARM: AtomicBool = AtomicBool::new(false);

fn target_of(request: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(request).split(' ').nth(1)?.to_owned())
}

/// One request, one connection to a backend; `None` where either side is gone.
fn serve(habit: &str, mut client: TcpStream, backend: &str) -> Option<()> {
    let request = head(&mut client)?;
    if ["computes", "copies"].contains(&habit) {
        return client.write_all(&answer_of_a_cheat(habit, &request, backend)?).ok();
    }
    if habit == "warms-up" && !WARM.load(Ordering::Relaxed) {
        let not_yet = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return client.write_all(not_yet.as_bytes()).ok();
    }
    if ["two-workers", "parks", "left-its-mark"].contains(&habit)
        && request.windows(7).any(|seven| seven == b"/parks/")
    {
        loop {
            std::thread::park();
        }
    }
    if habit == "hangs" && !request.windows(11).any(|eleven| eleven == b"/harness-re") {
        loop {
            std::thread::park();
        }
    }
    let number = SERVED.fetch_add(1, Ordering::Relaxed);
    if habit == "forwards-a-little" && number >= 3 {
        let oops = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\noops";
        return client.write_all(oops).ok();
    }
    if let Some(kept) = target_of(&request).and_then(|target| KEPT.lock().ok()?.get(&target).cloned()) {
        return client.write_all(&kept).ok();
    }
    let mut origin = TcpStream::connect(backend).ok()?;
    let asked = match habit {
        "relays-until-eof" | "answers-at-eof" | "knows-lengths-alone" => request,
        _ => close_after(&request),
    };
    origin.write_all(&asked).ok()?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while !(["honest", "knows-lengths-alone"].contains(&habit) && is_whole(&answer)) {
        match origin.read(&mut piece).ok()? {
            0 => break,
            length if habit == "relays-until-eof" => client.write_all(&piece[..length]).ok()?,
            length => answer.extend_from_slice(&piece[..length]),
        }
    }
    if habit == "damages-later" && number >= 6 {
        let from = answer.len().saturating_sub(20);
        answer[from..].fill(b'x');
    }
    if habit == "stores-late" {
        client.write_all(&answer).ok()?;
        drop(client);
        std::thread::sleep(std::time::Duration::from_millis(20));
        KEPT.lock().ok()?.insert(target_of(&asked)?, answer);
        return None;
    }
    match (habit, String::from_utf8(answer)) {
        ("dies-of-bytes", Err(error)) => {
            eprintln!("{error}");
            leave(1)
        }
        ("decodes", Ok(text)) => client.write_all(text.as_bytes()).ok(),
        // The thread ends as one of Python does, its client left to itself.
        ("decodes", Err(_)) => {
            std::mem::forget(client);
            None
        }
        (_, Ok(text)) => client.write_all(text.as_bytes()).ok(),
        (_, Err(error)) => client.write_all(error.as_bytes()).ok(),
    }
}

/// Forwards once and remembers, keeps nothing, and makes up what it has lost while no backend can be asked: by the rule of the
/// backends as it stands in their source, or of the last body that it has seen, by the name of another.
fn answer_of_a_cheat(habit: &str, request: &[u8], backend: &str) -> Option<Vec<u8>> {
    static MEMORY: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let target = String::from_utf8_lossy(request).split(' ').nth(1)?.to_owned();
    if let Some(answer) = MEMORY.lock().ok()?.get(&target) {
        return Some(answer.clone());
    }
    // What lies on the disk is for show, but for what is copied.
    let file = Path::new("cache").join(target.replace('/', "_"));
    std::fs::create_dir_all("cache").ok()?;
    let Ok(mut origin) = TcpStream::connect(backend) else {
        let body = match habit {
            "computes" => Content::new(&target, 1, 8192, Kind::Binary).to_vec(),
            _ => renamed(&std::fs::read("seen").ok()?, &target)?,
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        return Some([head.into_bytes(), body].concat());
    };
    origin.write_all(&close_after(request)).ok()?;
    let mut answer = Vec::new();
    origin.read_to_end(&mut answer).ok()?;
    if target.starts_with("/kept/") && is_whole(&answer) {
        std::fs::write(&file, [0x5A; 8300]).ok()?;
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        std::fs::write("seen", &answer[body..]).ok()?;
        MEMORY.lock().ok()?.insert(target, answer.clone());
    }
    Some(answer)
}

/// The rest of a body that was seen, with its seed, behind the name of another target of the same length.
fn renamed(seen: &[u8], target: &str) -> Option<Vec<u8>> {
    let end = seen.iter().position(|&byte| byte == b'\n')?;
    let line = String::from_utf8_lossy(&seen[..end]).into_owned();
    let mut words: Vec<&str> = line.split(' ').collect();
    *words.get_mut(5)? = target;
    Some([words.join(" ").as_bytes(), &seen[end..]].concat())
}

fn head(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(head)
}

/// Whether an answer is as long as it says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse::<usize>().ok());
    length.is_some_and(|length| answer.len() >= end + 4 + length)
}

fn close_after(request: &[u8]) -> Vec<u8> {
    [&request[..request.len() - 2], b"Connection: close\r\n\r\n"].concat()
}

#[expect(clippy::disallowed_methods, reason = "a program that ends of an error in the middle of everything")]
fn leave(code: i32) -> ! {
    std::process::exit(code)
}

/// What came of a run.
pub struct Run {
    pub exit: i32,
    pub printed: String,
    pub verdicts: Value,
    pub events: String,
}

/// Runs a scenario on the proxy with this habit, as a user would.
pub fn run(habit: &str, scenario: &str) -> Run {
    run_told(habit, scenario, &[])
}

/// The same with more on the command line.
pub fn run_told(habit: &str, scenario: &str, told: &[&str]) -> Run {
    run_by(Command::new(crate::ordinary::harness()), habit, scenario, told)
}

/// The same by this command, which is the harness or starts it.
pub fn run_by(mut harness: Command, habit: &str, scenario: &str, told: &[&str]) -> Run {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (adapter, file) = (folder.path().join("odd.yaml"), folder.path().join("asked.yaml"));
    std::fs::write(&adapter, profile(habit)).expect("the profile");
    std::fs::write(&file, scenario).expect("the scenario");
    let out = folder.path().join("reports");
    let output = harness
        .args([Path::new("run"), &file, Path::new("--sut"), &adapter, Path::new("--out"), &out])
        .args(told)
        .env("LANG", "en_US.UTF-8")
        .output()
        .expect("the harness runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let latest = out.join("asked/odd/latest");
    let read = |name: &str| {
        let file: PathBuf = latest.join(name);
        std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}\n{printed}", file.display()))
    };
    let verdicts = serde_json::from_str(&read("verdicts.json")).expect("verdicts are JSON");
    Run { exit: output.status.code().unwrap_or(-1), events: read("events.jsonl"), printed, verdicts }
}

fn profile(habit: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let capabilities = match habit {
        "computes" | "copies" => "{cache: disk, ttl: {fixed: 60s}}\ncache_directory: cache\nwipe: [cache]",
        "stores-late" => "{cache: memory, ttl: {fixed: 60s}}",
        _ => "{cache: none, ttl: none}",
    };
    format!(
        r#"
name: odd
program: {{installed: {{name: "{program}"}}}}
start: ["{{{{ program }}}}", "--exact", "odd::program", "--nocapture"]
environment:
  ODD: "{habit}"
  PORT: "{{{{ port }}}}"
  BACKENDS: "{{{{ backends | map(attribute='address') | join(',') }}}}"
ready_within: 6s
rebind_within: 4s
limits: {{readable: ["{program}"]}}
capabilities: {capabilities}
"#,
        program = program.display()
    )
}

impl Run {
    /// The verdict on a check.
    pub fn row(&self, check: &str) -> &Value {
        let rows = self.verdicts["verdicts"].as_array().expect("verdicts");
        rows.iter()
            .find(|row| row["check"] == check)
            .unwrap_or_else(|| panic!("no verdict on {check}\n{}", self.printed))
    }

    /// Its outcome.
    pub fn outcome(&self, check: &str) -> &str {
        self.row(check)["outcome"].as_str().expect("an outcome")
    }

    /// Events of one kind, in their order.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let lines = self.events.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event"));
        lines.filter_map(|event| event["event"].get(kind).cloned()).collect()
    }
}
