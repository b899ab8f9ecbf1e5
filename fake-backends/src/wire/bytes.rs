//! Bytes of the wire in documents: every byte survives, and what is text stays readable.
//!
//! The journal and the harness's ledger keep heads and beginnings of bodies with it. In JSON each byte is the character
//! of the same number (latin-1). It never decodes: what the bytes mean is somebody else's question.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes as they were on the wire.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct WireBytes(pub Vec<u8>);

impl WireBytes {
    /// The bytes as characters of the same numbers.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|&byte| char::from(byte)).collect()
    }
}

impl fmt::Debug for WireBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl From<&[u8]> for WireBytes {
    fn from(bytes: &[u8]) -> WireBytes {
        WireBytes(bytes.to_vec())
    }
}

impl Serialize for WireBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for WireBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WireBytes, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.chars()
            .map(|character| u8::try_from(u32::from(character)))
            .collect::<Result<Vec<u8>, _>>()
            .map(WireBytes)
            .map_err(|_| serde::de::Error::custom("a character above U+00FF in bytes of the wire"))
    }
}

#[cfg(test)]
mod tests {
    use super::WireBytes;

    #[test]
    fn every_byte_survives_json() {
        let all = WireBytes((0..=255).collect());
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<WireBytes>(&text).unwrap(), all);
        assert!(serde_json::from_str::<WireBytes>("\"\u{100}\"").is_err());
    }
}
