//! Every detector has a defect that trips it, and every defect a detector that sees it: by the table and by what was measured.
//!
//! The matrix itself is run by `cargo run -p harness --example detection`, which writes `docs/detection.md`; `guilty` and
//! `pupil` run a quick part of it. Nothing is started here.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use harness_model::catalogue::{CheckId, Kind};
use table::{CASES, DID_NOT_START, WITHOUT_DEFECT, WITHOUT_DETECTOR};

/// The defects of the family in Rust, as its command line names them, read from their source.
fn defects() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/guilty-proxy/defects/mod.rs");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let variants = text.split("pub enum Defect {").nth(1).unwrap_or_default().lines();
    let names = variants.filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
    names
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()))
        .map(|name| {
            let mut kebab = String::new();
            for c in name.chars() {
                if c.is_ascii_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.push(c.to_ascii_lowercase());
            }
            kebab
        })
        .collect()
}

/// What was measured: by detector and `family: defect`, how often it was caught.
fn measured() -> BTreeMap<(String, String), u64> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/detection.md");
    let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let part = text.split("## Good proxies").next().unwrap_or_default();
    part.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let caught = cells[5].split(' ').next().and_then(|n| n.parse().ok());
            let caught = caught.unwrap_or_else(|| panic!("not a row: {line}"));
            ((cells[0].trim_matches('`').to_owned(), cells[1].to_owned()), caught)
        })
        .collect()
}

#[test]
fn every_detector_has_a_defect_that_trips_it() {
    let detected: BTreeSet<&str> = CASES.iter().flat_map(|case| case.detectors).copied().collect();
    let without: BTreeSet<&str> = WITHOUT_DEFECT.iter().map(|(check, _)| *check).collect();
    let lacking: Vec<&str> = CheckId::ALL
        .iter()
        // What a person judges has no detector.
        .filter(|check| check.kind() != Kind::Manual)
        .map(|check| check.name())
        .filter(|name| !detected.contains(name) && !without.contains(name))
        .collect();
    assert!(lacking.is_empty(), "no defect trips {lacking:?}: add one to tests/detection/table.rs");
    let unknown: Vec<&&str> = detected
        .iter()
        .chain(&without)
        .filter(|name| **name != DID_NOT_START && name.parse::<CheckId>().is_err())
        .collect();
    assert!(unknown.is_empty(), "no such checks: {unknown:?}");
}

#[test]
fn every_defect_has_a_detector_that_sees_it() {
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.defect).collect();
    let without: BTreeSet<&str> = WITHOUT_DETECTOR.iter().map(|(defect, _)| *defect).collect();
    let defects = defects();
    assert!(defects.len() > 30, "the names are found: {defects:?}");
    let seen = |name: &str| name == "none" || tried.contains(name) || without.contains(name);
    let unseen: Vec<&String> = defects.iter().filter(|name| !seen(name)).collect();
    assert!(unseen.is_empty(), "no detector sees {unseen:?}: add a row to tests/detection/table.rs");
}

#[test]
fn what_the_table_promises_was_measured() {
    let measured = measured();
    let mut missing = Vec::new();
    for case in CASES {
        assert!(!case.detectors.is_empty(), "{} is seen by nobody", case.defect);
        assert!(case.power > 0.0 && case.power <= 1.0 && !case.fault.is_empty(), "{}", case.defect);
        let scenario = table::file(case.scenario);
        assert!(scenario.is_file(), "{}", scenario.display());
        for detector in case.detectors {
            let key = ((*detector).to_owned(), format!("{}: {}", case.subject, case.defect));
            if measured.get(&key).is_none_or(|&caught| caught == 0) {
                missing.push(key);
            }
        }
    }
    assert!(
        missing.is_empty(),
        "never caught, or not measured yet: {missing:?}; run `cargo run -p harness --example detection`"
    );
}
