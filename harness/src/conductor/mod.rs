//! The only module that knows the order of the steps of one run.
//!
//! The command line calls [`run`] with a plan and gets back what was found; everything that happens in between goes to the
//! record. It carries out what the plan says, keeps going where a proxy dies, and judges nothing itself: the checks do, from
//! the record it leaves.

mod closing;
mod desk;
mod direct;
mod elsewhere;
mod first_look;
mod fleet;
mod ground;
mod holding;
mod interim;
mod interruption;
mod late_look;
mod letting_go;
mod proxy_log;
mod pump;
mod repeating;
mod run;
mod sampler;
mod securing;
mod setting;
mod starting;
mod steps;
mod trying;
mod watching;

pub use closing::{Finished, RunProblem, judge};
pub use desk::Desk;
pub use direct::run_direct;
pub use interruption::{Cause, Interruption};
pub use run::{Held, Observer, Repetition, RunOrder, drawn_number, run};
pub use watching::Watching;
