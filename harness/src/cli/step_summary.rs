//! Appends a summary to the file that GitHub names for the page of a CI job.
//!
//! The run, compare and grade commands call it with the Markdown of each result. Without that variable nothing happens; a file that cannot be
//! written costs a line of complaint and never the result.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The variable: <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// Appends the text of a file, where there is a summary to append it to.
pub(super) fn append(summary: &Path) {
    let Some(to) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return };
    if let Err(error) = copy(summary, Path::new(&to)) {
        anstream::eprintln!("{VARIABLE}: {}: {error}", Path::new(&to).display());
    }
}

/// Appends a text, where there is a summary to append it to.
pub(super) fn append_text(text: &str) {
    let Some(to) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) else { return };
    let put = |to: &Path| writeln!(OpenOptions::new().append(true).create(true).open(to)?, "{text}");
    if let Err(error) = put(Path::new(&to)) {
        anstream::eprintln!("{VARIABLE}: {}: {error}", Path::new(&to).display());
    }
}

fn copy(summary: &Path, to: &Path) -> io::Result<()> {
    let mut target = OpenOptions::new().append(true).create(true).open(to)?;
    io::copy(&mut File::open(summary)?, &mut target)?;
    target.write_all(b"\n")
}
