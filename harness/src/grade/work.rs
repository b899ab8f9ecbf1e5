//! Runs what a rubric asks of every team: many at once where nothing is timed, one after the other where it is.
//!
//! `harness grade` calls [`work`]. Each finished run is written down at once, so an interrupted grading goes on where it
//! stopped; whatever one submission does, a panic of the judge included, it costs its own row only. Nothing is scored here.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::profile::{self, Flag};
use super::rubric::{self, By, Rubric, ScenarioText};
use super::score::Judged;
use super::source;
use super::state::{Run, State, hash};
use super::submission::{self, Submission};
use super::triage::{self, Triage};
use super::unpack::UnpackProblem;
use fake_backends::clock::RunClock;

use crate::conductor::{self, Finished, Interruption, Observer, RunOrder};
use harness_judge::check::Outcome;
use harness_model::adapter::Adapter;
use harness_model::catalogue::CheckId;
use harness_model::exit_code::ExitCode;
use harness_model::history::NotKept;
use harness_model::plan::{self, Hints, HostProfile, Options, Plan, StepKind};
use harness_model::terms::Bilingual;
use harness_tell::language::Language;
use harness_tell::report::{Attachments, Overview, Source};

/// What a grading is told.
pub struct GradeOrder {
    /// The rubric.
    pub rubric: Rubric,
    /// The submissions, with their codes.
    pub submissions: Vec<Submission>,
    /// The folder of this grading.
    pub out: PathBuf,
    /// Runs at a time, where nothing is timed.
    pub jobs: usize,
    /// The longest that a run may take, where whoever grades says so.
    pub max_duration: Option<Duration>,
    /// Seed of every run: all teams are asked the same.
    pub seed: u64,
    /// Ends the grading early.
    pub interruption: Interruption,
    /// Whether to stop after the first look.
    pub only_look: bool,
    /// Writes a profile for a folder that has none, by looking at it.
    pub draft: fn(&Path) -> Option<String>,
    /// Whether profiles may say what only their reader should allow.
    pub trust_profile: bool,
    /// Whether builds may use the network of the host.
    pub build_network: bool,
    /// Told what happens meanwhile.
    pub observer: Arc<dyn GradeObserver>,
}

/// Shows a grading while it lasts.
pub trait GradeObserver: Send + Sync {
    /// A submission has been looked at.
    fn looked_at(&self, submission: &Submission, triage: &Triage, flags: &[Flag]);
    /// What follows: so many runs, of which so many were made before, and how long the rest takes at most.
    fn estimated(&self, runs: usize, made_before: usize, time: Duration);
    /// A run has ended.
    fn finished(&self, code: &str, scenario: &str, exit: ExitCode, done: usize, of: usize);
    /// Something that concerns one row only went wrong in the judge.
    fn went_wrong(&self, code: &str, what: &str);
}

/// A team and what has been done for it.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its submission.
    pub submission: Submission,
    /// Its folder.
    pub folder: PathBuf,
    /// Its profile, where there is one and it was graded here.
    pub adapter: Option<Adapter>,
    /// What is known.
    pub state: State,
}

/// One run to be made.
#[derive(Clone, Copy, Debug)]
struct Job {
    team: usize,
    scenario: usize,
    /// Whether it is made only because the first time left something undecided.
    again: bool,
}

/// The first look takes no longer than this, builds aside.
const LOOK_WITHIN: Duration = Duration::from_secs(60);
/// A run gets its estimate this many times, and [`GRACE`].
const PATIENCE: u32 = 3;
const GRACE: Duration = Duration::from_secs(60);
/// A run gets at least this on a small host, where everything takes longer.
const WHEN_SMALL: Duration = Duration::from_secs(480);
/// A run has more starts and larger pages than a first look.
const RUN_IN_LOOKS: u32 = 3;
/// What a run takes beyond its plan where no first look was made this time.
const USUAL_OVERHEAD: Duration = Duration::from_secs(2);

/// Takes the folder of a grading for oneself, for as long as what it returns lives: two that write there would mix their runs.
///
/// # Errors
/// Another one has it, or it cannot be written.
pub fn take(out: &Path) -> io::Result<File> {
    std::fs::create_dir_all(out)?;
    let file = File::create(out.join(".grading"))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::ResourceBusy.into()),
        // Some file systems know no locks.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Brings in, looks at and runs all submissions.
///
/// # Errors
/// The folder of the grading cannot be written.
pub fn work(order: &GradeOrder) -> io::Result<Vec<Team>> {
    rubric::keep(&order.rubric, &order.out)?;
    submission::write_teams(&order.out, &order.submissions)?;
    let bench = Bench::new(order);
    bench.on_all(order.jobs, (0..order.submissions.len()).collect(), &|index| bench.look_at(index));
    if !order.only_look {
        bench.run_everything();
    }
    Ok(bench
        .teams
        .into_iter()
        .map(|team| team.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect())
}

/// What the workers share.
struct Bench<'a> {
    order: &'a GradeOrder,
    teams: Vec<Mutex<Team>>,
    /// One run at a time for each port that a proxy insists on.
    ports: Mutex<BTreeMap<u16, Arc<Mutex<()>>>>,
    /// What the first looks took beyond their plans, in all, and how many there were.
    looks: Mutex<(Duration, u32)>,
    clock: RunClock,
    /// What this host can bear.
    profile: HostProfile,
    /// Runs done and runs in all.
    progress: Mutex<(usize, usize)>,
}

impl<'a> Bench<'a> {
    fn new(order: &'a GradeOrder) -> Bench<'a> {
        let team = |submission: &Submission| {
            let folder = order.out.join(&submission.code);
            Mutex::new(Team {
                submission: submission.clone(),
                folder,
                adapter: None,
                state: State::default(),
            })
        };
        Bench {
            order,
            teams: order.submissions.iter().map(team).collect(),
            ports: Mutex::default(),
            looks: Mutex::default(),
            clock: RunClock::start(),
            profile: HostProfile::choose(None, &harness_platform::host_facts()),
            progress: Mutex::default(),
        }
    }

    fn team(&self, index: usize) -> MutexGuard<'_, Team> {
        lock(&self.teams[index])
    }

    /// Does something to many, with so many workers; no more are begun after an interruption.
    fn on_all<T: Copy + Send>(&self, workers: usize, items: VecDeque<T>, one: &(dyn Fn(T) + Sync)) {
        let workers = workers.min(items.len()).max(1);
        let queue = Mutex::new(items);
        let work = || {
            loop {
                let next = lock(&queue).pop_front();
                let Some(item) = next.filter(|_| self.order.interruption.cause().is_none()) else { return };
                one(item);
            }
        };
        std::thread::scope(|scope| {
            (1..workers).for_each(|_| drop(scope.spawn(work)));
            work();
        });
    }

    /// Brings a submission in, finds its profile and starts it once.
    fn look_at(&self, index: usize) {
        let Team { submission, folder, .. } = self.team(index).clone();
        // What was not looked at to its end is looked at the next time.
        let Some((adapter, state)) = self.first_look(&submission, &folder) else { return };
        if let Some(triage) = &state.triage {
            self.order.observer.looked_at(&submission, triage, &state.flags);
        }
        self.keep(&state, &folder, &submission.code);
        let mut team = self.team(index);
        team.adapter = adapter;
        team.state = state;
    }

    fn first_look(&self, submission: &Submission, folder: &Path) -> Option<(Option<Adapter>, State)> {
        let brought =
            match submission::bring(submission, folder, &|| self.order.interruption.cause().is_some()) {
                Ok(brought) => brought,
                Err(UnpackProblem::Interrupted) => return None,
                Err(problem) => {
                    let mut state = State::new("");
                    state.triage = Some(Triage::of_unpacking(&problem));
                    return Some((None, state));
                }
            };
        let mut state = State::of(folder, &brought.sha256);
        state.source = Some(source::read(&brought.root));
        let (draft, trusted) = (self.order.draft, self.order.trust_profile);
        let (adapter, flags) = match profile::of(&brought.root, &submission.code, draft, trusted) {
            Ok(found) => found,
            Err(problem) => {
                state.triage = Some(Triage::of_profile(&problem));
                return Some((None, state));
            }
        };
        state.flags = flags;
        state.profile = Some(adapter.origin.clone());
        // A proxy that started before starts again; one that did not may have been waiting for something to be installed.
        if !state.triage.as_ref().is_some_and(Triage::starts) {
            state.triage = match triage::plan(&adapter, self.order.seed) {
                Ok(plan) => self.start_once(plan, folder, &mut state.not_kept),
                Err(why) => Some(Triage::in_vain(why)),
            };
        }
        Some((Some(adapter), state))
    }

    /// The run of the first look. How long it took says what a run costs on this machine beside waiting.
    fn start_once(&self, plan: Plan, folder: &Path, not_kept: &mut Vec<NotKept>) -> Option<Triage> {
        let (began, planned) = (self.clock.now(), plan.estimated);
        let triage = match self.carry_out(plan, folder, LOOK_WITHIN) {
            Ok(_) if self.order.interruption.cause().is_some() => return None,
            Ok(finished) => {
                not_kept.clone_from(&finished.not_kept);
                Triage::of_run(&finished)
            }
            Err(why) => Triage::in_vain(why),
        };
        if triage.starts() {
            let mut looks = lock(&self.looks);
            looks.0 += self.clock.now().since(began).saturating_sub(planned);
            looks.1 += 1;
        }
        Some(triage)
    }

    /// What a run takes beyond its plan: starts, stops, judging and drawing.
    fn overhead(&self) -> Duration {
        let (time, count) = *lock(&self.looks);
        if count == 0 { USUAL_OVERHEAD } else { time / count * RUN_IN_LOOKS }
    }

    /// All runs: those that can be made together, those that are timed, and once more, alone, what stayed undecided.
    fn run_everything(&self) {
        let (mut together, mut alone, mut made_before) = (Vec::new(), Vec::new(), 0);
        let (mut time, overhead) = (Duration::ZERO, self.overhead());
        for team in 0..self.teams.len() {
            for scenario in 0..self.order.rubric.scenarios.len() {
                let job = Job { team, scenario, again: false };
                let Some(plan) = self.plan(job) else { continue };
                if self.is_done(job, &plan) {
                    made_before += 1;
                } else if is_timed(&plan) {
                    time += plan.estimated + overhead;
                    alone.push(job);
                } else {
                    time += (plan.estimated + overhead) / u32::try_from(self.order.jobs.max(1)).unwrap_or(1);
                    together.push(job);
                }
            }
        }
        let all = together.len() + alone.len() + made_before;
        *lock(&self.progress) = (made_before, all);
        self.order.observer.estimated(all, made_before, time);
        self.on_all(self.order.jobs, together.into(), &|job| self.run(job));
        self.on_all(1, alone.into(), &|job| self.run(job));
        let again = self.undecided();
        lock(&self.progress).1 += again.len();
        self.on_all(1, again.into(), &|job| self.run(job));
    }

    /// The plan of a run, where the team's proxy starts.
    fn plan(&self, job: Job) -> Option<Plan> {
        let team = self.team(job.team);
        let adapter =
            team.adapter.as_ref().filter(|_| team.state.triage.as_ref().is_some_and(Triage::starts))?;
        let scenario = &self.order.rubric.scenarios[job.scenario];
        let options = Options { seed: self.order.seed, strict: true, settings: Vec::new() };
        // It was resolved with another adapter when the rubric was read; no adapter makes a difference to what is wrong.
        let mut plan =
            plan::resolve(&scenario.text, &Path::new("scenarios").join(&scenario.file), adapter, &options)
                .ok()?;
        plan.text = scenario.text.to_string();
        plan.hints = self.order.rubric.hints;
        Some(plan.within(&self.profile))
    }

    /// How long a run may take: what whoever grades says, or the rubric, or more than ample time.
    fn within(&self, plan: &Plan) -> Duration {
        let ample = plan.estimated * PATIENCE + GRACE;
        let ample = if plan.is_small() { ample.max(WHEN_SMALL) } else { ample } + plan.waits_for_slow();
        self.order.max_duration.or(self.order.rubric.run_within).unwrap_or(ample)
    }

    /// Whether a run was made; one that was cut is made again where it is given more time now.
    fn is_done(&self, job: Job, plan: &Plan) -> bool {
        let (team, scenario) = (self.team(job.team), &self.order.rubric.scenarios[job.scenario]);
        let done = team.state.done(&team.folder, &scenario.name, &scenario.text);
        done.is_some_and(|run| run.cut_after.is_none_or(|cut| cut >= self.within(plan)))
    }

    fn run(&self, job: Job) {
        let Some(plan) = self.plan(job) else { return };
        let scenario = &self.order.rubric.scenarios[job.scenario];
        let (folder, code) = {
            let team = self.team(job.team);
            (team.folder.clone(), team.submission.code.clone())
        };
        let within = self.within(&plan);
        let finished = match self.carry_out(plan, &folder, within) {
            Ok(finished) => finished,
            Err(what) => return self.order.observer.went_wrong(&code, &what),
        };
        // Cut short by the user: it is made again the next time.
        if self.order.interruption.cause().is_some() {
            return;
        }
        let exit = finished.exit;
        let mut team = self.team(job.team);
        // What this host gives may have changed since the first look.
        team.state.not_kept.clone_from(&finished.not_kept);
        let run = as_run(finished, scenario, &folder, job.again, within);
        match team.state.runs.get_mut(&scenario.name) {
            Some(first) if job.again => merge(first, run),
            _ => drop(team.state.runs.insert(scenario.name.clone(), run)),
        }
        self.keep(&team.state, &folder, &code);
        drop(team);
        let (done, of) = {
            let mut progress = lock(&self.progress);
            progress.0 += 1;
            *progress
        };
        self.order.observer.finished(&code, &scenario.name, exit, done, of);
    }

    /// One run from beginning to end; what goes wrong in the judge comes back as a sentence.
    fn carry_out(&self, plan: Plan, folder: &Path, within: Duration) -> Result<Finished, String> {
        let port = plan.adapter.fixed_port.map(|port| lock(&self.ports).entry(port).or_default().clone());
        let _turn = port.as_ref().map(|port| lock(port));
        let command = ["harness", "run", &plan.file.to_string_lossy(), "--sut"].map(str::to_owned);
        let mut command = command.to_vec();
        command.push(plan.adapter.origin.clone());
        command.extend(["--seed".to_owned(), plan.seed.to_string(), "--strict".to_owned()]);
        let order = RunOrder {
            // A run takes longer by it, which is granted where changes are tried, as those rest on what was seen.
            watching: match plan.hints {
                Hints::Trial => conductor::Watching::Failures,
                _ => conductor::Watching::Never,
            },
            repetition: None,
            plan,
            out: folder.to_path_buf(),
            command,
            interruption: self.order.interruption.clone(),
            max_duration: Some(within),
            hold: false,
            desk: conductor::Desk::default(),
            build_network: self.order.build_network,
            observer: Arc::new(Quiet),
        };
        match catch_unwind(AssertUnwindSafe(|| conductor::run(order))) {
            Ok(Ok(finished)) => Ok(finished),
            Ok(Err(problem)) => Err(problem.to_string()),
            Err(_) => Err("the harness has a bug: it panicked in this run".to_owned()),
        }
    }

    /// Runs that left a check of the rubric inconclusive and have not been tried again.
    fn undecided(&self) -> Vec<Job> {
        let counted: Vec<CheckId> = self
            .order
            .rubric
            .rows
            .iter()
            .filter_map(|row| match &row.by {
                By::Checks(rungs) => Some(rungs),
                By::Source(_) | By::Person => None,
            })
            .flatten()
            .flatten()
            .copied()
            .collect();
        let mut jobs = Vec::new();
        for team in 0..self.teams.len() {
            for (index, scenario) in self.order.rubric.scenarios.iter().enumerate() {
                let team_now = self.team(team);
                let open = team_now.state.runs.get(&scenario.name).is_some_and(|run| {
                    let is_open = |judged: &Judged| {
                        judged.verdict.outcome == Outcome::Inconclusive
                            && counted.contains(&judged.verdict.check)
                    };
                    // What took too long takes too long again.
                    !run.repeated && run.cut_after.is_none() && run.judged.iter().any(is_open)
                });
                if open {
                    jobs.push(Job { team, scenario: index, again: true });
                }
            }
        }
        jobs
    }

    fn keep(&self, state: &State, folder: &Path, code: &str) {
        let kept = std::fs::create_dir_all(folder).and_then(|()| state.write(folder));
        if let Err(error) = kept {
            self.order.observer.went_wrong(code, &error.to_string());
        }
    }
}

/// Whether a run measures times that another run beside it would spoil.
fn is_timed(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| matches!(step.kind, StepKind::Load(_)))
        || plan.checks.iter().any(|check| check.id == CheckId::LatencyThresholds)
}

fn as_run(
    finished: Finished,
    scenario: &ScenarioText,
    folder: &Path,
    repeated: bool,
    within: Duration,
) -> Run {
    let inside = finished.run_directory.strip_prefix(folder).unwrap_or(&finished.run_directory);
    let inside = inside.to_string_lossy().into_owned();
    let overview = Overview::of(&Source {
        record: &finished.record,
        verdicts: &finished.verdicts,
        attachments: &Attachments::default(),
    });
    let (en, es) =
        (overview.done_of_its_own_accord(Language::En), overview.done_of_its_own_accord(Language::Es));
    let notes = en.into_iter().zip(es).map(|(en, es)| Bilingual { en, es }).collect();
    let judged = finished.verdicts.into_iter().map(|verdict| Judged {
        scenario: scenario.name.clone(),
        folder: inside.clone(),
        verdict,
        repeated,
    });
    let judged: Vec<Judged> = judged.collect();
    let cut_after = (finished.exit == ExitCode::TimeOver).then_some(within);
    let scenario = hash(&scenario.text);
    Run { scenario, exit: finished.exit, folder: inside, judged, repeated, cut_after, notes }
}

/// What was undecided takes the conclusion of the second run. A failure of either run stays one: a retry never turns it into a
/// pass.
fn merge(first: &mut Run, second: Run) {
    for judged in &mut first.judged {
        let again = second.judged.iter().find(|other| other.verdict.check == judged.verdict.check);
        if let Some(again) = again
            && judged.verdict.outcome != Outcome::Fail
            && (judged.verdict.outcome == Outcome::Inconclusive || again.verdict.outcome == Outcome::Fail)
        {
            *judged = again.clone();
        }
    }
    first.repeated = true;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking run left behind is written anew by the next one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Many runs at once have no room for the progress of each.
struct Quiet;

impl Observer for Quiet {
    fn began(&self, _plan: &Plan, _run_directory: &Path, _events: harness_model::history::Listener) {}
    fn preparing(&self, _preparation: &harness_run::proxy_under_test::Preparation) {}
    fn holding(&self, _held: &crate::conductor::Held<'_>) {}
    fn ended(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use harness_tell::report::testkit::verdict;

    fn run_of(outcomes: &[(CheckId, Outcome)], repeated: bool) -> Run {
        let judged = outcomes.iter().map(|&(check, outcome)| Judged {
            scenario: "ttl".into(),
            folder: String::new(),
            verdict: verdict(check, outcome),
            repeated,
        });
        let judged = judged.collect();
        let exit = ExitCode::Inconclusive;
        Run {
            scenario: String::new(),
            exit,
            folder: String::new(),
            judged,
            repeated,
            cut_after: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_second_run_decides_what_was_open_and_never_forgives() {
        let (hit, expiry, cycle) = (CheckId::CacheHit, CheckId::TtlExpiry, CheckId::RotationSerialCycle);
        let mut first =
            run_of(&[(hit, Outcome::Inconclusive), (expiry, Outcome::Fail), (cycle, Outcome::Pass)], false);
        let second = run_of(&[(hit, Outcome::Pass), (expiry, Outcome::Pass), (cycle, Outcome::Fail)], true);
        merge(&mut first, second);
        let outcomes: Vec<Outcome> = first.judged.iter().map(|judged| judged.verdict.outcome).collect();
        assert_eq!(outcomes, [Outcome::Pass, Outcome::Fail, Outcome::Fail]);
        assert!(first.repeated && first.judged[0].repeated);
    }
}
