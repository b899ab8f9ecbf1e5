//! Ctrl-C in mid-run, as a user presses it: the record is kept and judged, nothing stays alive, and the code is 130.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{guilty_proxy, ordinary};

/// More than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn an_interrupted_run_keeps_its_record_and_leaves_nothing_alive() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut harness = started(folder.path());
    let events = wait_for("the first step", || {
        let events = found(folder.path(), "events.jsonl")?;
        std::fs::read_to_string(&events).ok()?.contains("\"step_started\"").then_some(events)
    });
    let proxies = wait_for("the proxy", || Some(proxies_in(folder.path())).filter(|pids| !pids.is_empty()));
    kill_process(Pid::from_child(&harness), Signal::INT).expect("the harness runs");
    let status = wait_for("the end of the harness", || harness.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(130));
    let text = std::fs::read_to_string(events).expect("the record");
    assert!(text.contains("\"interrupted\""), "the record says so");
    assert!(found(folder.path(), "verdicts.json").is_some(), "what there is was judged");
    assert!(found(folder.path(), "report.es.html").is_some(), "and shown");
    let left: Vec<_> = proxies.into_iter().filter(|&pid| lives(pid)).collect();
    assert!(left.is_empty(), "still alive: {left:?}");
}

/// Killed at once, it cannot tidy up; the next run does.
#[test]
fn what_a_killed_harness_leaves_is_gone_after_the_next_run() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let own = folder.path().join("tmp");
    std::fs::create_dir(&own).expect("a folder for temporary files");
    let run = || turns(folder.path(), &own);
    let left = || left_in(&own);
    let mut harness = run().spawn().expect("the harness starts");
    wait_for("its folder", || Some(()).filter(|()| !left().is_empty()));
    harness.kill().expect("it lives");
    harness.wait().expect("a child");
    assert!(!left().is_empty(), "it had no time to remove it");
    assert_eq!(
        run().status().expect("the harness runs").code(),
        Some(3),
        "its program is not in that folder"
    );
    assert_eq!(left(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(own.join("harness-claims")).expect("claims").count(), 0);
}

/// Its folders, and its control groups, at whatever moment of its first quarter of a second.
#[test]
fn whenever_it_is_killed_at_its_beginning_the_next_run_cleans_up() {
    ordinary::also("interruption::whenever_it_is_killed_at_its_beginning_the_next_run_cleans_up");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let own = folder.path().join("tmp");
    std::fs::create_dir(&own).expect("a folder for temporary files");
    let killed = [5, 20, 50, 100, 250].map(|after| {
        let mut harness = turns(folder.path(), &own).spawn().expect("the harness starts");
        // The moment is the subject.
        std::thread::sleep(Duration::from_millis(after));
        harness.kill().expect("it lives");
        harness.wait().expect("a child");
        harness.id()
    });
    assert_eq!(turns(folder.path(), &own).status().expect("the harness runs").code(), Some(3));
    assert_eq!(left_in(&own), Vec::<String>::new());
    let groups = || killed.iter().flat_map(|pid| groups_of(Path::new("/sys/fs/cgroup"), *pid, 8)).next();
    assert_eq!(groups(), None);
}

/// The turns in brief on a program that is not in its folder.
fn turns(folder: &Path, own: &Path) -> Command {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut command = Command::new(ordinary::harness());
    command.arg(here.join("scenarios/turns.yaml")).arg("--sut").arg(here.join("submissions"));
    command.arg("--out").arg(folder.join("reports")).env("TMPDIR", own);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// What lies in a folder for temporary files, but for what all runs share.
fn left_in(own: &Path) -> Vec<String> {
    let names = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let mut left: Vec<String> = std::fs::read_dir(own).expect("a folder").filter_map(names).collect();
    left.retain(|name| !["harness-ports", "harness-claims"].contains(&name.as_str()));
    left
}

/// Control groups of a harness with this number, down to so many levels.
fn groups_of(parent: &Path, pid: u32, levels: u32) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders
        .flat_map(|entry| match entry.file_name().to_string_lossy().starts_with(&format!("harness-{pid}-")) {
            true => vec![entry.path()],
            false if levels > 0 => groups_of(&entry.path(), pid, levels - 1),
            false => Vec::new(),
        })
        .collect()
}

fn started(folder: &Path) -> Child {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    // A name of its own, so that its processes can be told from those of other tests.
    let own = folder.join("interrupted-proxy");
    std::fs::copy(guilty_proxy::program(), &own).expect("a copy of the proxy");
    let adapter_file = folder.join("guilty.yaml");
    guilty_proxy::write_adapter(&adapter_file, &own, "none");
    Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg(here.join("scenarios/age.yaml"))
        .arg("--sut")
        .arg(adapter_file)
        .arg("--out")
        .arg(folder.join("reports"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the harness starts")
}

/// A file of the only run folder beneath `reports`, whatever its scenario, proxy and time.
fn found(folder: &Path, name: &str) -> Option<PathBuf> {
    let one = |directory: PathBuf| Some(std::fs::read_dir(directory).ok()?.next()?.ok()?.path());
    let proxy = one(one(folder.join("reports"))?)?;
    let runs = std::fs::read_dir(proxy).ok()?.flatten().map(|entry| entry.path());
    runs.map(|run| run.join(name)).find(|path| path.exists())
}

/// Processes whose program lies in the folder.
fn proxies_in(folder: &Path) -> Vec<i32> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program.starts_with(folder))
    })
    .collect()
}

fn lives(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(waited < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(PAUSE);
        waited += PAUSE;
    }
}
