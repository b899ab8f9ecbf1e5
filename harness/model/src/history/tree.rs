//! The files of a folder, and one hash over all of them: what a submission, or the copy of it that was run, consists of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// SHA-256 over the relative names and the bytes of all files, in order, hexadecimal.
///
/// # Errors
/// A file cannot be read.
pub fn hash_of_tree(root: &Path) -> io::Result<String> {
    let mut files = files_beneath(root);
    files.sort();
    let mut digest = Sha256::new();
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let bytes = fs::read(&path)?;
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name.as_bytes());
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// All regular files of a folder.
pub fn files_beneath(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_changes_with_a_name_and_with_a_byte() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        let first = hash_of_tree(folder.path()).unwrap();
        fs::write(folder.path().join("a"), "2").unwrap();
        let second = hash_of_tree(folder.path()).unwrap();
        fs::rename(folder.path().join("a"), folder.path().join("b")).unwrap();
        let third = hash_of_tree(folder.path()).unwrap();
        assert!(first != second && second != third);
    }
}
