//! The heads of requests and responses: what stands before the body, as values.
//!
//! Every module that handles a message works on these types; `parse` makes them and `encode` writes them.
//! They never know how a head was framed on the wire, nor what a proxy may do with it.

use super::fields::Fields;

/// The head of a request: request line (RFC 9112 §3) and fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestHead {
    /// What is asked for.
    pub method: Method,
    /// The request target as it arrived; `parse` guarantees bytes without blanks and controls.
    pub target: Vec<u8>,
    /// The version that the client speaks.
    pub version: Version,
    /// What the client's connection makes the target a part of; whoever reads a head sets it before.
    pub scheme: Scheme,
    /// The header fields in the order of arrival.
    pub fields: Fields,
}

/// The head of a response: status line (RFC 9112 §4) and fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code, 100 to 999.
    pub status: u16,
    /// The reason phrase as it arrived, possibly empty.
    pub reason: Vec<u8>,
    /// The version that the backend speaks.
    pub version: Version,
    /// The header fields in the order of arrival.
    pub fields: Fields,
}

/// A request method (RFC 9110 §9); names are case-sensitive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the method of its name")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    /// Any other token.
    Other(Box<str>),
}

/// The versions of HTTP that are spoken here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0 (RFC 1945), without persistence unless asked for.
    Http10,
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http11,
    /// HTTP/2 (RFC 9113), which travels as HTTP/1.1 inside this program.
    Http2,
}

/// What stands before the colon of the URI that a request asks for (RFC 9110 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Over plain TCP.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl RequestHead {
    /// A request without fields, for internal and test use.
    pub fn new(method: Method, target: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.into(), ..Self::default() }
    }

    /// Forgets the message but keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.method = Method::Get;
        self.target.clear();
        self.fields.clear();
    }
}

impl ResponseHead {
    /// A response without fields and with the usual reason phrase of its status.
    pub fn new(status: u16) -> Self {
        let reason = reason_phrase(status).as_bytes().to_vec();
        Self { status, reason, version: Version::Http11, fields: Fields::new() }
    }

    /// Forgets the message but keeps the memory for the next one.
    pub fn clear(&mut self) {
        self.reason.clear();
        self.fields.clear();
    }

    /// Whether this is an interim response (RFC 9110 §15.2).
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

impl Default for ResponseHead {
    fn default() -> Self {
        Self { status: 200, reason: Vec::new(), version: Version::Http11, fields: Fields::new() }
    }
}

impl Method {
    /// The method of this name.
    pub fn from_token(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "CONNECT" => Self::Connect,
            "OPTIONS" => Self::Options,
            "TRACE" => Self::Trace,
            "PATCH" => Self::Patch,
            other => Self::Other(other.into()),
        }
    }

    /// The name as it is written in a request line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Patch => "PATCH",
            Self::Other(name) => name,
        }
    }

    /// Whether the method only reads (RFC 9110 §9.2.1).
    pub fn is_safe(&self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options | Self::Trace)
    }

    /// Whether sending it twice has the effect of sending it once (RFC 9110 §9.2.2).
    pub fn is_idempotent(&self) -> bool {
        self.is_safe() || matches!(self, Self::Put | Self::Delete)
    }
}

impl Version {
    /// The version as it is written in a request or status line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

impl Scheme {
    /// The scheme as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The authority without the port that is meant when none is written (RFC 9110 §4.2.1, §4.2.2).
    pub(crate) fn without_default_port(self, authority: &[u8]) -> &[u8] {
        let default: &[u8] = match self {
            Self::Http => b":80",
            Self::Https => b":443",
        };
        authority.strip_suffix(default).or_else(|| authority.strip_suffix(b":")).unwrap_or(authority)
    }
}

/// The usual reason phrase of a status (RFC 9110 §15), or the empty string.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_keep_their_name_and_case() {
        for name in ["GET", "PATCH", "get", "PROPFIND"] {
            assert_eq!(Method::from_token(name).as_str(), name);
        }
        assert_ne!(Method::from_token("get"), Method::Get);
    }

    #[test]
    fn idempotence_follows_rfc_9110_section_9_2_2() {
        assert!(Method::Put.is_idempotent() && !Method::Put.is_safe());
        assert!(Method::Get.is_idempotent() && Method::Get.is_safe());
        assert!(!Method::Post.is_idempotent() && !Method::Patch.is_idempotent());
    }
}
