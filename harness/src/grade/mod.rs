//! Many submissions, one rubric: every proxy is looked at, run, scored and shown, and can break nothing but its own row.
//!
//! `harness grade` calls [`work`] and then [`conclude`] and [`write_all`]; `rubric`, `submission`, `profile`, `source` and
//! `triage` prepare, `shard` shares out among machines, `state` remembers, `score` counts, `document` and `pages` show. No verdict is made here: they come from the
//! checks, and what a check could not decide stays open instead of becoming a zero.

mod collection;
mod csv;
mod document;
pub mod entries;
pub mod environment;
mod gradescope;
mod lacking;
mod markdown;
mod pages;
mod profile;
pub mod rubric;
mod score;
pub mod shard;
mod source;
mod state;
mod students;
mod submission;
mod triage;
pub mod unpack;
mod work;

pub use collection::Skipped;
pub use csv::Columns;
pub use document::{Graded, GradesDocument, TeamGrade, conclude};
pub use pages::words::{
    flag_words, grade_words as grade_words_of, points_words, reasons, row_title, triage_words,
};
pub use pages::write_all;
pub use profile::Flag;
pub use score::{Grade, Judged, Miss, RowScore, Rung};
pub use source::{SourceFacts, SourceFinding};
pub use students::{Student, students, unmatched};
pub use submission::{Submission, find, write_teams};
pub use triage::Triage;
pub use work::{GradeObserver, GradeOrder, Team, take, work};
