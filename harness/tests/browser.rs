//! The pages as people open them: in a browser, from the disk, on a telephone and on a wide screen, by keyboard, on paper.
//!
//! One grading of two submissions gives every kind of page; one of its proxies picks backends at random, the other answers with
//! markup, control characters and ten megabytes of header fields. Without Chromium nothing is tried, and the test says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::devtools::{Browser, installed};

/// A telephone, a tablet, a wide screen.
const WIDTHS: [u32; 3] = [390, 820, 1920];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A folder of grades with the reports in it.
fn graded(folder: &Path) -> PathBuf {
    for defect in ["random", "hostile"] {
        let submission = folder.join("handed in").join(defect);
        fs::create_dir_all(&submission).expect("a folder");
        let source = fs::read_to_string(here().join("submissions/toy_proxy.py")).expect("the toy proxy");
        let source = source.replace("DEFECT = \"none\"", &format!("DEFECT = {defect:?}"));
        fs::write(submission.join("proxy.py"), source).expect("its source");
        fs::copy(here().join("submissions/pibl-judge.yaml"), submission.join("pibl-judge.yaml"))
            .expect("a profile");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("grade")
        .arg(here().join("rubrics/turns.yaml"))
        .arg(folder.join("handed in"))
        .arg("--out")
        .arg(folder)
        .args(["--lang", "es"])
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .expect("the harness runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    // The first submission by name is the hostile one.
    folder.join("grades/turns").canonicalize().expect("grades")
}

#[test]
fn every_page_can_be_used_by_everybody() {
    let Some(program) = installed() else {
        println!("skipped: chromium is not installed");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let grades = graded(folder.path());
    let reports = ["E02", "E01"].map(|team| {
        grades.join(team).join("turns").join(team).join("latest").canonicalize().expect("a run folder")
    });
    let once_more = folder.path().join("once-more");
    replayed(&reports[1], &once_more);
    let mut browser = Browser::start(&program);
    let axe = axe();
    for language in ["es", "en"] {
        let defence = if language == "es" { "sustentacion.es.html" } else { "defence.en.html" };
        let pages = [
            reports[0].join(format!("report.{language}.html")),
            reports[1].join(format!("report.{language}.html")),
            grades.join(format!("index.{language}.html")),
            grades.join(format!("E02/index.{language}.html")),
            grades.join("defence/E02").join(defence),
            once_more.join(format!("live.{language}.html")),
        ];
        for page in &pages {
            // Both languages are drawn by the same code: one of them tries all widths.
            let widths = if language == "es" { &WIDTHS[..] } else { &WIDTHS[..1] };
            for width in widths {
                browser.open(page, *width);
                fits(&mut browser, page, language, *width);
            }
            if let Some(axe) = axe.as_ref().filter(|_| language == "es") {
                no_barriers(&mut browser, axe, page);
            }
        }
        the_report_answers(&mut browser, &pages[0]);
        the_live_page_plays(&mut browser, &pages[5], language);
        paper(&mut browser, &pages[0]);
    }
    harmless(&mut browser, &reports[1]);
    if axe.is_none() {
        println!(
            "skipped the scan for barriers: no axe-core (npm install --prefix target/npm axe-core, or AXE_CORE)"
        );
    }
}

/// The pages that show a run once more.
fn replayed(run: &Path, into: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg("live").arg(run).arg("--save").arg(into).args(["--lang", "es"]);
    assert!(command.status().expect("the harness runs").success());
}

/// It plays, stops, goes to its end and back by keyboard, and says at its end what the report says.
fn the_live_page_plays(browser: &mut Browser, page: &Path, language: &str) {
    browser.open(page, 1280);
    let pressed = "document.getElementById('play').getAttribute('aria-pressed')";
    assert_eq!(browser.ask(pressed), "true");
    browser.press(" ");
    assert_eq!(browser.ask(pressed), "false", "space pauses it");
    browser.ask("document.getElementById('to-end').click()");
    let drawn = "new Promise(done => setTimeout(done, 400))";
    browser.ask(drawn);
    let state = browser.ask("document.getElementById('state').textContent");
    let over = if language == "es" { "Terminada: No cumple" } else { "Over: Fail" };
    assert!(state.as_str().is_some_and(|state| state.starts_with(over)), "{state}");
    let failed = browser.ask("document.querySelectorAll('#failed li').length");
    assert!(failed.as_u64() > Some(0), "what failed stands there");
    browser.ask("document.getElementById('moment').focus()");
    browser.call(
        "Input.dispatchKeyEvent",
        json!({"type": "keyDown", "key": "Home", "code": "Home", "windowsVirtualKeyCode": 36}),
    );
    browser.ask(drawn);
    assert_eq!(browser.ask("document.querySelectorAll('#failed li').length"), 0, "the beginning once more");
    let least = "Math.min(...[...document.querySelectorAll('main *')].filter(e => e.textContent.trim() && !e.children.length && e.tagName !== 'SCRIPT').map(e => parseFloat(getComputedStyle(e).fontSize)))";
    assert!(browser.ask(least).as_f64() >= Some(12.0), "letters of at least 12 px");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// Nothing was complained of, nothing asked of a network, and the page is as wide as the screen.
fn fits(browser: &mut Browser, page: &Path, language: &str, width: u32) {
    let name = format!("{} at {width}", page.display());
    assert_eq!(browser.ask("document.documentElement.lang"), language, "{name}");
    assert_eq!(browser.complaints, Vec::<String>::new(), "{name}");
    let over = browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert!(over.as_f64() <= Some(1.0), "{name} is {over} px too wide");
    let other =
        browser.ask("document.querySelector('a.language').href").as_str().unwrap_or_default().to_owned();
    assert!(Path::new(other.trim_start_matches("file://")).is_file(), "{name}: no page at {other}");
    let dead = browser.ask(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => decodeURIComponent(a.hash.slice(1))).filter(id => id && !document.getElementById(id))",
    );
    assert_eq!(dead, json!([]), "{name}: links that lead nowhere");
}

/// Filters, deep links, the zoom of the timeline, the keyboard.
fn the_report_answers(browser: &mut Browser, page: &Path) {
    browser.open(page, 1280);
    let shown =
        "[...document.querySelectorAll('.check')].filter(c => c.offsetParent).map(c => c.dataset.outcome)";
    let all = browser.ask(shown);
    browser.ask("document.querySelector('[data-filter=fail]').click()");
    let failed = browser.ask(shown);
    let failed = failed.as_array().expect("a list");
    assert!(!failed.is_empty() && failed.iter().all(|outcome| outcome == "fail"), "{failed:?} of {all}");
    browser.ask("document.querySelector('[data-filter=\"\"]').click()");
    assert_eq!(browser.ask(shown), all);

    // Failures stand first; the plan's own order and what is searched for go into the address.
    let order = "[...document.querySelectorAll('.glance tbody tr')].map(r => r.dataset.place)";
    let gravest = browser.ask(order);
    assert_eq!(
        browser.ask("document.querySelector('.glance tbody tr').dataset.outcome"),
        "fail",
        "{gravest}"
    );
    browser.ask("document.getElementById('order').click()");
    let planned = browser.ask(order);
    let numbers: Vec<String> = (0..planned.as_array().map_or(0, Vec::len)).map(|n| n.to_string()).collect();
    assert_eq!(planned, json!(numbers));
    browser.ask("document.getElementById('order').click()");
    assert_eq!(browser.ask(order), gravest);
    browser.press("/");
    assert_eq!(browser.ask("document.activeElement.id"), "search");
    browser.ask(
        "(() => { const s = document.getElementById('search'); s.value = 'serial_cycle'; s.dispatchEvent(new Event('input')); s.blur(); })()",
    );
    let found = "[...document.querySelectorAll('.check')].filter(c => c.offsetParent).map(c => c.id)";
    let found = browser.ask(found);
    let found = found.as_array().expect("a list");
    // Another one may say that it is explained by it.
    assert!(found[0] == "rr.serial_cycle" && found.len() < numbers.len(), "{found:?}");
    assert_eq!(browser.ask("location.search"), "?q=serial_cycle");
    browser.ask(
        "(() => { const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input')); })()",
    );
    browser.press("n");
    let first = browser.ask("document.querySelector('.glance tbody tr a').hash");
    assert_eq!(browser.ask("location.hash"), first, "the first failure");

    browser.ask("location.hash = '#rr.serial_cycle'");
    let check = "document.getElementById('rr.serial_cycle')";
    // It scrolls smoothly: the way takes as long as the machine needs to draw it.
    let arrived = format!(
        "new Promise(done => {{ let looks = 0; const look = () => {{ const top = {check}.getBoundingClientRect().top; if (Math.abs(top) < 900 || ++looks > 200) done(top); else setTimeout(look, 100); }}; look(); }})"
    );
    let top = browser.ask(&arrived);
    assert!(top.as_f64().is_some_and(|top| top.abs() < 900.0), "scrolled to: {top}");
    assert_eq!(browser.ask(&format!("{check}.querySelector('details.evidence').open")), true);

    let axis =
        format!("[...{check}.querySelectorAll('.timeline .axis text')].map(t => t.textContent).join('|')");
    let whole = browser.ask(&axis);
    browser.ask(&format!("{check}.querySelector('[data-zoom=in]').click()"));
    assert_ne!(browser.ask(&axis), whole, "zoomed in");
    browser.ask(&format!("{check}.querySelector('.timeline').focus()"));
    browser.press("0");
    assert_eq!(browser.ask(&axis), whole, "and all of it again by the keyboard");

    browser.open(page, 1280);
    browser.press("Tab");
    assert_eq!(browser.ask("document.activeElement.className"), "skip", "the first stop leads past the head");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

fn paper(browser: &mut Browser, page: &Path) {
    browser.open(page, 1280);
    let printed =
        browser.call("Page.printToPDF", json!({"preferCSSPageSize": true, "printBackground": false}));
    let bytes = printed["data"].as_str().expect("a document");
    let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).expect("base64");
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 20_000, "{} bytes", bytes.len());
}

/// What the hostile proxy sent is shown, and does nothing.
fn harmless(browser: &mut Browser, run: &Path) {
    for language in ["es", "en"] {
        let page = run.join(format!("report.{language}.html"));
        assert!(
            fs::metadata(&page).expect("a page").len() < 3 << 20,
            "ten megabytes of header are not in the page"
        );
        browser.open(&page, 1280);
        browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)");
        browser.ask("new Promise(done => setTimeout(done, 300))");
        assert_eq!(browser.ask("window.evil === undefined"), true, "a script of the proxy ran");
        assert_eq!(
            browser.ask("document.querySelectorAll('img, iframe, object, embed, base, form').length"),
            0
        );
        let text = browser.ask("document.body.textContent");
        let text = text.as_str().expect("a text");
        assert!(text.contains("<script>window.evil"), "it is shown as it was sent");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "without what steers a terminal");
        assert_eq!(browser.complaints, Vec::<String>::new());
    }
}

/// The scanner for barriers, where it is installed.
fn axe() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let inside = "node_modules/axe-core/axe.min.js";
    let named = std::env::var_os("AXE_CORE").map(PathBuf::from);
    let usual = [
        root.join("target/npm").join(inside),
        Path::new("/usr/lib").join(inside),
        Path::new("/usr/local/lib").join(inside),
    ];
    let found = named.into_iter().chain(usual).find_map(|file| fs::read_to_string(file).ok());
    if found.is_none() {
        println!("skipped: axe-core is not installed");
    }
    found
}

fn no_barriers(browser: &mut Browser, axe: &str, page: &Path) {
    browser.ask(&format!("{axe};0"));
    browser.ask("document.querySelectorAll('details').forEach(d => d.open = true)");
    let found = browser.ask(
        "axe.run({resultTypes: ['violations']}).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + (n.any[0] || {}).message)})))",
    );
    assert_eq!(found, Value::Array(Vec::new()), "{}", page.display());
}
