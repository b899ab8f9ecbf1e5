//! Sockets with a deadline, and the buffers that are read into.
//!
//! `upstream`, `exchange` and `connection` talk to clients and backends through this module only.
//! It never looks into the bytes that it moves.

pub mod buffer;
pub mod deadline;
#[cfg(feature = "tls")]
mod pipe;
#[cfg(feature = "tls")]
mod shared;
mod socket;
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub use buffer::ReadBuffer;
pub use deadline::Deadline;
pub use stream::{READING, Resting, Sight, Wire};
pub use tls::Identity;
#[cfg(feature = "tls")]
pub use {
    pipe::Far,
    shared::{RECORD, SharedWire},
};

/// Why a certificate and a key are of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadPair {
    /// This program was built without TLS.
    NotBuilt,
    /// The certificate cannot be used, for this reason.
    Certificate(String),
    /// The key cannot be used, for this reason.
    Key(String),
    /// The key is that of another certificate.
    Mismatch,
}
