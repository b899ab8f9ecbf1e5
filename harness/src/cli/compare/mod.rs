//! `harness compare`: one scenario on several proxies in interleaved rounds, a table of ratios, and its thresholds judged.
//!
//! `sides` understands what was typed, `rounds` carries the runs out, this file decides how many there are and shows the
//! result. What figures mean and what follows for a threshold is the business of `crate::compare`.

mod baseline;
mod rounds;
mod sides;

use std::path::Path;
use std::time::Duration;

use crate::compare::{Comparison, Gated, LOOKS, Ruling, judge_gates, table};
use crate::conductor::Interruption;
use crate::exit_code::ExitCode;
use crate::history::dated_folder;
use crate::language::compare_words::{
    announced, baseline_saved, baseline_unwritable, few_rounds, look_again, too_long, written_to,
};
use crate::language::run_words::no_signal_handler;
use crate::language::{Language, Span};
use crate::report::{Compared, write_comparison};

use super::arguments::{CompareArguments, Inconclusive, language};
use super::signals;
use rounds::{Rounds, Trouble};
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
    let first = looks.first().copied().unwrap_or(1);
    let takes = span(sides.round() * first as u32);
    anstream::eprintln!("{}", announced(language, first as u64, sides.all.len() as u64, takes));
    if first < LOOKS[0] {
        anstream::eprintln!("{}", few_rounds(language, LOOKS[0] as u64));
    }
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
    let mut rounds =
        Rounds::new(&sides, &folder, interruption, language, arguments.max_duration.unwrap_or(MOST));
    let mut gated = Vec::new();
    for (place, look) in looks.iter().enumerate() {
        if place > 0 {
            anstream::eprintln!("{}", look_again(language, *look as u64));
        }
        if let Err(problem) = rounds.go_on_to(*look) {
            anstream::eprintln!("{problem}");
            return problem.exit_code();
        }
        gated = judge_gates(&sides.gates, &sides.names(), &rounds.figures, sides.reference.as_ref());
        if rounds.cut_short || gated.iter().all(|one| one.ruling != Ruling::Inconclusive) {
            break;
        }
    }
    let comparison = table(sides.sides(), &rounds.figures, sides.reference.as_ref());
    conclude(arguments, &sides, &folder, &rounds, comparison, gated, language)
}

/// After which rounds the thresholds are looked at; the last one ends it.
///
/// # Errors
/// So many rounds would be needed, and there is not the time for them.
fn looks(arguments: &CompareArguments, sides: &Sides) -> Result<Vec<usize>, usize> {
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

fn conclude(
    arguments: &CompareArguments,
    sides: &Sides,
    folder: &Path,
    rounds: &Rounds<'_>,
    comparison: Comparison,
    gated: Vec<Gated>,
    language: Language,
) -> ExitCode {
    let compared = Compared {
        title: sides.title.clone(),
        file: sides.file.clone(),
        comparison,
        reference: sides.reference.clone(),
        gated,
        troubles: rounds.troubles.iter().map(|trouble| trouble.words(sides)).collect(),
        runs: rounds.runs.clone(),
    };
    anstream::print!("{}", compared.lines(language));
    if let Err(error) = write_comparison(folder, &compared) {
        anstream::eprintln!("{error}");
        return ExitCode::Bug;
    }
    let page = folder.join(format!("compare.{}.html", language.code()));
    anstream::println!("\n{}", written_to(language, &page.display().to_string()));
    if let Some(file) = &arguments.save_baseline {
        match baseline::save(file, sides, &rounds.figures) {
            Ok(()) => anstream::println!("{}", baseline_saved(language, &file.display().to_string())),
            Err(error) => {
                let why = error.to_string();
                anstream::eprintln!("{}", baseline_unwritable(language, &file.display().to_string(), &why));
                return ExitCode::Usage;
            }
        }
    }
    annotate(&compared, language);
    exit_code(arguments.on_inconclusive, &compared.gated, &rounds.troubles, rounds.interrupted())
}

/// What the shell is told. A wrong answer of the side under test is a failure whatever its speed; a reference that answers
/// wrongly leaves the question open.
fn exit_code(
    on_inconclusive: Inconclusive,
    gated: &[Gated],
    troubles: &[Trouble],
    interrupted: bool,
) -> ExitCode {
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
    let interrupted = interrupted.then_some(ExitCode::Interrupted);
    ExitCode::of_many(of_troubles.chain(of_gates).chain(interrupted).chain([ExitCode::Passed]))
}

/// Marks thresholds that did not pass in the log of GitHub Actions, where that is what reads standard output.
fn annotate(compared: &Compared, language: Language) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
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
        assert_eq!(exit_code(Inconclusive::Fail, &open, &[], false), ExitCode::Inconclusive);
        assert_eq!(exit_code(Inconclusive::Warn, &open, &[], false), ExitCode::Passed);
        let failed = [gated(Ruling::Fail), gated(Ruling::Inconclusive)];
        assert_eq!(exit_code(Inconclusive::Warn, &failed, &[], false), ExitCode::Failed);
        assert_eq!(exit_code(Inconclusive::Warn, &open, &[], true), ExitCode::Interrupted);
    }

    #[test]
    fn a_wrong_answer_is_a_failure_of_the_side_under_test_alone() {
        assert_eq!(
            exit_code(Inconclusive::Fail, &[], &[Trouble::Wrong { side: 0 }], false),
            ExitCode::Failed
        );
        let reference = [Trouble::Wrong { side: 1 }];
        assert_eq!(exit_code(Inconclusive::Warn, &[], &reference, false), ExitCode::Inconclusive);
        assert_eq!(exit_code(Inconclusive::Fail, &[], &[], false), ExitCode::Passed);
    }
}
