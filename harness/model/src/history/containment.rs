//! What a submission should have been kept apart by, and what of that a host could not give.
//!
//! The conductor notes it in the manifest; the pages of the run, of the team and of the grading say it in words. Facts alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the host could not give, and so did not keep a submission in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotKept {
    /// A list of processes of its own, which end with the first of them.
    Processes,
    /// A fence around the files that it may touch.
    Files,
    /// Folders for temporary files and a home of its own.
    Folders,
    /// A user of its own, beside the one that runs the judge.
    User,
    /// A disk of its own, which ends at its limit.
    Disk,
    /// A network of its own.
    Network,
    /// A limit on the memory of all its processes together.
    Memory,
    /// A limit on the number of its processes.
    ProcessCount,
    /// A limit on its share of the CPUs.
    Cpu,
}

impl NotKept {
    /// All that there are.
    pub const ALL: [NotKept; 9] = [
        NotKept::Processes,
        NotKept::Files,
        NotKept::Folders,
        NotKept::User,
        NotKept::Disk,
        NotKept::Network,
        NotKept::Memory,
        NotKept::ProcessCount,
        NotKept::Cpu,
    ];
}
