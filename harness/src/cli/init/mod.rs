//! `harness init`: an adapter for somebody's proxy, by looking, by asking where there is somebody to ask, and by trying.
//!
//! `look` reads the folder (`files`) and proposes: programs, builds, calls (`arguments_of`), values; `draft` makes the text of an
//! adapter of a choice among them, `trial` starts what it describes and `search` goes from one choice to the next. Nothing of the
//! folder is changed but the one new file `pibl-judge.yaml`.

mod addresses;
mod again;
mod arguments_of;
mod builds;
mod draft;
mod environment;
mod files;
mod lists;
mod look;
mod pieces;
mod programs;
mod search;
mod shown_calls;
mod trial;
mod typing;
mod values;

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use super::arguments::{InitArguments, language};
use draft::Choice;
use harness_model::exit_code::ExitCode;
use harness_tell::language::Language;
use harness_tell::language::init_words as words;
use harness_tell::language::start_problem;
use harness_tell::report::quoted;
use look::{Candidates, Look};
use search::Settled;
use trial::Tried;

/// The file that is written.
const NAME: &str = "pibl-judge.yaml";

pub(super) fn run(arguments: &InitArguments) -> ExitCode {
    let language = language(arguments.lang);
    let folder = &arguments.folder;
    if !folder.is_dir() {
        anstream::eprintln!("{}", words::no_folder(language, &folder.display().to_string()));
        return ExitCode::Usage;
    }
    let file = harness_model::adapter::profile_in(folder);
    let shown = file.display().to_string();
    let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let kept = match kept(arguments, &file, somebody, language) {
        Ok(kept) => kept,
        Err(refused) => {
            anstream::eprintln!("{refused}");
            return ExitCode::Usage;
        }
    };
    let Some(mut look) = look::look(folder) else {
        anstream::eprintln!("{}", words::no_program(language, &folder.display().to_string()));
        return ExitCode::Usage;
    };
    if somebody {
        ask_which(&mut look, language);
    }
    let candidates = candidates(&look);
    let name = name_of(folder);
    let mut trials = 0;
    let mut told = |choice: &Choice<'_>, tried: &Tried| {
        trials += 1;
        anstream::println!("{}", progress(language, trials, choice, tried));
    };
    let mut settled = search::settle(folder, &look, &candidates, &name, &mut told);
    if somebody && !settled.tried.works() {
        let asked = ask_for_more(&settled.choice, language);
        if !asked.is_empty() {
            settled = search::settle_from(folder, asked, &mut told);
        }
    }
    let Settled { choice, facts, tried } = settled;
    for line in choice.notes(&facts, language) {
        anstream::println!("{line}");
    }
    let text = again::with_rows(&choice.file(&facts, language), &kept);
    if let Err(error) = std::fs::write(&file, text) {
        anstream::eprintln!("{}", words::not_written(language, &shown, &error.to_string()));
        return ExitCode::Usage;
    }
    anstream::println!("{}", words::written(language, &shown));
    if let Some(problem) = &tried.problem {
        let said = start_problem(language, problem);
        anstream::println!("{}", said.title);
        said.details.into_iter().for_each(|line| anstream::println!("{line}"));
        said.last_lines.into_iter().for_each(|line| anstream::println!("  | {line}"));
    }
    if tried.works() && !facts.open() {
        anstream::println!("{}", words::next_step(language, &first_run(&shown)));
        return ExitCode::Passed;
    }
    anstream::println!("{}", words::mend_it(language, &quoted(&shown), &first_run(&shown)));
    if tried.works() { ExitCode::Inconclusive } else { ExitCode::ProxyNotReady }
}

/// The rows of a profile that is there already which stay as somebody edited them; a refusal where nobody said that they may.
fn kept(
    arguments: &InitArguments,
    file: &Path,
    somebody: bool,
    language: Language,
) -> Result<Vec<(String, String)>, String> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let shown = file.display().to_string();
    let refused = || words::exists_already(language, &shown, &first_run(&shown));
    let Ok(text) = harness_model::scenario::read(file) else { return Err(refused()) };
    let edited = again::edited(&text);
    let rows: Vec<&str> = edited.iter().map(|(key, _)| key.as_str()).collect();
    if arguments.again {
        anstream::println!("{}", words::kept(language, &rows.join(", ")));
        return Ok(edited);
    }
    if !somebody {
        return Err(refused());
    }
    match ask(&words::ask_kept(language, &shown, &rows.join(", "))).map(|line| line.to_lowercase()) {
        None => Ok(edited),
        Some(line) if line.starts_with(['y', 's']) => Ok(edited),
        Some(line) if line.starts_with('n') => Ok(Vec::new()),
        Some(_) => Err(refused()),
    }
}

/// What came of one trial, in a line.
fn progress(language: Language, number: usize, choice: &Choice<'_>, tried: &Tried) -> String {
    let names = [0, 1, 2].map(|place| choice.candidates.names[place].as_deref());
    let call: Vec<String> =
        choice.call.arguments.iter().flat_map(|argument| argument.words(&names)).collect();
    let came = match &tried.problem {
        _ if tried.unusable => words::does_not_fit(language),
        Some(problem) => start_problem(language, problem).title,
        None if tried.answered == 0 => words::reached_nobody(language),
        None => words::reached(language, &tried.asked.keys().cloned().collect::<Vec<_>>().join(", ")),
    };
    words::trial(
        language,
        &number.to_string(),
        &format!("{} {}", choice.candidates.entry, call.join(" ")).replace('\n', " "),
        &came,
    )
}

/// All that may be tried: the programs that look like the proxy, each with every way to build it.
fn candidates(look: &Look) -> Vec<Candidates> {
    let likely = look.programs.iter().filter(|program| program.score + 15 >= look.programs[0].score).take(3);
    likely
        .flat_map(|program| {
            look.builds(program)
                .into_iter()
                .take(3)
                .map(|build| look.candidates(program, &build))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The text of an adapter for a folder, by looking and by trying: nobody is asked and nothing is written.
pub(super) fn draft_of(folder: &Path) -> Option<String> {
    let look = look::look(folder)?;
    let candidates = candidates(&look);
    let Settled { choice, facts, .. } = search::settle(folder, &look, &candidates, "drafted", |_, _| {});
    Some(choice.file(&facts, Language::Es))
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

/// What somebody says of a proxy that nothing worked for, as choices to try.
fn ask_for_more<'a>(choice: &Choice<'a>, language: Language) -> Vec<Choice<'a>> {
    let mut told = choice.clone();
    if let Some(line) = ask(&words::ask_arguments(language)) {
        told.call.arguments = line.split_whitespace().map(arguments_of::typed).collect();
    }
    if choice.candidates.reads_keyboard {
        told.stdin = ask(&words::ask_stdin(language)).map(|line| line.replace("\\n", "\n")).or(told.stdin);
    }
    if told.call == choice.call && told.stdin == choice.stdin { Vec::new() } else { vec![told] }
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
    format!("harness scenarios/fairness.yaml --sut {}", quoted(file))
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
