//! `harness simulate`: the fleets of scenarios in virtual time, for hours and for more instances than a machine has.
//!
//! Scenarios are read as a run reads them, plans of earlier runs too; what is to be otherwise is applied to each fleet step.
//! Nothing is started, and no proxy is asked.

use std::path::Path;

use super::arguments::{SimulateArguments, language};
use super::input;
use harness_model::adapter::built_in;
use harness_model::exit_code::ExitCode;
use harness_model::fleet::{Distance, Forecast, Objective, Overhead, WhatIf};
use harness_model::history::{self, EventKind, dated_folder};
use harness_model::plan::{CloudStep, FleetPlan, Options, Plan, StepKind, resolve};
use harness_tell::language::Language;
use harness_tell::language::simulate_words::{
    cannot_calibrate, impossible, no_fleet, no_fleet_in_run, no_such_step, page_at,
};
use harness_tell::report::{Calibrated, Calibration, Simulated, SimulationKind, write_simulation};

/// The time of the owner: what takes a minute there takes one, and every request stands for itself.
const OWNERS: f64 = 1.0;

/// What a real run says of the model: how far it was, and what the machine added to each step.
struct Model {
    calibration: Calibration,
    overheads: Vec<(String, Overhead)>,
}

pub(super) fn run(arguments: &SimulateArguments) -> ExitCode {
    let language = language(arguments.lang);
    let all = match all(arguments, language) {
        Ok(all) => all,
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            return ExitCode::Usage;
        }
    };
    if arguments.json {
        match serde_json::to_string_pretty(&all) {
            Ok(text) => anstream::println!("{text}"),
            Err(error) => {
                anstream::eprintln!("{error}");
                return ExitCode::Bug;
            }
        }
    }
    let mut code = ExitCode::Passed;
    for one in &all {
        if !arguments.json {
            anstream::println!("{}", one.lines(language));
        }
        match written(&arguments.out, one, language) {
            Ok(page) => anstream::eprintln!("{}", page_at(language, &page)),
            Err(why) => {
                anstream::eprintln!("{why}");
                return ExitCode::Usage;
            }
        }
        if one.calibration.as_ref().is_some_and(|calibration| !calibration.trusted) {
            code = ExitCode::Inconclusive;
        }
    }
    code
}

/// Every scenario, simulated; or what is wrong, ready to be printed.
fn all(arguments: &SimulateArguments, language: Language) -> Result<Vec<Simulated>, String> {
    let model = match &arguments.calibrate {
        Some(folder) => Some(calibrate(folder, language)?),
        None => None,
    };
    arguments.scenarios.iter().map(|file| one(file, arguments, model.as_ref(), language)).collect()
}

fn one(
    file: &Path,
    arguments: &SimulateArguments,
    model: Option<&Model>,
    language: Language,
) -> Result<Simulated, String> {
    let plan = plan_of(file, arguments, language)?;
    let name = file.display().to_string();
    let fleets = fleets(&plan);
    if fleets.is_empty() {
        return Err(no_fleet(language, &name));
    }
    let known: Vec<&str> = fleets.iter().map(|(step, _)| step.as_str()).collect();
    if let Some(unknown) = arguments.step.iter().find(|step| !known.contains(&step.as_str())) {
        return Err(no_such_step(language, &name, unknown, &known.join(", ")));
    }
    let what_if = WhatIf {
        scale: Some(arguments.scale.unwrap_or(OWNERS)),
        load_factor: arguments.load_factor,
        least: arguments.minimum,
        most: arguments.maximum,
        span: arguments.span,
    };
    let asked_for = |step: &String| arguments.step.is_empty() || arguments.step.contains(step);
    let changed = fleets.iter().filter(|(step, _)| asked_for(step)).map(|(step, fleet)| {
        let changed = what_if.applied_to(fleet).map_err(|reason| impossible(reason, language))?;
        Ok((step, changed))
    });
    // All of them are looked at before the first is simulated.
    let changed = changed.collect::<Result<Vec<_>, String>>()?;
    let forecasts = changed.into_iter().map(|(step, changed)| {
        let mut objective = Objective::of(&plan, step);
        if let Some(limit) = arguments.limit {
            objective.limit_ms = limit.as_secs_f64() * 1e3;
        }
        let overhead = model.map_or_else(Overhead::default, |model| model.overhead_of(step));
        let overhead = if changed.scale > OWNERS { overhead } else { overhead.in_the_owners_time() };
        Forecast::of(step, changed, overhead, objective, arguments.seed)
    });
    Ok(Simulated {
        kind: SimulationKind::Simulation,
        forecasts: forecasts.collect(),
        title: plan.title,
        file: name,
        seed: arguments.seed,
        calibration: model.map(|model| model.calibration.clone()),
    })
}

/// The plan of a scenario, or one that an earlier run has left.
fn plan_of(file: &Path, arguments: &SimulateArguments, language: Language) -> Result<Plan, String> {
    if let Some(plan) = input::plan(file) {
        return plan.map_err(|error| input::no_plan(file, &error, language));
    }
    let text = input::read(file).map_err(|problem| input::show(&[problem], language))?;
    // Any adapter will do: no proxy takes part.
    let adapter =
        input::adapter(built_in::ALL[0].0, false).map_err(|problem| input::show(&[problem], language))?;
    let settings = arguments.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let options = Options { seed: arguments.seed, settings, ..Options::default() };
    resolve(&text, file, &adapter, &options).map_err(|problems| input::show(&problems, language))
}

/// Its fleet steps by name; one without has its number.
fn fleets(plan: &Plan) -> Vec<(String, &FleetPlan)> {
    let mut found = Vec::new();
    for step in &plan.steps {
        if let StepKind::Cloud(CloudStep::Fleet(fleet)) = &step.kind {
            found.push((step.label.clone().unwrap_or_else(|| (found.len() + 1).to_string()), fleet));
        }
    }
    found
}

/// What a run folder says of the model.
fn calibrate(folder: &Path, language: Language) -> Result<Model, String> {
    let name = folder.display().to_string();
    let record = history::read(folder).map_err(|why| cannot_calibrate(language, &name, &why.to_string()))?;
    let plan = &record.plan;
    let runs = record.events.iter().filter_map(|event| match &event.event {
        EventKind::Fleet(run) => Some((plan.steps.get(event.step?)?, run)),
        _ => None,
    });
    let (mut steps, mut overheads) = (Vec::new(), Vec::new());
    for (step, run) in runs {
        let StepKind::Cloud(CloudStep::Fleet(fleet)) = &step.kind else { continue };
        let label = step.label.clone().unwrap_or_else(|| (steps.len() + 1).to_string());
        let distance = Distance::of(fleet, run, plan.seed);
        overheads.push((label.clone(), Overhead::of(run)));
        steps.push(Calibrated { step: label, distance });
    }
    if steps.is_empty() {
        return Err(no_fleet_in_run(language, &name));
    }
    let trusted = steps.iter().all(|step| step.distance.is_close());
    Ok(Model { calibration: Calibration { folder: name, steps, trusted }, overheads })
}

impl Model {
    /// What the machine added to the step of this name; to all of them, the mean, where the run had no such step.
    fn overhead_of(&self, step: &str) -> Overhead {
        let of_name = self.overheads.iter().find(|(name, _)| name == step).map(|(_, overhead)| *overhead);
        of_name.unwrap_or_else(|| {
            let count = self.overheads.len().max(1) as f64;
            let mean =
                |of: fn(&Overhead) -> f64| self.overheads.iter().map(|(_, one)| of(one)).sum::<f64>() / count;
            Overhead { in_place: mean(|one| one.in_place), on_the_way: mean(|one| one.on_the_way) }
        })
    }
}

/// Writes the pages into a folder of their own; where the one in this language lies.
fn written(out: &Path, simulated: &Simulated, language: Language) -> Result<String, String> {
    let name = Path::new(&simulated.file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = dated_folder(&out.join(format!("simulate-{name}"))).map_err(|error| error.to_string())?;
    write_simulation(&folder, simulated).map_err(|error| error.to_string())?;
    Ok(folder.join(format!("simulation.{}.html", language.code())).display().to_string())
}
