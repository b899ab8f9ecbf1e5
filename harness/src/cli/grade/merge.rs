//! `harness merge` of a grading that many machines have shared: one folder, one index, one table.
//!
//! A shard that is missing, occurs twice or is of another grading is refused, and so is a team that was not judged to its end: each is
//! named with what has to be graded again. The rubric is the one that the shards have kept.

use std::path::{Path, PathBuf};

use super::{beside, say_who_is_unmatched, write};
use crate::cli::arguments::{MergeArguments, language};
use crate::cli::input;
use crate::grade::shard::{self, Course, Placed, ShardFile, Unfit};
use crate::grade::{self, Submission, Team};
use harness_model::exit_code::ExitCode;
use harness_model::history::dated_folder;
use harness_tell::language::Language;
use harness_tell::language::compare_words::{shard_twice, shard_unreadable};
use harness_tell::language::grade_words::{
    grade_shard_missing, grade_shard_of_another, not_graded_into, run_changed, team_unfinished,
};

/// The folders among these, and one level beneath them, in which a shard of a grading lies.
pub(in crate::cli) fn shards_in(folders: &[PathBuf]) -> Vec<PathBuf> {
    let has_one = |folder: &PathBuf| folder.join(shard::NAME).exists();
    let mut found = Vec::new();
    for folder in folders {
        if has_one(folder) {
            found.push(folder.clone());
        } else {
            let beneath = std::fs::read_dir(folder).into_iter().flatten().flatten();
            found.extend(beneath.map(|entry| entry.path()).filter(has_one));
        }
    }
    found.sort();
    found
}

/// Joins the shards in these folders, of which there is at least one.
pub(in crate::cli) fn run(arguments: &MergeArguments, folders: &[PathBuf]) -> ExitCode {
    let language = language(arguments.lang);
    match joined(arguments, folders, language) {
        Ok(code) => code,
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            ExitCode::Usage
        }
    }
}

fn joined(arguments: &MergeArguments, folders: &[PathBuf], language: Language) -> Result<ExitCode, String> {
    let shards = read(folders, language)?;
    let [(first, ShardFile { course, .. }), ..] = &shards[..] else { return Ok(ExitCode::Usage) };
    let rubric = grade::rubric::read_kept(first).map_err(|problems| input::show(&problems, language))?;
    if !course.is_judged_by(&rubric) {
        return Err(grade_shard_of_another(language, &first.display().to_string()));
    }
    let of = shards[0].1.shard.of;
    let mut complaints = Vec::new();
    let mut teams = Vec::new();
    for index in 1..=of {
        let mut found = shards.iter().filter(|(_, file)| file.shard.index == index);
        let Some((folder, file)) = found.next() else {
            complaints.push(grade_shard_missing(language, index as u64, of as u64, &names(course, index)));
            continue;
        };
        if found.next().is_some() {
            complaints.push(shard_twice(language, index as u64, of as u64));
            continue;
        }
        for Placed { code, name, .. } in course.of_shard(index) {
            match shard::whole(&rubric, file, folder, code) {
                Ok(state) => teams.push((folder.join(code), code, name, state)),
                Err(Unfit::Unfinished) => {
                    complaints.push(team_unfinished(language, code, name, index as u64, of as u64));
                }
                Err(Unfit::Changed(path)) => {
                    let path = path.display().to_string();
                    complaints.push(run_changed(language, code, name, &path, index as u64, of as u64));
                }
            }
        }
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    teams.sort_by_key(|(_, code, ..)| (code.len(), (*code).clone()));
    let (entries, students) = beside(&arguments.sheet, &rubric, language)?;
    let out = dated_folder(&arguments.out.join("grades").join(format!("{}-merged", rubric.name)))
        .map_err(|error| error.to_string())?;
    let taken: std::io::Result<Vec<Team>> = teams
        .into_iter()
        .map(|(from, code, name, state)| {
            let folder = out.join(code);
            shard::take_over(&from, &folder)?;
            let submission = Submission { code: code.clone(), name: name.clone(), path: from };
            Ok(Team { submission, folder, adapter: None, state })
        })
        .collect();
    let kept = |teams: &[Team]| {
        let submissions: Vec<Submission> = teams.iter().map(|team| team.submission.clone()).collect();
        say_who_is_unmatched(&students, &submissions, language);
        grade::rubric::keep(&rubric, &out).and_then(|()| grade::write_teams(&out, &submissions))
    };
    let teams = taken
        .and_then(|teams| kept(&teams).map(|()| teams))
        .map_err(|error| not_graded_into(language, &out.display().to_string(), &error.to_string()))?;
    let graded = grade::conclude(rubric.clone(), teams, &entries, course.seed);
    Ok(match write(&graded, &out, &students, &arguments.sheet, language) {
        Ok(()) => ExitCode::Passed,
        Err(code) => code,
    })
}

/// The shards, all of one grading.
fn read(folders: &[PathBuf], language: Language) -> Result<Vec<(PathBuf, ShardFile)>, String> {
    let mut shards: Vec<(PathBuf, ShardFile)> = Vec::new();
    for folder in folders {
        let shown = |folder: &Path| folder.display().to_string();
        let file = ShardFile::read(folder).map_err(|why| shard_unreadable(language, &shown(folder), &why))?;
        if let Some((_, first)) = shards.first()
            && (&first.course, first.shard.of) != (&file.course, file.shard.of)
        {
            return Err(grade_shard_of_another(language, &shown(folder)));
        }
        shards.push((folder.clone(), file));
    }
    Ok(shards)
}

/// The submissions of a shard, as a list in a sentence.
fn names(course: &Course, index: usize) -> String {
    let named = |placed: &Placed| format!("{} {}", placed.code, super::harmless(&placed.name));
    course.of_shard(index).map(named).collect::<Vec<_>>().join(", ")
}
