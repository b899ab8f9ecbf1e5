//! `harness check`: validates scenarios and adapters and runs nothing.
//!
//! It reads files exactly as a run would, so what it lets pass starts, and what a run would refuse it refuses in the
//! same words. A file with `steps` is a scenario, any other an adapter; every scenario is resolved with every adapter that
//! is given beside it, since windows and limits depend on both.

use std::path::Path;
use std::sync::Arc;

use super::arguments::{CheckArguments, language};
use super::input;
use harness_model::adapter::{Adapter, built_in};
use harness_model::exit_code::ExitCode;
use harness_model::plan::{Options, resolve};
use harness_tell::language::run_words::{adapter_is_sound, scenario_is_sound};
use harness_tell::language::{Language, Span};

pub(super) fn run(arguments: &CheckArguments) -> ExitCode {
    let language = language(arguments.lang);
    let mut code = ExitCode::Passed;
    let mut tell = |result: Result<String, String>| match result {
        Ok(line) => anstream::println!("{line}"),
        Err(complaint) => {
            anstream::eprintln!("{complaint}\n");
            code = ExitCode::Usage;
        }
    };
    let (mut scenarios, mut adapters) = (Vec::new(), Vec::new());
    for file in &arguments.files {
        match scenario_text(file) {
            Some(text) => scenarios.push((file, text)),
            None => match input::adapter(&file.to_string_lossy(), arguments.trust_profile) {
                Ok(adapter) => {
                    tell(Ok(adapter_is_sound(language, &file.display().to_string(), &adapter.name)));
                    adapters.push(adapter);
                }
                Err(problem) => tell(Err(input::show(&[problem], language))),
            },
        }
    }
    if adapters.is_empty() && !scenarios.is_empty() {
        // Any adapter will do to look at the scenario itself; the default one is always there.
        match input::adapter(built_in::ALL[0].0, false) {
            Ok(adapter) => adapters.push(adapter),
            Err(problem) => tell(Err(input::show(&[problem], language))),
        }
    }
    for (file, text) in &scenarios {
        adapters.iter().for_each(|adapter| tell(one(file, text, adapter, language)));
    }
    code
}

/// The text of a file that is a scenario; what cannot be read is left to those who read adapters.
fn scenario_text(file: &Path) -> Option<Arc<str>> {
    input::read(file).ok().filter(|text| input::is_scenario(text))
}

fn one(file: &Path, text: &str, adapter: &Adapter, language: Language) -> Result<String, String> {
    let plan = resolve(text, file, adapter, &Options::default()).map_err(|p| input::show(&p, language))?;
    Ok(scenario_is_sound(
        language,
        &format!("{} · {}", file.display(), adapter.name),
        plan.steps.len() as u64,
        plan.checks.len() as u64,
        Span(plan.estimated.as_secs_f64() * 1e3),
    ))
}
