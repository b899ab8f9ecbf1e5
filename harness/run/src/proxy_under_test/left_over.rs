//! What a harness that was killed leaves behind, and the next one removes: folders for temporary files, and control groups.
//!
//! `directory` makes a folder together with a claim on it: a locked file of the same name, whose lock the kernel takes back however
//! this process ends. A claim that nobody holds is one of a dead harness. What another user has left is left to them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;

use harness_platform::{ControlGroup, remove_whatever_it_is};
use rustix::fs::FlockOperation;

/// Where claims lie, in the folder for temporary files.
const CLAIMS: &str = "harness-claims";

/// A claim on a folder for temporary files, given up when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    file: PathBuf,
    /// The lock goes with the descriptor, also when the harness is killed.
    _lock: File,
}

/// Makes a folder for temporary files whose name begins so, and a claim on it.
///
/// # Errors
/// Either cannot be created.
pub(super) fn claimed_folder(prefix: &str) -> io::Result<(PathBuf, Claim)> {
    static SWEPT: Once = Once::new();
    let parent = std::env::temp_dir().canonicalize()?;
    let claims = claims_in(&parent)?;
    // What cannot be removed now is removed by another, or by the system.
    SWEPT.call_once(|| sweep(&parent, &claims));
    loop {
        let (lock, file) = tempfile::Builder::new()
            .prefix(prefix)
            .suffix("")
            .tempfile_in(&claims)?
            .keep()
            .map_err(|kept| kept.error)?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        // Another may have taken it for one that was left, before it was locked.
        if !file.exists() {
            continue;
        }
        let claim = Claim { _lock: lock, file };
        let folder = parent.join(claim.file.file_name().unwrap_or_default());
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        return Ok((folder, claim));
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Where it stays, the next one finds a claim on nothing.
        let _ = fs::remove_file(&self.file);
    }
}

fn claims_in(parent: &Path) -> io::Result<PathBuf> {
    let path = parent.join(CLAIMS);
    match fs::create_dir(&path) {
        // As /tmp itself: everybody may create, nobody may remove another's.
        Ok(()) => fs::set_permissions(&path, fs::Permissions::from_mode(0o1777))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(path)
}

/// Removes what is claimed by nobody who lives.
fn sweep(parent: &Path, claims: &Path) {
    let user = rustix::process::geteuid().as_raw();
    let is_ours = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.uid() == user);
    for file in fs::read_dir(claims).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("harness-") || !is_ours(&file) {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).open(&file) else { continue };
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let folder = parent.join(&name);
        // A proxy of root may have been given its folder.
        let gone = match fs::symlink_metadata(&folder) {
            Ok(it) if it.is_dir() && (it.uid() == user || user == 0) => {
                remove_whatever_it_is(&folder).is_ok()
            }
            Ok(_) => false,
            Err(_) => true,
        };
        ControlGroup::remove_left_over(&name);
        if gone {
            let _ = fs::remove_file(&file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_harness_has_left_goes_and_what_a_living_one_has_stays() {
        let parent = tempfile::tempdir().unwrap();
        let claims = claims_in(parent.path()).unwrap();
        let leave = |name: &str| {
            fs::create_dir_all(parent.path().join(name).join("deep/down")).unwrap();
            File::create(claims.join(name)).unwrap()
        };
        drop(leave("harness-dead-1"));
        drop(leave("something-else"));
        let alive = leave("harness-alive-2");
        rustix::fs::flock(&alive, FlockOperation::LockExclusive).unwrap();
        sweep(parent.path(), &claims);
        let there = |name: &str| (parent.path().join(name).exists(), claims.join(name).exists());
        assert_eq!(there("harness-dead-1"), (false, false));
        assert_eq!(there("harness-alive-2"), (true, true));
        assert_eq!(there("something-else"), (true, true));
    }
}
