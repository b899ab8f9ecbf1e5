//! An adapter with everything that it needs: its text, and the originals of the files that it rewrites.
//!
//! All commands come through [`read`], each with its own way of reading files, so that a run needs nothing but its plan and
//! `harness check` names an unmatched replacement by its place. It opens no file itself.

use std::path::Path;
use std::sync::Arc;

use super::Adapter;
use super::boundary::keep_to_boundary;
use super::file::completed;
use super::rewrite::{Unmatched, apply};
use crate::scenario::{Place, Problem, What, decoded};

/// Reads and completes an adapter; `origin` is its file. Every original is in place: an adapter without them would write
/// empty files over what it names. `within` is the folder of the submission whose profile it is; `None`: its words are trusted.
///
/// # Errors
/// What is wrong with the text or beyond what a submission may say, the first original that `original` cannot read, or a replacement that does not match it.
pub fn read(
    text: &Arc<str>,
    origin: &Path,
    within: Option<&Path>,
    original: impl Fn(&Path) -> Result<Vec<u8>, Problem>,
) -> Result<Adapter, Problem> {
    let mut adapter = completed(text, origin)?;
    if let Some(root) = within {
        keep_to_boundary(&adapter, text, origin, root)?;
    }
    for rewrite in &mut adapter.rewrites {
        (rewrite.before, rewrite.encoding) = decoded(&original(&rewrite.source)?, &rewrite.source)?;
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

/// Reads and completes an adapter that rewrites nothing, as those that are built in. `origin` is a name for it.
///
/// # Errors
/// As [`read`], and where it does rewrite something.
pub fn resolve(text: &Arc<str>, origin: &Path) -> Result<Adapter, Problem> {
    read(text, origin, None, |file| {
        let why = "an adapter of text alone rewrites no file".to_owned();
        Err(Problem::nowhere(What::Unreadable { file: file.to_owned(), why }))
    })
}

/// Where a replacement's text stands in the adapter: its first line, as YAML may have folded the others.
fn place(wanted: &str, text: &Arc<str>, origin: &Path) -> Place {
    let line = wanted.lines().next().unwrap_or(wanted);
    let start = text.find(line).filter(|_| !line.is_empty()).unwrap_or(0);
    let end = if line.is_empty() { start } else { (start + line.len()).min(text.len()) };
    Place { file: origin.to_owned(), text: Arc::clone(text), bytes: start..end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Encoding;

    const TEXT: &str = "name: a\nprogram: {own: a}\nstart: [\"{{ program }}\"]\nconfig: {from: a.conf}\n\
        capabilities: {cache: none, ttl: none}\n";

    #[test]
    fn nothing_that_is_rewritten_is_without_its_original() {
        let (text, origin) = (Arc::from(TEXT), Path::new("a/pibl-judge.yaml"));
        assert!(resolve(&text, origin).is_err(), "an empty file would be written over it");
        let adapter = read(&text, origin, None, |file| {
            assert_eq!(file, Path::new("a/a.conf"));
            Ok(b"port 80 # se\xf1al".into())
        });
        let rewrite = adapter.unwrap().rewrites.remove(0);
        assert_eq!((&*rewrite.before, rewrite.encoding), ("port 80 # señal", Encoding::Latin1));
    }
}
