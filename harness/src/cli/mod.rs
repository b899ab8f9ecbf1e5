//! The command line: what was typed becomes runs, and what they found becomes lines and an exit code.
//!
//! `main` calls [`run`] and returns its code. Sentences come from the module `language`, files from `report`; nothing here
//! touches a proxy or judges one.

mod annotations;
mod arguments;
mod check;
mod compare;
mod diff;
mod grade;
mod init;
mod input;
mod league;
mod list;
mod live;
mod merge;
mod mistyped;
mod pdf;
mod rejudge;
mod runs;
mod schedule;
mod selection;
mod signals;
mod simulate;
mod step_summary;
mod terminal;

use std::io::Write;

use clap::Parser;

use arguments::{Command, CommandLine};
use harness_model::exit_code::ExitCode;
use harness_tell::language::run_words;

/// What to return where what was found could not be printed: no verdict that nobody has read.
pub fn could_not_print(why: &str) -> ExitCode {
    let typed: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let sentence = run_words::could_not_print(mistyped::language_of(&typed), why);
    // Where nobody hears of it either, the code says it.
    let _ = writeln!(std::io::stderr(), "{sentence}");
    ExitCode::Usage
}

/// Does what the arguments ask for.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitCode {
    let arguments: Vec<std::ffi::OsString> = arguments.into_iter().collect();
    let line = match CommandLine::try_parse_from(&arguments) {
        Ok(line) => line,
        Err(error) => {
            mistyped::print(&error, mistyped::language_of(&arguments));
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Passed };
        }
    };
    if matches!(
        line.command,
        None | Some(
            Command::Run(_) | Command::Grade(_) | Command::Init(_) | Command::Compare(_) | Command::League(_)
        )
    ) {
        // What the judge cannot have is no fault of any proxy, whose copy lies there.
        if let Err(error) = tempfile::tempfile() {
            let folder = std::env::temp_dir().display().to_string();
            let language = mistyped::language_of(&arguments);
            let _ = writeln!(
                std::io::stderr(),
                "{}",
                run_words::no_temporary_files(language, &folder, &error.to_string())
            );
            return ExitCode::Usage;
        }
        // Before the first thread, and only where a proxy is going to be started.
        harness_run::proxy_under_test::guard::enter_namespaces_if_allowed();
    }
    match line.command {
        None => runs::run(&line.run),
        Some(Command::Run(run)) => runs::run(&run),
        Some(Command::Report(report)) => rejudge::run(&report),
        Some(Command::Live(run)) => live::run(&run),
        Some(Command::Diff(runs)) => diff::run(&runs),
        Some(Command::Grade(grade)) => grade::run(&grade),
        Some(Command::Check(check)) => check::run(&check),
        Some(Command::Init(init)) => init::run(&init),
        Some(Command::Compare(compare)) => compare::run(&compare),
        Some(Command::League(league)) => league::run(&league),
        Some(Command::Simulate(simulate)) => simulate::run(&simulate),
        Some(Command::Merge(merge)) => merge::run(&merge),
        Some(Command::Schedule(order)) => schedule::run(&order),
        Some(Command::List { lang }) => list::run(lang),
        Some(Command::Schema { kind }) => list::schema(kind),
    }
}
