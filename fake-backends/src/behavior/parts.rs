//! Small parts that several behaviours share: statuses, field lines, bodies and framing, as people write them.
//!
//! Scripts are made of them. Each refuses what it cannot mean, with the way out; none of them knows a request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::quantity::{BadQuantity, Size, written_as_text};
use crate::content::{Content, Kind, Secret};

/// Status of a final response: 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
pub struct Status(#[schemars(range(min = 200, max = 599))] u16);

impl Status {
    /// 200.
    pub const OK: Status = Status(200);

    /// The number.
    pub fn code(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Status {
    type Error = BadQuantity;

    fn try_from(code: u16) -> Result<Status, BadQuantity> {
        if (200..=599).contains(&code) {
            return Ok(Status(code));
        }
        Err(BadQuantity(format!("{code} is not the status of a final response (200 to 599)")))
    }
}

impl FromStr for Status {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Status, BadQuantity> {
        let code =
            text.parse::<u16>().map_err(|_| BadQuantity(format!("`{text}` is not a status such as 503")))?;
        Status::try_from(code)
    }
}

impl From<Status> for u16 {
    fn from(status: Status) -> u16 {
        status.0
    }
}

/// A field line, written `Name: value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLine {
    /// Its name.
    pub name: String,
    /// Its value, which may be empty.
    pub value: String,
}

impl FromStr for FieldLine {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<FieldLine, BadQuantity> {
        let Some((name, value)) = text.split_once(':') else {
            return Err(BadQuantity(format!("`{text}` is not a field: write \"Name: value\"")));
        };
        let valid_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !valid_name || text.contains(['\r', '\n', '\0']) {
            let way_out = "wrong fields are made by `misframe`";
            return Err(BadQuantity(format!("`{}` is not a field of HTTP; {way_out}", text.escape_debug())));
        }
        Ok(FieldLine { name: name.to_owned(), value: value.trim().to_owned() })
    }
}

impl fmt::Display for FieldLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

written_as_text!(FieldLine, "FieldLine", "Cache-Control: no-store");

/// A generated body: `1KiB` (binary), `text 3KiB` or `empty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodySpec {
    /// What kind of bytes.
    pub kind: Kind,
    /// How many.
    pub size: Size,
}

impl BodySpec {
    /// The content for a key at a version, in a run with this secret.
    pub fn content(&self, key: &str, version: u64, secret: Secret) -> Content {
        secret.content(key, version, self.size.0, self.kind)
    }
}

impl Default for BodySpec {
    fn default() -> Self {
        BodySpec { kind: Kind::Binary, size: Size(1024) }
    }
}

impl FromStr for BodySpec {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<BodySpec, BadQuantity> {
        let text = text.trim();
        if text == "empty" {
            return Ok(BodySpec { kind: Kind::Binary, size: Size(0) });
        }
        let (kind, size) = match text.split_once(' ') {
            Some(("text", size)) => (Kind::Text, size),
            Some(("accented", size)) => (Kind::Accented, size),
            Some(("binary", size)) => (Kind::Binary, size),
            _ => (Kind::Binary, text),
        };
        Ok(BodySpec { kind, size: size.parse()? })
    }
}

impl fmt::Display for BodySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Binary => write!(f, "{}", self.size),
            Kind::Text => write!(f, "text {}", self.size),
            Kind::Accented => write!(f, "accented {}", self.size),
        }
    }
}

written_as_text!(BodySpec, "BodySpec", "text 3KiB");

/// How the end of a response is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFraming {
    /// By `Content-Length`.
    #[default]
    ContentLength,
    /// In chunks of this size. To an HTTP/1.0 client: by closing.
    Chunked(Size),
    /// By closing the connection.
    UntilClose,
}

/// What becomes of the connection after a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// Kept open if the client allows it, as HTTP/1.1 means it.
    #[default]
    KeepOpen,
    /// Closed, and `Connection: close` says so.
    Close,
    /// Closed without a word, as servers do whose idle time is over.
    CloseSilently,
    /// Kept open for as long as the client likes, however long it says nothing; closed where it asked for that (RFC 9112 §9.6).
    StayOpen,
    /// Kept open even when the client asked to close: a client that waits for the end of the stream waits forever.
    NeverClose,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_being_written_and_read() {
        for text in ["1KiB", "text 3KiB", "0B", "40B"] {
            assert_eq!(text.parse::<BodySpec>().unwrap().to_string(), text);
        }
        assert_eq!("empty".parse::<BodySpec>().unwrap().size, Size(0));
        assert_eq!("A:  b: c ".parse::<FieldLine>().unwrap().to_string(), "A: b: c");
    }

    #[test]
    fn what_is_no_part_is_refused_with_advice() {
        assert!("no colon".parse::<FieldLine>().unwrap_err().to_string().contains("Name: value"));
        for wrong in [": b", "A b: c", "A: b\r\nC: d"] {
            assert!(wrong.parse::<FieldLine>().is_err(), "{wrong:?}");
        }
        assert!("100".parse::<Status>().is_err() && "abc".parse::<Status>().is_err());
        assert!("1024".parse::<BodySpec>().unwrap_err().to_string().contains("no unit"));
    }
}
