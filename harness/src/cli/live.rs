//! `harness live RUN_DIR`: the page of a run that was recorded, served until Ctrl-C or saved as one file a language.
//!
//! The page is that of `--live`, told from the same file. Nothing is written into the run folder.

use std::path::Path;

use crate::conductor::{Desk, Interruption};
use crate::live::{Server, saved_page};
use harness_model::exit_code::ExitCode;
use harness_model::history::{self, names};
use harness_model::plan::Plan;
use harness_tell::language::Language;
use harness_tell::language::live_words::{page_at, saved, until_interrupted};
use harness_tell::language::run_words::{no_run_folder, no_signal_handler};

use super::arguments::{LiveArguments, language};
use super::signals;

pub(super) fn run(arguments: &LiveArguments) -> ExitCode {
    let language = language(arguments.lang);
    let folder = &arguments.folder;
    if !folder.join(names::PLAN).exists() {
        anstream::eprintln!("{}", no_run_folder(language, &folder.display().to_string()));
        return ExitCode::Usage;
    }
    // Read whole: what cannot be shown to its end is not begun.
    let plan = match history::read_again(folder) {
        Ok(record) => record.plan,
        Err(problem) => {
            anstream::eprintln!("{problem}");
            return ExitCode::Usage;
        }
    };
    let done = match &arguments.save {
        Some(into) => save(folder, &plan, into, language),
        None => serve(folder, plan, language),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("{error}");
        ExitCode::Usage
    })
}

fn save(folder: &Path, plan: &Plan, into: &Path, language: Language) -> std::io::Result<ExitCode> {
    std::fs::create_dir_all(into)?;
    let name = |language: Language| format!("live.{}.html", language.code());
    for page in Language::ALL {
        let other = name(page.choose(Language::Es, Language::En));
        std::fs::write(into.join(name(page)), saved_page(folder, plan, page, &other)?)?;
    }
    anstream::println!("{}", saved(language, &into.join(name(language)).display().to_string()));
    Ok(ExitCode::Passed)
}

fn serve(folder: &Path, plan: Plan, language: Language) -> std::io::Result<ExitCode> {
    let interruption = Interruption::default();
    if let Err(error) = signals::listen(interruption.clone()) {
        anstream::eprintln!("{}", no_signal_handler(language, &error.to_string()));
        return Ok(ExitCode::Bug);
    }
    let server = Server::start(language, Desk::default())?;
    server.show(folder.to_path_buf(), plan, false);
    anstream::println!("{}  {}", page_at(language, &server.address()), until_interrupted(language));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(interruption.wait());
    server.finish();
    // Ctrl-C is how it ends well.
    Ok(ExitCode::Passed)
}
