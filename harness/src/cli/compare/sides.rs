//! The sides of a comparison as typed: `--sut pibl --sut nginx --sut direct`, or `--sut NAME=ADAPTER`.
//!
//! `compare` calls [`understand`] before anything starts. Every side gets the same scenario; `direct` has no proxy at all.

use std::path::Path;
use std::time::Duration;

use crate::conductor;
use harness_judge::compare::{BASELINE, Reference, Side};
use harness_model::plan::{self, Bilingual, Gate, Metric, Options, Plan, StepKind};
use harness_tell::language::Language;
use harness_tell::language::compare_words::{
    absent_side, capacity_alone, no_baseline, no_cost_of_direct, no_load, no_proxy, reserved_name, same_name,
    side_name, two_sides,
};

use super::super::arguments::CompareArguments;
use super::super::input;
use super::baseline;

/// Straight at the first backend.
pub(in crate::cli) const DIRECT: &str = "direct";

/// What is compared.
pub(in crate::cli) struct Sides {
    /// The scenario's short name, title and file.
    pub(in crate::cli) scenario: String,
    pub(in crate::cli) title: Bilingual,
    pub(in crate::cli) file: String,
    /// In the order of the command line: the first is the one under test.
    pub(in crate::cli) all: Vec<Contender>,
    /// The thresholds of the scenario.
    pub(in crate::cli) gates: Vec<Gate>,
    /// What `--baseline` names.
    pub(in crate::cli) reference: Option<Reference>,
    /// Of the first round; each later one has the next.
    pub(in crate::cli) seed: u64,
}

/// One side.
pub(in crate::cli) struct Contender {
    /// As it is called on the command line and in thresholds.
    pub(in crate::cli) name: String,
    pub(in crate::cli) plan: Plan,
    /// Whether there is no proxy between client and backend.
    pub(in crate::cli) direct: bool,
}

impl Sides {
    pub(in crate::cli) fn names(&self) -> Vec<&str> {
        self.all.iter().map(|side| side.name.as_str()).collect()
    }

    pub(in crate::cli) fn sides(&self) -> Vec<Side> {
        let side = |it: &Contender| Side { name: it.name.clone(), title: it.name.clone() };
        self.all.iter().map(side).collect()
    }

    /// How long a round is expected to take.
    pub(in crate::cli) fn round(&self) -> Duration {
        self.all.iter().map(|side| side.plan.estimated).sum()
    }
}

/// The sides that the arguments name, with their plans.
///
/// # Errors
/// What is wrong with the files or the arguments, ready to be printed.
pub(in crate::cli) fn understand(arguments: &CompareArguments, language: Language) -> Result<Sides, String> {
    if arguments.sut.len() < 2 {
        return Err(two_sides(language));
    }
    let show = |problem| input::show(&[problem], language);
    let text = input::read(&arguments.scenario).map_err(show)?;
    // Shards must agree without having met.
    let drawn = || if arguments.shard.is_some() { 1 } else { u64::from(conductor::drawn_number()) };
    let seed = arguments.seed.unwrap_or_else(drawn);
    let settings = arguments.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let options = Options { seed, strict: false, settings };
    let mut named = Vec::new();
    for typed in &arguments.sut {
        let (name, adapter) = match typed.split_once('=') {
            Some((name, adapter)) => (name.to_owned(), adapter),
            None => (stem(typed), typed.as_str()),
        };
        if !is_folder_name(&name) {
            return Err(side_name(language, &name));
        }
        if name == BASELINE {
            return Err(reserved_name(language, &name));
        }
        if named.iter().any(|(other, _)| *other == name) {
            return Err(same_name(language, &name));
        }
        named.push((name, adapter));
    }
    // Without a proxy the adapter decides nothing but the addresses of the backends.
    let Some((_, some_adapter)) = named.iter().find(|(_, adapter)| *adapter != DIRECT) else {
        return Err(no_proxy(language));
    };
    let some_adapter = *some_adapter;
    let pin = input::pin(arguments.pin, language)?;
    let mut all = Vec::new();
    for (name, adapter) in named {
        let direct = adapter == DIRECT;
        let adapter = input::adapter(if direct { some_adapter } else { adapter }, arguments.trust_profile)
            .map_err(show)?;
        let mut plan = plan::resolve(&text, &arguments.scenario, &adapter, &options)
            .map_err(|problems| input::show(&problems, language))?;
        // The folder of its runs.
        plan.adapter.name.clone_from(&name);
        plan.pin.clone_from(&pin);
        if direct {
            plan.adapter.title = DIRECT.to_owned();
        }
        all.push(Contender { name, plan, direct });
    }
    let [first, ..] = &all[..] else { return Err(two_sides(language)) };
    if !first.plan.steps.iter().any(|step| matches!(step.kind, StepKind::Load(_))) {
        let searches = first.plan.steps.iter().any(|step| matches!(step.kind, StepKind::Capacity(_)));
        let why = if searches { capacity_alone } else { no_load };
        return Err(why(language, &first.plan.name));
    }
    let gates = first.plan.thresholds.clone();
    let with = |gate: &Gate| gate.versus.as_ref().map(|versus| versus.side().to_owned());
    for gate in &gates {
        if with(gate).is_some_and(|other| other == BASELINE) {
            match arguments.baseline {
                Some(_) => continue,
                None => return Err(no_baseline(language, &gate.text)),
            }
        }
        if let Some(absent) = with(gate).filter(|other| !all.iter().any(|side| side.name == *other)) {
            return Err(absent_side(language, &gate.text, &absent));
        }
        let is_cost =
            matches!(gate.metric, Metric::CpuPerRequest | Metric::MemoryPerConnection | Metric::RssPeak);
        let to_direct = |other: &String| all.iter().any(|side| side.direct && side.name == *other);
        if is_cost && with(gate).as_ref().is_some_and(to_direct) {
            return Err(no_cost_of_direct(language, &gate.text));
        }
    }
    let reference = match &arguments.baseline {
        Some(file) => Some(baseline::read(file, &first.plan, language)?),
        None => None,
    };
    let (scenario, title) = (first.plan.name.clone(), first.plan.title.clone());
    // The rounds together decide, not each of them.
    all.iter_mut().for_each(|side| side.plan.thresholds.clear());
    Ok(Sides { scenario, title, file: arguments.scenario.display().to_string(), gates, reference, seed, all })
}

/// Whether a name can be a folder beneath the reports and nothing else.
fn is_folder_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// An adapter's file without folder and ending, or its name.
fn stem(typed: &str) -> String {
    let stem = Path::new(typed).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let clean = |text: String| text.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    stem.map_or_else(|| "side".to_owned(), clean)
}
