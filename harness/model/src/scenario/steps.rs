//! The steps of a scenario as written.
//!
//! One type per kind, with the defaults that a reader would expect. `plan` turns each into its resolved form.

use fake_backends::behavior::{Size, Span};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::cases::{CallersStep, OriginsStep, OverloadStep, UploadsStep, VotesStep};
use super::cloud::{DeliveriesStep, UsersStep};
use super::file::ProxyFile;
use super::fleet::FleetStep;
use super::load::LoadStep;
use super::values;
use crate::terms::{Beside, ClientKind, Connections, Cut, Misuse, Over};

/// One step.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepFile {
    /// GET each of some keys once, so that they are cached.
    Fill(FillStep),
    /// GET each filled key once, at an age spread over a window around the TTL.
    Probe(ProbeStep),
    /// GET a few keys over and over.
    Slide(SlideStep),
    /// GET filled keys once more.
    Reread(RereadStep),
    /// Requests one after the other.
    Serial(SerialStep),
    /// Batches of simultaneous requests.
    Batches(BatchesStep),
    /// Requests that the backends hold until all are inside.
    Overlap(OverlapStep),
    /// A slow request and fast ones beside it.
    Overtake(OvertakeStep),
    /// Traffic at a pace.
    Load(LoadStep),
    /// SIGKILL.
    Crash(CrashStep),
    /// Starts the proxy again.
    Restart(RestartStep),
    /// Takes backends down or brings them back.
    Backends(BackendsStep),
    /// Users that log in and ask for what is theirs.
    Users(UsersStep),
    /// Orders that are registered and looked for.
    Deliveries(DeliveriesStep),
    /// Instances that come and go under load.
    Fleet(FleetStep),
    /// Requests from several addresses, through the proxy and past it.
    Callers(CallersStep),
    /// More than can be done for a while, by one of two clients.
    Overload(OverloadStep),
    /// Uploads to a queue with a worker behind it.
    Uploads(UploadsStep),
    /// Browsers of several origins that ask for the same.
    Origins(OriginsStep),
    /// Users that vote at the same instant.
    Votes(VotesStep),
    /// One request exactly as written.
    Exchange(ExchangeStep),
    /// Handshakes of every kind.
    Handshakes(HandshakesStep),
    /// Lets time pass.
    Wait(Span),
    /// Steps several times over.
    Repeat(RepeatStep),
}

/// See [`StepFile::Fill`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FillStep {
    /// How many keys.
    #[serde(deserialize_with = "values::count")]
    pub keys: u32,
    /// Target, with `{key}` (and `{cycle}` inside a `repeat`).
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Name that later steps refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
    /// Requests in flight.
    #[serde(default = "eight", deserialize_with = "values::at_once")]
    pub vus: u32,
    /// How many of the keys are asked for twice, to prove hits.
    #[serde(default, deserialize_with = "values::count_or_none")]
    pub confirm: u32,
    /// Time over which the fills are spread.
    #[serde(default)]
    pub spread: Option<Span>,
}

/// See [`StepFile::Probe`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeStep {
    /// The fill whose keys are probed.
    #[schemars(with = "String")]
    pub of: Spanned<String>,
    /// How far before and after the TTL probes lie, beyond the proxy's declared resolution on that side.
    #[serde(default)]
    pub window: Option<Span>,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`StepFile::Slide`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlideStep {
    /// How many keys.
    #[serde(deserialize_with = "values::count")]
    pub keys: u32,
    /// Target, with `{key}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Pause between two requests of a key.
    #[serde(deserialize_with = "values::pause")]
    pub every: Span,
    /// How long; at least the TTL and its resolution, and a pause.
    #[serde(rename = "for")]
    pub duration: Span,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`StepFile::Reread`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RereadStep {
    /// The fill whose keys are read again.
    #[schemars(with = "String")]
    pub of: Spanned<String>,
    /// Which of them.
    #[serde(default)]
    pub keys: RereadKeys,
    /// Also what the last crash load asked for.
    #[serde(default)]
    pub crash_keys: bool,
    /// Requests in flight.
    #[serde(default = "eight", deserialize_with = "values::at_once")]
    pub vus: u32,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// Which keys a reread asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RereadKeys {
    /// Those that were proven to be hits.
    Confirmed,
    /// Every one.
    #[default]
    All,
}

/// See [`StepFile::Serial`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SerialStep {
    /// How many requests.
    #[serde(deserialize_with = "values::count")]
    pub requests: u32,
    /// Target, with `{n}` where each is to be different.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Method.
    #[serde(default = "get", deserialize_with = "values::method")]
    pub method: String,
    /// Length of the request's body.
    #[serde(default, deserialize_with = "values::sent")]
    pub body: Option<fake_backends::behavior::Size>,
    /// All on one connection, or each on its own.
    #[serde(default = "one")]
    pub connections: Connections,
    /// Who sends.
    #[serde(default = "raw")]
    pub client: ClientKind,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`StepFile::Batches`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchesStep {
    /// How many batches.
    #[serde(deserialize_with = "values::count")]
    pub count: u32,
    /// Requests of each.
    #[serde(deserialize_with = "values::at_once")]
    pub size: u32,
    /// Target, with `{n}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Connections kept over the batches (`one` per client), or new ones (`each`).
    #[serde(default = "one")]
    pub connections: Connections,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`StepFile::Overlap`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverlapStep {
    /// How many requests must be inside at the same instant.
    #[serde(deserialize_with = "values::at_once")]
    pub requests: u32,
    /// Target, with `{n}`; its route in the script holds a `barrier`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// How long the backends wait.
    pub within: Span,
}

/// See [`StepFile::Overtake`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OvertakeStep {
    /// Target of the slow one.
    #[serde(deserialize_with = "values::target")]
    pub slow: String,
    /// How long the backend takes for it.
    pub takes: Span,
    /// Target of the fast ones, with `{n}`.
    #[serde(deserialize_with = "values::target")]
    pub fast: String,
    /// How many fast ones.
    #[serde(deserialize_with = "values::count")]
    pub requests: u32,
}

/// See [`StepFile::Crash`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrashStep {
    /// Clients that ask for new keys until the kill.
    #[serde(default, deserialize_with = "values::at_once_or_none")]
    pub vus: u32,
    /// Target of those, with `{n}` and `{cycle}`.
    #[serde(default, deserialize_with = "values::target")]
    pub path: String,
    /// When the kill comes after the load began; drawn by the seed.
    pub after: TimeRange,
}

/// See [`StepFile::Exchange`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeStep {
    /// The check that judges it.
    #[schemars(with = "String")]
    pub asks: Spanned<String>,
    /// Target, with `{n}` where each is to be different.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Method.
    #[serde(default = "get", deserialize_with = "values::method")]
    pub method: String,
    /// More fields, `Name: value`.
    #[serde(default)]
    pub fields: Vec<fake_backends::behavior::FieldLine>,
    /// A field of this length.
    #[serde(default, deserialize_with = "values::sent")]
    pub long_head: Option<Size>,
    /// Length of the body.
    #[serde(default, deserialize_with = "values::sent")]
    pub body: Option<Size>,
    /// The body in chunks instead of a `Content-Length`.
    #[serde(default)]
    pub chunked: bool,
    /// Where the request is cut into segments.
    #[serde(default)]
    pub cut: Vec<Cut>,
    /// Pause between segments.
    #[serde(default)]
    pub pause: Option<Span>,
    /// Whether the client speaks HTTP/1.0.
    #[serde(default)]
    pub http10: bool,
    /// How often.
    #[serde(default = "once", deserialize_with = "values::count")]
    pub times: u32,
    /// How many of them at the same instant.
    #[serde(default = "once", deserialize_with = "values::at_once")]
    pub at_once: u32,
    /// All on one connection.
    #[serde(default)]
    pub keep: bool,
    /// All on one connection, without waiting for answers.
    #[serde(default)]
    pub pipelined: bool,
    /// The client breaks off after so much of the body: by a reset; with 0B it closes as soon as it has asked.
    #[serde(default)]
    pub leaves_after: Option<Size>,
    /// What it travels over: HTTP/1.1 on TLS (`tls`) or HTTP/2 on TLS (`http2`); a bare connection where nothing is said.
    #[serde(default)]
    pub over: Over,
    /// In the middle of the first `at_once` of them the proxy is given another certificate and told to read it.
    #[serde(default)]
    pub renews_certificate: bool,
    /// What somebody does with HTTP/2 meanwhile; with `over: http2`.
    #[serde(default)]
    pub misuse: Option<Misuse>,
    /// What other clients do meanwhile.
    #[serde(default)]
    pub beside: Option<Beside>,
    /// An answer that takes longer is none; 5 s where nothing is said.
    #[serde(default)]
    pub within: Option<Span>,
    /// All of it once more each second, for so long at most, until a whole round was answered and every backend asked that is up.
    #[serde(default)]
    pub keep_asking: Option<Span>,
    /// Where nothing came within `within`: waited for on, for so long at most, while the proxy has left no backend that says nothing.
    #[serde(default)]
    pub keep_waiting: Option<Span>,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// See [`StepFile::Handshakes`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandshakesStep {
    /// What is asked for on each connection that is made so, with `{n}`.
    #[serde(deserialize_with = "values::target")]
    pub path: String,
    /// Name that checks refer to.
    #[serde(rename = "as", default)]
    pub label: Option<String>,
}

/// `{least: 20ms, most: 200ms}`.
#[derive(Clone, Copy, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeRange {
    /// Shortest.
    pub least: Span,
    /// Longest.
    pub most: Span,
}

/// See [`StepFile::Restart`].
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestartStep {
    /// Whether a proxy that runs is stopped in an orderly way first.
    pub stop: bool,
    /// Whether its cache is wiped.
    pub wipe: bool,
    /// Other settings from now on.
    pub proxy: Option<ProxyFile>,
    /// Time between its end and its start.
    pub downtime: Option<Span>,
}

/// See [`StepFile::Backends`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BackendsStep {
    /// Connections to them are refused from now on.
    Down(#[schemars(with = "Which")] Spanned<Which>),
    /// They answer from now on.
    Up(#[schemars(with = "Which")] Spanned<Which>),
}

/// `all`, or names separated by blanks: `b1 b3`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Which(pub String);

/// See [`StepFile::Repeat`].
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepeatStep {
    /// How often.
    #[serde(deserialize_with = "values::count")]
    pub times: u32,
    /// What; labels inside refer to the same round.
    #[schemars(with = "Vec<StepFile>")]
    pub steps: Vec<Spanned<StepFile>>,
}

fn once() -> u32 {
    1
}

fn eight() -> u32 {
    8
}

pub(super) fn get() -> String {
    "GET".into()
}

pub(super) fn one() -> Connections {
    Connections::One
}

fn raw() -> ClientKind {
    ClientKind::Raw
}
