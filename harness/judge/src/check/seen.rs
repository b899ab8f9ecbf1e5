//! The parts that findings are made of: what was wrong, what probes saw, what a rotation looks like.
//!
//! Findings carry them, checks fill them in, and the module `language` has words for each. Nothing here is a sentence.

use harness_model::history::Cut;
use serde::{Deserialize, Serialize};

/// What a check lacks enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Samples {
    /// Requests of the kind that it judges.
    Requests,
    /// Batches.
    Batches,
    /// Keys in the cache.
    Keys,
    /// Answers from the cache.
    Hits,
    /// Kinds of client.
    ClientKinds,
    /// POSTs on a target whose answer is cached.
    TemptingPosts,
    /// Rereads after a kill that the cache answered.
    RereadsFromCache,
    /// Backends.
    Backends,
}

/// What probes around a TTL saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpirySeen {
    /// The TTL in force.
    pub ttl_ms: f64,
    /// Keys probed.
    pub keys: u64,
    /// Probes surely before it (resolution included).
    pub before: u64,
    /// Probes surely after it (resolution included).
    pub after: u64,
    /// Largest age at which an entry was proven to be served from the cache.
    pub last_served_ms: Option<f64>,
    /// Smallest age at which an entry was proven to be gone.
    pub first_expired_ms: Option<f64>,
    /// Declared: it may expire this much early.
    pub early_ms: f64,
    /// Declared: it may expire this much late.
    pub late_ms: f64,
}

/// What serving past the TTL looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LatePattern {
    /// No probe saw an entry expire.
    NeverExpires,
    /// Entries expire at about twice the TTL.
    TwiceTheTtl,
    /// Entries expire late by about the same time.
    Late,
    /// Some entries were served late and others at the same age were not: old answers are given while new ones are fetched, or a sweep at fixed instants.
    Mixed,
}

/// What was wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "wrong")]
pub enum Wrong {
    /// Its bytes are not those that belong to its own checksum.
    Damaged {
        /// How.
        how: String,
    },
    /// It is the content of another resource.
    Foreign {
        /// Of which.
        of: String,
    },
    /// Its body is not as long as its head says.
    CutShort {
        /// Bytes that came.
        received: u64,
        /// Where, and by what.
        how: Cut,
    },
    /// No backend ever gave it: the proxy made it up.
    OfNobody,
    /// It has no body, as the answer to a HEAD, and answers a GET.
    OfAHead,
    /// Bytes follow after its end.
    ExtraBytes {
        /// So many.
        extra: u64,
    },
    /// Another status than the one that belongs to it.
    Status {
        /// It came with this one.
        status: u16,
    },
    /// No connection could be made.
    NotConnected {
        /// Why.
        how: String,
    },
    /// The connection was closed without an answer.
    NoAnswer,
    /// No complete answer in time.
    TimedOut,
    /// What came is not HTTP.
    Malformed {
        /// Why.
        how: String,
    },
    /// It came from a backend where it should have come from the cache.
    FromBackend,
    /// The answer of an old version of the resource.
    OldVersion,
}

/// In what a hit differs from its miss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "in")]
pub enum Difference {
    /// Status.
    Status {
        /// Of the miss.
        miss: u16,
        /// Of the hit.
        hit: u16,
    },
    /// An end-to-end field is missing or another.
    Field {
        /// Its name.
        name: String,
        /// Value of the miss, where it had one.
        miss: Option<String>,
        /// Value of the hit, where it had one.
        hit: Option<String>,
    },
    /// Length of the body.
    Length {
        /// Of the miss, bytes.
        miss: u64,
        /// Of the hit, bytes.
        hit: u64,
    },
    /// Bytes of the body.
    Bytes,
    /// The hit was not complete.
    End {
        /// What it was instead.
        wrong: Wrong,
    },
}

/// What a sequence of picks looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "rotation")]
pub enum RotationPattern {
    /// One exact rotation over the whole process.
    Global,
    /// Each worker or thread has a rotation of its own.
    PerWorker,
    /// The backend changes with the connection, not with the request.
    PerConnection,
    /// A cycle in which some backends have more turns.
    Weighted,
    /// No order at all.
    Random,
    /// A cycle that loses or doubles single turns when requests come at once.
    Racy,
    /// Always the same backend.
    Sticky {
        /// Which.
        backend: String,
    },
    /// Turns of some backends never come.
    LeavesOut,
    /// None of these.
    Unknown,
}

/// What a backend got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its name.
    pub backend: String,
    /// Attempts.
    pub attempts: u64,
}

/// One latency threshold and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdSeen {
    /// Tag of the load step.
    pub tag: String,
    /// Between 0 and 1.
    pub quantile: f64,
    /// Upper limit.
    pub limit_ms: f64,
    /// Measured, from the intended time, where the samples suffice.
    pub observed_ms: Option<f64>,
    /// Samples.
    pub samples: u64,
    /// Samples that this quantile needs.
    pub samples_needed: u64,
    /// Share of requests that ended in an error, between 0 and 1.
    pub error_rate: f64,
    /// Largest share allowed.
    pub error_limit: f64,
    /// How late requests were sent, at the same quantile.
    pub send_lag_ms: Option<f64>,
    /// How late this host woke up a sleeping thread meanwhile (99th percentile, worst interval).
    pub host_noise_ms: Option<f64>,
    /// Whether the cap of requests in flight was reached.
    pub overloaded: bool,
    /// What follows.
    pub judgement: Judgement,
}

/// What follows for one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Within the limit.
    Within,
    /// Past the limit.
    Exceeded,
    /// More requests ended in an error than is allowed.
    TooManyErrors,
    /// Our own side had no descriptors, ports or memory for some of the requests.
    NoMeans,
    /// Nothing was measured under this tag.
    NothingMeasured,
    /// Fewer samples than the quantile needs.
    TooFewSamples,
    /// The harness itself sent too late for this limit.
    SentTooLate,
    /// The host was too restless for this margin.
    HostTooNoisy,
    /// The small profile judges no latency.
    SmallHost,
}
