//! The file that says what one shard of a comparison measured.
//!
//! `compare` writes it last and `harness merge` reads it. There is no coordinator, so nothing but this file tells that a shard
//! is whole; which rounds it has is said by `crate::shard`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rounds::Trouble;
use crate::shard::Shard;
use harness_model::plan::Bilingual;

/// The file in the folder of a shard.
pub(super) const NAME: &str = "shard.json";

/// What a shard leaves for `harness merge`; written last, so that one that was killed has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShardFile {
    pub(super) format: u32,
    pub(super) shard: Shard,
    /// Of all shards together.
    pub(super) rounds: usize,
    /// Fingerprint of load, backends and settings: shards of different questions are no shards.
    pub(super) load: String,
    pub(super) scenario: String,
    pub(super) title: Bilingual,
    pub(super) file: String,
    /// Names, the one under test first.
    pub(super) sides: Vec<String>,
    /// Fingerprint of the adapter of each, and whether CPUs were shared out: equal names may hide different proxies.
    #[serde(default)]
    pub(super) adapters: Vec<String>,
    #[serde(default)]
    pub(super) pinned: bool,
    pub(super) thresholds: Vec<String>,
    /// Run folders beneath this one, by round and side.
    pub(super) runs: Vec<Vec<String>>,
    /// Whether that run gave figures.
    pub(super) measured: Vec<Vec<bool>>,
    pub(super) troubles: Vec<Trouble>,
}

pub(super) const FORMAT: u32 = 1;

impl ShardFile {
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let temporary = folder.join(".shard.json");
        std::fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(temporary, folder.join(NAME))
    }

    pub(super) fn read(folder: &Path) -> Result<ShardFile, String> {
        let text = std::fs::read(folder.join(NAME)).map_err(|error| error.to_string())?;
        let file: ShardFile = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if file.format == FORMAT { Ok(file) } else { Err(format!("format {}", file.format)) }
    }

    /// Where a run of a shard lies; nothing that leads out of its folder.
    pub(super) fn run_folder(folder: &Path, run: &str) -> Option<PathBuf> {
        let inside = Path::new(run).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        (inside && !run.is_empty()).then(|| folder.join(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_folder_lies_beneath_its_shard() {
        assert!(ShardFile::run_folder(Path::new("a"), "../b").is_none());
        assert!(ShardFile::run_folder(Path::new("a"), "/b").is_none());
        assert_eq!(ShardFile::run_folder(Path::new("a"), "runs/b"), Some(PathBuf::from("a/runs/b")));
    }
}
