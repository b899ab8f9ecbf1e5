//! What the checks of `https.*` saw, typed.
//!
//! Nothing here is a sentence. Whoever words a finding, explains it or asks about it matches all of them, so that the compiler asks for
//! a new one.

use serde::{Deserialize, Serialize};

use harness_model::history::{HandshakeEnd, TlsVersion};

/// What a check of `https.*` saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum HttpsFinding {
    /// Nothing is wrong with what was seen, and some handshakes show nothing: they came to no end, or to none in time.
    LeftOpen {
        /// So many.
        open: u64,
        /// Of so many.
        handshakes: u64,
        /// What one of them came to.
        end: HandshakeEnd,
    },
    /// The versions of today are spoken, the outdated ones refused.
    VersionsRight {
        /// Handshakes.
        handshakes: u64,
    },
    /// A version of today is not spoken.
    VersionRefused {
        /// Which.
        version: TlsVersion,
        /// What came instead.
        end: HandshakeEnd,
    },
    /// A version that must not be spoken any more is.
    OutdatedSpoken {
        /// Which.
        version: TlsVersion,
    },
    /// Of what was offered something was chosen that was then spoken.
    ProtocolsRight {
        /// Handshakes.
        handshakes: u64,
    },
    /// A protocol was chosen that was not offered, or that nobody knows.
    ProtocolInvented {
        /// What was offered.
        offered: Vec<String>,
        /// What was chosen.
        chosen: String,
    },
    /// An offer that it must be able to take was not taken.
    OfferRefused {
        /// What was offered.
        offered: Vec<String>,
        /// What came instead.
        end: HandshakeEnd,
    },
    /// What was chosen was then not spoken.
    ProtocolNotSpoken {
        /// What was offered.
        offered: Vec<String>,
        /// What was chosen, if anything.
        chosen: Option<String>,
    },
    /// A certificate that it was given was shown, with those between it and the authority.
    CertificateRight {
        /// Handshakes.
        handshakes: u64,
    },
    /// A certificate was shown that it was not given.
    CertificateForeign {
        /// Handshakes in which it was.
        count: u64,
        /// All of them.
        handshakes: u64,
    },
    /// The certificates between its own and the authority were not shown.
    ChainIncomplete {
        /// Certificates that were shown.
        shown: u64,
        /// What a client says that trusts the authority alone.
        distrust: Option<String>,
    },
    /// A client that trusts the authority would not go on.
    CertificateDistrusted {
        /// What it says.
        distrust: String,
    },
    /// A new certificate was shown soon after it was told, and nothing was lost.
    CertificateRenewed {
        /// From the signal to the first handshake with the new one.
        after_ms: f64,
        /// Exchanges before, during and after.
        exchanges: u64,
    },
    /// The old certificate was still shown.
    CertificateNotRenewed {
        /// So long after the signal.
        after_ms: f64,
    },
}
