//! The whole matrix of detectors and defects: runs every case some times and writes `docs/detection.md`.
//!
//! `cargo run -p harness --example detection -- --times 20`. Each run is one run of the program `harness`, as a user would
//! start it; what is counted is read from its `verdicts.json`. The table of cases lies in `tests/detection`.

#[path = "../tests/detection/table.rs"]
mod table;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use harness_model::exit_code::ExitCode;
use harness_model::statistics::clopper_pearson;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use table::{CASES, Case, DID_NOT_START, WITHOUT_DEFECT};

/// Confidence of all bounds.
const LEVEL: f64 = 0.95;

/// The course pack that every defect meets once with `--pack`.
const PACK: &str = "course-2026";

/// Runs the matrix of detectors and defects.
#[derive(Parser)]
struct Arguments {
    /// Runs of each case.
    #[arg(long, default_value_t = 5)]
    times: u32,
    /// Runs of each scenario on each good proxy; as many as `times` where it is left out.
    #[arg(long)]
    good_times: Option<u32>,
    /// More good proxies, by the name or the file of their adapters.
    #[arg(long)]
    good: Vec<String>,
    /// Runs at a time; most of a run is waiting.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only the cases of this family or this scenario, or those whose defect contains this; several times.
    #[arg(long)]
    only: Vec<String>,
    /// Every defect once against the whole course pack of 2026, instead of the brief scenarios.
    #[arg(long)]
    pack: bool,
    /// Add to the runs that were made before instead of beginning anew.
    #[arg(long)]
    add: bool,
    /// Folder with the programs `harness` (with TLS), `guilty-proxy` and `guilty-tls`, which are not built then.
    #[arg(long)]
    built: Option<PathBuf>,
    /// Folder of `detection.md` and `detection.jsonl`, where it is not that of the documentation.
    #[arg(long)]
    docs: Option<PathBuf>,
}

/// One run to be made.
struct Task {
    /// The family, or the name of another good proxy.
    subject: String,
    /// `none` for a good proxy.
    defect: &'static str,
    scenario: &'static str,
    adapter: PathBuf,
    seed: u32,
}

/// What one run concluded, a line of `docs/detection.jsonl`.
#[derive(Serialize, Deserialize)]
struct Run {
    subject: String,
    defect: String,
    scenario: String,
    /// Checks that saw something.
    caught: Vec<String>,
    /// Checks that passed.
    clean: Vec<String>,
    /// Inconclusive, blocked, declared as not implemented.
    open: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    Caught,
    Clean,
    Open,
}

/// Counts of a check.
#[derive(Clone, Copy, Default)]
struct Count {
    caught: u64,
    open: u64,
    runs: u64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let docs = arguments.docs.clone();
    let docs = docs.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"));
    let raw = docs.join("detection.jsonl");
    let mut runs: Vec<Run> = Vec::new();
    if arguments.add {
        for line in std::fs::read_to_string(&raw).unwrap_or_default().lines() {
            runs.push(serde_json::from_str(line)?);
        }
    }
    let folder = tempfile::tempdir()?;
    let [harness, guilty, tls] = match &arguments.built {
        Some(folder) => ["harness", "guilty-proxy", "guilty-tls"].map(|name| folder.join(name)),
        None => [
            built("harness", false, folder.path())?,
            built("guilty-proxy", true, folder.path())?,
            built("guilty-tls", true, folder.path())?,
        ],
    };
    let adapters = Adapters { folder: folder.path(), guilty: &guilty, tls: &tls };
    let tasks =
        if arguments.pack { pack_tasks(&arguments, &adapters)? } else { tasks(&arguments, &adapters)? };
    runs.extend(carry_out(tasks, &harness, folder.path(), arguments.jobs));
    // A case that is no longer in the table says nothing any more.
    let of_pack = |run: &Run| run.scenario == PACK && CASES.iter().any(|case| case.defect == run.defect);
    let known = |run: &Run| run.defect == "none" || of_pack(run) || CASES.iter().any(|case| same(case, run));
    runs.retain(known);
    runs.sort_by(|a, b| (&a.subject, &a.defect, &a.scenario).cmp(&(&b.subject, &b.defect, &b.scenario)));
    let mut lines = String::new();
    for run in &runs {
        lines.push_str(&serde_json::to_string(run)?);
        lines.push('\n');
    }
    std::fs::write(&raw, lines)?;
    let (pack, brief): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(|run| run.scenario == PACK);
    std::fs::write(docs.join("detection.md"), page(&brief) + &pack_section(&pack))?;
    println!("{}", docs.join("detection.md").display());
    Ok(())
}

fn same(case: &Case, run: &Run) -> bool {
    (case.subject, case.defect, case.scenario) == (&*run.subject, &*run.defect, &*run.scenario)
}

/// Every case, then every scenario on every good proxy.
fn tasks(arguments: &Arguments, adapters: &Adapters<'_>) -> anyhow::Result<VecDeque<Task>> {
    let wanted = |case: &&Case| {
        let named = |only: &String| {
            case.defect.contains(only.as_str()) || case.subject == only || case.scenario == only
        };
        arguments.only.is_empty() || arguments.only.iter().any(named)
    };
    let mut tasks = VecDeque::new();
    for seed in 1..=arguments.times {
        for case in CASES.iter().filter(wanted) {
            let adapter = adapters.of(case.subject, case.defect)?;
            let (subject, defect, scenario) = (case.subject.to_owned(), case.defect, case.scenario);
            tasks.push_back(Task { subject, defect, scenario, adapter, seed });
        }
    }
    let mut pairs: Vec<(&str, &str)> =
        CASES.iter().filter(wanted).map(|case| (case.subject, case.scenario)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for seed in 1..=arguments.good_times.unwrap_or(arguments.times) {
        for &(subject, scenario) in &pairs {
            let honest = (subject.to_owned(), adapters.of(subject, "none")?);
            let others = arguments.good.iter().map(|name| {
                let stem = Path::new(name).file_stem().unwrap_or_default();
                (stem.to_string_lossy().into_owned(), PathBuf::from(name))
            });
            for (subject, adapter) in [honest].into_iter().chain(others) {
                tasks.push_back(Task { subject, defect: "none", scenario, adapter, seed });
            }
        }
    }
    Ok(tasks)
}

/// Every program of both families once, the honest ones among them.
fn pack_tasks(arguments: &Arguments, adapters: &Adapters<'_>) -> anyhow::Result<VecDeque<Task>> {
    let of_a_course = CASES.iter().filter(|case| !case.is_behind_tls());
    let mut programs: Vec<(&str, &'static str)> =
        of_a_course.flat_map(|case| [(case.subject, case.defect), (case.subject, "none")]).collect();
    programs.sort_unstable();
    programs.dedup();
    let wanted = |defect: &str| {
        arguments.only.is_empty() || arguments.only.iter().any(|only| defect.contains(only.as_str()))
    };
    programs
        .into_iter()
        .filter(|(_, defect)| wanted(defect))
        .map(|(subject, defect)| {
            let adapter = adapters.of(subject, defect)?;
            Ok(Task { subject: subject.to_owned(), defect, scenario: PACK, adapter, seed: 1 })
        })
        .collect()
}

/// A program of this package, as a copy: whoever goes on working meanwhile builds it anew.
fn built(name: &str, example: bool, folder: &Path) -> anyhow::Result<PathBuf> {
    // One set of features for all, so that nothing is built twice.
    let build = escargot::CargoBuild::new().package("harness").features("tls");
    let build = if example { build.example(name) } else { build.bin(name) };
    let build = if cfg!(debug_assertions) { build } else { build.release() };
    let copy = folder.join(name);
    std::fs::copy(build.run()?.path(), &copy)?;
    Ok(copy)
}

/// Adapters with the defect filled in.
struct Adapters<'a> {
    folder: &'a Path,
    guilty: &'a Path,
    tls: &'a Path,
}

impl Adapters<'_> {
    fn of(&self, subject: &str, defect: &str) -> anyhow::Result<PathBuf> {
        let suts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suts");
        let is_behind_tls = CASES.iter().any(|case| case.subject == subject && case.is_behind_tls());
        let program = if is_behind_tls { self.tls } else { self.guilty };
        let text = std::fs::read_to_string(suts.join(format!("{subject}.yaml")))?
            .replace("PROGRAM", &program.to_string_lossy())
            .replace("SCRIPT", &suts.join("pupil.py").to_string_lossy())
            .replace("DEFECT\"", &format!("{defect}\""));
        // Who writes without end is kept to the limits that a submission is kept to.
        let text = if defect == "logs-without-bound" {
            text.replace("confined: false", "confined: true")
        } else {
            text.replace("written: 48MB", "written: 1GB")
        };
        let file = self.folder.join(format!("{subject}-{defect}.yaml"));
        std::fs::write(&file, text)?;
        Ok(file)
    }
}

fn carry_out(tasks: VecDeque<Task>, harness: &Path, folder: &Path, jobs: usize) -> Vec<Run> {
    let all = tasks.len();
    let queue = Mutex::new(tasks);
    let runs: Mutex<Vec<Run>> = Mutex::default();
    let one = || {
        loop {
            let (task, left) = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(task) = queue.pop_front() else { return };
                (task, queue.len())
            };
            let run = run(&task, harness, folder);
            eprintln!(
                "{}/{all} {}: {} ({}): {:?}",
                all - left,
                run.subject,
                run.defect,
                run.scenario,
                run.caught
            );
            runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        }
    };
    std::thread::scope(|scope| {
        (1..jobs).for_each(|_| drop(scope.spawn(one)));
        one();
    });
    runs.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One run of the program. Where it left no verdicts no check has seen anything, and it counts as a run all the same.
fn run(task: &Task, harness: &Path, folder: &Path) -> Run {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (file, limit) = match task.scenario {
        PACK => (here.join("../scenarios/course/2026.yaml"), "400s"),
        other => (table::file(other), "120s"),
    };
    let out = folder.join(format!("{}-{}-{}-{}", task.subject, task.defect, task.scenario, task.seed));
    // What it prints is in its folder too; where it cannot even start, the folder is empty.
    let status = Command::new(harness)
        .arg("run")
        .arg(file)
        .arg("--sut")
        .arg(&task.adapter)
        .args(["--max-duration", limit, "--seed", &task.seed.to_string(), "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let exit = status.ok().and_then(|status| status.code());
    let proxies = std::fs::read_dir(out.join(task.scenario)).into_iter().flatten().flatten();
    let read = |proxy: std::fs::DirEntry| std::fs::read(proxy.path().join("latest/verdicts.json")).ok();
    let document = proxies.filter_map(read).find_map(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let rows = document.as_ref().and_then(|document| document["verdicts"].as_array());
    let with = |wanted: Sight| {
        let rows = rows.into_iter().flatten().filter(|row| sight(row) == wanted);
        rows.filter_map(|row| Some(row["check"].as_str()?.to_owned())).collect()
    };
    let mut caught: Vec<String> = with(Sight::Caught);
    let (clean, open) = (with(Sight::Clean), with(Sight::Open));
    // What shows before any check could look: the proxy did not start.
    if exit == Some(i32::from(ExitCode::ProxyNotReady.number())) {
        caught.push(DID_NOT_START.to_owned());
    }
    let (defect, scenario) = (task.defect.to_owned(), task.scenario.to_owned());
    Run { subject: task.subject.clone(), defect, scenario, caught, clean, open }
}

/// A finding that never fails has seen a defect where it says something else than it says of an honest proxy.
fn sight(row: &Value) -> Sight {
    let finding = &row["finding"];
    match (row["check"].as_str().unwrap_or_default(), row["outcome"].as_str().unwrap_or_default()) {
        ("rr.hits_take_turn", "pass") if finding["take_turn"] == true => Sight::Caught,
        ("rr.scope", "pass") if finding["pattern"]["rotation"] != "global" => Sight::Caught,
        ("cache.not_found", "pass") if finding["finding"] == "not_found_kept" => Sight::Caught,
        (_, "fail") => Sight::Caught,
        (_, "pass") => Sight::Clean,
        _ => Sight::Open,
    }
}

/// A share with its bounds: `5 of 5, 100 % (48–100 %)`.
fn share(count: u64, of: u64) -> String {
    let bounds = clopper_pearson(count, of, LEVEL);
    let percent = |share: f64| (100.0 * share).round();
    let measured = if of == 0 { 0.0 } else { count as f64 / of as f64 };
    format!(
        "{count} of {of} | {} % | {}–{} %",
        percent(measured),
        (100.0 * bounds.low).floor(),
        (100.0 * bounds.high).ceil()
    )
}

fn page(runs: &[Run]) -> String {
    let mut text = String::from(
        "# How often the judge is right\n\n\
         Written by `cargo run -p harness --example detection -- --times N` from what lies run by run in `detection.jsonl`; do not edit.\n\
         Each case is a proxy with one defect, tried in a brief scenario; what counts is the verdict of the check that is meant to see\n\
         it. Bounds are those of Clopper and Pearson at 95 %, which never promise more than was seen: of 5 runs without a miss they\n\
         say at least 47 %, of 20 at least 83 %. The families are `guilty` (Rust, `examples/guilty-proxy`), `pupil` (Python,\n\
         `tests/suts/pupil.py`), `guilty-tls` and `guilty-http2` (Rust, `examples/guilty-tls`); *fault* is what was met in real submissions.\n\n\
         ## Detectors and the defects made for them\n\n\
         | detector | defect | fault | scenario | power stated | caught | sensitivity | bounds |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let mut cases: Vec<(&str, &Case)> =
        CASES.iter().flat_map(|case| case.detectors.iter().map(move |detector| (*detector, case))).collect();
    cases.sort_by_key(|(detector, case)| (*detector, case.subject, case.defect));
    for (detector, case) in cases {
        let of_case: Vec<&Run> = runs.iter().filter(|run| same(case, run)).collect();
        let caught = of_case.iter().filter(|run| run.caught.iter().any(|check| check == detector)).count();
        let _ = writeln!(
            text,
            "| `{detector}` | {}: {} | {} | {} | {} % | {} |",
            case.subject,
            case.defect,
            case.fault,
            case.scenario,
            (100.0 * case.power).round(),
            share(caught as u64, of_case.len() as u64)
        );
    }
    text.push_str(
        "\n## Good proxies\n\nA false alarm is a check that fails on a proxy without that defect; *open* counts what was neither \
         passed nor failed\n(noise, or declared as not implemented).\n\n\
         | detector | proxy | open | silent | specificity | bounds |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let mut quiet: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.defect == "none") {
        let all = [(&run.caught, Sight::Caught), (&run.clean, Sight::Clean), (&run.open, Sight::Open)];
        for (check, sight) in all.iter().flat_map(|(checks, sight)| checks.iter().map(move |c| (c, *sight))) {
            let count = quiet.entry((check, &run.subject)).or_default();
            count.runs += 1;
            count.caught += u64::from(sight == Sight::Caught);
            count.open += u64::from(sight == Sight::Open);
        }
    }
    for ((check, proxy), count) in quiet {
        let silent = count.runs - count.caught;
        let _ = writeln!(text, "| `{check}` | {proxy} | {} | {} |", count.open, share(silent, count.runs));
    }
    text.push_str("\n## What else failed\n\nA defect may break more than one thing. Checks that failed beside the detectors made for it:\n\n");
    for case in CASES {
        let mut beside: BTreeMap<&str, u64> = BTreeMap::new();
        for check in runs.iter().filter(|run| same(case, run)).flat_map(|run| &run.caught) {
            if !case.detectors.contains(&check.as_str()) {
                *beside.entry(check).or_default() += 1;
            }
        }
        if !beside.is_empty() {
            let told: Vec<String> =
                beside.iter().map(|(check, count)| format!("`{check}` ({count} times)")).collect();
            let _ = writeln!(
                text,
                "- {}: {} ({}): {}",
                case.subject,
                case.defect,
                case.scenario,
                told.join(", ")
            );
        }
    }
    text.push_str("\n## Checks that no defect is made for\n\n");
    for (check, why) in WITHOUT_DEFECT {
        let _ = writeln!(text, "- `{check}`: {why}");
    }
    text
}

/// What the whole course pack says of each program: whether the detectors that it has and that are meant for the defect saw it.
fn pack_section(runs: &[Run]) -> String {
    let mut text = String::from(
        "\n## Against the whole course pack\n\n\
         Every program once against `scenarios/course/2026.yaml` (`--pack`). *Meant* are the detectors of the first table that stand in \
         the pack;\na defect with none there shows in scenarios of its own. A check that is blocked by an earlier failure has seen nothing.\n\n\
         | program | meant | seen | all that failed |\n| --- | --- | --- | --- |\n",
    );
    let told = |checks: &[&str]| match checks {
        [] => "–".to_owned(),
        some => some.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(" "),
    };
    for run in runs {
        let asked = |check: &&str| {
            [&run.caught, &run.clean, &run.open].iter().any(|all| all.iter().any(|known| known == check))
        };
        let of_defect =
            CASES.iter().filter(|case| (case.subject, case.defect) == (&*run.subject, &*run.defect));
        let mut meant: Vec<&str> = of_defect.flat_map(|case| case.detectors).copied().filter(asked).collect();
        meant.sort_unstable();
        meant.dedup();
        let seen = meant.iter().filter(|check| run.caught.iter().any(|caught| caught == **check)).count();
        let caught: Vec<&str> = run.caught.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "| {}: {} | {} | {seen} of {} | {} |",
            run.subject,
            run.defect,
            told(&meant),
            meant.len(),
            told(&caught)
        );
    }
    text
}
