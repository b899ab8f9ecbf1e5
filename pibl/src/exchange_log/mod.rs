//! One line per request and its response, to a file and to stdout.
//!
//! `exchange` adds a line to the batch of its thread for every exchange and flushes the batch right
//! before the last bytes of a response go to the kernel: what a client has received is in the file, even
//! if this process dies at once. It never delays a client because stdout is slow, and never sets stdout
//! to another mode, because the terminal shares it.

mod line;
mod screen;

pub use line::Exchange;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::clock::Timestamp;
use crate::config::LogFormat;
use crate::platform::private_file;
use screen::Screen;

/// The log of the whole process.
#[derive(Debug)]
pub struct ExchangeLog {
    path: PathBuf,
    format: LogFormat,
    file: ArcSwap<File>,
    screen: Option<Screen>,
    lost_lines: AtomicU64,
    /// When a failing file was last complained about, in seconds since 1970.
    complained: AtomicU64,
}

/// Lines that wait for the end of the current wake-up; each thread has one.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    lines: u64,
}

/// A failing disk is mentioned this often, not once per request.
const COMPLAIN_EVERY_SECONDS: u64 = 10;

impl ExchangeLog {
    /// Opens the file for appending; `to_stdout` says whether every line is shown there too.
    pub fn open(path: &Path, format: LogFormat, to_stdout: bool) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            format,
            file: ArcSwap::from_pointee(append_to(path)?),
            screen: if to_stdout { Some(Screen::new(io::stdout())?) } else { None },
            lost_lines: AtomicU64::new(0),
            complained: AtomicU64::new(0),
        })
    }

    /// Adds the line of one exchange that ended at `now`.
    pub fn line(&self, batch: &mut Batch, exchange: &Exchange<'_>, now: Timestamp) {
        match self.format {
            LogFormat::Text => line::text(&mut batch.bytes, exchange, now),
            LogFormat::Json => line::json(&mut batch.bytes, exchange, now),
        }
        batch.lines += 1;
    }

    /// Writes the lines of the batch: one write to the file, finished before this returns, and a copy
    /// for stdout that is shown as soon as stdout takes it. A failing file costs lines and a warning,
    /// never an error to a client.
    pub fn flush(&self, batch: &mut Batch, now: impl FnOnce() -> Timestamp) {
        if batch.bytes.is_empty() {
            return;
        }
        if let Err(error) = (&**self.file.load()).write_all(&batch.bytes) {
            self.lost_lines.fetch_add(batch.lines, Ordering::Relaxed);
            self.complain(&error, now());
        }
        if let Some(screen) = &self.screen {
            screen.show(&batch.bytes, batch.lines);
        }
        batch.bytes.clear();
        batch.lines = 0;
    }

    /// Opens the file again by its name, after somebody moved the old one away. On failure the old file
    /// stays in use.
    pub fn reopen(&self) -> io::Result<()> {
        self.file.store(Arc::new(append_to(&self.path)?));
        Ok(())
    }

    /// Lines that the file did not take.
    pub fn lost_lines(&self) -> u64 {
        self.lost_lines.load(Ordering::Relaxed)
    }

    /// Lines that stdout did not take because it was blocked or closed.
    pub fn dropped_lines(&self) -> u64 {
        self.screen.as_ref().map_or(0, Screen::dropped_lines)
    }

    /// Waits until stdout has taken everything, at most this long. For the end of the program.
    pub fn finish(&self, at_most: Duration) {
        if let Some(screen) = &self.screen {
            screen.finish(at_most);
        }
    }

    fn complain(&self, error: &io::Error, now: Timestamp) {
        let second = u64::try_from(now.seconds()).unwrap_or_default();
        let last = self.complained.load(Ordering::Relaxed);
        let is_due = second >= last.saturating_add(COMPLAIN_EVERY_SECONDS);
        let take = || self.complained.compare_exchange(last, second, Ordering::Relaxed, Ordering::Relaxed);
        if is_due && take().is_ok() {
            tracing::warn!("could not write to the log {}: {error}", self.path.display());
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    private_file().append(true).create(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(784_111_777_042);

    fn exchange<'a>(target: &'a [u8]) -> Exchange<'a> {
        Exchange {
            client: "127.0.0.1:54321".parse().unwrap(),
            method: "GET",
            target,
            version: crate::http::Version::Http11,
            status: 203,
            backend: Some("127.0.0.1:9001"),
            attempts: 1,
            cache: "miss",
            request_bytes: 0,
            response_bytes: 1234,
            duration: Duration::from_micros(1_500),
            first_byte: Some(Duration::from_micros(900)),
        }
    }

    #[test]
    fn lines_of_a_batch_are_in_the_file_when_flush_returns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pibl.log");
        let log = ExchangeLog::open(&path, LogFormat::Text, false).unwrap();
        let mut batch = Batch::default();
        log.line(&mut batch, &exchange(b"/one"), NOW);
        log.line(&mut batch, &exchange(b"/two"), NOW);
        log.flush(&mut batch, || NOW);
        log.flush(&mut batch, || NOW);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("\"GET /two HTTP/1.1\""), "{text}");
    }

    #[test]
    fn after_reopen_lines_go_to_a_new_file_of_the_same_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pibl.log");
        let log = ExchangeLog::open(&path, LogFormat::Json, false).unwrap();
        let mut batch = Batch::default();
        log.line(&mut batch, &exchange(b"/old"), NOW);
        log.flush(&mut batch, || NOW);
        std::fs::rename(&path, directory.path().join("old.log")).unwrap();
        log.reopen().unwrap();
        log.line(&mut batch, &exchange(b"/new"), NOW);
        log.flush(&mut batch, || NOW);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("/new") && !text.contains("/old"), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_loses_lines_and_counts_them() {
        let log = ExchangeLog::open(Path::new("/dev/full"), LogFormat::Text, false).unwrap();
        let mut batch = Batch::default();
        log.line(&mut batch, &exchange(b"/"), NOW);
        log.flush(&mut batch, || NOW);
        assert_eq!(log.lost_lines(), 1);
    }
}
