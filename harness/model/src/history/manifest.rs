//! `manifest.json`: what a run consists of and where it was made, so that it can be trusted and repeated.
//!
//! The conductor writes it when the record is closed. It holds hashes of the record alone: pages can be drawn again and
//! verdicts judged again without touching it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::containment::NotKept;
use super::run_folder::names;

/// The manifest of a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this document's shape.
    pub format: u32,
    /// The files of the record.
    pub files: BTreeMap<String, FileEntry>,
    /// Everything else.
    #[serde(rename = "run")]
    pub facts: ManifestFacts,
}

/// A file of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// What a manifest says beside the hashes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ManifestFacts {
    /// Version of the harness.
    pub harness: String,
    /// Profile the harness was built with.
    pub profile: String,
    /// Seed of every random choice.
    pub seed: u64,
    /// The command that repeats the run.
    pub command: Vec<String>,
    /// When it began, RFC 3339 with the local offset.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The host, without names.
    pub host: serde_json::Value,
    /// Where its sockets were: `private network namespace`, or `host` with the reason.
    pub network: String,
    /// How the proxy is kept from outliving the harness.
    pub isolation: Option<String>,
    /// What should have kept a submission apart and did not, because the host does not give it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<NotKept>,
    /// The program of the proxy.
    pub program: Option<String>,
    /// SHA-256 of that program, hexadecimal; where an interpreter runs a copy, that of the copy.
    pub program_sha256: Option<String>,
}

/// The files that are the record: all else in a run folder is drawn from them.
const RECORD: [&str; 7] = [
    names::PLAN,
    names::EVENTS,
    names::INTERVALS,
    names::PERCENTILES,
    names::PROXY_OUTPUT,
    names::PROXY_LOG,
    names::SOURCE,
];

impl Manifest {
    /// Hashes the files of the record, writes `manifest.json`, and returns its own SHA-256.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write(run_directory: &Path, facts: ManifestFacts) -> io::Result<String> {
        let mut files = BTreeMap::new();
        for name in RECORD {
            match entry(&run_directory.join(name)) {
                Ok(found) => drop(files.insert(name.to_owned(), found)),
                // Not every proxy writes a log.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let mut text = serde_json::to_vec_pretty(&Manifest { format: 1, files, facts })?;
        text.push(b'\n');
        fs::write(run_directory.join(names::MANIFEST), &text)?;
        Ok(hexadecimal(&Sha256::digest(&text)))
    }

    /// Reads the manifest of a run folder.
    ///
    /// # Errors
    /// It is missing or not a manifest.
    pub fn read(run_directory: &Path) -> io::Result<Manifest> {
        Ok(serde_json::from_slice(&fs::read(run_directory.join(names::MANIFEST))?)?)
    }

    /// The files of the record that are no longer what they were, and those that were not there.
    pub fn changed(&self, run_directory: &Path) -> Vec<String> {
        let differs = |(name, stored): &(&String, &FileEntry)| {
            entry(&run_directory.join(name)).map_or(true, |found| found != **stored)
        };
        let added = |name: &&str| !self.files.contains_key(*name) && run_directory.join(name).exists();
        let changed = self.files.iter().filter(differs).map(|(name, _)| name.clone());
        changed.chain(RECORD.iter().copied().filter(added).map(str::to_owned)).collect()
    }
}

/// SHA-256 of a file, hexadecimal.
///
/// # Errors
/// It cannot be read.
pub fn hash_of_file(path: &Path) -> io::Result<String> {
    entry(path).map(|entry| entry.sha256)
}

fn entry(path: &Path) -> io::Result<FileEntry> {
    let mut file = File::open(path)?;
    let (mut digest, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; 64 << 10]);
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            return Ok(FileEntry { sha256: hexadecimal(&digest.finalize()), bytes });
        }
        digest.update(&piece[..length]);
        bytes += length as u64;
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changed_afterwards_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(names::EVENTS), "{}\n").unwrap();
        fs::write(directory.path().join(names::PLAN), "abc").unwrap();
        let own = Manifest::write(directory.path(), ManifestFacts { seed: 7, ..Default::default() }).unwrap();
        assert_eq!(own, hash_of_file(&directory.path().join(names::MANIFEST)).unwrap());
        let manifest = Manifest::read(directory.path()).unwrap();
        assert_eq!(
            manifest.files[names::PLAN].sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(manifest.changed(directory.path()).is_empty());
        fs::write(directory.path().join(names::EVENTS), "{ }\n").unwrap();
        assert_eq!(manifest.changed(directory.path()), [names::EVENTS]);
    }
}
