//! The life of a connection: one request after the other, until either side ends it.
//!
//! `backend` starts it as a task and may drop it at any point; `connection_log` then writes what there is into the journal. It reads
//! by `receive` and answers by `perform`.

use std::sync::Arc;

use tokio::net::TcpStream;

use super::connection_log::ConnectionLog;
use super::perform::{self, Next};
use super::receive::{self, Arrival};
use super::shared::Shared;
use super::socket::Socket;
use crate::behavior::{Occasion, Persistence, REQUEST_BODY_LIMIT, Reply, Source};
use crate::journal::ConnectionEnd;
use crate::stamp::Stamp;

/// Serves a connection to its end.
pub(super) async fn serve(shared: Arc<Shared>, stream: Arc<TcpStream>, mut log: ConnectionLog) {
    let clock = shared.world.clock;
    let mut socket = Socket::new(stream, clock, log.accepted());
    let mut out = Vec::new();
    let next = loop {
        if log.requests() > 0
            && socket.pending().is_empty()
            && let Some(end) = rest(&shared, &mut socket).await
        {
            break end;
        }
        let next = one_request(&shared, &mut socket, &mut log, &mut out).await;
        log.received(socket.received);
        if next != Next::GoOn {
            break next;
        }
    };
    match next {
        Next::GoOn | Next::Gone(ConnectionEnd::Peer) => log.end(ConnectionEnd::Peer),
        Next::Gone(end) => log.end(end),
        Next::Close => {
            log.end(ConnectionEnd::Backend);
            socket.close().await;
            return;
        }
        Next::Reset => {
            log.end(ConnectionEnd::BackendReset);
            socket.reset();
            return;
        }
    }
    drop(socket);
}

/// Waits for the first bytes of the next request, or the end of the connection; what becomes of it where its idle time is over first.
async fn rest(shared: &Shared, socket: &mut Socket) -> Option<Next> {
    if socket.stays {
        return None;
    }
    tokio::select! {
        // What has come decides, however late we look.
        biased;
        read = socket.read(false) => read.err().map(|_| Next::Gone(ConnectionEnd::PeerReset)),
        () = shared.world.manners.idle_time_is_over() => Some(Next::Close),
    }
}

/// Reads one request and answers it.
async fn one_request(
    shared: &Shared,
    socket: &mut Socket,
    log: &mut ConnectionLog,
    out: &mut Vec<u8>,
) -> Next {
    let (request, mut entry, loaded) = match receive::request(shared, socket, log).await {
        Arrival::Request(request, entry, loaded) => (request, entry, loaded),
        Arrival::Ended(end) => return Next::Gone(end),
        Arrival::Refused(entry, reason) => return perform::refuse(shared, socket, entry, reason).await,
    };
    let key = request.head.path_and_query();
    let (route, scripted) = loaded.script.plan_for(&request.head.method, key);
    let manner = shared.world.manners.now();
    let plan = manner.instead.as_ref().unwrap_or(scripted);
    let stamp = Stamp { backend: shared.name.clone(), number: entry.number };
    let mut occasion = Occasion {
        stamp: &stamp,
        number_on_route: loaded.take_route(route),
        request: &request,
        version: shared.world.versions.of(key),
        random: shared.random_for(entry.number),
        clock: shared.world.clock,
        now: socket.last_read,
        secret: shared.world.secret,
        in_text: manner.text,
    };
    let mut reply = plan.reply(&mut occasion);
    if loaded.needs_whole_bodies && request.body_bytes > REQUEST_BODY_LIMIT as u64 {
        reply = Reply::stamped(413, &occasion);
        reply.body = Source::Bytes(b"the body of the request is too long\n".to_vec());
    }
    socket.stays |= matches!(reply.persistence, Persistence::NeverClose | Persistence::StayOpen);
    let last = manner.closes
        || loaded.script.connections.requests_per_connection.is_some_and(|limit| log.requests() >= limit);
    let beyond = receive::beyond_the_end(socket);
    entry.note(|attempt| attempt.extra_bytes = beyond.count);
    let may_keep = !last && !beyond.hopeless;
    perform::perform(shared, socket, out, &request, reply, entry, &stamp, may_keep).await
}
