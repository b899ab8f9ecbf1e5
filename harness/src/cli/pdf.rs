//! `--pdf`: the report as a document for paper, printed by a Chromium that is installed.
//!
//! The report command calls it after the pages are drawn. Nothing is drawn here: the page has a style for paper. A browser that
//! is missing or hangs costs the document and never the result.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use harness_platform::wait_at_most;
use harness_tell::language::Language;
use harness_tell::language::trend_words::{no_browser, not_printed, printed_at};

/// Programs that print pages alike, the usual one first.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// A browser that has not printed by then hangs.
const PRINTED_WITHIN: Duration = Duration::from_secs(60);
/// Time between two looks at it.
const PAUSE: Duration = Duration::from_millis(100);

/// Prints a page beside itself, with the ending `pdf`, and says so.
pub(super) fn print(page: &Path, language: Language) {
    let Some(browser) = installed() else {
        anstream::eprintln!("{}", no_browser(language));
        return;
    };
    let document = page.with_extension("pdf");
    match printed(&browser, page, &document) {
        Ok(()) => anstream::println!("{}", printed_at(language, &document.display().to_string())),
        Err(why) => anstream::eprintln!("{}", not_printed(language, &document.display().to_string(), &why)),
    }
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name))).find(|p| p.is_file())
}

fn printed(browser: &Path, page: &Path, document: &Path) -> Result<(), String> {
    let page = page.canonicalize().map_err(|error| error.to_string())?;
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut command = Command::new(browser);
    command.args(["--headless=new", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"]);
    // As root Chromium has no sandbox to offer; the page is our own and loads nothing.
    if rustix::process::geteuid().is_root() {
        command.arg("--no-sandbox");
    }
    command
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--print-to-pdf={}", document.display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    match wait_at_most(&mut child, PRINTED_WITHIN, PAUSE) {
        Ok(Some(status)) if status.success() && document.is_file() => Ok(()),
        Ok(Some(status)) => Err(status.to_string()),
        Ok(None) => Err(format!("{PRINTED_WITHIN:?}")),
        Err(error) => Err(error.to_string()),
    }
}
