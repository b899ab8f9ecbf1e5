//! `harness check`: validates scenarios and adapters and runs nothing.
//!
//! It reads files exactly as a run would, so what it lets pass starts, and what a run would refuse it refuses in the
//! same words. A file with `steps` is a scenario, any other an adapter.

use std::path::Path;

use super::arguments::{CheckArguments, language};
use super::input;
use crate::adapter::{self, built_in};
use crate::exit_code::ExitCode;
use crate::language::run_words::{adapter_is_sound, scenario_is_sound};
use crate::language::{Language, Span};
use crate::plan::{Options, resolve};

pub(super) fn run(arguments: &CheckArguments) -> ExitCode {
    let language = language(arguments.lang);
    let mut code = ExitCode::Passed;
    for file in &arguments.files {
        match one(file, language) {
            Ok(line) => anstream::println!("{line}"),
            Err(complaint) => {
                anstream::eprintln!("{complaint}\n");
                code = ExitCode::Usage;
            }
        }
    }
    code
}

fn one(file: &Path, language: Language) -> Result<String, String> {
    let show = |problem| input::show(&[problem], language);
    let text = input::read(file).map_err(show)?;
    let name = file.display().to_string();
    let is_scenario = text.lines().any(|line| line.starts_with("steps:") || line.starts_with("checks:"));
    if !is_scenario {
        let adapter = adapter::resolve(&text, file).map_err(show)?;
        return Ok(adapter_is_sound(language, &name, &adapter.name));
    }
    // Any adapter will do to look at the scenario itself; the default one is always there.
    let (default, default_text) = built_in::ALL[0];
    let adapter = adapter::resolve(&default_text.into(), Path::new(default)).map_err(show)?;
    let plan = resolve(&text, file, &adapter, &Options::default()).map_err(|p| input::show(&p, language))?;
    Ok(scenario_is_sound(
        language,
        &name,
        plan.steps.len() as u64,
        plan.checks.len() as u64,
        Span(plan.estimated.as_secs_f64() * 1e3),
    ))
}
