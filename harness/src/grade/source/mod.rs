//! What the source of a submission says without being run: its language, what it uses, the sections of its README, and whether others share it.
//!
//! `work` reads the [`SourceFacts`] of every submission once; [`SourceRule::judge`] holds them against what the edition
//! allows, for the rows of a rubric that say `source`. Nothing of a submission is executed here, not even imported.

mod facts;
mod likeness;
mod modules;
mod readme;
mod rule;

pub use facts::{SourceFacts, is_source, read};
pub use likeness::{Alike, alike};
pub use rule::{EDITION_ROWS, Edition, LANGUAGES, SourceFinding, SourceRule};
