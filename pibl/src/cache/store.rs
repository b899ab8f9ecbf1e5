//! The stored responses: found by key, made public, confirmed, removed.
//!
//! `ask`, `fetch`, `writer` and `recovery` work on one shared store. It knows where bytes lie and what
//! is open; whether a response may be used is not its business.
//!
//! A hit takes the entry from the open ones: no system call until its bytes are sent. Whatever opens a file, gives a name
//! on the disk or takes one holds that name, so that a file and its place in the books never part; the lock of the index
//! is held for the books alone. Everything that says that it waits for the disk is for the [`desk`](super::desk).

use std::hash::BuildHasher;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use quick_cache::UnitWeighter;

use super::desk::{self, Held, Names, UnderWay};
use super::disk::{self, Disk, Head, ReadFailure, StoredFile, Temporary};
use super::durability::Durability;
use super::entry::Entry;
use super::entry_format::{Damage, Kind, Preamble, Record, encode_slot, slot_bytes};
use super::freshness::Rules;
use super::index::{Index, Plain, Uses, touch};
use super::key::{Key, variant_hash};
use super::vary;
use super::watch::{Watch, Watches};
use crate::http::Fields;
use crate::platform::is_out_of_descriptors;

/// A body up to this size is compared with its checksum while whoever asks first waits for no more than the usual time.
pub(super) const SOON_CHECKED_BYTES: u64 = 4 << 20;
/// A failing disk is mentioned this often, in seconds.
const COMPLAIN_EVERY_SECONDS: i64 = 10;

pub(super) struct Store {
    /// `None` when nothing is stored: switched off, or the directory cannot be used.
    pub(super) disk: Option<Disk>,
    /// Tells this run from any other.
    pub(super) run: u64,
    pub(super) rules: ArcSwap<Rules>,
    open: quick_cache::sync::Cache<u128, Arc<Entry>, UnitWeighter, Plain>,
    index: Mutex<Index>,
    /// Who opens, gives or takes which name.
    names: Names,
    /// What is on its way to the disk.
    pub(super) under_way: UnderWay,
    pub(super) durability: Durability,
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

/// Files that were forgotten and are to be deleted.
#[derive(Debug, Default)]
#[must_use = "the files are still there"]
pub(super) struct Gone {
    hashes: Vec<u128>,
}

/// The result of a look-up.
pub(super) enum Found {
    Entry(Arc<Entry>),
    /// Nothing under this key.
    Nothing,
    /// Something under this key, but not for these request fields.
    NoVariant,
    /// Only the disk knows.
    Closed,
    /// A file so large that comparing it with its checksum takes a while, and nobody has done that since the start.
    Unchecked,
}

impl Store {
    pub(super) fn new(
        disk: Option<Disk>,
        run: u64,
        rules: Rules,
        capacity_bytes: u64,
        open_files: usize,
        durability: Durability,
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
            names: Names::default(),
            under_way: UnderWay::default(),
            durability,
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

    /// The stored response for a key and the fields of a request, as far as it is known without the disk.
    pub(super) fn find_open(&self, key: &Key, request: &Fields) -> Found {
        self.find_with(key, request, |_, _, _| match self.disk {
            Some(_) => Found::Closed,
            None => Found::Nothing,
        })
    }

    /// The stored response for a key and the fields of a request. Waits for the disk; files with more than `most_bytes` that
    /// were not checked yet are left for another time.
    pub(super) fn find(&self, key: &Key, request: &Fields, most_bytes: u64) -> Found {
        self.find_with(key, request, |hash, key, variant| self.open_file(hash, key, variant, most_bytes))
    }

    fn find_with(&self, key: &Key, request: &Fields, open: impl Fn(u128, &[u8], &[u8]) -> Found) -> Found {
        match self.look_up(key.hash(), key.bytes(), &[], &open) {
            Found::Entry(entry) if entry.record.kind == Kind::Variants => {
                let names = entry.record.vary.iter().map(AsRef::as_ref);
                let variant = vary::variant(names, request);
                let hash = variant_hash(key.bytes(), entry.record.generation, &variant);
                match self.look_up(hash, key.bytes(), &variant, &open) {
                    Found::Nothing => Found::NoVariant,
                    found => found,
                }
            }
            found => found,
        }
    }

    /// The open file of a hash, if it is what the key says; others are opened where there may be one.
    fn look_up(
        &self,
        hash: u128,
        key: &[u8],
        variant: &[u8],
        open: impl Fn(u128, &[u8], &[u8]) -> Found,
    ) -> Found {
        if let Some(entry) = self.open.get(&hash) {
            if !entry.belongs_to(key, variant) {
                return Found::Nothing;
            }
            touch(&entry.uses);
            return Found::Entry(entry);
        }
        if self.is_recovered.load(Ordering::Acquire) && !self.index().contains(hash) {
            return Found::Nothing;
        }
        open(hash, key, variant)
    }

    /// Opens the file of a hash, and checks it if it was not checked since the start. Waits for the disk.
    fn open_file(&self, hash: u128, key: &[u8], variant: &[u8], most_bytes: u64) -> Found {
        let Some(disk) = &self.disk else { return Found::Nothing };
        let _held = self.names.hold(hash);
        // Somebody may have opened it, or taken it away, while this one waited for the name.
        let closed = self.look_up(hash, key, variant, |_, _, _| Found::Closed);
        if !matches!(closed, Found::Closed) {
            return closed;
        }
        let opened = self.with_descriptors(|| disk.open(hash)).map_err(ReadFailure::from).and_then(|file| {
            let metadata = file.file().metadata()?;
            if !metadata.is_file() {
                return Err(Damage::Foreign.into());
            }
            let head = disk::read_head(file.file(), metadata.len())?;
            Ok((file, head))
        });
        let (file, mut head) = match opened {
            Ok(opened) => opened,
            Err(failure) => {
                self.refuse(hash, &failure);
                return Found::Nothing;
            }
        };
        head.record.come_to_line(self.run);
        if head.record.key != key || head.record.variant != variant {
            self.judge_stranger(hash, &head.record);
            return Found::Nothing;
        }
        let is_verified = self.index().is_verified(hash);
        if !is_verified {
            if head.preamble.body_bytes > most_bytes {
                return Found::Unchecked;
            }
            if let Err(failure) = disk::verify_body(file.file(), &head.preamble) {
                self.refuse(hash, &failure);
                return Found::Nothing;
            }
        }
        Found::Entry(self.make_open(hash, Arc::new(file), head))
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

    fn make_open(&self, hash: u128, file: Arc<StoredFile>, head: Head) -> Arc<Entry> {
        let file_bytes = head.preamble.body_offset() + head.preamble.body_bytes;
        let uses = self.index().insert(hash, file_bytes, true);
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

    /// Sets a file aside that must not be served. For whoever holds its name.
    fn refuse(&self, hash: u128, failure: &ReadFailure) {
        let Some(disk) = &self.disk else { return };
        match failure {
            ReadFailure::Disk(error) if error.kind() == io::ErrorKind::NotFound => {
                self.index().remove(hash);
            }
            ReadFailure::Disk(error) => self.complain("read from", error),
            ReadFailure::Damaged(damage) => {
                self.forget(hash);
                let path = disk.path(hash);
                self.set_aside.fetch_add(1, Ordering::Relaxed);
                tracing::warn!("set {} aside: {damage}", path.display());
                if let Err(error) = disk.set_aside(&path) {
                    self.complain("set a file aside in", &error);
                }
            }
        }
    }

    /// Sets the file of a response aside whose body could not be read, unless it has been replaced, or could not be read
    /// in time only. Waits for the disk.
    pub(super) fn refuse_entry(&self, entry: &Entry) {
        let _held = self.names.hold(entry.hash);
        let is_replaced =
            self.open.get(&entry.hash).is_some_and(|other| !Arc::ptr_eq(&other.file, &entry.file));
        if !is_replaced && disk::verify_body(entry.file.file(), &entry.preamble).is_err() {
            self.refuse(entry.hash, &Damage::Body.into());
        }
    }

    /// Takes a file out of the books. Says whether it was in them.
    fn forget(&self, hash: u128) -> bool {
        let was_known = self.index().remove(hash);
        // Whoever has the last hand on it closes it; not under the lock.
        self.open.remove(&hash).is_some() || was_known
    }

    /// The right to change the file of a hash. Waits for whoever has it.
    pub(super) fn hold(&self, hash: u128) -> Held<'_> {
        self.names.hold(hash)
    }

    /// The generation of variants to which a response with these varying fields belongs, and whether
    /// their list has to be written first. Waits for the disk.
    pub(super) fn generation_of(&self, key: &Key, vary: &[Box<[u8]>]) -> (u64, bool) {
        let found = self.look_up(key.hash(), key.bytes(), &[], |hash, key, variant| {
            self.open_file(hash, key, variant, 0)
        });
        match found {
            Found::Entry(entry) if entry.record.kind == Kind::Variants && entry.record.vary == vary => {
                (entry.record.generation, false)
            }
            // Never zero, which means "does not vary".
            _ => (self.random.hash_one((key.hash(), crate::clock::monotonic())) | 1, true),
        }
    }

    /// Gives a written file its name and its place in the books, and makes room: what went for it is to be deleted. A
    /// response that became wrong in the meantime serves those who have waited for it, and gets no name. Waits for the
    /// disk.
    pub(super) fn publish(
        &self,
        mut temporary: Temporary,
        hash: u128,
        head: Head,
        watch: Option<&Watch>,
    ) -> io::Result<(Arc<Entry>, Gone)> {
        let file = Arc::clone(&temporary.file);
        let _held = self.names.hold(hash);
        let is_outdated = watch.is_some_and(Watch::is_spoiled) || self.has_successor.load(Ordering::Acquire);
        let Some(disk) = self.disk.as_ref().filter(|_| !is_outdated) else {
            return Ok((self.nameless(temporary, hash, head), Gone::default()));
        };
        self.durability.before_name(&file)?;
        disk.publish(&mut temporary, hash)?;
        self.durability.after_name(disk, hash, &file)?;
        let file_bytes = head.preamble.body_offset() + head.preamble.body_bytes;
        let mut index = self.index();
        let uses = index.insert(hash, file_bytes, true);
        let entry = Arc::new(Entry::new(hash, file, head, &self.rules.load(), uses));
        let gone = self.make_room(&mut index);
        drop(index);
        self.open.insert(hash, Arc::clone(&entry));
        gone.hashes.iter().for_each(|hash| drop(self.open.remove(hash)));
        Ok((entry, gone))
    }

    /// A response that serves those who have waited for it, and gets no name.
    pub(super) fn nameless(&self, temporary: Temporary, hash: u128, head: Head) -> Arc<Entry> {
        let file = Arc::clone(&temporary.file);
        Arc::new(Entry::new(hash, file, head, &self.rules.load(), Uses::default()))
    }

    /// Forgets what does not fit any more, which [`Store::delete`] has to delete.
    pub(super) fn make_room(&self, index: &mut Index) -> Gone {
        if self.disk.is_none() {
            return Gone::default();
        }
        Gone { hashes: std::iter::from_fn(|| index.next_to_go()).collect() }
    }

    /// Deletes files that were forgotten, but for those that have come back in the meantime. Waits for the disk.
    pub(super) fn delete(&self, gone: Gone) {
        let Some(disk) = &self.disk else { return };
        for hash in gone.hashes {
            let _held = self.names.hold(hash);
            if self.index().contains(hash) {
                continue;
            }
            drop(self.open.remove(&hash));
            if let Err(error) = disk.remove(hash) {
                self.complain("delete from", &error);
            }
        }
    }

    /// Writes the list of fields by which the responses of a key differ. Waits for the disk.
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
        disk::write_at(temporary.file.file(), &bytes, 0)?;
        let head = Head { preamble, slot: 0, sequence: 1, record };
        self.publish(temporary, key.hash(), head, Some(watch)).map(|(_, gone)| self.delete(gone))
    }

    /// Gives a stored response a new head (RFC 9111 §3.2). The body stays where it is. A disk that fails
    /// costs only that the old head is there after a restart. Waits for the disk.
    pub(super) fn confirm(&self, entry: &Entry, record: Record) -> Arc<Entry> {
        let encoded = record.encode();
        let held = self.names.hold(entry.hash);
        let current = self.open.get(&entry.hash).filter(|other| Arc::ptr_eq(&other.file, &entry.file));
        let is_current = current.is_some();
        let base = current.as_deref().unwrap_or(entry);
        let (slot, sequence) = (1 - base.slot, base.sequence + 1);
        let head = Head { preamble: entry.preamble, slot, sequence, record };
        match encode_slot(sequence, &encoded, entry.preamble.slot_bytes) {
            Some(bytes) => {
                let offset = entry.preamble.slot_offset(slot);
                let written = disk::write_at(entry.file.file(), &bytes, offset);
                if let Err(error) = written.and_then(|()| self.durability.after_change(&entry.file)) {
                    self.complain("write to", &error);
                }
            }
            None if is_current => {
                drop(held);
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
            self.index().insert(entry.hash, entry.file_bytes(), true);
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
            let file = temporary.file.file();
            disk::write_at(file, &slot, preamble.slot_offset(0))?;
            disk::copy_body(entry.file.file(), &entry.preamble, file, preamble.body_offset())?;
            disk::write_at(file, &preamble.encode(), 0)?;
            Ok(temporary)
        };
        let published = self.disk.as_ref().map(copy).transpose().and_then(|temporary| {
            let head = Head { preamble, slot: 0, sequence: 1, record: head.record.clone() };
            temporary.map(|temporary| self.publish(temporary, entry.hash, head, None)).transpose()
        });
        match published {
            Ok(Some((entry, gone))) => {
                self.delete(gone);
                return entry;
            }
            Ok(None) => {}
            Err(error) => self.complain("write to", &error),
        }
        self.unnamed(entry, head.record)
    }

    /// Forgets everything under a key, its variants included; also what is still on its way. Waits for the disk.
    pub(super) fn remove(&self, key: &Key) -> bool {
        self.watches.spoil(key.hash());
        self.remove_file(key.hash())
    }

    /// The same, for threads that serve clients: nobody finds it any more when this returns.
    pub(super) async fn remove_soon(self: &Arc<Self>, key: &Key) {
        self.watches.spoil(key.hash());
        self.remove_file_soon(key.hash()).await;
    }

    /// Deletes one file; nobody finds it any more when this returns.
    pub(super) async fn remove_file_soon(self: &Arc<Self>, hash: u128) {
        let is_absent = self.is_recovered.load(Ordering::Acquire)
            && !self.index().contains(hash)
            && self.open.get(&hash).is_none()
            && self.under_way.is_idle();
        if !is_absent && self.disk.is_some() {
            let store = Arc::clone(self);
            desk::run(move || store.remove_file(hash)).await;
        }
    }

    /// Deletes one file. Waits for the disk.
    pub(super) fn remove_file(&self, hash: u128) -> bool {
        let Some(disk) = &self.disk else { return false };
        let _held = self.names.hold(hash);
        let was_known = self.forget(hash);
        if !was_known && self.is_recovered.load(Ordering::Acquire) {
            return false;
        }
        match disk.remove(hash).and_then(|()| self.durability.after_removal(disk, hash)) {
            Ok(()) => was_known,
            Err(error) => {
                self.complain("delete from", &error);
                false
            }
        }
    }

    /// Takes new rules.
    pub(super) fn take_rules(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Takes a new size; what is open was judged by the old rules and is opened again. Waits for the disk.
    pub(super) fn resize(&self, capacity_bytes: u64) {
        self.close_all();
        let mut index = self.index();
        index.set_capacity(capacity_bytes);
        let gone = self.make_room(&mut index);
        drop(index);
        self.delete(gone);
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
