//! Every kind of page, read aloud in Spanish: no English word, no sign of a source text, no number that two people read differently.
//!
//! A test and nothing else. What a proxy, a scenario or a shell says stands in `code` and `pre` and is nobody's language.

use super::live::{self, Feed, Message};
use super::suite::tests::suite;
use super::testkit::{RunBuilder, verdict};
use super::{LivePage, LiveScript, live_page};
use super::{RunDiff, Simulated, SimulationKind, comparison, html, suite, trend};
use crate::language::{Language, samples};
use harness_judge::check::Outcome;
use harness_model::catalogue::CheckId;
use harness_model::fleet::{Forecast, Objective, Overhead};
use harness_model::plan::samples as plans;
use harness_model::terms::Bilingual;

/// Words of English that are none of Spanish, and no name of the field that the course uses in Spanish as well.
const ENGLISH: &[&str] = &[
    "the",
    "of",
    "and",
    "with",
    "was",
    "were",
    "which",
    "that",
    "this",
    "than",
    "for",
    "from",
    "not",
    "what",
    "when",
    "where",
    "who",
    "why",
    "request",
    "requests",
    "answer",
    "answers",
    "answered",
    "check",
    "checks",
    "failed",
    "failure",
    "passed",
    "expected",
    "after",
    "before",
    "should",
    "must",
    "does",
    "did",
    "have",
    "been",
    "because",
    "every",
    "each",
    "other",
    "more",
    "less",
    "first",
    "last",
    "time",
    "line",
    "lines",
    "run",
    "runs",
    "step",
    "steps",
    "file",
    "files",
    "against",
    "between",
    "their",
    "there",
    "into",
    "until",
    "while",
    "only",
    "same",
    "sent",
    "seen",
    "served",
    "optimal",
    "exponential",
    "constant",
    "mean",
    "closed",
    "connection",
    "open",
    "unknown",
    "none",
    "its",
    "is",
    "are",
    "it",
    "be",
    "to",
    "by",
    "or",
    "at",
    "if",
];

/// What a system, or a record of an earlier version, says in its own words and is quoted with them.
const QUOTED: [&str; 5] = [
    "too many open files",
    "curl is not installed",
    "it ended",
    "nothing listens there",
    "somebody listens there",
];

/// The words that a reader sees or hears, without what stands as code.
fn read(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    let skipped =
        ["<script", "<style", "<pre", "<code", "<details class=\"licences\"", "<a class=\"language\""];
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        text.push(' ');
        rest = &rest[at..];
        if let Some(element) = skipped.iter().find(|element| rest.starts_with(**element)) {
            let name = element[1..].split(' ').next().unwrap_or_default();
            let end = format!("</{name}>");
            rest = rest.find(&end).map_or("", |at| &rest[at + end.len()..]);
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        for attribute in ["title=\"", "aria-label=\"", "placeholder=\""] {
            for (at, _) in rest[..end].match_indices(attribute) {
                let value = &rest[at + attribute.len()..];
                text.push_str(value.split('"').next().unwrap_or_default());
                text.push(' ');
            }
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
}

/// What is wrong in a text, each with some of the text around it.
fn wrong(name: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let text = QUOTED.iter().fold(text.to_owned(), |text, quoted| text.replace(quoted, "–"));
    let words: Vec<&str> = text.split_whitespace().collect();
    let around = |at: usize| words[at.saturating_sub(6)..words.len().min(at + 6)].join(" ");
    for (at, word) in words.iter().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        // Names of checks, headers, files and targets hold English words; they are names.
        let is_name = word.contains(['.', '/', '_', '=', '-'])
            && word.trim_end_matches(['.', ',', ';', ':']).contains(['.', '/', '_', '=', '-']);
        if ENGLISH.contains(&bare.as_str()) && !is_name {
            wrong.push(format!("{name}: \"{bare}\" in: {}", around(at)));
        }
        // 1.993 ms is two milliseconds to one reader and two thousand to another.
        let (whole, rest) = bare.split_once('.').unwrap_or((&bare, ""));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() == 1 && rest.len() == 3 && digits(whole) && digits(rest) {
            wrong.push(format!("{name}: {bare} in: {}", around(at)));
        }
        if word.contains('`') {
            wrong.push(format!("{name}: a backtick in: {}", around(at)));
        }
    }
    wrong
}

/// A run with everything that a page can show, and every finding that there is.
fn everything() -> super::testkit::MadeUpRun {
    let mut run = RunBuilder::new("ttl")
        .log("GET /ttl/7 200\n")
        .ready()
        .ttl(2_000, 120)
        .serial(90)
        .thresholds("steady", &[(0.99, 500), (0.999, 20)])
        .load("steady", 5_000, 1)
        .limits(&["steady: latency p(50) < 500us", "steady: rate{vs:nginx} > 90%"])
        .load("only-errors", 50, 100)
        .crashes(4);
    for outcome in
        [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive, Outcome::Blocked, Outcome::Unsupported]
    {
        run = run.verdict(verdict(CheckId::TtlExpiry, outcome));
    }
    for finding in samples::all() {
        let mut one = verdict(CheckId::CacheHit, Outcome::Fail);
        one.cause = finding.likely_cause();
        one.finding = finding;
        run = run.verdict(one);
    }
    run.judged().build()
}

#[test]
fn a_spanish_page_has_no_english_in_it_whatever_it_shows() {
    let es = Language::Es;
    let run = everything();
    let folder = tempfile::tempdir().unwrap();
    let simulated = Simulated {
        kind: SimulationKind::Simulation,
        title: Bilingual { en: "A day".into(), es: "Un día".into() },
        file: "día.yaml".into(),
        seed: 7,
        calibration: None,
        forecasts: vec![Forecast::of(
            "día",
            plans::fleet(plans::fleet_policies(60.0)),
            Overhead::default(),
            Objective { limit_ms: 1_000.0, at_deaths: 0 },
            1,
        )],
    };
    super::write_simulation(folder.path(), &simulated).unwrap();
    let simulation = std::fs::read_to_string(folder.path().join("simulation.es.html")).unwrap();
    let suite_page = suite::write_suite(&suite(), folder.path(), es).unwrap();
    let names = || ["una".to_owned(), "dos".to_owned()];
    let diff = RunDiff::of(run.source(), run.source(), names());
    let compared = comparison::tests::eight_rounds();
    let pages = [
        ("run", html::page(&run.source(), es)),
        ("comparison", html::comparison_page(&compared, &[], es)),
        ("diff", html::diff_page(&diff, es)),
        ("simulation", simulation),
        ("suite", std::fs::read_to_string(suite_page).unwrap()),
        ("history", html::trend_page(&trend::Trend::default(), es)),
    ];
    let mut all = Vec::new();
    for (name, page) in &pages {
        assert!(page.contains("lang=\"es\""), "{name}");
        all.extend(wrong(name, &read(page)));
    }
    for (name, text) in [("terminal", compared.lines(es)), ("terminal", diff.lines(es))] {
        all.extend(wrong(name, &text));
    }
    all.sort();
    all.dedup();
    assert!(all.is_empty(), "{} words:\n{}", all.len(), all.join("\n"));
}

/// What a reader sees of JSON: its strings, except names, codes and what is quoted from elsewhere.
fn strings(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        serde_json::Value::Object(fields) => {
            let names = [
                "is", "state", "check", "what", "backend", "name", "backends", "command", "code", "language",
            ];
            fields
                .iter()
                .filter(|(name, _)| !names.contains(&name.as_str()))
                .for_each(|(_, value)| strings(value, into));
        }
        _ => {}
    }
}

#[test]
fn the_live_page_and_what_it_is_told_have_no_english_in_spanish() {
    let es = Language::Es;
    let run = everything();
    let mut feed = Feed::new(es);
    let mut messages: Vec<Message> = run.record.events.iter().flat_map(|event| feed.next(event)).collect();
    messages.push(live::so_far(&run.source(), run.source().end(), true, es));
    messages.push(live::over(&run.source(), es));
    let page = live_page(&LivePage {
        plan: &run.record.plan,
        language: es,
        lasts: true,
        folder: "reports",
        other: "?lang=en",
        script: LiveScript::Beside,
    });
    let (_, told) = page.split_once("type=\"application/json\">").unwrap();
    let told: serde_json::Value = serde_json::from_str(told.split("</script>").next().unwrap()).unwrap();
    let mut texts = vec![read(&page)];
    strings(&told, &mut texts);
    strings(&serde_json::to_value(&messages).unwrap(), &mut texts);
    assert!(texts.len() > 300, "{} texts", texts.len());
    // What stands between backticks is set as code there, and what stands in braces is a figure.
    let said = |text: &String| {
        let outside = text.split('`').step_by(2).collect::<Vec<_>>().join("–");
        outside.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest)).collect::<String>()
    };
    let all: Vec<String> = texts.iter().flat_map(|text| wrong("live", &said(text))).collect();
    assert!(all.is_empty(), "{} words:\n{}", all.len(), all.join("\n"));
}

#[test]
fn the_reader_finds_what_it_is_there_for() {
    let page = "<p title=\"what was\">byte a byte</p><code>the</code><p>1.993 ms y `x`, the end</p>";
    let found = wrong("page", &read(page));
    assert_eq!(found.len(), 5, "{found:?}");
}
