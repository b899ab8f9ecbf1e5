//! Talking to a backend: new connections, and those that wait for the next request.
//!
//! `exchange` takes a connection here for each attempt and gives it back when it can be used again.
//! It never chooses a backend and never decides whether a request may be sent twice.

mod check;
mod connect;
mod pool;

pub use check::check_for_ever;
pub use connect::{ConnectFailure, connect};
pub use pool::{Pool, Seeker};
