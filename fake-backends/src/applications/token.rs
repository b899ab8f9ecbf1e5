//! Bearer tokens: JSON Web Tokens signed with HMAC-SHA-256 (RFC 7519, RFC 7515, algorithm HS256 of RFC 7518 §3.2).
//!
//! The applications issue and verify them; a test shows that the bytes are those of RFC 7515, appendix A.1. It knows no
//! other algorithm, so that no token can choose one.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Who issues tokens and believes them.
#[derive(Clone)]
pub struct Authority {
    key: Hmac<Sha256>,
    lifetime: Duration,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// When it expires, in seconds since 1970.
    pub exp: u64,
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is not made of three parts, or they do not say what they should.
    #[error("not a token")]
    Malformed,
    /// Another algorithm than HS256.
    #[error("not signed with HS256")]
    Algorithm,
    /// Signed with another key, or changed.
    #[error("the signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("expired")]
    Expired,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl Authority {
    /// One with a key of its own, whose tokens are good for a time.
    pub fn new(key: &[u8], lifetime: Duration) -> Authority {
        // Any length will do: HMAC hashes what is longer than a block (RFC 2104 §2).
        let key = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
        Authority { key, lifetime }
    }

    /// How long a token is good.
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for a user, from `now` (seconds since 1970) on.
    pub fn issue(&self, user: &str, now: u64) -> String {
        let claims = Claims { sub: user.to_owned(), iat: now, exp: now + self.lifetime.as_secs() };
        let payload = serde_json::to_vec(&claims).unwrap_or_default();
        self.sign(br#"{"alg":"HS256","typ":"JWT"}"#, &payload)
    }

    /// What a token says, if it is to be believed at `now` (seconds since 1970).
    ///
    /// # Errors
    /// Why it is not.
    pub fn verify(&self, token: &str, now: u64) -> Result<Claims, BadToken> {
        let (signed, signature) = token.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(BadToken::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Malformed);
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| BadToken::Malformed)?;
        if header.alg != "HS256" {
            return Err(BadToken::Algorithm);
        }
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        mac.verify_slice(&bytes(signature)?).map_err(|_| BadToken::Signature)?;
        let claims: Claims = serde_json::from_slice(&bytes(payload)?).map_err(|_| BadToken::Malformed)?;
        if now >= claims.exp { Err(BadToken::Expired) } else { Ok(claims) }
    }

    fn sign(&self, header: &[u8], payload: &[u8]) -> String {
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let mut mac = self.key.clone();
        mac.update(token.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        token.push('.');
        token.push_str(&signature);
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let authority = Authority::new(&URL_SAFE_NO_PAD.decode(KEY).unwrap(), Duration::ZERO);
        let header = b"{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
        let payload = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        let token = authority.sign(header, payload);
        assert!(token.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "{token}");
    }

    #[test]
    fn a_token_is_good_for_its_time_and_for_nobody_else() {
        let authority = Authority::new(b"secret", Duration::from_secs(1800));
        let token = authority.issue("ana", 1000);
        assert_eq!(authority.verify(&token, 2799).unwrap().sub, "ana");
        assert_eq!(authority.verify(&token, 2800), Err(BadToken::Expired));
        let other = Authority::new(b"other", Duration::from_secs(1800));
        assert_eq!(other.verify(&token, 1001), Err(BadToken::Signature));
        let mut parts: Vec<&str> = token.split('.').collect();
        let forged = other.issue("eva", 1000);
        parts[1] = forged.split('.').nth(1).unwrap();
        assert_eq!(authority.verify(&parts.join("."), 1001), Err(BadToken::Signature));
        for wrong in ["", "a", "a.b", "a.b.c", "....", "é.é.é"] {
            assert_eq!(authority.verify(wrong, 1001), Err(BadToken::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_token_does_not_choose_its_algorithm() {
        let authority = Authority::new(b"secret", Duration::from_secs(60));
        let token = authority.sign(br#"{"alg":"none"}"#, br#"{"sub":"eva","iat":0,"exp":9999999999}"#);
        assert_eq!(authority.verify(&token, 5), Err(BadToken::Algorithm));
    }
}
