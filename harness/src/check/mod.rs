//! History in, verdict out: the checks, one file a family, all of them pure.
//!
//! The conductor calls [`evaluate`] when a run has ended, and `harness report` calls it again on a run folder. Nothing
//! here touches the network, a process, a file or a clock.

mod finding;
mod verdict;

pub use finding::Finding;
pub use verdict::{Outcome, Verdict};
