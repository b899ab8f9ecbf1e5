//! Answers on disk: one file each, with the full target, the instant of storing and a checksum; written aside, then renamed.
//!
//! The server looks here before it asks a backend. A file that is not whole is a miss; how long an entry is fresh, and
//! what a defect makes of it, is said in `defects::freshness` and `defects::persistence`.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::defects::{Defect, freshness, persistence};
use crate::http::Message;

/// The cache.
pub struct Cache {
    directory: PathBuf,
    ttl: Duration,
    defect: Defect,
    /// Numbers the temporary files.
    written: AtomicU64,
    /// What this process has stored; only a defect relies on it.
    index: Mutex<HashSet<String>>,
}

/// What a file holds.
struct Entry {
    target: String,
    stored: Duration,
    answer: Message,
}

impl Cache {
    /// Makes the directory where there is none.
    pub fn open(directory: &Path, ttl: Duration, defect: Defect) -> io::Result<Cache> {
        fs::create_dir_all(directory)?;
        let directory = directory.to_owned();
        Ok(Cache { directory, ttl, defect, written: AtomicU64::new(0), index: Mutex::default() })
    }

    /// The answer for a target, where there is a whole one that is still fresh.
    pub fn look_up(&self, target: &str) -> Option<Message> {
        if !persistence::may_be_known(self.defect, || self.index().contains(target)) {
            return None;
        }
        let path = self.path(target);
        let bytes = fs::read(&path).ok()?;
        let entry =
            if persistence::trusts_any_file(self.defect) { parse_anything(&bytes) } else { parse(&bytes) }?;
        if entry.target != target || !freshness::is_fresh(self.defect, entry.stored, clock::now(), self.ttl) {
            return None;
        }
        if freshness::hit_renews(self.defect) {
            self.store(target, &entry.answer);
        }
        Some(entry.answer)
    }

    /// Keeps an answer. An error costs the entry and nothing else.
    pub fn store(&self, target: &str, answer: &Message) {
        let bytes = write(&Entry { target: target.to_owned(), stored: clock::now(), answer: answer.clone() });
        let path = self.path(target);
        let done = if persistence::writes_in_place(self.defect) {
            persistence::write_slowly_in_place(&path, &bytes)
        } else {
            let number = self.written.fetch_add(1, Ordering::Relaxed);
            let aside = self.directory.join(format!("{}-{number}.part", std::process::id()));
            fs::write(&aside, &bytes).and_then(|()| fs::rename(&aside, &path))
        };
        if done.is_ok() {
            self.index().insert(target.to_owned());
        }
    }

    fn path(&self, target: &str) -> PathBuf {
        self.directory.join(format!("{:016x}", hash(target.as_bytes())))
    }

    fn index(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A head of lines (target, instant, number of fields, first line, fields), an empty line, the body; the checksum of all
/// that in front.
fn write(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    let answer = &entry.answer;
    // Writing to memory cannot go wrong.
    let _ = write!(bytes, "{}\n{}\n{}\n", entry.target, entry.stored.as_nanos(), answer.first_line);
    for (name, value) in &answer.fields {
        let _ = writeln!(bytes, "{name}: {value}");
    }
    bytes.push(b'\n');
    bytes.extend(&answer.body);
    let mut all = format!("{:016x}\n", hash(&bytes)).into_bytes();
    all.extend(bytes);
    all
}

fn parse(bytes: &[u8]) -> Option<Entry> {
    let (checksum, rest) = bytes.split_at_checked(17)?;
    let checksum = u64::from_str_radix(std::str::from_utf8(&checksum[..16]).ok()?, 16).ok()?;
    if hash(rest) == checksum { parse_anything(bytes) } else { None }
}

/// Without looking at the checksum.
fn parse_anything(bytes: &[u8]) -> Option<Entry> {
    let rest = bytes.get(17..)?;
    let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
    let head = String::from_utf8(rest[..end].to_vec()).ok()?;
    let mut lines = head.lines();
    let target = lines.next()?.to_owned();
    let stored = Duration::from_nanos(lines.next()?.parse().ok()?);
    let first_line = lines.next()?.to_owned();
    let fields =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    Some(Entry { target, stored, answer: Message { first_line, fields, body: rest[end + 2..].to_vec() } })
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
