//! `harness compare`: one scenario on several proxies in interleaved rounds, a table of ratios, and its thresholds judged.
//!
//! `sides` understands what was typed, `rounds` carries the runs out, this file decides how many there are, `conclusion` shows
//! the result. What figures mean and what follows for a threshold is the business of `harness_judge::compare`.

mod baseline;
pub(super) mod conclusion;
mod fingerprint;
pub(super) mod merge;
pub(super) mod rounds;
pub(super) mod shard;
pub(super) mod sides;

use std::path::Path;
use std::time::Duration;

use crate::conductor::Interruption;
use harness_judge::compare::{LOOKS, Ruling, judge_gates};
use harness_model::exit_code::ExitCode;
use harness_model::history::dated_folder;
use harness_tell::language::compare_words::{
    announced, baseline_kept, baseline_saved, baseline_unwritable, few_rounds, look_again, shard_cut_short,
    shard_written, too_long,
};
use harness_tell::language::run_words::no_signal_handler;
use harness_tell::language::{Language, Span};

use super::arguments::{CompareArguments, language};
use super::signals;
use crate::shard::Shard;
use conclusion::{End, Joined, conclude};
use rounds::{FOR_EVER, Rounds};
use shard::ShardFile;
use sides::Sides;

/// How long all rounds may take where the user says nothing.
const MOST: Duration = Duration::from_secs(180);

pub(super) fn run(arguments: &CompareArguments) -> ExitCode {
    let language = language(arguments.lang);
    let sides = match sides::understand(arguments, language) {
        Ok(sides) => sides,
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            return ExitCode::Usage;
        }
    };
    let looks = match looks(arguments, &sides) {
        Ok(looks) => looks,
        Err(least) => {
            let most = span(arguments.max_duration.unwrap_or(MOST));
            let takes = span(sides.round() * least as u32);
            anstream::eprintln!("{}", too_long(language, least as u64, takes, most));
            return ExitCode::Usage;
        }
    };
    let first = looks.first().copied().unwrap_or_default();
    let takes = span(sides.round() * first as u32);
    anstream::eprintln!("{}", announced(language, first as u64, sides.all.len() as u64, takes));
    if first < LOOKS[0] && arguments.shard.is_none() {
        let option = if arguments.rounds.is_some() { "--rounds" } else { "--max-duration" };
        anstream::eprintln!("{}", few_rounds(language, LOOKS[0] as u64, option));
    }
    let baseline = match arguments.save_baseline.as_deref().map(baseline::place).transpose() {
        Ok(place) => place,
        Err((path, error)) => {
            anstream::eprintln!("{}", baseline_unwritable(language, &path, &error.to_string()));
            return ExitCode::Usage;
        }
    };
    let interruption = Interruption::default();
    if let Err(error) = signals::listen(interruption.clone()) {
        anstream::eprintln!("{}", no_signal_handler(language, &error.to_string()));
        return ExitCode::Bug;
    }
    let folder = match dated_folder(&arguments.out.join(format!("compare-{}", sides.scenario))) {
        Ok(folder) => folder,
        Err(error) => {
            anstream::eprintln!("{error}");
            return ExitCode::Usage;
        }
    };
    // Whoever asks for a number of rounds, or for a shard, gets all of them.
    let asked_for = arguments.rounds.is_some() || arguments.shard.is_some();
    let most = arguments.max_duration.unwrap_or(if asked_for { FOR_EVER } else { MOST });
    let all = all_rounds(arguments, &sides);
    let first_round = arguments.shard.map_or(0, |shard| shard.rounds_of(all).0);
    let mut rounds = Rounds::new(&sides, &folder, interruption, language, most, first_round);
    rounds.build_network = arguments.build_network;
    let mut gated = Vec::new();
    for (place, look) in looks.iter().enumerate() {
        if place > 0 {
            anstream::eprintln!("{}", look_again(language, *look as u64));
        }
        if let Err(problem) = rounds.go_on_to(*look) {
            anstream::eprintln!("{problem}");
            return problem.exit_code();
        }
        if arguments.shard.is_none() {
            gated = judge_gates(&sides.gates, &sides.names(), &rounds.figures, sides.reference.as_ref());
        }
        if rounds.cut_short || gated.iter().all(|one| one.ruling != Ruling::Inconclusive) {
            break;
        }
    }
    if let Err(code) = keep_shard(arguments, &sides, &rounds, &folder, language) {
        return code;
    }
    let decided = !gated.is_empty() && gated.iter().all(|one| one.ruling != Ruling::Inconclusive);
    let end = match (rounds.interrupted(), rounds.cut_short) {
        (true, _) => End::Interrupted,
        (false, true) if !decided => End::OutOfTime,
        _ => End::Whole,
    };
    let whole = end == End::Whole && rounds.troubles.is_empty();
    let kept =
        baseline.map_or(ExitCode::Passed, |place| keep_baseline(place, whole, &sides, &rounds, language));
    let joined = Joined {
        scenario: sides.scenario.clone(),
        title: sides.title.clone(),
        file: sides.file.clone(),
        sides: sides.sides(),
        reference: sides.reference.clone(),
        gated,
        end,
        wanted: rounds.wanted,
        figures: rounds.figures,
        runs: rounds.runs,
        troubles: rounds.troubles,
        shards: 1,
        seed: arguments.seed.is_none().then_some(sides.seed),
    };
    let code = conclude(joined, &folder, arguments.on_inconclusive, language);
    ExitCode::of_many([code, kept])
}

/// Puts a new baseline into its place where every round was measured; the code of this alone.
fn keep_baseline(
    place: baseline::Place,
    whole: bool,
    sides: &Sides,
    rounds: &Rounds<'_>,
    language: Language,
) -> ExitCode {
    let path = place.path();
    if !whole {
        anstream::eprintln!("{}", baseline_kept(language, &path));
        return ExitCode::Passed;
    }
    match baseline::save(place, sides, &rounds.figures) {
        Ok(()) => {
            anstream::eprintln!("{}", baseline_saved(language, &path));
            ExitCode::Passed
        }
        Err(error) => {
            anstream::eprintln!("{}", baseline_unwritable(language, &path, &error.to_string()));
            ExitCode::Usage
        }
    }
}

/// Writes the file of a shard, for `harness merge`.
fn keep_shard(
    arguments: &CompareArguments,
    sides: &Sides,
    rounds: &Rounds<'_>,
    folder: &Path,
    language: Language,
) -> Result<(), ExitCode> {
    if let Some(shard) = arguments.shard.filter(|_| rounds.cut_short) {
        // Without the file it is no shard, so that one that is measured again takes its place.
        let (_, wanted) = shard.rounds_of(all_rounds(arguments, sides));
        let (path, had) = (folder.display().to_string(), rounds.figures.len() as u64);
        anstream::eprintln!("{}", shard_cut_short(language, &path, had, wanted as u64));
    } else if let Some(shard) = arguments.shard {
        shard_file(shard, arguments, sides, rounds).write(folder).map_err(|error| {
            anstream::eprintln!("{}: {error}", folder.display());
            ExitCode::Bug
        })?;
        anstream::eprintln!("{}", shard_written(language, &folder.display().to_string()));
    }
    Ok(())
}

/// Of all shards together.
fn all_rounds(arguments: &CompareArguments, sides: &Sides) -> usize {
    let most = if sides.gates.is_empty() { LOOKS[0] } else { LOOKS[LOOKS.len() - 1] };
    arguments.rounds.map_or(most, usize::from)
}

fn shard_file(shard: Shard, arguments: &CompareArguments, sides: &Sides, rounds: &Rounds<'_>) -> ShardFile {
    ShardFile {
        format: shard::FORMAT,
        shard,
        rounds: all_rounds(arguments, sides),
        load: sides.all.first().map(|side| fingerprint::load_of(&side.plan)).unwrap_or_default(),
        scenario: sides.scenario.clone(),
        title: sides.title.clone(),
        file: sides.file.clone(),
        sides: sides.names().into_iter().map(str::to_owned).collect(),
        adapters: sides.all.iter().map(fingerprint::proxy_of).collect(),
        pinned: sides.all.first().is_some_and(|side| side.plan.pin.is_some()),
        thresholds: sides.gates.iter().map(|gate| gate.text.clone()).collect(),
        runs: rounds.runs.clone(),
        measured: rounds.measured.clone(),
        troubles: rounds.troubles.clone(),
    }
}

/// After which rounds the thresholds are looked at; the last one ends it.
///
/// # Errors
/// So many rounds would be needed, and there is not the time for them.
fn looks(arguments: &CompareArguments, sides: &Sides) -> Result<Vec<usize>, usize> {
    if let Some(shard) = arguments.shard {
        let (_, rounds) = shard.rounds_of(all_rounds(arguments, sides));
        let takes = sides.round().saturating_mul(rounds as u32);
        if arguments.max_duration.is_some_and(|most| takes > most) {
            return Err(rounds);
        }
        return Ok(if rounds == 0 { Vec::new() } else { vec![rounds] });
    }
    let most = arguments.max_duration.unwrap_or(MOST);
    let fit = (most.as_secs_f64() / sides.round().as_secs_f64().max(0.001)) as usize;
    if let Some(rounds) = arguments.rounds.map(usize::from) {
        // Whoever says both wants both; whoever says rounds only gets them.
        if arguments.max_duration.is_some() && rounds > fit {
            return Err(rounds);
        }
        let before = LOOKS.into_iter().filter(|look| *look < rounds && !sides.gates.is_empty());
        return Ok(before.chain([rounds]).collect());
    }
    if !sides.gates.is_empty() {
        let looks: Vec<usize> = LOOKS.into_iter().filter(|look| *look <= fit).collect();
        return if looks.is_empty() { Err(LOOKS[0]) } else { Ok(looks) };
    }
    match fit.min(LOOKS[0]) {
        0 => Err(1),
        rounds => Ok(vec![rounds]),
    }
}

fn span(time: Duration) -> Span {
    Span((time.as_secs_f64()).round() * 1e3)
}
