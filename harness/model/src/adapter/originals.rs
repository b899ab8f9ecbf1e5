//! The originals of rewritten files, read into an adapter and matched against its replacements.
//!
//! `cli` calls it with its own way of reading after the adapter is resolved, so that a run needs nothing but its plan and
//! `harness check` names an unmatched replacement by its place. It opens no file itself.

use std::path::Path;
use std::sync::Arc;

use super::Adapter;
use super::rewrite::{Unmatched, apply};
use crate::scenario::{Place, Problem, What};

/// The adapter with every original in place. `text` and `origin` are the adapter's own, for places.
///
/// # Errors
/// The first original that cannot be read, or replacement that does not match it.
pub fn with_originals(
    mut adapter: Adapter,
    text: &Arc<str>,
    origin: &Path,
    read: impl Fn(&Path) -> Result<Arc<str>, Problem>,
) -> Result<Adapter, Problem> {
    for rewrite in &mut adapter.rewrites {
        rewrite.before = read(&rewrite.source)?.to_string();
        if let Err((which, why)) = apply(&rewrite.before, &rewrite.replace) {
            let wanted = &rewrite.replace[which].text;
            let times = match why {
                Unmatched::Occurs(times) => Some(times),
                Unmatched::Overlaps => None,
            };
            let what = What::Unmatched { text: wanted.clone(), file: rewrite.source.clone(), times };
            return Err(Problem::at(place(wanted, text, origin), what));
        }
    }
    Ok(adapter)
}

/// Where a replacement's text stands in the adapter: its first line, as YAML may have folded the others.
fn place(wanted: &str, text: &Arc<str>, origin: &Path) -> Place {
    let line = wanted.lines().next().unwrap_or(wanted);
    let start = text.find(line).filter(|_| !line.is_empty()).unwrap_or(0);
    let end = if line.is_empty() { start } else { (start + line.len()).min(text.len()) };
    Place { file: origin.to_owned(), text: Arc::clone(text), bytes: start..end }
}
