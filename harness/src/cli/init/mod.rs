//! `harness init`: an adapter for somebody's proxy, by looking, by asking where there is somebody to ask, and by trying.
//!
//! `look` reads the folder (`files`) and proposes: programs, builds, calls (`arguments_of`), values; `draft` makes the text of an
//! adapter of a choice among them, `trial` starts what it describes. Nothing of the folder is changed but the one new file
//! `pibl-judge.yaml`.

mod addresses;
mod arguments_of;
mod builds;
mod draft;
mod files;
mod look;
mod programs;
mod shown_calls;
mod trial;
mod values;

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use super::arguments::{InitArguments, language};
use draft::Choice;
use harness_model::exit_code::ExitCode;
use harness_tell::language::Language;
use harness_tell::language::init_words as words;
use look::Look;

/// The file that is written.
const NAME: &str = "pibl-judge.yaml";

pub(super) fn run(arguments: &InitArguments) -> ExitCode {
    let language = language(arguments.lang);
    let folder = &arguments.folder;
    let file = folder.join(NAME);
    let shown = file.display().to_string();
    if file.exists() {
        anstream::eprintln!("{}", words::exists_already(language, &shown, &first_run(&shown)));
        return ExitCode::Usage;
    }
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let Some(mut look) = look::look(folder) else {
        anstream::eprintln!("{}", words::no_program(language, &folder.display().to_string()));
        return ExitCode::Usage;
    };
    if somebody {
        ask_which(&mut look, language);
    }
    let program = &look.programs[0];
    let candidates = look.candidates(program, &look.builds(program)[0]);
    let mut choice = Choice::first(&look, &candidates, &name_of(folder));
    if somebody {
        ask_for_more(&mut choice, language);
    }
    for line in choice.notes(language) {
        anstream::println!("{line}");
    }
    if let Err(error) = std::fs::write(&file, choice.text(language)) {
        anstream::eprintln!("{}", words::not_written(language, &shown, &error.to_string()));
        return ExitCode::Usage;
    }
    anstream::println!("{}", words::written(language, &shown));
    trial::run(&file, language)
}

/// The text of an adapter for a folder, by looking alone: nobody is asked and nothing is written.
pub(super) fn draft_of(folder: &Path) -> Option<String> {
    let look = look::look(folder)?;
    let program = &look.programs[0];
    let candidates = look.candidates(program, &look.builds(program)[0]);
    Some(Choice::first(&look, &candidates, "drafted").text(Language::Es))
}

/// Asks which program is meant where two would do.
fn ask_which(look: &mut Look, language: Language) {
    let tie = look.programs.get(1).is_some_and(|second| second.score == look.programs[0].score);
    let named = tie.then(|| ask(&words::ask_entry(language))).flatten();
    if let Some(place) = named.and_then(|name| look.programs.iter().position(|program| program.entry == name))
    {
        look.programs.swap(0, place);
    }
}

fn ask_for_more(choice: &mut Choice<'_>, language: Language) {
    if choice.call.arguments.is_empty()
        && choice.port.is_none()
        && let Some(line) = ask(&words::ask_arguments(language))
    {
        choice.call.arguments = line.split_whitespace().map(arguments_of::typed).collect();
    }
    if !choice.candidates.typed.is_empty() && choice.stdin.is_none() {
        choice.stdin = ask(&words::ask_stdin(language)).map(|line| line.replace("\\n", "\n"));
    }
}

/// A line that was typed; `None` for an empty one.
fn ask(question: &str) -> Option<String> {
    anstream::eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).ok()?;
    let line = line.trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// The command that gives the first verdict.
fn first_run(file: &str) -> String {
    format!("harness scenarios/fairness.yaml --sut {file}")
}

/// A name that can be a folder of reports.
fn name_of(folder: &Path) -> String {
    let own =
        folder.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let name: String = own
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' })
        .collect();
    let name = name.trim_start_matches(['-', '_']).to_owned();
    if name.is_empty() { "my-proxy".to_owned() } else { name }
}
