//! One line per request and answer, on standard output and in a file.
//!
//! The server calls it once an answer is on its way. A line is written at once and whole.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::defects::Defect;
use crate::defects::logging::{self, Exchange};

/// The log.
pub struct Log {
    file: Mutex<File>,
    defect: Defect,
}

impl Log {
    /// Opens the file to append to it.
    pub fn open(path: &Path, defect: Defect) -> std::io::Result<Log> {
        Ok(Log { file: Mutex::new(OpenOptions::new().create(true).append(true).open(path)?), defect })
    }

    /// Writes one line about a request and its answer.
    pub fn exchange(&self, exchange: &Exchange<'_>) {
        let lines = logging::lines(self.defect, exchange);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end the service; the line is lost then.
        if logging::onto_the_screen(self.defect) {
            let _ = std::io::stdout().write_all(lines.as_bytes());
        }
        if logging::into_the_file(self.defect) {
            let _ = file.write_all(lines.as_bytes());
        }
    }
}
