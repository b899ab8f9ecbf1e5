//! HTTPS as a run needs it: an authority and certificates of its own, and clients that say what every handshake came to.
//!
//! The conductor makes one [`Tls`] a run and gives the proxy its files; the clients of `traffic` connect through it. All of it is there
//! in every build; one without the feature `tls` has no way to make one ([`AVAILABLE`]). Nothing here knows what should come of a handshake.

mod hello;
mod stream;

#[cfg(feature = "tls")]
mod certificates;
#[cfg(feature = "tls")]
mod session;
#[cfg(not(feature = "tls"))]
#[path = "without.rs"]
mod session;

pub use session::Tls;
pub use stream::Stream;

pub(crate) use hello::old_handshake;

use std::collections::BTreeMap;

/// Whether this build speaks TLS.
pub const AVAILABLE: bool = cfg!(feature = "tls");
/// What cargo calls the way to have it.
pub const FEATURE: &str = "tls";

/// The certificate and those between it and the authority, relative to the working directory of the proxy.
pub const CERTIFICATE: &str = "tls/certificate.pem";
/// Its key.
pub const KEY: &str = "tls/key.pem";
/// Both in one file.
pub const CERTIFICATE_AND_KEY: &str = "tls/certificate-and-key.pem";
/// The authority.
pub const AUTHORITY: &str = "tls/authority.pem";

/// A certificate that is ready to be handed over.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Which, from one.
    pub number: u32,
    /// The four files, by their place in the working directory of the proxy.
    pub files: BTreeMap<String, String>,
}

/// A connection over which a handshake was made, and what it came to.
#[derive(Debug)]
pub(crate) struct Shaken {
    /// To go on with; `None` where none was made.
    pub(crate) stream: Option<Stream>,
    /// For the record.
    pub(crate) end: harness_model::history::HandshakeEnd,
}

/// Whether an error says that the other side has closed the connection.
fn closes(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
