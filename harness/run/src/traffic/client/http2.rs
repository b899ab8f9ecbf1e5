//! The client of HTTP/2: streams on a connection that several requests share, written down as exchanges like all others.
//!
//! Frames and their rules are a library's affair; what it refuses to take from a proxy is *malformed* here. Heads stand in the record as
//! the library tells them, in the form of HTTP/1.1.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use fake_backends::clock::Moment;
use fake_backends::stamp::Claim;
use fake_backends::wire::push_field;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use hyper::http;
use tokio::sync::Barrier;

use super::again::may_be_repeated;
use super::observe::{self, BodyObserver};
use super::raw::connect_by_tls;
use super::trouble::ours;
use super::{Clients, Seen, exchange_of};
use crate::traffic::request::Request;
use harness_model::history::{
    Cut, EventKind, Exchange, ExchangeEnd, FoundGone, HandshakeEnd, Offered, Reconnected, Trouble,
};

/// What all streams of a connection may send before somebody reads: more than those that are left unread by design take.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// A connection of HTTP/2, for any number of streams; clones share it.
#[derive(Clone, Debug)]
pub struct Http2 {
    send: SendRequest<Bytes>,
    id: u64,
    streams: Arc<AtomicU32>,
    opened: Moment,
}

/// An answer that nobody reads, for as long as this lives.
pub struct Unread(#[expect(dead_code, reason = "kept, not read")] RecvStream);

impl Clients {
    /// Opens a connection of HTTP/2.
    ///
    /// # Errors
    /// How an exchange ends that was to be asked on it.
    pub(in crate::traffic) async fn open_http2(&self) -> Result<Http2, ExchangeEnd> {
        let id = self.next_connection();
        let offered = Offered { version: None, protocols: vec!["h2".to_owned()] };
        let (stream, end) = connect_by_tls(self, id, offered).await?;
        if !matches!(end, HandshakeEnd::Made { protocol: Some(name), .. } if name == "h2") {
            return Err(ExchangeEnd::NotConnected("TLS: h2 was not chosen".to_owned()));
        }
        let handshake =
            Builder::new().initial_connection_window_size(CONNECTION_WINDOW).handshake(stream).await;
        let (send, connection) = handshake.map_err(|error| ExchangeEnd::NotConnected(error.to_string()))?;
        // What ends it shows in every stream of it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Http2 { send, id, streams: Arc::default(), opened: self.clock().now() })
    }

    /// Sends a request as a stream of `connection`, or of a new one where there is none or it takes no more, and records the exchange.
    pub(in crate::traffic) async fn ask_by_http2(
        &self,
        connection: &mut Option<Http2>,
        request: &Request,
        gate: Option<&Barrier>,
    ) -> Exchange {
        let id = self.next_exchange();
        let mut deadline = self.deadline(request);
        let head = self.head_of(request);
        let line_end = head.windows(11).position(|window| window == b" HTTP/1.1\r\n").unwrap_or(head.len());
        let rest = head.get(line_end + 9..).unwrap_or_default();
        let mut seen = Seen::nothing([&head[..line_end], b" HTTP/2", rest].concat(), deadline.patience());
        let end = deadline.keep(self.stream(connection, request, gate, &mut seen)).await;
        seen.end = end.unwrap_or(ExchangeEnd::TimedOut);
        seen.finished = self.clock().now();
        seen.patience = deadline.patience();
        self.inner.unanswered.note(request.purpose, &seen.end, seen.response.is_some());
        let exchange = exchange_of(id, request, seen);
        self.recorder().record(EventKind::Exchange(Box::new(exchange.clone())));
        exchange
    }

    /// Asks for a target and leaves its answer unread; `None` where none began.
    pub(in crate::traffic) async fn leave_unread(
        &self,
        connection: &Http2,
        request: &Request,
    ) -> Option<Unread> {
        let send = connection.send.clone().ready().await;
        let (response, _) = send.ok()?.send_request(self.message(request)?, true).ok()?;
        Some(Unread(response.await.ok()?.into_body()))
    }

    async fn stream(
        &self,
        connection: &mut Option<Http2>,
        request: &Request,
        gate: Option<&Barrier>,
        seen: &mut Seen,
    ) -> ExchangeEnd {
        let Some(message) = self.message(request) else {
            return ours(Trouble::Inexpressible, "a field or target that HTTP/2 cannot carry");
        };
        let ready = self.ready_on(connection, seen).await;
        if let Some(gate) = gate {
            gate.wait().await;
        }
        let (mut send, shared) = match ready {
            Ok(ready) => ready,
            Err(end) => return end,
        };
        let sent = self.clock().now();
        seen.sent = Some(sent);
        seen.connection = Some((shared.id, shared.streams.fetch_add(1, Ordering::Relaxed) + 1));
        let body = request.body();
        match self.answered(&mut send, message.clone(), body.clone(), request, seen).await {
            Err(error)
                if is_unprocessed(&error) && may_be_repeated(&request.method) && seen.response.is_none() =>
            {
                // A stream alone that was refused may come once more on the same connection, one of many too many at once before others have ended.
                if !error.is_reset() {
                    let gone = FoundGone::Closed { first_sent: sent };
                    seen.reconnected = Some(shared.lost(gone, self.clock().now()));
                    *connection = None;
                }
                let (mut send, fresh) = match self.ready_on(connection, seen).await {
                    Ok(ready) => ready,
                    Err(end) => return end,
                };
                seen.sent = Some(self.clock().now());
                seen.connection = Some((fresh.id, fresh.streams.fetch_add(1, Ordering::Relaxed) + 1));
                match self.answered(&mut send, message, body, request, seen).await {
                    Ok(()) => ExchangeEnd::Complete,
                    Err(error) => end_of(&error),
                }
            }
            Ok(()) => ExchangeEnd::Complete,
            Err(error) => end_of(&error),
        }
    }

    /// The connection that a stream may be opened on. One that takes no more is left for another before anything is sent on it.
    async fn ready_on(
        &self,
        connection: &mut Option<Http2>,
        seen: &mut Seen,
    ) -> Result<(SendRequest<Bytes>, Http2), ExchangeEnd> {
        if let Some(known) = connection.clone() {
            match known.send.clone().ready().await {
                Ok(send) => return Ok((send, known)),
                Err(_) => seen.reconnected = Some(known.lost(FoundGone::Idle, self.clock().now())),
            }
        }
        let opened = connection.insert(self.open_http2().await?).clone();
        let send = opened.send.clone().ready().await.map_err(|error| end_of(&error))?;
        Ok((send, opened))
    }

    /// Sends a request and reads its answer to the end.
    async fn answered(
        &self,
        send: &mut SendRequest<Bytes>,
        message: http::Request<()>,
        body: Vec<u8>,
        request: &Request,
        seen: &mut Seen,
    ) -> Result<(), h2::Error> {
        let (response, mut stream) = send.send_request(message, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body.into(), true)?;
        }
        let (parts, mut incoming) = response.await?.into_parts();
        seen.head_received = Some(self.clock().now());
        let status = parts.status.as_u16();
        let mut head = format!("HTTP/2 {status}\r\n").into_bytes();
        for (name, value) in &parts.headers {
            push_field(&mut head, name.as_str(), value.as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let claim = Claim::read(fields, self.secret());
        let mut body = BodyObserver::new(self.secret());
        let mut ended = Ok(());
        while let Some(data) = incoming.data().await {
            match data {
                Ok(data) => {
                    body.push(&data);
                    // A stream that has ended takes no more room.
                    let _ = incoming.flow_control().release_capacity(data.len());
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        let body = body.finish(&request.method, &request.target, status, 0);
        seen.response = Some(observe::response(status, head, body, claim));
        ended
    }

    /// A request as the library takes it.
    fn message(&self, request: &Request) -> Option<http::Request<()>> {
        let tls = self.tls()?;
        let uri = format!("https://{}{}{}", tls.host(), self.inner.shape.prefix, request.target);
        let mut message =
            http::Request::builder().version(http::Version::HTTP_2).method(&*request.method).uri(uri);
        let head = request.head("");
        let fields = std::str::from_utf8(&head).ok()?.split("\r\n").skip(1);
        for (name, value) in fields.filter_map(|line| line.split_once(": ")) {
            // `:authority` has its place, and lengths are those of frames.
            if !["host", "transfer-encoding"].contains(&&*name.to_ascii_lowercase()) {
                message = message.header(name.to_ascii_lowercase(), value);
            }
        }
        message.body(()).ok()
    }
}

impl Http2 {
    /// Streams that the proxy allows at once, as far as it has said so.
    pub(in crate::traffic) fn most_streams(&self) -> usize {
        self.send.current_max_send_streams()
    }

    fn lost(&self, found: FoundGone, now: Moment) -> Reconnected {
        let answered = self.streams.load(Ordering::Relaxed);
        Reconnected { connection: Some(self.id), answered, idle: Some(now.since(self.opened)), found }
    }
}

/// Whether the proxy has said that it has done nothing of it, so that it may be asked again (RFC 9113 §8.7).
fn is_unprocessed(error: &h2::Error) -> bool {
    let orderly = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    error.is_remote() && (orderly || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}

/// What an error of a stream means.
fn end_of(error: &h2::Error) -> ExchangeEnd {
    let name = error.reason().map_or_else(|| error.to_string(), |reason| format!("{reason:?}"));
    if error.is_library() {
        return ExchangeEnd::Malformed(format!("HTTP/2: {name}"));
    }
    ExchangeEnd::CutShort(Cut::Said(format!("HTTP/2: {name}")))
}
