//! Brings a submission into the folder of its team: a copy of a folder, or what a zip holds.
//!
//! `submission` calls it once for each. Nothing of a submission is trusted: no link is followed, no path leads outside, and
//! an archive that grows beyond reason is refused before it fills the disk. Nothing is executed here.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use zip::result::ZipError;
use zip::{CompressionMethod, SUPPORTED_COMPRESSION_METHODS};

use super::environment;

/// Most bytes of a submission, unpacked.
pub(super) const MOST_BYTES: u64 = 300 << 20;
/// Most files of a submission.
pub(super) const MOST_FILES: usize = 20_000;
/// Folders within folders: each is walked down from the root for each file, and no program needs a tenth of them.
pub(super) const MOST_DEEP: usize = 64;
/// Names that are left out: history and build products, often larger than all else.
const LEFT_OUT: [&str; 8] = [
    ".git",
    "target",
    "node_modules",
    "__pycache__",
    ".venv",
    environment::PACKAGES,
    "__MACOSX",
    ".DS_Store",
];

/// Why a submission could not be brought in.
#[derive(Debug, thiserror::Error)]
pub enum UnpackProblem {
    /// It cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is no zip, or a broken one.
    #[error("not a zip that can be read: {0}")]
    Zip(String),
    /// It is packed in a way that is not read here.
    #[error("compressed as {0}, which is not read")]
    Method(CompressionMethod),
    /// It asks for a password.
    #[error("encrypted")]
    Encrypted,
    /// It is too large.
    #[error("larger than {} MiB, more than {MOST_FILES} files or more than {MOST_DEEP} folders deep when unpacked", MOST_BYTES >> 20)]
    TooLarge,
    /// It was given up, because the grading ends.
    #[error("interrupted")]
    Interrupted,
}

/// Whether to give up.
pub type Stop<'a> = &'a (dyn Fn() -> bool + 'a);

/// What may still be taken.
struct Budget<'a> {
    bytes: u64,
    files: usize,
    stop: Stop<'a>,
}

impl Budget<'_> {
    fn new(stop: Stop<'_>) -> Budget<'_> {
        Budget { bytes: MOST_BYTES, files: MOST_FILES, stop }
    }

    fn one_file(&mut self, inside: &Path) -> Result<(), UnpackProblem> {
        if (self.stop)() {
            return Err(UnpackProblem::Interrupted);
        }
        if inside.components().count() > MOST_DEEP {
            return Err(UnpackProblem::TooLarge);
        }
        self.files = self.files.checked_sub(1).ok_or(UnpackProblem::TooLarge)?;
        Ok(())
    }
}

/// Copies a folder or unpacks a zip into `to`, which must not exist yet.
///
/// # Errors
/// It cannot be read, is no archive, or is larger than a submission can be.
pub fn bring(from: &Path, to: &Path, stop: Stop<'_>) -> Result<(), UnpackProblem> {
    fs::create_dir_all(to).map_err(file(to))?;
    let mut budget = Budget::new(stop);
    if from.is_dir() { copy(from, Path::new(""), to, &mut budget) } else { unzip(from, to, &mut budget) }
}

/// The folder that holds the submission proper: single folders around it, and a zip inside a zip, are looked through.
///
/// # Errors
/// An inner zip cannot be unpacked.
pub fn heart(root: &Path, stop: Stop<'_>) -> Result<PathBuf, UnpackProblem> {
    let mut here = root.to_path_buf();
    for _ in 0..4 {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&here).map_err(file(&here))?.flatten().map(|entry| entry.path()).collect();
        entries.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
        let [only] = entries.as_slice() else { break };
        if only.is_dir() {
            here = only.clone();
        } else if is_zip(only) {
            let inside = here.join("inside");
            bring(only, &inside, stop)?;
            here = inside;
        } else {
            break;
        }
    }
    Ok(here)
}

/// Whether a path names a zip.
pub fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

fn copy(from: &Path, inside: &Path, to: &Path, budget: &mut Budget<'_>) -> Result<(), UnpackProblem> {
    for entry in fs::read_dir(from).map_err(file(from))? {
        let entry = entry.map_err(file(from))?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type().map_err(file(&path))?;
        if LEFT_OUT.iter().any(|left_out| name == *left_out) || environment::is_one(&path) {
            continue;
        }
        let (inside, target) = (inside.join(&name), to.join(&name));
        if kind.is_dir() {
            budget.one_file(&inside)?;
            fs::create_dir_all(&target).map_err(file(&target))?;
            copy(&path, &inside, &target, budget)?;
        } else if kind.is_file() {
            budget.one_file(&inside)?;
            let mode = entry.metadata().map_err(file(&path))?;
            write(&mut File::open(&path).map_err(file(&path))?, &target, executable(&mode), budget)?;
        }
        // Links, pipes and devices stay where they are.
    }
    Ok(())
}

fn unzip(from: &Path, to: &Path, budget: &mut Budget<'_>) -> Result<(), UnpackProblem> {
    let broken = |error: ZipError| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => UnpackProblem::Encrypted,
        error => UnpackProblem::Zip(error.to_string()),
    };
    let mut archive = zip::ZipArchive::new(File::open(from).map_err(file(from))?).map_err(broken)?;
    let names: Vec<PathBuf> = archive.file_names().flatten().map(|name| PathBuf::from(&*name)).collect();
    let environments = environment::among(&names);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        // `None`: the name leads outside.
        let Some(inside) = entry.enclosed_name() else { continue };
        let left_out = |part: std::path::Component<'_>| LEFT_OUT.iter().any(|name| part.as_os_str() == *name);
        let in_environment = environments.iter().any(|folder| inside.starts_with(folder));
        if inside.components().any(left_out) || in_environment || entry.is_symlink() {
            continue;
        }
        budget.one_file(&inside)?;
        let target = to.join(inside);
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(file(&target))?;
            continue;
        }
        if !SUPPORTED_COMPRESSION_METHODS.contains(&entry.compression()) {
            return Err(UnpackProblem::Method(entry.compression()));
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(file(parent))?;
        }
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        write(&mut entry, &target, executable, budget).map_err(damaged)?;
    }
    Ok(())
}

/// What no system call has said is about the bytes of the archive: that they do not unpack, or are others than those that were packed.
fn damaged(problem: UnpackProblem) -> UnpackProblem {
    match problem {
        UnpackProblem::File { error, .. } if error.raw_os_error().is_none() => {
            UnpackProblem::Zip(error.to_string())
        }
        other => other,
    }
}

/// Writes one file, never more than what is left of the budget: what an archive says of its own sizes is not believed.
fn write(
    from: &mut dyn Read,
    to: &Path,
    executable: bool,
    budget: &mut Budget<'_>,
) -> Result<(), UnpackProblem> {
    let mut target = File::create(to).map_err(file(to))?;
    let written = io::copy(&mut from.take(budget.bytes + 1), &mut target).map_err(file(to))?;
    target.flush().map_err(file(to))?;
    budget.bytes = budget.bytes.checked_sub(written).ok_or(UnpackProblem::TooLarge)?;
    #[cfg(unix)]
    if executable {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(file(to))?;
    }
    #[cfg(not(unix))]
    let _ = executable;
    Ok(())
}

fn executable(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

fn file(path: &Path) -> impl Fn(io::Error) -> UnpackProblem {
    let path = path.to_path_buf();
    move |error| UnpackProblem::File { path: path.clone(), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::SimpleFileOptions;

    fn archive(path: &Path, entries: &[(&str, &[u8])]) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        for (name, bytes) in entries {
            zip.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }

    #[test]
    fn a_zip_in_folders_is_unpacked_to_its_heart() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, outer) = (folder.path().join("p.zip"), folder.path().join("outer.zip"));
        archive(&inner, &[("proyecto/proxy.py", b"print()"), ("proyecto/README.md", b"x")]);
        archive(&outer, &[("Equipo 3/p.zip", &fs::read(&inner).unwrap()), ("__MACOSX/._p.zip", b"")]);
        let to = folder.path().join("to");
        bring(&outer, &to, &|| false).unwrap();
        let heart = heart(&to, &|| false).unwrap();
        assert_eq!(fs::read(heart.join("proxy.py")).unwrap(), b"print()");
    }

    #[test]
    fn a_virtual_environment_of_any_name_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("p.zip");
        let files = [
            "p/entorno/pyvenv.cfg",
            "p/entorno/lib/six.py",
            "p/viejo/Scripts/activate.bat",
            "p/viejo/Lib/six.py",
            "p/conda/conda-meta/history",
            "p/conda/share/x.py",
            "p/aquí/pyvenv.cfg",
            "p/aquí/lib/python3.11/site-packages/six.py",
            "p/aquí/proxy.py",
            "p/proxy.py",
            "p/entornos.txt",
        ];
        archive(&zip, &files.map(|name| (name, &b"x"[..])));
        for (from, to) in [("p.zip", "unzipped"), ("unpacked", "copied")] {
            if from == "unpacked" {
                for name in files {
                    let path = folder.path().join(from).join(name);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, "x").unwrap();
                }
            }
            let to = folder.path().join(to);
            bring(&folder.path().join(from), &to, &|| false).unwrap();
            assert!(to.join("p/proxy.py").is_file() && to.join("p/entornos.txt").is_file());
            assert!(["entorno", "viejo", "conda"].iter().all(|name| !to.join("p").join(name).exists()));
            // One that was made in the folder of the program.
            assert!(to.join("p/aquí/proxy.py").is_file());
            assert!(!to.join("p/aquí/lib/python3.11/site-packages").exists());
        }
    }

    #[test]
    fn no_entry_leads_outside() {
        let folder = tempfile::tempdir().unwrap();
        let evil = folder.path().join("evil.zip");
        archive(&evil, &[("../outside.txt", b"x"), ("/abs.txt", b"y"), ("inside.txt", b"z")]);
        let to = folder.path().join("a/b");
        bring(&evil, &to, &|| false).unwrap();
        assert!(to.join("inside.txt").is_file());
        assert!(!folder.path().join("a/outside.txt").exists());
        assert!(!Path::new("/abs.txt").exists());
    }

    #[test]
    fn what_grows_beyond_reason_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut budget = Budget { bytes: 1 << 10, files: 4, stop: &|| false };
        let to = folder.path().join("big");
        let result = write(&mut io::repeat(0), &to, false, &mut budget);
        assert!(matches!(result, Err(UnpackProblem::TooLarge)));
        assert!(fs::metadata(to).unwrap().len() <= (1 << 10) + 1);
    }

    #[test]
    fn folders_without_end_are_refused_at_once_and_an_interruption_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let deep = "a/".repeat(2_000) + "x";
        let many: Vec<(String, &[u8])> = (0..500).map(|n| (format!("{deep}{n}"), &b"x"[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        archive(&folder.path().join("deep.zip"), &many);
        let refused = bring(&folder.path().join("deep.zip"), &folder.path().join("to"), &|| false);
        assert!(matches!(refused, Err(UnpackProblem::TooLarge)), "{refused:?}");
        archive(&folder.path().join("one.zip"), &[("x", b"x")]);
        let stopped = bring(&folder.path().join("one.zip"), &folder.path().join("one"), &|| true);
        assert!(matches!(stopped, Err(UnpackProblem::Interrupted)), "{stopped:?}");
    }

    #[test]
    fn what_is_no_zip_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("no.zip");
        fs::write(&path, "hello").unwrap();
        assert!(matches!(bring(&path, &folder.path().join("to"), &|| false), Err(UnpackProblem::Zip(_))));
    }

    #[test]
    fn a_zip_that_is_damaged_or_packed_otherwise_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.zip");
        archive(&path, &[("proxy.py", b"print('hola, hola, hola, hola')")]);
        let whole = fs::read(&path).unwrap();
        let bring_with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            fs::write(&path, bytes).unwrap();
            bring(&path, &folder.path().join(format!("{at}")), &|| false)
        };
        let data = 30 + "proxy.py".len();
        let damaged = bring_with(data + 3, !whole[data + 3]);
        assert!(matches!(damaged, Err(UnpackProblem::Zip(_))), "{damaged:?}");
        // Windows packs what is large by a method of its own.
        let directory = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let otherwise = bring_with(directory + 10, 9);
        assert!(matches!(otherwise, Err(UnpackProblem::Method(_))), "{otherwise:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::create_dir(&from).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        fs::write(from.join("file"), "x").unwrap();
        let to = folder.path().join("to");
        bring(&from, &to, &|| false).unwrap();
        assert!(to.join("file").is_file() && !to.join("link").exists());
    }
}
