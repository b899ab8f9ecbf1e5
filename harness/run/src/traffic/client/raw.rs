//! The harness's own client: exact bytes out, every byte in, the moment of each step.
//!
//! Correctness steps and the load step send through it. It opens a connection where it has none that lives, and it
//! reports what happened without repeating anything.

use std::io;
use std::time::Duration;

use fake_backends::clock::Moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::time::{Instant, timeout_at};

use super::observe::ResponseObserver;
use super::{Clients, Seen};
use crate::traffic::request::Request;
use harness_model::history::ExchangeEnd;

/// A persistent connection to the proxy.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    id: u64,
    requests: u32,
    /// Kept with the connection, because a load step would make thousands of them a second.
    buffer: Vec<u8>,
}

const READ_BYTES: usize = 64 << 10;
/// What an exchange says whose own client broke off.
const LEFT: &str = "its client broke off, as told";

impl Connection {
    /// Whether the proxy has closed it, or has sent something nobody asked for, while it was idle.
    fn is_stale(&self) -> bool {
        let mut byte = [0; 1];
        !matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

pub(super) async fn exchange(
    clients: &Clients,
    kept: &mut Option<Connection>,
    request: &Request,
    gate: Option<&Barrier>,
) -> Seen {
    let clock = clients.clock();
    let deadline = clients.deadline(request);
    let request_head = clients.head_of(request);
    // A proxy may close an idle connection at any time (RFC 9112 §9.5), which is no fault of the next request.
    let kept_alive = kept.take().filter(|connection| !connection.is_stale());
    let connected = match kept_alive {
        Some(connection) => Ok(connection),
        None => connect(clients, deadline).await,
    };
    if let Some(gate) = gate {
        gate.wait().await;
    }
    let mut connection = match connected {
        Ok(connection) => connection,
        Err(reason) => {
            let finished = clock.now();
            let end = ExchangeEnd::NotConnected(reason);
            return Seen {
                connection: None,
                request_head,
                sent: None,
                head_received: None,
                finished,
                end,
                response: None,
            };
        }
    };
    connection.requests += 1;
    let mut observer = ResponseObserver::new(&request.method);
    let segments = request.segments(request_head.clone());
    let leaves_after = request.shape.as_ref().and_then(|shape| shape.leaves_after);
    let sent = clock.now();
    let transfer = transfer(clients, &mut connection, &segments, leaves_after, &mut observer);
    let (end, finished) = match timeout_at(deadline, transfer).await {
        Ok(ended) => ended,
        Err(_) => (ExchangeEnd::TimedOut, clock.now()),
    };
    if leaves_after.is_some() {
        reset_when_dropped(&connection.stream);
    }
    if end == ExchangeEnd::Complete {
        look_beyond(&connection.stream, &mut observer);
    }
    let numbers = (connection.id, connection.requests);
    if request.keep && end == ExchangeEnd::Complete && observer.keeps_alive() {
        *kept = Some(connection);
    }
    Seen {
        connection: Some(numbers),
        request_head,
        sent: Some(sent),
        head_received: observer.head_received(),
        finished,
        end,
        response: observer.into_response(&request.method, &request.target),
    }
}

async fn connect(clients: &Clients, deadline: Instant) -> Result<Connection, String> {
    match timeout_at(deadline, clients.network().connect_async_from(clients.source(), clients.address()))
        .await
    {
        Ok(Ok(stream)) => {
            Ok(Connection { stream, id: clients.next_connection(), requests: 0, buffer: vec![0; READ_BYTES] })
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer to the connection request in time".to_owned()),
    }
}

/// Writes and reads at once: a proxy may answer before it has read everything, and must not be waited for while it waits.
async fn transfer(
    clients: &Clients,
    connection: &mut Connection,
    (segments, pause): &(Vec<Vec<u8>>, Duration),
    leaves_after: Option<u64>,
    observer: &mut ResponseObserver,
) -> (ExchangeEnd, Moment) {
    let (mut reader, mut writer) = connection.stream.split();
    let buffer = &mut connection.buffer;
    let write = async {
        // An error of writing shows in reading too, after whatever the proxy still had to say.
        for (number, segment) in segments.iter().enumerate() {
            if number > 0 {
                // The pause is the subject: what follows must not be found by the read of what went before.
                tokio::time::sleep(*pause).await;
            }
            let _ = writer.write_all(segment).await;
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        let clock = clients.clock();
        loop {
            let result = reader.read(buffer).await;
            let now = clock.now();
            match result {
                Ok(0) => return (observer.closed(None), now),
                Ok(length) => {
                    if observer.push(&buffer[..length], now) {
                        return (observer.end(), now);
                    }
                    if leaves_after.is_some_and(|bytes| observer.body_bytes() >= bytes) {
                        return (ExchangeEnd::CutShort(LEFT.to_owned()), now);
                    }
                }
                Err(error) => return (observer.closed(Some(&error)), now),
            }
        }
    };
    tokio::select! {
        biased;
        () = write => unreachable!("writing goes on for ever once it is done"),
        ended = read => ended,
    }
}

/// Makes of the end of a connection a reset, as a client that is killed or stops a download leaves it.
fn reset_when_dropped(stream: &TcpStream) {
    // A system that cannot do so closes in an orderly way: the client has left all the same.
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Requests that leave together on one connection; their answers are read in order.
pub(super) async fn pipelined(clients: &Clients, requests: &[Request]) -> Vec<Seen> {
    let (clock, Some(first)) = (clients.clock(), requests.first()) else { return Vec::new() };
    let deadline = clients.deadline(first);
    let mut connection = match connect(clients, deadline).await {
        Ok(connection) => connection,
        Err(reason) => {
            let unconnected = |request: &Request| Seen {
                connection: None,
                request_head: clients.head_of(request),
                sent: None,
                head_received: None,
                finished: clock.now(),
                end: ExchangeEnd::NotConnected(reason.clone()),
                response: None,
            };
            return requests.iter().map(unconnected).collect();
        }
    };
    let bytes: Vec<u8> =
        requests.iter().flat_map(|request| request.segments(clients.head_of(request)).0.concat()).collect();
    let sent = clock.now();
    // A proxy that does not read them all answers the first ones all the same.
    let _ = timeout_at(deadline, connection.stream.write_all(&bytes)).await;
    let mut seen = Vec::new();
    let (mut over, mut rest): (Option<ExchangeEnd>, Vec<u8>) = (None, Vec::new());
    for (number, request) in requests.iter().enumerate() {
        let mut observer = ResponseObserver::new(&request.method);
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
            match timeout_at(deadline, connection.stream.read(&mut connection.buffer)).await {
                Err(_) => over = Some(ExchangeEnd::TimedOut),
                Ok(Ok(0)) => over = Some(observer.closed(None)),
                Ok(Ok(length)) => rest.extend_from_slice(&connection.buffer[..length]),
                Ok(Err(error)) => over = Some(observer.closed(Some(&error))),
            }
        };
        // What was cut short once leaves nothing to those behind it.
        if matches!(over, Some(ExchangeEnd::Complete | ExchangeEnd::CutShort(_))) {
            over = Some(ExchangeEnd::ClosedWithoutAnswer);
        }
        seen.push(Seen {
            connection: Some((connection.id, number as u32 + 1)),
            request_head: clients.head_of(request),
            sent: Some(sent),
            head_received: observer.head_received(),
            finished: clock.now(),
            end,
            response: observer.into_response(&request.method, &request.target),
        });
    }
    seen
}

/// Bytes after the end of the response that have come already.
fn look_beyond(stream: &TcpStream, observer: &mut ResponseObserver) {
    let mut buffer = [0; 1024];
    if let Ok(length) = stream.try_read(&mut buffer) {
        observer.add_extra(length);
    }
}
