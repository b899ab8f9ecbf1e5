//! The field of a league: which proxies were named, which of them are here, what each is asked and in which order.
//!
//! `league` asks once, before anything is measured. Of a proxy that is not installed nothing is planned.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::super::arguments::{CompareArguments, Inconclusive, LeagueArguments, RunArguments};
use super::super::compare::sides::{self, DIRECT, Sides};
use super::super::selection::{self, Selected};
use crate::conductor;
use harness_model::adapter::{Adapter, built_in};
use harness_run::proxy_under_test::{Preparation, Presence, presence};
use harness_tell::language::league_words::{no_folder, no_speed_file, nobody_here, not_here, same_name};
use harness_tell::language::{self, Language};
use harness_tell::report::{Asked, Entrant, LeagueScenario};

/// The scenarios of a checkout.
const SCENARIOS: &str = "scenarios";

/// Everything that a league is going to do.
pub(super) struct Field {
    /// All that were named, those that are not here included.
    pub(super) entrants: Vec<Entrant>,
    /// What was asked for, as the runs are told it.
    pub(super) arguments: RunArguments,
    /// The runs of each scenario, one for each proxy that is here.
    pub(super) families: Vec<Vec<Selected>>,
    /// The speed part; `None` where it is left out.
    pub(super) sides: Option<Sides>,
    /// Of every random choice.
    pub(super) seed: u64,
}

impl Field {
    /// The field of these arguments, in a folder for the runs.
    ///
    /// # Errors
    /// What is wrong with the files or the arguments, or that nobody is here; ready to be printed.
    pub(super) fn of(arguments: &LeagueArguments, language: Language) -> Result<Field, String> {
        let (entrants, here) = entrants(arguments, language)?;
        let scenarios = match &arguments.scenarios[..] {
            [] if !Path::new(SCENARIOS).is_dir() => return Err(no_folder(language, SCENARIOS)),
            [] => vec![PathBuf::from(SCENARIOS)],
            named => named.to_vec(),
        };
        if arguments.rounds > 0 && !arguments.speed.is_file() {
            return Err(no_speed_file(language, &arguments.speed.display().to_string()));
        }
        let seed = arguments.seed.unwrap_or_else(|| u64::from(conductor::drawn_number()));
        let run_arguments = RunArguments {
            scenarios,
            sut: here.iter().map(|(typed, _)| typed.clone()).collect(),
            trust_profile: arguments.trust_profile,
            build_network: arguments.build_network,
            seed: Some(seed),
            lang: arguments.lang,
            pin: arguments.pin,
            ..RunArguments::default()
        };
        let mut families: Vec<Vec<Selected>> = Vec::new();
        for selected in selection::select(&run_arguments, language)? {
            match families
                .last_mut()
                .filter(|runs| runs.iter().all(|run| run.plan.file == selected.plan.file))
            {
                Some(family) => family.push(selected),
                None => families.push(vec![selected]),
            }
        }
        let same = |one: &Path, other: &Path| {
            one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
        };
        if arguments.rounds > 0 {
            families.retain(|runs| runs.iter().all(|run| !same(&run.plan.file, &arguments.speed)));
        }
        let sides =
            (arguments.rounds > 0).then(|| sides::understand(&compared(arguments, &here, seed), language));
        let sides = sides.transpose()?;
        Ok(Field { entrants, arguments: run_arguments, families, sides, seed })
    }

    /// Everything that every proxy is asked.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let plans = self.families.iter().filter_map(|runs| Some(&runs.first()?.plan));
        let of = |plan: &harness_model::plan::Plan| {
            let asked = plan.checks.iter().map(|check| Asked {
                scenario: plan.name.clone(),
                check: check.id,
                kind: check.kind,
            });
            asked.collect::<Vec<_>>()
        };
        plans.flat_map(of).collect()
    }

    /// The scenarios, as the page names them.
    pub(super) fn scenarios(&self) -> Vec<LeagueScenario> {
        let plans = self.families.iter().filter_map(|runs| Some(&runs.first()?.plan));
        plans.map(|plan| LeagueScenario { name: plan.name.clone(), title: plan.title.clone() }).collect()
    }
}

/// All proxies that were named, and those that are here as they were typed.
#[expect(clippy::type_complexity, reason = "two lists, one of which is the other in part")]
fn entrants(
    arguments: &LeagueArguments,
    language: Language,
) -> Result<(Vec<Entrant>, Vec<(String, Adapter)>), String> {
    let is_one = |name: &&str| !built_in::VARIANTS.contains(name);
    let typed: Vec<String> = match &arguments.sut[..] {
        [] => built_in::ALL.iter().map(|(name, _)| *name).filter(is_one).map(str::to_owned).collect(),
        named => named.to_vec(),
    };
    let named =
        RunArguments { sut: typed, trust_profile: arguments.trust_profile, ..RunArguments::default() };
    let found = selection::adapters(&named, language)?;
    let (mut entrants, mut here): (Vec<Entrant>, Vec<(String, Adapter)>) = (Vec::new(), Vec::new());
    for (name, adapter) in found {
        if entrants.iter().any(|known| known.name == adapter.name) {
            return Err(same_name(language, &adapter.name));
        }
        let mut entrant = Entrant::of(&adapter);
        // Said once for each package that is built.
        let said = Mutex::new(Vec::<Preparation>::new());
        let announce = |preparation: &Preparation| {
            let mut said = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !said.contains(preparation) {
                anstream::eprintln!("{}", language::preparation(language, preparation));
                said.push(preparation.clone());
            }
        };
        match presence(&adapter, &announce) {
            Presence::Here { version } => {
                entrant.version = version;
                here.push((name, adapter));
            }
            Presence::Missing { advice } => {
                let shown = advice.as_deref().unwrap_or("–");
                anstream::eprintln!("{}", not_here(language, &entrant.name, shown));
                (entrant.here, entrant.advice) = (false, advice);
            }
        }
        entrants.push(entrant);
    }
    if here.is_empty() { Err(nobody_here(language)) } else { Ok((entrants, here)) }
}

/// The speed part as `harness compare` would be told it, with the way without a proxy last.
fn compared(arguments: &LeagueArguments, here: &[(String, Adapter)], seed: u64) -> CompareArguments {
    let named = here.iter().map(|(typed, adapter)| format!("{}={typed}", adapter.name));
    CompareArguments {
        scenario: arguments.speed.clone(),
        sut: named.chain([DIRECT.to_owned()]).collect(),
        trust_profile: arguments.trust_profile,
        build_network: arguments.build_network,
        rounds: Some(arguments.rounds),
        max_duration: None,
        on_inconclusive: Inconclusive::Warn,
        pin: arguments.pin,
        shard: None,
        save_baseline: None,
        baseline: None,
        out: arguments.out.clone(),
        seed: Some(seed),
        settings: Vec::new(),
        lang: arguments.lang,
    }
}
