//! Defects of persistence: what a crash leaves, and what is believed of it.
//!
//! The cache asks at look-up and when it stores. The honest rule: the file is the truth, and only a whole one.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use super::Defect;

/// Pause in the middle of a file: long enough for a kill at a random instant to fall into it now and then.
const PAUSE: Duration = Duration::from_millis(30);

/// Whether a look-up may find an entry at all; `indexed` says whether this very process stored it.
pub fn may_be_known(defect: Defect, indexed: impl FnOnce() -> bool) -> bool {
    defect != Defect::ForgetsAfterSigkill || indexed()
}

/// Whether a file is served without looking at its checksum.
pub fn trusts_any_file(defect: Defect) -> bool {
    defect == Defect::TornFileAfterSigkill
}

/// Whether a file is written where it will be read.
pub fn writes_in_place(defect: Defect) -> bool {
    defect == Defect::TornFileAfterSigkill
}

/// Writes a file in its place, with a pause in its last quarter.
pub fn write_slowly_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    let (first, last) = bytes.split_at(bytes.len() * 3 / 4);
    file.write_all(first)?;
    std::thread::sleep(PAUSE);
    file.write_all(last)
}
