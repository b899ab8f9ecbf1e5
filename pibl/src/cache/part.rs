//! A part of a stored file on its way to a client.
//!
//! `reply` and `stream` make parts, `exchange` sends them. What is in memory already is read at once; what only the disk
//! knows is read at the [`desk`], so that no other client waits for it.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::desk;
use super::disk::StoredFile;
use crate::platform::read_at;

/// How long a client waits in the middle of an answer: as long as it would for a silent backend.
const MID_ANSWER: Duration = Duration::from_secs(30);

/// A part of a file that can be read, or sent by the kernel.
#[derive(Clone, Debug)]
pub struct FilePart {
    /// The file; it stays readable for as long as this lives, whatever happens to its name.
    pub(super) file: Arc<StoredFile>,
    /// Where the part begins.
    pub(super) offset: u64,
    /// How long it is.
    pub length: u64,
}

impl FilePart {
    /// The file.
    pub fn file(&self) -> &File {
        self.file.file()
    }

    /// Where in the file the part begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// A piece of this part; it must lie within.
    pub fn piece(&self, start: u64, length: u64) -> Self {
        Self { file: Arc::clone(&self.file), offset: self.offset + start, length }
    }

    /// Appends the whole part to a buffer, if it is in memory; for small parts cheaper than a second system call to send it.
    pub fn append_at_once(&self, out: &mut Vec<u8>) -> bool {
        let Ok(length) = self.length() else { return false };
        let start = out.len();
        out.resize(start + length, 0);
        let read = self.file.read_at_once(&mut out[start..], self.offset);
        let is_done = matches!(read, Ok(Some(count)) if count == length);
        if !is_done {
            out.truncate(start);
        }
        is_done
    }

    /// Appends the whole part to a buffer; waits for the disk, and nobody else does.
    pub async fn append_to(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let part = self.clone();
        let bytes = desk::run(move || part.read()).await.ok_or(io::ErrorKind::TimedOut)??;
        out.extend_from_slice(&bytes);
        Ok(())
    }

    /// The whole part, for an answer that has begun: it could only be broken off, so it waits longer.
    pub async fn awaited(&self) -> io::Result<Vec<u8>> {
        let part = self.clone();
        desk::run_within(MID_ANSWER, move || part.read()).await.ok_or(io::ErrorKind::TimedOut)?
    }

    /// Whether the kernel can send all of it without waiting for the disk, as far as its first and its last byte tell.
    pub fn is_at_hand(&self) -> bool {
        let has = |offset| matches!(self.file.read_at_once(&mut [0], offset), Ok(Some(1)));
        self.length == 0 || (has(self.offset + self.length - 1) && has(self.offset))
    }

    /// Whether its last byte is there.
    pub(super) async fn has_end(&self) -> bool {
        if self.length == 0 {
            return true;
        }
        let last = self.piece(self.length - 1, 1);
        match last.file.read_at_once(&mut [0], last.offset) {
            Ok(Some(count)) => count == 1,
            Ok(None) => matches!(desk::run(move || last.read()).await, Some(Ok(_))),
            Err(_) => false,
        }
    }

    /// Reads all of it; waits for the disk.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.length()?];
        let mut done = 0;
        while done < bytes.len() {
            match read_at(self.file(), &mut bytes[done..], self.offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    fn length(&self) -> io::Result<usize> {
        usize::try_from(self.length).map_err(|_| io::ErrorKind::OutOfMemory.into())
    }
}
