//! Which submissions one machine of many grades, and the file by which `harness merge` knows that it has done so.
//!
//! Machines agree without having met: the same rubric, seed and submissions are shared out in the same way everywhere. There is no
//! coordinator, so nothing but this file, written last, tells that a shard is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::profile;
use super::rubric::Rubric;
use super::state::{self, State, hash};
use super::submission::Submission;
use crate::shard::Shard;
use harness_model::adapter::{self, Adapter, built_in};
use harness_model::history::{Manifest, files_beneath};
use harness_model::plan::{self, Options};

/// The file in the folder of a shard.
pub const NAME: &str = "grade-shard.json";
const FORMAT: u32 = 2;

/// What a shard leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardFile {
    format: u32,
    /// Which one it is.
    pub shard: Shard,
    /// The course.
    pub course: Course,
    /// SHA-256 of the `state.json` of each submission that it has graded, by its code.
    states: BTreeMap<String, String>,
}

/// What all shards of one grading have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Course {
    /// SHA-256 of the rubric and its scenarios.
    rubric: String,
    /// Seed of every run.
    pub seed: u64,
    /// All submissions, in the order of their codes.
    pub submissions: Vec<Placed>,
}

/// A submission and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// `E01`.
    pub code: String,
    /// The name of its folder or zip, without the ending.
    pub name: String,
    /// The shard that grades it, from 1.
    pub shard: usize,
}

impl Course {
    /// Shares the submissions out by the time that each announces.
    pub fn share_out(rubric: &Rubric, submissions: &[Submission], seed: u64, of: usize) -> Course {
        let (default, text) = built_in::ALL[0];
        let usual = adapter::resolve(&text.into(), Path::new(default)).ok();
        let announced: Vec<Duration> =
            submissions.iter().map(|one| announced(rubric, one, usual.as_ref())).collect();
        let shards = Shard::share_out(&announced, of);
        let placed = |(one, shard): (&Submission, usize)| Placed {
            code: one.code.clone(),
            name: one.name.clone(),
            shard,
        };
        Course {
            rubric: fingerprint(rubric),
            seed,
            submissions: submissions.iter().zip(shards).map(placed).collect(),
        }
    }

    /// Those that one shard grades.
    pub fn of_shard(&self, index: usize) -> impl Iterator<Item = &Placed> {
        self.submissions.iter().filter(move |placed| placed.shard == index)
    }

    /// Whether this rubric is the one that they were judged by.
    pub fn is_judged_by(&self, rubric: &Rubric) -> bool {
        self.rubric == fingerprint(rubric)
    }
}

impl ShardFile {
    /// That of a shard whose submissions are still to be graded.
    pub fn new(shard: Shard, course: Course) -> ShardFile {
        ShardFile { format: FORMAT, shard, course, states: BTreeMap::new() }
    }

    /// The submissions that it grades.
    pub fn mine(&self) -> impl Iterator<Item = &Placed> {
        self.course.of_shard(self.shard.index)
    }

    /// Writes it, in one step, with what has been concluded of each of its submissions.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(mut self, folder: &Path) -> io::Result<()> {
        let written = |code: &String| Some((code.clone(), state::written(&folder.join(code))?));
        self.states = self.mine().filter_map(|placed| written(&placed.code)).collect();
        let temporary = folder.join(".grade-shard.json");
        fs::write(&temporary, serde_json::to_vec_pretty(&self)?)?;
        fs::rename(temporary, folder.join(NAME))
    }

    /// Takes an old one away: what goes on is not whole.
    ///
    /// # Errors
    /// It is there and cannot be removed.
    pub fn withdraw(folder: &Path) -> io::Result<()> {
        match fs::remove_file(folder.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn read(folder: &Path) -> Result<ShardFile, String> {
        let text = fs::read(folder.join(NAME)).map_err(|error| error.to_string())?;
        let file: ShardFile = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if file.format == FORMAT { Ok(file) } else { Err(format!("format {}", file.format)) }
    }
}

/// Why a team cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was not judged to its end.
    Unfinished,
    /// What lies here, the folder of a run or what was concluded, is not what was written then.
    Changed(PathBuf),
}

/// What a shard, whose folder this is, knows of a team.
///
/// # Errors
/// It must be graded again.
pub fn whole(rubric: &Rubric, file: &ShardFile, folder: &Path, code: &str) -> Result<State, Unfit> {
    let team_folder = &folder.join(code);
    let state = State::found(team_folder).ok_or(Unfit::Unfinished)?;
    if state::written(team_folder).as_ref() != file.states.get(code) {
        return Err(Unfit::Changed(team_folder.join(state::FILE)));
    }
    let starts = state.triage.as_ref().ok_or(Unfit::Unfinished)?.starts();
    for scenario in rubric.scenarios.iter().filter(|_| starts) {
        let run = state.done(team_folder, &scenario.name, &scenario.text).ok_or(Unfit::Unfinished)?;
        let folder = team_folder.join(&run.folder);
        if !Manifest::read(&folder).is_ok_and(|manifest| manifest.changed(&folder).is_empty()) {
            return Err(Unfit::Changed(folder));
        }
    }
    Ok(state)
}

/// Brings the folder of a team to another place; the bytes are shared where the file system can do that, as nobody changes them in place.
///
/// # Errors
/// A file cannot be written there.
pub fn take_over(from: &Path, to: &Path) -> io::Result<()> {
    for file in files_beneath(from) {
        let Ok(inside) = file.strip_prefix(from) else { continue };
        let target = to.join(inside);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if fs::hard_link(&file, &target).is_err() {
            fs::copy(&file, &target)?;
        }
    }
    Ok(())
}

/// How long its runs take by their plans; as long as those of any other where nothing can be read of its profile.
fn announced(rubric: &Rubric, submission: &Submission, usual: Option<&Adapter>) -> Duration {
    let own = submission
        .path
        .is_dir()
        .then(|| profile::of(&submission.path, &submission.code, |_| None, false).ok())
        .flatten()
        .map(|(adapter, _)| adapter);
    let planned = |adapter: &Adapter| -> Duration {
        let plan = |scenario: &super::rubric::ScenarioText| {
            plan::resolve(&scenario.text, &scenario.file, adapter, &Options::default()).ok()
        };
        rubric.scenarios.iter().filter_map(plan).map(|plan| plan.estimated).sum()
    };
    own.as_ref().or(usual).map_or(Duration::ZERO, planned)
}

fn fingerprint(rubric: &Rubric) -> String {
    let mut all = rubric.text.to_string();
    for scenario in &rubric.scenarios {
        all.push_str(&scenario.text);
    }
    hash(&all)
}
