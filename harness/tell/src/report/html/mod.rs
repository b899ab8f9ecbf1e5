//! The report as one self-contained HTML file: no network, no second file, nothing that a proxy sent is ever markup.
//!
//! `pages` writes it once in each language. Templates are typed and escape by themselves; the only markup passed through
//! is our own style sheet, script and drawings. What is shown is taken from the record and the verdicts and never judged.

mod chart;
mod comparison;
mod diff;
mod environment;
mod evidence;
mod first_screen;
mod forest;
mod frame;
mod grounds;
mod honesty;
mod league;
mod live;
mod page;
mod performance;
mod related;
mod requirements;
mod resources;
mod sequence;
mod simulation;
mod thresholds;
mod timeline;
mod trend;

pub(super) use comparison::{comparison_page, sign};
pub(super) use diff::diff_page;
pub use frame::{Frame, framed};
pub use grounds::{code_around, tried};
pub(super) use league::league_page;
pub use live::{LIVE_SCRIPT, LivePage, LiveScript, live_page};
pub(super) use page::page;
pub(super) use simulation::simulation_page;
pub(super) use trend::trend_page;
