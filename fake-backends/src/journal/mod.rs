//! The journal of a run: every connection that a backend accepted and every request that reached it, exactly, in order.
//!
//! Backends write it; the harness reads it while it grows and keeps it as evidence. It only records: whether what
//! happened was right is judged elsewhere, and nothing is ever removed or changed once it has ended.

mod record;
mod shared;

pub use record::{Attempt, ConnectionEnd, ConnectionRecord, Met, Outcome};
pub(crate) use shared::OpenAttempt;
pub use shared::{Fetch, Journal};

/// Bytes of a head that are kept; the rest is counted.
pub const HEAD_KEPT_BYTES: usize = 64 * 1024;
/// Bytes of a body that are kept; the rest is hashed and counted.
pub const BODY_KEPT_BYTES: usize = 4 * 1024;
