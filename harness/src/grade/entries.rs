//! What a person enters: points of the rows that no program can judge, and points in place of the computed ones, with a
//! reason.
//!
//! `harness grade --entries FILE` reads it; the index page writes the same shape for copying. Nothing is scored here.

use std::collections::BTreeMap;
use std::path::Path;

use fake_backends::behavior::Share;
use serde::Deserialize;

use super::rubric::{By, Rubric};
use harness_model::scenario::{self, NameKind, Problem, What, find_key, parse};

/// What was entered for one team.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    /// Row that a person judges → share of its points, such as `80%`.
    pub manual: BTreeMap<String, Share>,
    /// Row → points in place of the computed ones.
    pub overrides: BTreeMap<String, Override>,
}

/// Points in place of the computed ones.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// How many.
    pub points: f64,
    /// Why; shown beside the row.
    pub reason: String,
}

/// Entries of all teams: the team's code or the name of its submission → what was entered.
pub type Entries = BTreeMap<String, Entry>;

/// Reads the file.
///
/// # Errors
/// Everything that is wrong with it, with its place; a row that the rubric does not have among it.
pub fn read(file: &Path, rubric: &Rubric) -> Result<Entries, Vec<Problem>> {
    let text = scenario::read(file).map_err(|problem| vec![problem])?;
    let entries: Entries = parse(&text, file).map_err(|problem| vec![problem])?;
    let rows = |manual: bool| rubric.rows.iter().filter(move |row| !manual || matches!(row.by, By::Person));
    let mut problems = Vec::new();
    for entry in entries.values() {
        let named = entry.manual.keys().map(|key| (key, true));
        for (key, manual) in named.chain(entry.overrides.keys().map(|key| (key, false))) {
            if !rows(manual).any(|row| row.key == *key) {
                let known = rows(manual).map(|row| row.key.clone()).collect();
                let what = What::UnknownName { kind: NameKind::Requirement, name: key.clone(), known };
                problems.push(Problem::at(find_key(&text, file, key), what));
            }
        }
    }
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}
