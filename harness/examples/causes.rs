//! How often the line that a report names is the line of the defect: runs the course pack on families of faulty programs whose
//! defects are known by file and line, and writes `docs/causes.md`.
//!
//! `cargo run -p harness --example causes -- FAMILY…`, where each FAMILY is a folder of programs with a `truth.json`: the faults of
//! each program with `id`, `file`, `line`, perhaps `also_lines` and the `causes` that name it. A program without a profile gets the one that `harness init` drafts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::Parser;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line so near is the same place.
const NEAR: u64 = 3;

/// Which families, and how.
#[derive(Parser)]
struct Arguments {
    /// Folders with programs and their `truth.json`.
    families: Vec<PathBuf>,
    /// Only programs whose name contains this; several times.
    #[arg(long)]
    only: Vec<String>,
    /// Only these checks, as the option of `harness run`; several times.
    #[arg(long)]
    check: Vec<String>,
    /// What is watched, as the option of `harness run`.
    #[arg(long, default_value = "failures")]
    watch: String,
    /// The scenario.
    #[arg(long, default_value = "scenarios/course/2026.yaml")]
    scenario: PathBuf,
    /// Folder of run folders that are read again instead of running, or written where there are none.
    #[arg(long, default_value = "reports/causes")]
    out: PathBuf,
    /// Where the page goes; printed where it is left out.
    #[arg(long)]
    page: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Program {
    #[serde(default)]
    faults: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    id: String,
    file: String,
    line: u64,
    #[serde(default)]
    also_lines: Vec<String>,
    /// The causes that name it, where whoever decided the truth has said so.
    #[serde(default)]
    causes: Vec<String>,
}

/// A failure, and what was said of it.
#[derive(Serialize)]
struct Row {
    program: String,
    check: String,
    required: bool,
    cause: Option<String>,
    place: Option<String>,
    basis: Option<String>,
    /// The fault at whose line it is.
    at_fault: Option<String>,
    /// Whether the cause is one of a fault of the program; `None` where none is named.
    cause_fits: Option<bool>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let harness =
        std::env::current_exe()?.parent().and_then(Path::parent).context("target/debug")?.join("harness");
    let mut rows = Vec::new();
    for family in &arguments.families {
        let truth: BTreeMap<String, Program> =
            serde_json::from_slice(&std::fs::read(family.join("truth.json"))?)?;
        for (name, program) in &truth {
            let wanted =
                arguments.only.is_empty() || arguments.only.iter().any(|part| name.contains(part.as_str()));
            if !wanted || program.faults.is_empty() {
                continue;
            }
            match verdicts(&arguments, &harness, family, name) {
                Ok(verdicts) => rows.extend(judged(name, program, &verdicts)),
                Err(error) => eprintln!("{name}: {error:#}"),
            }
        }
    }
    let page = page(&rows);
    match &arguments.page {
        Some(path) => std::fs::write(path, page)?,
        None => print!("{page}"),
    }
    Ok(())
}

/// The verdicts on a program, of a run that is there or of a new one.
fn verdicts(arguments: &Arguments, harness: &Path, family: &Path, name: &str) -> anyhow::Result<Vec<Value>> {
    let family_name = family.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let short: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let out = arguments.out.join(format!("{family_name}-{short}"));
    let found = found(&out);
    let file = match found {
        Some(file) => {
            // Judged again by what this version knows.
            let folder = file.parent().context("a run folder")?;
            Command::new(harness)
                .arg("report")
                .arg(folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            file
        }
        None => {
            let copy = out.join("copy");
            copy_tree(&family.join(name), &copy)?;
            let profile = copy.join("pibl-judge.yaml");
            if !profile.exists() {
                Command::new(harness)
                    .arg("init")
                    .arg(&copy)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .status()?;
            }
            anyhow::ensure!(profile.exists(), "no profile");
            let mut command = Command::new(harness);
            command.arg("run").arg(&arguments.scenario).arg("--sut").arg(&profile).arg("--out").arg(&out);
            command
                .arg("--seed")
                .arg("7")
                .arg(format!("--watch={}", arguments.watch))
                .arg("--lang")
                .arg("en");
            for check in &arguments.check {
                command.arg("--only").arg(check);
            }
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            found_in(&out).context("no verdicts")?
        }
    };
    let document: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    Ok(document["verdicts"].as_array().cloned().unwrap_or_default())
}

fn found(out: &Path) -> Option<PathBuf> {
    found_in(out)
}

/// `out/SCENARIO/PROXY/latest/verdicts.json`.
fn found_in(out: &Path) -> Option<PathBuf> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let proxies =
        folders(out).into_iter().filter(|path| !path.ends_with("copy")).flat_map(|path| folders(&path));
    proxies.map(|path| path.join("latest/verdicts.json")).find(|path| path.exists())
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Causes that name a fault, by a word of its id.
const FITTING: [(&str, &[&str]); 24] = [
    ("backlog", &["backlog_too_short", "served_one_by_one"]),
    ("reuse", &["port_not_reusable"]),
    ("query", &["keys_collide"]),
    ("method", &["method_not_in_key"]),
    ("tmp", &["cache_elsewhere"]),
    ("index", &["index_in_memory"]),
    ("place", &["written_in_place", "stored_together", "part_stored"]),
    ("broke", &["part_of_answer_stored", "part_stored"]),
    ("error", &["status_not_looked_at"]),
    ("authorization", &["directives_ignored"]),
    ("nul", &["treated_as_text", "stored_incompletely"]),
    ("text", &["treated_as_text"]),
    ("ttl", &["ttl_never_compared", "ttl_miscounted", "ttl_constant"]),
    ("retries", &["sent_twice", "backend_error_ignored"]),
    ("exception", &["exception_uncaught", "backend_error_ignored"]),
    ("panic", &["exception_uncaught"]),
    ("dies", &["unhandled_event", "exception_uncaught", "broken_pipe"]),
    ("sigpipe", &["broken_pipe", "unhandled_event"]),
    ("overflow", &["memory_fault", "unhandled_event"]),
    ("recv", &["first_read_only", "chunks_not_read"]),
    ("log", &["log_not_written"]),
    ("buffer", &["shared_state", "passed_on_incompletely", "stored_incompletely", "stored_together"]),
    ("timeout", &["backend_error_ignored"]),
    ("constant", &["list_in_source", "port_in_source"]),
];
/// Faults of the turn have many looks.
const OF_TURN: [&str; 6] = [
    "unlocked_counter",
    "part_of_the_list",
    "sent_twice",
    "turn_per_connection",
    "picked_at_random",
    "turn_taken_twice",
];

fn judged(program: &str, truth: &Program, verdicts: &[Value]) -> Vec<Row> {
    let failed = verdicts.iter().filter(|verdict| verdict["outcome"] == "fail" && verdict["kind"] != "check");
    let row = |verdict: &Value| {
        let cause = verdict["likely_cause"].as_str().map(str::to_owned);
        let named = &verdict["grounds"]["named"];
        let place = named["place"]["file"].as_str().zip(named["place"]["line"].as_u64());
        let at_fault =
            place.and_then(|(file, line)| truth.faults.iter().find(|fault| is_at(fault, file, line)));
        let fits = cause.as_deref().map(|cause| truth.faults.iter().any(|fault| fits(fault, cause)));
        Row {
            program: program.to_owned(),
            check: verdict["check"].as_str().unwrap_or_default().to_owned(),
            required: verdict["kind"] == "required",
            place: place.map(|(file, line)| format!("{file}:{line}")),
            basis: named["basis"].as_str().map(str::to_owned),
            at_fault: at_fault.map(|fault| fault.id.clone()),
            cause_fits: fits,
            cause,
        }
    };
    failed.map(row).collect()
}

fn is_at(fault: &Fault, file: &str, line: u64) -> bool {
    let same = |known: &str| known.ends_with(file) || file.ends_with(known);
    let also = fault.also_lines.iter().filter_map(|place| {
        let (path, line) = place.rsplit_once(':')?;
        Some((path, line.parse::<u64>().ok()?))
    });
    [(fault.file.as_str(), fault.line)]
        .into_iter()
        .chain(also)
        .any(|(path, known)| same(path) && known.abs_diff(line) <= NEAR)
}

fn fits(fault: &Fault, cause: &str) -> bool {
    if !fault.causes.is_empty() {
        return fault.causes.iter().any(|known| known == cause);
    }
    let id = fault.id.to_lowercase();
    let of_turn = id.contains("turn") || id.contains("counter");
    FITTING.iter().any(|(word, causes)| id.contains(word) && causes.contains(&cause))
        || (of_turn && OF_TURN.contains(&cause))
}

fn page(rows: &[Row]) -> String {
    let mut text = String::from(
        "# From verdict to line: how often the line is right\n\nMade by `cargo run -p harness --example causes -- FAMILY… --page harness/docs/causes.md`: the course pack of 2026 on programs\nwritten by others, with the file and the line of each defect decided by hand before the harness saw them. A named line is right where\nit is within three of a line of a defect of that program; a cause is wrong where no defect of the program is of its kind.\n\n",
    );
    let share = |part: usize, all: usize| {
        (part * 100 + all / 2)
            .checked_div(all)
            .map_or_else(|| "–".to_owned(), |percent| format!("{part} of {all} ({percent} %)"))
    };
    let _ = writeln!(
        text,
        "| | failures | line right | line named | by what was seen or printed | cause named | cause wrong |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for (name, required) in [("required checks", Some(true)), ("optimal checks", Some(false)), ("all", None)]
    {
        let of: Vec<&Row> =
            rows.iter().filter(|row| required.is_none_or(|wanted| row.required == wanted)).collect();
        let count = |wanted: &dyn Fn(&Row) -> bool| of.iter().filter(|row| wanted(row)).count();
        let right = count(&|row| row.at_fault.is_some());
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            of.len(),
            share(right, of.len()),
            share(count(&|row| row.place.is_some()), of.len()),
            share(count(&|row| row.basis.as_deref().is_some_and(|basis| basis != "read")), of.len()),
            share(count(&|row| row.cause.is_some()), of.len()),
            share(count(&|row| row.cause_fits == Some(false)), of.len()),
        );
    }
    text.push_str("\n## Every failure\n\n| program | check | cause | fits | line named | how | the defect's |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for row in rows {
        let dash = |value: &Option<String>| value.as_deref().unwrap_or("–").to_owned();
        let fits = match row.cause_fits {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let kind = if row.required { "" } else { " (optimal)" };
        let _ = writeln!(
            text,
            "| {} | `{}`{kind} | {} | {fits} | {} | {} | {} |",
            row.program,
            row.check,
            dash(&row.cause),
            dash(&row.place),
            dash(&row.basis),
            dash(&row.at_fault)
        );
    }
    text
}
