//! Why a request is not understood or not wanted: one variant per rule, each with its section.
//!
//! `parse` and `body` return these, `connection` turns them into an answer and closes the connection.
//! It never decides what is refused; it only names it.

/// A request that is answered by pibl itself because forwarding it would be wrong or dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no request line and fields of the grammar of RFC 9112 §2.1 to §5.
    Malformed,
    /// A line ends in LF alone (RFC 9112 §2.2).
    BareLineFeed,
    /// The request line names a version that is not spoken here (RFC 9112 §2.3).
    Version,
    /// The request target is longer than the limit (RFC 9110 §15.5.15).
    TargetTooLong,
    /// The head is longer, or has more fields, than the limits (RFC 6585 §5).
    HeadTooLarge,
    /// The target has none of the four forms of RFC 9112 §3.2, or one that does not suit the method.
    Target,
    /// `Host` is missing or repeated (RFC 9112 §3.2).
    HostCount,
    /// `Host` is no valid host and port (RFC 9112 §3.2, RFC 3986 §3.2.2).
    HostSyntax,
    /// The authority of an absolute target is not the one in `Host` (RFC 9112 §3.2.2).
    AuthorityConflict,
    /// `Content-Length` is repeated, a list, signed, or no number (RFC 9112 §6.3).
    ContentLength,
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 §6.1).
    LengthAndCoding,
    /// `Transfer-Encoding` in HTTP/1.0, or any coding but exactly one `chunked` (RFC 9112 §6.1, §7).
    TransferCoding,
    /// A chunk of the body is not framed as RFC 9112 §7.1 says.
    Chunk,
    /// The trailer section is malformed or too large (RFC 9112 §7.1.2).
    Trailers,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    Expectation,
    /// Bytes follow an upgrade request before the backend agreed (RFC 9110 §7.8).
    EarlyUpgradeBytes,
    /// A method that a reverse proxy does not serve: `CONNECT` and `TRACE` (RFC 9110 §9.3.6, §9.3.8).
    Method,
    /// The body is longer than the limit (RFC 9110 §15.5.14).
    BodyTooLarge,
    /// Head or body did not arrive in time (RFC 9110 §15.5.9).
    Timeout,
    /// This process has sent the request itself (RFC 9110 §7.6.3, RFC 5842 §7.2).
    Loop,
}

impl Refusal {
    /// The status with which the request is answered.
    pub fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::TargetTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::Expectation => 417,
            Self::Method => 405,
            Self::BodyTooLarge => 413,
            Self::Timeout => 408,
            Self::Loop => 508,
            _ => 400,
        }
    }

    /// One sentence for the client and the log, with the section that is behind it.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Malformed => "the request is malformed (RFC 9112 section 2.1)",
            Self::BareLineFeed => "a line ends in LF without CR (RFC 9112 section 2.2)",
            Self::Version => "only HTTP/1.1 and HTTP/1.0 are spoken here (RFC 9112 section 2.3)",
            Self::TargetTooLong => "the request target is too long (RFC 9110 section 15.5.15)",
            Self::HeadTooLarge => "the header fields are too large (RFC 6585 section 5)",
            Self::Target => "the request target is invalid (RFC 9112 section 3.2)",
            Self::HostCount => "exactly one Host field is needed (RFC 9112 section 3.2)",
            Self::HostSyntax => "the Host field is invalid (RFC 9112 section 3.2)",
            Self::AuthorityConflict => "target and Host name different authorities (RFC 9112 section 3.2.2)",
            Self::ContentLength => "Content-Length is repeated or invalid (RFC 9112 section 6.3)",
            Self::LengthAndCoding => "Content-Length beside Transfer-Encoding (RFC 9112 section 6.1)",
            Self::TransferCoding => "only Transfer-Encoding: chunked is understood (RFC 9112 section 6.1)",
            Self::Chunk => "a chunk of the body is malformed (RFC 9112 section 7.1)",
            Self::Trailers => "the trailer section is malformed (RFC 9112 section 7.1.2)",
            Self::Expectation => "only 100-continue can be expected (RFC 9110 section 10.1.1)",
            Self::EarlyUpgradeBytes => "bytes follow an upgrade request (RFC 9110 section 7.8)",
            Self::Method => "the method is not served here (RFC 9110 section 9.1)",
            Self::BodyTooLarge => "the body is too large (RFC 9110 section 15.5.14)",
            Self::Loop => "this proxy is its own backend (RFC 5842 section 7.2)",
            Self::Timeout => "the request did not arrive in time (RFC 9110 section 15.5.9)",
        }
    }
}
