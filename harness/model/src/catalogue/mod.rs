//! What can be asked of a proxy: the requirements, and every check with its kind, its source and what it rests on.
//!
//! `scenario` refuses check names that are not here, the checks take their identity from here, and `language` must have a
//! title for each (a missing one does not compile). Nothing here measures or judges.

mod basis;
mod checks;
mod requirement;

pub use basis::{Control, Family, Need, Reads, Shown, StepName};
pub use checks::{CheckId, Kind, Source};
pub use requirement::Requirement;
