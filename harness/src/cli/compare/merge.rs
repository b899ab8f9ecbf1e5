//! `harness merge`: the shards of a comparison become one, with one verdict.
//!
//! Each shard's rounds count as rounds, histograms are added exactly, thresholds are judged once. A shard that is missing,
//! was cut short, occurs twice or asks another question is refused and named: what is left out would change the verdict.

use std::path::{Path, PathBuf};

use super::conclusion::{End, Joined, conclude};
use super::shard::{self, ShardFile};
use crate::cli::arguments::{MergeArguments, language};
use harness_judge::compare::{Figures, Side, figures_of, judge_gates};
use harness_model::exit_code::ExitCode;
use harness_model::history::{self, Manifest, dated_folder};
use harness_model::plan::Gate;
use harness_tell::language::Language;
use harness_tell::language::compare_words::{
    no_shards, shard_cut_short, shard_damaged, shard_missing, shard_of_another, shard_twice, shard_unreadable,
};

pub(in crate::cli) fn run(arguments: &MergeArguments) -> ExitCode {
    let language = language(arguments.lang);
    match joined(&arguments.folders, language) {
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            ExitCode::Usage
        }
        Ok(joined) => {
            let folder = match dated_folder(&arguments.out.join(format!("merge-{}", joined.scenario))) {
                Ok(folder) => folder,
                Err(error) => {
                    anstream::eprintln!("{error}");
                    return ExitCode::Usage;
                }
            };
            conclude(joined, &folder, arguments.on_inconclusive, language)
        }
    }
}

fn joined(folders: &[PathBuf], language: Language) -> Result<Joined, String> {
    let shards = read_all(folders, language)?;
    let (_, first) = shards.first().ok_or_else(|| no_shards(language))?;
    let of = first.shard.of;
    for (folder, file) in &shards {
        let same = |other: &ShardFile| {
            (&other.load, &other.sides, &other.adapters, other.pinned)
                == (&first.load, &first.sides, &first.adapters, first.pinned)
                && (&other.thresholds, other.rounds, other.shard.of) == (&first.thresholds, first.rounds, of)
        };
        if !same(file) {
            return Err(shard_of_another(language, &folder.display().to_string()));
        }
        let (_, wanted) = file.shard.rounds_of(file.rounds);
        let whole = |per_side: usize| per_side == file.sides.len();
        let lengths = file.runs.iter().map(Vec::len).chain(file.measured.iter().map(Vec::len));
        if file.runs.len() != wanted || file.measured.len() != wanted || !lengths.into_iter().all(whole) {
            let (had, path) = (file.runs.len() as u64, folder.display().to_string());
            return Err(shard_cut_short(language, &path, had, wanted as u64));
        }
    }
    let mut ordered = Vec::new();
    for index in 1..=of {
        let mut found = shards.iter().filter(|(_, file)| file.shard.index == index);
        let shard = found.next().ok_or_else(|| shard_missing(language, index as u64, of as u64))?;
        if found.next().is_some() {
            return Err(shard_twice(language, index as u64, of as u64));
        }
        ordered.push(shard);
    }
    let (mut figures, mut runs, mut troubles) = (Vec::new(), Vec::new(), Vec::new());
    for (folder, file) in ordered {
        for (of_round, measured) in file.runs.iter().zip(&file.measured) {
            let mut round = Vec::new();
            for (run, measured) in of_round.iter().zip(measured) {
                round.push(if *measured { figures_in(folder, run, language)? } else { Figures::default() });
            }
            figures.push(round);
            runs.push(of_round.iter().map(|run| folder.join(run).display().to_string()).collect());
        }
        troubles.extend(file.troubles.iter().copied());
    }
    troubles.dedup();
    let gates: Vec<Gate> = first.thresholds.iter().filter_map(|text| text.parse().ok()).collect();
    let names: Vec<&str> = first.sides.iter().map(String::as_str).collect();
    let gated = judge_gates(&gates, &names, &figures, None);
    let side = |name: &String| Side { name: name.clone(), title: name.clone() };
    Ok(Joined {
        scenario: first.scenario.clone(),
        title: first.title.clone(),
        file: first.file.clone(),
        sides: first.sides.iter().map(side).collect(),
        reference: None,
        gated,
        figures,
        runs,
        troubles,
        end: End::Whole,
        wanted: first.rounds,
        shards: of,
        seed: None,
    })
}

/// The shards in these folders, or one level beneath them.
fn read_all(folders: &[PathBuf], language: Language) -> Result<Vec<(PathBuf, ShardFile)>, String> {
    let mut shards = Vec::new();
    for folder in folders {
        let beneath = || std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut found: Vec<PathBuf> = match folder.join(shard::NAME).exists() {
            true => vec![folder.clone()],
            false => beneath().filter(|path| path.join(shard::NAME).exists()).collect(),
        };
        found.sort();
        for folder in found {
            let file = ShardFile::read(&folder)
                .map_err(|why| shard_unreadable(language, &folder.display().to_string(), &why))?;
            shards.push((folder, file));
        }
    }
    Ok(shards)
}

fn figures_in(folder: &Path, run: &str, language: Language) -> Result<Figures, String> {
    let unreadable = |path: &Path, why: &str| shard_unreadable(language, &path.display().to_string(), why);
    let path = ShardFile::run_folder(folder, run).ok_or_else(|| unreadable(folder, run))?;
    let manifest = Manifest::read(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
    if let Some(changed) = manifest.changed(&path).first() {
        return Err(shard_damaged(language, &path.join(changed).display().to_string()));
    }
    let record = history::read(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
    Ok(figures_of(&record))
}
