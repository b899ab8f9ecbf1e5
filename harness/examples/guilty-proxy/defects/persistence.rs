//! Defects of persistence: what is stored at all, what a crash leaves, and what is believed of it.
//!
//! The cache asks at its start, at look-up and when it stores; `main` asks before it listens. The honest rule: the file is
//! the truth, and only a whole one.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::Defect;

/// Pause in the middle of a file: long enough for a kill at a random instant to fall into it now and then.
const PAUSE: Duration = Duration::from_millis(30);

/// Whether a look-up may find an entry at all; `indexed` says whether this very process stored it.
pub fn may_be_known(defect: Defect, target: &str, indexed: impl FnOnce() -> bool) -> bool {
    match defect {
        Defect::NoCache | Defect::WritesNeverReads => false,
        Defect::ForgetsAfterSigkill => indexed(),
        Defect::ForgetsOddNames if target.contains('=') => indexed(),
        Defect::ForgetsLongNames if target.len() > 255 => indexed(),
        _ => true,
    }
}

/// Whether an answer is written to a file.
pub fn writes_files(defect: Defect) -> bool {
    !matches!(defect, Defect::NoCache | Defect::MemoryOnly)
}

/// Whether answers are kept in memory instead.
pub fn keeps_in_memory(defect: Defect) -> bool {
    defect == Defect::MemoryOnly
}

/// Whether the directory is emptied at the start.
pub fn wipes_at_start(defect: Defect) -> bool {
    defect == Defect::WipesAtStart
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

/// The listening socket; the standard library sets `SO_REUSEADDR`, a socket made by hand does not.
pub fn listen(defect: Defect, address: SocketAddr) -> io::Result<TcpListener> {
    if defect != Defect::NoReuseaddr {
        return TcpListener::bind(address);
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}
