//! Backends that listen: each has a thread and a runtime of its own, and does what its script says.
//!
//! The harness and the command line start them, tell them to fail, and stop them; dropping the handle stops the backend
//! and joins its thread. All bytes are read and written by `wire`, so that the journal is exact and every fault is
//! possible; nothing here decides what to answer.

mod backend;
mod connection;
mod connection_log;
mod door;
mod listening;
mod manner;
mod meeting;
mod perform;
mod receive;
mod render;
mod shared;
mod socket;
mod versions;
mod workplaces;

pub use listening::{Listening, start};
pub use manner::{Manner, Manners};
pub use meeting::MeetingPoints;
pub use shared::{BackendSpec, Counts, Down, Recording, World};
pub use versions::Versions;
pub use workplaces::{Usage, Workplaces};
