//! `junit.xml`: the verdicts for CI systems, one test case a check.
//!
//! `pages` writes it. What decides the exit code is a failure or an error here, what does not decide it is never one: an
//! optimal check that failed is a skipped case that says so.

use std::collections::BTreeSet;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Overview, Source, command_for};
use crate::language::threshold_words::limited;
use crate::language::{InWords as _, Language, explanation, title, verdict_sentence};
use harness_judge::check::{Outcome, Verdict};
use harness_judge::compare::{Limited, Ruling};
use harness_model::catalogue::Kind;
use harness_model::exit_code::ExitCode;
use harness_model::history::EventKind;
use harness_model::plan::OnInconclusive;

/// The document as bytes.
pub(super) fn bytes(source: &Source<'_>) -> Result<Vec<u8>, quick_junit::SerializeError> {
    let plan = source.plan();
    let overview = Overview::of(source);
    let mut suite = TestSuite::new(format!("{}.{}", plan.name, plan.adapter.name));
    suite.set_time(overview.took);
    suite.add_property(Property::new("proxy", plan.adapter.name.as_str()));
    suite.add_property(Property::new("seed", plan.seed.to_string()));
    suite.add_property(Property::new("exit_code", overview.exit.number().to_string()));
    suite.add_property(Property::new("command", source.command()));
    if let Some(hash) = &source.attachments.run_hash {
        suite.add_property(Property::new("run_hash", hash.as_str()));
    }
    for verdict in source.verdicts {
        suite.add_test_case(case(source, verdict));
    }
    for one in &overview.thresholds {
        suite.add_test_case(threshold_case(one, plan.on_inconclusive));
    }
    if let Some(why) = overview.doubted(Language::En) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(why);
        suite.add_test_case(TestCase::new("record", status));
    }
    if let Some(problem) = not_judged(overview.exit) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(problem);
        suite.add_test_case(TestCase::new("run", status));
    }
    let mut report = Report::new("harness");
    report.set_time(overview.took);
    report.add_test_suite(suite);
    let mut bytes = Vec::new();
    report.serialize(&mut bytes)?;
    Ok(bytes)
}

/// A run that ended before it could be judged is an error of its own, beside whatever verdicts there are.
fn not_judged(exit: ExitCode) -> Option<&'static str> {
    match exit {
        ExitCode::ProxyNotReady => Some("the proxy under test did not get ready"),
        ExitCode::Interrupted => Some("the run was interrupted"),
        ExitCode::TimeOver => Some("the time allowed was over before the run was"),
        ExitCode::Bug => Some("the harness has a bug"),
        _ => None,
    }
}

/// Time of the steps that the evidence of a verdict comes from.
fn took(source: &Source<'_>, verdict: &Verdict) -> Duration {
    let steps: BTreeSet<usize> =
        verdict.evidence.iter().filter_map(|&line| source.events().get(line)?.step).collect();
    let at = |step: usize, wanted: fn(&EventKind) -> bool| {
        source.events().iter().find(|event| event.step == Some(step) && wanted(&event.event))
    };
    let lasted = |step: usize| {
        let began = at(step, |event| matches!(event, EventKind::StepStarted))?.at;
        let ended = at(step, |event| matches!(event, EventKind::StepEnded { .. }))?.at;
        Some(Duration::from_nanos(ended.0.saturating_sub(began.0)))
    };
    steps.into_iter().filter_map(lasted).sum()
}

fn case(source: &Source<'_>, verdict: &Verdict) -> TestCase {
    let strict = source.plan().strict;
    let words = verdict.outcome.in_words(Language::En);
    let told = format!("{words}: {}", verdict_sentence(verdict, Language::En));
    let mut status = match (verdict.kind, verdict.outcome) {
        (_, Outcome::Pass) => TestCaseStatus::success(),
        (Kind::Required, Outcome::Fail) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (Kind::Required, Outcome::Unsupported) if strict => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
        (Kind::Required, Outcome::Inconclusive | Outcome::Skipped) => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        _ => TestCaseStatus::skipped(),
    };
    if verdict.outcome != Outcome::Pass {
        status.set_message(told.as_str());
        status.set_type(words);
        let cause =
            verdict.cause.map(|cause| format!("likely cause: {}\n", explanation(cause, Language::En)));
        status.set_description(format!(
            "{told}\n{}again: {}\nreport: report.en.html#{}",
            cause.unwrap_or_default(),
            command_for(source, verdict.check),
            verdict.check
        ));
    }
    let mut case = TestCase::new(verdict.check.name(), status);
    case.set_time(took(source, verdict));
    case.set_classname(verdict.requirement.id());
    case.set_system_out(format!(
        "{}\n{told}\n{} · {} · {}:{}",
        title(verdict.check, Language::En),
        verdict.kind.in_words(Language::En),
        verdict.source,
        verdict.line.file.display(),
        verdict.line.line
    ));
    case
}

fn threshold_case(one: &Limited, on_inconclusive: OnInconclusive) -> TestCase {
    let mut status = match (one.ruling, on_inconclusive) {
        (Ruling::Pass, _) => TestCaseStatus::success(),
        (Ruling::Fail, _) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (Ruling::Inconclusive, OnInconclusive::Fail) => TestCaseStatus::non_success(NonSuccessKind::Error),
        (Ruling::Inconclusive, OnInconclusive::Warn) => TestCaseStatus::skipped(),
    };
    let told = limited(Language::En, one);
    if one.ruling != Ruling::Pass {
        status.set_message(told.as_str());
        status.set_type(one.ruling.in_words(Language::En));
    }
    let mut case = TestCase::new(one.gate.text.as_str(), status);
    case.set_classname("thresholds");
    case.set_system_out(told);
    case
}

#[cfg(test)]
mod tests {
    use crate::report::testkit::{RunBuilder, verdict};
    use harness_judge::check::Outcome;
    use harness_model::catalogue::{CheckId, Kind};

    #[test]
    fn only_what_decides_the_exit_code_is_a_failure() {
        let mut sliding = verdict(CheckId::TtlSliding, Outcome::Fail);
        sliding.kind = Kind::Optimal;
        let run = RunBuilder::new("ttl")
            .ready()
            .verdict(verdict(CheckId::TtlExpiry, Outcome::Fail))
            .verdict(sliding)
            .verdict(verdict(CheckId::CacheHit, Outcome::Inconclusive))
            .build();
        let xml = String::from_utf8(super::bytes(&run.source()).unwrap()).unwrap();
        assert!(
            xml.contains(r#"tests="3" skipped="1" errors="1" failures="1""#)
                || xml.contains(r#"failures="1""#),
            "{xml}"
        );
        assert_eq!(xml.matches("<failure").count(), 1);
        assert_eq!(xml.matches("<error").count(), 1);
        assert_eq!(xml.matches("<skipped").count(), 1);
        assert!(xml.contains(r#"name="run_hash""#));
        assert!(xml.contains("--only ttl.expiry") && xml.contains("report.en.html#ttl.expiry"), "{xml}");
    }

    #[test]
    fn an_open_threshold_is_an_error_unless_it_is_a_warning() {
        let mut run = RunBuilder::new("pace")
            .ready()
            .load("steady", 2_000, 0)
            .limits(&["steady: latency p(50) < 500us", "rss_peak{vs:nginx} < 2x"])
            .verdict(verdict(CheckId::IntegrityBodies, Outcome::Pass))
            .build();
        let xml = |run: &crate::report::testkit::MadeUpRun| {
            String::from_utf8(super::bytes(&run.source()).unwrap()).unwrap()
        };
        let strict = xml(&run);
        assert_eq!(
            (strict.matches("<failure").count(), strict.matches("<error").count()),
            (1, 1),
            "{strict}"
        );
        run.record.plan.on_inconclusive = harness_model::plan::OnInconclusive::Warn;
        let lenient = xml(&run);
        assert_eq!((lenient.matches("<error").count(), lenient.matches("<skipped").count()), (0, 1));
    }
}
