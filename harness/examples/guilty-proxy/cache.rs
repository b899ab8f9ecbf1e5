//! Answers on disk: one file each, with the full key, the instant of storing and a checksum; written aside, then renamed.
//!
//! The server looks here before it asks a backend. A file that is not whole is a miss; how long an entry is fresh, and
//! what a defect makes of it, is said in `defects::freshness` and `defects::persistence`.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock;
use crate::defects::freshness::Times;
use crate::defects::{Defect, content, freshness, persistence};
use crate::http::Message;

/// The cache.
pub struct Cache {
    directory: PathBuf,
    ttl: Duration,
    defect: Defect,
    /// Numbers the temporary files.
    written: AtomicU64,
    started: Duration,
    /// What this process has stored, as bytes; empty but for its keys, unless a defect keeps the bytes here.
    index: Mutex<HashMap<String, Vec<u8>>>,
}

/// What a file holds.
struct Entry {
    key: String,
    stored: Duration,
    answer: Message,
}

impl Cache {
    /// Makes the directory where there is none.
    pub fn open(directory: &Path, ttl: Duration, defect: Defect) -> io::Result<Cache> {
        if persistence::wipes_at_start(defect) {
            let _ = fs::remove_dir_all(directory);
        }
        fs::create_dir_all(directory)?;
        let directory = directory.to_owned();
        Ok(Cache {
            directory,
            ttl,
            defect,
            written: AtomicU64::new(0),
            started: clock::now(),
            index: Mutex::default(),
        })
    }

    /// The answer for a target, where there is a whole one that is still fresh.
    pub fn look_up(&self, target: &str) -> Option<Message> {
        let key = content::key(self.defect, target);
        if !persistence::may_be_known(self.defect, target, || self.index().contains_key(&key)) {
            return None;
        }
        let bytes = if persistence::keeps_in_memory(self.defect) {
            self.index().get(&key)?.clone()
        } else {
            fs::read(self.path(&key)).ok()?
        };
        let entry =
            if persistence::trusts_any_file(self.defect) { parse_anything(&bytes) } else { parse(&bytes) }?;
        if entry.key != key {
            return None;
        }
        let times = Times { stored: entry.stored, started: self.started, now: clock::now(), ttl: self.ttl };
        if !freshness::is_fresh(self.defect, times) && !freshness::served_once_more(self.defect, target) {
            return None;
        }
        if freshness::hit_renews(self.defect) {
            self.store(target, &entry.answer);
        }
        Some(entry.answer)
    }

    /// Keeps an answer. An error costs the entry and nothing else.
    pub fn store(&self, target: &str, answer: &Message) {
        let key = content::key(self.defect, target);
        let mut kept = content::stored(self.defect, answer);
        if content::appends_to_what_is_there(self.defect) && self.index().contains_key(&key) {
            kept.body.extend_from_within(..);
        }
        let bytes = write(&Entry { key: key.clone(), stored: clock::now(), answer: kept });
        if !persistence::writes_files(self.defect) {
            self.index().insert(key, bytes);
            return;
        }
        let path = self.path(&key);
        let done = if persistence::writes_in_place(self.defect) {
            persistence::write_slowly_in_place(&path, &bytes)
        } else {
            let number = self.written.fetch_add(1, Ordering::Relaxed);
            let aside = self.directory.join(format!("{}-{number}.part", std::process::id()));
            fs::write(&aside, &bytes).and_then(|()| fs::rename(&aside, &path))
        };
        if done.is_ok() {
            self.index().insert(key, Vec::new());
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{:016x}", hash(key.as_bytes())))
    }

    fn index(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A head of lines (key, instant, number of fields, first line, fields), an empty line, the body; the checksum of all
/// that in front.
fn write(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    let answer = &entry.answer;
    // Writing to memory cannot go wrong.
    let _ = write!(bytes, "{}\n{}\n{}\n", entry.key, entry.stored.as_nanos(), answer.first_line);
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
    let key = lines.next()?.to_owned();
    let stored = Duration::from_nanos(lines.next()?.parse().ok()?);
    let first_line = lines.next()?.to_owned();
    let fields =
        lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let body = rest[end + 2..].to_vec();
    Some(Entry { key, stored, answer: Message { first_line, fields, body, ..Message::default() } })
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
