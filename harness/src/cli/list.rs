//! `harness list` and `harness schema`: what there is to write and to run.
//!
//! Everything listed is taken from where it is defined: the catalogue, the embedded adapters, the types of the files.

use std::path::Path;

use super::arguments::{SchemaKind, language};
use crate::grade::GradesDocument;
use crate::grade::entries::Entries;
use crate::grade::rubric::RubricFile;
use harness_model::adapter::{self, AdapterFile, built_in};
use harness_model::catalogue::CheckId;
use harness_model::exit_code::ExitCode;
use harness_model::scenario::{ScenarioFile, parse};
use harness_tell::language::run_words::{
    heading_adapters, heading_behaviours, heading_checks, heading_scenarios,
};
use harness_tell::language::{Language, title};
use harness_tell::report::VerdictsDocument;

/// Lists scenarios, proxies, checks and behaviours.
pub(super) fn run(asked_for: Option<Language>) -> ExitCode {
    let language = language(asked_for);
    anstream::println!("{}", heading_scenarios(language));
    for (path, scenario) in scenarios() {
        anstream::println!("  {path:34} {}", language.of(&scenario.title));
    }
    anstream::println!("\n{}", heading_adapters(language));
    for (name, text) in built_in::ALL {
        if let Ok(adapter) = adapter::resolve(&(*text).into(), Path::new(name)) {
            anstream::println!("  {name:34} {}", adapter.title);
        }
    }
    anstream::println!("\n{}", heading_checks(language));
    for check in CheckId::ALL {
        anstream::println!(
            "  {:34} {:9} {}",
            check.name(),
            check.requirement().id(),
            title(*check, language)
        );
    }
    anstream::println!("\n{}", heading_behaviours(language));
    for name in behaviours() {
        anstream::println!("  {name}");
    }
    ExitCode::Passed
}

/// Prints the JSON Schema of a kind of file.
pub(super) fn schema(kind: SchemaKind) -> ExitCode {
    let schema = match kind {
        SchemaKind::Scenario => schemars::schema_for!(ScenarioFile),
        SchemaKind::Adapter => schemars::schema_for!(AdapterFile),
        SchemaKind::Rubric => schemars::schema_for!(RubricFile),
        SchemaKind::Entries => schemars::schema_for!(Entries),
        SchemaKind::Results => schemars::schema_for!(VerdictsDocument),
        SchemaKind::Grades => schemars::schema_for!(GradesDocument),
    };
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => {
            anstream::println!("{text}");
            ExitCode::Passed
        }
        Err(error) => {
            anstream::eprintln!("{error}");
            ExitCode::Bug
        }
    }
}

/// The scenarios in `scenarios/` of the current directory and in its folders of course packs and cloud cases, by name of file.
fn scenarios() -> Vec<(String, ScenarioFile)> {
    let mut found: Vec<(String, ScenarioFile)> = ["scenarios", "scenarios/course", "scenarios/cloud"]
        .into_iter()
        .flat_map(std::fs::read_dir)
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((path.display().to_string(), parse(&text.into(), &path).ok()?))
        })
        .collect();
    found.sort_by(|one, two| one.0.cmp(&two.0));
    found
}

/// The names of the behaviours that a script can hold, from the type itself.
fn behaviours() -> Vec<String> {
    let schema = schemars::schema_for!(fake_backends::behavior::Plan).to_value();
    let variants = schema.get("oneOf").and_then(|one_of| one_of.as_array()).cloned().unwrap_or_default();
    variants
        .iter()
        .filter_map(|variant| {
            let name = variant.get("properties")?.as_object()?.keys().next()?.clone();
            let text = variant.get("description").and_then(|text| text.as_str()).unwrap_or_default();
            Some(format!("{name:34} {text}"))
        })
        .collect()
}
