//! What is recorded of HTTPS: the certificates that the proxy was given, and every handshake with it.
//!
//! The clients of `traffic` write it where they are built to speak TLS; checks and pages read it in every build. Nothing here
//! knows a library of TLS.

use fake_backends::clock::Moment;
use serde::{Deserialize, Serialize};

use crate::terms::Misuse;

/// A certificate of the run that lies ready for the proxy, with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secured {
    /// Where the proxy is asked by HTTPS.
    pub listen: std::net::SocketAddr,
    /// The name that clients ask for; the certificate is for it, for `localhost` and for the addresses of loopback.
    pub name: String,
    /// Which certificate, from one; a renewal gives the next.
    pub number: u32,
    /// Where the authority that clients trust lies for whoever tries something by hand: in the run folder, as the run was told of it.
    #[serde(default)]
    pub authority: String,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 2246; must not be spoken any more (RFC 8996).
    #[serde(rename = "1.0")]
    Tls10,
    /// RFC 4346; must not be spoken any more (RFC 8996).
    #[serde(rename = "1.1")]
    Tls11,
    /// RFC 5246.
    #[serde(rename = "1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    Tls13,
}

impl TlsVersion {
    /// As people say it, such as `TLS 1.2`.
    pub const fn name(self) -> &'static str {
        match self {
            TlsVersion::Tls10 => "TLS 1.0",
            TlsVersion::Tls11 => "TLS 1.1",
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        }
    }

    /// Whether it must be refused (RFC 8996 §4 and §5).
    pub const fn is_outdated(self) -> bool {
        matches!(self, TlsVersion::Tls10 | TlsVersion::Tls11)
    }
}

/// What a client offered in its hello.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The only version; `None`: both 1.2 and 1.3.
    pub version: Option<TlsVersion>,
    /// Protocols by their names of ALPN, the dearest first; none: the extension is not there.
    pub protocols: Vec<String>,
}

/// A handshake, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The connection of the exchanges that followed, where they are in the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// What the client offered.
    pub offered: Offered,
    /// When it connected.
    pub began: Moment,
    /// When it was over, the request that followed included where it was tried for its own sake.
    pub ended: Moment,
    /// What came of it.
    pub end: HandshakeEnd,
}

/// What came of a handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandshakeEnd {
    /// There is a connection.
    Made {
        /// The version that the proxy chose.
        version: TlsVersion,
        /// The protocol that it chose, if any.
        protocol: Option<String>,
        /// The certificates that it showed, its own first.
        shown: Vec<CertificateSeen>,
        /// Why a client that trusts the authority of the run alone would not go on; `None`: it would.
        distrust: Option<String>,
        /// Whether what was asked in that protocol was answered: a request of HTTP/1.1, the settings of HTTP/2. `None`: nothing was asked.
        answered: Option<bool>,
    },
    /// The proxy refused, by an alert or by closing.
    Refused {
        /// Number of the alert (RFC 8446 §6); `None`: it closed.
        alert: Option<u8>,
    },
    /// Neither: nothing that says whether it would speak.
    Failed(NoConnection),
}

/// Why there was no connection to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoConnection {
    /// It took longer than a client waits.
    NotInTime,
    /// There was a hello, in another version than was offered.
    OtherVersion,
    /// A record of this kind came in the place of a hello (RFC 8446 §5.1), or something that is none.
    OtherRecord(u8),
    /// The handshake was refused.
    Refused,
    /// HTTP/2 was asked for and not chosen.
    NotHttp2,
    /// What the system or the library of TLS said, in its own words.
    Said(String),
}

/// A certificate as a proxy showed it, by what the run knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateSeen {
    /// The one that the proxy was given, by its number.
    Given(u32),
    /// The one between it and the authority.
    Intermediate,
    /// That of the authority itself.
    Authority,
    /// One that this run has not made.
    Foreign,
}

/// What one connection was misused for, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misused {
    /// In which way.
    pub misuse: Misuse,
    /// Which of the requests that mean two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Second>,
    /// Frames that were written whole. What is still in our own hands is none of them.
    pub frames: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// When it began.
    pub began: Moment,
    /// When it was over, or given up.
    pub ended: Moment,
    /// How it ended.
    pub end: MisuseEnd,
}

/// Where in one request of HTTP/2 a second one of HTTP/1.1 is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Second {
    /// In a body that `content-length` says is empty.
    ContentLength,
    /// Behind the last chunk of a body with `transfer-encoding`.
    TransferEncoding,
    /// In the name of a field.
    FieldName,
    /// In the value of a field.
    FieldValue,
    /// In the method.
    Method,
    /// In the path.
    Path,
    /// In the authority, which becomes `Host`.
    Authority,
}

impl Second {
    /// All of them.
    pub const ALL: [Second; 7] = [
        Second::ContentLength,
        Second::TransferEncoding,
        Second::FieldName,
        Second::FieldValue,
        Second::Method,
        Second::Path,
        Second::Authority,
    ];

    /// Its name in targets and records.
    pub const fn name(self) -> &'static str {
        match self {
            Second::ContentLength => "content-length",
            Second::TransferEncoding => "transfer-encoding",
            Second::FieldName => "field-name",
            Second::FieldValue => "field-value",
            Second::Method => "method",
            Second::Path => "path",
            Second::Authority => "authority",
        }
    }
}

/// How a proxy ended a misuse, if it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MisuseEnd {
    /// It ended the connection with this error (RFC 9113 §7), and what was sent is not among the streams that it goes on with.
    GoAway(u32),
    /// It ended the stream with this error.
    Reset(u32),
    /// It answered.
    Answered {
        /// With this status; zero where it was not to be read.
        status: u16,
    },
    /// It closed the connection.
    Closed,
    /// It read no more, and the rest was never sent.
    StoppedReading,
    /// It did none of that in time.
    StillOpen,
    /// There was no connection of HTTP/2 to be had.
    Failed(NoConnection),
}
