//! The defects, one file per family: each says where the guilty proxy does otherwise than the honest one.
//!
//! The rooms of the proxy ask here at the point where a defect would act, so that the honest way stays readable and a new
//! defect is one name here, one line in its family, and one row in `harness/tests/guilty.rs`.

pub mod freshness;
pub mod persistence;
pub mod rotation;
pub mod serving;

/// What is wrong with this proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Defect {
    /// Nothing.
    None,
    /// Cached answers are served for ever (REQ-8c).
    NeverExpires,
    /// Cached answers are served for twice the TTL (REQ-8c).
    ExpiresAtTwiceTtl,
    /// A hit renews the entry (REQ-8c, optimal).
    Sliding,
    /// The backend is drawn at random (REQ-9).
    RandomBalancing,
    /// The counter of turns loses one update in twenty when requests come at once (REQ-9).
    RacyCounter,
    /// Clients are served one after the other (REQ-3).
    SerialAccept,
    /// Files stay but the index over them was in memory (REQ-8a).
    ForgetsAfterSigkill,
    /// Files are written in place and never checked (REQ-8a).
    TornFileAfterSigkill,
    /// A POST finds the answer to a GET of the same target (REQ-5).
    AnswersPostFromCache,
}
