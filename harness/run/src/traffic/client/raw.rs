//! The harness's own client: exact bytes out, every byte in, the moment of each step.
//!
//! Correctness steps send through it. It opens a connection where it has none that lives, asks again where HTTP says that a client
//! does (`again`), and reports what happened.

use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::again::{asks_again, may_be_repeated, usable};
use super::observe::ResponseObserver;
use super::patience::{Deadline, NO_ANSWER_TO_CONNECT};
use super::trouble::not_connected;
use super::{Clients, Seen};
use crate::tls::{Shaken, Stream};
use crate::traffic::request::Request;
use harness_model::history::{
    Cut, EventKind, ExchangeEnd, FoundGone, Handshake, HandshakeEnd, NoConnection, Offered, Reconnected,
};
use harness_model::plan::Over;

/// A persistent connection to the proxy.
#[derive(Debug)]
pub struct Connection {
    pub(super) stream: Stream,
    pub(super) id: u64,
    /// Requests sent on it.
    pub(super) requests: u32,
    /// When the last of them was answered.
    pub(super) answered: Moment,
    pub(super) clock: RunClock,
    /// Kept with the connection, because a load step would make thousands of them a second.
    buffer: Vec<u8>,
}

/// How the sending of a request and the reading of its answer ended.
struct Ended {
    end: ExchangeEnd,
    at: Moment,
    /// Whether an error of the connection ended it, such as a reset.
    broken: bool,
}

const READ_BYTES: usize = 64 << 10;

pub(super) async fn exchange(
    clients: &Clients,
    kept: &mut Option<Connection>,
    request: &Request,
    gate: Option<&Barrier>,
) -> Seen {
    let mut deadline = clients.deadline(request);
    let (connection, reconnected) = usable(kept.take(), request);
    let connected = match connection {
        Some(connection) => Ok(connection),
        None => connect(clients, request.over, &mut deadline).await,
    };
    if let Some(gate) = gate {
        gate.wait().await;
    }
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(end) => return Seen { reconnected, ..unconnected(clients, request, &deadline, end) },
    };
    let sent = clients.clock().now();
    let (seen, ended) = on(clients, &mut connection, request, &mut deadline).await;
    if !asks_again(&connection, request, &seen.end) {
        if request.keep && seen.keeps_alive {
            *kept = Some(connection);
        }
        return Seen { reconnected, ..seen };
    }
    let found = match ended.broken {
        false => FoundGone::Closed { first_sent: sent },
        true => FoundGone::Reset { first_sent: sent },
    };
    let reconnected = Some(connection.lost(found));
    drop(connection);
    again(clients, kept, request, &mut deadline, reconnected).await
}

/// Asks on a fresh connection, once.
async fn again(
    clients: &Clients,
    kept: &mut Option<Connection>,
    request: &Request,
    deadline: &mut Deadline,
    reconnected: Option<Reconnected>,
) -> Seen {
    let mut connection = match connect(clients, request.over, deadline).await {
        Ok(connection) => connection,
        Err(end) => return Seen { reconnected, ..unconnected(clients, request, deadline, end) },
    };
    let (seen, _) = on(clients, &mut connection, request, deadline).await;
    if request.keep && seen.keeps_alive {
        *kept = Some(connection);
    }
    Seen { reconnected, ..seen }
}

/// Asks on this connection.
async fn on(
    clients: &Clients,
    connection: &mut Connection,
    request: &Request,
    deadline: &mut Deadline,
) -> (Seen, Ended) {
    connection.requests += 1;
    let request_head = clients.head_of(request);
    let mut observer = ResponseObserver::new(&request.method, clients.secret());
    let segments = request.segments(request_head.clone());
    let leaves_after = request.shape.as_ref().and_then(|shape| shape.leaves_after);
    let sent = clients.clock().now();
    let ended = {
        let transfer = transfer(clients, connection, &segments, leaves_after, &mut observer);
        deadline.keep(transfer).await
    };
    let timed_out = || Ended { end: ExchangeEnd::TimedOut, at: clients.clock().now(), broken: false };
    let ended = ended.unwrap_or_else(timed_out);
    if leaves_after.is_some_and(|bytes| bytes > 0) || ended.end == ExchangeEnd::TimedOut {
        // Whoever waits for this client must see that it has gone, whatever it reads. One that only closes is found gone by a write,
        // and by the next one SIGPIPE comes.
        reset_when_dropped(connection.stream.socket());
    }
    if ended.end == ExchangeEnd::Complete {
        look_beyond(&mut connection.stream, &mut observer);
    }
    connection.answered = ended.at;
    let seen = Seen {
        connection: Some((connection.id, connection.requests)),
        request_head,
        sent: Some(sent),
        head_received: observer.head_received(),
        finished: ended.at,
        end: ended.end.clone(),
        keeps_alive: ended.end == ExchangeEnd::Complete && observer.keeps_alive(),
        response: observer.into_response(&request.method, &request.target),
        reconnected: None,
        patience: deadline.patience(),
    };
    (seen, ended)
}

/// What is seen of a request that found no connection.
fn unconnected(clients: &Clients, request: &Request, deadline: &Deadline, end: ExchangeEnd) -> Seen {
    let finished = clients.clock().now();
    Seen { end, finished, ..Seen::nothing(clients.head_of(request), deadline.patience()) }
}

async fn connect(clients: &Clients, over: Over, deadline: &mut Deadline) -> Result<Connection, ExchangeEnd> {
    let clock = clients.clock();
    let id = clients.next_connection();
    let in_vain = || ExchangeEnd::NotConnected(NO_ANSWER_TO_CONNECT.to_owned());
    let stream = match over {
        Over::Plain => {
            let connecting = clients.network().connect_async_from(clients.source(), clients.address());
            let stream = deadline.keep(connecting).await.ok_or_else(in_vain)?;
            stream.map_err(|error| not_connected(&error))?.into()
        }
        Over::Tls => {
            let offered = Offered { version: None, protocols: vec!["http/1.1".to_owned()] };
            deadline.keep(connect_by_tls(clients, id, offered)).await.ok_or_else(in_vain)??.0
        }
        Over::Http2 => return Err(in_vain()),
    };
    let (answered, buffer) = (clock.now(), vec![0; READ_BYTES]);
    Ok(Connection { stream, id, requests: 0, answered, clock, buffer })
}

/// A connection over TLS, and what its handshake came to, which goes into the record.
pub(super) async fn connect_by_tls(
    clients: &Clients,
    id: u64,
    offered: Offered,
) -> Result<(Stream, HandshakeEnd), ExchangeEnd> {
    let Some(tls) = clients.tls() else { return Err(ExchangeEnd::NotConnected("no HTTPS here".to_owned())) };
    let began = clients.clock().now();
    let connecting = clients.network().connect_async_from(clients.source(), tls.address());
    let stream = connecting.await.map_err(|error| not_connected(&error))?;
    let Shaken { stream, end } = tls.shake(stream, &offered).await;
    let said = match &end {
        HandshakeEnd::Made { .. } => String::new(),
        HandshakeEnd::Refused { alert: Some(alert) } => format!("TLS: alert {alert}"),
        HandshakeEnd::Refused { alert: None } => "TLS: closed in the handshake".to_owned(),
        HandshakeEnd::Failed(NoConnection::Said(said)) => format!("TLS: {said}"),
        HandshakeEnd::Failed(_) => "TLS: no handshake".to_owned(),
    };
    let ended = clients.clock().now();
    let handshake = Handshake { connection: Some(id), offered, began, ended, end: end.clone() };
    clients.recorder().record(EventKind::Handshake(Box::new(handshake)));
    stream.map(|stream| (stream, end)).ok_or(ExchangeEnd::NotConnected(said))
}

/// Writes and reads at once: a proxy may answer before it has read everything, and must not be waited for while it waits.
async fn transfer(
    clients: &Clients,
    connection: &mut Connection,
    (segments, pause): &(Vec<Vec<u8>>, Duration),
    leaves_after: Option<u64>,
    observer: &mut ResponseObserver,
) -> Ended {
    let (mut reader, mut writer) = tokio::io::split(&mut connection.stream);
    let buffer = &mut connection.buffer;
    let write = async {
        // An error of writing shows in reading too, after whatever the proxy still had to say.
        for (number, segment) in segments.iter().enumerate() {
            if number > 0 {
                // The pause is the subject: what follows must not be found by the read of what went before.
                tokio::time::sleep(*pause).await;
            }
            let _ = writer.write_all(segment).await;
            let _ = writer.flush().await;
        }
        if leaves_after != Some(0) {
            std::future::pending::<()>().await;
        }
        let end = ExchangeEnd::CutShort(Cut::ClientLeft { left_after: 0 });
        Ended { end, at: clients.clock().now(), broken: false }
    };
    let read = async {
        let clock = clients.clock();
        loop {
            let result = reader.read(buffer).await;
            let at = clock.now();
            let end = match &result {
                Ok(0) => observer.closed(None),
                Ok(length) if observer.push(&buffer[..*length], at) => observer.end(),
                Ok(_) if leaves_after.is_some_and(|bytes| observer.body_bytes() >= bytes) => {
                    ExchangeEnd::CutShort(Cut::ClientLeft { left_after: observer.body_bytes() })
                }
                Ok(_) => continue,
                Err(error) => observer.closed(Some(error)),
            };
            return Ended { end, at, broken: result.is_err() };
        }
    };
    tokio::select! {
        biased;
        ended = write => ended,
        ended = read => ended,
    }
}

/// Makes of the end of a connection a reset, as a client that is killed or stops a download leaves it.
fn reset_when_dropped(stream: &TcpStream) {
    // A system that cannot do so closes in an orderly way: the client has left all the same.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Requests that leave together on one connection; their answers are read in order. Those that its close leaves without an
/// answer are asked again, each on a fresh connection (RFC 9112 §9.3.2).
pub(super) async fn pipelined(clients: &Clients, requests: &[Request]) -> Vec<Seen> {
    let (clock, Some(first)) = (clients.clock(), requests.first()) else { return Vec::new() };
    let mut deadline = clients.deadline(first);
    let mut connection = match connect(clients, first.over, &mut deadline).await {
        Ok(connection) => connection,
        Err(end) => {
            return requests.iter().map(|it| unconnected(clients, it, &deadline, end.clone())).collect();
        }
    };
    let bytes: Vec<u8> =
        requests.iter().flat_map(|request| request.segments(clients.head_of(request)).0.concat()).collect();
    let sent = clock.now();
    // A proxy that does not read them all answers the first ones all the same.
    let _ = deadline.keep(connection.stream.write_all(&bytes)).await;
    let _ = deadline.keep(connection.stream.flush()).await;
    let mut seen: Vec<Seen> = Vec::new();
    let (mut over, mut rest): (Option<ExchangeEnd>, Vec<u8>) = (None, Vec::new());
    for request in requests {
        let mut observer = ResponseObserver::new(&request.method, clients.secret());
        let end = loop {
            if let Some(end) = &over {
                break end.clone();
            }
            let mut input = &rest[..];
            let complete = observer.push_some(&mut input, clock.now());
            rest = input.to_vec();
            if complete {
                break observer.end();
            }
            match deadline.keep(connection.stream.read(&mut connection.buffer)).await {
                None => over = Some(ExchangeEnd::TimedOut),
                Some(Ok(0)) => over = Some(observer.closed(None)),
                Some(Ok(length)) => rest.extend_from_slice(&connection.buffer[..length]),
                Some(Err(error)) => over = Some(observer.closed(Some(&error))),
            }
        };
        // What was cut short once leaves nothing to those behind it.
        if matches!(over, Some(ExchangeEnd::Complete | ExchangeEnd::CutShort(_))) {
            over = Some(ExchangeEnd::ClosedWithoutAnswer);
        }
        if end == ExchangeEnd::ClosedWithoutAnswer
            && connection.requests > 0
            && may_be_repeated(&request.method)
        {
            let found = FoundGone::Closed { first_sent: sent };
            let gone = Reconnected { answered: connection.requests, ..connection.lost(found) };
            seen.push(again(clients, &mut None, request, &mut clients.deadline(request), Some(gone)).await);
            continue;
        }
        connection.requests += 1;
        connection.answered = clock.now();
        seen.push(Seen {
            connection: Some((connection.id, connection.requests)),
            sent: Some(sent),
            head_received: observer.head_received(),
            finished: connection.answered,
            end,
            response: observer.into_response(&request.method, &request.target),
            ..Seen::nothing(clients.head_of(request), deadline.patience())
        });
    }
    if over == Some(ExchangeEnd::TimedOut) {
        reset_when_dropped(connection.stream.socket());
    }
    seen
}

/// Bytes after the end of the response that have come already.
fn look_beyond(stream: &mut Stream, observer: &mut ResponseObserver) {
    let mut buffer = [0; 1024];
    if let Ok(length) = stream.glance(&mut buffer) {
        observer.add_extra(length);
    }
}
