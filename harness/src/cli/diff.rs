//! `harness diff RUN_A RUN_B`: two run folders of a scenario beside each other, by the same judge.
//!
//! Both records are judged again, so that a difference is never one of the judges. Nothing is written into either folder.

use std::path::Path;

use super::arguments::{DiffArguments, language};
use harness_judge::check::{self, Verdict};
use harness_model::exit_code::ExitCode;
use harness_model::history::{self, Record, dated_folder};
use harness_tell::language::Language;
use harness_tell::language::compare_words::written_to;
use harness_tell::language::diff_words::other_scenario;
use harness_tell::language::trend_words::run_left_out;
use harness_tell::report::{Attachments, RunDiff, Source, write_diff};

pub(super) fn run(arguments: &DiffArguments) -> ExitCode {
    let language = language(arguments.lang);
    let runs = [&arguments.before, &arguments.after].map(|folder| judged(folder));
    for (folder, run) in [&arguments.before, &arguments.after].into_iter().zip(&runs) {
        if let Err(why) = run {
            anstream::eprintln!("{}", run_left_out(language, &folder.display().to_string(), why));
        }
    }
    let [Ok(before), Ok(after)] = &runs else { return ExitCode::Usage };
    let names = [&arguments.before, &arguments.after].map(|folder| folder.display().to_string());
    let diff = RunDiff::of(before.source(), after.source(), names);
    if !diff.is_of_one_scenario() {
        let (one, two) = (&before.record.plan.name, &after.record.plan.name);
        anstream::eprintln!("{}", other_scenario(language, one, two));
        return ExitCode::Usage;
    }
    anstream::print!("{}", diff.lines(language));
    write_pages(&diff, &arguments.out.join(format!("diff-{}", after.record.plan.name)), language)
}

fn write_pages(diff: &RunDiff<'_>, out: &Path, language: Language) -> ExitCode {
    let written = dated_folder(out)
        .map_err(|error| error.to_string())
        .and_then(|folder| write_diff(&folder, diff).map(|()| folder).map_err(|error| error.to_string()));
    match written {
        Ok(folder) => {
            let page = folder.join(format!("diff.{}.html", language.code()));
            anstream::println!("\n{}", written_to(language, &page.display().to_string()));
            diff.exit()
        }
        Err(error) => {
            anstream::eprintln!("{error}");
            ExitCode::Usage
        }
    }
}

/// A run with its verdicts.
struct Judged {
    record: Record,
    verdicts: Vec<Verdict>,
    attachments: Attachments,
}

impl Judged {
    fn source(&self) -> Source<'_> {
        Source { record: &self.record, verdicts: &self.verdicts, attachments: &self.attachments }
    }
}

fn judged(folder: &Path) -> Result<Judged, String> {
    let record = history::read_again(folder).map_err(|error| error.to_string())?;
    let verdicts = check::evaluate(&record);
    Ok(Judged { record, verdicts, attachments: Attachments::read(folder) })
}
