//! Defects that show before the first request, or without any: no start, no answer, and what is done to the disk.
//!
//! `main` asks once everything is open and nothing is accepted yet. The honest rule: nothing happens.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::Defect;

/// What is written at once by a proxy that never stops logging.
const BLOCK: usize = 1024 * 1024;

/// The backends that it goes on with, of those that it is told of.
///
/// # Errors
/// It does not start with so many.
pub fn backends(defect: Defect, mut told: Vec<String>) -> io::Result<Vec<String>> {
    match defect {
        Defect::ThreeBackendsAtMost => told.truncate(3),
        Defect::ThreeBackendsOrNone if told.len() != 3 => {
            return Err(io::Error::other("list index out of range"));
        }
        Defect::OneOfTwoBackends if told.len() < 3 => told.truncate(1),
        _ => {}
    }
    Ok(told)
}

/// The port that it listens on, where it is told of this one or of none.
pub fn port(defect: Defect, told: Option<u16>, directory: &Path) -> u16 {
    let Some(told) = told else { return if defect == Defect::DefaultPort9090 { 9090 } else { 8080 } };
    match defect {
        Defect::AlwaysPort8080 => 8080,
        Defect::KeepsItsFirstPort => {
            let file = directory.join("port");
            let kept = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
            kept.unwrap_or_else(|| {
                // Where it cannot be kept the harness finds this proxy innocent.
                let _ = fs::write(&file, told.to_string());
                told
            })
        }
        _ => told,
    }
}

/// Does what such a proxy does at its start; some do not come back.
///
/// # Errors
/// It does not start.
pub fn before_serving(defect: Defect, directory: &Path) -> io::Result<()> {
    match defect {
        Defect::DoesNotStart => {
            return Err(io::Error::other("cannot read pibl.conf"));
        }
        Defect::AnswersNothing => loop {
            std::thread::park();
        },
        Defect::DeletesItsFolder => {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                // One of the two is right, and what cannot be deleted stays.
                let _ = fs::remove_dir_all(entry.path());
                let _ = fs::remove_file(entry.path());
            }
        }
        Defect::LogsWithoutBound => {
            let path = directory.join("debug.log");
            // Without a thread nothing is written, and the harness finds this proxy innocent.
            let _ = std::thread::Builder::new().spawn(move || write_for_ever(&path));
        }
        _ => {}
    }
    Ok(())
}

fn write_for_ever(path: &Path) {
    let Ok(mut file) = File::create(path) else { return };
    let block = vec![b'.'; BLOCK];
    while file.write_all(&block).is_ok() {
        std::thread::sleep(Duration::from_millis(25));
    }
}
