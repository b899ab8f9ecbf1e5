//! The texts that lie beside the record in a run folder: what the proxy logged and printed, and the manifest.
//!
//! `pages` reads them once; pages quote from them. They are bounded in size and never trusted: whoever quotes escapes.

use std::path::Path;

use harness_model::history::{Manifest, hash_of_file, names};

/// Longest text that is read from a run folder; a longer one is read up to here and marked as cut.
const KEPT_BYTES: u64 = 32 * 1024 * 1024;

/// The texts of a run folder that are not part of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Attachments {
    /// The log file of the proxy.
    pub log: Option<Text>,
    /// What the proxy printed on its standard output.
    pub output: Option<Text>,
    /// The manifest.
    pub manifest: Option<Manifest>,
    /// SHA-256 of the manifest's bytes, in hexadecimal: the one figure that stands for the whole record.
    pub run_hash: Option<String>,
}

/// A text as the proxy wrote it, not necessarily UTF-8.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// Its bytes, at most 32 MiB.
    pub bytes: Vec<u8>,
    /// Whether there was more.
    pub cut: bool,
}

impl Attachments {
    /// Reads what there is in a run folder; what is missing stays absent.
    pub fn read(run_dir: &Path) -> Attachments {
        Attachments {
            log: Text::read(&run_dir.join(names::PROXY_LOG)),
            output: Text::read(&run_dir.join(names::PROXY_OUTPUT)),
            manifest: Manifest::read(run_dir).ok(),
            run_hash: hash_of_file(&run_dir.join(names::MANIFEST)).ok(),
        }
    }

    /// The command that repeats this run, as it would be typed into a shell.
    pub fn command(&self) -> Option<String> {
        let command = &self.manifest.as_ref()?.facts.command;
        (!command.is_empty()).then(|| command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
    }

    /// Wall-clock time at which the run started, RFC 3339 with the local offset.
    pub fn started(&self) -> Option<&str> {
        self.manifest.as_ref().map(|manifest| manifest.facts.started.as_str()).filter(|time| !time.is_empty())
    }
}

impl Text {
    /// Reads a file, at most 32 MiB of it; `None` where it cannot be read.
    fn read(path: &Path) -> Option<Text> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path).ok()?.take(KEPT_BYTES + 1).read_to_end(&mut bytes).ok()?;
        let cut = bytes.len() as u64 > KEPT_BYTES;
        bytes.truncate(usize::try_from(KEPT_BYTES).unwrap_or(usize::MAX));
        Some(Text { bytes, cut })
    }

    /// The lines that contain `needle`, numbered from one, at most `limit` of them; and how many there are in all.
    pub fn lines_with<'a>(&'a self, needle: &[u8], limit: usize) -> (Vec<(usize, &'a [u8])>, usize) {
        let mut found = Vec::new();
        let mut all = 0;
        for (number, line) in self.bytes.split(|&byte| byte == b'\n').enumerate() {
            if contains(line, needle) {
                all += 1;
                if found.len() < limit {
                    found.push((number + 1, line));
                }
            }
        }
        (found, all)
    }
}

/// Whether `needle` occurs in `line` and the target that it is does not go on: `/k/1` is not found in `/k/17`.
fn contains(line: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty()
        && line.windows(needle.len()).enumerate().any(|(start, window)| {
            window == needle
                && line
                    .get(start + needle.len())
                    .is_none_or(|next| !(next.is_ascii_alphanumeric() || b"/-_%?&=.".contains(next)))
        })
}

/// A word as a shell needs it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Attachments, Text, quoted};

    #[test]
    fn a_line_is_found_by_the_whole_target() {
        let log = Text { bytes: b"GET /k/1 200\nGET /k/17 200\nGET /k/1 200 again\n".to_vec(), cut: false };
        let (lines, all) = log.lines_with(b"/k/1", 1);
        assert_eq!(all, 2);
        assert_eq!(lines, vec![(1, &b"GET /k/1 200"[..])]);
        assert_eq!(log.lines_with(b"", 5).1, 0);
    }

    #[test]
    fn a_word_with_a_blank_or_a_quote_survives_the_shell() {
        assert_eq!(quoted("scenarios/ttl.yaml"), "scenarios/ttl.yaml");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn an_empty_folder_gives_no_attachments() {
        let folder = tempfile::tempdir().unwrap();
        let attachments = Attachments::read(folder.path());
        assert!(
            attachments.log.is_none() && attachments.manifest.is_none() && attachments.command().is_none()
        );
    }
}
