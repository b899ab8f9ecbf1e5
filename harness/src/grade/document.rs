//! `grades.json`: all teams, rows and runs of a grading for programs, with a published schema.
//!
//! [`conclude`] makes it from what was done; CSV, Gradescope and the pages are drawn from it. It names teams by their codes
//! alone. Nothing is run and nothing is judged here.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entries::{Entries, Entry};
use super::profile::Flag;
use super::rubric::{Rubric, ScaleFile};
use super::score::{Grade, Judged, RowScore, Rung, Seen, score};
use super::source::{Alike, SourceFacts, alike};
use super::triage::Triage;
use super::work::Team;
use harness_judge::check::{Cause, Outcome};
use harness_model::catalogue::CheckId;
use harness_model::history::NotKept;
use harness_model::terms::Bilingual;

/// Version of the shape of `grades.json`.
const FORMAT: u32 = 1;

/// All of `grades.json`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct GradesDocument {
    /// Version of this shape. Fields may be added under the same number; none is removed or changes its meaning.
    pub format: u32,
    /// Short name of the rubric.
    pub rubric: String,
    /// Its title.
    pub title: Bilingual,
    /// The grades that can be given.
    pub scale: ScaleFile,
    /// All points that can be had.
    pub points: f64,
    /// Seed of every run.
    pub seed: u64,
    /// The teams, by code.
    pub teams: Vec<TeamDocument>,
}

/// One team.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TeamDocument {
    /// `E01`.
    pub code: String,
    /// What the first look found; missing where the grading was interrupted before it.
    pub triage: Option<Triage>,
    /// What the instructor should know.
    pub flags: Vec<Flag>,
    /// What should have kept it apart from the host and from the others and did not, because the host does not give it.
    pub not_kept: Vec<NotKept>,
    /// What its source says without being run; missing where the submission could not be read.
    pub source: Option<SourceFacts>,
    /// The grade, or the span in which it will lie.
    pub grade: Grade,
    /// One row per requirement, in the order of the rubric.
    pub rows: Vec<RowScore>,
    /// The runs that were made.
    pub runs: Vec<RunDocument>,
}

/// One run of a team.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunDocument {
    /// Short name of the scenario.
    pub scenario: String,
    /// Exit code of the run.
    pub exit_code: u8,
    /// Its folder, relative to that of the team.
    pub folder: String,
    /// Whether what was inconclusive has been tried again, alone.
    pub repeated: bool,
    /// Seconds after which it was cut, its time being over: what it had not asked by then is to be reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_after_seconds: Option<f64>,
    /// What the judge did of its own accord because of what the proxy did, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Bilingual>,
}

/// A team with everything that its pages need.
#[derive(Clone, Debug)]
pub struct TeamGrade {
    /// The team and its runs.
    pub team: Team,
    /// What was concluded about it.
    pub judged: Vec<Judged>,
    /// Its row of the document.
    pub document: TeamDocument,
}

/// A grading, concluded.
#[derive(Clone, Debug)]
pub struct Graded {
    /// The rubric.
    pub rubric: Rubric,
    /// The teams, by code.
    pub teams: Vec<TeamGrade>,
    /// Seed of every run.
    pub seed: u64,
    /// Teams whose submissions share code.
    pub(super) alike: Vec<Alike>,
}

/// A check that failed, and for whom; `None`: the proxy never got ready.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SharedFault {
    pub(super) check: Option<CheckId>,
    /// Each team once, by code, with what its evidence suggests.
    pub(super) teams: Vec<(String, Option<Cause>)>,
}

/// Scores everything that was done.
pub fn conclude(rubric: Rubric, teams: Vec<Team>, entries: &Entries, seed: u64) -> Graded {
    let prints = |team: &Team| {
        let source = team.state.source.as_ref();
        (team.submission.code.clone(), source.map(|source| source.prints.clone()).unwrap_or_default())
    };
    let alike = alike(&teams.iter().map(prints).collect::<Vec<_>>());
    let teams = teams.into_iter().map(|team| concluded(&rubric, team, entries)).collect();
    Graded { rubric, teams, seed, alike }
}

fn concluded(rubric: &Rubric, team: Team, entries: &Entries) -> TeamGrade {
    let judged = team.state.judged();
    let triage = team.state.triage.clone();
    // Where the machine or the judge is the reason, everything stays open for a person to look at.
    let drafted = team.state.flags.contains(&Flag::Drafted);
    let started = !triage.as_ref().is_some_and(|triage| triage.is_its_own_fault(drafted));
    let entry: Option<&Entry> =
        entries.get(&team.submission.code).or_else(|| entries.get(&team.submission.name));
    let source = team.state.source.clone();
    let seen = Seen { judged: &judged, started, drafted, source: source.as_ref() };
    let (rows, grade) = score(rubric, &seen, entry);
    let runs = team.state.runs.iter().map(|(scenario, run)| RunDocument {
        scenario: scenario.clone(),
        exit_code: run.exit.number(),
        folder: run.folder.clone(),
        repeated: run.repeated,
        cut_after_seconds: run.cut_after.map(|time| time.as_secs_f64()),
        notes: run.notes.clone(),
    });
    let document = TeamDocument {
        code: team.submission.code.clone(),
        triage,
        flags: team.state.flags.clone(),
        not_kept: team.state.not_kept.clone(),
        source: source.map(|source| SourceFacts { prints: BTreeSet::new(), ..source }),
        grade,
        rows,
        runs: runs.collect(),
    };
    TeamGrade { team, judged, document }
}

impl Graded {
    /// The document.
    pub fn document(&self) -> GradesDocument {
        GradesDocument {
            format: FORMAT,
            rubric: self.rubric.name.clone(),
            title: self.rubric.title.clone(),
            scale: self.rubric.scale,
            points: self.rubric.points(),
            seed: self.seed,
            teams: self.teams.iter().map(|team| team.document.clone()).collect(),
        }
    }

    /// What failed by how many teams it failed for, the commonest first.
    pub(super) fn shared_faults(&self) -> Vec<SharedFault> {
        let mut faults: Vec<SharedFault> = Vec::new();
        let mut note = |check: Option<CheckId>, code: &str, cause: Option<Cause>| {
            let place = faults.iter().position(|fault| fault.check == check).unwrap_or_else(|| {
                faults.push(SharedFault { check, teams: Vec::new() });
                faults.len() - 1
            });
            let teams = &mut faults[place].teams;
            if !teams.iter().any(|(known, _)| known == code) {
                teams.push((code.to_owned(), cause));
            }
        };
        for team in &self.teams {
            let code = &team.document.code;
            let drafted = team.document.flags.contains(&Flag::Drafted);
            if team.document.triage.as_ref().is_some_and(|triage| triage.is_its_own_fault(drafted)) {
                note(None, code, None);
            }
            for judged in team.judged.iter().filter(|judged| judged.verdict.outcome == Outcome::Fail) {
                note(Some(judged.verdict.check), code, judged.verdict.cause);
            }
        }
        faults.sort_by_key(|fault| (std::cmp::Reverse(fault.teams.len()), fault.check));
        faults
    }

    /// What this host could not keep apart, with the codes of those whom it concerns.
    pub(super) fn not_kept(&self) -> Vec<(NotKept, Vec<&str>)> {
        let concerned = |what: NotKept| {
            let teams = self.teams.iter().filter(|team| team.document.not_kept.contains(&what));
            (what, teams.map(|team| team.document.code.as_str()).collect::<Vec<_>>())
        };
        NotKept::ALL.into_iter().map(concerned).filter(|(_, teams)| !teams.is_empty()).collect()
    }

    /// How many teams have all, some, none of the points of a row, and in how many it is open.
    pub(super) fn distribution(&self, row: usize) -> [usize; 4] {
        let mut counts = [0; 4];
        for score in self.teams.iter().filter_map(|team| team.document.rows.get(row)) {
            let place = match score {
                score if score.open > 0.0 => 3,
                score if score.earned >= score.points => 0,
                score if score.earned > 0.0 => 1,
                _ => 2,
            };
            counts[place] += 1;
        }
        counts
    }
}

impl TeamGrade {
    /// The verdict that decides a rung, with the run that it comes from: the failed one, or else the open one.
    pub(super) fn deciding(&self, rung: &Rung) -> Option<&Judged> {
        let (Rung::Missed { check, .. } | Rung::Open { check }) = rung else { return None };
        let worst = super::score::worst(*check, &self.judged)?;
        self.judged.iter().find(|judged| judged.verdict.check == *check && judged.verdict.outcome == worst)
    }
}
