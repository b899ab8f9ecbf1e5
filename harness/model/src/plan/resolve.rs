//! From what the user wrote to what will happen: scenario + adapter + options → plan, or every problem at once.
//!
//! `cli` calls [`resolve`]; names are looked up, repetitions unrolled, windows and limits computed. No I/O, no clock,
//! no randomness: the same inputs make the same plan.

use std::path::Path;
use std::time::Duration;

use super::ground::{Source, settings};
use super::resolve_checks::resolve_checks;
use super::resolve_steps::Resolver;
use super::{
    BackendsPlan, FEWEST_HELD, Gate, Load, Metric, OnInconclusive, Plan, Step, StepKind, TOO_FEW_HELD,
    estimate,
};
use crate::adapter::Adapter;
use crate::catalogue::Requirement;
use crate::scenario::{
    NameKind, Problem, ScenarioFile, What, apply_overrides, find_key, is_folder_name, parse,
};

/// The version of the plan's shape.
pub const FORMAT: u32 = 1;

/// The idle time of backends where nothing is said: what Apache closes after (`KeepAliveTimeout`).
const IDLE: Duration = Duration::from_secs(5);

/// What the command line adds to a scenario.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Seed of every random choice.
    pub seed: u64,
    /// Whether *unsupported* counts as failed.
    pub strict: bool,
    /// `--set key=value`.
    pub settings: Vec<String>,
}

/// Resolves a scenario for a proxy.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn resolve(text: &str, file: &Path, adapter: &Adapter, options: &Options) -> Result<Plan, Vec<Problem>> {
    let text = apply_overrides(text, &options.settings, file).map_err(|problem| vec![problem])?;
    let scenario: ScenarioFile = parse(&text, file).map_err(|problem| vec![problem])?;
    let source = Source { file: file.to_owned(), text };
    let mut problems = Vec::new();
    let covers = covers(&scenario, &source, &mut problems);
    let known: Vec<String> = (1..=scenario.backends.count).map(|n| format!("b{n}")).collect();
    for name in scenario.backends.own.keys().filter(|name| !known.contains(name)) {
        let place = find_key(&source.text, &source.file, "own");
        let what = What::UnknownName { kind: NameKind::Backend, name: name.clone(), known: known.clone() };
        problems.push(Problem::at(place, what));
    }
    if !is_folder_name(&scenario.name.value) {
        problems.push(Problem::at(source.place(&scenario.name), What::UnsafeName));
    }
    let settings = settings(&scenario.proxy, adapter);
    let mut resolver = Resolver::new(&source, adapter, scenario.backends.count, settings.clone());
    resolver.is_told(&scenario.proxy);
    resolver.all(&scenario.steps, 0);
    let (steps, labels, mut step_problems) = resolver.finish();
    problems.append(&mut step_problems);
    if steps.is_empty() && problems.is_empty() {
        problems.push(Problem::at(source.place(&scenario.name), What::NothingToRun));
    }
    let checks = resolve_checks(&scenario.checks, &source, &labels, &mut problems);
    let thresholds = gates(&scenario, &source, &steps, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut plan = Plan {
        format: FORMAT,
        name: scenario.name.value.clone(),
        title: scenario.title,
        file: source.file.clone(),
        text: source.text.to_string(),
        covers,
        adapter: adapter.clone(),
        proxy: settings,
        backends: BackendsPlan {
            count: scenario.backends.count,
            idle: Some(scenario.backends.idle.map_or(IDLE, |idle| idle.0)),
            script: scenario.backends.script,
            own: scenario.backends.own,
        },
        steps,
        checks,
        thresholds,
        on_inconclusive: OnInconclusive::default(),
        seed: options.seed,
        strict: options.strict || scenario.strict,
        hints: super::Hints::default(),
        change: None,
        pin: None,
        profile: None,
        estimated: Duration::ZERO,
    };
    plan.estimated = estimate::of(&plan);
    Ok(plan)
}

fn gates(scenario: &ScenarioFile, source: &Source, steps: &[Step], problems: &mut Vec<Problem>) -> Vec<Gate> {
    let loads = steps.iter().filter_map(load_of);
    let tags: Vec<String> = loads.flat_map(|load| load.tags()).map(str::to_owned).collect();
    let first = steps.first().and_then(load_of).filter(|load| load.holds(FEWEST_HELD));
    let searches: Vec<&String> = steps.iter().filter_map(search_tag).collect();
    let mut gates = Vec::new();
    for written in &scenario.thresholds {
        let what = match written.value.parse::<Gate>() {
            Err(why) => What::BadValue(why),
            Ok(Gate { tag: Some(tag), .. }) if searches.contains(&&tag) => {
                What::BadValue("a search for a capacity has limits of its own, `slo` and `errors`: a threshold is for other loads".to_owned())
            }
            Ok(Gate { tag: Some(tag), .. }) if !tags.contains(&tag) => {
                What::UnknownName { kind: NameKind::Label, name: tag, known: tags.clone() }
            }
            Ok(Gate { tag: Some(tag), metric: Metric::MemoryPerConnection, .. })
                if !first.is_some_and(|load| load.tags().contains(&tag.as_str())) =>
            {
                What::BadValue(TOO_FEW_HELD.to_owned())
            }
            Ok(gate) => {
                gates.push(gate);
                continue;
            }
        };
        problems.push(Problem::at(source.place(written), what));
    }
    gates
}

fn search_tag(step: &Step) -> Option<&String> {
    if let StepKind::Capacity(search) = &step.kind { Some(&search.load.tag) } else { None }
}

fn load_of(step: &Step) -> Option<&Load> {
    if let StepKind::Load(load) = &step.kind { Some(load) } else { None }
}

/// Whether a name can be a folder beneath the reports and nothing else.
fn covers(scenario: &ScenarioFile, source: &Source, problems: &mut Vec<Problem>) -> Vec<Requirement> {
    let mut found = Vec::new();
    for written in &scenario.covers {
        match written.value.parse() {
            Ok(requirement) => found.push(requirement),
            Err(()) => {
                let known = Requirement::ALL.iter().map(|r| r.id().to_owned()).collect();
                let what =
                    What::UnknownName { kind: NameKind::Requirement, name: written.value.clone(), known };
                problems.push(Problem::at(source.place(written), what));
            }
        }
    }
    found
}
