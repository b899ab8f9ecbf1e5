//! `harness report RUN_DIR...`: judges a record again and draws its pages anew; with `--history`, how runs differ.
//!
//! Nothing but the run folder is read, so it works months later and on another machine. The record itself is not touched.

use std::path::Path;

use crate::conductor;
use harness_model::exit_code::ExitCode;
use harness_model::history::names;
use harness_tell::language::Language;
use harness_tell::language::run_words::no_run_folder;
use harness_tell::language::trend_words::{history_at, no_runs, run_left_out};
use harness_tell::report::{Attachments, Source, Trend, write_trend};

use super::arguments::{ReportArguments, language};
use super::pdf;
use super::terminal;

pub(super) fn run(arguments: &ReportArguments) -> ExitCode {
    let language = language(arguments.lang);
    if let Some(root) = &arguments.history {
        return history(root, language);
    }
    ExitCode::of_many(arguments.folders.iter().map(|folder| match conductor::judge(folder) {
        Ok(finished) => {
            let attachments = Attachments::read(&finished.run_directory);
            let source =
                Source { record: &finished.record, verdicts: &finished.verdicts, attachments: &attachments };
            terminal::print(&finished, &source, language, arguments.verbose);
            if arguments.pdf {
                pdf::print(finished.pages.report(language), language);
            }
            finished.exit
        }
        Err(_) if !folder.join(names::PLAN).exists() => {
            anstream::eprintln!("{}", no_run_folder(language, &folder.display().to_string()));
            ExitCode::Usage
        }
        Err(problem) => {
            anstream::eprintln!("{problem}");
            problem.exit_code()
        }
    }))
}

/// One page of all runs beneath a folder, with the verdicts that they were given.
fn history(root: &Path, language: Language) -> ExitCode {
    let trend = Trend::read(root, language);
    for (folder, why) in &trend.left_out {
        anstream::eprintln!("{}", run_left_out(language, &folder.display().to_string(), why));
    }
    if trend.runs() == 0 {
        anstream::eprintln!("{}", no_runs(language, &root.display().to_string()));
        return ExitCode::Usage;
    }
    match write_trend(&trend, root, language) {
        Ok(page) => {
            anstream::println!("{}", history_at(language, &page.display().to_string()));
            // What is left out may be what matters.
            if trend.left_out.is_empty() { ExitCode::Passed } else { ExitCode::Inconclusive }
        }
        Err(error) => {
            anstream::eprintln!("{error}");
            ExitCode::Usage
        }
    }
}
