//! Killed in the middle of the work, again and again: what was promised before must hold afterwards.
//!
//! Ten kills by default; `PIBL_SIGKILLS=200 cargo test -p pibl --test integration sigkill -- --nocapture` for more.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::testkit::origin::{Journal, Origin};
use crate::testkit::program::Running;
use crate::testkit::proof::{self, Asker};

const CLIENTS: usize = 8;
const DEFAULT_KILLS: usize = 10;
/// How many keys of earlier rounds are asked for again after each kill.
const OLDER_KEYS: usize = 100;

/// What one client knows when the program is killed under it.
#[derive(Default)]
struct Known {
    /// Completely received.
    delivered: Vec<String>,
    /// Received again as a hit.
    confirmed: Vec<String>,
    wrong: Vec<String>,
}

/// Asks for new keys until the program is gone, and for every third one again.
fn write_load(address: std::net::SocketAddr, round: usize, client: usize, is_over: &AtomicBool) -> Known {
    let mut known = Known::default();
    let mut asker = Asker::new(address);
    for number in 0.. {
        let target = format!("/k/{round}/{client}/{number}");
        let Ok(answer) = asker.get(&target) else { return known };
        if answer.status != 200 || answer.body != proof::body(&target) {
            known.wrong.push(format!("{target}: {} with {} bytes", answer.status, answer.body.len()));
        }
        known.delivered.push(target.clone());
        if number % 3 == 0 {
            let Ok(answer) = asker.get(&target) else { return known };
            known.delivered.push(target.clone());
            if answer.is_hit() && answer.body == proof::body(&target) {
                known.confirmed.push(target);
            } else {
                known
                    .wrong
                    .push(format!("{target}: no hit although it was delivered: {}", answer.cache_status));
            }
        }
        if is_over.load(Ordering::Relaxed) {
            return known;
        }
    }
    known
}

/// How often each target stands in the log.
fn logged(directory: &Path) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    let text = std::fs::read(directory.join("pibl.log")).expect("a log");
    for line in String::from_utf8_lossy(&text).lines() {
        let target = line.split(" \"GET ").nth(1).and_then(|rest| rest.split(' ').next());
        if let Some(target) = target {
            *counts.entry(target.to_owned()).or_default() += 1;
        }
    }
    counts
}

fn leftovers(directory: &Path) -> usize {
    let count = |path: &Path| {
        std::fs::read_dir(path).map_or(0, |entries| {
            entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".tmp")).count()
        })
    };
    (0..=255u8).map(|number| count(&directory.join(format!("cache/{number:02x}")))).sum()
}

#[test]
fn what_was_delivered_before_a_sigkill_is_stored_and_logged_after_it() {
    let kills = std::env::var("PIBL_SIGKILLS").map_or(DEFAULT_KILLS, |text| text.parse().expect("a number"));
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start(&Arc::new(Journal::default()));
    let text = format!(
        "backends = [\"{}\"]\nttl = \"10h\"\nworkers = 2\n[cache]\nsize = \"20GiB\"\n",
        origin.address
    );
    std::fs::write(directory.path().join("pibl.toml"), text).unwrap();
    let mut older: Vec<String> = Vec::new();
    let (mut delivered_total, mut confirmed_total, mut rechecked_total, mut leftover_total) = (0, 0, 0, 0);
    for round in 0..kills {
        let running = Running::start_silent(directory.path(), &[]);
        let is_over = AtomicBool::new(false);
        let address = running.address;
        let known: Vec<Known> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    scope.spawn({
                        let is_over = &is_over;
                        move || write_load(address, round, client, is_over)
                    })
                })
                .collect();
            // The moment of the kill is another one each time: elapsed time is the subject.
            std::thread::sleep(Duration::from_millis(100 + proof::mix(round as u64) % 250));
            running.signal(rustix::process::Signal::KILL);
            is_over.store(true, Ordering::Relaxed);
            clients.into_iter().map(|client| client.join().expect("no panic")).collect()
        });
        drop(running);
        let wrong: Vec<&String> = known.iter().flat_map(|known| &known.wrong).collect();
        assert!(wrong.is_empty(), "round {round}: {wrong:?}");
        leftover_total += leftovers(directory.path());

        let counts = logged(directory.path());
        let mut expected: HashMap<&str, usize> = HashMap::new();
        for target in known.iter().flat_map(|known| &known.delivered) {
            *expected.entry(target).or_default() += 1;
        }
        for (target, count) in &expected {
            let found = counts.get(*target).copied().unwrap_or(0);
            // At most one more than was delivered: the one that the kill cut off behind its line.
            assert!(
                (*count..=count + 1).contains(&found),
                "round {round}: {target}: {found} lines for {count}"
            );
        }
        delivered_total += expected.values().sum::<usize>();

        // At once, before the scan of the start can be over, and by a program without a backend to ask.
        let confirmed: Vec<String> = known.iter().flat_map(|known| known.confirmed.clone()).collect();
        let nobody = ["--backend", "127.0.0.1:1", "--config", "none.toml", "--ttl", "10h"];
        std::fs::write(directory.path().join("none.toml"), "[cache]\nsize = \"20GiB\"\n").unwrap();
        let mut running = Running::start_silent(directory.path(), &nobody);
        let mut asker = Asker::new(running.address);
        let step = (older.len() / OLDER_KEYS).max(1);
        let sample: Vec<&String> = older.iter().skip(round % step).step_by(step).chain(&confirmed).collect();
        for target in &sample {
            let answer = asker.get(target).expect("an answer");
            let is_right = answer.is_hit() && answer.body == proof::body(target);
            assert!(is_right, "round {round}: {target}: {} {}", answer.status, answer.cache_status);
        }
        rechecked_total += sample.len();
        confirmed_total += confirmed.len();
        older.extend(confirmed);
        running.signal(rustix::process::Signal::TERM);
        assert_eq!(running.exit_code(), Some(0));
        // What is asked for here is in the log too, but belongs to no round.
        std::fs::remove_file(directory.path().join("pibl.log")).unwrap();
    }
    assert_eq!(older.iter().collect::<HashSet<_>>().len(), older.len());
    assert!(confirmed_total > 0 && delivered_total > 0);
    let quarantine = std::fs::read_dir(directory.path().join("cache/quarantine")).map_or(0, Iterator::count);
    assert_eq!(quarantine, 0, "a kill leaves no damaged file under a final name");
    assert_eq!(leftovers(directory.path()), 0, "the next start deletes what was half written");
    println!(
        "{kills} kills: {delivered_total} responses delivered, all in the log; {confirmed_total} keys confirmed \
         as hits, {rechecked_total} checks after kills, all hits with the right bytes; {leftover_total} half-written \
         files found after the kills, all deleted by the next start"
    );
}
