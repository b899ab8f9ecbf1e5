//! The private working directory of a proxy.
//!
//! A proxy never runs where its submission lies: some delete folders, others ship an old cache. The directory is made for
//! one run, outlives crashes and restarts of that run, and is removed at its end unless the user named its place. Nothing
//! outside it is written or removed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::StartProblem;
use super::left_over::{Claim, claimed_folder};
use crate::watch::FOLDER;
use harness_model::adapter::leads_outside;
use harness_platform::{Beneath, OwnDisk, leads_out, remove_whatever_it_is};

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
    /// Where folders of the program's own lie, which it cannot reach by this name.
    aside: PathBuf,
    /// The same as `path`, held open: what is named in it is found beneath it, whatever links a program has put there.
    inside: Beneath,
    remove: bool,
    /// What both lie on, where its limit is a file system of its own.
    disk: Option<Arc<OwnDisk>>,
    /// That the temporary ones are in use, until they are removed.
    _claims: Vec<Claim>,
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
        let mut claims = Vec::new();
        let mut temporary = |prefix: String| {
            let (path, claim) = claimed_folder(&prefix).map_err(StartProblem::file(&std::env::temp_dir()))?;
            claims.push(claim);
            Ok::<PathBuf, StartProblem>(path)
        };
        let (path, remove) = match place {
            Place::Kept(path) => {
                fs::create_dir_all(path).map_err(StartProblem::file(path))?;
                (path.canonicalize().map_err(StartProblem::file(path))?, false)
            }
            Place::Temporary => (temporary(format!("harness-{name}-"))?, true),
        };
        let aside = temporary("harness-aside-".to_owned())?;
        // Proxies started by root give their workers another user, who must be able to pass.
        set_mode(&path, 0o755).map_err(StartProblem::file(&path))?;
        let inside = Beneath::new(&path).map_err(StartProblem::file(&path))?;
        Ok(WorkingDirectory { path, aside, inside, remove, disk: None, _claims: claims })
    }

    /// Puts it, still empty, on a disk of its own that holds so many bytes, where it is temporary and the host allows that; `memory`
    /// is what its programs may take beside it.
    ///
    /// # Errors
    /// It cannot be opened there.
    pub fn limit_to(&mut self, bytes: u64, memory: u64) -> Result<(), StartProblem> {
        if !self.remove {
            return Ok(());
        }
        if let Ok(disk) = OwnDisk::over(&[&self.aside, &self.path], bytes, memory) {
            self.disk = Some(Arc::new(disk));
            set_mode(&self.path, 0o755).map_err(StartProblem::file(&self.path))?;
            self.inside = Beneath::new(&self.path).map_err(StartProblem::file(&self.path))?;
        }
        Ok(())
    }

    /// The disk of its own.
    pub fn disk(&self) -> Option<&Arc<OwnDisk>> {
        self.disk.as_ref()
    }

    /// What goes with the run.
    pub fn temporary(&self) -> Vec<PathBuf> {
        let own = self.remove.then(|| self.path.clone());
        own.into_iter().chain([self.aside.clone()]).collect()
    }

    /// The folder for folders of the program's own, which are none of its files.
    pub fn aside(&self) -> &Path {
        &self.aside
    }

    /// All that it writes into.
    pub fn folders(&self) -> Vec<PathBuf> {
        vec![self.path.clone(), self.aside.clone()]
    }

    /// Gives everything in it to a user, now and as it is made.
    ///
    /// # Errors
    /// It cannot be given away.
    pub fn give_to(&mut self, user: u32) -> Result<(), StartProblem> {
        self.inside.give_to(user).map_err(StartProblem::file(&self.path))
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
        // Workers of a proxy that root has started are another user, and write into them.
        let mode = rustix::process::geteuid().is_root().then_some(0o777);
        self.each(directories, |path| self.inside.create_directory(path, mode))
    }

    /// Makes files that are not there, empty.
    ///
    /// # Errors
    /// One leads outside or cannot be created.
    pub fn touch(&self, files: &[String]) -> Result<(), StartProblem> {
        self.each(files, |path| self.inside.touch(path))
    }

    /// Writes files, relative path → what is in them.
    ///
    /// # Errors
    /// One leads outside or cannot be written.
    pub fn write_files(&self, files: &BTreeMap<String, impl AsRef<[u8]>>) -> Result<(), StartProblem> {
        files.iter().try_for_each(|(relative, text)| {
            self.each([relative], |path| self.inside.write(path, text.as_ref()))
        })
    }

    /// Removes what an adapter says is left from one scenario to the next, such as the cache.
    ///
    /// # Errors
    /// Something leads outside or cannot be removed.
    pub fn wipe(&self, relative_paths: &[String]) -> Result<(), StartProblem> {
        // What it has left in its folders for temporary files and in its home is left from a scenario too.
        let aside = Beneath::new(&self.aside).map_err(StartProblem::file(&self.aside))?;
        for number in fs::read_dir(&self.aside).into_iter().flatten().flatten() {
            aside.remove(Path::new(&number.file_name())).map_err(StartProblem::file(&self.aside))?;
        }
        self.remove(relative_paths)
    }

    /// Removes what there is of these, relative to it.
    ///
    /// # Errors
    /// Something leads outside or cannot be removed.
    pub fn remove(&self, relative_paths: &[String]) -> Result<(), StartProblem> {
        self.each(relative_paths, |path| self.inside.remove(path))
    }

    /// A regular file in it.
    ///
    /// # Errors
    /// It is none, or leads outside; [`leads_out`] tells which.
    pub fn open(&self, relative: &str) -> io::Result<fs::File> {
        self.inside.open(Path::new(relative))
    }

    /// The files in it: relative path and length, in order, at most some thousands.
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut files = self.inside.files(FILES_LISTED);
        files.retain(|(path, _)| !path.starts_with(FOLDER));
        files
    }

    /// Does something to paths of the adapter, none of which may lead out of the directory.
    fn each<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a String>,
        mut one: impl FnMut(&Path) -> io::Result<()>,
    ) -> Result<(), StartProblem> {
        for relative in paths {
            let path = Path::new(relative);
            let names_something = path.file_name().is_some() && !leads_outside(path);
            let outside = || StartProblem::PathLeadsOutside { path: relative.clone() };
            if !names_something {
                return Err(outside());
            }
            match one(path) {
                Err(error) if leads_out(&error) => return Err(outside()),
                other => other.map_err(StartProblem::file(&self.path.join(path)))?,
            }
        }
        Ok(())
    }
}

impl Drop for WorkingDirectory {
    fn drop(&mut self) {
        // Those who watch it may hold it a moment longer.
        if let Some(disk) = &self.disk {
            disk.end();
        }
        for path in self.temporary() {
            // What cannot be removed is in the directory for temporary files, which the system sweeps.
            let _ = remove_whatever_it_is(&path);
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
    fn a_link_that_a_build_has_put_there_is_not_followed() {
        let (directory, other) =
            (WorkingDirectory::create(&Place::Temporary, "links").unwrap(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("kept"), "of the instructor").unwrap();
        std::os::unix::fs::symlink(other.path(), directory.path().join("out")).unwrap();
        std::os::unix::fs::symlink(other.path().join("kept"), directory.path().join("log")).unwrap();
        let (path, link) = ("out/kept".to_string(), "log".to_string());
        let one = |path: &String| BTreeMap::from([(path.clone(), "x".to_string())]);
        for refused in [
            directory.write_files(&one(&path)),
            directory.write_files(&one(&link)),
            directory.touch(std::slice::from_ref(&path)),
            directory.wipe(std::slice::from_ref(&path)),
            directory.create_directories(&["out/new".to_string()]),
        ] {
            assert!(matches!(refused, Err(StartProblem::PathLeadsOutside { .. })), "{refused:?}");
        }
        assert!(super::leads_out(&directory.open("log").unwrap_err()));
        assert_eq!(fs::read_to_string(other.path().join("kept")).unwrap(), "of the instructor");
        assert!(!other.path().join("new").exists());
    }

    #[test]
    fn wiping_removes_the_cache_and_does_not_mind_that_it_is_not_there() {
        let directory = WorkingDirectory::create(&Place::Temporary, "wipe").unwrap();
        directory.create_directories(&["cache/deep".to_string(), "keep".to_string()]).unwrap();
        directory.wipe(&["cache".to_string(), "never-there".to_string()]).unwrap();
        assert!(!directory.path().join("cache").exists() && directory.path().join("keep").exists());
    }
}
