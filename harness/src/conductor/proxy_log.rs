//! What the proxy writes into its log and prints while a step lasts.
//!
//! `steps` marks both places before a step that asks about the log and reads them after it. The text goes into the record as
//! it is, within bounds; the checks look for what they know in it, and nothing is concluded here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use super::steps::Stage;
use harness_model::history::LogExcerpt;

/// Kept of one step.
const MOST_BYTES: u64 = 256 << 10;
/// A line may reach the disk a moment after the answer has reached its client; one that is written later would be lost in a
/// crash.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);
/// Time between two looks.
const EVERY: Duration = Duration::from_millis(50);

/// How much there was of both before a step.
pub(super) struct Mark {
    file: u64,
    screen: u64,
}

impl Mark {
    /// Looks before a step.
    pub(super) fn of(stage: &Stage) -> Mark {
        let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        Mark { file: log_file(stage).map_or(0, length), screen: stage.output.length() }
    }

    /// Looks after a step, once all of these targets are there, or the time for them is over.
    pub(super) async fn excerpt(&self, stage: &Stage, targets: &[String]) -> LogExcerpt {
        let has_all = |text: &Option<String>| {
            text.as_ref().is_none_or(|text| targets.iter().all(|target| text.contains(target)))
        };
        for _ in 0..WRITTEN_WITHIN.as_millis() / EVERY.as_millis() {
            // Once more after the last of them: the line of the answer may follow that of the request.
            let seen = self.read(stage);
            tokio::time::sleep(EVERY).await;
            if has_all(&seen.file) && has_all(&seen.screen) {
                break;
            }
        }
        self.read(stage)
    }

    fn read(&self, stage: &Stage) -> LogExcerpt {
        // A file that is not there, or cannot be read, holds nothing.
        let file = log_file(stage).map(|path| text_from(&path, self.file).unwrap_or_default());
        let screen = stage.output.since(self.screen).map(|bytes| in_text(&bytes));
        LogExcerpt { file, screen }
    }
}

fn log_file(stage: &Stage) -> Option<PathBuf> {
    stage.proxy.adapter().log_file.as_ref().map(|name| stage.proxy.directory().join(name))
}

/// What lies behind an offset; all of it where the file has begun anew since.
fn text_from(path: &std::path::Path, offset: u64) -> io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    // A pipe or a device in its place would be read for ever.
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(if metadata.len() < offset { 0 } else { offset }))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(in_text(&bytes))
}

fn in_text(bytes: &[u8]) -> String {
    let most = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::text_from;

    #[test]
    fn a_log_that_has_begun_anew_is_read_from_its_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("proxy.log");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(text_from(&path, 4).unwrap(), "two\n");
        assert_eq!(text_from(&path, 40).unwrap(), "one\ntwo\n");
        assert!(text_from(directory.path(), 0).is_err());
    }
}
