//! What can be wrong with bytes that should be content of ours.
//!
//! `name` and `verify` find it; a client puts it into its record. Nothing is looked for here.

/// What is wrong with bytes that should be content of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It ends too early.
    #[error("ends after {received} bytes of {announced}")]
    Short {
        /// Bytes received.
        received: u64,
        /// Bytes that it says it has.
        announced: u64,
    },
    /// It goes on beyond its end.
    #[error("has {received} bytes instead of {announced}")]
    Long {
        /// Bytes received.
        received: u64,
        /// Bytes that it says it has.
        announced: u64,
    },
    /// A byte is not what it must be.
    #[error("byte {offset} is {found:#04x} instead of {expected:#04x}")]
    WrongByte {
        /// Its place, from zero.
        offset: u64,
        /// What it must be.
        expected: u8,
        /// What it is.
        found: u8,
    },
    /// Its name is cut or changed.
    #[error("its first line is damaged: {0}")]
    Name(String),
    /// It does not look like content of ours at all.
    #[error("not content of these backends: it begins with \"{0}\"")]
    Foreign(String),
}

/// The first bytes, escaped, as a person can read them.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(60)].escape_ascii().to_string()
}
