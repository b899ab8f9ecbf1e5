//! The private working directory of a proxy.
//!
//! A proxy never runs where its submission lies: some delete folders, others ship an old cache. The directory is made for
//! one run, outlives crashes and restarts of that run, and is removed at its end unless the user named its place. Nothing
//! outside it is written or removed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::StartProblem;

/// Where the working directory lies.
#[derive(Clone, Debug)]
pub enum Place {
    /// A new directory for temporary files of the system, removed at the end: a run folder is kept, hashed and passed on,
    /// and must not contain what a proxy leaves behind.
    Temporary,
    /// This directory, which is created where missing, and kept.
    Kept(PathBuf),
}

/// A working directory.
#[derive(Debug)]
pub struct WorkingDirectory {
    path: PathBuf,
    remove: bool,
}

/// Names that are not copied with a submission: history and build products, often larger than all else.
const NOT_COPIED: [&str; 5] = [".git", "target", "node_modules", "__pycache__", ".venv"];
/// More files than this are not listed.
const FILES_LISTED: usize = 5_000;

impl WorkingDirectory {
    /// Makes the directory.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(place: &Place, name: &str) -> Result<WorkingDirectory, StartProblem> {
        let (path, remove) = match place {
            Place::Kept(path) => {
                fs::create_dir_all(path).map_err(StartProblem::file(path))?;
                (path.canonicalize().map_err(StartProblem::file(path))?, false)
            }
            Place::Temporary => {
                let parent = std::env::temp_dir();
                let made = tempfile::Builder::new().prefix(&format!("harness-{name}-")).tempdir_in(&parent);
                let path = made.map_err(StartProblem::file(&parent))?.keep();
                (path.canonicalize().map_err(StartProblem::file(&path))?, true)
            }
        };
        let directory = WorkingDirectory { path, remove };
        // Proxies started by root give their workers another user, who must be able to pass.
        set_mode(&directory.path, 0o755).map_err(StartProblem::file(&directory.path))?;
        Ok(directory)
    }

    /// Whether it goes with the run.
    pub fn is_temporary(&self) -> bool {
        self.remove
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies a submission into it, without its history and build products.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy_from(&self, source: &Path) -> Result<(), StartProblem> {
        // A working directory inside the submission would be copied into itself without end.
        copy_directory(source, &self.path, &self.path)
    }

    /// Creates directories, relative to it.
    ///
    /// # Errors
    /// One leads outside or cannot be created.
    pub fn create_directories(&self, directories: &[String]) -> Result<(), StartProblem> {
        for directory in directories {
            let path = self.inside(directory)?;
            fs::create_dir_all(&path).map_err(StartProblem::file(&path))?;
            // Workers of a proxy that root has started are another user, and write into them.
            if rustix::process::geteuid().is_root() {
                set_mode(&path, 0o777).map_err(StartProblem::file(&path))?;
            }
        }
        Ok(())
    }

    /// Makes files that are not there, empty.
    ///
    /// # Errors
    /// One leads outside or cannot be created.
    pub fn touch(&self, files: &[String]) -> Result<(), StartProblem> {
        for relative in files {
            let path = self.inside(relative)?;
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(StartProblem::file(parent))?;
            }
            let made = fs::OpenOptions::new().append(true).create(true).open(&path);
            made.map_err(StartProblem::file(&path))?;
        }
        Ok(())
    }

    /// Writes files, relative path → text.
    ///
    /// # Errors
    /// One leads outside or cannot be written.
    pub fn write_files(&self, files: &BTreeMap<String, String>) -> Result<(), StartProblem> {
        for (relative, text) in files {
            let path = self.inside(relative)?;
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(StartProblem::file(parent))?;
            }
            fs::write(&path, text).map_err(StartProblem::file(&path))?;
        }
        Ok(())
    }

    /// Removes what an adapter says is left from one scenario to the next, such as the cache.
    ///
    /// # Errors
    /// Something leads outside or cannot be removed.
    pub fn wipe(&self, relative_paths: &[String]) -> Result<(), StartProblem> {
        for relative in relative_paths {
            let path = self.inside(relative)?;
            remove_whatever_it_is(&path).map_err(StartProblem::file(&path))?;
        }
        Ok(())
    }

    /// The files in it: relative path and length, in order, at most some thousands.
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut directories = vec![self.path.clone()];
        while let Some(directory) = directories.pop() {
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    directories.push(entry.path());
                } else if metadata.is_file() && found.len() < FILES_LISTED {
                    let path = entry.path();
                    let relative = path.strip_prefix(&self.path).unwrap_or(&path);
                    found.push((relative.to_string_lossy().into_owned(), metadata.len()));
                }
            }
        }
        found.sort();
        found
    }

    /// A path of the adapter, which must not lead out of the directory.
    fn inside(&self, relative: &str) -> Result<PathBuf, StartProblem> {
        let path = Path::new(relative);
        let harmless = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if harmless && path.components().any(|part| matches!(part, Component::Normal(_))) {
            Ok(self.path.join(path))
        } else {
            Err(StartProblem::PathLeadsOutside { path: relative.to_string() })
        }
    }
}

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        if self.remove {
            // What cannot be removed is in the directory for temporary files, which the system sweeps.
            let _ = remove_whatever_it_is(&self.path);
        }
    }
}

fn copy_directory(source: &Path, target: &Path, not_into: &Path) -> Result<(), StartProblem> {
    let entries = fs::read_dir(source).map_err(StartProblem::file(source))?;
    for entry in entries {
        let entry = entry.map_err(StartProblem::file(source))?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let kind = entry.file_type().map_err(StartProblem::file(&from))?;
        let left_out = NOT_COPIED.iter().any(|name| entry.file_name() == *name);
        if left_out || from.canonicalize().is_ok_and(|path| path == not_into) {
            continue;
        }
        if kind.is_dir() {
            fs::create_dir_all(&to).map_err(StartProblem::file(&to))?;
            copy_directory(&from, &to, not_into)?;
        } else if kind.is_symlink() {
            let destination = fs::read_link(&from).map_err(StartProblem::file(&from))?;
            symlink(&destination, &to).map_err(StartProblem::file(&to))?;
        } else if kind.is_file() {
            // Sockets and named pipes of a running program are not part of a submission.
            fs::copy(&from, &to).map_err(StartProblem::file(&from))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(destination: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(destination, link)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Bytes of all files beneath a directory; stops counting once there are more than `enough`.
pub(super) fn bytes_beneath(directory: &Path, enough: u64) -> u64 {
    let mut bytes = 0;
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => directories.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
            if bytes > enough {
                return bytes;
            }
        }
    }
    bytes
}

/// Removes a file, a link (not what it leads to) or a directory with all it holds; nothing there is fine.
pub(super) fn remove_whatever_it_is(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.is_dir() {
        return fs::remove_file(path);
    }
    fs::remove_dir_all(path).or_else(|_| {
        // A program may have taken its own rights on a directory away.
        make_removable(path);
        fs::remove_dir_all(path)
    })
}

fn make_removable(directory: &Path) {
    let _ = set_mode(directory, 0o700);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_removable(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::{Place, StartProblem, WorkingDirectory};

    #[test]
    fn a_submission_is_copied_without_its_history_and_gone_at_the_end() {
        let submission = tempfile::tempdir().unwrap();
        fs::create_dir_all(submission.path().join("src/.git/objects")).unwrap();
        fs::write(submission.path().join("src/main.py"), "print()").unwrap();
        std::os::unix::fs::symlink("src/main.py", submission.path().join("link")).unwrap();
        let directory = WorkingDirectory::create(&Place::Temporary, "copy").unwrap();
        directory.copy_from(submission.path()).unwrap();
        directory.write_files(&BTreeMap::from([("etc/x.conf".to_string(), "port 1".to_string())])).unwrap();
        let path = directory.path().to_path_buf();
        assert_eq!(directory.files(), [("etc/x.conf".to_string(), 6), ("src/main.py".to_string(), 7)]);
        assert!(fs::symlink_metadata(path.join("link")).unwrap().is_symlink());
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn a_kept_directory_stays_and_can_lie_inside_the_submission() {
        let submission = tempfile::tempdir().unwrap();
        fs::write(submission.path().join("a"), "a").unwrap();
        let inside = submission.path().join("work");
        let directory = WorkingDirectory::create(&Place::Kept(inside.clone()), "kept").unwrap();
        directory.copy_from(submission.path()).unwrap();
        assert_eq!(directory.files(), [("a".to_string(), 1)]);
        drop(directory);
        assert!(inside.join("a").exists());
    }

    #[test]
    fn no_path_of_an_adapter_leads_outside() {
        let directory = WorkingDirectory::create(&Place::Temporary, "inside").unwrap();
        for path in ["../x", "/etc/passwd", "a/../../x", ".", ""] {
            let refused = directory.wipe(&[path.to_string()]);
            assert!(matches!(refused, Err(StartProblem::PathLeadsOutside { .. })), "{path}");
        }
    }

    #[test]
    fn wiping_removes_the_cache_and_does_not_mind_that_it_is_not_there() {
        let directory = WorkingDirectory::create(&Place::Temporary, "wipe").unwrap();
        directory.create_directories(&["cache/deep".to_string(), "keep".to_string()]).unwrap();
        directory.wipe(&["cache".to_string(), "never-there".to_string()]).unwrap();
        assert!(!directory.path().join("cache").exists() && directory.path().join("keep").exists());
    }
}
