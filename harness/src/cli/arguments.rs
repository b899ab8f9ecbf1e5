//! What can be typed, as clap reads it.
//!
//! `cli` parses it and hands each command its part. Values with a unit are read here, so that a mistake shows before
//! anything starts; what they mean together is decided elsewhere.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::conductor::Watching;
use crate::shard::Shard;
use harness_model::catalogue::CheckId;
use harness_model::plan::{OnInconclusive, ProfileName};
use harness_tell::language::Language;

/// Puts any caching round-robin proxy between honest clients and misbehaving backends, and says with evidence what it does.
#[derive(Debug, Parser)]
#[command(name = "harness", version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

/// What is to be done, where it is not to run scenarios.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios (the default).
    Run(RunArguments),
    /// Measure several proxies with one scenario, in interleaved rounds.
    Compare(CompareArguments),
    /// Judge every proxy that this machine has: requirements, costs and latencies on one page.
    League(LeagueArguments),
    /// Join the shards of a comparison or of a grading: one verdict, one index.
    Merge(MergeArguments),
    /// Write what a scheduler needs to share a comparison or a grading out among machines; start nothing.
    Schedule(ScheduleArguments),
    /// Judge a run folder again and draw its pages anew.
    Report(ReportArguments),
    /// Show a run that was recorded in the browser, as if it happened now.
    Live(LiveArguments),
    /// Put two runs of a scenario beside each other: verdicts, exchanges and latencies.
    Diff(DiffArguments),
    /// Grade many submissions by a rubric.
    Grade(GradeArguments),
    /// Simulate the fleets of scenarios in virtual time, for hours and for hundreds of instances; run nothing.
    Simulate(SimulateArguments),
    /// Validate scenarios and adapters; run nothing.
    Check(CheckArguments),
    /// Write an adapter for my proxy by looking and asking, and try it.
    Init(InitArguments),
    /// Show the scenarios, proxies, checks and behaviours that there are.
    List {
        /// Language of the terminal [default: that of the environment].
        #[arg(long, value_name = "LANGUAGE")]
        lang: Option<Language>,
    },
    /// Print the JSON Schema of a kind of file.
    Schema {
        /// Which kind.
        kind: SchemaKind,
    },
}

/// A kind of file that people write.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum SchemaKind {
    /// `scenarios/*.yaml`
    Scenario,
    /// `scenarios/suts/*.yaml`
    Adapter,
    /// `scenarios/rubrics/*.yaml`
    Rubric,
    /// What a person enters for `grade`
    Entries,
    /// `verdicts.json` of a run
    Results,
    /// `grades.json` of a grading
    Grades,
}

/// Whose adapter is written.
#[derive(Clone, Debug, Args)]
pub(super) struct InitArguments {
    /// The folder of the proxy; `pibl-judge.yaml` is written into it.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,
    /// Look and try again where there is a `pibl-judge.yaml`, and keep the rows that were edited in it.
    #[arg(long)]
    pub(super) again: bool,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which files are validated.
#[derive(Clone, Debug, Args)]
pub(super) struct CheckArguments {
    /// Scenarios and adapters.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Let a `pibl-judge.yaml` say what only its reader should allow: commands outside the fence, paths elsewhere, any limit.
    #[arg(long)]
    pub(super) trust_profile: bool,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which scenarios are run on which proxies, and how.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct RunArguments {
    /// Scenario files, folders of such, or a `plan.json` of an earlier run.
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<PathBuf>,
    /// The proxy under test: the name of an adapter, its file, or a folder with a profile; may be given several times [default: pibl].
    #[arg(long, value_name = "NAME|FILE|DIR")]
    pub(super) sut: Vec<String>,
    /// Let a `pibl-judge.yaml` say what only its reader should allow: commands outside the fence, paths elsewhere, any limit.
    #[arg(long)]
    pub(super) trust_profile: bool,
    /// Let the build of a submission use the network of this machine, to fetch what it depends on; without this it has none.
    #[arg(long)]
    pub(super) build_network: bool,
    /// Where run folders go.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Seed of every random choice; drawn and recorded where none is given.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Sets a value of the scenario to another, such as `proxy.ttl=3s`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(super) settings: Vec<(String, String)>,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
    /// Show what passed too, each step as it begins, and what was expected of each failure.
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// What the proxy's adapter declares as not implemented counts as failed.
    #[arg(long)]
    pub(super) strict: bool,
    /// Only this check and the steps that it needs, such as `ttl.expiry`; may be given several times.
    #[arg(long, value_name = "CHECK", value_parser = check_name(), hide_possible_values = true)]
    pub(super) only: Vec<CheckId>,
    /// Only the checks that did not pass the last time.
    #[arg(long)]
    pub(super) failed: bool,
    /// Leave proxy and backends up after the first step with a problem, or at the end, until Ctrl-C or the page's Continue (`--live`).
    #[arg(long)]
    pub(super) hold: bool,
    /// Serve a page on loopback that shows each run while it lasts, with buttons to hold it, let it go on and repeat a check.
    #[arg(long, conflicts_with = "jobs")]
    pub(super) live: bool,
    /// Repeat all that failed with the program watched, to name the line [default: what is repeated within seconds].
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "all", default_value = "failures", hide_default_value = true)]
    pub(super) watch: Watch,
    /// Where the cause of a failure has a small mending, change that line in the private copy and ask once more.
    #[arg(long)]
    pub(super) trial: bool,
    /// Runs at a time.
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: u16,
    /// Keep the proxy on the first half of the CPUs, load and backends on the rest; recorded.
    #[arg(long)]
    pub(super) pin: bool,
    /// `small` fits a host of 1 GiB or half a CPU: no body over 5 MiB, no latency judged [default: by what can be used here].
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<ProfileName>,
    /// Longest time that a run may take [default: 3m (8m in the small profile), or three times the announced time where that is more].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) max_duration: Option<Duration>,
    /// What follows for the exit code where a threshold stays inconclusive [default: fail].
    #[arg(long, value_name = "WHAT")]
    pub(super) on_inconclusive: Option<Inconclusive>,
}

/// What is repeated with the program watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Watch {
    /// Nothing.
    Never,
    /// What failed and is repeated within seconds, unless times are measured.
    #[default]
    Failures,
    /// All that failed.
    All,
}

impl From<Watch> for Watching {
    fn from(watch: Watch) -> Watching {
        match watch {
            Watch::Never => Watching::Never,
            Watch::Failures => Watching::Failures,
            Watch::All => Watching::Everything,
        }
    }
}

/// Which proxies are compared, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct CompareArguments {
    /// A scenario with load steps; its `thresholds` are judged over the rounds.
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: PathBuf,
    /// A side: an adapter's name or file, `direct` for no proxy at all, or NAME=ADAPTER; the first is the one under test.
    #[arg(long, value_name = "[NAME=]NAME|FILE", required = true)]
    pub(super) sut: Vec<String>,
    /// Let a `pibl-judge.yaml` say what only its reader should allow: commands outside the fence, paths elsewhere, any limit.
    #[arg(long)]
    pub(super) trust_profile: bool,
    /// Let the build of a submission use the network of this machine, to fetch what it depends on; without this it has none.
    #[arg(long)]
    pub(super) build_network: bool,
    /// Rounds; left out, 8, and with thresholds that are not decided by then 16 and 32.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) rounds: Option<u16>,
    /// Longest time that all rounds may take [default: 3m].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) max_duration: Option<Duration>,
    /// What follows for the exit code where a threshold stays inconclusive.
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(super) on_inconclusive: Inconclusive,
    /// Keep the proxy on the first half of the CPUs, load and backends on the rest; recorded.
    #[arg(long)]
    pub(super) pin: bool,
    /// Measure only a part of the rounds, one of N machines, such as `2/4`; `auto` takes it from a Slurm array or a Kubernetes
    /// Indexed Job (`auto/4` where the environment does not say of how many). `harness merge` joins the parts.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, conflicts_with_all = ["baseline", "save_baseline"])]
    pub(super) shard: Option<Shard>,
    /// Keep the figures of the first side in this file.
    #[arg(long, value_name = "FILE")]
    pub(super) save_baseline: Option<PathBuf>,
    /// Compare with the figures that `--save-baseline` has kept; thresholds call them `{vs:baseline}`.
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Seed of the first round; each later one has the next.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Sets a value of the scenario to another, such as `proxy.ttl=3s`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(super) settings: Vec<(String, String)>,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which proxies are in the league, and by what they are judged.
#[derive(Clone, Debug, Args)]
pub(super) struct LeagueArguments {
    /// Scenarios that judge each proxy, or folders of such [default: scenarios].
    #[arg(value_name = "SCENARIO")]
    pub(super) scenarios: Vec<PathBuf>,
    /// A proxy: the name of an adapter, its file, or a folder with a profile; may be given several times. The first that is here
    /// is the one that speed is compared with [default: every ready adapter].
    #[arg(long, value_name = "NAME|FILE|DIR")]
    pub(super) sut: Vec<String>,
    /// Let a `pibl-judge.yaml` say what only its reader should allow: commands outside the fence, paths elsewhere, any limit.
    #[arg(long)]
    pub(super) trust_profile: bool,
    /// Let the build of a submission use the network of this machine, to fetch what it depends on; without this it has none.
    #[arg(long)]
    pub(super) build_network: bool,
    /// The scenario of the speed part, which has load steps.
    #[arg(long, value_name = "SCENARIO", default_value = "scenarios/compare.yaml")]
    pub(super) speed: PathBuf,
    /// Rounds of the speed part; fewer than 8 make no intervals, 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(super) rounds: u16,
    /// Longest time that all of it may take; what is there by then is shown [default: as long as it takes].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) max_duration: Option<Duration>,
    /// Keep the proxy on the first half of the CPUs, load and backends on the rest; recorded.
    #[arg(long)]
    pub(super) pin: bool,
    /// Where the league goes, in a folder of its own beneath this one, with all its runs.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Seed of every random choice; drawn and recorded where none is given.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// What is shared out, and by which scheduler.
#[derive(Clone, Debug, Args)]
pub(super) struct ScheduleArguments {
    /// For which scheduler.
    pub(super) scheduler: Scheduler,
    /// How many machines share the work.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(Shard::MOST)))]
    pub(super) shards: u16,
    /// Processors of each.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) cpus: u16,
    /// Memory of each, in GiB.
    #[arg(long, value_name = "GIB", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) memory: u16,
    /// Kubernetes: the image that has the harness and what the proxies need.
    #[arg(long, value_name = "NAME", required_if_eq("scheduler", "kubernetes"))]
    pub(super) image: Option<String>,
    /// Kubernetes: the volume claim, which all can write to; it becomes the working directory.
    #[arg(long, value_name = "CLAIM", required_if_eq("scheduler", "kubernetes"))]
    pub(super) claim: Option<String>,
    /// What each does a part of: `grade …` or `compare …`, without `--shard`.
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(super) command: Vec<String>,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Who starts the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scheduler {
    /// A Slurm array: a script for `sbatch`.
    Slurm,
    /// A Kubernetes Indexed Job: a manifest for `kubectl apply`.
    Kubernetes,
}

/// What goes into the table of grades beside what was judged, and how it is written.
#[derive(Clone, Debug, Args)]
pub(super) struct SheetArguments {
    /// What only a person can judge, and points in place of the computed ones, with a reason.
    #[arg(long, value_name = "FILE")]
    pub(super) entries: Option<PathBuf>,
    /// List of students as a spreadsheet saves it, `student,submission` a line: the table of grades gets a row for each.
    #[arg(long, value_name = "FILE")]
    pub(super) students: Option<PathBuf>,
    /// Between the fields of grades.csv [default: `;` with a decimal comma, otherwise `,`].
    #[arg(long, value_name = "CHARACTER")]
    pub(super) separator: Option<char>,
    /// Numbers of grades.csv with a comma [default in Spanish].
    #[arg(long, conflicts_with = "decimal_point")]
    pub(super) decimal_comma: bool,
    /// Numbers of grades.csv with a point [default in English].
    #[arg(long)]
    pub(super) decimal_point: bool,
}

/// Which shards are joined.
#[derive(Clone, Debug, Args)]
pub(super) struct MergeArguments {
    /// Folders of shards, or folders that hold them.
    #[arg(value_name = "DIR", required = true)]
    pub(super) folders: Vec<PathBuf>,
    /// What follows for the exit code where a threshold stays inconclusive.
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    pub(super) on_inconclusive: Inconclusive,
    #[command(flatten)]
    pub(super) sheet: SheetArguments,
    /// Where the report goes.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// What an inconclusive threshold does to the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Inconclusive {
    /// Exit code 2.
    Fail,
    /// Exit code 0, and a warning.
    Warn,
}

impl From<Inconclusive> for OnInconclusive {
    fn from(typed: Inconclusive) -> OnInconclusive {
        match typed {
            Inconclusive::Fail => OnInconclusive::Fail,
            Inconclusive::Warn => OnInconclusive::Warn,
        }
    }
}

/// Which run folders are judged again.
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArguments {
    /// Run folders.
    #[arg(value_name = "RUN_DIR", required_unless_present = "history")]
    pub(super) folders: Vec<PathBuf>,
    /// Show how proxies changed over all runs beneath this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "folders")]
    pub(super) history: Option<PathBuf>,
    /// Print the report in that language to a PDF beside it, by an installed Chromium.
    #[arg(long, conflicts_with = "history")]
    pub(super) pdf: bool,
    /// Show what passed too, and what was expected of each failure.
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which run is shown once more.
#[derive(Clone, Debug, Args)]
pub(super) struct LiveArguments {
    /// The run folder.
    #[arg(value_name = "RUN_DIR")]
    pub(super) folder: PathBuf,
    /// Write `live.es.html` and `live.en.html` into this folder instead: each opens by itself and needs no server.
    #[arg(long, value_name = "DIR")]
    pub(super) save: Option<PathBuf>,
    /// Language of the terminal and of the page at first [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which runs are put beside each other.
#[derive(Clone, Debug, Args)]
pub(super) struct DiffArguments {
    /// The run folder before the change.
    #[arg(value_name = "RUN_A")]
    pub(super) before: PathBuf,
    /// The run folder after it.
    #[arg(value_name = "RUN_B")]
    pub(super) after: PathBuf,
    /// Where the pages go.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which fleets are simulated, and what is otherwise than in the scenario.
#[derive(Clone, Debug, Args)]
pub(super) struct SimulateArguments {
    /// Scenarios with a `fleet` step, such as scenarios/cloud/growth.yaml, or the `plan.json` of an earlier run.
    #[arg(value_name = "SCENARIO", required = true)]
    pub(super) scenarios: Vec<PathBuf>,
    /// Only the fleet step of this name; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) step: Vec<String>,
    /// Seconds of the case in one second. Left out: 1, the pace of the owner, every request for itself. Above it a request
    /// stands for many, and nothing is said of waits shorter than a few of those.
    #[arg(long, value_name = "N")]
    pub(super) scale: Option<f64>,
    /// Times the load.
    #[arg(long, value_name = "FACTOR")]
    pub(super) load_factor: Option<f64>,
    /// Most instances; a fleet of a fixed size has as many.
    #[arg(long, value_name = "N")]
    pub(super) maximum: Option<usize>,
    /// Fewest instances.
    #[arg(long, value_name = "N")]
    pub(super) minimum: Option<usize>,
    /// How long the load lasts in the time of the case, such as 8h: its shape is stretched.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) span: Option<Duration>,
    /// The p99 that the fleet is to hold [default: that of the scenario's checks, otherwise 1s].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) limit: Option<Duration>,
    /// A run folder: what that machine added to the times is added here, and how far the model was from the run is said.
    /// Exit code 2 where it was too far to be trusted.
    #[arg(long, value_name = "RUN_DIR")]
    pub(super) calibrate: Option<PathBuf>,
    /// Seed of the service times.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Sets a value of the scenario to another, such as `proxy.ttl=3s`; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(super) settings: Vec<(String, String)>,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(super) json: bool,
    /// Where pages and plots go.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Language of the terminal [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// Which submissions are graded, and how.
#[derive(Clone, Debug, Args)]
pub(super) struct GradeArguments {
    /// The rubric.
    #[arg(value_name = "RUBRIC")]
    pub(super) rubric: PathBuf,
    /// Submissions: folders or zips, or a folder of such; what else lies there is skipped by name.
    #[arg(value_name = "SUBMISSIONS", required = true)]
    pub(super) submissions: Vec<PathBuf>,
    /// Where the grades go, in a folder of their own beneath this one.
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) out: PathBuf,
    /// Grade one part of the submissions, for `harness merge`: `2/4`, or `auto` and `auto/4` in a Slurm array or a Kubernetes Indexed Job.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, conflicts_with_all = ["entries", "students", "look"])]
    pub(super) shard: Option<Shard>,
    #[command(flatten)]
    pub(super) sheet: SheetArguments,
    /// Let every profile say what only its reader should allow: commands outside the fence, paths elsewhere, any limit.
    #[arg(long)]
    pub(super) trust_profile: bool,
    /// Let the build of a submission use the network of this machine, to fetch what it depends on; without this it has none.
    #[arg(long)]
    pub(super) build_network: bool,
    /// Stop after the first look at each submission.
    #[arg(long)]
    pub(super) look: bool,
    /// Runs at a time, those that measure times aside [default: one for each processor].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: Option<u16>,
    /// Longest time that a run may take [default: what the rubric says, or three times the announced time and a minute].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(super) max_duration: Option<Duration>,
    /// Seed of every random choice, the same for all submissions.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Language of the terminal and of grades.csv [default: that of the environment].
    #[arg(long, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
}

/// The language of the terminal: the one asked for, or that of the environment.
pub(super) fn language(asked_for: Option<Language>) -> Language {
    asked_for.unwrap_or_else(|| Language::of_environment(|name| std::env::var(name).ok()))
}

/// The checks of the catalogue, with a suggestion for a name that is not quite one.
fn check_name() -> impl TypedValueParser<Value = CheckId> {
    PossibleValuesParser::new(CheckId::ALL.iter().map(|check| check.name()))
        .try_map(|name| name.parse::<CheckId>().map_err(|()| format!("`{name}` is no check")))
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, such as proxy.ttl=3s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn run_may_be_left_out() {
        for line in
            [&["harness", "run", "a.yaml", "--sut", "nginx"][..], &["harness", "a.yaml", "--sut", "nginx"]]
        {
            let line = CommandLine::try_parse_from(line).unwrap();
            let run = match line.command {
                Some(Command::Run(run)) => run,
                None => line.run,
                other => panic!("{other:?}"),
            };
            assert_eq!(run.scenarios, [PathBuf::from("a.yaml")]);
            assert_eq!(run.sut, ["nginx"]);
        }
    }

    #[test]
    fn values_without_sense_are_refused() {
        for wrong in [
            &["--max-duration", "3"][..],
            &["--set", "ttl"],
            &["-j", "0"],
            &["--lang", "fr"],
            &["--only", "ttl.expire"],
        ] {
            let line = ["harness", "a.yaml"].iter().chain(wrong);
            assert!(CommandLine::try_parse_from(line).is_err(), "{wrong:?}");
        }
    }
}
