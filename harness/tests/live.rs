//! The live page: told from the record and from nothing else, to nobody but who knows the token, and at no cost to the run.
//!
//! A run of an earlier version is replayed, and one that grows; a browser that never reads, and pages of other sites, are played by
//! bare sockets.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_backends::clock::RunClock;
use harness::conductor::Desk;
use harness::live::{Server, messages};
use harness_model::history::{self, Event, EventKind};
use harness_tell::language::Language;
use harness_tell::report::live::Feed;
use serde_json::Value;

use crate::guilty_proxy;

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn old_run() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("judge/tests/old_run")
}

fn elapsed(clock: RunClock) -> Duration {
    Duration::from_nanos(clock.now().0)
}

/// A server that shows this folder.
fn showing(folder: &Path, lasts: bool) -> Server {
    let server = Server::start(Language::En, Desk::default()).expect("a free port");
    let plan = history::read(&old_run()).expect("the old run").plan;
    server.show(folder.to_path_buf(), plan, lasts);
    server
}

/// Host and path of a server's address.
fn parts(server: &Server) -> (String, String) {
    let address = server.address();
    let (host, path) = address.trim_start_matches("http://").split_once('/').expect("a path");
    (host.to_owned(), format!("/{path}"))
}

/// Sends a request line and these fields as they are.
fn send(host: &str, line: &str, fields: &[&str]) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(host).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a bounded wait");
    let head =
        format!("{line} HTTP/1.1\r\n{}\r\n", fields.iter().map(|f| format!("{f}\r\n")).collect::<String>());
    stream.write_all(head.as_bytes()).expect("it reads");
    BufReader::new(stream)
}

fn status(host: &str, line: &str, fields: &[&str]) -> u16 {
    let mut first = String::new();
    send(host, line, fields).read_line(&mut first).expect("an answer");
    first.split(' ').nth(1).unwrap_or_default().parse().unwrap_or_else(|_| panic!("{line}: {first:?}"))
}

fn get(host: &str, path: &str) -> String {
    let mut text = String::new();
    let fields = [format!("Host: {host}"), "Connection: close".to_owned()];
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    send(host, &format!("GET {path}"), &fields).read_to_string(&mut text).expect("a page");
    text
}

/// What one browser is told until `event: end`, with the last number; from behind `after` where it was told that before.
fn told((host, path): (String, String), after: Option<usize>) -> (Vec<Value>, usize) {
    let host_field = format!("Host: {host}");
    let last = format!("Last-Event-ID: {}", after.unwrap_or_default());
    let fields = if after.is_some() { vec![host_field.as_str(), &last] } else { vec![host_field.as_str()] };
    let reader = send(&host, &format!("GET {path}1/events?lang=en"), &fields);
    let (mut all, mut number) = (Vec::new(), 0);
    for line in reader.lines() {
        let line = line.expect("a stream");
        if let Some(id) = line.strip_prefix("id: ") {
            number = id.parse().expect("a number");
        } else if let Some(data) = line.strip_prefix("data: [") {
            let messages: Vec<Value> = serde_json::from_str(&format!("[{data}")).expect("messages");
            all.extend(messages);
        } else if line == "event: end" {
            return (all, number);
        }
    }
    panic!("it ended without its end: {all:?}");
}

fn as_values(all: &impl serde::Serialize) -> Vec<Value> {
    serde_json::to_value(all).expect("JSON").as_array().expect("a list").clone()
}

#[test]
fn an_old_run_is_told_line_by_line_as_its_record_has_it() {
    let server = showing(&old_run(), false);
    let (told_now, number) = told(parts(&server), None);
    let record = history::read(&old_run()).expect("the old run");
    assert_eq!(number, record.events.len());
    let mut feed = Feed::new(Language::En);
    let expected: Vec<_> = record.events.iter().flat_map(|event| feed.next(event)).collect();
    let of_the_record = |message: &Value| message["is"] != "so_far" && message["is"] != "over";
    let facts: Vec<Value> = told_now.iter().filter(|message| of_the_record(message)).cloned().collect();
    assert_eq!(facts, as_values(&expected));
    let whole = messages(&old_run(), &record.plan, Language::En).expect("the old run");
    assert_eq!(told_now, as_values(&whole), "and a page without a server is told the same");
    let end = told_now.last().expect("an end");
    assert_eq!((&end["is"], &end["passed"]), (&Value::from("over"), &Value::from(false)));
    let so_far = |provisional: bool| {
        told_now
            .iter()
            .filter(move |m| m["is"] == "so_far" && m["provisional"] == provisional)
            .collect::<Vec<_>>()
    };
    assert_eq!(so_far(false).len(), 1, "one verdict at the end");
    assert!(!so_far(true).is_empty(), "and what was known before");
    let failed = so_far(false)[0]["failed"].as_array().expect("a list").clone();
    assert!(failed.iter().any(|one| one["check"] == "forward.once"), "{failed:?}");
}

#[test]
fn a_run_that_grows_is_told_as_one_that_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["plan.json", "latency.hlog"] {
        fs::copy(old_run().join(name), folder.path().join(name)).expect("a copy");
    }
    let record = fs::read(old_run().join("events.jsonl")).expect("the old run");
    let events = folder.path().join("events.jsonl");
    fs::write(&events, b"").expect("an empty record");
    let server = showing(folder.path(), true);
    let whole = std::thread::scope(|scope| {
        let address = parts(&server);
        let told_now = scope.spawn(move || told(address, None).0);
        let mut file = fs::OpenOptions::new().append(true).open(&events).expect("the record");
        // Not at the ends of lines: a writer's buffer knows none.
        for piece in record.chunks(record.len() / 7) {
            file.write_all(piece).expect("room");
            std::thread::sleep(Duration::from_millis(120));
        }
        server.is_over(folder.path(), None);
        // Its page waits for a next run until there will be none.
        std::thread::sleep(Duration::from_millis(300));
        server.finish();
        told_now.join().expect("a reader")
    });
    let plan = history::read(&old_run()).expect("the old run").plan;
    assert_eq!(whole, as_values(&messages(&old_run(), &plan, Language::En).expect("the old run")));
}

#[test]
fn who_was_cut_off_goes_on_behind_the_last_line() {
    let server = showing(&old_run(), false);
    let (all, number) = told(parts(&server), None);
    let (rest, same) = told(parts(&server), Some(40));
    assert_eq!(number, same);
    assert!(rest.len() < all.len() && all.ends_with(&rest), "{} of {}", rest.len(), all.len());
}

#[test]
fn nobody_without_the_token_or_from_another_site_is_answered() {
    let server = showing(&old_run(), false);
    let (host, path) = parts(&server);
    let ours = format!("Host: {host}");
    let port = host.split(':').nth(1).expect("a port");
    let foreign = format!("Host: attacker.example:{port}");
    assert_eq!(status(&host, &format!("GET {path}1/"), &[&ours]), 200);
    for wrong in ["/", "/1/", "/favicon.ico", "/00000000000000000000000000000000/1/"] {
        assert_eq!(status(&host, &format!("GET {wrong}"), &[&ours]), 403, "{wrong}");
    }
    for (method, what) in
        [("GET", "1/"), ("GET", "1/events"), ("POST", "1/hold"), ("POST", "1/repeat?check=cache.hit")]
    {
        let line = format!("{method} {path}{what}");
        for fields in [
            vec![foreign.as_str()],
            vec!["Host: 127.0.0.1"],
            vec![&ours, "Origin: http://attacker.example"],
            vec![&ours, "Origin: null"],
            vec![&ours, "Sec-Fetch-Site: cross-site"],
            vec![&ours, "Sec-Fetch-Site: same-site"],
        ] {
            assert_eq!(status(&host, &line, &fields), 403, "{line} {fields:?}");
        }
    }
    for action in ["hold", "continue", "repeat?check=cache.hit"] {
        assert_eq!(status(&host, &format!("GET {path}1/{action}"), &[&ours]), 405, "{action}");
    }
    let page = get(&host, &format!("{path}1/"));
    let (head, body) = page.split_once("\r\n\r\n").expect("a head");
    for field in ["default-src 'none'", "frame-ancestors 'none'", "no-referrer", "no-store", "nosniff"] {
        assert!(head.contains(field), "{field} in {head}");
    }
    assert!(!head.contains("access-control"), "{head}");
    assert!(!body.contains("http://") && !body.contains("https://"), "the page asks nobody else");
    let long = format!("X-Long: {}", "x".repeat(40_000));
    assert_eq!(status(&host, &format!("GET {path}1/"), &[&ours, &long]), 431);
}

#[test]
fn a_page_speaks_the_language_of_its_address() {
    let server = showing(&old_run(), true);
    let (host, path) = parts(&server);
    let es = get(&host, &format!("{path}1/?lang=es"));
    assert!(es.contains("<html lang=\"es\">") && es.contains("Detener") && !es.contains(">Hold<"), "{es}");
    let en = get(&host, &format!("{path}1/?lang=en"));
    assert!(en.contains("<html lang=\"en\">") && en.contains(">Hold<") && !en.contains("Detener"), "{en}");
}

#[test]
fn a_browser_that_never_reads_is_left_behind_and_holds_up_nobody() {
    // Much more than sockets and queues hold.
    let folder = tempfile::tempdir().expect("a folder");
    fs::copy(old_run().join("plan.json"), folder.path().join("plan.json")).expect("a copy");
    let record = fs::read_to_string(old_run().join("events.jsonl")).expect("the old run");
    let line = record.lines().find(|line| line.contains("\"exchange\":{")).expect("an exchange");
    let failed = line.replace("\"end\":\"complete\"", "\"end\":\"timed_out\"");
    assert_ne!(line, failed);
    fs::write(folder.path().join("events.jsonl"), format!("{failed}\n").repeat(25_000)).expect("room");
    let server = showing(folder.path(), true);
    let (host, path) = parts(&server);
    let line = format!("GET {path}1/events");
    let asleep: Vec<_> = (0..3).map(|_| send(&host, &line, &[&format!("Host: {host}")])).collect();
    let clock = RunClock::start();
    let mut awake = send(&host, &line, &[&format!("Host: {host}")]);
    let mut got = 0;
    let mut text = String::new();
    while got < 25_000 {
        text.clear();
        assert_ne!(awake.read_line(&mut text).expect("a stream"), 0, "{got} lines");
        got += text.matches("\"is\":\"request\"").count();
    }
    assert!(elapsed(clock) < PATIENCE);
    // They have read nothing, and the end does not wait for them.
    let clock = RunClock::start();
    server.finish();
    assert!(elapsed(clock) < Duration::from_secs(5), "{:?}", elapsed(clock));
    drop(asleep);
}

/// A run of the guilty proxy with `--live`, and the host and path of its page.
fn live_run(folder: &Path, defect: &str, more: &[&str]) -> (Child, (String, String)) {
    let turns = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/turns.yaml");
    live_run_of(&turns, folder, defect, more)
}

fn live_run_of(scenario: &Path, folder: &Path, defect: &str, more: &[&str]) -> (Child, (String, String)) {
    let adapter = folder.join("guilty.yaml");
    guilty_proxy::write_adapter(&adapter, guilty_proxy::program(), defect);
    let mut child = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg(scenario)
        .arg("--sut")
        .arg(adapter)
        .arg("--out")
        .arg(folder.join("reports"))
        .args(["--live", "--lang", "en"])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the harness starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("Live: ")).expect("an address");
    // Nobody is to wait for somebody who reads.
    std::thread::spawn(move || lines.for_each(drop));
    let (host, path) = line.trim_start_matches("Live: http://").split_once('/').expect("a path");
    (child, (host.to_owned(), format!("/{path}")))
}

/// The run folders, in their order.
fn runs(folder: &Path) -> Vec<PathBuf> {
    runs_of("turns", folder)
}

fn runs_of(scenario: &str, folder: &Path) -> Vec<PathBuf> {
    let proxies = fs::read_dir(folder.join("reports").join(scenario).join("guilty"));
    let mut all: Vec<PathBuf> = proxies.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.retain(|path| !path.is_symlink());
    all.sort();
    all
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = RunClock::start();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(elapsed(clock) < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_run_is_told_as_it_lies_on_the_disk_and_waits_for_no_browser() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, (host, path)) = live_run(folder.path(), "none", &[]);
    wait_for("a run", || runs(folder.path()).pop());
    let fields = [format!("Host: {host}")];
    let line = format!("GET {path}1/events");
    wait_for("its page", || (status(&host, &format!("GET {path}1/"), &[&fields[0]]) == 200).then_some(()));
    let asleep: Vec<_> = (0..3).map(|_| send(&host, &line, &[&fields[0]])).collect();
    let (all, lines) = told((host, path), None);
    let code = wait_for("the end of the harness", || child.try_wait().expect("a child")).code();
    assert_eq!(code, Some(0));
    drop(asleep);
    let run = runs(folder.path()).remove(0);
    let record = history::read(&run).expect("its record");
    assert_eq!(lines, record.events.len());
    let whole = messages(&run, &record.plan, Language::En).expect("its record");
    assert_eq!(all, as_values(&whole), "a run is told as it is replayed");
}

#[test]
fn what_the_buttons_ask_is_done_and_stands_in_the_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut child, (host, path)) = live_run(folder.path(), "always-first", &["--hold", "--watch=never"]);
    let record = |run: &Path| fs::read_to_string(run.join("events.jsonl")).unwrap_or_default();
    let count = |run: &Path, what: &str| record(run).matches(&format!("\"event\":\"{what}\"")).count();
    let run = wait_for("a run", || runs(folder.path()).pop());
    wait_for("the first failure", || (count(&run, "held") == 1).then_some(()));
    let steps = count(&run, "step_started");
    // Steps that have begun, of all.
    let begun = || {
        let record = history::read(&run).expect("its record");
        let begins = |event: &&Event| matches!(event.event, EventKind::StepStarted);
        let begun: BTreeSet<_> = record.events.iter().filter(begins).map(|event| event.step).collect();
        (begun.len(), record.plan.steps.len())
    };
    assert!(begun().0 < begun().1, "{:?}", begun());
    let press = |button: &str| {
        assert_eq!(
            status(&host, &format!("POST {path}1/{button}"), &[&format!("Host: {host}")]),
            200,
            "{button}"
        );
    };
    press("repeat?check=rr.serial_cycle");
    let again = wait_for("the repetition", || {
        runs(folder.path()).into_iter().find(|other| *other != run && other.join("verdicts.json").exists())
    });
    let repeated: Value =
        serde_json::from_slice(&fs::read(again.join("verdicts.json")).expect("verdicts")).expect("JSON");
    assert_eq!(repeated["verdicts"].as_array().map(Vec::len), Some(1));
    assert_eq!(repeated["verdicts"][0]["outcome"], "fail");
    assert_eq!(count(&run, "step_started"), steps, "nothing else has happened meanwhile");
    // It is held at each failure that is new, and at the end.
    let ended = wait_for("the end of the harness", || {
        if child.try_wait().expect("a child").is_none() && count(&run, "held") > count(&run, "went_on") {
            press("continue");
        }
        child.try_wait().expect("a child")
    });
    assert_eq!(ended.code(), Some(1));
    let held = count(&run, "held");
    assert!(held >= 1 && held == count(&run, "went_on"), "{held} times");
    assert_eq!(begun().0, begun().1, "every step took place");
}

/// How late requests are sent, with nobody at the page and with three who never read, by turns. For a host that does nothing else.
#[test]
#[ignore = "measures times for two minutes; nothing else may run meanwhile"]
fn send_lag_with_and_without_browsers_that_never_read() {
    let p99 = |with: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/latency.yaml");
        let (mut child, (host, path)) = live_run_of(&scenario, folder.path(), "none", &["--seed", "7"]);
        wait_for("a run", || runs_of("latency", folder.path()).pop());
        let line = format!("GET {path}1/events");
        let count = if with { 3 } else { 0 };
        let asleep: Vec<_> = (0..count).map(|_| send(&host, &line, &[&format!("Host: {host}")])).collect();
        wait_for("the end of the harness", || child.try_wait().expect("a child"));
        drop(asleep);
        let table = runs_of("latency", folder.path()).remove(0).join("latency.hgrm");
        let text = fs::read_to_string(table).expect("its table");
        let (_, lag) = text.split_once("#[hits.send-lag, milliseconds]").expect("the lag of a load");
        let rows = lag.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = |row: &Vec<&str>| Some((row.first()?.parse().ok()?, row.get(1)?.parse::<f64>().ok()?));
        let mut values = rows.filter_map(|cells| row(&cells));
        values.find(|(_, share): &(f64, f64)| *share >= 0.99).expect("a p99").0
    };
    let mut lags = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        lags[0].push(p99(false));
        lags[1].push(p99(true));
    }
    println!("send lag p99 in ms, nobody: {:?}, three that never read: {:?}", lags[0], lags[1]);
    let middle = |lags: &mut Vec<f64>| {
        lags.sort_by(f64::total_cmp);
        lags[1]
    };
    let (without, with) = (middle(&mut lags[0]), middle(&mut lags[1]));
    assert!(with <= without * 1.5 + 1.0, "{with} ms with them, {without} ms without");
}
