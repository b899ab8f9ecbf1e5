//! What a run writes for other programs, read by programs that nobody here wrote: each output by its schema or its consumer.
//!
//! One short run of a proxy that has a defect, so that there are failures to be read. The same run, drawn again from its
//! folder, must give the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;

fn harness() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.env("LANG", "en_US.UTF-8").env_remove("GITHUB_STEP_SUMMARY");
    command
}

/// A run folder of the toy proxy that picks its backends at random, and the summary that a CI job would show.
fn a_run(folder: &Path) -> (PathBuf, String) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let submission = folder.join("submission");
    fs::create_dir(&submission).expect("a folder");
    let source = fs::read_to_string(here.join("submissions/toy_proxy.py")).expect("the toy proxy");
    let source = source.replace("DEFECT = \"none\"", "DEFECT = \"random\"");
    fs::write(submission.join("proxy.py"), source).expect("its source");
    fs::copy(here.join("submissions/pibl-judge.yaml"), submission.join("pibl-judge.yaml"))
        .expect("its profile");
    let summary = folder.join("step summary.md");
    fs::write(&summary, "before\n\n").expect("what earlier steps wrote");
    let output = harness()
        .arg("run")
        .arg(here.join("scenarios/turns.yaml"))
        .arg("--sut")
        .arg(submission.join("pibl-judge.yaml"))
        .arg("--out")
        .arg(folder.join("reports"))
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .expect("the harness runs");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let run = folder.join("reports/turns/toy/latest").canonicalize().expect("a run folder");
    (run, fs::read_to_string(summary).expect("a summary"))
}

#[test]
fn each_output_is_read_by_its_consumer_and_drawn_again_in_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (run, step_summary) = a_run(folder.path());
    let verdicts: Value =
        serde_json::from_slice(&fs::read(run.join("verdicts.json")).expect("verdicts")).expect("JSON");
    assert_fits(&verdicts, &schema("results"));
    let mut broken = verdicts.clone();
    broken["verdicts"][0]["outcome"] = "maybe".into();
    assert!(!jsonschema::is_valid(&schema("results"), &broken), "the schema refuses what is no outcome");
    let rows = verdicts["verdicts"].as_array().expect("verdicts");

    let junit = fs::read_to_string(run.join("junit.xml")).expect("junit.xml");
    let junit = quick_junit::Report::deserialize_from_str(&junit).expect("JUnit");
    let cases: Vec<_> = junit.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
    assert_eq!(cases.len(), rows.len());
    assert!(junit.failures >= 1, "{junit:?}");

    let summary = fs::read_to_string(run.join("summary.md")).expect("summary.md");
    let every_row = |text: &str| markdown_rows(text).iter().sum::<usize>();
    assert_eq!(every_row(&summary), 2 * rows.len(), "each row in each language");
    let shown = step_summary.strip_prefix("before\n\n").expect("appended, not replaced").trim_end();
    assert!(summary.contains(shown) && every_row(shown) == rows.len(), "one language of it: {shown}");

    for language in ["en", "es"] {
        let page = fs::read_to_string(run.join(format!("report.{language}.html"))).expect("a page");
        assert_page_says_what_was_judged(&page, &verdicts, language);
        assert_page_counts_what_was_recorded(&page, &run, language);
    }

    let before = bytes_of(&run);
    let again = harness().arg("report").arg(&run).output().expect("the harness runs");
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));
    let after = bytes_of(&run);
    assert!(before.keys().eq(after.keys()), "the same files");
    for (name, bytes) in &before {
        assert!(after[name] == *bytes, "{} has other bytes when drawn again", name.display());
    }
    a_history_says_what_changed(&run, &before);
}

/// The same run once more, as of a year ago and with one verdict that was better then.
fn a_history_says_what_changed(run: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    let (root, older) = (run.parent().expect("a folder"), run.with_file_name("older"));
    fs::create_dir(&older).expect("a folder");
    for (path, bytes) in files.iter().filter(|(path, _)| path.parent() == Some(run)) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let text = match path.file_name().and_then(|name| name.to_str()) {
            Some("verdicts.json") => text.replacen("\"outcome\": \"fail\"", "\"outcome\": \"pass\"", 1),
            Some("manifest.json") => text.replacen("\"started\": \"20", "\"started\": \"19", 1),
            _ => text,
        };
        fs::write(older.join(path.file_name().expect("a name")), text).expect("a copy");
    }
    let output = harness().args(["report", "--history"]).arg(root).output().expect("the harness runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(root.join("history.es.html")).expect("a page");
    assert!(page.contains("rr.serial_cycle: cumple → no cumple"), "{page}");
    assert!(page.contains("older/report.es.html"));
    let events = fs::read_to_string(older.join("events.jsonl")).expect("the events");
    fs::write(older.join("events.jsonl"), events.replacen("\"b2\"", "\"b1\"", 1)).expect("the events");
    let output = harness().args(["report", "--history"]).arg(root).output().expect("the harness runs");
    assert_eq!(output.status.code(), Some(2), "a record that was changed is no history");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("older") && said.contains("events.jsonl"), "{said}");
    let nothing = harness().args(["report", "--history"]).arg(run.join("plots")).output().expect("it runs");
    assert_eq!(nothing.status.code(), Some(4), "no run lies there");
}

/// Every place of a page that counts or names outcomes agrees with the verdicts.
fn assert_page_says_what_was_judged(page: &str, verdicts: &Value, language: &str) {
    let rows = verdicts["verdicts"].as_array().expect("verdicts");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut judged: Vec<(String, String)> =
        rows.iter().map(|row| (text(&row["check"]), text(&row["outcome"]))).collect();
    judged.sort();
    let listed = |from: &str, to: &str, item: &str, name: (&str, &str)| {
        let list = between(page, from, to).expect("the list");
        let mut found: Vec<(String, String)> = list
            .split(item)
            .skip(1)
            .map(|one| {
                let outcome = one.split('"').next().expect("an outcome").to_owned();
                (between(one, name.0, name.1).expect("a name").to_owned(), outcome)
            })
            .collect();
        found.sort();
        found
    };
    assert_eq!(listed("<nav", "</nav>", "<li data-outcome=\"", ("class=\"name\">", "<")), judged);
    let table = ("<table class=\"glance\"", "</table>");
    assert_eq!(listed(table.0, table.1, "<tr data-outcome=\"", ("href=\"#", "\"")), judged);
    assert_eq!(listed("<main", "</main>", "<article class=\"check ", ("id=\"", "\"")), judged);
    for row in rows {
        // A sentence begins with a capital on a page, and its blanks may be such that no line breaks there.
        let sentence = text(&row["sentence"][language]).replace('&', "&amp;").replace('<', "&lt;");
        let rest: String = sentence.chars().skip(1).collect();
        assert!(page.replace('\u{a0}', " ").contains(&rest.replace('\u{a0}', " ")), "{sentence}");
    }
    for outcome in ["fail", "inconclusive", "blocked", "skipped", "unsupported", "manual", "pass"] {
        let counted = between(page, &format!("data-filter=\"{outcome}\""), "</button>").map(|button| {
            between(button, "class=\"count\">", "<").expect("a count").parse::<usize>().expect("a number")
        });
        let here = judged.iter().filter(|(_, one)| one == outcome).count();
        assert_eq!(counted.unwrap_or(0), here, "{outcome}");
    }
    let required = |outcome: &str| {
        rows.iter()
            .filter(|row| row["kind"] == "required" && (outcome.is_empty() || row["outcome"] == outcome))
            .count()
    };
    let score = if language == "en" { "Score" } else { "Puntaje" };
    let score = between(page, &format!("<dt>{score}</dt><dd>"), "</dd>").expect("a score");
    let figures: Vec<usize> = score.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!(figures, [required("pass"), required("")], "{score}");
    let code = between(page, "<p class=\"code\">", "</p>").expect("an exit code");
    assert!(code.contains(&format!("<b>{}</b>", verdicts["exit_code"])), "{code}");
}

/// The traffic that the first screen tells is that of the ledger.
fn assert_page_counts_what_was_recorded(page: &str, run: &Path, language: &str) {
    let events = fs::read_to_string(run.join("events.jsonl")).expect("the events");
    let of_kind = |kind: &str| {
        let begins = format!("\"event\":{{\"{kind}\":");
        events.lines().filter(|line| line.contains(&begins)).count()
    };
    let label = if language == "en" { "Traffic" } else { "Tráfico" };
    let told = between(page, &format!("<dt>{label}</dt><dd>"), "</dd>").expect("the traffic");
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let figures: Vec<String> = told.split(", ").map(digits).collect();
    assert_eq!(figures, [of_kind("exchange").to_string(), of_kind("attempt").to_string()], "{told}");
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    rest.split_once(to).map(|(found, _)| found)
}

fn schema(kind: &str) -> Value {
    let output = harness().args(["schema", kind]).output().expect("the harness runs");
    serde_json::from_slice(&output.stdout).expect("a schema is JSON")
}

fn assert_fits(document: &Value, schema: &Value) {
    let validator = jsonschema::validator_for(schema).expect("a schema that is one");
    let problems: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// How many rows each table has, as a reader of Markdown sees them.
fn markdown_rows(text: &str) -> Vec<usize> {
    let mut tables = Vec::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Table(_)) => tables.push(0),
            Event::Start(Tag::TableRow) => *tables.last_mut().expect("a row of a table") += 1,
            Event::Html(html) | Event::InlineHtml(html) => {
                let known = ["<details><summary>", "</details>"];
                assert!(known.iter().any(|tag| html.starts_with(tag)), "no markup but our own: {html}");
            }
            _ => {}
        }
    }
    tables
}

/// Every file beneath a folder.
fn bytes_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(here) = folders.pop() {
        for entry in fs::read_dir(here).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path(), fs::read(entry.path()).expect("a file"));
            }
        }
    }
    found
}
