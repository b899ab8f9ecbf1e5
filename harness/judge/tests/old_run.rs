//! A run that an earlier version carried out is read and judged as it was then.
//!
//! `old_run/` is its record as it lay in the run folder, and of its `verdicts.json` what the judge had concluded. A change to the
//! record or to the findings that makes this fail would leave every report of a course unreadable: refuse or migrate instead.

use std::path::Path;

use harness_judge::check::{Finding, evaluate};
use harness_model::history;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old_run"))
}

fn concluded() -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder().join("verdicts.json")).unwrap();
    let verdicts: serde_json::Value = serde_json::from_str(&text).unwrap();
    verdicts["verdicts"].as_array().unwrap().clone()
}

#[test]
fn a_record_of_an_earlier_version_is_judged_as_it_was() {
    let record = history::read(folder()).unwrap();
    let verdicts = evaluate(&record);
    let then = concluded();
    assert_eq!(verdicts.len(), then.len());
    for (now, then) in verdicts.iter().zip(&then) {
        assert_eq!(now.check.name(), then["check"].as_str().unwrap());
        let outcome = serde_json::to_value(now.outcome).unwrap();
        assert_eq!(outcome, then["outcome"], "{}: {:?}", now.check, now.finding);
    }
}

#[test]
fn its_findings_are_read_back_and_written_as_they_were() {
    for then in concluded() {
        let finding: Finding = serde_json::from_value(then["finding"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&finding).unwrap(), then["finding"]);
    }
}
