//! The power fails in the middle of the work, again and again: never a wrong byte, never a start that fails.
//!
//! The cache lies on a file system of the test that forgets what was not synced, in any order and by sectors of 512 bytes.
//! Skipped where no such file system can be mounted. Five cuts for each policy by default;
//! `PIBL_POWER_CUTS=200 cargo test -p pibl --test integration power -- --nocapture` for more, with the figures of `docs/power.md`.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::testkit::disk::{Disk, State};
use crate::testkit::origin::{Journal, Origin};
use crate::testkit::program::Running;
use crate::testkit::proof::{self, Asker};

const CLIENTS: usize = 4;
const DEFAULT_CUTS: usize = 5;

/// What clients know at the moment of a cut.
#[derive(Clone, Default)]
struct Known {
    /// Delivered in full, and not made wrong since.
    delivered: HashSet<String>,
    /// Made wrong by a POST that was answered.
    wrong: HashSet<String>,
}

/// Asks for new keys until the program is gone, and makes every tenth wrong again.
fn load(address: std::net::SocketAddr, name: &str, known: &Mutex<Known>, is_over: &AtomicBool) {
    let mut asker = Asker::new(address);
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let target = format!("/k/{name}/{number}");
        let Ok(answer) = asker.get(&target) else { return };
        assert!(answer.status == 200 && answer.body == proof::body(&target), "{target}");
        known.lock().unwrap().delivered.insert(target.clone());
        if number % 10 == 9 {
            // Neither one nor the other until it is answered.
            known.lock().unwrap().delivered.remove(&target);
            let body = proof::body(&target);
            let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
            let Ok(answer) = asker.ask(&head, &body) else { return };
            assert_eq!(answer.status, 200, "{target}");
            known.lock().unwrap().wrong.insert(target);
        }
    }
}

/// Cuts the power so many times under a policy. Returns how many responses were delivered before the cuts, how many of
/// them were still hits afterwards, and how many that a POST had made wrong came back.
fn cut(policy: &str, cuts: usize) -> Option<(usize, usize, usize)> {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    std::fs::create_dir(&cache).unwrap();
    let origin = Origin::start(&Arc::new(Journal::default()));
    let settings = |backend: &str| {
        format!("backends = [\"{backend}\"]\nttl = \"10h\"\nworkers = 1\n[cache]\nsync = \"{policy}\"\n")
    };
    std::fs::write(directory.path().join("pibl.toml"), settings(&origin.address.to_string())).unwrap();
    std::fs::write(directory.path().join("nobody.toml"), settings("127.0.0.1:1")).unwrap();
    let mut state = State::default();
    let (mut delivered, mut kept, mut returned) = (0, 0, 0);
    for round in 0..cuts {
        let disk = match Disk::mount(&cache, std::mem::take(&mut state)) {
            Ok(disk) => disk,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        let mut running = Running::start_silent(directory.path(), &[]);
        let (known, is_over) = (Mutex::new(Known::default()), AtomicBool::new(false));
        let address = running.address;
        let seed = proof::mix(round as u64 ^ proof::number(policy));
        let (survivors, known) = std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (known, is_over) = (&known, &is_over);
                scope.spawn(move || load(address, &format!("{round}/{client}"), known, is_over));
            }
            // The moment of the cut is another one each time: elapsed time is the subject. Some lie behind an interval.
            let most = if round % 5 == 4 { 2500 } else { 250 };
            std::thread::sleep(Duration::from_millis(50 + seed % most));
            let known = known.lock().unwrap().clone();
            let survivors = disk.cut(seed);
            is_over.store(true, Ordering::Relaxed);
            (survivors, known)
        });
        running.signal(rustix::process::Signal::KILL);
        running.exit_code();
        drop((running, disk));

        let disk = Disk::mount(&cache, survivors).unwrap();
        let mut running = Running::start_silent(directory.path(), &["--config", "nobody.toml"]);
        let mut asker = Asker::new(running.address);
        let mut is_hit = |target: &str| {
            let answer = asker.get(target).expect("an answer");
            assert!(
                if answer.is_hit() { answer.body == proof::body(target) } else { answer.status == 502 },
                "{policy}, cut {round}: {target}: {} {}",
                answer.status,
                answer.cache_status
            );
            answer.is_hit()
        };
        delivered += known.delivered.len();
        kept += known.delivered.iter().filter(|target| is_hit(target)).count();
        returned += known.wrong.iter().filter(|target| is_hit(target)).count();
        running.signal(rustix::process::Signal::TERM);
        assert_eq!(running.exit_code(), Some(0));
        // The next round goes on with what is left, as it would in life.
        state = disk.cut(0);
    }
    Some((delivered, kept, returned))
}

fn cuts() -> usize {
    std::env::var("PIBL_POWER_CUTS").map_or(DEFAULT_CUTS, |text| text.parse().expect("a number"))
}

fn report(policy: &str, (delivered, kept, returned): (usize, usize, usize)) {
    let share = 100.0 * kept as f64 / delivered.max(1) as f64;
    println!(
        "{policy}: {} cuts, {delivered} delivered, {kept} kept ({share:.1} %), {returned} came back",
        cuts()
    );
}

#[test]
fn with_sync_never_a_power_cut_costs_responses_and_no_truth() {
    let Some(figures) = cut("never", cuts()) else { return };
    report("never", figures);
    assert!(figures.0 > 0);
}

#[test]
fn with_sync_interval_a_power_cut_costs_the_newest_responses_and_no_truth() {
    let Some(figures) = cut("interval", cuts()) else { return };
    report("interval", figures);
    assert!(figures.0 > 0);
}

#[test]
fn with_sync_always_a_power_cut_costs_nothing_that_was_delivered() {
    let Some(figures) = cut("always", cuts()) else { return };
    report("always", figures);
    let (delivered, kept, returned) = figures;
    assert!(delivered > 0 && kept == delivered, "{} of {delivered} were lost", delivered - kept);
    assert_eq!(returned, 0, "what a POST had made wrong came back");
}
