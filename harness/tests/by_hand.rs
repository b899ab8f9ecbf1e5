//! Proxies that were written from the assignment alone, by authors who knew of no detector, against tables made by hand.
//!
//! Families, each with a `truth.csv` that was decided from the sources and by curl before the harness saw them: `blind`, written with
//! care, and `untidy` and `kin`, written as students do. The whole course pack on all of them takes most of two hours, so it is run by hand:
//!
//! ```text
//! cargo test -p harness --test integration by_hand -- --ignored --nocapture          # all of them
//! ONLY=eco,turno cargo test -p harness --test integration by_hand -- --ignored --nocapture
//! ```

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where table and verdict part for a reason that `docs/blind.md` tells.
const EXPLAINED: [(&str, &str, &str); 16] = [
    // They ask their backend to close, and wait for that: the table was made with a backend that does not do as it is asked.
    ("trompo", "forward.kept_open", "pass"),
    ("python", "forward.kept_open", "pass"),
    ("rust", "forward.kept_open", "pass"),
    ("telematica-p1-hilos", "forward.kept_open", "pass"),
    // It waits for the body of a 204, which is one of the answers that are asked for there.
    ("ProxyFork_v2", "forward.kept_open", "fail"),
    // The answer is complete at once, and the client's connection waits for the end of the backend's.
    ("eco", "forward.kept_open", "fail"),
    // Three silent clients are asked beside, and a pool of four workers has one left for the fourth.
    ("pozo", "connections.silent_client", "pass"),
    ("colmena", "connections.silent_client", "pass"),
    // Told of whole seconds alone, it may be a second early: then one emptying every four seconds is no certain violation.
    ("bucle", "ttl.second_value", "pass"),
    // Up to a second late, with a clock of whole seconds.
    ("c", "ttl.expiry", "pass"),
    ("c", "ttl.second_value", "blocked"),
    ("c", "ttl.sliding", "blocked"),
    ("rust", "log.complete", "fail"),
    ("python", "connections.client_leaves", "fail"),
    ("python", "persistence.odd_names", "inconclusive"),
    ("c", "persistence.odd_names", "inconclusive"),
];

/// Share of rows that must be alike, what a table leaves open or a reason explains included.
const ALIKE: f64 = 0.97;

/// How a verdict stands to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreement {
    Alike,
    /// Passes by hand, fails here: the worst that this program can do.
    FalselyAccused,
    /// Fails by hand, passes here.
    Missed,
    /// One of the two decides nothing.
    Undecided,
}

fn agreement(by_hand: &str, here: &str) -> Agreement {
    match (by_hand, here) {
        ("open" | "race", _) => Agreement::Alike,
        (hand, here) if hand == here => Agreement::Alike,
        ("pass", "fail") => Agreement::FalselyAccused,
        ("fail", "pass") => Agreement::Missed,
        _ => Agreement::Undecided,
    }
}

#[test]
#[ignore = "most of two hours: the whole course pack on sixty-one programs"]
fn verdicts_agree_with_tables_made_by_hand() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted = |name: &str| only.is_empty() || only.split(',').any(|asked| asked == name);
    let (mut rows, mut alike, mut accused) = (0, 0, Vec::new());
    for family in ["blind", "untidy", "kin/b", "kin/c", "kin/d", "kin/e", "kin/f", "kin/g", "kin/h"] {
        let folder = tests().join(family);
        let table = Table::read(&folder.join("truth.csv"));
        for (column, proxy) in table.proxies.iter().enumerate().filter(|(_, proxy)| wanted(proxy)) {
            let verdicts = verdicts(&folder.join(proxy).join("pibl-judge.yaml"), proxy, []);
            let mut same = 0;
            for (check, by_hand) in &table.rows {
                let by_hand = by_hand[column].as_str();
                let verdict = verdicts.iter().find(|verdict| verdict["check"] == check.as_str());
                // Not every edition asks for everything that the table knows, nor does every profile let it.
                let here = verdict.and_then(|verdict| verdict["outcome"].as_str());
                let Some(here) = here.filter(|here| *here != "skipped") else { continue };
                rows += 1;
                let found = agreement(by_hand, here);
                let explained = EXPLAINED.contains(&(proxy.as_str(), check.as_str(), here));
                if found == Agreement::Alike || explained {
                    same += 1;
                    alike += 1;
                    continue;
                }
                println!("{proxy}: {check} is {by_hand} by hand and {here} here: {found:?}");
                if found == Agreement::FalselyAccused {
                    accused.push(format!("{proxy}: {check}"));
                }
            }
            println!("{proxy}: {same} rows alike");
        }
    }
    println!("{alike} of {rows} rows alike");
    assert!(accused.is_empty(), "falsely accused: {accused:?}");
    assert!(f64::from(alike) >= ALIKE * f64::from(rows), "{alike} of {rows} rows are alike");
}

/// Programs of the untidy family whose habits once led to false accusations, and the rows that were wrong.
const FEW: [&str; 5] = ["eco", "pozo", "turno", "nube", "noria"];
const ROWS: [&str; 6] = [
    "rr.serial_cycle",
    "concurrency.own_answers",
    "cache.hit",
    "cache.similar_paths",
    "cache.truncated",
    "config.backends",
];

#[test]
fn rows_that_were_once_wrong_are_as_by_hand() {
    let folder = tests().join("untidy");
    let table = Table::read(&folder.join("truth.csv"));
    let mut parted = Vec::new();
    // One after the other, since other tests run beside this one.
    for proxy in FEW {
        let column = table.proxies.iter().position(|name| name == proxy).expect("a column");
        let by_hand = |check: &str| {
            table.rows.iter().find(|(row, _)| row == check).map_or("open", |row| row.1[column].as_str())
        };
        let only = ROWS.iter().flat_map(|row| ["--only", row]);
        for verdict in verdicts(&folder.join(proxy).join("pibl-judge.yaml"), proxy, only) {
            let (Some(check), Some(here)) = (verdict["check"].as_str(), verdict["outcome"].as_str()) else {
                continue;
            };
            if matches!(agreement(by_hand(check), here), Agreement::FalselyAccused | Agreement::Missed) {
                parted.push(format!("{proxy}: {check} is {} by hand and {here} here", by_hand(check)));
            }
        }
    }
    assert!(parted.is_empty(), "{parted:#?}");
}

#[test]
fn every_program_of_a_table_is_there_with_an_adapter_and_every_row_is_decided() {
    for family in ["blind", "untidy", "kin/b", "kin/c", "kin/d", "kin/e", "kin/f", "kin/g", "kin/h"] {
        let folder = tests().join(family);
        let table = Table::read(&folder.join("truth.csv"));
        for proxy in &table.proxies {
            let adapter = folder.join(proxy).join("pibl-judge.yaml");
            let check = Command::new(env!("CARGO_BIN_EXE_harness")).arg("check").arg(&adapter).output();
            let check = check.expect("the harness starts");
            assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        }
        for (check, cells) in &table.rows {
            assert_eq!(cells.len(), table.proxies.len(), "{family}: {check}");
            let known = ["pass", "fail", "blocked", "unsupported", "inconclusive", "open", "race"];
            assert!(cells.iter().all(|cell| known.contains(&cell.as_str())), "{family}: {check}: {cells:?}");
        }
    }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A table made by hand: a column for each program, a row for each check.
struct Table {
    proxies: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    fn read(file: &Path) -> Table {
        let mut reader = csv::Reader::from_path(file).expect("the table");
        let proxies = reader.headers().expect("a header").iter().skip(1).map(str::to_owned).collect();
        let rows = reader.records().map(|record| {
            let mut cells = record.expect("a row").iter().map(str::to_owned).collect::<Vec<_>>();
            (cells.remove(0), cells)
        });
        Table { proxies, rows: rows.collect() }
    }
}

fn verdicts<'a>(adapter: &Path, proxy: &str, more: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    // `KEEP=/tmp/runs` keeps the runs, to be looked into.
    let out = std::env::var_os("KEEP").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/course/2026.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg(pack)
        .arg("--sut")
        .arg(adapter)
        .arg("--out")
        .arg(&out)
        .args(more)
        .output()
        .expect("the harness starts");
    let file = out.join("course-2026").join(proxy.replace(' ', "-")).join("latest/verdicts.json");
    let text = std::fs::read(file).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let document: Value = serde_json::from_slice(&text).expect("JSON");
    document["verdicts"].as_array().expect("verdicts").clone()
}
