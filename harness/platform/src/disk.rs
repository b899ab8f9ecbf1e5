//! How much of a disk a program takes: what lies in its folders, and what it holds open though it has no name any more.
//!
//! The watch over a submission asks once a second. Blocks are counted and not lengths, so that a file with holes costs what it
//! takes; nothing is opened but folders, and no link is followed.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};

/// What an entry costs beside its blocks: files without a byte can fill a disk, too.
const ENTRY_BYTES: u64 = 512;
/// Folders in each other that are held open at once. Nobody's tree is deeper; what lies deeper is counted from there on anew.
const DEEP: usize = 200;
/// More trees as deep as that are made by nobody but to hide in them.
const HIDING_PLACES: usize = 100;
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Bytes that the contents of these folders and the nameless open files of these processes take on the disks of the folders. It
/// stops counting once there are more than `enough`.
pub fn disk_use(folders: &[PathBuf], processes: &[i32], enough: u64) -> u64 {
    let mut count = Count { bytes: 0, enough, linked: HashSet::new(), devices: HashSet::new() };
    for folder in folders {
        count.folder(folder);
    }
    for &process in processes {
        count.nameless(process);
    }
    count.bytes
}

struct Count {
    bytes: u64,
    enough: u64,
    /// Files that have several names, or none: device and number.
    linked: HashSet<(u64, u64)>,
    /// Disks of the folders.
    devices: HashSet<u64>,
}

impl Count {
    fn is_enough(&self) -> bool {
        self.bytes > self.enough
    }

    fn add(&mut self, stat: &Stat) {
        let (device, number, links) = (device_of(stat), stat.st_ino, stat.st_nlink);
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if links == 1 || is_folder || self.linked.insert((device, number)) {
            let blocks = u64::try_from(stat.st_blocks).unwrap_or_default();
            self.bytes = self.bytes.saturating_add(blocks * 512 + ENTRY_BYTES);
        }
    }

    fn folder(&mut self, folder: &Path) {
        let Ok(top) = openat(CWD, folder, FOLDER, Mode::empty()) else { return };
        if let Ok(stat) = rustix::fs::fstat(&top) {
            self.devices.insert(device_of(&stat));
        }
        let mut roots = vec![top];
        while let Some(root) = roots.pop().filter(|_| !self.is_enough()) {
            self.tree(root, &mut roots);
        }
    }

    /// Counts a tree; what lies too deep in it goes to `later`.
    fn tree(&mut self, root: OwnedFd, later: &mut Vec<OwnedFd>) {
        let mut open: Vec<Dir> = Dir::new(root).into_iter().collect();
        while let Some(folder) = open.last_mut() {
            let Some(Ok(entry)) = folder.read() else {
                open.pop();
                continue;
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let Ok(here) = folder.fd() else { continue };
            // It may be gone by now.
            let Ok(stat) = statat(here, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let inner = (FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
                .then(|| openat(here, name, FOLDER, Mode::empty()).ok())
                .flatten();
            self.add(&stat);
            if self.is_enough() {
                return;
            }
            match inner {
                Some(inner) if open.len() < DEEP => open.extend(Dir::new(inner)),
                Some(inner) if later.len() < HIDING_PLACES => later.push(inner),
                Some(_) => self.bytes = u64::MAX,
                None => {}
            }
        }
    }

    /// What a process holds open, or has in its memory, that has no name any more.
    #[cfg(target_os = "linux")]
    fn nameless(&mut self, process: i32) {
        let folder = format!("/proc/{process}");
        for entry in std::fs::read_dir(format!("{folder}/fd")).into_iter().flatten().flatten() {
            self.add_if_nameless(&entry.path());
        }
        // The kernel may keep the names of mappings from an ordinary user; their lengths it tells.
        let maps = procfs::process::Process::new(process).and_then(|process| process.maps());
        for map in maps.into_iter().flatten() {
            let device = rustix::fs::makedev(map.dev.0.unsigned_abs(), map.dev.1.unsigned_abs());
            let deleted = matches!(&map.pathname, procfs::process::MMapPath::Path(path)
                if path.as_os_str().as_encoded_bytes().ends_with(b" (deleted)"));
            if deleted && self.devices.contains(&device) && self.linked.insert((device, map.inode)) {
                self.bytes = self.bytes.saturating_add(map.address.1 - map.address.0);
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn add_if_nameless(&mut self, path: &Path) {
        let Ok(stat) = rustix::fs::stat(path) else { return };
        let nameless = stat.st_nlink == 0 && FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if nameless && self.devices.contains(&device_of(&stat)) {
            self.add(&stat);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn nameless(&mut self, _process: i32) {}
}

/// The disk of a file. Its type differs from one system to the next.
fn device_of(stat: &Stat) -> u64 {
    #[cfg(target_os = "linux")]
    return stat.st_dev;
    #[cfg(not(target_os = "linux"))]
    return u64::from(stat.st_dev.cast_unsigned());
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::io::Write as _;
    use std::os::unix::fs::FileExt as _;

    use rustix::fs::mkdirat;

    use super::*;

    const MIB: u64 = 1 << 20;

    fn used(folder: &Path) -> u64 {
        let me = i32::try_from(std::process::id()).unwrap();
        disk_use(&[folder.to_path_buf()], &[me], u64::MAX - 1)
    }

    fn about(bytes: u64, expected: u64) -> bool {
        (expected..expected + MIB).contains(&bytes)
    }

    #[test]
    fn what_has_lost_its_name_counts_until_it_is_closed() {
        let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
        let path = folder.path().join("file");
        let mut file = File::create(&path).unwrap();
        file.write_all(&vec![1; 3 << 20]).unwrap();
        file.sync_all().unwrap();
        let named = used(folder.path());
        assert!(about(named, 3 * MIB), "{named}");
        std::fs::remove_file(&path).unwrap();
        assert!(about(used(folder.path()), 3 * MIB));
        drop(file);
        assert!(used(folder.path()) < MIB);
    }

    #[test]
    fn holes_cost_nothing_and_two_names_are_one_file() {
        let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
        let file = File::create(folder.path().join("holes")).unwrap();
        file.write_all_at(&vec![1; 2 << 20], 1 << 30).unwrap();
        file.sync_all().unwrap();
        std::fs::hard_link(folder.path().join("holes"), folder.path().join("again")).unwrap();
        let bytes = used(folder.path());
        assert!(about(bytes, 2 * MIB), "{bytes}");
    }

    #[test]
    fn what_lies_below_a_path_longer_than_any_counts() {
        let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
        let mut here = openat(CWD, folder.path(), FOLDER, Mode::empty()).unwrap();
        let name = "d".repeat(200);
        for _ in 0..300 {
            mkdirat(&here, &name, Mode::from_raw_mode(0o777)).unwrap();
            here = openat(&here, &name, FOLDER, Mode::empty()).unwrap();
        }
        let flags = OFlags::CREATE | OFlags::WRONLY;
        let mut file = File::from(openat(&here, "hidden", flags, Mode::from_raw_mode(0o666)).unwrap());
        file.write_all(&vec![1; 4 << 20]).unwrap();
        file.sync_all().unwrap();
        let bytes = used(folder.path());
        assert!((4 * MIB..8 * MIB).contains(&bytes), "{bytes}");
        crate::remove_whatever_it_is(folder.path()).unwrap();
    }

    #[test]
    fn files_without_a_byte_count_too() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..300 {
            File::create(folder.path().join(number.to_string())).unwrap();
        }
        assert!(used(folder.path()) >= 300 * ENTRY_BYTES);
    }
}
