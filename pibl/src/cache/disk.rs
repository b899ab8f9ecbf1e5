//! Files: where they lie, how they appear, how they are set aside.
//!
//! `store`, `pen` and `recovery` touch the disk through this module only. It never decides what is kept
//! and never serves a byte. Calls wait for as long as the disk takes, so they are made at the [`desk`] and never on a
//! thread that serves clients.
//!
//! A file is written under a temporary name in its final directory and renamed when it is whole, so that
//! no reader ever sees half a file, whenever the process dies.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::Xxh3;

use super::desk;
use super::entry_format::{Damage, PREAMBLE_BYTES, Preamble, Record, newest_slot};
use crate::platform::{self, make_private_directory, private_file, read_at};

/// What is read at once to find the head: nearly every preamble and both slots fit.
const FIRST_READ_BYTES: usize = 4096;
const VERIFY_BYTES: usize = 256 * 1024;
/// Damaged files are kept for the operator to look at, but not without end.
const MOST_QUARANTINED: usize = 1000;
const TEMPORARY: &str = ".tmp";
const QUARANTINE: &str = "quarantine";

/// The directory of the stored responses.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    /// Reading takes no time.
    is_memory: bool,
    /// What is synced must also be found after a power cut.
    is_durable: bool,
    /// Tells the temporary files of this run from the leftovers of others.
    run: String,
    next_temporary: AtomicU64,
}

/// A file under a temporary name; it is deleted unless it is published.
#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) file: Arc<StoredFile>,
    path: PathBuf,
    is_published: bool,
}

/// An open file. Closing it may take the disk's time as well, so it is closed at the desk.
#[derive(Debug)]
pub(super) struct StoredFile {
    /// `None` only while it is dropped.
    file: Option<File>,
    /// Reading takes no time.
    is_memory: bool,
}

impl StoredFile {
    fn new(file: File, is_memory: bool) -> Self {
        Self { file: Some(file), is_memory }
    }

    /// A file that lies in memory and has no name.
    pub(super) fn in_memory() -> io::Result<Self> {
        Ok(Self::new(platform::memory_file()?, true))
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        self.file.as_ref().expect("it is there until it is dropped")
    }

    /// Reads what can be read without waiting; `None` means that only the disk knows.
    pub(super) fn read_at_once(&self, buffer: &mut [u8], offset: u64) -> io::Result<Option<usize>> {
        match self.is_memory {
            true => read_at(self.file(), buffer, offset).map(Some),
            false => platform::read_at_once(self.file(), buffer, offset),
        }
    }
}

impl Drop for StoredFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            match self.is_memory {
                true => drop(file),
                false => desk::start(move || drop(file)),
            }
        }
    }
}

/// The head of a stored file.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) preamble: Preamble,
    /// Which slot is in use, and its sequence number.
    pub(super) slot: usize,
    pub(super) sequence: u64,
    pub(super) record: Record,
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The file of this hash, by its name.
    Stored(u128),
    /// A leftover of an earlier run.
    Leftover,
    /// A file that is being written.
    InUse,
    /// Nothing of ours.
    Foreign,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFailure {
    #[error("{0}")]
    Damaged(#[from] Damage),
    #[error("{0}")]
    Disk(#[from] io::Error),
}

impl Disk {
    /// Makes the directory if it is not there.
    pub(super) fn new(root: &Path, run: u64, is_durable: bool) -> io::Result<Self> {
        make_private_directory(root)?;
        if let Some(above) = root.parent().filter(|_| is_durable) {
            sync_directory(above)?;
        }
        let is_memory = platform::is_local_memory(root);
        let (root, run) = (root.to_owned(), format!("{run:x}"));
        Ok(Self { root, is_memory, is_durable, run, next_temporary: AtomicU64::new(0) })
    }

    /// The file of a hash: one of 256 directories, then the hash in 32 digits.
    pub(super) fn path(&self, hash: u128) -> PathBuf {
        self.path_with(hash, "")
    }

    /// The same with more behind it. Every response that is stored passes here, and the formatting machinery
    /// would take longer than all the rest that is done in memory to store one.
    fn path_with(&self, hash: u128, suffix: &str) -> PathBuf {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut name = [0; 32];
        for (place, digit) in name.iter_mut().enumerate() {
            *digit = DIGITS[(hash >> (124 - 4 * place)) as usize & 15];
        }
        let name = std::str::from_utf8(&name).unwrap_or_default();
        let mut path = OsString::with_capacity(self.root.as_os_str().len() + suffix.len() + 36);
        path.push(&self.root);
        for part in ["/", &name[..2], "/", name, suffix] {
            path.push(part);
        }
        PathBuf::from(path)
    }

    /// Opens the file of a hash, for reading and, where possible, for confirming it later.
    pub(super) fn open(&self, hash: u128) -> io::Result<StoredFile> {
        let path = self.path(hash);
        let opened = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
            // A directory in its place, or a disk that may only be read.
            Err(_) => File::open(&path),
            opened => opened,
        };
        Ok(StoredFile::new(opened?, self.is_memory))
    }

    /// A new file that will become that of a hash.
    pub(super) fn create(&self, hash: u128) -> io::Result<Temporary> {
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let path = self.path_with(hash, &format!(".{}-{number}{TEMPORARY}", self.run));
        let create = || private_file().read(true).write(true).create_new(true).open(&path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(directory) = path.parent() {
                    make_private_directory(directory)?;
                    if self.is_durable {
                        sync_directory(&self.root)?;
                    }
                }
                create()?
            }
            created => created?,
        };
        Ok(Temporary { file: Arc::new(StoredFile::new(file, self.is_memory)), path, is_published: false })
    }

    /// Gives a whole file its final name, in place of whatever had it.
    pub(super) fn publish(&self, temporary: &mut Temporary, hash: u128) -> io::Result<()> {
        fs::rename(&temporary.path, self.path(hash))?;
        temporary.is_published = true;
        Ok(())
    }

    /// Makes the names in the directory of a hash survive a power cut.
    pub(super) fn sync_names(&self, hash: u128) -> io::Result<()> {
        match self.path(hash).parent() {
            Some(directory) => sync_directory(directory),
            None => Ok(()),
        }
    }

    /// Deletes the file of a hash, if it is there.
    pub(super) fn remove(&self, hash: u128) -> io::Result<()> {
        match fs::remove_file(self.path(hash)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Moves what cannot be served out of the way: a file, or a directory in the place of one.
    pub(super) fn set_aside(&self, path: &Path) -> io::Result<()> {
        let directory = self.root.join(QUARANTINE);
        make_private_directory(&directory)?;
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_full = fs::read_dir(&directory)?.nth(MOST_QUARANTINED).is_some();
        if is_full && path.is_file() {
            return fs::remove_file(path);
        }
        fs::rename(path, directory.join(format!("{name}.{}-{number}", self.run)))
    }

    /// Every entry in the 256 directories, one directory after the other.
    pub(super) fn walk(&self, mut visit: impl FnMut(&Path, Found)) -> io::Result<()> {
        for number in 0..=u8::MAX {
            let directory = self.root.join(format!("{number:02x}"));
            let entries = match fs::read_dir(&directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let path = entry?.path();
                let found = self.recognise(&path, number);
                visit(&path, found);
            }
        }
        Ok(())
    }

    fn recognise(&self, path: &Path, directory: u8) -> Found {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Found::Foreign };
        if let Some(stem) = name.strip_suffix(TEMPORARY) {
            let is_ours = stem.get(32..).is_some_and(|rest| rest.starts_with(&format!(".{}-", self.run)));
            return if is_ours { Found::InUse } else { Found::Leftover };
        }
        let is_hash = name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(name, 16) {
            Ok(hash) if is_hash && (hash >> 120) as u8 == directory => Found::Stored(hash),
            _ => Found::Foreign,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_published {
            let path = std::mem::take(&mut self.path);
            // What cannot be deleted now is deleted at the next start.
            desk::start(move || drop(fs::remove_file(path)));
        }
    }
}

/// Makes the names in a directory survive a power cut, where directories can be opened for that.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        // The directory above the first part of a relative path is the one that the program is in.
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()?;
    }
    Ok(())
}

/// Reads and checks everything but the body. `file_bytes` is the length of the file.
pub(super) fn read_head(file: &File, file_bytes: u64) -> Result<Head, ReadFailure> {
    let mut bytes = vec![0; FIRST_READ_BYTES];
    let count = read_fully(file, &mut bytes, 0)?;
    bytes.truncate(count);
    let preamble = Preamble::decode(&bytes)?;
    if preamble.body_offset().checked_add(preamble.body_bytes) != Some(file_bytes) {
        return Err(Damage::Length.into());
    }
    let head_bytes = preamble.body_offset() as usize;
    if bytes.len() < head_bytes {
        bytes.resize(head_bytes, 0);
        let count = read_fully(file, &mut bytes[FIRST_READ_BYTES..], FIRST_READ_BYTES as u64)?;
        bytes.truncate(FIRST_READ_BYTES + count);
    }
    let slots = bytes.get(PREAMBLE_BYTES..head_bytes).ok_or(Damage::Length)?;
    let (sequence, slot, record) = newest_slot(slots, preamble.slot_bytes)?;
    let record = Record::decode(record)?;
    Ok(Head { preamble, slot, sequence, record })
}

/// Compares the body with its checksum, in constant memory.
pub(super) fn verify_body(file: &File, preamble: &Preamble) -> Result<(), ReadFailure> {
    let mut hasher = Xxh3::new();
    let mut piece = vec![0; VERIFY_BYTES.min(preamble.body_bytes as usize)];
    let (mut offset, end) = (preamble.body_offset(), preamble.body_offset() + preamble.body_bytes);
    while offset < end {
        let wanted = piece.len().min((end - offset) as usize);
        let count = read_fully(file, &mut piece[..wanted], offset)?;
        if count < wanted {
            return Err(Damage::Length.into());
        }
        hasher.update(&piece[..count]);
        offset += count as u64;
    }
    if hasher.digest() == preamble.body_checksum { Ok(()) } else { Err(Damage::Body.into()) }
}

/// Writes everything at a place of a file without moving its cursor.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }
}

/// Copies a body from one file to another.
pub(super) fn copy_body(from: &File, preamble: &Preamble, to: &File, to_offset: u64) -> io::Result<()> {
    let mut piece = vec![0; VERIFY_BYTES];
    let mut done = 0;
    while done < preamble.body_bytes {
        let wanted = piece.len().min((preamble.body_bytes - done) as usize);
        let count = read_fully(from, &mut piece[..wanted], preamble.body_offset() + done)?;
        if count < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_at(to, &piece[..count], to_offset + done)?;
        done += count as u64;
    }
    Ok(())
}

fn read_fully(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match read_at(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path(), 1, false).unwrap();
        let hash = 0xab << 120 | 5;
        drop(disk.create(hash).unwrap());
        assert!(disk.open(hash).is_err());
        let mut temporary = disk.create(hash).unwrap();
        write_at(temporary.file.file(), b"whole", 0).unwrap();
        disk.publish(&mut temporary, hash).unwrap();
        drop(temporary);
        assert_eq!(fs::read(disk.path(hash)).unwrap(), b"whole");
        assert!(disk.path(hash).to_str().unwrap().contains("/ab/ab00"));
        disk.remove(hash).unwrap();
        disk.remove(hash).unwrap();
        assert!(disk.open(hash).is_err());
    }

    #[test]
    fn names_tell_stored_files_from_leftovers_and_strangers() {
        let directory = tempfile::tempdir().unwrap();
        let old = Disk::new(directory.path(), 1, false).unwrap();
        let disk = Disk::new(directory.path(), 0x1b, false).unwrap();
        let hash = 7u128;
        let mut leftover = old.create(hash).unwrap();
        leftover.is_published = true;
        let mut stored = disk.create(hash).unwrap();
        disk.publish(&mut stored, hash).unwrap();
        let in_use = disk.create(hash).unwrap();
        fs::write(directory.path().join("00/README"), "x").unwrap();
        fs::write(directory.path().join("00").join("f".repeat(32)), "x").unwrap();
        let mut found = Vec::new();
        disk.walk(|_, kind| found.push(kind)).unwrap();
        let count = |kind| found.iter().filter(|&&other| other == kind).count();
        assert_eq!(
            (count(Found::Stored(hash)), count(Found::Leftover), count(Found::InUse), count(Found::Foreign)),
            (1, 1, 1, 2)
        );
        drop(in_use);
    }

    #[test]
    fn a_directory_in_the_place_of_a_file_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path(), 1, false).unwrap();
        fs::create_dir_all(disk.path(9)).unwrap();
        disk.set_aside(&disk.path(9)).unwrap();
        assert!(!disk.path(9).exists());
        assert_eq!(fs::read_dir(directory.path().join(QUARANTINE)).unwrap().count(), 1);
    }
}
