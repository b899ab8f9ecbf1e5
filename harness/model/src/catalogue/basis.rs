//! The columns of a row of the catalogue: what the verdict of a check rests on, what it needs and reads, how a shell shows it.
//!
//! The judge blocks by it, a part of a plan keeps what its checks rest on, and whoever orders a run may leave out what has lost its
//! ground. Nothing here looks at a record.

use super::CheckId;

/// What must have been seen in a run before the absence of something else in it proves anything.
///
/// A check that only proves an absence (nothing was kept, nothing was passed off) passes on every proxy that does nothing at all. Its
/// control is the positive counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Control {
    /// Something plain was answered from the cache.
    Hits,
    /// Plain requests were answered by backends, and not by the proxy in their place.
    Answers,
    /// Every backend that the proxy was told of was asked at some time, those that went down included.
    EveryBackend,
}

impl Control {
    /// The check that asks for it.
    pub const fn check(self) -> CheckId {
        match self {
            Control::Hits => CheckId::CacheHit,
            Control::Answers => CheckId::ForwardOnce,
            Control::EveryBackend => CheckId::RotationSerialCycle,
        }
    }
}

/// What a check needs of the proxy, as its adapter declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Its start and end, its files and its processes are in our hands.
    Life,
    /// It can be told of its backends.
    Backends,
    /// It can be told of its port.
    Port,
    /// It writes a log file.
    LogFile,
    /// It keeps answers.
    Cache,
    /// It keeps them on disk.
    CacheOnDisk,
    /// What it keeps expires.
    Ttl,
    /// The age at which it expires can be told at launch.
    TtlAtLaunch,
    /// It can be told of other backends while it runs.
    Reload,
    /// It can prefer the backend with the fewest open requests.
    LeastConnections,
    /// It can limit the requests of a client.
    Throttle,
    /// It can let in some addresses only.
    Allow,
    /// It can ask its backends by itself whether they are well.
    HealthChecks,
    /// Clients may come by HTTPS.
    Tls,
    /// Clients may come by HTTP/2.
    Http2,
}

/// The name of a kind of step, without what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the step of the same name, which says what it does")]
pub enum StepName {
    Fill,
    Probe,
    Sliding,
    Reread,
    Serial,
    Batches,
    Overlap,
    Overtake,
    Load,
    Capacity,
    Crash,
    Restart,
    Backends,
    Cloud,
    Fleet,
    Case,
    Exchange,
    Handshakes,
    Wait,
}

/// The steps that a check may look at. Exchanges are looked at by the check that they name, and by those of [`Reads::Everything`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reads {
    /// All of the run.
    Everything,
    /// Every step but the exchanges that name other checks.
    AnyStep,
    /// The exchanges that name it.
    OwnExchanges,
    /// The exchanges that name any check of the log.
    ExchangesOfTheLog,
    /// Steps of these kinds.
    Steps(&'static [StepName]),
}

/// The line for a shell that shows a failure without the harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shown {
    /// None: one line cannot show it, such as a crash.
    ByNoLine,
    /// The request of the evidence.
    ByOneRequest,
    /// The same in two segments.
    InSegments,
    /// A request, and the same when its TTL is over.
    AroundTheTtl,
    /// The same request twice, and both bodies compared.
    Twice,
    /// Requests one after the other, with the backend of each.
    InTurn,
    /// A fast request beside a slow one.
    SlowAndFast,
    /// Requests at the same time.
    Together,
    /// A handshake alone, by `openssl`.
    ByHandshake,
}

macro_rules! families {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// Checks that are about the same thing; their names begin alike.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Family { $(#[doc = concat!("`", $name, ".*`")] $variant),+ }
        impl Family {
            /// What the names of its checks begin with, such as `ttl`.
            pub const fn name(self) -> &'static str { match self { $(Family::$variant => $name),+ } }
        }
    };
}

families! {
    Concurrency = "concurrency",
    Latency = "latency",
    Integrity = "integrity",
    Proxy = "proxy",
    Cache = "cache",
    Ttl = "ttl",
    Persistence = "persistence",
    Rotation = "rr",
    Privacy = "privacy",
    Freshness = "freshness",
    Fleet = "fleet",
    Capacity = "capacity",
    Multiplexing = "multiplexing",
    Balance = "balance",
    Gateway = "gateway",
    Degradation = "degradation",
    Worker = "worker",
    Health = "health",
    Votes = "votes",
    Delivery = "delivery",
    Forward = "forward",
    Connections = "connections",
    Failures = "failures",
    Config = "config",
    Manual = "manual",
    Log = "log",
    Page = "page",
    Https = "https",
    Http2 = "http2",
}
