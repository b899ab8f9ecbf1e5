//! Workflow commands of GitHub Actions: they mark a job, beside the scenario, with what its thresholds came to.
//!
//! The run and compare commands print them where that is what reads standard output. They repeat what the report says and
//! decide nothing.

use std::fmt::Write as _;

use harness_judge::compare::{Ruling, judge_run};
use harness_model::history::Record;
use harness_tell::language::Language;
use harness_tell::language::threshold_words::limited;
use harness_tell::report::plain;

/// Whether GitHub Actions reads along.
pub(super) fn are_read() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Marks the thresholds of a run that did not pass.
pub(super) fn of_thresholds(record: &Record, language: Language) {
    if are_read() {
        anstream::print!("{}", lines(record, language));
    }
}

fn lines(record: &Record, language: Language) -> String {
    let mut text = String::new();
    for one in judge_run(record).iter().filter(|one| one.ruling != Ruling::Pass) {
        let kind = if one.ruling == Ruling::Fail { "error" } else { "warning" };
        let file = escaped(&record.plan.file.display().to_string()).replace(':', "%3A").replace(',', "%2C");
        let said = format!("{}: {}", plain(&one.gate.text, 200), limited(language, one));
        let _ = writeln!(text, "::{kind} file={file},title=harness::{}", escaped(&said));
    }
    text
}

/// In these commands the percent sign begins an escape, and a line end ends the command.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::lines;
    use harness_tell::language::Language;
    use harness_tell::report::testkit::RunBuilder;

    #[test]
    fn doubt_is_a_warning_and_a_miss_an_error() {
        let limits = ["steady: error_rate > 50%", "steady: rate{vs:nginx} > 90%", "steady: rate > 1/s"];
        let run = RunBuilder::new("a,b").ready().load("steady", 2_000, 0).limits(&limits).build();
        let text = lines(&run.record, Language::En);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0]
                .starts_with("::error file=scenarios/a%2Cb.yaml,title=harness::steady: error_rate > 50%25: ")
        );
        assert!(lines[1].starts_with("::warning "));
    }
}
