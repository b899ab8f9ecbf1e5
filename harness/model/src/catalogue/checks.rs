//! Every check that exists, one row each: its name in a scenario, what it answers, what it rests on, needs and reads.
//!
//! A new check is a row here; the compiler then asks for its judge (`judge/src/check/evaluate.rs`) and for its words
//! (`tell/src/language/title_words.rs`). See `CONTRIBUTING.md`. Nothing here looks at a record.

use serde::{Deserialize, Serialize};

use super::{Control, Family, Need, Reads, Requirement, Shown, StepName};

/// How much a check counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sentence of the assignment cannot be true without it: decides the exit code.
    Required,
    /// What an RFC or any user of a real proxy asks beyond the assignment: reported, named, never decides.
    Optimal,
    /// A finding worth knowing: never counted.
    Check,
    /// Cannot be proven here: printed with an empty box.
    Manual,
}

/// Where a check comes from, so that "where does the assignment say so?" has an answer beside each verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "from", content = "at")]
pub enum Source {
    /// A point of the assignment, such as `5.8c`.
    Assignment(&'static str),
    /// An RFC and its section, such as `RFC 9111 §4`.
    Rfc(&'static str),
    /// What users of real proxies rely on.
    Practice,
    /// A threshold or rule that the author of the scenario states.
    Scenario,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Assignment(point) => write!(f, "assignment {point}"),
            Source::Rfc(section) => f.write_str(section),
            Source::Practice => f.write_str("practice"),
            Source::Scenario => f.write_str("scenario"),
        }
    }
}

macro_rules! checks {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $name:literal, $requirement:ident, $kind:ident, $source:expr, $family:ident;
        rests on &[$($on:ident),*], $control:expr; needs $needs:expr; reads $reads:expr; shown $shown:ident;
    )+) => {
        /// The identity of a check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum CheckId {
            $($(#[$doc])* #[serde(rename = $name)] $variant),+
        }
        impl CheckId {
            /// All of them, in the order of a report.
            pub const ALL: &'static [CheckId] = &[$(CheckId::$variant),+];
            /// The name that scenarios use, such as `ttl.expiry`.
            pub const fn name(self) -> &'static str { match self { $(CheckId::$variant => $name),+ } }
            /// The requirement it answers.
            pub const fn requirement(self) -> Requirement { match self { $(CheckId::$variant => Requirement::$requirement),+ } }
            /// How much it counts.
            pub const fn kind(self) -> Kind { match self { $(CheckId::$variant => Kind::$kind),+ } }
            /// Where it comes from.
            pub const fn source(self) -> Source { match self { $(CheckId::$variant => $source),+ } }
            /// The family that its name begins with.
            pub const fn family(self) -> Family { match self { $(CheckId::$variant => Family::$family),+ } }
            /// The checks without whose success this one says nothing new: where one of them failed, a failure here would only
            /// repeat it.
            pub const fn depends_on(self) -> &'static [CheckId] {
                match self { $(CheckId::$variant => &[$(CheckId::$on),*]),+ }
            }
            /// What must have been seen before a pass of this check means anything; `None` where what it asks for is seen itself.
            ///
            /// Checks that prove an absence and have none bring their control along: `ttl.sliding` counts keys that were hit,
            /// `persistence.no_torn_bytes` answers from the cache after kills, `gateway.admission` those who got in,
            /// `fleet.lost_requests` requests, `concurrency.coalescing` the answers to its clients.
            pub const fn control(self) -> Option<Control> { match self { $(CheckId::$variant => $control),+ } }
            /// What it needs of the proxy; the first that the adapter says is missing is named.
            pub const fn needs(self) -> &'static [Need] { match self { $(CheckId::$variant => $needs),+ } }
            /// The steps that it may look at.
            pub const fn reads(self) -> Reads { match self { $(CheckId::$variant => $reads),+ } }
            /// How a shell shows a failure of it.
            pub const fn shown(self) -> Shown { match self { $(CheckId::$variant => Shown::$shown),+ } }
        }
    };
}

use Reads::{AnyStep, Everything, ExchangesOfTheLog, OwnExchanges, Steps};
use Source::{Assignment, Practice, Rfc, Scenario};

checks! {
    /// A slow request does not hold up a fast one.
    ConcurrencySlowFast = "concurrency.slow_fast", Req3, Required, Assignment("5.3"), Concurrency;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Overtake]); shown SlowAndFast;
    /// k requests are inside the backends at the same instant.
    ConcurrencyOverlap = "concurrency.overlap", Req3, Required, Assignment("5.3"), Concurrency;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Overlap]); shown Together;
    /// Every one of many parallel clients gets its own answer, complete and unmixed.
    ConcurrencyOwnAnswers = "concurrency.own_answers", Req3, Required, Assignment("5.3"), Concurrency;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Batches]); shown Together;
    /// Clients of different kinds (raw socket, library, curl) are all served.
    ConcurrencyClientKinds = "concurrency.client_kinds", Req3, Required, Assignment("5.3"), Concurrency;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Serial]); shown ByOneRequest;
    /// Requests that miss on one cold key at once reach the backends once.
    ConcurrencyCoalescing = "concurrency.coalescing", Req8, Check, Practice, Concurrency;
        rests on &[], None; needs &[Need::Cache]; reads AnyStep; shown Together;
    /// Latency percentiles stay within the thresholds of the scenario.
    LatencyThresholds = "latency.thresholds", Req3, Required, Scenario, Latency;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Load]); shown ByNoLine;
    /// Where nobody else asks, a request takes hardly longer than its backend.
    LatencyOverhead = "latency.overhead", Req6, Optimal, Practice, Latency;
        rests on &[ForwardOnce], None; needs &[]; reads Steps(&[StepName::Serial]); shown ByOneRequest;
    /// No answer carries a wrong byte, another's content or a wrong length, over the whole run.
    IntegrityBodies = "integrity.bodies", Req6, Required, Assignment("5.6"), Integrity;
        rests on &[], Some(Control::Answers); needs &[]; reads Everything; shown ByOneRequest;
    /// The proxy process lives through the run, except where the scenario itself ends it.
    ProxyAlive = "proxy.alive", Req5, Required, Assignment("5.5"), Proxy;
        rests on &[], None; needs &[Need::Life]; reads Everything; shown ByOneRequest;
    /// A POST always reaches a backend, also where a GET of the same target is cached.
    CachePost = "cache.post", Req5, Required, Assignment("5.5"), Cache;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Fill, StepName::Serial]); shown ByOneRequest;
    /// The second GET of a resource reaches no backend and equals the first.
    CacheHit = "cache.hit", Req8, Required, Assignment("5.8"), Cache;
        rests on &[], None; needs &[Need::Cache]; reads Steps(&[StepName::Fill]); shown Twice;
    /// A cached resource expires at the age given at launch.
    TtlExpiry = "ttl.expiry", Req8c, Required, Assignment("5.8c"), Ttl;
        rests on &[CacheHit], None; needs &[Need::Cache, Need::Ttl]; reads Steps(&[StepName::Fill, StepName::Probe, StepName::Sliding]); shown AroundTheTtl;
    /// Another TTL at launch gives another age.
    TtlSecondValue = "ttl.second_value", Req8c, Required, Assignment("5.8c"), Ttl;
        rests on &[CacheHit, TtlExpiry], None; needs &[Need::Life, Need::Cache, Need::Ttl, Need::TtlAtLaunch]; reads AnyStep; shown ByNoLine;
    /// Each resource has its own age: those stored at different instants expire at different instants.
    TtlPerResource = "ttl.per_resource", Req8c, Required, Assignment("5.8c"), Ttl;
        rests on &[CacheHit, TtlExpiry], None; needs &[Need::Cache, Need::Ttl]; reads Steps(&[StepName::Fill, StepName::Probe, StepName::Sliding]); shown AroundTheTtl;
    /// Hits do not prolong the life of what is cached.
    TtlSliding = "ttl.sliding", Req8c, Optimal, Rfc("RFC 9111 §4.2"), Ttl;
        rests on &[CacheHit, TtlExpiry], None; needs &[Need::Cache, Need::Ttl]; reads Steps(&[StepName::Fill, StepName::Probe, StepName::Sliding]); shown AroundTheTtl;
    /// A restart neither prolongs nor forgets the age of what is cached.
    TtlAcrossRestart = "ttl.across_restart", Req8c, Optimal, Rfc("RFC 9111 §4.2.3"), Ttl;
        rests on &[CacheHit, TtlExpiry], None; needs &[Need::Life, Need::Cache, Need::Ttl, Need::CacheOnDisk]; reads AnyStep; shown ByNoLine;
    /// What was served from the cache before SIGKILL is served after the restart with every backend down.
    PersistenceSurvivesKill = "persistence.survives_kill", Req8a, Required, Assignment("5.8a"), Persistence;
        rests on &[CacheHit], None; needs &[Need::Life, Need::CacheOnDisk]; reads AnyStep; shown ByNoLine;
    /// After SIGKILL under write load no wrong byte is ever served.
    PersistenceNoTornBytes = "persistence.no_torn_bytes", Req8a, Required, Assignment("5.8a"), Persistence;
        rests on &[CacheHit], None; needs &[Need::Life, Need::CacheOnDisk]; reads AnyStep; shown ByNoLine;
    /// The cache lies in files beneath the directory where the proxy runs.
    PersistenceLocation = "persistence.location", Req8b, Required, Assignment("5.8b"), Persistence;
        rests on &[CacheHit], None; needs &[Need::Life, Need::CacheOnDisk]; reads AnyStep; shown ByNoLine;
    /// The proxy can bind its port again at once after SIGKILL.
    PersistenceRebind = "persistence.rebind", Req8a, Optimal, Practice, Persistence;
        rests on &[], None; needs &[Need::Life]; reads AnyStep; shown ByNoLine;
    /// Serial requests visit the backends in an exact cycle.
    RotationSerialCycle = "rr.serial_cycle", Req9, Required, Assignment("5.9"), Rotation;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Serial]); shown InTurn;
    /// After concurrent batches the counts per backend differ by no more than the rotations declared.
    RotationSpread = "rr.spread", Req9, Required, Assignment("5.9"), Rotation;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Batches]); shown InTurn;
    /// An answer to a request with a token reaches another user only where the origin said so.
    PrivacyTokens = "privacy.tokens", Req6, Required, Rfc("RFC 9111 §3.5"), Privacy;
        rests on &[], Some(Control::Hits); needs &[]; reads Steps(&[StepName::Cloud, StepName::Fleet]); shown ByOneRequest;
    /// An answer to a request with a token never reaches another user, whatever the origin says.
    PrivacyNeverShared = "privacy.never_shared", Req6, Check, Practice, Privacy;
        rests on &[], Some(Control::Hits); needs &[]; reads Steps(&[StepName::Cloud, StepName::Fleet]); shown ByOneRequest;
    /// What was registered is visible on every path within the time that its owner asks.
    FreshnessDelivered = "freshness.delivered", Req8c, Required, Scenario, Freshness;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Cloud, StepName::Fleet]); shown ByOneRequest;
    /// No request is lost while instances come and go; at a death no more than its owner tolerates.
    FleetLostRequests = "fleet.lost_requests", ReqArch, Required, Scenario, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// While the same instances are up, each of them gets as many requests as the others.
    FleetEven = "fleet.even", Req9, Required, Scenario, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// The 99th percentile stays within what its owner asks, while the fleet grows and shrinks.
    FleetLatency = "fleet.latency", ReqArch, Required, Scenario, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// Capacity comes in time, the limits are kept, and the number of instances does not flap.
    FleetScaled = "fleet.scaled", ReqArch, Required, Scenario, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// Where the largest fleet breaks: not long before it is full.
    FleetBreaks = "fleet.breaks", ReqArch, Check, Practice, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// The simulation of the same plan comes to the same.
    FleetSimulation = "fleet.simulation", ReqArch, Check, Practice, Fleet;
        rests on &[], None; needs &[Need::Reload]; reads Steps(&[StepName::Fleet]); shown ByOneRequest;
    /// More instances serve more, until something else than the proxy is full.
    CapacityScaling = "capacity.scaling", Req9, Required, Scenario, Capacity;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Capacity]); shown ByOneRequest;
    /// Many client connections are carried by few backend connections.
    MultiplexingConnections = "multiplexing.connections", Req5, Required, Scenario, Multiplexing;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Load]); shown ByOneRequest;
    /// The next request goes to the instance with the fewest open requests.
    BalanceLeastBusy = "balance.least_busy", Req9, Required, Scenario, Balance;
        rests on &[], None; needs &[Need::LeastConnections]; reads Steps(&[StepName::Load]); shown ByOneRequest;
    /// Only chosen addresses get in, and nobody reaches an instance but through the proxy.
    GatewayAdmission = "gateway.admission", Req5, Required, Scenario, Gateway;
        rests on &[], None; needs &[Need::Allow]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// Past its capacity a system keeps doing useful work, refuses the rest in words, and recovers.
    DegradationControlled = "degradation.controlled", Req3, Required, Scenario, Degradation;
        rests on &[], None; needs &[Need::Throttle]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// What a queue has accepted is processed and seen to be, and what it cannot take is refused in words.
    WorkerProcessed = "worker.processed", Req6, Required, Scenario, Worker;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// The proxy asks its backends whether they are well, as often as it was told, and gives requests to those that are.
    HealthWatched = "health.watched", ReqArch, Required, Scenario, Health;
        rests on &[], None; needs &[Need::HealthChecks]; reads AnyStep; shown ByNoLine;
    /// Each user has one vote for a video: told so once, counted once, sent to one instance once, however many come at the same instant.
    VotesCounted = "votes.counted", Req5, Required, Rfc("RFC 9110 §9.2.2"), Votes;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// What belongs to one user reaches no other, while what is for everybody may come from the cache.
    VotesOwn = "votes.own", Req6, Required, Rfc("RFC 9111 §5.2.2.7"), Votes;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// A token is good until its end, through the proxy too: no answer from the cache outlives it, and no refusal hits its successor.
    DeliveryExpiry = "delivery.expiry", Req6, Required, Rfc("RFC 9111 §3.5"), Delivery;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Cloud]); shown ByOneRequest;
    /// A browser gets the answer that was made for its origin, and every preflight is answered by an instance.
    DeliveryCors = "delivery.cors", Req6, Required, Rfc("RFC 9111 §4.1"), Delivery;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Case]); shown ByOneRequest;
    /// What kind of rotation it is: per request, per connection, per worker, weighted, random.
    RotationScope = "rr.scope", Req9, Check, Practice, Rotation;
        rests on &[], None; needs &[]; reads Steps(&[StepName::Serial, StepName::Batches]); shown InTurn;
    /// Whether an answer from the cache uses up a turn.
    RotationHitsTakeTurn = "rr.hits_take_turn", Req9, Check, Practice, Rotation;
        rests on &[CacheHit], None; needs &[Need::Cache]; reads Steps(&[StepName::Serial, StepName::Fill]); shown Twice;
    /// A request reaches one backend, once, as it was sent, and its answer comes back.
    ForwardOnce = "forward.once", Req5, Required, Assignment("5.5"), Forward;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// The target arrives with its query and its percent-encodings.
    ForwardTarget = "forward.target", Req5, Required, Assignment("5.5"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Other methods than GET and POST arrive as they are.
    ForwardMethods = "forward.methods", Req5, Required, Assignment("5.5"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Fields of the request arrive with their values and in their order within a name.
    ForwardFields = "forward.fields", Req5, Required, Assignment("5.5"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// The body of a request arrives whole, small or large.
    ForwardBody = "forward.body", Req5, Required, Assignment("5.5"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A body that comes in several segments arrives whole.
    ForwardBodyInSegments = "forward.body_in_segments", Req4, Required, Assignment("5.4"), Forward;
        rests on &[ForwardOnce, ForwardBody], None; needs &[]; reads OwnExchanges; shown InSegments;
    /// A head that comes in several segments is read to its end.
    ForwardHeadInSegments = "forward.head_in_segments", Req4, Required, Assignment("5.4"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown InSegments;
    /// A chunked request arrives whole.
    ForwardChunkedRequest = "forward.chunked_request", Req4, Required, Rfc("RFC 9112 §7.1"), Forward;
        rests on &[ForwardOnce, ForwardBody], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A head of 6 KB and more is read to its end.
    ForwardLongHead = "forward.long_head", Req4, Optimal, Practice, Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// HEAD is answered without a body.
    ForwardHeadMethod = "forward.head_method", Req4, Required, Rfc("RFC 9110 §9.3.2"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// 204 and 304 are passed on without a body, and nobody waits for one.
    ForwardNoBody = "forward.no_body", Req4, Required, Rfc("RFC 9112 §6.3"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// The status of the backend is that of the answer.
    ForwardStatus = "forward.status", Req6, Required, Assignment("5.6"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Fields of the answer come back with their values.
    ForwardAnswerFields = "forward.answer_fields", Req6, Required, Assignment("5.6"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Bodies come back byte for byte: empty, text, binary, large.
    ForwardAnswerBody = "forward.answer_body", Req6, Required, Assignment("5.6"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A chunked answer comes back whole.
    ForwardChunkedAnswer = "forward.chunked_answer", Req4, Required, Rfc("RFC 9112 §7.1"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// An answer that ends with the backend's connection ends at the client too.
    ForwardUntilClose = "forward.until_close", Req4, Required, Rfc("RFC 9112 §6.3"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// An answer is complete by its length, though the backend keeps its connection open.
    ForwardKeptOpen = "forward.kept_open", Req4, Required, Rfc("RFC 9112 §6.3"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Interim answers (1xx) do not take the place of the final one.
    ForwardInformational = "forward.informational", Req4, Optimal, Rfc("RFC 9110 §15.2"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A client that speaks HTTP/1.0 is served.
    ForwardHttp10 = "forward.http10", Req4, Optimal, Rfc("RFC 9112 §2.3"), Forward;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A client that says `Connection: close` gets its answer, whole.
    ConnectionsClose = "connections.close", Req4, Required, Rfc("RFC 9112 §9.6"), Connections;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Several requests are answered on one connection.
    ConnectionsPersistent = "connections.persistent", Req4, Optimal, Rfc("RFC 9112 §9.3"), Connections;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Whoever closes a connection after an answer says so in it.
    ConnectionsSaysClose = "connections.says_close", Req4, Optimal, Rfc("RFC 9112 §9.3"), Connections;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Requests that are sent without waiting are answered in their order.
    ConnectionsPipelined = "connections.pipelined", Req4, Optimal, Rfc("RFC 9112 §9.3.2"), Connections;
        rests on &[ForwardOnce, ConnectionsPersistent], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Clients that connect and say nothing hold up nobody.
    ConnectionsSilent = "connections.silent_client", Req3, Optimal, Practice, Connections;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Clients that connect and leave at once do no harm.
    ConnectionsBare = "connections.bare_connect", Req3, Optimal, Practice, Connections;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// After clients have sent what is no request others are served.
    ConnectionsMalformed = "connections.malformed", Req3, Optimal, Practice, Connections;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// After clients have left in the middle of a download others are served.
    ConnectionsClientLeaves = "connections.client_leaves", Req5, Optimal, Practice, Connections;
        rests on &[], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// When nobody asks, the proxy uses no CPU and has given back its threads and descriptors.
    ConnectionsAtRest = "connections.at_rest", Req3, Optimal, Practice, Connections;
        rests on &[], None; needs &[Need::Life]; reads Everything; shown ByOneRequest;
    /// One backend that refuses connections goes unnoticed by the clients.
    FailuresOneRefuses = "failures.one_refuses", Req5, Optimal, Practice, Failures;
        rests on &[ForwardOnce], Some(Control::EveryBackend); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// With every backend down an error comes at once.
    FailuresAllRefuse = "failures.all_refuse", Req5, Optimal, Rfc("RFC 9110 §15.6.3"), Failures;
        rests on &[], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A backend that never answers ends in an error, not in silence.
    FailuresHang = "failures.hang", Req5, Optimal, Rfc("RFC 9110 §15.6.5"), Failures;
        rests on &[], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A POST that a backend has taken is not sent to another one, whatever became of its answer.
    FailuresPostOnce = "failures.post_once", Req5, Optimal, Rfc("RFC 9110 §9.2.2"), Failures;
        rests on &[ForwardOnce], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A backend that resets its connection ends in an error, not in silence.
    FailuresReset = "failures.reset", Req5, Optimal, Rfc("RFC 9110 §15.6.3"), Failures;
        rests on &[], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// An answer that the backend cut short is not passed off as whole.
    FailuresTruncated = "failures.truncated", Req6, Optimal, Rfc("RFC 9112 §8"), Failures;
        rests on &[], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// What is not HTTP is not passed on as an answer of success.
    FailuresGarbage = "failures.garbage", Req6, Optimal, Rfc("RFC 9110 §15.6.3"), Failures;
        rests on &[], Some(Control::Answers); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// After each failure of a backend others are served.
    FailuresGoesOn = "failures.goes_on", Req5, Optimal, Practice, Failures;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Backends that are back are used again: each of them that had failed, within the time that the scenario states.
    FailuresRecovery = "failures.recovery", Req5, Optimal, Practice, Failures;
        rests on &[ForwardOnce], Some(Control::EveryBackend); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A hit equals its miss at every size.
    CacheSizes = "cache.sizes", Req8, Required, Assignment("5.8"), Cache;
        rests on &[CacheHit], None; needs &[Need::Cache]; reads OwnExchanges; shown Twice;
    /// Different paths and queries are different resources.
    CacheKeys = "cache.keys", Req8, Required, Assignment("5.8"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A GET gets its body and a HEAD none, also where the answer to the other one was there first.
    CacheHead = "cache.head", Req8, Optimal, Rfc("RFC 9111 §4"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Paths that differ in one character, such as `/a/b` and `/a_b`, are different resources.
    CacheSimilarPaths = "cache.similar_paths", Req8, Optimal, Practice, Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// What many clients asked for at the same instant is cached whole.
    CacheRush = "cache.rush", Req8, Required, Assignment("5.8"), Cache;
        rests on &[CacheHit], None; needs &[Need::Cache]; reads OwnExchanges; shown Twice;
    /// An error of the server without a stated lifetime is not kept.
    CacheErrors = "cache.errors", Req8, Optimal, Rfc("RFC 9111 §3"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown Twice;
    /// Whether a 404 is kept.
    CacheNotFound = "cache.not_found", Req8, Check, Rfc("RFC 9110 §15.1"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown Twice;
    /// What says `no-store` is not kept.
    CacheNoStore = "cache.no_store", Req8, Optimal, Rfc("RFC 9111 §5.2.2.5"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown Twice;
    /// What says `private` is not kept for others.
    CachePrivate = "cache.private", Req8, Optimal, Rfc("RFC 9111 §5.2.2.7"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown Twice;
    /// The answer to a request with `Authorization` is not kept for others.
    CacheAuthorization = "cache.authorization", Req8, Optimal, Rfc("RFC 9111 §3.5"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A download that its client broke off leaves no part of itself in the cache.
    CacheAborted = "cache.aborted", Req8, Optimal, Practice, Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// What its backend cut short is not kept.
    CacheTruncated = "cache.truncated", Req8, Optimal, Rfc("RFC 9111 §3.3"), Cache;
        rests on &[], Some(Control::Hits); needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// With three backends and with four, all that it was told of are asked, and no other.
    ConfigBackends = "config.backends", Req10, Required, Assignment("5.10"), Config;
        rests on &[ForwardOnce], None; needs &[Need::Backends]; reads Steps(&[StepName::Serial, StepName::Restart]); shown ByOneRequest;
    /// The same with two.
    ConfigTwoBackends = "config.two_backends", Req10, Optimal, Practice, Config;
        rests on &[ForwardOnce, ConfigBackends], None; needs &[Need::Backends]; reads Steps(&[StepName::Serial, StepName::Restart]); shown ByOneRequest;
    /// What is cached under targets with queries, percent-encodings and long paths survives SIGKILL too.
    PersistenceOddNames = "persistence.odd_names", Req8a, Optimal, Practice, Persistence;
        rests on &[CacheHit, PersistenceSurvivesKill], None; needs &[Need::CacheOnDisk]; reads AnyStep; shown ByNoLine;
    /// With another port in its configuration it listens there.
    ConfigPort = "config.port", Req10, Required, Assignment("5.10"), Config;
        rests on &[ForwardOnce], None; needs &[Need::Life, Need::Port]; reads AnyStep; shown ByOneRequest;
    /// Told of no port, it listens on 8080. Not `required` here: adapters that cannot leave the port out would decide.
    ConfigDefaultPort = "config.default_port", Req5, Optimal, Assignment("5.5"), Config;
        rests on &[ForwardOnce], None; needs &[Need::Life]; reads AnyStep; shown ByOneRequest;
    /// The choice of the language is justified.
    ManualLanguage = "manual.language", Req1, Manual, Assignment("5.1"), Manual;
        rests on &[], None; needs &[]; reads AnyStep; shown ByOneRequest;
    /// The program is built on the sockets API itself.
    ManualSockets = "manual.sockets", Req2, Manual, Assignment("5.2"), Manual;
        rests on &[], None; needs &[]; reads AnyStep; shown ByOneRequest;
    /// The proxy and three servers with the same application are deployed.
    ManualServers = "manual.servers", ReqArch, Manual, Assignment("3"), Manual;
        rests on &[], None; needs &[]; reads AnyStep; shown ByOneRequest;
    /// All of it runs in the cloud.
    ManualCloud = "manual.cloud", ReqAws, Manual, Assignment("4"), Manual;
        rests on &[], None; needs &[]; reads AnyStep; shown ByOneRequest;
    /// The log file has every request and the answer that was given.
    LogFile = "log.file", Req7, Required, Assignment("5.7"), Log;
        rests on &[ForwardOnce], None; needs &[Need::LogFile]; reads ExchangesOfTheLog; shown ByOneRequest;
    /// Standard output has every request and the answer that was given.
    LogStdout = "log.stdout", Req7, Required, Assignment("5.7"), Log;
        rests on &[ForwardOnce], None; needs &[]; reads ExchangesOfTheLog; shown ByOneRequest;
    /// Each exchange is in the log once, with method, target and status: hits and simultaneous ones too.
    LogComplete = "log.complete", Req7, Optimal, Practice, Log;
        rests on &[ForwardOnce, LogFile], None; needs &[Need::LogFile]; reads ExchangesOfTheLog; shown ByOneRequest;
    /// The log takes little more for each exchange than a few lines.
    LogVolume = "log.volume", Req7, Optimal, Practice, Log;
        rests on &[ForwardOnce], None; needs &[]; reads ExchangesOfTheLog; shown ByOneRequest;
    /// A page and the one image that it shows arrive, at the first visit and at the second.
    PageOneImage = "page.one_image", Req6, Required, Assignment("cases of 2026"), Page;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// A page with several images, which a browser asks for together.
    PageManyImages = "page.many_images", Req6, Required, Assignment("cases of 2026"), Page;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// One file of about 1 MB.
    PageLargeFile = "page.large_file", Req6, Required, Assignment("cases of 2026"), Page;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Several files of about 1 MB together.
    PageLargeFiles = "page.large_files", Req6, Required, Assignment("cases of 2026"), Page;
        rests on &[ForwardOnce], None; needs &[]; reads OwnExchanges; shown ByOneRequest;
    /// Over TLS a client gets what the backend sent.
    HttpsSameAnswers = "https.same_answers", Req6, Optimal, Rfc("RFC 9110 §4.2.2"), Https;
        rests on &[], None; needs &[Need::Tls]; reads OwnExchanges; shown ByOneRequest;
    /// TLS 1.2 and 1.3 are spoken, older versions refused.
    HttpsVersions = "https.versions", Req4, Optimal, Rfc("RFC 8996 §4"), Https;
        rests on &[], None; needs &[Need::Tls]; reads Steps(&[StepName::Handshakes]); shown ByHandshake;
    /// One of the protocols that the client offers is chosen, and spoken; HTTP/1.1 where it offers none.
    HttpsAlpn = "https.alpn", Req4, Optimal, Rfc("RFC 7301 §3.2"), Https;
        rests on &[], None; needs &[Need::Tls]; reads Steps(&[StepName::Handshakes]); shown ByHandshake;
    /// The certificate is shown that it was given, with all up to the authority.
    HttpsCertificate = "https.certificate", Req4, Optimal, Rfc("RFC 8446 §4.4.2"), Https;
        rests on &[], None; needs &[Need::Tls]; reads Steps(&[StepName::Handshakes]); shown ByHandshake;
    /// Told so while it serves, it shows another certificate, and nobody loses an answer.
    HttpsReload = "https.reload", ReqArch, Optimal, Practice, Https;
        rests on &[HttpsSameAnswers], None; needs &[Need::Life, Need::Tls, Need::Reload]; reads OwnExchanges; shown ByHandshake;
    /// Over HTTP/2 a client gets what the backend sent.
    Http2SameAnswers = "http2.same_answers", Req6, Optimal, Rfc("RFC 9113 §8.1"), Http2;
        rests on &[], None; needs &[Need::Http2]; reads OwnExchanges; shown ByOneRequest;
    /// Many streams of one connection are answered, each with its own answer, and share the backends in turn.
    Http2Streams = "http2.streams", Req9, Optimal, Rfc("RFC 9113 §5"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByOneRequest;
    /// Fields of one connection do not get into answers of HTTP/2, nor pseudo-fields into requests of HTTP/1.1.
    Http2Fields = "http2.fields", Req4, Optimal, Rfc("RFC 9113 §8.2.2"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByOneRequest;
    /// A stream that its client does not read holds up no other.
    Http2SlowReader = "http2.slow_reader", Req3, Optimal, Rfc("RFC 9113 §5.2"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByNoLine;
    /// Streams that are reset as soon as they are opened harm nobody else.
    Http2RapidReset = "http2.rapid_reset", Req3, Optimal, Rfc("RFC 9113 §10.5"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByNoLine;
    /// A head that does not end is ended.
    Http2Continuation = "http2.continuation", Req3, Optimal, Rfc("RFC 9113 §10.5.1"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByNoLine;
    /// A request that would be two in HTTP/1.1 is refused, and no backend sees the second.
    Http2Downgrade = "http2.downgrade", Req5, Optimal, Rfc("RFC 9113 §8.1.1"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Http2]; reads OwnExchanges; shown ByNoLine;
    /// Streams that are open when the proxy reads its files again end well.
    Http2Drain = "http2.drain", ReqArch, Optimal, Rfc("RFC 9113 §6.8"), Http2;
        rests on &[Http2SameAnswers], None; needs &[Need::Life, Need::Http2, Need::Reload]; reads OwnExchanges; shown ByNoLine;
}

impl CheckId {
    /// Whether it is answered by the proxy's own log.
    pub const fn is_about_the_log(self) -> bool {
        matches!(self.family(), Family::Log)
    }
}

impl std::fmt::Display for CheckId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for CheckId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        CheckId::ALL.iter().copied().find(|check| check.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::CheckId;

    #[test]
    fn names_are_unique_and_read_back() {
        for check in CheckId::ALL {
            assert_eq!(check.name().parse::<CheckId>(), Ok(*check));
        }
    }

    #[test]
    fn a_check_is_named_after_its_family() {
        for check in CheckId::ALL {
            assert_eq!(check.name().split('.').next(), Some(check.family().name()), "{check}");
        }
    }

    #[test]
    fn nothing_depends_on_itself_however_far_one_goes() {
        fn reaches(from: CheckId, wanted: CheckId) -> bool {
            from.depends_on().iter().any(|&on| on == wanted || reaches(on, wanted))
        }
        for &check in CheckId::ALL {
            assert!(!reaches(check, check), "{check}");
            assert!(check.control().is_none_or(|control| control.check() != check), "{check}");
        }
    }
}
