//! Sockets with a deadline, and the buffers that are read into.
//!
//! `upstream`, `exchange` and `connection` talk to clients and backends through this module only.
//! It never looks into the bytes that it moves.

pub mod buffer;
pub mod deadline;
mod stream;

pub use buffer::ReadBuffer;
pub use deadline::Deadline;
pub use stream::{READING, Sight, Wire};
