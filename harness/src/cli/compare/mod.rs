//! `harness compare`: one scenario on several proxies in interleaved rounds, a table of ratios, and its thresholds judged.
//!
//! `sides` understands what was typed, `rounds` carries the runs out, this file decides how many there are and shows the
//! result. What figures mean and what follows for a threshold is the business of `crate::compare`.

mod baseline;
pub(super) mod merge;
mod rounds;
pub(super) mod shard;
mod sides;

use std::path::Path;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};

use crate::compare::{Comparison, Figures, Gated, LOOKS, Reference, Ruling, Side, judge_gates, table};
use crate::conductor::Interruption;
use crate::exit_code::ExitCode;
use crate::history::{IntervalLog, LatencyHistogram, Measure, dated_folder};
use crate::language::compare_words::{
    announced, baseline_kept, baseline_saved, baseline_unwritable, few_rounds, look_again,
    rounds_interrupted, rounds_out_of_time, shard_cut_short, shard_written, too_long, written_to,
};
use crate::language::run_words::no_signal_handler;
use crate::language::{Language, Span};
use crate::plan::Bilingual;
use crate::report::{Compared, write_comparison};

use super::annotations;
use super::arguments::{CompareArguments, Inconclusive, language};
use super::shard::Shard;
use super::signals;
use super::step_summary;
use rounds::{FOR_EVER, Rounds, Trouble};
use shard::ShardFile;
use sides::{Contender, DIRECT, Sides};

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
        Err(error) => {
            let path = arguments.save_baseline.as_deref().map(|path| path.display().to_string());
            let path = path.unwrap_or_default();
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
    let kept = baseline.map(|place| match whole {
        true => Some(baseline::save(place, &sides, &rounds.figures)),
        false => None,
    });
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
    };
    let code = conclude(joined, &folder, arguments.on_inconclusive, language);
    let path = arguments.save_baseline.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    match kept {
        None => code,
        Some(None) => {
            anstream::eprintln!("{}", baseline_kept(language, &path));
            code
        }
        Some(Some(Ok(()))) => {
            anstream::eprintln!("{}", baseline_saved(language, &path));
            code
        }
        Some(Some(Err(error))) => {
            anstream::eprintln!("{}", baseline_unwritable(language, &path, &error.to_string()));
            ExitCode::of_many([code, ExitCode::Usage])
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

fn proxy(side: &Contender) -> String {
    if side.direct { DIRECT.to_owned() } else { baseline::proxy_of(&side.plan) }
}

fn shard_file(shard: Shard, arguments: &CompareArguments, sides: &Sides, rounds: &Rounds<'_>) -> ShardFile {
    ShardFile {
        format: shard::FORMAT,
        shard,
        rounds: all_rounds(arguments, sides),
        load: sides.all.first().map(|side| baseline::load_of(&side.plan)).unwrap_or_default(),
        scenario: sides.scenario.clone(),
        title: sides.title.clone(),
        file: sides.file.clone(),
        sides: sides.names().into_iter().map(str::to_owned).collect(),
        adapters: sides.all.iter().map(proxy).collect(),
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

/// How a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// With all rounds that were asked for, or with every threshold decided.
    Whole,
    /// By the user.
    Interrupted,
    /// Its time was over.
    OutOfTime,
}

/// Rounds that are over, wherever they were measured.
struct Joined {
    scenario: String,
    title: Bilingual,
    file: String,
    /// The one under test first.
    sides: Vec<Side>,
    reference: Option<Reference>,
    gated: Vec<Gated>,
    figures: Vec<Vec<Figures>>,
    runs: Vec<Vec<String>>,
    troubles: Vec<Trouble>,
    end: End,
    /// Rounds that were asked for.
    wanted: usize,
    /// Machines that measured them.
    shards: usize,
}

/// Shows what came of it and says what follows.
fn conclude(joined: Joined, folder: &Path, on_inconclusive: Inconclusive, language: Language) -> ExitCode {
    let names: Vec<&str> = joined.sides.iter().map(|side| side.name.as_str()).collect();
    let mut troubles: Vec<Bilingual> = joined.troubles.iter().map(|trouble| trouble.words(&names)).collect();
    let (had, wanted) = (joined.figures.len() as u64, joined.wanted as u64);
    let early = |words: fn(Language, u64, u64) -> String| Bilingual {
        en: words(Language::En, had, wanted),
        es: words(Language::Es, had, wanted),
    };
    troubles.extend(match joined.end {
        End::Whole => None,
        End::Interrupted => Some(early(rounds_interrupted)),
        End::OutOfTime => Some(early(rounds_out_of_time)),
    });
    let compared = Compared {
        title: joined.title,
        file: joined.file,
        comparison: table(joined.sides, &joined.figures, joined.reference.as_ref()),
        reference: joined.reference,
        gated: joined.gated,
        troubles,
        runs: joined.runs,
        shards: joined.shards,
    };
    anstream::print!("{}", compared.lines(language));
    let pooled = || pooled_log(&compared.comparison, &folder.join("pooled.hlog"));
    if let Err(error) =
        write_comparison(folder, &compared).map_err(|error| error.to_string()).and_then(|()| pooled())
    {
        anstream::eprintln!("{error}");
        return ExitCode::Bug;
    }
    let page = folder.join(format!("compare.{}.html", language.code()));
    anstream::println!("\n{}", written_to(language, &page.display().to_string()));
    annotate(&compared, language);
    step_summary::append(&folder.join("compare.md"));
    exit_code(on_inconclusive, &compared.gated, &joined.troubles, joined.end)
}

/// All latencies of each side and tag as one histogram, `SIDE/TAG`: the exact sum of those of the runs.
fn pooled_log(comparison: &Comparison, path: &Path) -> Result<(), String> {
    let write = || -> std::io::Result<()> {
        let mut log = IntervalLog::begin(std::fs::File::create(path)?, RunClock::start())?;
        for (tag, sides) in &comparison.pooled {
            for (side, values) in comparison.sides.iter().zip(sides) {
                let Some(values) = values.as_ref().filter(|values| !values.is_empty()) else { continue };
                let name = format!("{}/{tag}", side.name);
                let values = LatencyHistogram::from(values.clone());
                log.append(&name, Measure::Intended, Moment(0), Duration::ZERO, &values)?;
            }
        }
        log.flush()
    };
    write().map_err(|error| format!("{}: {error}", path.display()))
}

/// What the shell is told. A wrong answer of the side under test is a failure whatever its speed; a reference that answers
/// wrongly leaves the question open.
fn exit_code(on_inconclusive: Inconclusive, gated: &[Gated], troubles: &[Trouble], end: End) -> ExitCode {
    let of_troubles = troubles.iter().map(|trouble| match trouble {
        Trouble::NotReady { side: 0 } => ExitCode::ProxyNotReady,
        Trouble::Wrong { side: 0 } => ExitCode::Failed,
        Trouble::NotReady { .. } | Trouble::Wrong { .. } => ExitCode::Inconclusive,
    });
    let of_gates = gated.iter().map(|one| match (one.ruling, on_inconclusive) {
        (Ruling::Pass, _) | (Ruling::Inconclusive, Inconclusive::Warn) => ExitCode::Passed,
        (Ruling::Fail, _) => ExitCode::Failed,
        (Ruling::Inconclusive, Inconclusive::Fail) => ExitCode::Inconclusive,
    });
    let of_end = match (end, on_inconclusive) {
        (End::Interrupted, _) => ExitCode::Interrupted,
        // Of open thresholds `--on-inconclusive` makes a warning; where there are none, rounds are missing.
        (End::OutOfTime, Inconclusive::Warn) if !gated.is_empty() => ExitCode::Passed,
        (End::OutOfTime, _) => ExitCode::Inconclusive,
        (End::Whole, _) => ExitCode::Passed,
    };
    ExitCode::of_many(of_troubles.chain(of_gates).chain([of_end]))
}

/// Marks thresholds that did not pass in the log of GitHub Actions, where that is what reads standard output.
fn annotate(compared: &Compared, language: Language) {
    if annotations::are_read() {
        anstream::print!("{}", compared.annotations(language));
    }
}

fn span(time: Duration) -> Span {
    Span((time.as_secs_f64()).round() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gated(ruling: Ruling) -> Gated {
        let gate = "rss_peak < 1MiB".parse().unwrap();
        Gated { gate, observed: None, interval: None, rounds: 0, ruling, doubt: None }
    }

    #[test]
    fn doubt_may_be_a_warning_and_a_failure_may_not() {
        let open = [gated(Ruling::Pass), gated(Ruling::Inconclusive)];
        assert_eq!(exit_code(Inconclusive::Fail, &open, &[], End::Whole), ExitCode::Inconclusive);
        assert_eq!(exit_code(Inconclusive::Warn, &open, &[], End::Whole), ExitCode::Passed);
        let failed = [gated(Ruling::Fail), gated(Ruling::Inconclusive)];
        assert_eq!(exit_code(Inconclusive::Warn, &failed, &[], End::Whole), ExitCode::Failed);
        assert_eq!(exit_code(Inconclusive::Warn, &open, &[], End::Interrupted), ExitCode::Interrupted);
    }

    #[test]
    fn a_wrong_answer_is_a_failure_of_the_side_under_test_alone() {
        assert_eq!(
            exit_code(Inconclusive::Fail, &[], &[Trouble::Wrong { side: 0 }], End::Whole),
            ExitCode::Failed
        );
        let reference = [Trouble::Wrong { side: 1 }];
        assert_eq!(exit_code(Inconclusive::Warn, &[], &reference, End::Whole), ExitCode::Inconclusive);
        assert_eq!(exit_code(Inconclusive::Fail, &[], &[], End::Whole), ExitCode::Passed);
        assert_eq!(exit_code(Inconclusive::Warn, &[], &[], End::OutOfTime), ExitCode::Inconclusive);
    }
}
