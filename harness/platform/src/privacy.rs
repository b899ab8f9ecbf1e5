//! What a program of unknown intent does not share with the host: folders for temporary files, and homes.
//!
//! Only the guard calls it, for what it is about to start. Where the host allows no mounts of one's own the caller is told,
//! and nothing has changed.

#[cfg(target_os = "linux")]
pub use linux::own_folders;

#[cfg(not(target_os = "linux"))]
pub use elsewhere::own_folders;

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::{Path, PathBuf};

    use rustix::fs::CWD;
    use rustix::mount::{
        MountFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind, mount_remount, move_mount, open_tree,
    };

    use crate::{Beneath, Reach};

    /// A toolchain of more entries than this is put back as one.
    const MOST_ENTRIES: usize = 64;

    /// Gives this process, and all that it will start, folders of their own in place of those that are private or hidden in
    /// `reach`: they lie in `aside`, a folder which the program does not reach, so that what is left there is there at the next
    /// start. `own` itself and what is readable stay: the first as it is, the others to be read. What is made belongs to `user`,
    /// where one is named. `false`: the host allows no mounts of one's own.
    ///
    /// # Errors
    /// What is kept could not be put back: nothing can be started then.
    pub fn own_folders(reach: &Reach, aside: &Path, own: &Path, user: Option<u32>) -> io::Result<bool> {
        if crate::own_mounts().is_err() {
            return Ok(false);
        }
        // Those that hold others first.
        let mut folders: Vec<(&Path, bool)> =
            reach.hidden.iter().map(|path| (path.as_path(), true)).collect();
        folders.extend(reach.private.iter().map(|path| (path.as_path(), false)));
        folders.sort_by_key(|&(path, hidden)| (path.components().count(), path, hidden));
        folders.dedup_by_key(|(path, _)| *path);
        let covered = |path: &Path| folders.iter().any(|(folder, _)| path.starts_with(folder));
        let mut trees: Vec<(PathBuf, OwnedFd, bool)> = Vec::new();
        let readable = reach.readable.iter().flat_map(|path| parts_of(path, reach.home.as_deref()));
        for path in std::iter::once(own.to_owned()).chain(readable) {
            // What lies in one that is put back is there already.
            let is_there = trees.iter().any(|(other, ..)| other != own && path.starts_with(other));
            if covered(&path) && path.exists() && !is_there {
                let Ok(tree) = copy_of(&path) else { return Ok(false) };
                let is_folder = path.is_dir();
                trees.push((path, tree, is_folder));
            }
        }
        let mut instead: Vec<(&Path, OwnedFd)> = Vec::new();
        for &(folder, hidden) in folders.iter().filter(|(folder, _)| folder.is_dir()) {
            let name = folder.to_string_lossy().replace('/', "-");
            let place = aside.join(name.trim_start_matches('-'));
            std::fs::create_dir_all(&place)?;
            if hidden {
                std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755))?;
            } else {
                std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o1777))?;
                std::os::unix::fs::chown(&place, user, user)?;
            }
            let Ok(tree) = copy_of(&place) else { return Ok(false) };
            instead.push((folder, tree));
        }
        let mut given: Vec<&Path> = Vec::new();
        for (folder, tree) in instead {
            let place = place_of(folder, true, &given, user)?;
            match put(&tree, &place) {
                Err(_) if given.is_empty() => return Ok(false),
                other => other?,
            }
            remount(folder, MountFlags::NOSUID | MountFlags::NODEV)?;
            given.push(folder);
        }
        for (path, tree, is_folder) in trees {
            put(&tree, &place_of(&path, is_folder, &given, user)?)?;
            if path != own {
                remount(&path, MountFlags::RDONLY)?;
            }
        }
        if rustix::process::geteuid().is_root() {
            cover_what_is_roots(Path::new("/etc"), 3);
        }
        Ok(true)
    }

    /// What is put back of something to be read. A toolchain in its home comes back entry by entry: people make folders in `~/.cargo`,
    /// and these are their own. A link is no entry to follow: where there is one, the whole comes back, to be read alone.
    fn parts_of(path: &Path, home: Option<&Path>) -> Vec<PathBuf> {
        let entries: Vec<_> = std::fs::read_dir(path).into_iter().flatten().flatten().collect();
        let is_plain =
            |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_file());
        let at_home = home.is_some_and(|home| path.starts_with(home) && path != home);
        if at_home && entries.len() <= MOST_ENTRIES && entries.iter().all(is_plain) {
            return entries.iter().map(std::fs::DirEntry::path).collect();
        }
        vec![path.to_owned()]
    }

    fn copy_of(path: &Path) -> io::Result<OwnedFd> {
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        Ok(open_tree(CWD, path, flags)?)
    }

    /// Where something is to be mounted. In a folder of the program's own a link may lie on the way, put there at an earlier
    /// start: it is not followed out of that folder.
    fn place_of(path: &Path, is_folder: bool, given: &[&Path], user: Option<u32>) -> io::Result<OwnedFd> {
        let within = given.iter().filter(|folder| path.starts_with(folder) && path != **folder);
        match within.max_by_key(|folder| folder.components().count()) {
            Some(folder) => {
                let relative = path.strip_prefix(folder).unwrap_or(path);
                Beneath::new(folder)?.owned_by(user).placeholder(relative, is_folder)
            }
            None => {
                let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
                Ok(rustix::fs::open(path, flags, rustix::fs::Mode::empty())?)
            }
        }
    }

    fn put(tree: &OwnedFd, place: &OwnedFd) -> io::Result<()> {
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
        Ok(move_mount(tree.as_fd(), "", place.as_fd(), "", flags)?)
    }

    /// Flags that a mount keeps, and must keep in a user namespace: read-only, nosuid, nodev and noexec have the same bits here
    /// and there.
    const KEPT: u64 = 1 | 2 | 4 | 8;

    fn remount(path: &Path, flags: MountFlags) -> io::Result<()> {
        let before = rustix::fs::statvfs(path)?.f_flag.bits() & KEPT;
        let before = MountFlags::from_bits_retain(u32::try_from(before).unwrap_or_default());
        Ok(mount_remount(path, MountFlags::BIND | flags | before, "")?)
    }

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
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::path::Path;

    use crate::Reach;

    /// Impossible here.
    ///
    /// # Errors
    /// None.
    pub fn own_folders(_reach: &Reach, _aside: &Path, _own: &Path, _user: Option<u32>) -> io::Result<bool> {
        Ok(false)
    }
}
