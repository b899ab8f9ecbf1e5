//! `harness schedule slurm|kubernetes --shards N -- grade …`: what a scheduler is given, printed; nothing is started or applied.
//!
//! The command to be shared out is understood first, so that a slip of the finger is told here and not by a thousand tasks. Which part is
//! whose is said by `--shard auto` where it runs; the parts become one by `harness merge`.

use clap::Parser as _;

use super::arguments::{Command, CommandLine, ScheduleArguments, Scheduler, language};
use super::compare::sides;
use super::input;
use crate::grade::rubric;
use harness_model::exit_code::ExitCode;
use harness_tell::language::Language;
use harness_tell::language::compare_words::{scheduled, shard_is_told, shards_of_what};
use harness_tell::report::quoted;

pub(super) fn run(arguments: &ScheduleArguments) -> ExitCode {
    let language = language(arguments.lang);
    match understood(&arguments.command, language) {
        Ok(job) => {
            let manifest = match arguments.scheduler {
                Scheduler::Slurm => slurm(arguments, &job),
                Scheduler::Kubernetes => kubernetes(arguments, &job),
            };
            anstream::print!("{manifest}");
            anstream::eprintln!("{}", scheduled(language, job.merged_from.as_str()));
            ExitCode::Passed
        }
        Err(complaint) => {
            anstream::eprintln!("{complaint}");
            ExitCode::Usage
        }
    }
}

/// What is shared out.
struct Job {
    /// A name that both schedulers take: at most 40 lower-case letters, digits and hyphens.
    name: String,
    /// The folder that `harness merge` is given.
    merged_from: String,
    /// The command of a part, but for `--shard`.
    command: Vec<String>,
}

fn understood(command: &[String], language: Language) -> Result<Job, String> {
    let typed = ["harness".to_owned()].into_iter().chain(command.iter().cloned());
    let line = CommandLine::try_parse_from(typed).map_err(|error| error.to_string())?;
    let (of, merged_from, is_told) = match line.command {
        Some(Command::Grade(grade)) => {
            let rubric = rubric::read(&grade.rubric).map_err(|problems| input::show(&problems, language))?;
            let parts = grade.out.join("grades").join(format!("{}-shards", rubric.name));
            (format!("grade-{}", rubric.name), parts, grade.shard.is_some())
        }
        Some(Command::Compare(compare)) => {
            let name = format!("compare-{}", sides::understand(&compare, language)?.scenario);
            (name.clone(), compare.out.join(&name), compare.shard.is_some())
        }
        _ => return Err(shards_of_what(language)),
    };
    if is_told {
        return Err(shard_is_told(language));
    }
    let command = ["harness".to_owned()].into_iter().chain(command.iter().cloned()).collect();
    Ok(Job { name: label(&of), merged_from: merged_from.display().to_string(), command })
}

/// The same in letters that are allowed in names of objects (RFC 1123 §2.1).
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let label: String = name.chars().take(40).map(plain).collect();
    label.trim_matches('-').to_owned()
}

fn slurm(arguments: &ScheduleArguments, job: &Job) -> String {
    let ScheduleArguments { shards, cpus, memory, .. } = arguments;
    let Job { name, merged_from, command } = job;
    let command: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    let command = command.join(" ");
    // What dies leaves no file of its shard, and goes on where it stopped when it is started again.
    format!(
        "#!/bin/sh\n\
         #SBATCH --job-name={name}\n\
         #SBATCH --array=1-{shards}\n\
         #SBATCH --cpus-per-task={cpus}\n\
         #SBATCH --mem={memory}G\n\
         #SBATCH --requeue\n\
         #SBATCH --open-mode=append\n\
         #SBATCH --output={name}-%A_%a.log\n\
         # Afterwards: harness merge {from}\n\
         exec {command} --shard auto/{shards}\n",
        from = quoted(merged_from),
    )
}

fn kubernetes(arguments: &ScheduleArguments, job: &Job) -> String {
    let ScheduleArguments { shards, cpus, memory, image, claim, .. } = arguments;
    let Job { name, merged_from, command } = job;
    // Every string of JSON is one of YAML.
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let shard = ["--shard".to_owned(), format!("auto/{shards}")];
    let command: Vec<String> = command.iter().chain(&shard).map(|word| text(word)).collect();
    let command = command.join(", ");
    let (image, claim) =
        (text(image.as_deref().unwrap_or_default()), text(claim.as_deref().unwrap_or_default()));
    let comment = merged_from.replace(char::is_control, " ");
    format!(
        "# Afterwards: harness merge {comment}\n\
         apiVersion: batch/v1\n\
         kind: Job\n\
         metadata:\n\
         \x20 name: {name}\n\
         spec:\n\
         \x20 completionMode: Indexed\n\
         \x20 completions: {shards}\n\
         \x20 parallelism: {shards}\n\
         \x20 backoffLimitPerIndex: 2\n\
         \x20 template:\n\
         \x20   spec:\n\
         \x20     restartPolicy: Never\n\
         \x20     containers:\n\
         \x20       - name: harness\n\
         \x20         image: {image}\n\
         \x20         workingDir: /work\n\
         \x20         command: [{command}]\n\
         \x20         resources:\n\
         \x20           requests: {{cpu: {cpus}, memory: {memory}Gi}}\n\
         \x20           limits: {{cpu: {cpus}, memory: {memory}Gi}}\n\
         \x20         volumeMounts:\n\
         \x20           - {{name: work, mountPath: /work}}\n\
         \x20     volumes:\n\
         \x20       - {{name: work, persistentVolumeClaim: {{claimName: {claim}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_a_cluster_takes() {
        assert_eq!(label("grade-Año 2026_b"), "grade-a-o-2026-b");
        assert_eq!(label(&"x".repeat(99)).len(), 40);
        assert_eq!(quoted("it's a course"), "'it'\\''s a course'");
    }

    #[test]
    fn what_cannot_be_shared_out_is_refused_here() {
        let refused = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            understood(&words, Language::En).map(|job| job.name).unwrap_err()
        };
        assert!(refused(&["run", "a.yaml"]).contains("grade"));
        let rubric = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rubrics/turns.yaml");
        assert!(refused(&["grade", rubric, "s", "--shard", "1/2"]).contains("--shard"));
        assert!(refused(&["grade", "none.yaml", "s"]).contains("none.yaml"));
        assert!(refused(&["grade", "r.yaml", "s", "--jbos", "2"]).contains("--jobs"));
    }
}
