//! What a stored response is found by.
//!
//! `ask` makes a key from every request that the cache may answer, `invalidation` and `purge` from what
//! they name. The host is part of it: two sites behind one proxy never see each other's pages.

use xxhash_rust::xxh3::xxh3_128;

use crate::http::{RequestHead, Scheme};

/// The primary key of RFC 9111 §2: host in normal form, then the target, both behind the scheme where that is not the
/// usual one; the method is always GET.
///
/// No host contains a slash or ends in a colon and every target begins with a slash, so the three cannot be confused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    bytes: Box<[u8]>,
    hash: u128,
}

impl Key {
    /// The key of a host and a target in origin form.
    pub fn new(scheme: Scheme, host: &[u8], target: &[u8]) -> Self {
        let host = scheme.without_default_port(host);
        let prefix: &[u8] = match scheme {
            Scheme::Http => b"",
            Scheme::Https => b"https://",
        };
        let mut bytes = Vec::with_capacity(prefix.len() + host.len() + target.len());
        bytes.extend_from_slice(prefix);
        bytes.extend(host.iter().map(u8::to_ascii_lowercase));
        bytes.extend_from_slice(target);
        let hash = xxh3_128(&bytes);
        Self { bytes: bytes.into_boxed_slice(), hash }
    }

    /// The key under which a response to this request would be stored. `None` for targets that name no
    /// resource (`*`).
    pub fn of_request(request: &RequestHead) -> Option<Self> {
        if request.target.first() != Some(&b'/') {
            return None;
        }
        Some(Self::new(request.scheme, request.fields.get("host").unwrap_or_default(), &request.target))
    }

    /// Scheme, host and target, as they are stored beside the response and compared at every look-up.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Names the file; two keys with one hash are told apart by [`Key::bytes`].
    pub(super) fn hash(&self) -> u128 {
        self.hash
    }
}

/// The name of the file that holds one variant of a key that varies (RFC 9111 §4.1). The generation is
/// drawn when the set of varying fields is first seen, so that forgetting it makes all variants
/// unreachable at once.
pub(super) fn variant_hash(key: &[u8], generation: u64, variant: &[u8]) -> u128 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::with_seed(generation);
    hasher.update(key);
    hasher.update(&[0]);
    hasher.update(variant);
    hasher.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn key(host: &str, target: &str) -> Key {
        let mut request = RequestHead::new(Method::Get, target);
        request.fields.append("Host", host);
        Key::of_request(&request).unwrap()
    }

    #[test]
    fn host_names_are_equal_in_any_case_and_with_the_default_port() {
        assert_eq!(key("Example.COM:80", "/A"), key("example.com", "/A"));
        assert_eq!(key("a:", "/").bytes(), b"a/");
    }

    #[test]
    fn host_path_and_query_tell_resources_apart() {
        let keys = [key("a", "/x"), key("b", "/x"), key("a", "/X"), key("a", "/x?1"), key("a:81", "/x")];
        for (index, one) in keys.iter().enumerate() {
            for other in &keys[..index] {
                assert_ne!(one, other);
                assert_ne!(one.hash(), other.hash());
            }
        }
        assert_eq!(Key::of_request(&RequestHead::new(Method::Options, "*")), None);
    }

    #[test]
    fn what_is_asked_for_over_tls_is_another_resource() {
        let https = Key::new(Scheme::Https, b"A:443", b"/x");
        assert_eq!(https.bytes(), b"https://a/x");
        assert_ne!(https, key("a", "/x"));
        assert_ne!(https, key("https:", "//a/x"));
    }

    #[test]
    fn a_new_generation_hides_all_variants() {
        let one = variant_hash(b"a/", 1, b"accept:x");
        assert_eq!(one, variant_hash(b"a/", 1, b"accept:x"));
        assert_ne!(one, variant_hash(b"a/", 2, b"accept:x"));
        assert_ne!(one, variant_hash(b"a/", 1, b"accept:y"));
    }
}
