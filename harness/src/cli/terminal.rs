//! What is printed of runs: progress to standard error, verdicts to standard output.
//!
//! The run and report commands use it. With several runs at a time each one's lines come out together, after it has
//! ended. Colours go where they are welcome only.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::conductor::{Finished, Held, Observer};
use crate::live::{Server, verdict};
use harness_model::catalogue::CheckId;
use harness_model::history::Listener;
use harness_model::plan::Plan;
use harness_run::proxy_under_test::{Preparation, StartProblem};
use harness_tell::language::live_words::repeating;
use harness_tell::language::mending_words::{self, names_of};
use harness_tell::language::run_words::{held as words_held, tried_changed, watched_again, way_out};
use harness_tell::language::{self, Language, start_problem};
use harness_tell::report::terminal::{Display, Progress, verdicts};
use harness_tell::report::{Attachments, Changes, Source, VerdictsDocument, by_hand, groups};

/// Shows one run while it lasts.
#[derive(Debug)]
pub(super) struct Live {
    language: Language,
    display: Display,
    progress: Mutex<Option<Progress>>,
    /// The live page, where one is wanted, and the folders that it shows because of this run.
    page: Option<(Arc<Server>, Mutex<Vec<PathBuf>>)>,
}

impl Live {
    pub(super) fn new(language: Language, display: Display, page: Option<Arc<Server>>) -> Live {
        Live {
            language,
            display,
            progress: Mutex::new(None),
            page: page.map(|page| (page, Mutex::default())),
        }
    }

    /// Everything that this run has shown is on the disk.
    pub(super) fn is_over(&self, finished: Option<&Finished>) {
        let Some((page, folders)) = &self.page else { return };
        if let Some(finished) = finished {
            let verdicts =
                Language::ALL.map(|language| verdict(&finished.record, &finished.verdicts, language));
            page.is_over(&finished.run_directory, Some(verdicts));
        }
        // One that was not carried out has no verdict.
        let folders = folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.iter().for_each(|folder| page.is_over(folder, None));
    }
}

impl Observer for Live {
    fn began(&self, plan: &Plan, run_directory: &Path, events: Listener) {
        if let Some((page, folders)) = &self.page {
            page.show(run_directory.to_path_buf(), plan.clone(), true);
            folders.lock().unwrap_or_else(PoisonError::into_inner).push(run_directory.to_path_buf());
        }
        // A run without a display is a run all the same.
        let progress = Progress::follow(events, plan, self.language, self.display).ok();
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    fn preparing(&self, preparation: &Preparation) {
        let told = language::preparation(self.language, preparation);
        anstream::eprintln!("{told}");
        if let Some(progress) = &*self.progress.lock().unwrap_or_else(PoisonError::into_inner) {
            progress.preparing(told);
        }
    }

    fn watching(&self, checks: &[CheckId]) {
        anstream::eprintln!("{}", watched_again(self.language, &names_of(checks, self.language)));
    }

    fn trying(&self, checks: &[CheckId]) {
        anstream::eprintln!("{}", tried_changed(self.language, &names_of(checks, self.language)));
    }

    fn holding(&self, held: &Held<'_>) {
        let language = self.language;
        let attachments = Attachments::default();
        let source = Source { record: held.record, verdicts: held.verdicts, attachments: &attachments };
        // The bar would be drawn over what is said now.
        self.ended();
        let groups = groups(held.verdicts, held.record.plan.strict);
        let failed: Vec<_> = groups.iter().filter_map(|g| held.verdicts.get(*g.failures.first()?)).collect();
        if !failed.is_empty() {
            let checks: Vec<_> = failed.iter().map(|verdict| verdict.check).collect();
            anstream::eprintln!("{}", mending_words::held_at(language, &names_of(&checks, language)));
        }
        let backends: Vec<String> =
            held.backends.iter().map(|b| format!("{} {}", b.name, b.address)).collect();
        anstream::eprintln!("{}", words_held(language, &held.proxy.to_string(), &backends.join(", ")));
        if held.elsewhere {
            anstream::eprintln!("{}", mending_words::held_elsewhere(language));
        }
        for line in failed.into_iter().filter_map(|verdict| by_hand(&source, verdict)) {
            anstream::eprintln!("  {}", printable(&line));
        }
    }

    fn repeating(&self, check: CheckId) {
        self.ended();
        anstream::eprintln!("{}", repeating(self.language, &names_of(&[check], self.language)));
    }

    fn repeated(&self, finished: &Finished) {
        if let Some((page, _)) = &self.page {
            let verdicts =
                Language::ALL.map(|language| verdict(&finished.record, &finished.verdicts, language));
            page.is_over(&finished.run_directory, Some(verdicts));
        }
        let attachments = Attachments::read(&finished.run_directory);
        let source =
            Source { record: &finished.record, verdicts: &finished.verdicts, attachments: &attachments };
        print(finished, &source, self.language, false);
    }

    fn ended(&self) {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(progress) = progress {
            progress.finish();
        }
    }
}

/// Prints what was found; everything that was judged where `verbose`.
pub(super) fn print(finished: &Finished, source: &Source<'_>, language: Language, verbose: bool) {
    if let Some(problem) = &finished.start_problem {
        print_problem(&finished.record.plan, problem, language);
    }
    let page = shown(finished.pages.report(language));
    anstream::print!("{}", verdicts(source, language, verbose, width(), Some(&page)));
}

/// Prints what changed since an earlier run of the same scenario on the same proxy.
pub(super) fn print_changes(before: &VerdictsDocument, finished: &Finished, language: Language) {
    let changes = Changes::between(before, &finished.verdicts);
    if changes.is_empty() {
        return;
    }
    anstream::println!("{}:", mending_words::since_last_run(language));
    for (checks, told) in [
        (&changes.mended, mending_words::now_met as fn(Language, &str) -> String),
        (&changes.broken, mending_words::no_longer_met),
        (&changes.still, mending_words::still_failing),
    ] {
        if !checks.is_empty() {
            anstream::println!("  {}", told(language, &names_of(checks, language)));
        }
    }
    if changes.not_repeated > 0 {
        anstream::println!("  {}", mending_words::left_out(language, changes.not_repeated));
    }
}

/// Why a proxy was not started, what it said, and what can be done.
fn print_problem(plan: &Plan, problem: &StartProblem, language: Language) {
    let words = start_problem(language, problem);
    anstream::eprintln!("{}: {}", plan.adapter.title, words.title);
    for detail in words.details {
        anstream::eprintln!("  {detail}");
    }
    for line in words.last_lines {
        anstream::eprintln!("  | {}", printable(&line));
    }
    if let Some(advice) = words.way_out {
        anstream::eprintln!("  {}", way_out(language, &advice));
    }
}

/// What a proxy printed, without what could play tricks on a terminal.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A path as short as it can be said from here.
fn shown(path: &Path) -> std::path::PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf))
        .unwrap_or_else(|| path.to_path_buf())
}

/// Columns of the terminal, where standard output is one and says so.
fn width() -> Option<usize> {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns >= 40)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escape_sequences_of_a_proxy_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\tc"), "a\u{FFFD}[2Jb\tc");
    }
}
