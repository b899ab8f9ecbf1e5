//! One client connection: requests in, exchanges run, until one side wants to end.
//!
//! `listener` spawns [`serve`] for each accepted socket. It knows when a connection persists and how it
//! is closed, and nothing of what an exchange does.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use crate::admission::Denied;
use crate::clock;
use crate::exchange::{self, After, Client, Worker};
use crate::http::{BodyFraming, HeadLimits, ReceivedRequest, Refusal, parse};
use crate::wire::{ReadBuffer, Wire};

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

/// Serves a client until the connection ends.
///
/// What the future holds while it waits is most of what an idle connection costs, so that it takes over
/// everything ready made: the arguments of an `async fn` would lie in it twice.
pub fn serve(open: Open, stream: std::net::TcpStream, peer: SocketAddr) -> impl Future<Output = ()> {
    let worker = &open.0;
    let entered = worker.admission.enter(&worker.config().limits, peer.ip(), clock::monotonic());
    let wire = Wire::accepted(stream);
    async move {
        let worker = &open.0;
        if let Err(denied) = &entered {
            return Box::pin(turn_away(worker, &wire, peer, *denied)).await;
        }
        let mut is_quick = false;
        let mut has_asked = false;
        loop {
            // Most clients have sent their first request when they are accepted, so nothing is waited for.
            // The future of the active part is large and lives in a box of its own, so that what stays
            // behind for an idle connection is this small one.
            if !Box::pin(serve_while_warm(worker, &wire, peer, is_quick, &mut has_asked)).await {
                return;
            }
            let asleep = clock::monotonic();
            if !wait_while_cold(worker, &wire, has_asked).await {
                return;
            }
            is_quick = has_asked && asleep.elapsed() < QUICK;
        }
    }
}

/// Answers somebody who may not come in.
async fn turn_away(worker: &Worker, wire: &Wire, peer: SocketAddr, denied: Denied) {
    let mut client = Client::new(wire, peer);
    exchange::deny(worker, &mut client, denied, false).await;
    linger(wire, &mut client.buffer).await;
}

/// Counts a connection as open for as long as it lives. It is made where the connection is accepted and not
/// where its task first runs, so that a drain which begins in between waits for it.
pub struct Open(Rc<Worker>);

impl Open {
    /// One more connection of this worker.
    pub fn new(worker: Rc<Worker>) -> Self {
        worker.counters.connections_accepted.add(1);
        worker.open_connections.set(worker.open_connections.get() + 1);
        Self(worker)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_connections.set(self.0.open_connections.get() - 1);
        self.0.counters.connections_closed.add(1);
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
                Wait::Over => return false,
            }
        }
        let after = match read_head(worker, wire, &mut client).await {
            Ok(Some(received)) => serve_request(worker, &mut client, received).await,
            Ok(None) => return false,
            Err(refusal) => exchange::refuse(worker, &mut client, refusal).await,
        };
        match after {
            After::KeepAlive => {}
            After::Close | After::Abort => return false,
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
        Poll::Ready(match wire.poll_fill(context, buffer) {
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

/// Waits for the next request without any memory but the socket's. `false`: the connection is over.
fn wait_while_cold(worker: &Worker, wire: &Wire, has_asked: bool) -> impl Future<Output = bool> {
    // A client that connects and says nothing has as long as one that sends half a head.
    let patience = move || match has_asked {
        true => worker.config().timeouts.keep_alive,
        false => worker.config().timeouts.request_head,
    };
    wire.deadline.set(patience());
    let mut is_hurried = false;
    let sheddings = worker.sheddings.get();
    poll_fn(move |context| {
        if worker.is_draining() && !has_asked && !is_hurried {
            // One that was accepted and has asked nothing yet may still ask, if it does so soon: a browser
            // opens connections that it may never use.
            wire.deadline.set(patience().min(LAST_CALL));
            is_hurried = true;
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

    fn size_of_output<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_that_waits_takes_few_bytes() {
        // Ten thousand idle connections are ordinary, and the allocator rounds this up by up to 128 bytes.
        let bytes = size_of_output(serve);
        assert!(bytes <= 208, "{bytes} bytes");
    }

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
