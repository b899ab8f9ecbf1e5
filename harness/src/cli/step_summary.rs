//! Appends a summary to the file that GitHub names for the page of a CI job.
//!
//! The run, compare and grade commands call it with the Markdown of each result. Without that variable nothing happens; a file that cannot be
//! written costs a line of complaint and never the result.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The variable: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// Appends the text of a file, where there is a summary to append it to.
pub(super) fn append(summary: &Path) {
    if wanted().is_none() {
        return;
    }
    match std::fs::read_to_string(summary) {
        Ok(text) => append_text(&text),
        Err(error) => anstream::eprintln!("{VARIABLE}: {}: {error}", summary.display()),
    }
}

/// Appends a text, where there is a summary to append it to.
pub(super) fn append_text(text: &str) {
    let Some(to) = wanted() else { return };
    let put = |to: &Path| writeln!(OpenOptions::new().append(true).create(true).open(to)?, "{text}");
    if let Err(error) = put(&to) {
        anstream::eprintln!("{VARIABLE}: {}: {error}", to.display());
    }
}

/// The file that is asked for.
fn wanted() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from)
}
