//! `harness report RUN_DIR...`: judges a record again and draws its pages anew.
//!
//! Nothing but the run folder is read, so it works months later and on another machine. The record itself is not touched.

use crate::conductor;
use crate::exit_code::ExitCode;
use crate::history::Manifest;
use crate::language::run_words::record_changed;

use super::arguments::{ReportArguments, language};
use super::terminal;

pub(super) fn run(arguments: &ReportArguments) -> ExitCode {
    let language = language(arguments.lang);
    ExitCode::of_many(arguments.folders.iter().map(|folder| {
        if let Ok(manifest) = Manifest::read(folder) {
            for name in manifest.changed(folder) {
                anstream::eprintln!("{}", record_changed(language, &folder.join(name).display().to_string()));
            }
        }
        match conductor::judge(folder) {
            Ok(finished) => {
                terminal::print(&finished, language);
                finished.exit
            }
            Err(problem) => {
                anstream::eprintln!("{problem}");
                problem.exit_code()
            }
        }
    }))
}
