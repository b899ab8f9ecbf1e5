//! What a program of unknown intent does not share with the host: folders for temporary files, homes, rights of root.
//!
//! Only the guard calls it, for what it is about to start. Where the host allows no mounts of one's own the caller is told,
//! and nothing has changed.

/// Where the folders of a program's own lie in its working directory. They are none of its files.
pub const OWN_FOLDERS: &str = ".harness-own";

#[cfg(target_os = "linux")]
pub use linux::{give_up_rights, own_folders};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{give_up_rights, own_folders};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::{Path, PathBuf};

    use rustix::fs::CWD;
    use rustix::mount::{
        MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind, mount_change,
        mount_remount, move_mount, open_tree,
    };
    use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

    /// Gives this process, and all that it will start, folders of their own in place of these: they lie beneath `own`, in
    /// [`OWN_FOLDERS`](crate::OWN_FOLDERS), so that what is left there is there at the next start. `own` itself and what is named in
    /// `kept` stay: the first as it is, the others to be read. `false`: the host allows no mounts of one's own.
    ///
    /// # Errors
    /// What is kept could not be put back: nothing can be started then.
    pub fn own_folders(folders: &[PathBuf], own: &Path, kept: &[PathBuf]) -> io::Result<bool> {
        let covered = |path: &Path| folders.iter().any(|folder| path.starts_with(folder) && path.exists());
        let mut trees: Vec<(&Path, OwnedFd, bool)> = Vec::new();
        // SAFETY: as for the other namespaces: no CLONE_FILES, and the guard has a single thread.
        if unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.is_err()
            || mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).is_err()
        {
            return Ok(false);
        }
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        for path in std::iter::once(own).chain(kept.iter().map(PathBuf::as_path)).filter(|path| covered(path))
        {
            let Ok(tree) = open_tree(CWD, path, flags) else { return Ok(false) };
            trees.push((path, tree, path.is_dir()));
        }
        let mut instead = Vec::new();
        for (number, folder) in folders.iter().filter(|folder| folder.is_dir()).enumerate() {
            let place = own.join(crate::OWN_FOLDERS).join(number.to_string());
            std::fs::create_dir_all(&place)?;
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o1777))?;
            let Ok(tree) = open_tree(CWD, &place, flags) else { return Ok(false) };
            instead.push((folder, tree));
        }
        for (number, (folder, tree)) in instead.into_iter().enumerate() {
            match move_mount(&tree, "", CWD, folder, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH) {
                Err(_) if number == 0 => return Ok(false),
                other => other?,
            }
            mount_remount(folder, MountFlags::BIND | MountFlags::NOSUID | MountFlags::NODEV, "")?;
        }
        for (path, tree, is_folder) in trees {
            if is_folder {
                std::fs::create_dir_all(path)?;
            } else {
                path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                std::fs::File::create(path)?;
            }
            move_mount(&tree, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
            if path != own {
                let kept = rustix::fs::statvfs(path)?.f_flag.bits() & KEPT;
                let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::from_bits_retain(kept as u32);
                mount_remount(path, flags, "")?;
            }
        }
        if rustix::process::geteuid().is_root() {
            cover_what_is_roots(Path::new("/etc"), 3);
        }
        Ok(true)
    }

    /// Flags that a mount of somebody else's keeps: nosuid, nodev and noexec have the same bits here and there.
    const KEPT: u64 = 2 | 4 | 8;

    /// Without its rights root is still the owner of the passwords and keys of the host: they are covered.
    fn cover_what_is_roots(folder: &Path, deep: usize) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            if metadata.is_dir() && metadata.mode() & 0o005 != 0o005 {
                let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::RDONLY;
                let _ = mount("tmpfs", &path, "tmpfs", flags, Some(c"size=4k"));
            } else if metadata.is_dir() && deep > 0 {
                cover_what_is_roots(&path, deep - 1);
            } else if metadata.is_file() && metadata.mode() & 0o004 == 0 {
                let _ = mount_bind("/dev/null", &path);
            }
        }
    }

    /// Gives up every right of root but that to bind low ports, for good, for this thread and all that it executes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn give_up_rights() -> io::Result<()> {
        let kept = CapabilitySet::NET_BIND_SERVICE;
        for number in 0..64 {
            let one = CapabilitySet::from_bits_retain(1 << number);
            // An error means that there is no such right, or that this process may give away none because it has none.
            if one != kept && rustix::thread::remove_capability_from_bounding_set(one).is_err() {
                break;
            }
        }
        let _ = rustix::thread::clear_ambient_capability_set();
        let now = rustix::thread::capabilities(None)?;
        let of = |set: CapabilitySet| set & kept;
        let left = CapabilitySets {
            effective: of(now.effective),
            permitted: of(now.permitted),
            inheritable: CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, left)?;
        Ok(rustix::thread::set_no_new_privs(true)?)
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::path::{Path, PathBuf};

    /// Impossible here.
    ///
    /// # Errors
    /// None.
    pub fn own_folders(_folders: &[PathBuf], _own: &Path, _kept: &[PathBuf]) -> io::Result<bool> {
        Ok(false)
    }

    /// There is nothing to be given up here.
    ///
    /// # Errors
    /// None.
    pub fn give_up_rights() -> io::Result<()> {
        Ok(())
    }
}
