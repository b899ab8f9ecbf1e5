//! The rounds of a comparison: every side once, each started anew, in an order that flips from round to round.
//!
//! `compare` asks for more of them until its thresholds are decided. A run that went wrong gives no figures; a run of which
//! an answer was wrong gives none either, since speed is worth nothing then.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use serde::{Deserialize, Serialize};

use super::sides::{Contender, Sides};
use crate::conductor::{self, Finished, Interruption, Observer, RunOrder, RunProblem};
use harness_judge::check::Outcome;
use harness_judge::compare::{Figures, figures_of};
use harness_model::catalogue::{Family, Kind};
use harness_model::history::{self, EventKind, Listener, Record};
use harness_model::plan::{Bilingual, Plan};
use harness_run::proxy_under_test::Preparation;
use harness_tell::language::compare_words::{round_of, side_not_ready, side_wrong};
use harness_tell::language::{self, Language, Span};

/// Why a side has no figures in a round; said once for each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum Trouble {
    /// It did not get ready.
    NotReady { side: usize },
    /// It answered wrongly.
    Wrong { side: usize },
}

impl Trouble {
    pub(in crate::cli) fn words(self, names: &[&str]) -> Bilingual {
        let name = |side: usize| names.get(side).copied().unwrap_or_default();
        let words = |language| match self {
            Trouble::NotReady { side } => side_not_ready(language, name(side)),
            Trouble::Wrong { side } => side_wrong(language, name(side)),
        };
        Bilingual { en: words(Language::En), es: words(Language::Es) }
    }
}

/// More time than any comparison takes.
pub(in crate::cli) const FOR_EVER: Duration = Duration::from_secs(366 * 86_400);

/// The rounds so far.
pub(in crate::cli) struct Rounds<'a> {
    sides: &'a Sides,
    folder: PathBuf,
    interruption: Interruption,
    language: Language,
    /// Whether the build of a submission may use the network of the host.
    pub(in crate::cli) build_network: bool,
    clock: RunClock,
    /// What is left of the time allowed; building programs takes none of it.
    left: Duration,
    /// The number of the first round: those before it are measured elsewhere.
    first: usize,
    /// By round and side.
    pub(in crate::cli) figures: Vec<Vec<Figures>>,
    /// Run folders, by round and side.
    pub(in crate::cli) runs: Vec<Vec<String>>,
    /// Whether that run gave figures.
    pub(in crate::cli) measured: Vec<Vec<bool>>,
    pub(in crate::cli) troubles: Vec<Trouble>,
    /// Whether the user or the clock ended it before all rounds that were asked for.
    pub(in crate::cli) cut_short: bool,
    /// Rounds that were asked for last.
    pub(in crate::cli) wanted: usize,
}

impl<'a> Rounds<'a> {
    pub(in crate::cli) fn new(
        sides: &'a Sides,
        folder: &Path,
        interruption: Interruption,
        language: Language,
        most: Duration,
        first: usize,
    ) -> Rounds<'a> {
        Rounds {
            sides,
            folder: folder.to_owned(),
            interruption,
            language,
            build_network: false,
            clock: RunClock::start(),
            left: most,
            first,
            figures: Vec::new(),
            runs: Vec::new(),
            measured: Vec::new(),
            troubles: Vec::new(),
            cut_short: false,
            wanted: 0,
        }
    }

    /// Whether the user ended it.
    pub(in crate::cli) fn interrupted(&self) -> bool {
        self.interruption.cause().is_some()
    }

    /// Carries out more rounds, until there are so many. A round that was cut short does not count.
    ///
    /// # Errors
    /// A run could not be carried out for reasons that are not the proxy's.
    pub(in crate::cli) fn go_on_to(&mut self, wanted: usize) -> Result<(), RunProblem> {
        self.wanted = wanted;
        let began = self.clock.now();
        let before = self.figures.len();
        while self.figures.len() < wanted {
            let round = self.figures.len();
            let left = self.time_left(began, round - before, wanted - round);
            let mut figures = vec![Figures::default(); self.sides.all.len()];
            let mut runs = vec![String::new(); self.sides.all.len()];
            let mut is_measured = vec![false; self.sides.all.len()];
            for place in order(self.first + round, self.sides.all.len()) {
                let side = &self.sides.all[place];
                let said = round_of(self.language, round as u64 + 1, wanted as u64, &side.name, left);
                anstream::eprintln!("{said}");
                let seed = self.sides.seed.wrapping_add((self.first + round) as u64);
                let (run, of_run) = self.measure(place, side, seed)?;
                if self.interrupted() || self.left.is_zero() {
                    self.cut_short = true;
                    return Ok(());
                }
                is_measured[place] = of_run.is_some();
                figures[place] = of_run.unwrap_or_default();
                runs[place] = run.strip_prefix(&self.folder).unwrap_or(&run).display().to_string();
            }
            self.figures.push(figures);
            self.runs.push(runs);
            self.measured.push(is_measured);
        }
        Ok(())
    }

    fn measure(
        &mut self,
        place: usize,
        side: &Contender,
        seed: u64,
    ) -> Result<(PathBuf, Option<Figures>), RunProblem> {
        let plan = Plan { seed, ..side.plan.clone() };
        let out = self.folder.join("runs");
        let began = self.clock.now();
        if side.direct {
            let run = conductor::run_direct(plan, &out, self.interruption.clone())?;
            let record = history::read(&run)?;
            self.spend(self.clock.now().since(began));
            return Ok((run, Some(figures_of(&record))));
        }
        let finished = conductor::run(RunOrder {
            watching: conductor::Watching::Never,
            repetition: None,
            command: vec!["harness".into(), "run".into(), side.plan.file.display().to_string()],
            plan,
            out,
            interruption: self.interruption.clone(),
            max_duration: (self.left < FOR_EVER).then_some(self.left),
            hold: false,
            desk: conductor::Desk::default(),
            build_network: self.build_network,
            observer: Arc::new(OneOfMany { language: self.language, pages: false }),
        })?;
        self.spend(self.clock.now().since(began).saturating_sub(built_after(&finished.record)));
        if self.left.is_zero() {
            return Ok((finished.run_directory, None));
        }
        let trouble = match &finished {
            Finished { start_problem: Some(_), .. } => Some(Trouble::NotReady { side: place }),
            finished if answered_wrongly(finished) => Some(Trouble::Wrong { side: place }),
            _ => None,
        };
        let figures = trouble.is_none().then(|| figures_of(&finished.record));
        if let Some(trouble) = trouble.filter(|trouble| !self.troubles.contains(trouble)) {
            anstream::eprintln!("! {}", self.language.of(&trouble.words(&self.sides.names())));
            self.troubles.push(trouble);
        }
        Ok((finished.run_directory, figures))
    }

    fn spend(&mut self, time: Duration) {
        if self.left < FOR_EVER {
            self.left = self.left.saturating_sub(time);
        }
    }

    /// By the rounds since `began`, otherwise by the estimate.
    fn time_left(&self, began: Moment, done: usize, open: usize) -> Span {
        let one = match done {
            0 => self.sides.round(),
            done => self.clock.now().since(began) / done as u32,
        };
        Span((one * open as u32).as_secs_f64().round() * 1e3)
    }
}

/// How long its program took to be built, and all else that came before its start.
fn built_after(record: &Record) -> Duration {
    let starting = record.events.iter().find(|event| matches!(event.event, EventKind::ProxyStarting { .. }));
    starting.map_or(Duration::ZERO, |event| event.at.since(Moment(0)))
}

/// A limit on latency that one run is past is a figure like others here; anything else that failed is a wrong answer.
fn answered_wrongly(finished: &Finished) -> bool {
    finished.verdicts.iter().any(|verdict| {
        verdict.outcome == Outcome::Fail
            && verdict.kind == Kind::Required
            && verdict.check.family() != Family::Latency
    })
}

/// A B C, then C B A: what drifts over time meets every side alike.
pub(in crate::cli) fn order(round: usize, sides: usize) -> Vec<usize> {
    let there: Vec<usize> = (0..sides).collect();
    if round.is_multiple_of(2) { there } else { there.into_iter().rev().collect() }
}

/// Shows nothing of a single run but what takes long before it.
pub(in crate::cli) struct OneOfMany {
    pub(in crate::cli) language: Language,
    /// Whether it has pages of its own.
    pub(in crate::cli) pages: bool,
}

impl Observer for OneOfMany {
    fn began(&self, _plan: &Plan, _run_directory: &Path, _events: Listener) {}

    fn preparing(&self, preparation: &Preparation) {
        anstream::eprintln!("{}", language::preparation(self.language, preparation));
    }

    fn holding(&self, _held: &crate::conductor::Held<'_>) {}

    fn ended(&self) {}

    fn wants_pages(&self) -> bool {
        self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn the_order_flips() {
        assert_eq!(order(0, 3), [0, 1, 2]);
        assert_eq!(order(1, 3), [2, 1, 0]);
        assert_eq!(order(2, 2), [0, 1]);
    }
}
