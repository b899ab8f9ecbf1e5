//! The events of a run: what the clients saw, what the backends saw, what was done to the proxy and what it cost.
//!
//! Times are moments of the run's one monotonic clock. Bytes from the wire are kept losslessly. An event says what
//! happened and never whether that was right.

use std::time::Duration;

use fake_backends::clock::Moment;
use fake_backends::journal::Attempt;
pub use fake_backends::wire::WireBytes;
use serde::{Deserialize, Serialize};

use super::CapacityRung;
use super::{
    Adaptation, Because, CutBy, LetGo, Look, NotAsked, Patience, PortGivenUp, Reconnected, StepProblem,
    Trouble,
};
use crate::plan::duration_ns;

/// The reason that stands in [`EventKind::Interrupted`] where results are drawn from a record that still grows. No file has it.
pub const NOT_OVER: &str = "the run is not over";

/// One line of `events.jsonl`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// When it was recorded; what it tells of may have begun earlier.
    pub at: Moment,
    /// The step of the plan during which it happened; `None` before the first and after the last.
    pub step: Option<usize>,
    /// What happened.
    pub event: EventKind,
}

/// What happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A step of the plan began.
    StepStarted,
    /// A step of the plan ended; `problem` says why it could not be carried out, where it could not.
    StepEnded {
        /// What kept it from being carried out.
        problem: Option<StepProblem>,
    },
    /// The proxy was told to start.
    ProxyStarting {
        /// One for the first start of the run.
        launch: u32,
        /// The program and its arguments.
        argv: Vec<String>,
        /// The address it should listen on.
        listen: std::net::SocketAddr,
        /// Files rendered for it.
        configuration: Vec<ConfigurationFile>,
        /// Files of its private copy that had to be patched: the changed lines of each.
        #[serde(default)]
        patches: Vec<ConfigurationFile>,
        /// The TTL it was given.
        #[serde(with = "duration_ns::option")]
        ttl: Option<Duration>,
    },
    /// The proxy listens and has answered one GET.
    ProxyReady {
        /// Which start.
        launch: u32,
        /// From the start to the LISTEN state.
        #[serde(with = "duration_ns")]
        listening_after: Duration,
        /// From the start to the first answer; `None` where none was asked for (every backend is down).
        #[serde(with = "duration_ns::option")]
        answered_after: Option<Duration>,
        /// Status of that answer.
        status: Option<u16>,
        /// Starts that were tried in vain before (port still taken).
        attempts_before: u32,
        /// Source files of its private copy that its own start command changed, or copied with changes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        edited: Vec<String>,
        /// The command of what listens, in short, where an interpreter was handed anything but a file that lay there before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_handed_in: Option<String>,
    },
    /// A signal was sent to the proxy and to all processes beneath the guard.
    ProxySignalled {
        /// Which start.
        launch: u32,
        /// Its name, such as `SIGKILL`.
        signal: String,
    },
    /// Asked to end, it was still running when its time was up, and was killed.
    ProxyHungAtStop {
        /// Which start.
        launch: u32,
        /// The signal that asked it.
        signal: String,
        /// How long it was waited for.
        #[serde(with = "duration_ns")]
        waited: Duration,
    },
    /// The proxy's main process has ended.
    ProxyExited(ProxyExit),
    /// A backend answers from now on.
    BackendUp {
        /// Its name.
        backend: String,
        /// Where it listens.
        address: std::net::SocketAddr,
    },
    /// A backend refuses from now on.
    BackendDown {
        /// Its name.
        backend: String,
    },
    /// A client's request and all that came of it.
    Exchange(Box<Exchange>),
    /// A request as a backend saw it.
    Attempt(Box<Attempt>),
    /// Something strange, in full.
    Anomaly(Anomaly),
    /// The proxy has printed more: `proxy.stdout` goes on from the end of the last such event up to here.
    Printed {
        /// Bytes of `proxy.stdout` by now.
        until: u64,
    },
    /// What the proxy did, seen by a watcher.
    Watched(Box<super::Watched>),
    /// Where the proxy was to be watched, and nothing of it is seen.
    NotWatched {
        /// Why.
        why: super::NotWatched,
    },
    /// A limit of the adapter ended the proxy.
    LimitReached(LimitReached),
    /// What the proxy's processes used, now.
    Resources(ResourceSample),
    /// How late a sleep of 1 ms was, and the time stolen from this host, over the last interval.
    HostNoise(HostNoise),
    /// Counters of a load step whose exchanges are not recorded one by one.
    LoadCounters {
        /// The load step's tag.
        tag: String,
        /// Requests sent after the warm-up.
        sent: u64,
        /// Answers that were complete and right.
        good: u64,
        /// Everything else.
        errors: u64,
        /// Wrong bytes, wrong identity: each of them also an anomaly.
        corrupt: u64,
        /// Whether the in-flight cap was ever reached.
        overloaded: bool,
        /// Seconds measured, after the warm-up.
        seconds: f64,
        /// CPU time of the proxy over that span, where it could be read.
        #[serde(with = "duration_ns::option")]
        proxy_cpu: Option<Duration>,
        /// What the engine says of itself.
        #[serde(default)]
        engine: EngineCounters,
    },
    /// A rung of a search for a capacity.
    CapacityRung(Box<CapacityRung>),
    /// What a load step has come to within about a second; for whoever watches.
    LoadInterval(LoadInterval),
    /// What the proxy has written into its log and printed during a step that asks about it.
    ProxyLogged(LogExcerpt),
    /// The proxy was told to read its files again, with these backends in them.
    ProxyReloaded {
        /// Which start.
        launch: u32,
        /// Names of the backends.
        backends: Vec<String>,
    },
    /// Files with a certificate lie ready for the proxy.
    Secured(super::Secured),
    /// A handshake of TLS, tried for its own sake or for the requests that follow.
    Handshake(Box<super::Handshake>),
    /// What somebody did with HTTP/2 that no honest client does.
    Misused(Box<super::Misused>),
    /// A fleet step, whole.
    Fleet(Box<super::FleetRun>),
    /// Files beneath the proxy's directory: path relative to it, and length in bytes.
    FilesSeen {
        /// At most some thousands.
        files: Vec<(String, u64)>,
    },
    /// The first look at the proxy, in front of every step.
    Look(Look),
    /// The backends answer otherwise from now on.
    Adapted {
        /// How.
        adaptation: Adaptation,
        /// What that rests on.
        because: Because,
    },
    /// Requests stayed without an answer; both ends were closed before the next step.
    LetGo(LetGo),
    /// A step was not carried out, or not to its end.
    NotAsked {
        /// Why.
        because: NotAsked,
        /// Requests of it that were not sent; `None` where all of them.
        left_out: Option<u64>,
    },
    /// The proxy listens, but not where it was told to; it is asked there from now on.
    ListensElsewhere {
        /// Where it was told to.
        told: std::net::SocketAddr,
        /// Where it does.
        found: std::net::SocketAddr,
    },
    /// The proxy could not bind its port again.
    PortGivenUp(PortGivenUp),
    /// Somebody asked that no further step begins; proxy and backends stay as they are.
    Held,
    /// The run goes on.
    WentOn,
    /// The run ended before its plan did.
    Interrupted {
        /// Why, in words.
        reason: String,
        /// Why; `None` in records of earlier versions, and where results are drawn while the run goes on.
        #[serde(default)]
        by: Option<CutBy>,
    },
}

/// What the load engine says of itself at the end of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EngineCounters {
    /// Arrivals per second that the schedule asked for, warm-up and cool-down excluded; `None` in a closed loop.
    pub asked_per_second: Option<f64>,
    /// Requests per second that were sent while the schedule lasted.
    pub reached_per_second: f64,
    /// Whether the rate asked for was reached within 1 %.
    pub rate_reached: bool,
    /// Arrivals that could not be sent before the engine gave up waiting; they count as time-outs.
    pub never_sent: u64,
    /// Time-outs.
    pub timed_out: u64,
    /// Answers with a status other than success.
    pub wrong_status: u64,
    /// Connections that could not be made, or that ended before the answer did.
    pub broken: u64,
    /// Requests that were asked again because their connection, used before, closed before a byte of the answer. No errors.
    pub asked_again: u64,
    /// Requests that our own side had no means to send. No errors of the proxy.
    pub ours: u64,
    /// Connections opened.
    pub connections_opened: u64,
    /// Connections that were open at its end, of all tags.
    pub connections_held: u64,
    /// Bytes of bodies received.
    pub body_bytes: u64,
    /// CPU time of the engine's threads, warm-up excluded.
    #[serde(with = "duration_ns::option")]
    pub engine_cpu: Option<Duration>,
}

/// A second of a load step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadInterval {
    /// The load step's own tag.
    pub tag: String,
    /// Its length.
    #[serde(with = "duration_ns")]
    pub duration: Duration,
    /// Requests that ended in it, of all tags and phases.
    pub ended: u64,
    /// Those of them that did not end well.
    pub errors: u64,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Median from the intended instant, where anything ended well.
    #[serde(with = "duration_ns::option")]
    pub p50: Option<Duration>,
    /// 99th percentile.
    #[serde(with = "duration_ns::option")]
    pub p99: Option<Duration>,
}

/// A file that was rendered for the proxy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfigurationFile {
    /// Relative to the proxy's directory.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// The end of the proxy's main process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProxyExit {
    /// Which start.
    pub launch: u32,
    /// Exit status, where it ended by itself.
    pub code: Option<i32>,
    /// Signal, where one ended it.
    pub signal: Option<i32>,
    /// Whether the harness had told it to end.
    pub expected: bool,
    /// Last lines of what it printed.
    pub last_lines: Vec<String>,
}

/// Why a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To find out whether the proxy answers at all; judged by no check.
    Readiness,
    /// The first request of a key, so that it is cached.
    Fill,
    /// A second request of a key, to prove a hit.
    Confirm,
    /// A request of a filled key at a planned age.
    Probe,
    /// One of many requests of a key that keep it in use.
    Slide,
    /// A filled key, once more, after a crash or a restart.
    Reread,
    /// Traffic that writes to the cache while the proxy is killed.
    CrashLoad,
    /// One of a series or a batch.
    Serial,
    /// One of a batch of simultaneous requests.
    Batch,
    /// Held in the backend until all are inside.
    Overlap,
    /// The slow one of a slow and fast pair.
    Slow,
    /// The fast one.
    Fast,
    /// Traffic of an executor.
    Load,
    /// A user wants a token.
    Login,
    /// A user with a token asks for what is his.
    User,
    /// A courier registers an order.
    Register,
    /// Somebody looks whether orders are there.
    Look,
    /// One from a chosen address.
    Caller,
    /// The same, asking a backend without the proxy.
    PastTheProxy,
    /// A user hands work to a queue.
    Upload,
    /// The user looks how it gets on.
    Progress,
    /// A user votes.
    Vote,
    /// Somebody looks at what is for everybody.
    Open,
    /// Somebody looks at the ranking when all votes are in.
    Tally,
    /// A browser asks whether it may ask from its origin (Fetch, §4.8).
    Preflight,
    /// A browser asks from an origin of its own.
    CrossOrigin,
    /// One request exactly as a scenario writes it.
    Exact,
    /// The same by a client that breaks off in the middle of the answer.
    Leaving,
}

/// A client's request and all that came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Unique in the run.
    pub id: u64,
    /// Why it was sent.
    pub purpose: Purpose,
    /// The kind of client.
    pub client: crate::plan::ClientKind,
    /// Client connection, unique in the run; `None` where the client does not tell (library, curl).
    pub connection: Option<u64>,
    /// One for the first request on its connection.
    pub request_on_connection: u32,
    /// Number of the batch (`batches`), the key (`fill`, `probe`, `slide`) or the request in its step.
    pub number: u32,
    /// Batch, or cycle of a series, where there is one.
    pub group: u32,
    /// Method.
    pub method: String,
    /// Target as sent.
    pub target: String,
    /// Head as sent.
    pub request_head: WireBytes,
    /// Length of the body sent.
    pub request_body_bytes: u64,
    /// When it was due.
    pub intended: Moment,
    /// When its first byte was handed to the kernel, the last time where it was asked again; `None` where no connection was to be had.
    pub sent: Option<Moment>,
    /// When the head of the final response was complete.
    pub head_received: Option<Moment>,
    /// When the response was complete, or when it was given up.
    pub finished: Moment,
    /// How it ended.
    pub end: ExchangeEnd,
    /// The response as far as it came.
    pub response: Option<ResponseSeen>,
    /// What became of the connection that it was to go on with, where that was gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnected: Option<Reconnected>,
    /// How long it was given; `None` for load, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<Patience>,
}

/// How an exchange ended, as the client saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeEnd {
    /// The response is complete by its own framing.
    Complete,
    /// No connection: refused, or another error of `connect`.
    NotConnected(String),
    /// Closed before the first byte of a response.
    ClosedWithoutAnswer,
    /// Closed or reset before the response was complete.
    CutShort(Cut),
    /// Not complete in time.
    TimedOut,
    /// Not HTTP.
    Malformed(String),
    /// Our own client could not ask, or not to the end.
    Ours {
        /// Why.
        trouble: Trouble,
        /// What the client or the system said.
        said: String,
    },
}

/// Where a response was cut, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum Cut {
    /// In its head.
    Head {
        /// Bytes of the head that came.
        head_bytes: u64,
        /// What the system said; `None`: the connection was closed in order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// In its body.
    Body {
        /// Bytes of the body that came.
        body_bytes: u64,
        /// How many its head had announced, where it had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        announced: Option<u64>,
        /// What the system said; `None`: the connection was closed in order.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// By its own client, which was told to leave.
    ClientLeft {
        /// Bytes of the body that had come.
        left_after: u64,
    },
    /// In the words of another client or of the system; in records of earlier versions all of the above.
    Said(String),
}

impl ExchangeEnd {
    /// Whether it says nothing of the proxy.
    pub fn is_ours(&self) -> bool {
        matches!(self, ExchangeEnd::Ours { .. })
    }
}

/// A response as the client saw it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResponseSeen {
    /// Status of the final response.
    pub status: u16,
    /// Its head as received.
    pub head: WireBytes,
    /// Its body.
    pub body: BodySeen,
    /// The backend named by the stamp of the answer, where it carries one.
    pub stamp: Option<fake_backends::stamp::Stamp>,
}

/// A body as the client saw it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BodySeen {
    /// Bytes received, without framing.
    pub bytes: u64,
    /// xxh3-64 of them.
    pub hash: u64,
    /// The first of them, at most 4 KiB; at most 128 of generated content that proved whole, which can be made again.
    pub start: WireBytes,
    /// Bytes that came after the end that the framing states.
    pub extra_bytes: u64,
    /// Whether its content is what its own checksum says, and whose it is; `None` where the step asked for something else than generated content.
    pub content: Option<ContentSeen>,
}

/// What a generated body says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentSeen {
    /// Whole, and this is the key and version it was made for.
    Whole {
        /// The target that it was made for.
        key: String,
        /// Its version.
        version: u64,
    },
    /// Its bytes are wrong; how.
    Damaged(String),
}

/// What the proxy was ended for by the harness or, on its behalf, by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitReached {
    /// It wrote more than this many bytes into its directory.
    Written(u64),
    /// It used up its memory.
    Memory,
}

/// Something strange that is kept in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Anomaly {
    /// What, in a few words.
    pub what: String,
    /// The exchange concerned.
    pub exchange: Option<Box<Exchange>>,
}

/// What the proxy's processes used, all together.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct ResourceSample {
    /// User plus system time since their start, of living and reaped processes.
    #[serde(with = "duration_ns")]
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Processes.
    pub processes: u32,
    /// Threads.
    pub threads: u32,
    /// Open file descriptors.
    pub open_files: u32,
    /// Voluntary and involuntary context switches so far.
    pub context_switches: u64,
}

/// How quiet the host was over an interval.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct HostNoise {
    /// Largest overshoot of a sleep of 1 ms.
    #[serde(with = "duration_ns")]
    pub worst_overshoot: Duration,
    /// Its 99th percentile.
    #[serde(with = "duration_ns")]
    pub p99_overshoot: Duration,
    /// Share of time stolen by the hypervisor, between 0 and 1.
    pub steal: f64,
    /// Share of time in which runnable tasks waited for a CPU (`/proc/pressure/cpu`), between 0 and 1, where known.
    pub cpu_pressure: Option<f64>,
    /// Share of the time of all CPUs that the program under test itself used, between 0 and 1, where known.
    #[serde(default)]
    pub own_cpu: Option<f64>,
}

impl HostNoise {
    /// The pressure that the program under test has not made itself: who waits busily is no victim of the host.
    pub fn pressure_of_others(&self) -> Option<f64> {
        self.cpu_pressure.map(|share| (share - self.own_cpu.unwrap_or(0.0)).max(0.0))
    }
}

impl From<harness_platform::Noise> for HostNoise {
    fn from(noise: harness_platform::Noise) -> HostNoise {
        HostNoise {
            worst_overshoot: noise.worst_overshoot,
            p99_overshoot: noise.p99_overshoot,
            steal: noise.steal,
            cpu_pressure: noise.cpu_pressure,
            own_cpu: None,
        }
    }
}

impl LogExcerpt {
    /// Kept of one step; what is as long may have gone on.
    pub const MOST_BYTES: u64 = 256 << 10;
}

/// What the proxy wrote during a step, the beginning of it where it is much; bytes that are no text are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogExcerpt {
    /// Into the file that its adapter names, where it names one.
    pub file: Option<String>,
    /// On standard output, where what it printed was still kept.
    pub screen: Option<String>,
}
