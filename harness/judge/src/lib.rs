//! From the record of a run to verdicts (`check`), and from the figures of many runs to a comparison (`compare`).
//!
//! Pure: nothing here knows a socket, a process, a file or a clock, so that a verdict can be examined again years later. No
//! sentence is made here either; findings are typed facts.

pub mod check;
pub mod compare;
pub mod last_words;
