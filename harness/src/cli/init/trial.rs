//! Tries an adapter: starts the proxy between three backends, sends it three requests, says what was seen.
//!
//! `init` calls it with the file that it has written. It goes the way of every run, so that what works here works there; the
//! record of the trial is thrown away.

use std::path::Path;
use std::sync::Arc;

use crate::conductor::{self, Interruption, RunOrder};
use harness_model::exit_code::ExitCode;
use harness_model::history::EventKind;
use harness_model::plan::{Options, resolve};
use harness_tell::language::init_words as words;
use harness_tell::language::{Language, Span, start_problem};
use harness_tell::report::terminal::Display;

use super::super::input;
use super::super::terminal::Live;
use super::first_run;

/// The least that a proxy can be asked.
const SCENARIO: &str = "name: trial\ntitle: {en: \"Trial\", es: \"Prueba\"}\ncovers: [REQ-5]\nproxy: {ttl: 60s}\n\
                        backends: {count: 3, script: {otherwise: {respond: {body: 1KiB}}}}\n\
                        steps:\n  - serial: {requests: 3, path: \"/trial/{n}\"}\nchecks:\n  proxy.alive:\n";

pub(super) fn run(file: &Path, language: Language) -> ExitCode {
    let shown = file.display().to_string();
    let tell = |line: String| anstream::println!("{line}");
    let adapter = match input::adapter(&shown, false) {
        Ok(adapter) => adapter,
        Err(problem) => {
            anstream::eprintln!("{}", input::show(&[problem], language));
            tell(words::mend_it(language, &shown, &first_run(&shown)));
            return ExitCode::Usage;
        }
    };
    let out = match tempfile::tempdir() {
        Ok(out) => out,
        Err(error) => {
            anstream::eprintln!("{}", words::not_written(language, &shown, &error.to_string()));
            return ExitCode::Bug;
        }
    };
    let plan = match resolve(SCENARIO, Path::new("trial.yaml"), &adapter, &Options::default()) {
        Ok(plan) => plan,
        Err(problems) => {
            anstream::eprintln!("{}", input::show(&problems, language));
            return ExitCode::Usage;
        }
    };
    let order = RunOrder {
        plan,
        out: out.path().to_path_buf(),
        command: Vec::new(),
        interruption: Interruption::default(),
        max_duration: Some(std::time::Duration::from_secs(60)),
        hold: false,
        observer: Arc::new(Live::new(language, Display::Lines)),
    };
    let finished = match conductor::run(order) {
        Ok(finished) => finished,
        Err(problem) => {
            anstream::eprintln!("{problem}");
            return problem.exit_code();
        }
    };
    if let Some(problem) = &finished.start_problem {
        let said = start_problem(language, problem);
        tell(said.title);
        said.details.into_iter().for_each(tell);
        said.last_lines.into_iter().for_each(|line| tell(format!("  | {line}")));
        tell(words::mend_it(language, &shown, &first_run(&shown)));
        return ExitCode::ProxyNotReady;
    }
    let mut answered = 0;
    for event in &finished.record.events {
        match &event.event {
            EventKind::ProxyReady { listening_after, .. } => {
                tell(words::listened(language, Span(listening_after.as_secs_f64() * 1e3)));
            }
            EventKind::Exchange(exchange) => {
                let complete = matches!(exchange.end, harness_model::history::ExchangeEnd::Complete);
                let said = match &exchange.response {
                    Some(response) if complete => {
                        answered += usize::from(response.stamp.is_some());
                        let status = response.status.to_string();
                        match &response.stamp {
                            Some(stamp) => words::answered(language, &status, &stamp.backend),
                            None => words::answered_alone(language, &status),
                        }
                    }
                    _ => words::unanswered(language),
                };
                tell(said);
            }
            _ => {}
        }
    }
    if answered > 0 {
        tell(words::next_step(language, &first_run(&shown)));
        ExitCode::Passed
    } else {
        tell(words::mend_it(language, &shown, &first_run(&shown)));
        ExitCode::ProxyNotReady
    }
}
