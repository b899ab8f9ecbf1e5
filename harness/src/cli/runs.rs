//! `harness [run]`: every scenario on every proxy, one after the other or some at a time, and one exit code.
//!
//! Everything that was typed is understood before the first run starts. A run that cannot be carried out does not keep the
//! others from being carried out; an interruption ends them all.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::conductor::{self, Desk, Finished, Interruption, RunOrder};
use crate::live::Server;
use harness_judge::compare::BASELINE;
use harness_model::exit_code::ExitCode;
use harness_model::plan::{Hints, Plan, Versus};
use harness_tell::language::live_words::{no_page, page_at};
use harness_tell::language::profile_words::profile;
use harness_tell::language::run_words::{no_signal_handler, nothing_failed, one_of_many};
use harness_tell::language::suite_words::suite_at;
use harness_tell::language::threshold_words::{not_by_one_run, will_take};
use harness_tell::language::{InWords as _, Language, Listed, Span};
use harness_tell::report::terminal::Display;
use harness_tell::report::{Attachments, Source, summary_in};
use harness_tell::report::{Suite, SuiteRun, quoted, suite_lines, write_suite};

use super::annotations;
use super::arguments::{Inconclusive, RunArguments, language};
use super::selection::{self, Selected};
use super::signals;
use super::step_summary;
use super::terminal::{self, Live};

/// How long a run may take where the user says nothing.
const MOST: Duration = Duration::from_secs(180);
/// The same on a small host, where everything takes longer.
const MOST_WHEN_SMALL: Duration = Duration::from_secs(480);
/// Times the estimate, where that is more.
const PATIENCE: u32 = 3;

pub(super) fn run(arguments: &RunArguments) -> ExitCode {
    let language = language(arguments.lang);
    let selected = match selection::select(arguments, language) {
        Ok(selected) => selected,
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            return ExitCode::Usage;
        }
    };
    if selected.is_empty() {
        anstream::eprintln!("{}", nothing_failed(language));
        return ExitCode::Usage;
    }
    selected.iter().for_each(|selected| announce(arguments, selected, language));
    let interruption = Interruption::default();
    if let Err(error) = signals::listen(interruption.clone()) {
        anstream::eprintln!("{}", no_signal_handler(language, &error.to_string()));
        return ExitCode::Bug;
    }
    let total = selected.len();
    let desk = Desk::default();
    let page = arguments.live.then(|| live_page(language, &desk)).flatten();
    if let Some(told) = selected.iter().find_map(|selected| selected.plan.profile.as_ref()) {
        anstream::eprintln!("{}", profile(language, told));
    }
    // Two runs at a time have twice the memory.
    let small = selected.iter().any(|selected| selected.plan.is_small());
    let workers = if small { 1 } else { usize::from(arguments.jobs).min(total) };
    let queue: Mutex<VecDeque<(usize, Selected)>> = Mutex::new(selected.into_iter().enumerate().collect());
    let results: Mutex<Vec<(usize, SuiteRun)>> = Mutex::new(Vec::new());
    let one = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((place, selected)) = next.filter(|_| interruption.cause().is_none()) else { return };
            let run = carry_out(
                arguments,
                selected,
                workers,
                &interruption,
                page.as_ref().map(|page| (page, &desk)),
            );
            results.lock().unwrap_or_else(PoisonError::into_inner).push((place, run));
        }
    };
    std::thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(one)));
        one();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(place, ..)| *place);
    let runs: Vec<SuiteRun> = results.into_iter().map(|(_, run)| run).collect();
    let codes: Vec<ExitCode> = runs.iter().map(|run| run.exit).collect();
    if let Some(folder) = arguments.scenarios.iter().find(|path| path.is_dir()) {
        show_suite(arguments, folder, runs, language);
    } else if total > 1 {
        anstream::println!();
        for run in &runs {
            let name = format!("{} · {}", run.name, run.proxy);
            anstream::println!("{}", one_of_many(language, &name, run.exit));
        }
    }
    // Ctrl-C is how a single run that is held ends well.
    let held = arguments.hold && total == 1;
    let interrupted = interruption.cause().filter(|_| !held).map(|_| ExitCode::Interrupted);
    // Whatever else was found, a command that was cut short says so; a time that was over concerns its run only.
    ExitCode::of_many(codes.into_iter().chain(interrupted))
}

/// All runs of a folder of scenarios, on one page and in the terminal.
fn show_suite(arguments: &RunArguments, folder: &Path, runs: Vec<SuiteRun>, language: Language) {
    let whole = folder.canonicalize();
    let name = whole.ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let suite = Suite { name: name.unwrap_or_else(|| "suite".to_owned()), runs };
    anstream::print!("{}", suite_lines(&suite, language));
    match write_suite(&suite, &arguments.out.join(&suite.name), language) {
        Ok(page) => anstream::println!("{}", suite_at(language, &page.display().to_string())),
        Err(error) => anstream::eprintln!("{error}"),
    }
}

/// The page that shows each run while it lasts. Without it everything goes on.
fn live_page(language: Language, desk: &Desk) -> Option<Arc<Server>> {
    match Server::start(language, desk.clone()) {
        Ok(server) => {
            anstream::eprintln!("{}", page_at(language, &server.address()));
            Some(Arc::new(server))
        }
        Err(error) => {
            anstream::eprintln!("{}", no_page(language, &error.to_string()));
            None
        }
    }
}

/// The live page, and where it puts what its buttons ask.
type Watched<'a> = Option<(&'a Arc<Server>, &'a Desk)>;

fn carry_out(
    arguments: &RunArguments,
    selected: Selected,
    workers: usize,
    all: &Interruption,
    watched: Watched<'_>,
) -> SuiteRun {
    let plan = selected.plan.clone();
    as_it_ended(&plan, conduct(arguments, selected, workers, all, watched))
}

/// A run among others, as it ended or could not be carried out.
pub(super) fn as_it_ended(plan: &Plan, ended: Result<Finished, ExitCode>) -> SuiteRun {
    let run = SuiteRun {
        name: plan.name.clone(),
        title: plan.title.clone(),
        proxy: plan.adapter.name.clone(),
        exit: ExitCode::Usage,
        strict: plan.strict,
        verdicts: Vec::new(),
        folder: None,
        took: Duration::ZERO,
    };
    match ended {
        Ok(finished) => SuiteRun {
            exit: finished.exit,
            took: Duration::from_nanos(
                finished.record.events.iter().map(|event| event.at.0).max().unwrap_or(0),
            ),
            verdicts: finished.verdicts,
            folder: Some(finished.run_directory),
            ..run
        },
        Err(exit) => SuiteRun { exit, ..run },
    }
}

fn conduct(
    arguments: &RunArguments,
    selected: Selected,
    workers: usize,
    all: &Interruption,
    watched: Watched<'_>,
) -> Result<Finished, ExitCode> {
    let language = language(arguments.lang);
    let display = match workers {
        1 => Display::detect(arguments.verbose),
        _ => Display::Lines,
    };
    let observer = Arc::new(Live::new(language, display, watched.map(|(page, _)| page.clone())));
    let before = selected.before.clone();
    let max_duration = longest(arguments, &selected.plan);
    let mut plan = selected.plan.clone();
    if arguments.trial {
        plan.hints = Hints::Trial;
    }
    let order = RunOrder {
        watching: arguments.watch.into(),
        repetition: None,
        command: command_of(arguments, &selected),
        plan,
        out: arguments.out.clone(),
        interruption: all.clone(),
        max_duration,
        hold: arguments.hold,
        desk: watched.map(|(_, desk)| desk.clone()).unwrap_or_default(),
        build_network: arguments.build_network,
        observer: observer.clone(),
    };
    let finished = conductor::run(order);
    observer.is_over(finished.as_ref().ok());
    match finished {
        Ok(finished) => {
            // One at a time: the lines of two runs must not mix.
            static PRINTING: Mutex<()> = Mutex::new(());
            let _alone = PRINTING.lock().unwrap_or_else(PoisonError::into_inner);
            let attachments = Attachments::read(&finished.run_directory);
            let source =
                Source { record: &finished.record, verdicts: &finished.verdicts, attachments: &attachments };
            terminal::print(&finished, &source, language, arguments.verbose);
            step_summary::append_text(&summary_in(&source, language));
            annotations::of_run(&source, language);
            if let Some(before) = &before {
                terminal::print_changes(before, &finished, language);
            }
            Ok(finished)
        }
        Err(problem) => {
            anstream::eprintln!("{problem}");
            Err(problem.exit_code())
        }
    }
}

/// Says before anything starts how long a run will take, and which thresholds a single run cannot decide.
fn announce(arguments: &RunArguments, selected: &Selected, language: Language) {
    let plan = &selected.plan;
    let span = |time: Duration| Span(time.as_secs_f64().ceil() * 1e3);
    if let Some(most) = longest(arguments, plan) {
        let what = format!("{} · {}", plan.name, plan.adapter.name);
        anstream::eprintln!("{}", will_take(language, &what, span(plan.estimated), span(most)));
    }
    let mut by_side: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for gate in &plan.thresholds {
        let Some(side) = gate.versus.as_ref().map(Versus::side) else { continue };
        by_side.entry(side).or_default().push(format!("`{}`", gate.text));
    }
    for (side, thresholds) in by_side {
        let other = match side {
            BASELINE => "--sut direct --baseline FILE".to_owned(),
            side => format!("--sut {side}"),
        };
        let command = format!(
            "harness compare {} --sut {} {other}",
            quoted(&plan.file.display().to_string()),
            quoted(&selected.sut)
        );
        let thresholds = Listed(&thresholds).in_words(language);
        anstream::eprintln!("{}", not_by_one_run(language, &thresholds, side, &command));
    }
}

/// When a run is ended. Unasked, it has more than ample time, so that only what hangs is cut short; what is held has all.
fn longest(arguments: &RunArguments, plan: &Plan) -> Option<Duration> {
    arguments.max_duration.or((!arguments.hold).then(|| ample(plan)))
}

/// More time than any run takes that is going to end.
pub(super) fn ample(plan: &Plan) -> Duration {
    let most = if plan.is_small() { MOST_WHEN_SMALL } else { MOST };
    (plan.estimated * PATIENCE).max(most) + plan.waits_for_slow()
}

/// What has to be typed to see the same again.
pub(super) fn command_of(arguments: &RunArguments, selected: &Selected) -> Vec<String> {
    let Plan { file, seed, .. } = &selected.plan;
    let mut command = vec!["harness".to_owned(), "run".to_owned(), file.display().to_string()];
    command.extend(["--sut".to_owned(), selected.sut.clone(), "--seed".to_owned(), seed.to_string()]);
    for (key, value) in &arguments.settings {
        command.extend(["--set".to_owned(), format!("{key}={value}")]);
    }
    if arguments.pin {
        command.push("--pin".to_owned());
    }
    if selected.plan.is_small() {
        command.extend(["--profile".to_owned(), "small".to_owned()]);
    }
    if arguments.on_inconclusive == Some(Inconclusive::Warn) {
        command.extend(["--on-inconclusive".to_owned(), "warn".to_owned()]);
    }
    if arguments.strict {
        command.push("--strict".to_owned());
    }
    if arguments.trial {
        command.push("--trial".to_owned());
    }
    if !arguments.only.is_empty() || arguments.failed {
        // By name: what failed the last time is another thing the next time.
        for check in &selected.plan.checks {
            command.extend(["--only".to_owned(), check.id.name().to_owned()]);
        }
    }
    command
}
