//! Those who send requests and say exactly what came of them: the harness's own socket client, a library, the curl program.
//!
//! Every step of traffic asks through [`Clients`], which numbers exchanges and connections and puts each exchange into the
//! record. Nothing here decides when a request is due or judges an answer, and nothing is tried again but what HTTP says (`again`).

mod again;
mod curl;
#[cfg(feature = "tls")]
mod http2;
#[cfg(not(feature = "tls"))]
#[path = "http2_without.rs"]
mod http2;
mod library;
mod observe;
mod patience;
mod raw;
mod trouble;
mod watched;

pub(super) use again::may_be_repeated;
pub(super) use http2::Http2;
pub use patience::Strain;
pub use raw::Connection;
pub(super) use trouble::not_connected;
pub use watched::Watched;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fake_backends::clock::RunClock;
use fake_backends::content::Secret;
use fake_backends::platform::Network;
use tokio::sync::Barrier;

use super::Problem;
use super::request::Request;
use crate::tls::Tls;
use harness_model::adapter::RequestShape;
use harness_model::history::{
    EventKind, Exchange, ExchangeEnd, NotAsked, Patience, Purpose, Reconnected, Recorder, ResponseSeen,
    WireBytes,
};
use harness_model::plan::{ClientKind, Over};
use patience::{Deadline, Unanswered};

/// All clients of a run. Clones are cheap and number on together.
#[derive(Clone, Debug)]
pub struct Clients {
    inner: Arc<Inner>,
    /// The address that they come from; the system's choice where nothing is said.
    source: Option<IpAddr>,
    /// Whom they ask where it is not the proxy.
    asked: Option<SocketAddr>,
}

#[derive(Debug)]
struct Inner {
    address: SocketAddr,
    host: String,
    shape: RequestShape,
    secret: Secret,
    network: Network,
    recorder: Recorder,
    exchanges: AtomicU64,
    connections: AtomicU64,
    unanswered: Unanswered,
    strain: Strain,
    library: library::Library,
    /// The way to the proxy by HTTPS, where there is one.
    tls: Option<Arc<Tls>>,
}

/// What a client saw of one request; [`Clients`] makes an exchange of it.
#[derive(Debug)]
struct Seen {
    connection: Option<(u64, u32)>,
    request_head: Vec<u8>,
    sent: Option<fake_backends::clock::Moment>,
    head_received: Option<fake_backends::clock::Moment>,
    finished: fake_backends::clock::Moment,
    end: ExchangeEnd,
    /// Whether its connection may be used again.
    keeps_alive: bool,
    response: Option<ResponseSeen>,
    reconnected: Option<Reconnected>,
    patience: Patience,
}

impl Seen {
    /// What is seen of a request before anything has come of it.
    fn nothing(request_head: Vec<u8>, patience: Patience) -> Seen {
        Seen {
            connection: None,
            request_head,
            sent: None,
            head_received: None,
            finished: fake_backends::clock::Moment::default(),
            end: ExchangeEnd::TimedOut,
            keeps_alive: false,
            response: None,
            reconnected: None,
            patience,
        }
    }
}

impl Clients {
    /// The clients of a run: whom they ask, where their sockets are made, where exchanges are recorded.
    pub fn new(address: SocketAddr, network: Network, recorder: Recorder) -> Clients {
        let inner = Inner {
            address,
            host: address.to_string(),
            shape: RequestShape::default(),
            secret: Secret::NONE,
            network,
            recorder,
            exchanges: AtomicU64::new(1),
            connections: AtomicU64::new(1),
            unanswered: Unanswered::default(),
            strain: Strain::default(),
            library: library::Library::new(),
            tls: None,
        };
        Clients { inner: Arc::new(inner), source: None, asked: None }
    }

    /// The same clients, coming from this address. Only the raw client and the load engine obey it.
    #[must_use]
    pub fn coming_from(&self, source: IpAddr) -> Clients {
        Clients { source: Some(source), ..self.clone() }
    }

    /// The same clients, asking somebody else than the proxy. Only the raw client and the load engine obey it.
    #[must_use]
    pub fn asking(&self, asked: SocketAddr) -> Clients {
        Clients { asked: Some(asked), ..self.clone() }
    }

    /// The address that they come from, where one was chosen.
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// The same clients, whose requests look as a proxy needs them, and who tell by this secret what the backends of the run gave,
    /// and who have this way to the proxy by HTTPS. Before any of them is used.
    pub fn with(self, shape: RequestShape, secret: Secret, tls: Option<Arc<Tls>>) -> Clients {
        let Some(inner) = Arc::into_inner(self.inner) else {
            unreachable!("clients are shaped where they are made, before there are clones");
        };
        let host = shape.host.clone().unwrap_or(inner.host);
        let inner = Inner { host, shape, secret, tls, ..inner };
        Clients { inner: Arc::new(inner), source: self.source, asked: self.asked }
    }

    /// The same clients, numbering on, once the proxy listens elsewhere. While none of them asks anything. They go on naming the host
    /// that they have named: a cache that tells resources apart by it, as it may, has everything under that name.
    #[must_use]
    pub fn moved_to(&self, address: SocketAddr) -> Clients {
        let now = |counter: &AtomicU64| AtomicU64::new(counter.load(Ordering::Relaxed));
        let inner = Inner {
            address,
            host: self.inner.host.clone(),
            shape: self.inner.shape.clone(),
            secret: self.inner.secret,
            network: self.inner.network.clone(),
            recorder: self.inner.recorder.clone(),
            exchanges: now(&self.inner.exchanges),
            connections: now(&self.inner.connections),
            unanswered: self.inner.unanswered.again(),
            strain: self.inner.strain.clone(),
            library: library::Library::new(),
            tls: self.inner.tls.clone(),
        };
        Clients { inner: Arc::new(inner), source: self.source, asked: self.asked }
    }

    /// The head of a request as it is sent.
    pub(super) fn head_of(&self, request: &Request) -> Vec<u8> {
        let of_tls = self.tls().filter(|_| request.over != Over::Plain).map(Tls::host);
        let host = of_tls.as_deref().unwrap_or(&self.inner.host);
        if self.inner.shape.is_plain() {
            return request.head(host);
        }
        let target = self.inner.shape.target(&request.target, host);
        Request { target, ..request.clone() }.head(host)
    }

    /// Where a library is to send a request, which makes the connection and the target from it.
    fn url_of(&self, request: &Request) -> String {
        format!("http://{}{}{}", self.inner.address, self.inner.shape.prefix, request.target)
    }

    /// The value of `Host` where it is not the one that a library would send by itself.
    fn own_host(&self) -> Option<&str> {
        let by_itself = self.inner.shape.host.is_none() && self.inner.host == self.inner.address.to_string();
        (!by_itself).then_some(&*self.inner.host)
    }

    /// Whom they ask: the proxy, unless somebody else was chosen.
    pub fn address(&self) -> SocketAddr {
        self.asked.unwrap_or(self.inner.address)
    }

    /// The value of `Host`.
    pub fn host(&self) -> &str {
        &self.inner.host
    }

    /// Where sockets are made.
    pub fn network(&self) -> &Network {
        &self.inner.network
    }

    /// The way to the proxy by HTTPS, where there is one.
    pub fn tls(&self) -> Option<&Tls> {
        self.inner.tls.as_deref()
    }

    /// What answers of the run are proven by.
    pub(super) fn secret(&self) -> Secret {
        self.inner.secret
    }

    /// The clock of the run.
    pub fn clock(&self) -> RunClock {
        self.inner.recorder.clock()
    }

    /// The record.
    pub fn recorder(&self) -> &Recorder {
        &self.inner.recorder
    }

    /// Why a kind of client cannot be used here; `None` where it can.
    pub fn missing(&self, kind: ClientKind) -> Option<Problem> {
        match kind {
            ClientKind::Raw => None,
            ClientKind::Reqwest => self.inner.library.problem().map(Problem::Said),
            ClientKind::Curl => curl::missing(),
        }
    }

    /// Sends a request on a connection of its own and records the exchange.
    pub async fn ask(&self, request: &Request) -> Exchange {
        self.ask_on(&mut None, request, None).await
    }

    /// Sends a request on `connection`, or on a new one where there is none or it was closed meanwhile, and records the
    /// exchange. Afterwards `connection` is the one to go on with, if any. With a `gate` it waits there once it is
    /// connected, so that several requests leave together.
    pub async fn ask_on(
        &self,
        connection: &mut Option<Connection>,
        request: &Request,
        gate: Option<&Barrier>,
    ) -> Exchange {
        let exchange = self.ask_unrecorded(connection, request, gate).await;
        self.inner.recorder.record(EventKind::Exchange(Box::new(exchange.clone())));
        exchange
    }

    /// The same without recording the exchange: for steps that only count.
    pub async fn ask_unrecorded(
        &self,
        connection: &mut Option<Connection>,
        request: &Request,
        gate: Option<&Barrier>,
    ) -> Exchange {
        // Where every connection is refused at once nothing here ever waits, and whoever would end the run is not heard.
        tokio::task::consume_budget().await;
        let id = self.inner.exchanges.fetch_add(1, Ordering::Relaxed);
        let seen = match request.client {
            ClientKind::Raw => raw::exchange(self, connection, request, gate).await,
            kind => {
                if let Some(gate) = gate {
                    gate.wait().await;
                }
                match kind {
                    ClientKind::Curl => curl::exchange(self, request).await,
                    _ => self.inner.library.exchange(self, request).await,
                }
            }
        };
        // What stands between two steps says nothing of how long the requests of a step are worth waiting for.
        if request.purpose != Purpose::Readiness {
            self.inner.unanswered.note(request.purpose, &seen.end, seen.response.is_some());
        }
        exchange_of(id, request, seen)
    }

    /// Sends requests together on one connection without waiting for answers, and records the exchanges.
    pub async fn pipeline(&self, requests: &[Request]) {
        for (request, seen) in requests.iter().zip(raw::pipelined(self, requests).await) {
            let id = self.inner.exchanges.fetch_add(1, Ordering::Relaxed);
            self.inner.unanswered.note(request.purpose, &seen.end, seen.response.is_some());
            self.inner.recorder.record(EventKind::Exchange(Box::new(exchange_of(id, request, seen))));
        }
    }

    /// How many requests have been left without an answer so far.
    pub fn unanswered(&self) -> u64 {
        self.inner.unanswered.all()
    }

    /// How many connections ended before their answer did, so far.
    pub fn broken(&self) -> u64 {
        self.inner.unanswered.broken()
    }

    /// Between two steps the proxy has answered: what comes next gets its whole time.
    pub fn end_of_silence(&self) {
        self.inner.unanswered.end_of_silence();
    }

    /// A step begins: what timed out in another says nothing of it.
    pub fn begin_step(&self) {
        self.inner.unanswered.begin_step();
    }

    /// Whether the rest of a step, so many requests, is not worth asking, because those before it timed out, each in the same
    /// way. Where it is not, the record says so.
    pub(super) fn leaves_out(&self, left: u64) -> bool {
        let Some(in_a_row) = self.inner.unanswered.enough().filter(|_| left > 0) else { return false };
        let because = NotAsked::TimedOut { in_a_row };
        self.inner.recorder.record(EventKind::NotAsked { because, left_out: Some(left) });
        true
    }

    /// How many have been left so, where not one request of a step has ever been answered.
    pub fn never_answered(&self) -> u64 {
        self.inner.unanswered.never_answered()
    }

    /// Where it is told how busy the host is.
    pub fn strain(&self) -> &Strain {
        &self.inner.strain
    }

    /// A number for an exchange that somebody else carries out.
    pub(super) fn next_exchange(&self) -> u64 {
        self.inner.exchanges.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.inner.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// When a request is given up.
    fn deadline(&self, request: &Request) -> Deadline {
        let clock = self.clock();
        let from = tokio::time::Instant::from_std(clock.instant_of(clock.now().max(request.intended)));
        let planned = request.timeout;
        // Whoever measures a load wants to know how late an answer is.
        if request.purpose == Purpose::Load {
            return Deadline::new(from, Patience { planned, given: planned }, None, request.given_up.clone());
        }
        let given = self.inner.unanswered.leave(request.purpose, planned);
        let strain = Some(self.inner.strain.clone());
        Deadline::new(from, Patience { planned, given }, strain, request.given_up.clone())
    }
}

fn exchange_of(id: u64, request: &Request, seen: Seen) -> Exchange {
    Exchange {
        id,
        purpose: request.purpose,
        client: request.client,
        connection: seen.connection.map(|(id, _)| id),
        request_on_connection: seen.connection.map_or(1, |(_, count)| count),
        number: request.number,
        group: request.group,
        method: request.method.clone(),
        target: request.target.clone(),
        request_head: WireBytes(seen.request_head),
        request_body_bytes: request.body_bytes,
        intended: request.intended,
        sent: seen.sent,
        head_received: seen.head_received,
        finished: seen.finished,
        end: seen.end,
        response: seen.response,
        reconnected: seen.reconnected,
        patience: Some(seen.patience),
    }
}

#[cfg(test)]
mod tests;
