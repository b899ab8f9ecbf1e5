//! A disk of its own for what a program writes: a file system in memory, which ends where its limit is.
//!
//! Counting what lies in folders comes too late for whoever writes fast, and does not see what has no name. Here the kernel counts:
//! a file that nobody could find takes its room like any other, and who has used all of it is told that the disk is full. The
//! judge mounts it where only the judge and what it starts can see it, so that it is gone with them, however they end.

use std::io;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;

#[cfg(target_os = "linux")]
pub use linux::{OwnDisk, keep_mounts_to_this_process};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{OwnDisk, keep_mounts_to_this_process};

/// Memory that must be there, in parts of what a disk and its program may take: others are started meanwhile.
#[cfg(target_os = "linux")]
const OF_AVAILABLE: u64 = 2;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::CString;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::mount::{
        MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
    };
    use rustix::thread::UnshareFlags;

    use super::{OF_AVAILABLE, Path, PathBuf, io};

    /// Whether mounts are nobody's affair but this process's.
    static OWN_MOUNTS: AtomicBool = AtomicBool::new(false);

    /// A file of any length takes at least this much of what there is: files without a byte fill a disk, too.
    const LEAST_FILE: u64 = 512;
    /// More files than this are not allowed on any: each takes memory that no length shows.
    const MOST_FILES: u64 = 1 << 18;
    /// With less room than this it is full: nothing is written in smaller pieces on purpose.
    const NO_ROOM: u64 = 16 << 10;

    /// From now on nobody else sees what this process mounts; what the host mounts is seen as before.
    ///
    /// Must be called by a single-threaded process.
    ///
    /// # Errors
    /// The host does not allow it; all stays as it is.
    pub fn keep_mounts_to_this_process() -> io::Result<()> {
        // SAFETY: no CLONE_FILES, the one danger of unshare(2) to memory safety.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }?;
        mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
        OWN_MOUNTS.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// A disk that several folders share, until it ends or is dropped.
    #[derive(Debug)]
    pub struct OwnDisk {
        /// What is mounted, the last first.
        mounted: Vec<PathBuf>,
        shown: PathBuf,
        bytes: u64,
        ended: AtomicBool,
    }

    impl OwnDisk {
        /// Mounts an empty one of `bytes` over these folders, which share it. `memory` is what the program takes beside it.
        ///
        /// # Errors
        /// The mounts of this process are not its own, or the host lacks the memory; nothing is mounted then.
        pub fn over(folders: &[&Path], bytes: u64, memory: u64) -> io::Result<OwnDisk> {
            let enough = bytes.saturating_add(memory).saturating_mul(OF_AVAILABLE);
            if !OWN_MOUNTS.load(Ordering::SeqCst) || available_memory().is_none_or(|now| now < enough) {
                return Err(io::ErrorKind::Unsupported.into());
            }
            let Some((first, others)) = folders.split_first() else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            let files = (bytes / LEAST_FILE).min(MOST_FILES);
            let options = format!("mode=0755,size={bytes},nr_inodes={files}");
            let options = CString::new(options).map_err(io::Error::other)?;
            mount("harness", *first, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(&*options))?;
            let mut disk = OwnDisk {
                mounted: vec![first.to_path_buf()],
                shown: first.to_path_buf(),
                bytes,
                ended: AtomicBool::new(false),
            };
            for (number, folder) in others.iter().enumerate() {
                let part = first.join(number.to_string());
                std::fs::create_dir(&part)?;
                mount_bind(&part, *folder)?;
                disk.mounted.insert(0, folder.to_path_buf());
            }
            // The first has a part as well, and sees none of the others'.
            let part = first.join("first");
            std::fs::create_dir(&part)?;
            mount_bind(&part, *first)?;
            disk.mounted.insert(0, first.to_path_buf());
            Ok(disk)
        }

        /// Bytes that it holds at most.
        pub fn bytes(&self) -> u64 {
            self.bytes
        }

        /// Whether nothing more can be written.
        pub fn is_full(&self) -> bool {
            let ended = self.ended.load(Ordering::SeqCst);
            !ended
                && rustix::fs::statvfs(&self.shown)
                    .is_ok_and(|now| now.f_bavail.saturating_mul(now.f_frsize) < NO_ROOM || now.f_ffree == 0)
        }
    }

    impl OwnDisk {
        /// Takes it away with all that lies on it, whoever still asks whether it is full.
        pub fn end(&self) {
            if !self.ended.swap(true, Ordering::SeqCst) {
                for place in &self.mounted {
                    let _ = unmount(place, UnmountFlags::DETACH);
                }
            }
        }
    }

    impl Drop for OwnDisk {
        fn drop(&mut self) {
            self.end();
        }
    }

    /// Bytes that programs can still have without anybody losing theirs.
    fn available_memory() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib << 10)
    }

    #[cfg(test)]
    mod tests {
        use std::fs::File;
        use std::io::Write as _;
        use std::os::fd::OwnedFd;

        use super::*;

        const MIB: usize = 1 << 20;

        /// In a thread that has mounts of its own for the rest of its life; `None` where the host allows none.
        fn with_mounts<T: Send>(test: impl FnOnce() -> T + Send) -> Option<T> {
            std::thread::scope(|scope| {
                let allowed = || keep_mounts_to_this_process().is_ok();
                let inner = move || allowed().then(test);
                scope.spawn(inner).join().unwrap()
            })
        }

        fn disk(bytes: usize) -> (tempfile::TempDir, PathBuf, PathBuf, OwnDisk) {
            let parent = tempfile::tempdir().unwrap();
            let (one, two) = (parent.path().join("one"), parent.path().join("two"));
            std::fs::create_dir(&one).unwrap();
            std::fs::create_dir(&two).unwrap();
            let disk = OwnDisk::over(&[&one, &two], bytes as u64, 0).unwrap();
            (parent, one, two, disk)
        }

        /// A file without a name that is in nobody's table of descriptors: on its way through a socket whose other end nobody reads.
        fn send_away(file: OwnedFd, through: &std::os::unix::net::UnixStream) {
            use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
            let files = [std::os::fd::AsFd::as_fd(&file)];
            let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
            sendmsg(through, &[io::IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
        }

        #[test]
        fn what_nobody_can_find_takes_its_room_and_no_burst_is_too_fast() {
            let tried = with_mounts(|| {
                let (_parent, one, two, disk) = disk(8 * MIB);
                let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
                for number in 0..4 {
                    let path = one.join(number.to_string());
                    let mut file = File::create(&path).unwrap();
                    file.write_all(&vec![1; MIB]).unwrap();
                    std::fs::remove_file(&path).unwrap();
                    send_away(file.into(), &ours);
                }
                // Nothing of it is to be seen, and the walk finds nothing.
                assert!(crate::disk_use(&[one.clone(), two.clone()], &[], u64::MAX - 1) < MIB as u64);
                assert!(!disk.is_full());
                let refused = File::create(two.join("burst")).unwrap().write_all(&vec![1; 5 * MIB]);
                assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
                assert!(disk.is_full());
            });
            if tried.is_none() {
                eprintln!("skipped: this host allows no mounts of one's own");
            }
        }

        #[test]
        fn folders_share_its_room_and_not_their_files_and_it_is_gone_when_it_is_dropped() {
            let tried = with_mounts(|| {
                let (_parent, one, two, disk) = disk(4 * MIB);
                std::fs::write(one.join("mine"), "x").unwrap();
                assert_eq!(std::fs::read_dir(&two).unwrap().count(), 0);
                assert_eq!(std::fs::read_dir(&one).unwrap().count(), 1);
                drop(disk);
                assert_eq!(std::fs::read_dir(&one).unwrap().count(), 0);
            });
            if tried.is_none() {
                eprintln!("skipped: this host allows no mounts of one's own");
            }
        }

        #[test]
        fn files_without_a_byte_fill_it_too() {
            let tried = with_mounts(|| {
                let (_parent, one, _two, disk) = disk(MIB / 4);
                let made =
                    (0..10_000).take_while(|n: &u32| File::create(one.join(n.to_string())).is_ok()).count();
                assert!(made < 512 && disk.is_full(), "{made}");
            });
            if tried.is_none() {
                eprintln!("skipped: this host allows no mounts of one's own");
            }
        }

        #[test]
        fn who_lacks_the_memory_gets_none() {
            let tried = with_mounts(|| {
                let folder = tempfile::tempdir().unwrap();
                OwnDisk::over(&[folder.path()], 1 << 60, 0).is_err()
            });
            assert!(tried.unwrap_or(true));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Path, io};

    /// Impossible here.
    ///
    /// # Errors
    /// Always.
    pub fn keep_mounts_to_this_process() -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// There is none here.
    #[derive(Debug)]
    pub struct OwnDisk(std::convert::Infallible);

    impl OwnDisk {
        /// Impossible here.
        ///
        /// # Errors
        /// Always.
        pub fn over(_folders: &[&Path], _bytes: u64, _memory: u64) -> io::Result<OwnDisk> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// There is none.
        pub fn bytes(&self) -> u64 {
            match self.0 {}
        }

        /// There is none.
        pub fn is_full(&self) -> bool {
            match self.0 {}
        }

        /// There is none.
        pub fn end(&self) {
            match self.0 {}
        }
    }
}
