//! Workflow commands of GitHub Actions: they mark a job, at the line of the scenario, with what failed.
//!
//! The run and compare commands print them where that is what reads standard output. They repeat what the report says and
//! decide nothing.

use std::fmt::Write as _;

use harness_judge::check::Outcome;
use harness_judge::compare::{Ruling, judge_run};
use harness_model::catalogue::Kind;
use harness_tell::language::threshold_words::limited;
use harness_tell::language::{Language, verdict_sentence};
use harness_tell::report::{Source, groups, plain};

/// Whether GitHub Actions reads along.
pub(super) fn are_read() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// GitHub shows so many of a kind for each step of a job; the first ones are those to be mended first.
const MOST: usize = 10;

/// Marks what did not pass in a run: thresholds, then checks in the order of mending.
pub(super) fn of_run(source: &Source<'_>, language: Language) {
    if are_read() {
        anstream::print!("{}", lines(source, language));
    }
}

fn lines(source: &Source<'_>, language: Language) -> String {
    let plan = source.plan();
    let mut marks: Vec<(&str, Option<usize>, String)> = Vec::new();
    for one in judge_run(source.record).iter().filter(|one| one.ruling != Ruling::Pass) {
        let kind = if one.ruling == Ruling::Fail { "error" } else { "warning" };
        marks.push((kind, None, format!("{}: {}", plain(&one.gate.text, 200), limited(language, one))));
    }
    let groups = groups(source.verdicts, plan.strict);
    let failed = groups.iter().flat_map(|group| &group.failures).map(|&place| &source.verdicts[place]);
    let open = source
        .verdicts
        .iter()
        .filter(|verdict| verdict.kind == Kind::Required && verdict.outcome == Outcome::Inconclusive);
    for verdict in failed.chain(open) {
        let decides = verdict.kind == Kind::Required && verdict.outcome != Outcome::Inconclusive;
        let said = format!("{}: {}", verdict.check, plain(&verdict_sentence(verdict, language), 600));
        marks.push((if decides { "error" } else { "warning" }, Some(verdict.line.line), said));
    }
    let file = escaped(&plan.file.display().to_string()).replace(':', "%3A").replace(',', "%2C");
    let mut text = String::new();
    for kind in ["error", "warning"] {
        for (_, line, said) in marks.iter().filter(|(of, ..)| *of == kind).take(MOST) {
            let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
            let _ = writeln!(text, "::{kind} file={file}{line},title=harness::{}", escaped(said));
        }
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
    use harness_judge::check::Outcome;
    use harness_model::catalogue::{CheckId, Kind};
    use harness_tell::language::Language;
    use harness_tell::report::testkit::{RunBuilder, verdict};

    #[test]
    fn doubt_is_a_warning_and_a_miss_an_error() {
        let limits = ["steady: error_rate > 50%", "steady: rate{vs:nginx} > 90%", "steady: rate > 1/s"];
        let run = RunBuilder::new("a,b").ready().load("steady", 2_000, 0).limits(&limits).build();
        let text = lines(&run.source(), Language::En);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0]
                .starts_with("::error file=scenarios/a%2Cb.yaml,title=harness::steady: error_rate > 50%25: ")
        );
        assert!(lines[1].starts_with("::warning "));
    }

    #[test]
    fn a_failed_check_is_an_error_at_the_line_that_asks_for_it_and_one_beyond_what_is_required_a_warning() {
        let mut sliding = verdict(CheckId::TtlSliding, Outcome::Fail);
        sliding.kind = Kind::Optimal;
        let mut many: Vec<_> = (0..30).map(|_| verdict(CheckId::CacheHit, Outcome::Fail)).collect();
        many.push(sliding);
        let line = many[0].line.line;
        let run = many.into_iter().fold(RunBuilder::new("ttl").ready(), RunBuilder::verdict).build();
        let text = lines(&run.source(), Language::Es);
        assert_eq!(text.matches("::error ").count(), 10, "{text}");
        assert!(
            text.starts_with(&format!(
                "::error file=scenarios/ttl.yaml,line={line},title=harness::cache.hit: "
            ))
        );
        assert!(text.contains("::warning") && text.contains("ttl.sliding"), "{text}");
    }
}
