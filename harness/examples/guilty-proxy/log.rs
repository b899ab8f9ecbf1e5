//! One line per request and answer, on standard output and in a file.
//!
//! The server calls it once an answer is on its way. A line is written at once and whole.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The log.
pub struct Log {
    file: Mutex<File>,
}

impl Log {
    /// Opens the file to append to it.
    pub fn open(path: &Path) -> std::io::Result<Log> {
        Ok(Log { file: Mutex::new(OpenOptions::new().create(true).append(true).open(path)?) })
    }

    /// Writes one line about a request and its answer.
    pub fn exchange(&self, method: &str, target: &str, status: u16, bytes: usize, from: &str) {
        let line = format!("{method} {target} -> {status} {bytes} {from}\n");
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end the service; the line is lost then.
        let _ = std::io::stdout().write_all(line.as_bytes());
        let _ = file.write_all(line.as_bytes());
    }
}
