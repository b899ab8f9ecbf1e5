//! The end of a comparison: what came of its rounds is shown, written down and turned into an exit code.
//!
//! `compare` and `merge` call [`conclude`], wherever the rounds were measured. The pages are drawn in `harness_tell::report`.

use std::path::Path;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};

use super::rounds::Trouble;
use crate::cli::arguments::Inconclusive;
use crate::cli::{annotations, step_summary};
use harness_judge::compare::{Comparison, Figures, Gated, Reference, Ruling, Side, table};
use harness_model::exit_code::ExitCode;
use harness_model::history::{IntervalLog, LatencyHistogram, Measure};
use harness_model::plan::Bilingual;
use harness_platform::host_facts;
use harness_tell::language::Language;
use harness_tell::language::compare_words::{rounds_interrupted, rounds_out_of_time, written_to};
use harness_tell::report::{Compared, quoted, write_comparison};

/// How a comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With all rounds that were asked for, or with every threshold decided.
    Whole,
    /// By the user.
    Interrupted,
    /// Its time was over.
    OutOfTime,
}

/// Rounds that are over, wherever they were measured.
pub(super) struct Joined {
    pub(super) scenario: String,
    pub(super) title: Bilingual,
    pub(super) file: String,
    /// The one under test first.
    pub(super) sides: Vec<Side>,
    pub(super) reference: Option<Reference>,
    pub(super) gated: Vec<Gated>,
    pub(super) figures: Vec<Vec<Figures>>,
    pub(super) runs: Vec<Vec<String>>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) end: End,
    /// Rounds that were asked for.
    pub(super) wanted: usize,
    /// Machines that measured them.
    pub(super) shards: usize,
    /// The seed that was drawn, where the command line names none.
    pub(super) seed: Option<u64>,
}

/// Shows what came of it and says what follows.
pub(super) fn conclude(
    joined: Joined,
    folder: &Path,
    on_inconclusive: Inconclusive,
    language: Language,
) -> ExitCode {
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
    let code = exit_code(on_inconclusive, &joined.gated, &joined.troubles, joined.end);
    let compared = Compared {
        title: joined.title,
        file: joined.file,
        comparison: table(joined.sides, &joined.figures, joined.reference.as_ref()),
        reference: joined.reference,
        gated: joined.gated,
        troubles,
        runs: joined.runs,
        shards: joined.shards,
        command: typed(joined.seed),
        host: host_facts(),
        exit_code: code,
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
    code
}

/// The command line as it was typed, with the seed that it did not name, so that it can be repeated.
pub(in crate::cli) fn typed(seed: Option<u64>) -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let seed = seed.map(|seed| ["--seed".to_owned(), seed.to_string()]).into_iter().flatten();
    let words = std::iter::once("harness".to_owned()).chain(words).chain(seed);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
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
