//! What the program uses: every setting with its default, checked.
//!
//! `config::load` lays the flags over the file here; all rooms below read the result. Nothing here
//! keeps the spelling of the user, and nothing here changes after it was made.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::values::{self, Network};
use crate::wire::Identity;

/// Every setting of a running proxy.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect; port 0 means any free port.
    pub listen: SocketAddr,
    /// Where and as whom HTTPS is spoken, if it is.
    pub tls: Option<Tls>,
    /// Who answers; never empty.
    pub backends: Vec<Backend>,
    /// How the next backend is chosen.
    pub policy: Policy,
    /// What is stored, how long and where.
    pub cache: CacheSettings,
    /// The log file.
    pub log_file: PathBuf,
    /// The form of log lines.
    pub log_format: LogFormat,
    /// Whether every line is shown on stdout too.
    pub log_to_stdout: bool,
    /// The operator's door, if there is one.
    pub admin: Option<SocketAddr>,
    /// Threads that serve connections, at least one.
    pub workers: usize,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// How much of anything is taken.
    pub limits: Limits,
    /// When a backend is left out.
    pub health: HealthSettings,
}

/// HTTPS beside the plain port.
#[derive(Clone, Debug, Serialize)]
pub struct Tls {
    /// Where clients connect; port 0 means any free port.
    pub listen: SocketAddr,
    /// The file of the certificate.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
    /// What was in both.
    #[serde(skip)]
    pub identity: Identity,
}

/// One origin server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Backend {
    /// `HOST:PORT`; the name is resolved when a connection is made.
    pub address: String,
    /// Its share of the turns, at least one.
    pub weight: u32,
    /// The most connections to it at any time.
    pub max_connections: Option<usize>,
}

impl Backend {
    /// Those that are the address on which this proxy itself listens, each as a sentence. A port that is chosen at the
    /// start, and the other names and addresses of this machine, show only when a request comes back.
    pub fn own(backends: &[Self], listen: SocketAddr) -> impl Iterator<Item = String> {
        let is_own = move |address: &str| {
            let (host, port) = address.rsplit_once(':')?;
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let is_here = match host.parse::<IpAddr>() {
                Ok(ip) => {
                    ip == listen.ip()
                        || (listen.ip().is_unspecified() && (ip.is_loopback() || ip.is_unspecified()))
                }
                Err(_) => {
                    host.eq_ignore_ascii_case("localhost")
                        && (listen.ip().is_unspecified() || listen.ip().is_loopback())
                }
            };
            (is_here && port.parse() == Ok(listen.port())).then_some(())
        };
        backends
            .iter()
            .filter(move |backend| is_own(&backend.address).is_some())
            .map(|backend| format!("the backend {} is this proxy itself", backend.address))
    }

    /// Backends of equal weight at these addresses; the first problem as a sentence.
    pub fn list(addresses: &[String]) -> Result<Vec<Self>, String> {
        if addresses.is_empty() {
            return Err("there must be at least one backend".into());
        }
        let mut backends: Vec<Self> = Vec::with_capacity(addresses.len());
        for address in addresses {
            let address = values::backend_address(address)?;
            if backends.iter().any(|other| other.address == address) {
                return Err(format!("the backend {address} is listed twice"));
            }
            backends.push(Self { address, weight: 1, max_connections: None });
        }
        Ok(backends)
    }
}

/// Which backend answers next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// One after the other, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest requests under way.
    LeastConnections,
}

/// What the TTL means beside what the origin says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum TtlMode {
    /// Where the origin says nothing explicit; RFC 9111 otherwise.
    #[default]
    Default,
    /// Never longer than this, whatever the origin says.
    Cap,
    /// Exactly this for every response that may be stored.
    Force,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is stored, how long and where.
#[derive(Clone, Debug, Serialize)]
pub struct CacheSettings {
    /// Whether anything is stored at all.
    pub enabled: bool,
    /// The directory of the stored responses.
    pub directory: PathBuf,
    /// How long a stored response is served.
    #[serde(serialize_with = "seconds")]
    pub ttl: Duration,
    /// What the TTL means beside what the origin says.
    pub ttl_mode: TtlMode,
    /// The most bytes on disk.
    pub size_bytes: u64,
    /// The largest body that is stored.
    pub max_object_bytes: u64,
    /// Whether answers to requests with credentials are shared.
    pub sharing: Sharing,
    /// Whether a response that sets a cookie is stored where the origin states a lifetime.
    pub store_set_cookie: bool,
    /// When what is stored is made to survive a power cut.
    pub sync: Sync,
}

/// When what is stored is made to survive a power cut (`fsync`). A crash of the program loses nothing in any case, and
/// what a power cut leaves half done is found by its checksum and not served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sync {
    /// When the system likes.
    #[default]
    Never,
    /// Once a second.
    Interval,
    /// Before a client has the last byte of it.
    Always,
}

/// When the answer to a request with credentials may serve others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Where the origin says so: `public`, `s-maxage` or `must-revalidate` (RFC 9111 §3.5), also beside `Cookie` and
    /// keys, of which the RFC knows nothing.
    WhereStated,
    /// As RFC 9111 says: that rule for `Authorization`, none for anything else.
    ByRule,
    /// Never, and such requests go around the cache.
    Never,
}

/// How long anything may take.
#[derive(Clone, Debug, Serialize)]
pub struct Timeouts {
    /// To connect to a backend.
    #[serde(serialize_with = "seconds")]
    pub connect: Duration,
    /// From the end of the request to the head of the response.
    #[serde(serialize_with = "seconds")]
    pub first_byte: Duration,
    /// Between two pieces of a response.
    #[serde(serialize_with = "seconds")]
    pub between_bytes: Duration,
    /// For a whole exchange; zero means no limit.
    #[serde(serialize_with = "seconds")]
    pub total: Duration,
    /// For a client to send a complete head.
    #[serde(serialize_with = "seconds")]
    pub request_head: Duration,
    /// Between two pieces of a request body, and for a client to take a piece of the response.
    #[serde(serialize_with = "seconds")]
    pub request_body: Duration,
    /// For a client between two requests.
    #[serde(serialize_with = "seconds")]
    pub keep_alive: Duration,
    /// For an unused connection to a backend.
    #[serde(serialize_with = "seconds")]
    pub upstream_keep_alive: Duration,
    /// For a connection to a backend, however busy: after it the name of the backend is resolved again.
    #[serde(serialize_with = "seconds")]
    pub upstream_lifetime: Duration,
    /// For a tunnel in which nobody says anything.
    #[serde(serialize_with = "seconds")]
    pub tunnel: Duration,
    /// For the exchanges under way when the program is asked to end.
    #[serde(serialize_with = "seconds")]
    pub drain: Duration,
}

/// How much of anything is taken.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// Bytes of a request or response head.
    pub head_bytes: usize,
    /// Bytes of a request target.
    pub target_bytes: usize,
    /// Bytes of a request body; `None` means no limit.
    pub body_bytes: Option<u64>,
    /// Bytes per second that a client must send of its body in the mean, when [`Timeouts::request_body`] is used up; 0 means
    /// any rate.
    pub body_rate: u64,
    /// Bytes per second that a backend must send of its body in the mean, when [`Timeouts::between_bytes`] is used up; 0
    /// means any rate. Streams of events may be as slow as they like.
    pub response_rate: u64,
    /// Connections of clients at any time.
    pub connections: usize,
    /// Connections of one client address at any time; `None` means no limit of its own.
    pub connections_per_address: Option<usize>,
    /// Requests per second of one client address; `None` means no limit.
    pub requests_per_second: Option<u32>,
    /// How many requests may come at once before the rate counts.
    pub burst: u32,
    /// Who may come in; empty means everybody.
    pub allow: Vec<Network>,
    /// Who may not come in, even if allowed above.
    pub deny: Vec<Network>,
    /// Whose `Forwarded` and `X-Forwarded-*` fields are believed.
    pub trusted_proxies: Vec<Network>,
    /// Requests that may wait for a connection to a backend that is at its limit.
    pub queue: usize,
}

impl Limits {
    /// Whether what somebody at this address says of those behind him is believed.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }
}

/// When a backend is left out, and when it comes back.
#[derive(Clone, Debug, Serialize)]
pub struct HealthSettings {
    /// What is asked for in active checks; `None` means that only real traffic tells.
    pub path: Option<String>,
    /// Between two active checks.
    #[serde(serialize_with = "seconds")]
    pub interval: Duration,
    /// For an active check to be answered.
    #[serde(serialize_with = "seconds")]
    pub timeout: Duration,
    /// Failures in a row that take a backend out.
    pub failures: u32,
    /// Successful checks in a row that bring it back.
    pub successes: u32,
    /// How long a backend stays out without active checks.
    #[serde(serialize_with = "seconds")]
    pub eject_for: Duration,
}

/// Durations are shown in seconds by the admin listener.
fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}
