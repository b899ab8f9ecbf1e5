//! `harness grade RUBRIC SUBMISSIONS...`: many submissions, one command.
//!
//! Everything that was typed is understood before anything starts. A first look at all submissions comes first, with the time
//! that the rest will take; an interrupted grading goes on where it stopped. One of many machines does its part of it (`--shard`), and
//! [`merge`] joins the parts. Points are counted in the module `grade`.

pub(super) mod merge;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{GradeArguments, SheetArguments, language};
use super::{init, input, signals, step_summary};
use crate::conductor::Interruption;
use crate::grade::entries::{self, Entries};
use crate::grade::shard::{Course, ShardFile};
use crate::grade::{
    self, Columns, Flag, GradeObserver, GradeOrder, Graded, Skipped, Submission, Triage, flag_words,
    grade_words_of, points_words, reasons, row_title, triage_words,
};
use crate::shard::Shard;
use harness_model::exit_code::ExitCode;
use harness_model::scenario::Problem;
use harness_tell::language::grade_words::{
    estimated, first_look_of, go_on, grade_shard_written, graded_already, grades_at, no_submission,
    not_found, not_graded_into, of_nobody, passed_over, row_went_wrong, run_ended,
};
use harness_tell::language::report_words::verdict_words;
use harness_tell::language::run_words::no_signal_handler;
use harness_tell::language::{Language, Span};
use harness_tell::report::ReportError;

pub(super) fn run(arguments: &GradeArguments) -> ExitCode {
    let language = language(arguments.lang);
    match prepared(arguments, language) {
        Ok(prepared) => carry_out(arguments, prepared, language),
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            ExitCode::Usage
        }
    }
}

/// Everything that was typed, understood.
struct Prepared {
    rubric: grade::rubric::Rubric,
    entries: Entries,
    students: Vec<grade::Student>,
    submissions: Vec<Submission>,
    out: PathBuf,
    /// Where only a part of them is graded here.
    shard: Option<ShardFile>,
}

fn prepared(arguments: &GradeArguments, language: Language) -> Result<Prepared, String> {
    let show = |problems: Vec<Problem>| input::show(&problems, language);
    let rubric = grade::rubric::read(&arguments.rubric).map_err(show)?;
    let (entries, students) = beside(&arguments.sheet, &rubric, language)?;
    let grades = arguments.out.join("grades");
    let out = match arguments.shard {
        None => grades.join(&rubric.name),
        Some(Shard { index, of }) => {
            grades.join(format!("{}-shards", rubric.name)).join(format!("{index}-of-{of}"))
        }
    };
    let (submissions, skipped) =
        grade::find(&arguments.submissions, &out).map_err(|error| error.to_string())?;
    for Skipped { path, archive } in &skipped {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        anstream::eprintln!("{}", passed_over(language, &harmless(&name), *archive));
    }
    if submissions.is_empty() {
        return Err(no_submission(language));
    }
    say_who_is_unmatched(&students, &submissions, language);
    let shard = arguments.shard.map(|shard| {
        ShardFile::new(shard, Course::share_out(&rubric, &submissions, arguments.seed, shard.of))
    });
    Ok(Prepared { rubric, entries, students, submissions, out, shard })
}

/// What is typed beside what was judged: what a person entered, and the list of students.
fn beside(
    sheet: &SheetArguments,
    rubric: &grade::rubric::Rubric,
    language: Language,
) -> Result<(Entries, Vec<grade::Student>), String> {
    let show = |problems: Vec<Problem>| input::show(&problems, language);
    let entries = match &sheet.entries {
        Some(file) => entries::read(file, rubric).map_err(show)?,
        None => Entries::default(),
    };
    let students = match &sheet.students {
        Some(file) => grade::students(file).map_err(|problem| show(vec![problem]))?,
        None => Vec::new(),
    };
    Ok((entries, students))
}

fn say_who_is_unmatched(students: &[grade::Student], submissions: &[Submission], language: Language) {
    let (without, nobodys) = grade::unmatched(students, submissions);
    for student in without {
        anstream::eprintln!(
            "{}",
            not_found(language, &harmless(&student.name), &harmless(&student.submission))
        );
    }
    for one in nobodys.into_iter().filter(|_| !students.is_empty()) {
        anstream::eprintln!("{}", of_nobody(language, &harmless(&one.name)));
    }
}

fn carry_out(arguments: &GradeArguments, prepared: Prepared, language: Language) -> ExitCode {
    let Prepared { rubric, entries, students, mut submissions, out, shard } = prepared;
    let not_written = |why: &str| {
        anstream::eprintln!("{}", not_graded_into(language, &out.display().to_string(), why));
        ExitCode::Usage
    };
    let _alone = match grade::take(&out) {
        Ok(taken) => taken,
        Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
            return not_written(&graded_already(language));
        }
        Err(error) => return not_written(&error.to_string()),
    };
    if let Some(shard) = &shard {
        // The codes of all, so that each machine gives the same ones, also when it goes on.
        let begun = ShardFile::withdraw(&out).and_then(|()| grade::write_teams(&out, &submissions));
        if let Err(error) = begun {
            return not_written(&error.to_string());
        }
        let is_mine = |code: &str| shard.mine().any(|placed| placed.code == code);
        submissions.retain(|submission| is_mine(&submission.code));
    }
    let interruption = Interruption::default();
    if let Err(error) = signals::listen(interruption.clone()) {
        anstream::eprintln!("{}", no_signal_handler(language, &error.to_string()));
        return ExitCode::Bug;
    }
    anstream::eprintln!("{}", first_look_of(language, submissions.len()));
    // All teams are asked the same, and the same again when a grading goes on: the seed is not drawn.
    let seed = arguments.seed;
    let order = GradeOrder {
        rubric: rubric.clone(),
        submissions,
        out: out.clone(),
        jobs: arguments.jobs.map_or_else(default_jobs, usize::from),
        max_duration: arguments.max_duration,
        seed,
        interruption: interruption.clone(),
        only_look: arguments.look,
        draft: init::draft_of,
        trust_profile: arguments.trust_profile,
        build_network: arguments.build_network,
        observer: Arc::new(Lines(language)),
    };
    let teams = match grade::work(&order) {
        Ok(teams) => teams,
        Err(error) => return not_written(&error.to_string()),
    };
    let is_whole = interruption.cause().is_none();
    match shard {
        None => {
            let graded = grade::conclude(rubric, teams, &entries, seed);
            if let Err(code) = write(&graded, &out, &students, &arguments.sheet, language) {
                return code;
            }
        }
        Some(shard) if is_whole => match shard.write(&out) {
            Ok(()) => anstream::eprintln!("{}", grade_shard_written(language, &out.display().to_string())),
            Err(error) => return not_written(&error.to_string()),
        },
        Some(_) => {}
    }
    if !is_whole {
        anstream::eprintln!("{}", go_on(language));
        return ExitCode::Interrupted;
    }
    // Every submission has its row, whatever the row says.
    ExitCode::Passed
}

/// Writes all pages and tables, and prints what is in them.
fn write(
    graded: &Graded,
    out: &Path,
    students: &[grade::Student],
    sheet: &SheetArguments,
    language: Language,
) -> Result<(), ExitCode> {
    match grade::write_all(graded, out, students, columns(sheet, language), language) {
        Ok(index) => {
            print(graded, language);
            step_summary::append(&out.join("summary.md"));
            anstream::println!("{}", grades_at(language, &index.display().to_string()));
            Ok(())
        }
        // A full disk is no bug; what was run is kept.
        Err(ReportError::File { error, .. }) => {
            anstream::eprintln!(
                "{}",
                not_graded_into(language, &out.display().to_string(), &error.to_string())
            );
            Err(ExitCode::Usage)
        }
        Err(error) => {
            anstream::eprintln!("{error}");
            Err(ExitCode::Bug)
        }
    }
}

/// What a spreadsheet in that language expects, unless something else was asked for.
fn columns(sheet: &SheetArguments, language: Language) -> Columns {
    let decimal = if sheet.decimal_comma { ',' } else { language.choose('.', ',') };
    let decimal = if sheet.decimal_point { '.' } else { decimal };
    Columns { separator: sheet.separator.unwrap_or(if decimal == ',' { ';' } else { ',' }), decimal }
}

/// Runs at a time: waiting is most of what a run does, so one for each processor leaves room.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(8)
}

/// One submission in full, several as one line each.
fn print(graded: &Graded, language: Language) {
    for team in &graded.teams {
        let document = &team.document;
        let grade = grade_words_of(&graded.rubric, &document.grade, language);
        anstream::println!("{}  {}  {grade}", document.code, team.team.submission.name);
        if graded.teams.len() > 1 {
            continue;
        }
        for (row, score) in graded.rubric.rows.iter().zip(&document.rows) {
            anstream::println!(
                "  {:9} {}  {}",
                row.key,
                points_words(score, language),
                row_title(row, language)
            );
            for words in reasons(team, score, language) {
                anstream::println!("            {words}");
            }
        }
    }
}

/// What a build printed, or the name of a file, must not play tricks on a terminal.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// A line for everything that happens.
struct Lines(Language);

impl GradeObserver for Lines {
    fn looked_at(&self, submission: &Submission, triage: &Triage, flags: &[Flag]) {
        let words = triage_words(triage, self.0);
        let mut line = format!("  {}  {}: {words}", submission.code, submission.name);
        for flag in flags {
            line.push_str(" · ");
            line.push_str(&flag_words(flag, self.0));
        }
        anstream::eprintln!("{}", harmless(&line));
    }

    fn estimated(&self, runs: usize, made_before: usize, time: Duration) {
        anstream::eprintln!(
            "{}",
            estimated(self.0, runs, made_before, Span(time.as_secs_f64().round() * 1e3))
        );
    }

    fn finished(&self, code: &str, scenario: &str, exit: ExitCode, done: usize, of: usize) {
        anstream::eprintln!("{}", run_ended(self.0, done, of, code, scenario, verdict_words(exit, self.0)));
    }

    fn went_wrong(&self, code: &str, what: &str) {
        anstream::eprintln!("{}", row_went_wrong(self.0, code, what));
    }
}
