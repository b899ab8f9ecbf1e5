//! One client connection: requests in, exchanges run, until one side wants to end.
//!
//! `listener` calls [`begin`] for each accepted socket. It knows when a connection persists and how it
//! is closed, and nothing of what an exchange does.

#[cfg(feature = "tls")]
mod http2;
#[cfg(target_os = "linux")]
mod parking;
#[cfg(not(target_os = "linux"))]
#[path = "no_parking.rs"]
mod parking;

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::admission::{Denied, Pass};
use crate::clock;
use crate::exchange::{self, After, Client, Worker};
#[cfg(feature = "tls")]
use crate::http::Version;
use crate::http::{BodyFraming, HeadLimits, ReceivedRequest, Refusal, parse};
use crate::wire::{ReadBuffer, Wire};
use parking::Parking;

/// A client that asks again within this time is quick: its connection keeps its memory between requests.
/// All others give everything but the socket back at once, so that thousands of idle connections cost
/// next to nothing.
const QUICK: Duration = Duration::from_millis(20);
/// How long the connection of a quick client keeps its memory when the client falls silent.
const WARM: Duration = Duration::from_secs(1);
/// How long a drain waits for the first byte of a connection that has asked nothing yet.
const LAST_CALL: Duration = Duration::from_secs(1);
/// How long a closed connection is listened to, so that the last answer is not destroyed by a reset.
const LINGER: Duration = Duration::from_secs(2);
/// The most bytes that are read and thrown away meanwhile.
const LINGER_BYTES: usize = 1 << 20;

/// Why a connection is waited on no longer.
enum Wait {
    /// Bytes are there.
    Readable,
    /// Nothing came while the memory was kept.
    Cold,
    /// The connection is over.
    Over,
}

/// What the connections of one thread share.
pub struct Hall {
    /// The thread's part of the proxy.
    pub worker: Rc<Worker>,
    parking: Parking,
}

impl Hall {
    /// A hall without anybody in it.
    pub fn new(worker: Rc<Worker>) -> Rc<Self> {
        Rc::new(Self { worker, parking: Parking::new() })
    }

    /// Serves those again who have waited in between, for ever. Each worker runs it once.
    pub async fn watch_for_ever(self: Rc<Self>) {
        parking::watch_for_ever(self).await;
    }
}

/// One client, as far as it is known between two requests.
pub struct Guest {
    open: Open,
    peer: SocketAddr,
    /// Counts it for as long as it is here.
    _pass: Pass,
    has_asked: bool,
    /// Whether it has been parked before.
    is_watched: bool,
}

/// Where somebody has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// At the port of plain HTTP.
    Plain,
    /// At the port of HTTPS.
    Tls,
}

/// Begins to serve a client that was accepted a moment ago.
pub fn begin(hall: &Rc<Hall>, door: Door, stream: TcpStream, peer: SocketAddr) {
    let worker = &hall.worker;
    let entered = worker.admission.enter(&worker.config().limits, peer.ip(), clock::monotonic());
    let open = Open::new(Rc::clone(hall));
    match (entered, door) {
        (Ok(pass), _) => {
            let Some(wire) = wire_behind(worker, door, stream) else { return };
            let guest = Guest { open, peer, _pass: pass, has_asked: false, is_watched: false };
            tokio::task::spawn_local(serve(wire, guest, None));
        }
        (Err(denied), Door::Plain) => {
            tokio::task::spawn_local(turn_away(open, stream, peer, denied));
        }
        // An answer would cost a handshake, which is what somebody too many may be after; the log has it.
        (Err(denied), Door::Tls) => {
            drop(stream);
            tokio::task::spawn_local(async move {
                exchange::deny(&open.0.worker, &mut Client::nobody(peer), denied, false).await;
            });
        }
    }
}

/// A wire for somebody who has come in at this door.
fn wire_behind(worker: &Worker, door: Door, stream: TcpStream) -> Option<Wire> {
    match door {
        Door::Plain => Some(Wire::accepted(stream)),
        Door::Tls => {
            let config = worker.config();
            let begun = Wire::accepted_under_tls(stream, &config.tls.as_ref()?.identity);
            begun.inspect_err(|error| tracing::warn!("no handshake could be begun: {error}")).ok()
        }
    }
}

/// Waits until both sides have agreed on keys, for no longer than for the head of a request: a client that does not go on
/// costs a connection in both cases.
async fn shake_hands(worker: &Worker, wire: &Wire, peer: SocketAddr) -> bool {
    wire.deadline.set(patience(worker, false));
    let mut is_hurried = false;
    let agreed = poll_fn(|context| {
        if worker.is_draining() && !std::mem::replace(&mut is_hurried, true) {
            wire.deadline.set(patience(worker, false));
        }
        wire.poll_handshake(context)
    });
    agreed.await.inspect_err(|error| tracing::debug!(%peer, "no handshake: {error}")).is_ok()
}

/// Serves a client until the connection ends, or is parked. `slept`: for how long it has been.
///
/// Most clients have sent their first request when they are accepted, so nothing is waited for.
async fn serve(wire: Wire, mut guest: Guest, slept: Option<Duration>) {
    let hall = Rc::clone(&guest.open.0);
    let Hall { worker, parking } = &*hall;
    if slept.is_none() && !wire.is_plain() && !Box::pin(shake_hands(worker, &wire, guest.peer)).await {
        return;
    }
    #[cfg(feature = "tls")]
    if wire.speaks_http2() {
        return Box::pin(http2::serve(worker, wire, guest)).await;
    }
    let mut is_quick = guest.has_asked && slept.is_some_and(|slept| slept < QUICK);
    loop {
        // The future of the active part is large and lives in a box of its own, so that what stays
        // behind for an idle connection is this small one.
        let has_asked = &mut guest.has_asked;
        if !Box::pin(serve_while_warm(worker, &wire, guest.peer, is_quick, has_asked)).await {
            return;
        }
        let has_asked = guest.has_asked;
        if parking.is_open() {
            if has_asked && worker.is_draining() {
                wire.say_end();
            } else if let Some(resting) = wire.into_resting() {
                parking.park(resting, guest, patience(worker, has_asked));
            }
            return;
        }
        let asleep = clock::monotonic();
        if !wait_while_cold(worker, &wire, has_asked).await {
            return wire.say_end();
        }
        is_quick = has_asked && asleep.elapsed() < QUICK;
    }
}

/// How long a client may be silent: one that connects and says nothing has as long as one that sends half a head.
fn patience(worker: &Worker, has_asked: bool) -> Duration {
    let config = worker.config();
    match has_asked {
        true => config.timeouts.keep_alive,
        false if worker.is_draining() => config.timeouts.request_head.min(LAST_CALL),
        false => config.timeouts.request_head,
    }
}

/// Answers somebody who may not come in.
async fn turn_away(open: Open, stream: TcpStream, peer: SocketAddr, denied: Denied) {
    let wire = Wire::accepted(stream);
    let mut client = Client::new(&wire, peer);
    exchange::deny(&open.0.worker, &mut client, denied, false).await;
    linger(&wire, &mut client.buffer).await;
}

/// Counts a connection as open for as long as it lives. It is made where the connection is accepted and not
/// where its task first runs, so that a drain which begins in between waits for it.
struct Open(Rc<Hall>);

impl Open {
    /// One more connection of this worker.
    fn new(hall: Rc<Hall>) -> Self {
        let worker = &hall.worker;
        worker.counters.connections_accepted.add(1);
        worker.open_connections.set(worker.open_connections.get() + 1);
        Self(hall)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let worker = &self.0.worker;
        worker.open_connections.set(worker.open_connections.get() - 1);
        worker.counters.connections_closed.add(1);
    }
}

/// Serves requests as long as they come quickly. `true`: the connection went cold between requests.
async fn serve_while_warm(
    worker: &Rc<Worker>,
    wire: &Wire,
    peer: SocketAddr,
    is_quick: bool,
    has_asked: &mut bool,
) -> bool {
    let mut client = Client::new(wire, peer);
    loop {
        if client.buffer.is_empty() {
            match wait_while_warm(worker, wire, &mut client, is_quick, *has_asked).await {
                Wait::Readable => *has_asked = true,
                Wait::Cold => return true,
                Wait::Over => {
                    wire.say_end();
                    return false;
                }
            }
        }
        let after = match read_head(worker, wire, &mut client).await {
            Ok(Some(received)) => serve_request(worker, &mut client, received).await,
            Ok(None) => return false,
            Err(refusal) => exchange::refuse(worker, &mut client, refusal).await,
        };
        match after {
            After::KeepAlive => {}
            After::Close => {
                wire.say_end();
                return false;
            }
            After::Abort => return false,
            After::Reset => {
                wire.reset_at_close();
                return false;
            }
            After::Linger => {
                linger(wire, &mut client.buffer).await;
                return false;
            }
        }
    }
}

/// Answers the one request on a wire in memory, which came as a stream of HTTP/2.
#[cfg(feature = "tls")]
async fn serve_once(worker: &Rc<Worker>, wire: &Wire, peer: SocketAddr) {
    let mut client = Client::new(wire, peer);
    wire.deadline.set(worker.config().timeouts.request_head);
    // The head is there in nearly every case; room for a longer one is made only where it is not.
    let _ = wire.fill(&mut client.buffer).await;
    let read = read_head(worker, wire, &mut client).await;
    client.request.version = Version::Http2;
    // What becomes of the connection is not decided by one stream of it.
    let _ = match read {
        Ok(Some(received)) => serve_request(worker, &mut client, received).await,
        Ok(None) => After::Abort,
        Err(refusal) => exchange::refuse(worker, &mut client, refusal).await,
    };
}

/// Lets the request in, unless its client has sent too many.
async fn serve_request(worker: &Rc<Worker>, client: &mut Client<'_>, received: ReceivedRequest) -> After {
    let limits = &worker.config().limits;
    if limits.requests_per_second.is_some()
        && let Err(denied) = worker.admission.request(limits, client.peer.ip(), clock::monotonic())
    {
        let is_read = received.framing == BodyFraming::Empty;
        return exchange::deny(worker, client, denied, received.persistent && is_read).await;
    }
    exchange::run(worker, client, received).await
}

/// Looks for the first bytes of the next request with a buffer in hand, and waits for them if the client
/// is quick.
async fn wait_while_warm(
    worker: &Worker,
    wire: &Wire,
    client: &mut Client<'_>,
    is_quick: bool,
    has_asked: bool,
) -> Wait {
    wire.deadline.set(WARM.min(worker.config().timeouts.keep_alive));
    let buffer = &mut client.buffer;
    let sheddings = worker.sheddings.get();
    poll_fn(|context| {
        // The runtime need not know of a client that is waited for elsewhere.
        let filled = match is_quick {
            true => wire.poll_fill(context, buffer),
            false => wire.poll_fill_at_once(context, buffer),
        };
        Poll::Ready(match filled {
            Poll::Ready(Ok(count)) if count > 0 => Wait::Readable,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Wait::Cold,
            Poll::Ready(_) => Wait::Over,
            Poll::Pending if !is_quick => Wait::Cold,
            Poll::Pending if worker.is_draining() => Wait::Over,
            // A quick client is between two requests, too; it would be cold only after those in need were refused.
            Poll::Pending if has_asked && worker.sheddings.get() > sheddings => Wait::Over,
            Poll::Pending => return Poll::Pending,
        })
    })
    .await
}

/// Waits for the next request without any memory but the socket's, where nobody can be parked. `false`: the connection is
/// over.
fn wait_while_cold(worker: &Worker, wire: &Wire, has_asked: bool) -> impl Future<Output = bool> {
    wire.deadline.set(patience(worker, has_asked));
    let mut is_hurried = false;
    let sheddings = worker.sheddings.get();
    poll_fn(move |context| {
        if worker.is_draining() && !has_asked && !std::mem::replace(&mut is_hurried, true) {
            wire.deadline.set(patience(worker, has_asked));
        }
        match wire.poll_readable(context) {
            Poll::Pending if has_asked && (worker.is_draining() || worker.sheddings.get() > sheddings) => {
                Poll::Ready(false)
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => Poll::Ready(result.is_ok()),
        }
    })
}

/// Reads until the head of a request is complete. `None`: the client closed or broke off.
async fn read_head(
    worker: &Worker,
    wire: &Wire,
    client: &mut Client<'_>,
) -> Result<Option<ReceivedRequest>, Refusal> {
    let config = worker.config();
    let limits =
        HeadLimits { head_bytes: config.limits.head_bytes, target_bytes: config.limits.target_bytes };
    // A head that is refused must not be answered or logged as the one before it.
    client.request.clear();
    let mut parse_again_at = 0;
    let mut is_timed = false;
    loop {
        let filled = client.buffer.filled();
        // A client that sends byte by byte must not have its head parsed for each of them.
        if filled.len() >= parse_again_at || filled.ends_with(b"\n") {
            if let Some(received) = parse::request_head(filled, &limits, &mut client.request)? {
                client.buffer.consume(received.consumed);
                return Ok(Some(received));
            }
            parse_again_at = filled.len() * 2;
        }
        if !is_timed {
            wire.deadline.set(config.timeouts.request_head);
            is_timed = true;
        }
        client.buffer.reserve(limits.head_bytes + 1);
        match wire.fill(&mut client.buffer).await {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Refusal::Timeout),
            Err(_) => return Ok(None),
        }
    }
}

/// RFC 9112 §9.6: says that nothing more will be sent, and reads on for a moment.
async fn linger(wire: &Wire, buffer: &mut ReadBuffer) {
    wire.shut_down_writing();
    wire.deadline.set(LINGER);
    let mut discarded = 0;
    while discarded < LINGER_BYTES {
        buffer.consume(buffer.filled().len());
        match wire.fill(buffer).await {
            Ok(count) if count > 0 => discarded += count,
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_active<'a, F>(
        _: impl Fn(&'a Rc<Worker>, &'a Wire, SocketAddr, bool, &'a mut bool) -> F,
    ) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_is_served_takes_a_few_kilobytes() {
        // It is made anew for each connection, and copied into its box: what is rare lies in boxes of its own.
        let bytes = size_of_active(serve_while_warm);
        assert!(bytes <= 7_680, "{bytes} bytes");
    }
}
