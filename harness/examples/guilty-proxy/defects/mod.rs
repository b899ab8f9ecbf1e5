//! The defects, one file per family: each says where the guilty proxy does otherwise than the honest one.
//!
//! The rooms of the proxy ask here at the point where a defect would act, so that the honest way stays readable and a new
//! defect is one name here, one line in its family, and one row in `harness/tests/guilty.rs`.

pub mod content;
pub mod freshness;
pub mod persistence;
pub mod rotation;
pub mod serving;

/// What is wrong with this proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Defect {
    /// Nothing.
    None,

    // Age (`freshness`).
    /// Cached answers are served for ever (REQ-8c).
    NeverExpires,
    /// Cached answers are served for twice the TTL (REQ-8c).
    ExpiresAtTwiceTtl,
    /// A hit renews the entry (REQ-8c, optimal).
    Sliding,
    /// The TTL handed over is ignored: two seconds, always (REQ-8c).
    TtlConstant,
    /// The TTL is taken for minutes (REQ-8c).
    TtlInMinutes,
    /// An expired entry is served once more before it is fetched again (REQ-8c).
    StaleOnce,
    /// The whole cache expires at instants that are multiples of the TTL (REQ-8c).
    SweptAtOnce,
    /// The age begins anew with a restart (REQ-8c, optimal).
    RestartRenews,

    // The rotation (`rotation`).
    /// The backend is drawn at random (REQ-9).
    RandomBalancing,
    /// The counter of turns loses one update in twenty when requests come at once (REQ-9).
    RacyCounter,
    /// The first backend has every turn (REQ-9).
    AlwaysFirst,
    /// The last backend of the list has no turn (REQ-9).
    SkipsLast,
    /// The first backend has two turns in a row (REQ-9).
    WeightedByOne,
    /// Each request goes to two backends (REQ-9).
    AsksTwice,
    /// A hit uses up a turn (a finding).
    HitTakesTurn,

    // What a crash leaves (`persistence`).
    /// Nothing is ever stored (REQ-8).
    NoCache,
    /// Files are written and never read (REQ-8).
    WritesNeverReads,
    /// The cache is in memory only (REQ-8a, REQ-8b).
    MemoryOnly,
    /// Files stay but the index over them was in memory (REQ-8a).
    ForgetsAfterSigkill,
    /// The cache is emptied at the start (REQ-8a).
    WipesAtStart,
    /// Files are written in place and never checked (REQ-8a).
    TornFileAfterSigkill,
    /// The port cannot be bound again while old connections linger (REQ-8a, optimal).
    NoReuseaddr,

    // What is stored and found (`content`).
    /// A POST finds the answer to a GET of the same target (REQ-5).
    AnswersPostFromCache,
    /// The query is no part of the key (REQ-8).
    DropsQueryFromKey,
    /// `/a/b` and `/a_b` have the same key (REQ-8).
    KeysCollide,
    /// A hit has one byte more than its miss (REQ-8).
    HitHasOneByteMore,
    /// A stored body ends after 4 KiB (REQ-8).
    StoresFourKilobytes,
    /// A stored body ends at its first zero byte (REQ-8).
    StoresUpToNul,
    /// A hit comes without its `Content-Type` (REQ-8).
    HitWithoutContentType,
    /// What is answered to a token, or called private, is kept for everybody (REQ-6).
    SharesTokens,
    /// An answer of the status 500 is stored (REQ-8).
    CachesErrors,

    // Who is served, and how (`serving`).
    /// Clients are served one after the other (REQ-3).
    SerialAccept,
    /// At most four clients are served at once (REQ-3).
    FourAtOnce,
    /// A request whose names of fields are written in lower case is refused, as those of many libraries are (REQ-3).
    ChokesOnLowerCase,
    /// Clients share one buffer without a lock (REQ-3).
    SharedBuffer,
    /// After some hundred requests nobody is answered any more (REQ-3).
    DeadlocksAfterHundreds,
    /// The process ends at its three hundredth request (REQ-5).
    DiesAfterHundreds,
    /// Every answer takes 100 ms longer, as by polling (a finding).
    LatencyFloor,
}
