//! `harness league`: every proxy that this machine has, by the same scenarios and in the same rounds, on one page.
//!
//! It adds an order and a page to what is there: `selection` plans the runs, `conductor` carries them out, the rounds are those of
//! `compare`. Scenario after scenario goes over all proxies, in an order that flips, so that what drifts meets all alike. The page
//! is written again after every run. It is the gate of nobody: verdicts do not decide the exit code, a row that is missing does.

mod field;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fake_backends::clock::RunClock;

use super::arguments::{LeagueArguments, language};
use super::compare::conclusion::typed;
use super::compare::rounds::{FOR_EVER, OneOfMany, Rounds, Trouble, order};
use super::compare::sides::Sides;
use super::runs::{ample, as_it_ended, command_of};
use super::selection::Selected;
use super::{signals, step_summary};
use crate::conductor::{self, Interruption, RunOrder, Watching};
use field::Field;
use harness_judge::compare::{LEVEL, LOOKS, beside};
use harness_model::exit_code::ExitCode;
use harness_model::history::{RunFolder, dated_folder};
use harness_platform::host_facts;
use harness_tell::language::compare_words::{few_rounds, written_to};
use harness_tell::language::league_words::{announced, run_of};
use harness_tell::language::report_words::verdict_words;
use harness_tell::language::run_words::no_signal_handler;
use harness_tell::language::{Language, Span};
use harness_tell::report::{League, LeagueEnd, Speed, SuiteRun, league_file, write_league};

pub(super) fn run(arguments: &LeagueArguments) -> ExitCode {
    let language = language(arguments.lang);
    let field = match Field::of(arguments, language) {
        Ok(field) => field,
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            return ExitCode::Usage;
        }
    };
    announce(arguments, &field, language);
    let interruption = Interruption::default();
    if let Err(error) = signals::listen(interruption.clone()) {
        anstream::eprintln!("{}", no_signal_handler(language, &error.to_string()));
        return ExitCode::Bug;
    }
    match dated_folder(&arguments.out.join("league")) {
        Ok(folder) => Season::new(arguments, &field, folder, interruption, language).play(),
        Err(error) => {
            anstream::eprintln!("{error}");
            ExitCode::Usage
        }
    }
}

/// Says before anything starts how much it is.
fn announce(arguments: &LeagueArguments, field: &Field, language: Language) {
    let runs: Duration = field.families.iter().flatten().map(|run| run.plan.estimated).sum();
    let round = field.sides.as_ref().map(Sides::round).unwrap_or_default();
    let time = Span((runs + round * u32::from(arguments.rounds)).as_secs_f64().ceil() * 1e3);
    let proxies = field.families.first().map_or(0, Vec::len);
    let planned = field.families.iter().map(Vec::len).sum();
    anstream::eprintln!("{}", announced(language, proxies, planned, usize::from(arguments.rounds), time));
    if (1..LOOKS[0]).contains(&usize::from(arguments.rounds)) {
        anstream::eprintln!("{}", few_rounds(language, LOOKS[0] as u64, "--rounds"));
    }
}

/// A league under way.
struct Season<'a> {
    arguments: &'a LeagueArguments,
    field: &'a Field,
    folder: PathBuf,
    interruption: Interruption,
    language: Language,
    clock: RunClock,
    /// What the page says.
    league: League,
    runs: Vec<SuiteRun>,
}

impl<'a> Season<'a> {
    fn new(
        arguments: &'a LeagueArguments,
        field: &'a Field,
        folder: PathBuf,
        interruption: Interruption,
        language: Language,
    ) -> Season<'a> {
        let clock = RunClock::start();
        let started = jiff::Timestamp::try_from(clock.wall_start()).map(|time| time.to_string());
        let league = League {
            format: 1,
            end: LeagueEnd::GoesOn,
            carried_out: 0,
            planned: field.families.iter().map(Vec::len).sum(),
            scenarios: field.scenarios(),
            entrants: field.entrants.clone(),
            speed: None,
            command: typed(arguments.seed.is_none().then_some(field.seed)),
            started: started.unwrap_or_default(),
            harness: env!("CARGO_PKG_VERSION").to_owned(),
            host: host_facts(),
            exit_code: ExitCode::Passed,
        };
        Season { arguments, field, folder, interruption, language, clock, league, runs: Vec::new() }
    }

    /// From the first run to the last word.
    fn play(mut self) -> ExitCode {
        let mut codes = vec![self.families()];
        codes.push(self.rounds());
        let lacks_rounds = self.league.speed.as_ref().is_some_and(|speed| speed.rounds < speed.wanted);
        let is_partial = lacks_rounds || self.league.carried_out < self.league.planned;
        let time_is_over = self.left().is_some_and(|left| left.is_zero());
        self.league.end = match self.interruption.cause() {
            Some(_) => LeagueEnd::Interrupted,
            None if is_partial && time_is_over => LeagueEnd::OutOfTime,
            None => LeagueEnd::Whole,
        };
        codes.push(match self.league.end {
            LeagueEnd::Interrupted => ExitCode::Interrupted,
            LeagueEnd::OutOfTime => ExitCode::TimeOver,
            LeagueEnd::Whole | LeagueEnd::GoesOn => ExitCode::Passed,
        });
        self.league.exit_code = ExitCode::of_many(codes);
        anstream::print!("{}", self.league.lines(self.language));
        if !self.keep() {
            return ExitCode::Usage;
        }
        // A link that cannot be made costs the link.
        let _ = RunFolder::mark_as_latest(&self.folder);
        let page = self.folder.join(league_file(self.language));
        anstream::println!("\n{}", written_to(self.language, &page.display().to_string()));
        step_summary::append(&self.folder.join("league.md"));
        self.league.exit_code
    }

    /// What is left of the time allowed.
    fn left(&self) -> Option<Duration> {
        let since = self.clock.now().since(fake_backends::clock::Moment(0));
        self.arguments.max_duration.map(|most| most.saturating_sub(since))
    }

    fn goes_on(&self) -> bool {
        self.interruption.cause().is_none() && self.left().is_none_or(|left| !left.is_zero())
    }

    /// Every scenario over all proxies; what follows for the exit code: verdicts do not, a row that is missing does.
    fn families(&mut self) -> ExitCode {
        let field = self.field;
        let mut codes = vec![ExitCode::Passed];
        for (place, family) in field.families.iter().enumerate() {
            for selected in order(place, family.len()).into_iter().filter_map(|side| family.get(side)) {
                if !self.goes_on() {
                    return ExitCode::of_many(codes);
                }
                let run = self.carry_out(selected);
                if !matches!(run.exit, ExitCode::Passed | ExitCode::Failed | ExitCode::Inconclusive) {
                    codes.push(run.exit);
                }
                self.note(run);
            }
        }
        ExitCode::of_many(codes)
    }

    fn carry_out(&self, selected: &Selected) -> SuiteRun {
        let plan = selected.plan.clone();
        let most = ample(&plan);
        let order = RunOrder {
            // What fails is shown with its evidence; whose line it is, is not asked here.
            watching: Watching::Never,
            repetition: None,
            command: command_of(&self.field.arguments, selected),
            plan,
            out: self.folder.join("runs"),
            interruption: self.interruption.clone(),
            max_duration: Some(self.left().map_or(most, |left| left.min(most))),
            hold: false,
            desk: conductor::Desk::default(),
            build_network: self.arguments.build_network,
            observer: Arc::new(OneOfMany { language: self.language, pages: true }),
        };
        let ended = conductor::run(order).map_err(|problem| {
            anstream::eprintln!("{problem}");
            problem.exit_code()
        });
        as_it_ended(&selected.plan, ended)
    }

    /// Puts a run on the page.
    fn note(&mut self, run: SuiteRun) {
        self.league.carried_out +=
            usize::from(!matches!(run.exit, ExitCode::Interrupted | ExitCode::TimeOver));
        let (number, planned) = (self.runs.len() + 1, self.league.planned);
        let verdict = verdict_words(run.exit, self.language);
        anstream::eprintln!("{}", run_of(self.language, number, planned, &run.name, &run.proxy, verdict));
        self.runs.push(run);
        self.keep();
    }

    /// The speed part.
    fn rounds(&mut self) -> ExitCode {
        let field = self.field;
        let Some(sides) = &field.sides else { return ExitCode::Passed };
        let wanted = usize::from(self.arguments.rounds);
        let most = self.left().unwrap_or(FOR_EVER);
        let mut rounds = Rounds::new(sides, &self.folder, self.interruption.clone(), self.language, most, 0);
        rounds.build_network = self.arguments.build_network;
        let went = if self.goes_on() { rounds.go_on_to(wanted) } else { Ok(()) };
        if let Err(problem) = &went {
            anstream::eprintln!("{problem}");
        }
        let names = sides.names();
        let beside = beside(&sides.sides(), 0, &rounds.figures);
        let caches: Vec<_> = sides
            .all
            .iter()
            .map(|side| (!side.direct).then_some(side.plan.adapter.capabilities.cache))
            .collect();
        self.league.speed = Some(Speed {
            scenario: sides.scenario.clone(),
            title: sides.title.clone(),
            rounds: rounds.figures.len(),
            wanted,
            level: LEVEL,
            noise_ms: beside.first().map_or(0.0, |comparison| comparison.noise_ms),
            reference: names.first().map(|name| (*name).to_owned()).unwrap_or_default(),
            sides: Speed::sides(beside, &caches, &rounds.runs),
            troubles: rounds.troubles.iter().map(|trouble| trouble.words(&names)).collect(),
        });
        let not_ready = rounds.troubles.iter().any(|trouble| matches!(trouble, Trouble::NotReady { .. }));
        match went {
            Err(problem) => problem.exit_code(),
            Ok(()) if not_ready => ExitCode::ProxyNotReady,
            Ok(()) => ExitCode::Passed,
        }
    }

    /// Writes what there is; whether that could be done.
    fn keep(&mut self) -> bool {
        let asked = self.field.asked();
        let folder: &Path = &self.folder;
        for entrant in self.league.entrants.iter_mut().filter(|entrant| entrant.here) {
            entrant.settle(&asked, &self.runs, folder);
        }
        let written = write_league(folder, &self.league);
        if let Err(error) = &written {
            anstream::eprintln!("{error}");
        }
        written.is_ok()
    }
}
