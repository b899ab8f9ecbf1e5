//! `harness league` as a user runs it: several proxies, one page in two languages whose figures are those of its document, and the
//! slips that people make.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::devtools::{Browser, installed};
use crate::guilty_proxy;
use crate::interruption::wait_for;
use harness_judge::compare::Middle;
use harness_model::plan::Metric;
use harness_tell::language::Language;
use harness_tell::language::compare_words::middle;

const SPEED: &str = r#"
name: brief
title: {en: "In brief", es: "En breve"}
covers: [REQ-3]
proxy: {ttl: 60s}
backends: {count: 2, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - load:
      tag: hits
      executor: {constant-arrival-rate: {rate: 100/s, duration: 300ms, max_vus: 50}}
      path: "/hit/{key}"
      keys: 5
checks: {integrity.bodies: , proxy.alive: }
"#;

/// Three proxies: an honest one, one that picks backends at random, one that is not installed.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        std::fs::create_dir(folder.path().join("asked")).expect("a folder");
        std::fs::copy(here.join("scenarios/turns.yaml"), folder.path().join("asked/turns.yaml"))
            .expect("a scenario");
        // It lies beside the others, as in a checkout, and is no family.
        std::fs::write(folder.path().join("asked/brief.yaml"), SPEED).expect("the speed part");
        for (name, defect) in [("honest", "none"), ("random", "random-balancing")] {
            let file = folder.path().join(format!("{name}.yaml"));
            guilty_proxy::write_adapter(&file, guilty_proxy::program(), defect);
            let text = std::fs::read_to_string(&file).expect("an adapter");
            std::fs::write(&file, text.replace("name: guilty", &format!("name: {name}")))
                .expect("an adapter");
        }
        let absent = "name: absent\nprogram: {installed: {name: no-such-proxy, advice: \"apt-get install <it> | now\"}}\n\
                      start: [\"{{ program }}\"]\ncapabilities: {cache: none, ttl: none}\n";
        std::fs::write(folder.path().join("absent.yaml"), absent).expect("an adapter");
        Bench { folder }
    }

    fn command(&self, proxies: &[&str], more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.current_dir(self.folder.path()).args(["league", "asked", "--lang", "en", "--seed", "7"]);
        if !more.contains(&"--speed") {
            command.args(["--speed", "asked/brief.yaml"]);
        }
        command.args(more).env_remove("GITHUB_STEP_SUMMARY");
        for name in proxies {
            command.arg("--sut").arg(name);
        }
        command
    }

    /// Exit code and what was printed.
    fn league(&self, proxies: &[&str], more: &[&str]) -> (Option<i32>, String) {
        let output = self.command(proxies, more).output().expect("the harness runs");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.code(), text.concat())
    }

    fn latest(&self) -> PathBuf {
        self.folder.path().join("reports/league/latest")
    }

    fn page(&self, language: &str) -> String {
        std::fs::read_to_string(self.latest().join(format!("league.{language}.html"))).expect("a page")
    }

    fn document(&self) -> Value {
        let text = std::fs::read(self.latest().join("league.json")).expect("the document");
        serde_json::from_slice(&text).expect("JSON")
    }
}

/// What a reader sees of a piece of a page.
fn seen(markup: &str) -> String {
    let pieces = markup.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().replace('\u{a0}', " ")
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_proxy_has_its_row_and_the_page_says_what_the_document_says() {
    let bench = Bench::new();
    let (code, said) = bench.league(&["honest.yaml", "random.yaml", "absent.yaml"], &["--rounds", "1"]);
    assert_eq!(code, Some(0), "verdicts decide nothing here: {said}");
    assert!(said.contains("absent is not here: apt-get install <it> | now"), "{said}");
    assert!(said.contains("✗ rr.serial_cycle") && said.contains("fewer than 8 rounds"), "{said}");

    let document = bench.document();
    assert_eq!(
        (&document["end"], &document["carried_out"]),
        (&"whole".into(), &2.into()),
        "brief is no family"
    );
    let entrants = array(&document, "entrants");
    let here: Vec<bool> = entrants.iter().filter_map(|entrant| entrant["here"].as_bool()).collect();
    assert_eq!(here, [true, true, false]);
    let cell = |entrant: usize| {
        array(&entrants[entrant], "cells").iter().find(|cell| cell["requirement"] == "REQ-9").expect("a cell")
    };
    assert_eq!((&cell(0)["outcome"], &cell(1)["outcome"]), (&"pass".into(), &"fail".into()));

    for language in Language::ALL {
        let page = bench.page(language.code());
        the_matrix_is_that_of(&page, entrants);
        figures_are_those_of(&page, &document["speed"], language);
        every_link_leads_somewhere(&page, &bench.latest());
        assert!(page.contains("apt-get install &lt;it&gt; | now"), "who is absent is named with the advice");
    }
    assert!(bench.page("es").contains("No están aquí") && bench.page("en").contains("Not here"));
    let markdown = std::fs::read_to_string(bench.latest().join("league.md")).expect("Markdown");
    assert!(markdown.contains("| honest |") && markdown.contains("### hits · CPU per request"), "{markdown}");
    it_fits(&bench.latest());
}

/// Sign, required and beyond of every cell, in the order of the requirements.
fn the_matrix_is_that_of(page: &str, entrants: &[Value]) {
    for entrant in entrants.iter().filter(|entrant| entrant["here"] == true) {
        let name = entrant["name"].as_str().expect("a name");
        let row =
            page.split(&format!("href=\"#proxy-{name}\"")).nth(1).and_then(|rest| rest.split("</tr>").next());
        let row = seen(&row.expect("its row")[1..]);
        let mut told = String::new();
        for cell in array(entrant, "cells") {
            let sign = match cell["outcome"].as_str() {
                Some("pass") => "✓",
                Some("fail") => "✗",
                Some("inconclusive") => "?",
                other => panic!("{other:?}"),
            };
            let figure = |key: &str| cell[key].as_u64().expect("a number");
            told += &format!("{sign} ");
            if figure("required") > 0 {
                told += &format!("{}/{}", figure("passed"), figure("required"));
            }
            if figure("beyond") > 0 {
                told += &format!("+{}/{}", figure("beyond_passed"), figure("beyond"));
            }
        }
        assert!(!told.is_empty() && row.contains(&told), "{name}: {told} in {row}");
    }
}

/// Every CPU time and latency of the document stands on the page.
fn figures_are_those_of(page: &str, speed: &Value, language: Language) {
    let page = seen(page);
    let mut compared = 0;
    for side in array(speed, "sides") {
        for figure in array(side, "figures").iter().filter(|figure| figure["value"].is_object()) {
            let metric = match figure["subject"]["metric"].to_string() {
                text if text.contains("cpu_per_request") => Metric::CpuPerRequest,
                text if text.contains("0.5") => Metric::Latency(0.5),
                _ => continue,
            };
            let value = &figure["value"];
            let number = |value: &Value| value.as_f64().expect("a number");
            let range = (number(&value["range"][0]), number(&value["range"][1]));
            let told = Middle { median: number(&value["median"]), interval: None, range, rounds: 1 };
            let told = middle(language, metric, Some(told)).replace('\u{a0}', " ");
            assert!(page.contains(&told), "{}: {told}", side["name"]);
            compared += 1;
        }
    }
    // CPU of both proxies; p50 of both, and of the way without one.
    assert_eq!(compared, 5, "{speed}");
}

fn every_link_leads_somewhere(page: &str, folder: &Path) {
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let evidence = links.iter().filter(|link| link.starts_with("runs/"));
    let mut seen = 0;
    for link in evidence {
        let (file, check) = link.split_once('#').unwrap_or((link, ""));
        let report =
            std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{link}: {error}"));
        assert!(check.is_empty() || report.contains(&format!("id=\"{check}\"")), "{link}");
        seen += 1;
    }
    assert!(seen > 10, "{seen} links to evidence");
    for link in links.iter().filter_map(|link| link.strip_prefix('#')) {
        assert!(page.contains(&format!("id=\"{link}\"")), "#{link}");
    }
}

/// On a telephone, a laptop and a wide screen.
fn it_fits(folder: &Path) {
    let Some(program) = installed() else {
        println!("skipped: chromium is not installed");
        return;
    };
    let mut browser = Browser::start(&program);
    for language in Language::ALL {
        for width in [390, 1280, 1920] {
            browser.open(&folder.join(format!("league.{}.html", language.code())), width);
            let over =
                browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert!(over.as_f64() <= Some(1.0), "{over} px too wide at {width}");
            assert_eq!(browser.ask("document.documentElement.lang"), language.code());
            assert_eq!(browser.complaints, Vec::<String>::new());
        }
    }
}

#[test]
fn slips_are_told_before_anything_runs() {
    let bench = Bench::new();
    let nothing = |proxies: &[&str], more: &[&str], words: &str| {
        let (code, said) = bench.league(proxies, more);
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains(words), "{words} in {said}");
        assert!(!bench.folder.path().join("reports").exists(), "nothing was begun");
    };
    nothing(&["ngnix"], &[], "did you mean `nginx`?");
    nothing(&["absent.yaml"], &[], "none of these proxies is on this machine");
    nothing(&["honest.yaml", "honest.yaml"], &[], "two proxies are called honest");
    nothing(&["asked/turns.yaml"], &[], "asked/turns.yaml");
    nothing(&["honest.yaml"], &["asked/nothing.yaml"], "asked/nothing.yaml");
    nothing(&["honest.yaml"], &["--speed", "asked/nothing.yaml"], "--rounds 0 leaves the part out");
    nothing(&["honest.yaml"], &["--speed", "asked/turns.yaml"], "has no load step");
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    let output =
        command.args(["league", "--lang", "en"]).current_dir(elsewhere.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("there is no folder scenarios here"), "{said}");
}

#[test]
fn what_is_interrupted_leaves_a_page_that_says_so() {
    let bench = Bench::new();
    let mut command = bench.command(&["honest.yaml", "random.yaml"], &["--rounds", "2"]);
    let mut league = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the harness starts");
    // The first of two runs is on the page, and the second has not ended.
    wait_for("the first run", || {
        let page = std::fs::read_dir(bench.folder.path().join("reports/league")).ok()?.flatten().next()?;
        std::fs::read_to_string(page.path().join("league.json"))
            .ok()?
            .contains("\"carried_out\": 1")
            .then_some(())
    });
    kill_process(Pid::from_child(&league), Signal::INT).expect("the harness runs");
    let status = wait_for("its end", || league.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(130));
    let document = bench.document();
    assert_eq!((&document["end"], &document["carried_out"]), (&"interrupted".into(), &1.into()));
    assert_eq!(document["exit_code"], 130);
    assert!(bench.page("en").contains("this page is partial, with 1 of 2 runs"));
    let spanish = bench.page("es");
    assert!(
        spanish.contains("esta página es parcial, con 1 de 2 ejecuciones")
            && spanish.contains("no se ejecutó")
    );
    // What was not carried out is no failure.
    let outcomes: Vec<&Value> =
        array(&document["entrants"][1], "cells").iter().map(|cell| &cell["outcome"]).collect();
    assert!(!outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.is_null()), "{outcomes:?}");

    // Time that is over ends it in the same way.
    let (code, said) = bench.league(&["honest.yaml"], &["--max-duration", "1ms"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(bench.page("en").contains("--max-duration allows more"), "{said}");
}
