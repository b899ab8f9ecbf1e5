//! A run folder in, pages out: terminal lines, JSON, JUnit, Markdown, HTML in both languages, and plots.
//!
//! The conductor calls [`write_all`] when a run has been judged, and `harness report` calls it again on a run folder
//! months later: the same record gives the same bytes. Nothing here judges, measures, or reads a clock.

mod attachments;
mod by_hand;
mod changes;
mod comparison;
mod diff;
mod forecast;
mod html;
mod json;
mod junit;
mod latency;
mod league;
pub mod live;
mod markdown;
mod mending;
mod overview;
mod pages;
mod plot;
#[cfg(test)]
mod read_aloud;
mod series;
mod source;
mod suite;
pub mod terminal;
mod trend;
mod wire;

#[doc(hidden)]
pub mod testkit;

pub use attachments::{Attachments, quoted};
pub use by_hand::by_hand;
pub use changes::Changes;
pub use comparison::{Compared, write_comparison};
pub use diff::{Change, RunDiff, write_diff};
pub use forecast::{Calibrated, Calibration, Simulated, SimulationKind, write_simulation};
pub use html::{Frame, LIVE_SCRIPT, LivePage, LiveScript, code_around, framed, live_page, tried};
pub use json::{VerdictsDocument, verdicts_schema};
pub use league::{
    Asked, Entrant, League, LeagueEnd, LeagueScenario, Speed, SpeedSide, league_file, write_league,
};
pub use markdown::{escape as markdown_escape, summary_in};
pub use mending::{Group, Instance, command_for, groups, instance};
pub use overview::{Overview, exit_code};
pub use pages::write;
pub use pages::{Pages, ReportError, write_all, write_so_far};
pub use source::Source;
pub use suite::{Suite, SuiteRun, suite_lines, write_suite};
pub use trend::{Trend, write_trend};
pub use wire::plain;
