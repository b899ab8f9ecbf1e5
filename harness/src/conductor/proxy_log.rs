//! What the proxy writes into its log and prints while a step lasts.
//!
//! `steps` marks both places before a step that asks about the log and reads them after it. The text goes into the record as
//! it is, within bounds; the checks look for what they know in it, and nothing is concluded here.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use super::steps::Stage;
use harness_model::history::{Anomaly, EventKind, LogExcerpt, Recorder};
use harness_platform::leads_out;

/// Kept of the whole log, beside the record.
const KEPT_BYTES: u64 = 64 << 20;
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
        let length = |file: File| file.metadata().map_or(0, |metadata| metadata.len());
        Mark { file: log_file(stage).and_then(Result::ok).map_or(0, length), screen: stage.output.length() }
    }

    /// Looks after a step, once all of these targets are there and nothing more comes, or the time for them is over. A busy host
    /// writes later.
    pub(super) async fn excerpt(&self, stage: &Stage, targets: &[String]) -> LogExcerpt {
        let has_all = |text: &Option<String>| {
            text.as_ref().is_none_or(|text| targets.iter().all(|target| text.contains(target)))
        };
        let strain = stage.traffic.clients.strain();
        let mut seen = self.read(stage);
        for _ in 0..strain.stretched(WRITTEN_WITHIN).as_millis() / EVERY.as_millis() {
            // The line of the answer may follow that of the request.
            tokio::time::sleep(strain.stretched(EVERY)).await;
            let again = self.read(stage);
            let goes_on = again != seen;
            seen = again;
            if !goes_on && has_all(&seen.file) && has_all(&seen.screen) {
                break;
            }
        }
        seen
    }

    fn read(&self, stage: &Stage) -> LogExcerpt {
        // A file that is not there, or cannot be read, holds nothing.
        let text = |file: io::Result<File>| file.and_then(|file| text_from(file, self.file));
        let file = log_file(stage).map(|file| text(file).unwrap_or_default());
        let screen = stage.output.since(self.screen).map(|bytes| in_text(&bytes));
        LogExcerpt { file, screen }
    }
}

/// Its log; where its name stands for several, the one that was written last.
fn log_file(stage: &Stage) -> Option<io::Result<File>> {
    let adapter = stage.proxy.adapter();
    let name = adapter.log_file.as_ref()?;
    if !name.contains('*') {
        return Some(stage.proxy.open(name));
    }
    let files = stage.proxy.files();
    let logs = files.iter().filter(|(name, _)| adapter.is_log(name));
    let opened = logs.filter_map(|(name, _)| stage.proxy.open(name).ok());
    let newest = opened.max_by_key(|file| file.metadata().and_then(|metadata| metadata.modified()).ok());
    Some(newest.ok_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Copies the log of the proxy, as much of it as a report could ever show.
pub(super) fn keep(stage: &Stage, to: &Path, recorder: &Recorder) {
    let Some(log) = log_file(stage) else { return };
    let copied = log.and_then(|log| io::copy(&mut log.take(KEPT_BYTES), &mut File::create(to)?));
    if let Err(error) = copied {
        let what = if leads_out(&error) {
            "the proxy's log file leads out of its own folder and was not read".to_owned()
        } else {
            format!("the proxy's log file could not be copied: {error}")
        };
        recorder.record(EventKind::Anomaly(Anomaly { what, exchange: None }));
    }
}

/// What lies behind an offset; all of it where the file has begun anew since.
fn text_from(mut file: File, offset: u64) -> io::Result<String> {
    let begun_anew = file.metadata()?.len() < offset;
    file.seek(SeekFrom::Start(if begun_anew { 0 } else { offset }))?;
    let mut bytes = Vec::new();
    file.take(LogExcerpt::MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(in_text(&bytes))
}

fn in_text(bytes: &[u8]) -> String {
    let most = usize::try_from(LogExcerpt::MOST_BYTES).unwrap_or(usize::MAX);
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
        let from = |offset| text_from(std::fs::File::open(&path).unwrap(), offset).unwrap();
        assert_eq!(from(4), "two\n");
        assert_eq!(from(40), "one\ntwo\n");
    }
}
