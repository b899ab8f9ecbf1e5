//! The stored responses: found by key, made public, confirmed, removed.
//!
//! `ask`, `fetch`, `writer` and `recovery` work on one shared store. It knows where bytes lie and what
//! is open; whether a response may be used is not its business.
//!
//! A hit takes the entry from the open ones: no system call until its bytes are sent. Whatever gives a name
//! on the disk or takes one that is in the books happens under the lock of the index, so that a file and its
//! place in the books never part; what went to make room is deleted after that.

use std::fs::File;
use std::hash::BuildHasher;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use quick_cache::UnitWeighter;

use super::disk::{self, Disk, Head, ReadFailure, Temporary};
use super::entry::Entry;
use super::entry_format::{Damage, Kind, Preamble, Record, encode_slot, slot_bytes};
use super::freshness::Rules;
use super::index::{Index, Plain, Uses, touch};
use super::key::{Key, variant_hash};
use super::vary;
use super::watch::{Watch, Watches};
use crate::http::Fields;
use crate::platform::is_out_of_descriptors;

/// Bodies up to this size are checked where they are first opened; larger ones on a thread of their own.
const CHECKED_INLINE_BYTES: u64 = 64 << 10;
/// A failing disk is mentioned this often, in seconds.
const COMPLAIN_EVERY_SECONDS: i64 = 10;

pub(super) struct Store {
    /// `None` when nothing is stored: switched off, or the directory cannot be used.
    pub(super) disk: Option<Disk>,
    /// Tells this run from any other.
    pub(super) run: u64,
    pub(super) rules: ArcSwap<Rules>,
    open: quick_cache::sync::Cache<u128, Arc<Entry>, UnitWeighter, Plain>,
    pub(super) index: Mutex<Index>,
    pub(super) watches: Arc<Watches>,
    /// What the index does not know does not exist: the scan is over, and nobody else writes here.
    pub(super) is_recovered: AtomicBool,
    /// The scan of the start is over.
    pub(super) is_scanned: AtomicBool,
    /// Another process stores now.
    pub(super) has_successor: AtomicBool,
    pub(super) disk_failures: AtomicU64,
    pub(super) set_aside: AtomicU64,
    complained: AtomicU64,
    random: std::hash::RandomState,
}

/// The result of a look-up.
pub(super) enum Found {
    Entry(Arc<Entry>),
    /// Nothing under this key.
    Nothing,
    /// Something under this key, but not for these request fields.
    NoVariant,
    /// A large file that nobody has checked since the start.
    Unchecked(Box<Unchecked>),
}

/// A stored response whose body must be compared with its checksum before it is first served.
pub(super) struct Unchecked {
    hash: u128,
    file: Arc<File>,
    head: Head,
}

impl Store {
    pub(super) fn new(
        disk: Option<Disk>,
        run: u64,
        rules: Rules,
        capacity_bytes: u64,
        open_files: usize,
    ) -> Self {
        Self {
            is_recovered: AtomicBool::new(disk.is_none()),
            is_scanned: AtomicBool::new(disk.is_none()),
            has_successor: AtomicBool::new(false),
            disk,
            run,
            rules: ArcSwap::from_pointee(rules),
            open: quick_cache::sync::Cache::with(
                open_files,
                open_files as u64,
                UnitWeighter,
                Plain::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            ),
            index: Mutex::new(Index::new(capacity_bytes)),
            watches: Arc::default(),
            disk_failures: AtomicU64::new(0),
            set_aside: AtomicU64::new(0),
            complained: AtomicU64::new(0),
            random: std::hash::RandomState::new(),
        }
    }

    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open_entries(&self) -> usize {
        self.open.len()
    }

    /// The stored response for a key and the fields of a request.
    pub(super) fn find(&self, key: &Key, request: &Fields) -> Found {
        match self.find_file(key.hash(), key.bytes(), &[]) {
            Found::Entry(entry) if entry.record.kind == Kind::Variants => {
                let names = entry.record.vary.iter().map(AsRef::as_ref);
                let variant = vary::variant(names, request);
                let hash = variant_hash(key.bytes(), entry.record.generation, &variant);
                match self.find_file(hash, key.bytes(), &variant) {
                    Found::Nothing => Found::NoVariant,
                    found => found,
                }
            }
            found => found,
        }
    }

    /// The file of a hash, if it is what the key says. It is opened if it is not open, and checked if it
    /// was not checked since the start.
    fn find_file(&self, hash: u128, key: &[u8], variant: &[u8]) -> Found {
        if let Some(entry) = self.open.get(&hash) {
            if !entry.belongs_to(key, variant) {
                return Found::Nothing;
            }
            touch(&entry.uses);
            return Found::Entry(entry);
        }
        let Some(disk) = &self.disk else { return Found::Nothing };
        if self.is_recovered.load(Ordering::Acquire) && !self.index().contains(hash) {
            return Found::Nothing;
        }
        let opened = self.with_descriptors(|| disk.open(hash)).map_err(ReadFailure::from).and_then(|file| {
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(Damage::Foreign.into());
            }
            let head = disk::read_head(&file, metadata.len())?;
            Ok((file, head))
        });
        match opened {
            Ok((file, mut head)) => {
                head.record.come_to_line(self.run);
                if head.record.key != key || head.record.variant != variant {
                    self.judge_stranger(hash, &head.record);
                    return Found::Nothing;
                }
                self.admit(Unchecked { hash, file: Arc::new(file), head })
            }
            Err(failure) => {
                self.refuse(hash, &failure);
                Found::Nothing
            }
        }
    }

    /// Opens something, after those that are only held open were closed if there is no other descriptor left.
    fn with_descriptors<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match open() {
            Err(error) if is_out_of_descriptors(&error) && self.open_entries() > 0 => {
                self.close_all();
                open()
            }
            opened => opened,
        }
    }

    /// A new file that will become that of a hash.
    pub(super) fn create(&self, disk: &Disk, hash: u128) -> io::Result<Temporary> {
        self.with_descriptors(|| disk.create(hash))
    }

    fn admit(&self, unchecked: Unchecked) -> Found {
        let is_verified = self.index().is_verified(unchecked.hash);
        if is_verified {
            return Found::Entry(self.make_open(unchecked));
        }
        if unchecked.head.preamble.body_bytes > CHECKED_INLINE_BYTES {
            return Found::Unchecked(Box::new(unchecked));
        }
        self.check(unchecked).map_or(Found::Nothing, Found::Entry)
    }

    /// Compares the whole body with its checksum; blocks for as long as that takes.
    pub(super) fn check(&self, unchecked: Unchecked) -> Option<Arc<Entry>> {
        match disk::verify_body(&unchecked.file, &unchecked.head.preamble) {
            Ok(()) => Some(self.make_open(unchecked)),
            Err(failure) => {
                self.refuse(unchecked.hash, &failure);
                None
            }
        }
    }

    fn make_open(&self, unchecked: Unchecked) -> Arc<Entry> {
        let Unchecked { hash, file, head } = unchecked;
        let mut index = self.index();
        let uses = index.insert(hash, head.preamble.body_offset() + head.preamble.body_bytes, true);
        touch(&uses);
        let entry = Arc::new(Entry::new(hash, file, head, &self.rules.load(), uses));
        self.open.insert(hash, Arc::clone(&entry));
        entry
    }

    /// A file that holds another key than its name says is a copy that somebody made, unless two keys
    /// really share a hash.
    fn judge_stranger(&self, hash: u128, record: &Record) {
        let own = match record.generation {
            0 => xxhash_rust::xxh3::xxh3_128(&record.key),
            _ if record.kind == Kind::Variants => xxhash_rust::xxh3::xxh3_128(&record.key),
            generation => variant_hash(&record.key, generation, &record.variant),
        };
        if own != hash {
            self.refuse(hash, &Damage::Name.into());
        }
    }

    /// Sets a file aside that must not be served.
    pub(super) fn refuse(&self, hash: u128, failure: &ReadFailure) {
        let Some(disk) = &self.disk else { return };
        match failure {
            ReadFailure::Disk(error) if error.kind() == io::ErrorKind::NotFound => {
                self.index().remove(hash);
            }
            ReadFailure::Disk(error) => self.complain("read from", error),
            ReadFailure::Damaged(damage) => {
                let mut index = self.index();
                index.remove(hash);
                self.open.remove(&hash);
                let path = disk.path(hash);
                self.set_aside.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("set {} aside: {damage}", path.display());
                if let Err(error) = disk.set_aside(&path) {
                    self.complain("set a file aside in", &error);
                }
            }
        }
    }

    /// The generation of variants to which a response with these varying fields belongs, and whether
    /// their list has to be written first.
    pub(super) fn generation_of(&self, key: &Key, vary: &[Box<[u8]>]) -> (u64, bool) {
        match self.find_file(key.hash(), key.bytes(), &[]) {
            Found::Entry(entry) if entry.record.kind == Kind::Variants && entry.record.vary == vary => {
                (entry.record.generation, false)
            }
            // Never zero, which means "does not vary".
            _ => (self.random.hash_one((key.hash(), crate::clock::monotonic())) | 1, true),
        }
    }

    /// Gives a written file its name and its place in the books, and makes room. A response that became
    /// wrong in the meantime serves those who have waited for it, and gets no name.
    pub(super) fn publish(
        &self,
        mut temporary: Temporary,
        hash: u128,
        head: Head,
        watch: Option<&Watch>,
    ) -> io::Result<Arc<Entry>> {
        let file = Arc::clone(&temporary.file);
        let mut index = self.index();
        let is_outdated = watch.is_some_and(Watch::is_spoiled) || self.has_successor.load(Ordering::Acquire);
        let Some(disk) = self.disk.as_ref().filter(|_| !is_outdated) else {
            return Ok(self.nameless(temporary, hash, head));
        };
        disk.publish(&mut temporary, hash)?;
        let file_bytes = head.preamble.body_offset() + head.preamble.body_bytes;
        let uses = index.insert(hash, file_bytes, true);
        let entry = Arc::new(Entry::new(hash, file, head, &self.rules.load(), uses));
        self.open.insert(hash, Arc::clone(&entry));
        let gone = self.make_room(&mut index);
        drop(index);
        self.delete(&gone);
        Ok(entry)
    }

    /// A response that serves those who have waited for it, and gets no name.
    pub(super) fn nameless(&self, temporary: Temporary, hash: u128, head: Head) -> Arc<Entry> {
        let file = Arc::clone(&temporary.file);
        Arc::new(Entry::new(hash, file, head, &self.rules.load(), Uses::default()))
    }

    /// Forgets what does not fit any more, and says what [`Store::delete`] has to delete: on a disk that is slow, with the
    /// lock in hand, that would stop everybody.
    #[must_use = "the files are still there"]
    pub(super) fn make_room(&self, index: &mut Index) -> Vec<u128> {
        if self.disk.is_none() {
            return Vec::new();
        }
        let gone: Vec<u128> = std::iter::from_fn(|| index.next_to_go()).collect();
        gone.iter().for_each(|hash| drop(self.open.remove(hash)));
        gone
    }

    /// Deletes files that were forgotten, but for those that have come back in the meantime. One that comes back in this
    /// very moment is lost, which costs a fetch.
    pub(super) fn delete(&self, gone: &[u128]) {
        let Some(disk) = &self.disk else { return };
        for &hash in gone {
            if !self.index().contains(hash)
                && let Err(error) = disk.remove(hash)
            {
                self.complain("delete from", &error);
            }
        }
    }

    /// Writes the list of fields by which the responses of a key differ.
    pub(super) fn write_variants(
        &self,
        key: &Key,
        vary: &[Box<[u8]>],
        generation: u64,
        watch: &Watch,
    ) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let record = Record {
            kind: Kind::Variants,
            key: key.bytes().to_vec(),
            generation,
            vary: vary.to_vec(),
            ..Record::default()
        };
        let encoded = record.encode();
        let slot_bytes = slot_bytes(encoded.len());
        let preamble = Preamble { slot_bytes, body_bytes: 0, body_checksum: xxhash_rust::xxh3::xxh3_64(&[]) };
        let mut bytes = preamble.encode().to_vec();
        bytes.extend(encode_slot(1, &encoded, slot_bytes).ok_or(io::ErrorKind::InvalidInput)?);
        bytes.resize(preamble.body_offset() as usize, 0);
        let temporary = self.create(disk, key.hash())?;
        disk::write_at(&temporary.file, &bytes, 0)?;
        let head = Head { preamble, slot: 0, sequence: 1, record };
        self.publish(temporary, key.hash(), head, Some(watch)).map(drop)
    }

    /// Gives a stored response a new head (RFC 9111 §3.2). The body stays where it is. A disk that fails
    /// costs only that the old head is there after a restart.
    pub(super) fn confirm(&self, entry: &Entry, record: Record) -> Arc<Entry> {
        let encoded = record.encode();
        let mut index = self.index();
        let current = self.open.get(&entry.hash).filter(|other| Arc::ptr_eq(&other.file, &entry.file));
        let is_current = current.is_some();
        let base = current.as_deref().unwrap_or(entry);
        let (slot, sequence) = (1 - base.slot, base.sequence + 1);
        let head = Head { preamble: entry.preamble, slot, sequence, record };
        match encode_slot(sequence, &encoded, entry.preamble.slot_bytes) {
            Some(bytes) => {
                let offset = entry.preamble.slot_offset(slot);
                if let Err(error) = disk::write_at(&entry.file, &bytes, offset) {
                    self.complain("write to", &error);
                }
            }
            None if is_current => {
                drop(index);
                return self.rewrite(entry, head, &encoded);
            }
            None => {}
        }
        let entry = Arc::new(Entry::new(
            entry.hash,
            Arc::clone(&entry.file),
            head,
            &self.rules.load(),
            Arc::clone(&entry.uses),
        ));
        if is_current {
            index.insert(entry.hash, entry.file_bytes(), true);
            self.open.insert(entry.hash, Arc::clone(&entry));
        }
        entry
    }

    /// A response with another head that serves those who have it, and nobody else.
    pub(super) fn unnamed(&self, entry: &Entry, record: Record) -> Arc<Entry> {
        let Entry { preamble, slot, sequence, .. } = *entry;
        let head = Head { preamble, slot, sequence, record };
        let file = Arc::clone(&entry.file);
        Arc::new(Entry::new(entry.hash, file, head, &self.rules.load(), Uses::default()))
    }

    /// The rare head that outgrew its slot: body and new head go to a new file.
    fn rewrite(&self, entry: &Entry, head: Head, encoded: &[u8]) -> Arc<Entry> {
        let preamble = Preamble { slot_bytes: slot_bytes(encoded.len()), ..entry.preamble };
        let copy = |disk: &Disk| -> io::Result<Temporary> {
            let slot = encode_slot(1, encoded, preamble.slot_bytes).ok_or(io::ErrorKind::InvalidInput)?;
            let temporary = self.create(disk, entry.hash)?;
            disk::write_at(&temporary.file, &slot, preamble.slot_offset(0))?;
            disk::copy_body(&entry.file, &entry.preamble, &temporary.file, preamble.body_offset())?;
            disk::write_at(&temporary.file, &preamble.encode(), 0)?;
            Ok(temporary)
        };
        let published = self.disk.as_ref().map(copy).transpose().and_then(|temporary| {
            let head = Head { preamble, slot: 0, sequence: 1, record: head.record.clone() };
            temporary.map(|temporary| self.publish(temporary, entry.hash, head, None)).transpose()
        });
        match published {
            Ok(Some(entry)) => return entry,
            Ok(None) => {}
            Err(error) => self.complain("write to", &error),
        }
        self.unnamed(entry, head.record)
    }

    /// Forgets everything under a key, its variants included; also what is still on its way.
    pub(super) fn remove(&self, key: &Key) -> bool {
        self.watches.spoil(key.hash());
        self.remove_file(key.hash())
    }

    /// Deletes one file.
    pub(super) fn remove_file(&self, hash: u128) -> bool {
        let Some(disk) = &self.disk else { return false };
        let mut index = self.index();
        let was_known = index.remove(hash);
        let was_open = self.open.remove(&hash).is_some();
        if !was_known && !was_open && self.is_recovered.load(Ordering::Acquire) {
            return false;
        }
        match disk.remove(hash) {
            Ok(()) => was_known || was_open,
            Err(error) => {
                self.complain("delete from", &error);
                false
            }
        }
    }

    /// Takes new settings; what is open was judged by the old ones and is opened again.
    pub(super) fn reconfigure(&self, rules: Rules, capacity_bytes: u64) {
        self.rules.store(Arc::new(rules));
        let mut index = self.index();
        index.set_capacity(capacity_bytes);
        let gone = self.make_room(&mut index);
        drop(index);
        self.delete(&gone);
        self.close_all();
    }

    /// Closes every file that is held open; it is opened again when it is asked for.
    pub(super) fn close_all(&self) {
        self.open.clear();
    }

    /// One warning for many failures: a full disk must not fill the terminal too.
    pub(super) fn complain(&self, action: &str, error: &io::Error) {
        self.disk_failures.fetch_add(1, Ordering::Relaxed);
        let second = crate::clock::now().seconds();
        let last = self.complained.load(Ordering::Relaxed);
        let is_due = second >= (last as i64).saturating_add(COMPLAIN_EVERY_SECONDS);
        let take =
            || self.complained.compare_exchange(last, second as u64, Ordering::Relaxed, Ordering::Relaxed);
        if is_due && take().is_ok() {
            tracing::warn!("could not {action} the cache directory, going on without it: {error}");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("disk", &self.disk).finish_non_exhaustive()
    }
}
