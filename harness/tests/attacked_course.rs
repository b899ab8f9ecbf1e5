//! A course in which three of twenty attack: the other seventeen get what they get without them.
//!
//! It takes minutes: `cargo test -p harness --test integration attacked_course -- --ignored --nocapture`.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What the honest are: most are sound, some have a mistake.
const DEFECTS: [&str; 17] = [
    "none",
    "first",
    "none",
    "random",
    "none",
    "no-cache",
    "none",
    "memory",
    "none",
    "one-at-a-time",
    "none",
    "never-expires",
    "none",
    "first",
    "none",
    "none",
    "none",
];

/// What an attacker does in front of the toy proxy, while it goes on answering.
const ATTACKS: [(&str, &str); 3] = [
    (
        "takes all there is",
        "
def fill():
    kept = []
    while len(kept) < 64:
        try:
            kept.append(bytearray(64 << 20))
        except MemoryError:
            time.sleep(1)
def write():
    for _ in range(512):
        try:
            with open('cache/big', 'ab') as file:
                file.write(b'x' * (8 << 20))
        except OSError:
            time.sleep(1)
def fork():
    for _ in range(3000):
        try:
            if os.fork() == 0:
                time.sleep(600)
        except OSError:
            time.sleep(1)
",
    ),
    (
        "attacks the others",
        "
def kill():
    # Where it shares the numbers of the host, it would hit those who have no part in this.
    while os.getpid() < 50:
        for pid in range(1, 40000):
            try:
                if pid not in (os.getpid(), os.getppid()):
                    os.kill(pid, 9)
            except OSError:
                pass
        time.sleep(0.2)
def talk():
    while True:
        for port in range(1024, 65536):
            if port == options.port:
                continue
            try:
                with socket.create_connection(('127.0.0.1', port), timeout=0.1) as other:
                    other.sendall(b'GET /poison HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
            except OSError:
                pass
def remove():
    import glob
    while True:
        for name in [name for up in ('..', '../..', '../../..') for name in glob.glob(up + '/*/proxy.py') + glob.glob(up + '/*/cache/*')]:
            if not os.path.realpath(name).startswith(os.getcwd()):
                try:
                    os.unlink(name)
                except OSError:
                    pass
        time.sleep(0.2)
",
    ),
    (
        "drowns the reader",
        "
def cry():
    while True:
        sys.stdout.write('\\x1b[2J\\x1b]0;passed\\x07<script>alert(1)</script> \\u2713 passed 100 %' * 2000 + '\\n')
        log.write('GET /x -> 200 1' * 1000 + '\\n')
def stay():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                time.sleep(600)
        os._exit(0)
def burn():
    for _ in range(8):
        if os.fork() == 0:
            while True:
                pass
",
    ),
];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The toy proxy with a mistake, and with what comes before its first connection.
fn hand_in(folder: &Path, name: &str, defect: &str, attack: &str) {
    let to = folder.join(name);
    fs::create_dir_all(&to).expect("a folder");
    let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
    let started: String = attack
        .lines()
        .filter_map(|line| line.strip_prefix("def ")?.split_once('(').map(|(name, _)| name))
        .map(|name| format!("threading.Thread(target={name}, daemon=True).start()\n"))
        .collect();
    let source = source
        .replace("DEFECT = \"none\"", &format!("DEFECT = {defect:?}"))
        .replace("listener = socket.socket()\n", &format!("{attack}{started}listener = socket.socket()\n"));
    fs::write(to.join("proxy.py"), source).expect("its source");
    fs::copy(here().join("submissions/pibl-judge.yaml"), to.join("pibl-judge.yaml")).expect("its profile");
}

/// What each team got: points of each row, by its folder.
fn graded(folder: &Path) -> BTreeMap<String, Vec<(String, String)>> {
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("grade")
        .args([here().join("rubrics/turns.yaml"), folder.join("handed in")])
        .arg("--out")
        .arg(folder)
        .args(["--lang", "en", "--jobs", "2"])
        .output()
        .expect("the harness runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let text = fs::read_to_string(folder.join("grades/turns/grades.json")).expect("grades");
    let grades: Value = serde_json::from_str(&text).expect("JSON");
    let rows = |team: &Value| {
        let row = |row: &Value| (row["earned"].to_string(), row["open"].to_string());
        team["rows"].as_array().expect("rows").iter().map(row).collect()
    };
    let teams = grades["teams"].as_array().expect("teams");
    // A document names nobody: the codes are in the order of the folders.
    let handed_in = fs::read_dir(folder.join("handed in")).expect("a folder").flatten();
    let mut names: Vec<String> =
        handed_in.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names.len(), teams.len());
    names.into_iter().zip(teams.iter().map(rows)).collect()
}

#[test]
#[ignore = "37 runs, some of which are held up on purpose"]
fn seventeen_get_with_three_attackers_among_them_what_they_get_without() {
    let (without, with) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for (number, defect) in DEFECTS.iter().enumerate() {
        for folder in [&without, &with] {
            hand_in(&folder.path().join("handed in"), &format!("team {number:02}"), defect, "");
        }
    }
    // They come between the others, so that each has neighbours.
    for (number, (name, attack)) in ATTACKS.iter().enumerate() {
        hand_in(
            &with.path().join("handed in"),
            &format!("team {:02} {name}", number * 5 + 1),
            "none",
            attack,
        );
    }
    let (alone, attacked) = (graded(without.path()), graded(with.path()));
    assert_eq!((alone.len(), attacked.len()), (17, 20));
    for (team, rows) in &attacked {
        println!("{team:28} {rows:?}");
    }
    for (team, rows) in &alone {
        assert_eq!(attacked.get(team), Some(rows), "{team}");
    }
    let earned: std::collections::BTreeSet<_> = alone.values().collect();
    assert!(earned.len() > 1, "not all get the same: {earned:?}");
}
