//! `Cache-Status`: what the cache did with a request, and why (RFC 9211).
//!
//! `ask` and `fetch` fill it in; `exchange` sends it and names it in the log. It decides nothing.

use crate::http::encode;

/// Why a request went to a backend (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// The cache is not meant to take part.
    Bypass,
    /// The method cannot be answered from a cache.
    Method,
    /// Nothing is stored under this URI.
    UriMiss,
    /// Something is stored, but not for these request fields.
    VaryMiss,
    /// The client asked for it.
    Request,
    /// What is stored is stale.
    Stale,
}

impl Forwarded {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

/// What the cache did with one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// Why a backend was asked; `None` for a hit.
    pub forwarded: Option<Forwarded>,
    /// The status that the backend answered, where it differs from what the client got.
    pub forwarded_status: Option<u16>,
    /// For how many seconds the response is still fresh; negative when it is stale.
    pub ttl_seconds: Option<i64>,
    /// Whether the response is kept.
    pub stored: bool,
    /// Whether the request waited for that of somebody else.
    pub collapsed: bool,
    /// What else there is to say, above all why a response is not kept.
    pub detail: Option<&'static str>,
}

impl CacheStatus {
    /// A hit that is fresh for this long.
    pub(super) fn hit(remaining_millis: i64) -> Self {
        Self { ttl_seconds: Some(remaining_millis.div_euclid(1000)), ..Self::default() }
    }

    /// A request that goes to a backend.
    pub(super) fn forwarded(reason: Forwarded) -> Self {
        Self { forwarded: Some(reason), ..Self::default() }
    }

    /// Writes the field line.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Cache-Status: pibl");
        match self.forwarded {
            None if self.ttl_seconds.is_some() => out.extend_from_slice(b"; hit"),
            None => {}
            Some(reason) => {
                out.extend_from_slice(b"; fwd=");
                out.extend_from_slice(reason.as_str().as_bytes());
            }
        }
        if let Some(status) = self.forwarded_status {
            out.extend_from_slice(b"; fwd-status=");
            encode::decimal(out, u64::from(status));
        }
        if let Some(seconds) = self.ttl_seconds {
            out.extend_from_slice(if seconds < 0 { b"; ttl=-" } else { b"; ttl=" });
            encode::decimal(out, seconds.unsigned_abs());
        }
        if self.stored {
            out.extend_from_slice(b"; stored");
        }
        if self.collapsed {
            out.extend_from_slice(b"; collapsed");
        }
        if let Some(detail) = self.detail {
            out.extend_from_slice(b"; detail=");
            out.extend_from_slice(detail.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    /// One word for the log.
    pub fn word(&self) -> &'static str {
        match (self.forwarded, self.ttl_seconds) {
            (None, Some(seconds)) if seconds < 0 => "stale-hit",
            (None, Some(_)) => "hit",
            (None, None) => "-",
            (Some(_), _) if self.collapsed => "collapsed",
            (Some(Forwarded::Stale | Forwarded::Request), _) if self.forwarded_status == Some(304) => {
                "revalidated"
            }
            (Some(Forwarded::Bypass), _) => "bypass",
            (Some(Forwarded::Method), _) => "method",
            (Some(Forwarded::UriMiss), _) => "miss",
            (Some(Forwarded::VaryMiss), _) => "vary-miss",
            (Some(Forwarded::Request), _) => "request",
            (Some(Forwarded::Stale), _) => "stale",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(status: CacheStatus) -> String {
        let mut out = Vec::new();
        status.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_parameter_has_the_form_of_rfc_9211() {
        assert_eq!(written(CacheStatus::hit(376_500)), "Cache-Status: pibl; hit; ttl=376\r\n");
        assert_eq!(written(CacheStatus::hit(-500)), "Cache-Status: pibl; hit; ttl=-1\r\n");
        let miss = CacheStatus {
            stored: true,
            collapsed: true,
            forwarded_status: Some(304),
            detail: Some("no-store"),
            ..CacheStatus::forwarded(Forwarded::Stale)
        };
        assert_eq!(
            written(miss),
            "Cache-Status: pibl; fwd=stale; fwd-status=304; stored; collapsed; detail=no-store\r\n"
        );
    }
}
