//! Configure, start, watch and kill any proxy: pibl, nginx or a student's program, all by the same means.
//!
//! `conductor` calls it, and what it sees goes to the history. It knows nothing of requests but the one GET of
//! [`readiness`], and nothing of what a proxy should do.

mod attached;
mod confinement;
mod directory;
mod fault;
pub mod guard;
mod interpreted;
mod launching;
mod left_over;
mod limit_guard;
mod output;
mod own_commands;
pub mod ports;
mod preparing;
mod presence;
mod problem;
mod process;
mod program;
pub mod readiness;
mod reloading;
mod subject;

pub use confinement::{Confinement, Enforced};
pub use directory::{Place, WorkingDirectory};
pub use fault::{crash_after, put_down};
pub use guard::Wish;
pub use launching::StartOrder;
pub use output::OutputLog;
pub use preparing::Preparing;
pub use presence::{Presence, presence};
pub use problem::{NoAnswer, StartProblem};
pub use program::{Preparation, Unfit, locate_program, without_home};
pub use readiness::{Answer, Ready};
pub use subject::{EventSink, ProxyUnderTest, ResourceProbe, StopOutcome};
