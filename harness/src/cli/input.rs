//! Files that a person wrote, from the disk into memory, and complaints about them onto the screen.
//!
//! The runs and `check` read scenarios and adapters through here. It looks nothing up but names of adapters.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use harness_model::adapter::{self, Adapter, built_in};
use harness_model::plan::{Pin, Plan};
use harness_model::scenario::{NameKind, Problem, What, outermost_keys, read_bytes};
use harness_tell::language::compare_words::cannot_pin;
use harness_tell::language::run_words;
use harness_tell::language::{Language, input_problem};
use serde::de::IgnoredAny;

pub(super) use harness_model::scenario::read;

/// An adapter by its name, its file, or the folder whose profile it is. A profile is kept to what a submission may say, unless
/// whoever runs this trusts it.
pub(super) fn adapter(name: &str, trusted: bool) -> Result<Adapter, Problem> {
    let mut path = PathBuf::from(name);
    if let Some(text) = built_in::text_of(name) {
        return adapter::resolve(&Arc::from(text), &PathBuf::from(format!("scenarios/suts/{name}.yaml")));
    }
    if path.extension().is_none() && !path.exists() {
        let known = built_in::ALL.iter().map(|(known, _)| (*known).to_owned()).collect();
        return Err(Problem::nowhere(What::UnknownName {
            kind: NameKind::Adapter,
            name: name.to_owned(),
            known,
        }));
    }
    if path.is_dir() {
        path = adapter::profile_in(&path);
    }
    let text = read(&path)?;
    let submission = path.parent().filter(|_| adapter::is_profile(&path) && !trusted);
    adapter::read(&text, &path, submission, read_bytes)
}

/// What `--pin` asks for on this host.
///
/// # Errors
/// It cannot be had; ready to be printed.
pub(super) fn pin(asked_for: bool, language: Language) -> Result<Option<Pin>, String> {
    if !asked_for {
        return Ok(None);
    }
    let halves = harness_platform::usable_cpus().ok().and_then(|cpus| Pin::halves(&cpus));
    halves.map(Some).ok_or_else(|| cannot_pin(language))
}

/// Whether a text is that of a scenario, in YAML or JSON; any other is an adapter's. One that cannot be read is what it looks like.
pub(super) fn is_scenario(text: &str) -> bool {
    let names = ["steps", "checks"];
    outermost_keys(text).map_or_else(
        || {
            text.contains("\"steps\"")
                || text.lines().any(|line| line.starts_with("steps:") || line.starts_with("checks:"))
        },
        |keys| keys.iter().any(|key| names.contains(&key.as_str())),
    )
}

/// The plan that an earlier run has left, where the file is one: it holds its adapter, as no scenario in JSON does.
pub(super) fn plan(file: &Path) -> Option<serde_json::Result<Plan>> {
    let text =
        std::fs::read(file).ok().filter(|_| file.extension().is_some_and(|ending| ending == "json"))?;
    let keys: BTreeMap<String, IgnoredAny> = serde_json::from_slice(&text).ok()?;
    keys.contains_key("adapter").then(|| serde_json::from_slice(&text))
}

/// What is said of a plan that is not whole.
pub(super) fn no_plan(file: &Path, error: &serde_json::Error, language: Language) -> String {
    run_words::no_plan(language, &format!("{}:{}:{}", file.display(), error.line(), error.column()))
}

/// Whether a text is that of an adapter.
pub(super) fn is_adapter(text: &str) -> bool {
    outermost_keys(text).is_some_and(|keys| keys.iter().any(|key| key == "program"))
}

/// Problems as the terminal shows them.
pub(super) fn show(problems: &[Problem], language: Language) -> String {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    problems.iter().map(|problem| input_problem(language, problem, colour)).collect::<Vec<_>>().join("\n\n")
}
