//! Files in a folder whose contents are somebody else's: no path and no link leads out of it at the moment of use.
//!
//! `proxy_under_test` opens everything that a profile names through here. A program may put a link anywhere in its own folder
//! at any time, so looking first and opening afterwards proves nothing: the kernel itself keeps the path beneath (`openat2`
//! with `RESOLVE_BENEATH`), and where it cannot, no link is followed at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, mkdirat, openat, renameat, statat, unlinkat};
use rustix::process::{Gid, Uid};

/// A folder that is opened once and stays the same, whatever happens to its name.
#[derive(Debug)]
pub struct Beneath {
    folder: OwnedFd,
    /// Whose everything is that is made in it; `None`: whoever makes it.
    owner: Option<u32>,
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

impl Beneath {
    /// The folder at this path, which is trusted.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn new(folder: &Path) -> io::Result<Beneath> {
        Ok(Beneath { folder: openat(CWD, folder, DIRECTORY, Mode::empty())?, owner: None })
    }

    /// From now on everything that is made in it belongs to this user, and so does what is there.
    ///
    /// # Errors
    /// The right to give files away is missing, or there are more folders in each other than files may be open.
    pub fn give_to(&mut self, owner: u32) -> io::Result<()> {
        self.owner = Some(owner);
        give(self.opened(Path::new("."), DIRECTORY, Mode::empty())?, owner)
    }

    /// The same, of which everything that is made from now on belongs to this user.
    pub fn owned_by(self, owner: Option<u32>) -> Beneath {
        Beneath { owner, ..self }
    }

    /// A folder or an empty file, to be mounted on, with the folders above it; what is there is taken as it is.
    ///
    /// # Errors
    /// It cannot be made, or leads out.
    pub fn placeholder(&self, path: &Path, is_folder: bool) -> io::Result<OwnedFd> {
        if is_folder { self.folder(path, true) } else { Ok(self.made(path)?.into()) }
    }

    /// A regular file in it, to be read.
    ///
    /// # Errors
    /// It is not there, is no regular file, or leads out ([`leads_out`]).
    pub fn open(&self, path: &Path) -> io::Result<File> {
        // Without NONBLOCK a pipe in its place would be waited for for ever.
        let file = File::from(self.opened(path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    /// Writes a file, and makes the folders above it.
    ///
    /// # Errors
    /// It cannot be written, is no regular file, or leads out.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.made(path)?;
        file.set_len(0)?;
        file.write_all(bytes)
    }

    /// Makes a file, empty where it is not there, and the folders above it.
    ///
    /// # Errors
    /// As [`write`](Beneath::write).
    pub fn touch(&self, path: &Path) -> io::Result<()> {
        self.made(path).map(drop)
    }

    /// Makes a folder and those above it; `mode` is for the last one.
    ///
    /// # Errors
    /// It cannot be made, or leads out.
    pub fn create_directory(&self, path: &Path, mode: Option<u32>) -> io::Result<()> {
        let folder = self.folder(path, true)?;
        mode.map_or(Ok(()), |mode| Ok(rustix::fs::fchmod(&folder, Mode::from_raw_mode(mode))?))
    }

    /// Removes a file, a link (not what it leads to) or a folder with all it holds; nothing there is fine.
    ///
    /// # Errors
    /// It cannot be removed, or a folder above it leads out.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
        match self.folder(path.parent().unwrap_or(Path::new("")), false) {
            Ok(folder) => remove_from(&folder, name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The regular files in it, at most so many: relative path and length, in order. Links are not followed.
    pub fn files(&self, most: usize) -> Vec<(String, u64)> {
        let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
        while let Some(relative) = folders.pop() {
            let name = if relative.as_os_str().is_empty() { Path::new(".") } else { &relative };
            let Ok(folder) = self.opened(name, DIRECTORY, Mode::empty()) else { continue };
            for name in names(&folder).unwrap_or_default() {
                let Ok(stat) = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
                let path = relative.join(&name);
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Directory if folders.len() < most => folders.push(path),
                    FileType::RegularFile if found.len() < most => {
                        let length = u64::try_from(stat.st_size).unwrap_or_default();
                        found.push((path.to_string_lossy().into_owned(), length));
                    }
                    _ => {}
                }
            }
        }
        found.sort();
        found
    }

    fn made(&self, path: &Path) -> io::Result<File> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.folder(parent, true)?;
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.opened(path, flags, Mode::from_raw_mode(0o666))?);
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.handed_over(file)
    }

    /// Gives what was made to its owner.
    fn handed_over<T: AsFd>(&self, made: T) -> io::Result<T> {
        if let Some(owner) = self.owner {
            rustix::fs::fchown(&made, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
        }
        Ok(made)
    }

    fn folder(&self, path: &Path, make: bool) -> io::Result<OwnedFd> {
        let (mut here, mut so_far) = (self.opened(Path::new("."), DIRECTORY, Mode::empty())?, PathBuf::new());
        for part in path.components() {
            let name = match part {
                Component::Normal(name) => name,
                Component::CurDir => continue,
                _ => return Err(rustix::io::Errno::XDEV.into()),
            };
            so_far.push(name);
            here = match self.opened(&so_far, DIRECTORY, Mode::empty()) {
                Err(error) if make && error.kind() == io::ErrorKind::NotFound => {
                    mkdirat(&here, name, Mode::from_raw_mode(0o777))?;
                    self.handed_over(self.opened(&so_far, DIRECTORY, Mode::empty())?)?
                }
                other => other?,
            };
        }
        Ok(here)
    }

    /// Opens a path that stays beneath, links within included where the kernel can keep them there.
    fn opened(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{ResolveFlags, openat2};
            use rustix::io::Errno;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            match openat2(&self.folder, path, flags, mode, resolve) {
                // Older kernels have no such call, and containers may forbid it.
                Err(Errno::NOSYS | Errno::PERM) => {}
                // A folder on the way was renamed meanwhile: the kernel could not be sure.
                Err(Errno::AGAIN) => return self.step_by_step(path, flags, mode),
                other => return Ok(other?),
            }
        }
        self.step_by_step(path, flags, mode)
    }

    /// The same without the kernel's help: one folder after the other, and no link at all.
    fn step_by_step(&self, path: &Path, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let mut here = openat(&self.folder, ".", DIRECTORY, Mode::empty())?;
        let mut parts = path.components().filter(|part| *part != Component::CurDir).peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(rustix::io::Errno::XDEV.into()) };
            let last = parts.peek().is_none();
            let (flags, mode) = if last { (flags, mode) } else { (DIRECTORY, Mode::empty()) };
            here = openat(&here, name, flags | OFlags::NOFOLLOW, mode)?;
        }
        Ok(here)
    }
}

/// Gives a folder and all that lies in it away; what a link leads to is left alone.
fn give(folder: OwnedFd, owner: u32) -> io::Result<()> {
    let (user, group) = (Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)));
    rustix::fs::fchown(&folder, user, group)?;
    for name in names(&folder)? {
        rustix::fs::chownat(&folder, &name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        match openat(&folder, &name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(inner) => give(inner, owner)?,
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether something was refused because a path or a link leads out of the folder.
pub fn leads_out(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::XDEV, Errno::LOOP].iter().any(|refused| error.raw_os_error() == Some(refused.raw_os_error()))
}

/// Something that is going to be removed, found now: wherever its path leads by then.
#[derive(Debug)]
pub struct Doomed(OwnedFd, std::ffi::OsString);

impl Doomed {
    /// What lies at this path, or will.
    ///
    /// # Errors
    /// The folder that holds it cannot be opened.
    pub fn new(path: &Path) -> io::Result<Doomed> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        Ok(Doomed(openat(CWD, parent, DIRECTORY, Mode::empty())?, name.to_owned()))
    }

    /// Removes it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        remove_from(&self.0, &self.1)
    }
}

/// Removes a file, a link (not what it leads to) or a folder with all it holds, however deep; nothing there is fine.
///
/// # Errors
/// It cannot be removed.
pub fn remove_whatever_it_is(path: &Path) -> io::Result<()> {
    match Doomed::new(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        doomed => doomed?.remove(),
    }
}

/// Removes by name. A folder is emptied level by level: what lies in it is moved up before its turn comes, so that neither
/// the depth of a tree nor the length of its paths matters.
fn remove_from(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    use rustix::io::Errno;
    match unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(Errno::NOENT) => return Ok(()),
        other => return Ok(other?),
    }
    let top = opened_for_removal(folder, name)?;
    let mut moved = 0_u64;
    loop {
        let mut folders = Vec::new();
        for name in names(&top)? {
            if unlinkat(&top, &name, AtFlags::empty()).is_err()
                && unlinkat(&top, &name, AtFlags::REMOVEDIR).is_err()
            {
                folders.push(name);
            }
        }
        if folders.is_empty() {
            break;
        }
        for name in folders {
            let inner = opened_for_removal(&top, &name)?;
            for name in names(&inner)? {
                if unlinkat(&inner, &name, AtFlags::empty()).is_err() {
                    // A folder can only be moved by who may write it.
                    let _ = opened_for_removal(&inner, &name)?;
                    moved += 1;
                    renameat(&inner, &name, &top, format!("\u{1}{moved}"))?;
                }
            }
            unlinkat(&top, &name, AtFlags::REMOVEDIR)?;
        }
    }
    Ok(unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

/// A program may have taken its own rights on a folder away.
fn opened_for_removal(parent: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = DIRECTORY | OFlags::NOFOLLOW;
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd as _;
        let found = openat(parent, name, flags | OFlags::PATH, Mode::empty())?;
        let everything = Mode::from_raw_mode(0o700);
        // Through the descriptor: by its name it might have become a link meanwhile.
        let _ = rustix::fs::chmod(format!("/proc/self/fd/{}", found.as_raw_fd()), everything);
    }
    Ok(openat(parent, name, flags, Mode::empty())?)
}

fn names(folder: impl AsFd) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_owned();
        if name != b"." && name != b".." {
            found.push(OsStr::from_bytes(&name).to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folders() -> (tempfile::TempDir, tempfile::TempDir, Beneath) {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("secret"), "of the instructor").unwrap();
        fs::create_dir(own.path().join("real")).unwrap();
        fs::write(own.path().join("real/log"), "mine").unwrap();
        symlink(other.path(), own.path().join("out")).unwrap();
        symlink(other.path().join("secret"), own.path().join("log")).unwrap();
        symlink("real", own.path().join("in")).unwrap();
        let beneath = Beneath::new(own.path()).unwrap();
        (own, other, beneath)
    }

    #[test]
    fn a_link_that_leads_out_is_refused_whatever_is_done_with_it() {
        let (_own, other, beneath) = folders();
        for path in ["log", "out/secret", "../x", "/etc/passwd", "real/../../x"] {
            let path = Path::new(path);
            let refused = |result: io::Result<()>| {
                assert!(leads_out(&result.unwrap_err()), "{path:?}");
            };
            refused(beneath.open(path).map(drop));
            refused(beneath.write(path, b"x"));
            refused(beneath.touch(path));
        }
        assert!(leads_out(&beneath.create_directory(Path::new("out/new"), Some(0o777)).unwrap_err()));
        assert!(leads_out(&beneath.remove(Path::new("out/secret")).unwrap_err()));
        beneath.remove(Path::new("out")).unwrap();
        assert_eq!(fs::read_to_string(other.path().join("secret")).unwrap(), "of the instructor");
        assert!(!other.path().join("new").exists());
    }

    #[test]
    fn without_the_kernels_help_no_link_is_followed() {
        let (_own, _other, beneath) = folders();
        let open = |path: &str| beneath.step_by_step(Path::new(path), OFlags::RDONLY, Mode::empty());
        assert!(open("real/log").is_ok());
        for path in ["log", "out/secret", "in/log", "../x", "/etc/passwd"] {
            assert!(open(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_stays_within_is_read_written_listed_and_removed() {
        let (own, _other, beneath) = folders();
        let mut text = String::new();
        beneath.open(Path::new("in/log")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "mine");
        beneath.write(Path::new("a/b/c"), b"longer than before").unwrap();
        beneath.write(Path::new("a/b/c"), b"new").unwrap();
        beneath.touch(Path::new("a/b/c")).unwrap();
        beneath.touch(Path::new("./t")).unwrap();
        let listed = [("a/b/c".to_owned(), 3), ("real/log".to_owned(), 4), ("t".to_owned(), 0)];
        assert_eq!(beneath.files(100), listed);
        beneath.remove(Path::new("a")).unwrap();
        beneath.remove(Path::new("never/there")).unwrap();
        assert!(!own.path().join("a").exists());
        let pipe = std::process::Command::new("mkfifo").arg(own.path().join("pipe")).status();
        if pipe.is_ok_and(|status| status.success()) {
            assert!(
                beneath.open(Path::new("pipe")).is_err() && beneath.write(Path::new("pipe"), b"x").is_err()
            );
        }
    }

    #[test]
    fn a_tree_deeper_than_any_path_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = openat(CWD, folder.path(), DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3_000 {
            mkdirat(&here, "deep", Mode::from_raw_mode(0o777)).unwrap();
            here = openat(&here, "deep", DIRECTORY, Mode::empty()).unwrap();
        }
        openat(&here, "file", OFlags::CREATE | OFlags::WRONLY, Mode::from_raw_mode(0o600)).unwrap();
        remove_whatever_it_is(&folder.path().join("deep")).unwrap();
        assert!(!folder.path().join("deep").exists());
    }
}
