//! What was typed, as plans: every scenario on every proxy, resolved before anything starts.
//!
//! The run command calls [`select`]. All complaints come at once, each with its place; nothing is run where there is one.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use crate::conductor;
use harness_judge::check::Outcome;
use harness_judge::compare::Ruling;
use harness_model::adapter::Adapter;
use harness_model::catalogue::CheckId;
use harness_model::exit_code::ExitCode;
use harness_model::history::names;
use harness_model::plan::{self, HostProfile, Options, Plan};
use harness_run::tls;
use harness_tell::language::Language;
use harness_tell::language::mending_words::not_asked;
use harness_tell::language::run_words::{
    command_comes_first, is_a_scenario, is_an_adapter, left_out_without_tls, needs_tls, no_scenario,
};
use harness_tell::language::suite_words::no_scenario_in;
use harness_tell::report::{VerdictsDocument, quoted};

use super::arguments::{CommandLine, RunArguments};
use super::input;

/// One run to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    /// What it will do.
    pub(super) plan: Plan,
    /// The proxy as the user named it.
    pub(super) sut: String,
    /// The verdicts of the last run of the same scenario on the same proxy, where there is one.
    pub(super) before: Option<VerdictsDocument>,
}

/// All runs that the arguments ask for.
///
/// # Errors
/// What is wrong with the files or the arguments, ready to be printed.
pub(super) fn select(arguments: &RunArguments, language: Language) -> Result<Vec<Selected>, String> {
    if arguments.scenarios.is_empty() {
        return Err(no_scenario(language));
    }
    let commands = CommandLine::command();
    let a_command = |path: &&PathBuf| !path.exists() && commands.find_subcommand(path).is_some();
    if let Some(command) = arguments.scenarios.iter().find(a_command) {
        return Err(command_comes_first(language, &command.display().to_string()));
    }
    let seed = arguments.seed.unwrap_or_else(drawn_seed);
    let (mut selected, mut complaints) = (Vec::new(), Vec::new());
    let adapters = adapters(arguments, language)?;
    for file in &files_of(&arguments.scenarios, language)? {
        match plans_of(file, &adapters, arguments, seed, language) {
            Ok(plans) if !tls::AVAILABLE && plans.iter().any(|it| it.plan.asks_for_tls()) => {
                let (shown, by_name) = (file.display().to_string(), arguments.scenarios.contains(file));
                // Whoever names a folder wants what can be had of it; whoever names the file wants that.
                match by_name {
                    true => complaints.push(needs_tls(language, &shown)),
                    false => anstream::eprintln!("{}", left_out_without_tls(language, &shown)),
                }
            }
            Ok(plans) => selected.extend(plans),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    if let Some(pin) = input::pin(arguments.pin, language)? {
        selected.iter_mut().for_each(|selected| selected.plan.pin = Some(pin.clone()));
    }
    let profile = HostProfile::choose(arguments.profile, &harness_platform::host_facts());
    for selected in &mut selected {
        // A plan of an earlier run is carried out as it is, unless somebody asks for something else.
        if selected.plan.profile.is_none() || arguments.profile.is_some() {
            selected.plan = selected.plan.clone().within(&profile);
        }
    }
    if let Some(typed) = arguments.on_inconclusive {
        selected.iter_mut().for_each(|selected| selected.plan.on_inconclusive = typed.into());
    }
    if !arguments.only.is_empty() {
        let asked = |check: &CheckId| selected.iter().any(|s| s.plan.checks.iter().any(|c| c.id == *check));
        if let Some(check) = arguments.only.iter().find(|check| !asked(check)) {
            let files: Vec<String> = arguments.scenarios.iter().map(|f| f.display().to_string()).collect();
            return Err(not_asked(language, check.name(), &files.join(", ")));
        }
        selected.iter_mut().for_each(|selected| selected.plan = selected.plan.only(&arguments.only));
    }
    for selected in &mut selected {
        selected.before = last_verdicts(&arguments.out, &selected.plan);
        if let Some(before) = selected.before.as_ref().filter(|_| arguments.failed) {
            // A figure is that of the whole scenario.
            if before.thresholds.iter().all(|row| row.ruling == Ruling::Pass) {
                selected.plan = selected.plan.only(&to_be_repeated(before, &selected.plan));
            }
        }
    }
    selected.retain(|selected| !selected.plan.checks.is_empty());
    Ok(selected)
}

/// The scenario files that were named, those of a folder in the order in which its README names them: simplest first.
fn files_of(named: &[PathBuf], language: Language) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let inside = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut inside: Vec<PathBuf> = inside.flatten().map(|entry| entry.path()).collect();
        inside.retain(|path| path.extension().is_some_and(|ending| ending == "yaml") && path.is_file());
        let readme = std::fs::read_to_string(path.join("README.md")).unwrap_or_default();
        let place = |file: &Path| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            readme.find(&format!("`{name}`")).unwrap_or(usize::MAX)
        };
        inside.sort_by_key(|file| (place(file), file.clone()));
        if inside.is_empty() {
            return Err(no_scenario_in(language, &path.display().to_string()));
        }
        files.extend(inside);
    }
    Ok(files)
}

fn plans_of(
    file: &Path,
    adapters: &[(String, Adapter)],
    arguments: &RunArguments,
    seed: u64,
    language: Language,
) -> Result<Vec<Selected>, String> {
    if let Some(plan) = input::plan(file) {
        return plan_again(plan, file, arguments, language).map(|selected| vec![selected]);
    }
    let text = input::read(file).map_err(|problem| input::show(&[problem], language))?;
    if input::is_adapter(&text) && !input::is_scenario(&text) {
        let shown = file.display().to_string();
        return Err(is_an_adapter(
            language,
            &shown,
            &format!("harness scenarios/ttl.yaml --sut {}", quoted(&shown)),
        ));
    }
    let settings = arguments.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let options = Options { seed, strict: arguments.strict, settings };
    let plan_for = |(sut, adapter): &(String, Adapter)| {
        plan::resolve(&text, file, adapter, &options)
            .map(|plan| Selected { plan, sut: sut.clone(), before: None })
            .map_err(|problems| input::show(&problems, language))
    };
    adapters.iter().map(plan_for).collect()
}

/// The proxies under test, as named on the command line; pibl where none is.
pub(super) fn adapters(
    arguments: &RunArguments,
    language: Language,
) -> Result<Vec<(String, Adapter)>, String> {
    let default = ["pibl".to_owned()];
    let names = if arguments.sut.is_empty() { &default[..] } else { &arguments.sut };
    let (mut found, mut complaints) = (Vec::new(), Vec::new());
    for name in names {
        match input::adapter(name, arguments.trust_profile) {
            Ok(adapter) => found.push((name.clone(), adapter)),
            Err(_) if input::read(Path::new(name)).is_ok_and(|text| input::is_scenario(&text)) => {
                complaints.push(is_a_scenario(language, name));
            }
            Err(problem) => complaints.push(input::show(&[problem], language)),
        }
    }
    if complaints.is_empty() { Ok(found) } else { Err(complaints.join("\n")) }
}

/// A plan that an earlier run has left: it is carried out again as it is, seed included.
fn plan_again(
    plan: serde_json::Result<Plan>,
    file: &Path,
    arguments: &RunArguments,
    language: Language,
) -> Result<Selected, String> {
    let mut plan = plan.map_err(|error| input::no_plan(file, &error, language))?;
    plan.seed = arguments.seed.unwrap_or(plan.seed);
    plan.strict |= arguments.strict;
    Ok(Selected { sut: plan.adapter.name.clone(), plan, before: None })
}

/// What the last run of the same scenario on the same proxy concluded.
fn last_verdicts(out: &Path, plan: &Plan) -> Option<VerdictsDocument> {
    let latest = out.join(&plan.name).join(&plan.adapter.name).join("latest");
    serde_json::from_slice(&std::fs::read(latest.join(names::VERDICTS)).ok()?).ok()
}

/// The checks that an earlier run left unmet. Where it was a run as a whole that failed, such as by a proxy that did not
/// start, all of them.
fn to_be_repeated(before: &VerdictsDocument, plan: &Plan) -> Vec<CheckId> {
    let settled = |outcome| {
        matches!(outcome, Outcome::Pass | Outcome::Manual)
            || (outcome == Outcome::Unsupported && !plan.strict)
    };
    let unmet: Vec<CheckId> =
        before.verdicts.iter().filter(|row| !settled(row.outcome)).map(|row| row.check).collect();
    let ended = [ExitCode::Passed, ExitCode::Failed, ExitCode::Inconclusive].map(ExitCode::number);
    if ended.contains(&before.exit_code) { unmet } else { plan.checks.iter().map(|check| check.id).collect() }
}

/// A seed of its own for each command; short enough to be typed.
fn drawn_seed() -> u64 {
    u64::from(conductor::drawn_number())
}
