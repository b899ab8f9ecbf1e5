//! What has been done for a team, kept in its folder, so that an interrupted grading goes on where it stopped.
//!
//! `work` writes it after every run and reads it before the first. What it holds of a run is taken over only where the
//! submission and the scenario are, byte for byte, what they were.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::profile::Flag;
use super::score::Judged;
use super::source::SourceFacts;
use super::triage::Triage;
use harness_model::exit_code::ExitCode;
use harness_model::history::NotKept;
use harness_model::terms::Bilingual;

/// The file in the folder of a team.
pub(super) const FILE: &str = "state.json";
/// Version of its shape: another one is read as nothing done.
const FORMAT: u32 = 1;

/// What has been done for a team.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    format: u32,
    /// SHA-256 of the submission.
    pub submission: String,
    /// What the first look found.
    pub triage: Option<Triage>,
    /// Its profile, as commands name it; missing where there is none.
    #[serde(default)]
    pub profile: Option<String>,
    /// What the instructor should know.
    pub flags: Vec<Flag>,
    /// What should have kept it apart and did not, because this host does not give it.
    #[serde(default)]
    pub not_kept: Vec<NotKept>,
    /// What its source says without being run; missing where the submission could not be read.
    #[serde(default)]
    pub source: Option<SourceFacts>,
    /// Finished runs, by scenario.
    pub runs: BTreeMap<String, Run>,
}

/// A finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// SHA-256 of the scenario's text.
    pub scenario: String,
    /// How it ended.
    pub exit: ExitCode,
    /// Its folder, relative to that of the team.
    pub folder: String,
    /// What was concluded.
    pub judged: Vec<Judged>,
    /// Whether what was inconclusive has been tried again, alone.
    pub repeated: bool,
    /// How long it was given, where that was too short.
    #[serde(default)]
    pub cut_after: Option<Duration>,
    /// What the judge did of its own accord because of what the proxy did, a sentence each.
    #[serde(default)]
    pub notes: Vec<Bilingual>,
}

impl State {
    /// A team of which nothing is known yet.
    pub fn new(submission: &str) -> State {
        State { format: FORMAT, submission: submission.to_owned(), ..State::default() }
    }

    /// What is known of this submission; nothing where it has changed or what was written cannot be read.
    pub fn of(team_folder: &Path, submission: &str) -> State {
        State::found(team_folder)
            .filter(|state| state.submission == submission)
            .unwrap_or_else(|| State::new(submission))
    }

    /// What was written in the folder of a team, whichever submission it was.
    pub fn found(team_folder: &Path) -> Option<State> {
        let state: State = serde_json::from_slice(&fs::read(team_folder.join(FILE)).ok()?).ok()?;
        (state.format == FORMAT).then_some(state)
    }

    /// Writes it, in one step: an interruption leaves the old one or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, team_folder: &Path) -> io::Result<()> {
        let temporary = team_folder.join(".state");
        fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        fs::rename(temporary, team_folder.join(FILE))
    }

    /// The run of a scenario, where it was of the same text and its folder is still there.
    pub fn done(&self, team_folder: &Path, scenario: &str, text: &str) -> Option<&Run> {
        let run = self.runs.get(scenario)?;
        (run.scenario == hash(text) && team_folder.join(&run.folder).is_dir()).then_some(run)
    }

    /// All conclusions of this team.
    pub fn judged(&self) -> Vec<Judged> {
        self.runs.values().flat_map(|run| run.judged.iter().cloned()).collect()
    }
}

/// SHA-256 of a text, hexadecimal.
pub fn hash(text: &str) -> String {
    hash_of(text.as_bytes())
}

/// SHA-256 of what was written for the team whose folder this is, hexadecimal; `None` where nothing was.
pub fn written(team_folder: &Path) -> Option<String> {
    Some(hash_of(&fs::read(team_folder.join(FILE)).ok()?))
}

fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_submission_or_another_scenario_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("ttl")).unwrap();
        let mut state = State::new("a");
        let run = Run {
            scenario: hash("text"),
            exit: ExitCode::Passed,
            folder: "ttl".into(),
            judged: Vec::new(),
            repeated: false,
            cut_after: None,
            notes: Vec::new(),
        };
        state.runs.insert("ttl".into(), run);
        state.write(folder.path()).unwrap();
        let same = State::of(folder.path(), "a");
        assert!(same.done(folder.path(), "ttl", "text").is_some());
        assert!(same.done(folder.path(), "ttl", "other").is_none());
        assert!(State::of(folder.path(), "b").runs.is_empty());
    }
}
