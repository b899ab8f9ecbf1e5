//! The words that a scenario, an adapter and a plan share: kinds of clients, ways to use connections, texts in both languages,
//! and how a duration is written into the documents of a run.
//!
//! `scenario` reads them, `plan` passes them on and everyone below knows them under its name. Nothing is decided here.

use serde::{Deserialize, Serialize};

/// A text in both languages of the product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Spanish.
    pub es: String,
}

/// How requests are laid on client connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// All on one persistent connection (reopened when the proxy closes it).
    One,
    /// Each on a connection of its own.
    Each,
}

/// How the arrivals of an open loop are spaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// At equal distances.
    #[default]
    Uniform,
    /// At exponentially distributed distances, as independent users arrive.
    Poisson,
}

/// The program that sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// The harness's own socket client: exact bytes, exact times.
    Raw,
    /// The HTTP library that Rust applications use.
    Reqwest,
    /// The curl program, where installed.
    Curl,
}

/// Where a request is cut into segments that are sent with pauses in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// In the middle of the head.
    InHead,
    /// Between head and body.
    AfterHead,
    /// In the middle of the body.
    InBody,
}

/// How the next backend is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// One after the other.
    RoundRobin,
    /// The one with the fewest open requests.
    LeastConnections,
}

/// What other clients do while a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// Three of them are connected and say nothing.
    Silent,
    /// One has sent half a head and says nothing more.
    HalfHead,
    /// Three of them have connected and left at once.
    Bare,
    /// Three of them have sent what is no request, each in its way, and left.
    Malformed,
}

/// What a request travels over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// HTTP/1.1 on a bare connection.
    #[default]
    Plain,
    /// HTTP/1.1 on TLS (RFC 9110 §4.2.2).
    Tls,
    /// HTTP/2 on TLS (RFC 9113 §3.2).
    Http2,
}

/// What somebody does with HTTP/2 while a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Misuse {
    /// On the same connection a large answer is asked for and not read (RFC 9113 §5.2).
    UnreadStream,
    /// Another client resets each stream as soon as it has opened it, some thousand times (CVE-2023-44487).
    RapidResets,
    /// Another client sends a head that does not end (CVE-2024-27316).
    EndlessHead,
    /// Other clients send requests that mean two in HTTP/1.1: lengths that do not match, transfer codings, ends of lines in values.
    TwoInOne,
}

/// Durations in documents of the run are whole nanoseconds.
pub mod duration_ns {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Writes whole nanoseconds.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Reads whole nanoseconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }

    /// The same for a duration that may be absent.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};
        use std::time::Duration;

        /// Writes whole nanoseconds or null.
        pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            value.map(|d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)).serialize(serializer)
        }

        /// Reads whole nanoseconds or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_nanos))
        }
    }
}
