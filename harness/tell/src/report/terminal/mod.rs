//! What a person sees in the terminal: progress while a run lasts, a line per verdict when it has ended.
//!
//! The conductor and the command line use it. Progress goes to standard error, verdicts are returned as text whose colours
//! the printing stream strips where they are unwelcome (`NO_COLOR`, a pipe); nothing here decides anything.

mod mending;
mod progress;
mod track;
mod verdicts;

pub use progress::{Display, Progress};
pub(super) use track::{Expected, expected};
pub use verdicts::verdicts;
