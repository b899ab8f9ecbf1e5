//! A file system that a test makes: it lies in memory, keeps whoever asks waiting where the test says so, and forgets at a
//! power cut what was not synced.
//!
//! What survives a cut is what POSIX promises and nothing more: bytes of a file up to its last `fsync`, names up to the
//! last `fsync` of their directory. Of the rest each sector of 512 bytes and each change of a name may be there or not,
//! in any order.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::proof::mix;
use super::wait_until;

/// Nothing changes behind the kernel's back.
const FOR_EVER: Duration = Duration::from_secs(3600);
const SECTOR: u64 = 512;

/// A call that a test can keep waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Open,
    Create,
    Mkdir,
    Write,
    Read,
    Rename,
    Unlink,
    Sync,
}

/// A mounted file system; it is unmounted when dropped.
pub struct Disk {
    shared: Arc<Shared>,
    _session: BackgroundSession,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    gate: Mutex<Gate>,
    opened: Condvar,
}

#[derive(Default)]
struct Gate {
    held: Option<Call>,
    waiting: usize,
}

/// Everything on the disk.
#[derive(Clone)]
pub struct State {
    nodes: HashMap<u64, Node>,
    next: u64,
}

#[derive(Clone, Default)]
struct Node {
    is_directory: bool,
    names: BTreeMap<OsString, u64>,
    /// What each name stood for since the last sync, the synced state first.
    changes: HashMap<OsString, Vec<Option<u64>>>,
    data: Vec<u8>,
    synced: Vec<u8>,
    /// What was written since the last sync.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Default for State {
    fn default() -> Self {
        let root = Node { is_directory: true, ..Node::default() };
        Self { nodes: HashMap::from([(1, root)]), next: 2 }
    }
}

impl Disk {
    /// Mounts a file system in this state; the reason where this system does not allow that.
    pub fn mount(directory: &Path, state: State) -> Result<Self, String> {
        let shared = Arc::new(Shared { state: Mutex::new(state), ..Shared::default() });
        let session = fuser::spawn_mount(Served(Arc::clone(&shared)), directory, &Config::default());
        let session =
            session.map_err(|error| format!("no file system of its own can be mounted: {error}"))?;
        Ok(Self { shared, _session: session })
    }

    /// From now on calls of this kind wait.
    pub fn hold(&self, call: Call) {
        self.shared.gate().held = Some(call);
    }

    /// Whoever waits goes on.
    pub fn release(&self) {
        self.shared.gate().held = None;
        self.shared.opened.notify_all();
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.shared.gate().waiting
    }

    /// Returns when a call waits.
    pub fn await_waiting(&self) {
        wait_until("a call that the disk keeps waiting", || self.waiting() > 0);
    }

    /// What a power cut at this moment leaves.
    pub fn cut(&self, seed: u64) -> State {
        self.shared.state().survivors(seed)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.release();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().expect("no panic")
    }

    /// Does the work of a call, at once or when the test lets it go on; other calls do not wait for it.
    fn serve(self: &Arc<Self>, call: Call, work: impl FnOnce(&mut State) + Send + 'static) {
        if self.gate().held != Some(call) {
            return work(&mut self.state());
        }
        let shared = Arc::clone(self);
        shared.gate().waiting += 1;
        std::thread::spawn(move || {
            let mut gate = shared.gate();
            while gate.held == Some(call) {
                gate = shared.opened.wait(gate).expect("no panic");
            }
            gate.waiting -= 1;
            drop(gate);
            work(&mut shared.state());
        });
    }
}

impl State {
    fn node(&mut self, inode: u64) -> &mut Node {
        self.nodes.entry(inode).or_default()
    }

    fn child(&self, parent: u64, name: &OsStr) -> Option<u64> {
        self.nodes.get(&parent)?.names.get(name).copied()
    }

    fn name(&mut self, parent: u64, name: &OsStr, inode: Option<u64>) {
        let directory = self.node(parent);
        let before = directory.names.get(name).copied();
        directory.changes.entry(name.to_owned()).or_insert_with(|| vec![before]).push(inode);
        match inode {
            Some(inode) => directory.names.insert(name.to_owned(), inode),
            None => directory.names.remove(name),
        };
    }

    fn make(&mut self, parent: u64, name: &OsStr, is_directory: bool) -> FileAttr {
        let inode = self.next;
        self.next += 1;
        self.nodes.insert(inode, Node { is_directory, ..Node::default() });
        self.name(parent, name, Some(inode));
        self.attributes(inode)
    }

    fn attributes(&self, inode: u64) -> FileAttr {
        let node = self.nodes.get(&inode);
        let is_directory = node.is_some_and(|node| node.is_directory);
        let size = node.map_or(0, |node| node.data.len() as u64);
        let time = SystemTime::UNIX_EPOCH;
        FileAttr {
            ino: INodeNo(inode),
            size,
            blocks: size.div_ceil(SECTOR),
            atime: time,
            mtime: time,
            ctime: time,
            crtime: time,
            kind: if is_directory { FileType::Directory } else { FileType::RegularFile },
            perm: if is_directory { 0o700 } else { 0o600 },
            nlink: 1,
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }

    fn survivors(&self, seed: u64) -> Self {
        let mut chance = seed;
        // Sometimes nothing of what was not synced has arrived, sometimes nearly all.
        let odds = [0, 16, 50, 84, 97, 100][(mix(seed ^ 0xcafe) % 6) as usize];
        let mut is_lucky = || {
            chance = mix(chance);
            chance % 100 < odds
        };
        let mut survivors = Self { nodes: HashMap::new(), next: self.next };
        let mut inodes: Vec<_> = self.nodes.keys().copied().collect();
        inodes.sort_unstable();
        for inode in inodes {
            let node = &self.nodes[&inode];
            let mut names = node.names.clone();
            let mut changes: Vec<_> = node.changes.iter().collect();
            changes.sort_unstable();
            for (name, values) in changes {
                // Each later change may be the one that arrived last.
                let kept = values[1..].iter().rev().find(|_| is_lucky()).copied().unwrap_or(values[0]);
                match kept {
                    Some(inode) => names.insert(name.clone(), inode),
                    None => names.remove(name),
                };
            }
            let mut data = node.synced.clone();
            for (offset, bytes) in &node.writes {
                let end = offset + bytes.len() as u64;
                let mut from = *offset;
                while from < end {
                    let to = end.min((from / SECTOR + 1) * SECTOR);
                    if is_lucky() {
                        data.resize(data.len().max(to as usize), 0);
                        let piece = &bytes[(from - offset) as usize..(to - offset) as usize];
                        data[from as usize..to as usize].copy_from_slice(piece);
                    }
                    from = to;
                }
                if is_lucky() {
                    // The length has arrived, and not all of the bytes.
                    data.resize(data.len().max(end as usize), 0);
                }
            }
            let is_directory = node.is_directory;
            let node = Node { is_directory, names, synced: data.clone(), data, ..Node::default() };
            survivors.nodes.insert(inode, node);
        }
        survivors
    }
}

struct Served(Arc<Shared>);

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.0.state();
        match state.child(parent.0, name) {
            Some(inode) => reply.entry(&FOR_EVER, &state.attributes(inode), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.0.serve(Call::Open, |_| reply.opened(FileHandle(0), FopenFlags::empty()));
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&FOR_EVER, &self.0.state().attributes(inode.0));
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _handle: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.0.state();
        if let Some(size) = size {
            state.node(inode.0).data.resize(size as usize, 0);
        }
        reply.attr(&FOR_EVER, &state.attributes(inode.0));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let name = name.to_owned();
        self.0.serve(Call::Mkdir, move |state| match state.child(parent.0, &name) {
            Some(_) => reply.error(Errno::EEXIST),
            None => reply.entry(&FOR_EVER, &state.make(parent.0, &name, true), Generation(0)),
        });
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let name = name.to_owned();
        self.0.serve(Call::Create, move |state| {
            let attributes = state.make(parent.0, &name, false);
            reply.created(&FOR_EVER, &attributes, Generation(0), FileHandle(0), FopenFlags::empty());
        });
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        self.0.serve(Call::Unlink, move |state| {
            state.name(parent.0, &name, None);
            reply.ok();
        });
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.0.serve(Call::Rename, move |state| match state.child(parent.0, &name) {
            Some(inode) => {
                state.name(parent.0, &name, None);
                state.name(new_parent.0, &new_name, Some(inode));
                reply.ok();
            }
            None => reply.error(Errno::ENOENT),
        });
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.0.serve(Call::Read, move |state| {
            let data = &state.node(inode.0).data;
            let start = (offset as usize).min(data.len());
            reply.data(&data[start..(start + size as usize).min(data.len())]);
        });
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let bytes = data.to_vec();
        self.0.serve(Call::Write, move |state| {
            let node = state.node(inode.0);
            let end = offset as usize + bytes.len();
            node.data.resize(node.data.len().max(end), 0);
            node.data[offset as usize..end].copy_from_slice(&bytes);
            reply.written(bytes.len() as u32);
            node.writes.push((offset, bytes));
        });
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.0.serve(Call::Sync, move |state| {
            let node = state.node(inode.0);
            node.synced = node.data.clone();
            node.writes.clear();
            reply.ok();
        });
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.0.serve(Call::Sync, move |state| {
            state.node(inode.0).changes.clear();
            reply.ok();
        });
    }

    fn readdir(&self, _: &Request, inode: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let state = self.0.state();
        let names = state.nodes.get(&inode.0).map(|node| &node.names).into_iter().flatten();
        for (place, (name, &child)) in names.enumerate().skip(offset as usize) {
            let kind = state.attributes(child).kind;
            if reply.add(INodeNo(child), place as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.0.state().name(parent.0, name, None);
        reply.ok();
    }
}
