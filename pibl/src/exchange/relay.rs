//! The response on its way from a backend to the client.
//!
//! `attempt` runs it beside the upload of the request body. It passes on what it understands, piece by
//! piece in constant memory, and never sends a byte of a response whose framing is in doubt.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::attempt::{Delivered, Failure, Terms};
use super::client::{Audience, Outlet};
use super::fields::{self, Delivery, encode_response, finish_head};
use super::pace::{self, Pace};
use super::record::Record;
use super::services::Worker;
use super::stored::Laggard;
use super::upload::Progress;
use super::{After, stored};
use crate::cache::{CacheStatus, Crowd, Fetch, Received, Writer};
use crate::clock;
use crate::config::Config;
use crate::http::{
    BadResponse, BodyDecoder, BodyFraming, HeadLimits, Method, ReceivedResponse, RequestHead, ResponseHead,
    Version, encode, hop_by_hop, parse,
};
use crate::wire::buffer::BUFFER_BYTES;
use crate::wire::{ReadBuffer, Wire};

/// Content up to this size is copied behind the head, so that both leave in one plain write; for more,
/// a gathered write is cheaper than the copy.
const COPIED_BYTES: usize = 16 * 1024;
/// The most interim responses (RFC 9110 §15.2) before a backend is taken for broken.
const MAX_INTERIM: usize = 32;

/// Everything that the response touches.
pub(super) struct Relay<'a> {
    pub worker: &'a Worker,
    pub config: &'a Config,
    pub client: Audience<'a>,
    pub peer: SocketAddr,
    pub terms: Terms,
    pub progress: &'a Progress,
    pub request: &'a RequestHead,
    pub response: &'a mut ResponseHead,
    pub out: &'a mut Vec<u8>,
    pub record: &'a mut Record,
    pub backend: &'a Wire,
    pub buffer: &'a mut ReadBuffer,
    /// The cache's interest in the response; taken when its head has come.
    pub fetch: &'a mut Option<Fetch>,
    /// Where the body is kept.
    pub writer: Option<Box<Writer>>,
    /// When the request went out, after the start of the exchange.
    pub asked_after: Duration,
    /// The client, when it is slower than those who read along: it reads along as well.
    pub laggard: Option<Laggard<'a>>,
    /// Whether the client has been left to its own pace.
    pub is_parted: bool,
    /// How fast the backend must be.
    pub pace: Pace<'a>,
}

impl<'a> Relay<'a> {
    /// Reads the response and writes it to the client.
    pub(super) async fn run(&mut self) -> Result<Delivered, Failure> {
        let received = self.final_head().await?;
        self.record.first_byte = Some(self.record.started.elapsed());
        if self.response.status == 101 {
            return self.switch_protocols().await;
        }
        hop_by_hop::strip(&mut self.response.fields);
        match self.fetch.take() {
            Some(fetch) => self.receive(fetch, received).await,
            None => self.deliver(received, None).await,
        }
    }

    /// Shows the response to the cache, which may keep it, or send what it has instead.
    async fn receive(&mut self, fetch: Fetch, received: ReceivedResponse) -> Result<Delivered, Failure> {
        let times = self.record.times(self.asked_after);
        let length = match received.framing {
            BodyFraming::Length(length) => Some(length),
            BodyFraming::Empty => Some(0),
            BodyFraming::Chunked | BodyFraming::UntilClose => None,
        };
        match fetch.receive(self.request, self.response, length, times).await {
            Received::Forward(forward) => {
                self.writer = forward.writer;
                self.deliver(received, Some(forward.status)).await
            }
            Received::Again(fetch) => {
                *self.fetch = Some(*fetch);
                Err(Failure::Unconfirmed)
            }
            Received::Reply(reply) => {
                let mut outlet =
                    Outlet { audience: self.client, peer: self.peer, request: self.request, out: self.out };
                self.record.request_bytes = self.progress.content_bytes.get();
                let is_uploaded = self.progress.is_finished.get();
                let persistent = self.terms.persistent && is_uploaded;
                self.progress.response_started.set(true);
                let sent = stored::send(self.worker, &mut outlet, &reply, persistent, self.record).await;
                let Ok(after) = sent else {
                    *self.fetch = Some(Box::pin(self.worker.cache.replace(self.request, &reply)).await);
                    self.progress.response_started.set(false);
                    return Err(Failure::Unconfirmed);
                };
                // A body that came with the response is of no use and is not read.
                let is_reusable = received.framing == BodyFraming::Empty && self.may_be_reused(received);
                Ok(Delivered { after, is_reusable, is_bodiless: self.is_bodiless(), is_tunnel: false })
            }
        }
    }

    /// Reads heads until one is final; interim responses go to the client at once.
    async fn final_head(&mut self) -> Result<ReceivedResponse, Failure> {
        let limits = HeadLimits { head_bytes: self.config.limits.head_bytes, ..HeadLimits::default() };
        for _ in 0..MAX_INTERIM {
            let received = self.head(&limits).await?;
            self.buffer.consume(received.consumed);
            if !self.response.is_interim() || self.response.status == 101 {
                return Ok(received);
            }
            self.pass_interim().await?;
        }
        Err(Failure::Bad(BadResponse::Malformed))
    }

    async fn head(&mut self, limits: &HeadLimits) -> Result<ReceivedResponse, Failure> {
        let to_head = self.request.method == Method::Head;
        loop {
            if !self.buffer.is_empty() {
                let parsed = parse::response_head(self.buffer.filled(), limits, to_head, self.response);
                if let Some(received) = parsed.map_err(Failure::Bad)? {
                    return Ok(received);
                }
                self.buffer.reserve(limits.head_bytes + 1);
            }
            match self.backend.fill(self.buffer).await {
                Ok(count) if count > 0 => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(Failure::TimedOut),
                Ok(_) | Err(_) if self.buffer.is_empty() => return Err(Failure::Silent),
                Ok(_) | Err(_) => return Err(Failure::Bad(BadResponse::Malformed)),
            }
        }
    }

    /// RFC 9110 §15.2: a proxy forwards interim responses, except to HTTP/1.0 clients.
    async fn pass_interim(&mut self) -> Result<(), Failure> {
        let is_repeated = self.response.status == 100 && self.progress.continue_sent.replace(true);
        if self.request.version == Version::Http10 || is_repeated {
            return Ok(());
        }
        hop_by_hop::strip(&mut self.response.fields);
        self.response.fields.remove("content-length");
        self.out.clear();
        encode::status_line(self.out, self.response.status, &self.response.reason);
        encode::fields(self.out, &self.response.fields);
        self.out.extend_from_slice(b"\r\n");
        let patience = self.config.timeouts.request_body;
        self.client.write(self.out, patience).await.map_err(|_| Failure::ClientGone)
    }

    /// RFC 9110 §7.8: only a client that asked can be switched, and the 101 goes to it first.
    async fn switch_protocols(&mut self) -> Result<Delivered, Failure> {
        let switched = self.response.fields.get("upgrade");
        let Some(protocol) = switched.filter(|name| self.terms.upgrade && super::may_be_asked_for(name))
        else {
            return Err(Failure::Bad(BadResponse::Framing));
        };
        let protocol = protocol.to_vec();
        hop_by_hop::strip(&mut self.response.fields);
        self.response.fields.remove("content-length");
        self.out.clear();
        encode::status_line(self.out, 101, &self.response.reason);
        encode::fields(self.out, &self.response.fields);
        encode::field(self.out, "Connection", b"upgrade");
        encode::field(self.out, "Upgrade", &protocol);
        self.out.extend_from_slice(b"\r\n");
        self.progress.response_started.set(true);
        self.conclude().await;
        let patience = self.config.timeouts.request_body;
        self.client.write(self.out, patience).await.map_err(|_| Failure::ClientGone)?;
        Ok(Delivered { after: After::Close, is_reusable: false, is_bodiless: false, is_tunnel: true })
    }

    /// Writes head and body to the client.
    async fn deliver(
        &mut self,
        received: ReceivedResponse,
        status: Option<CacheStatus>,
    ) -> Result<Delivered, Failure> {
        let delivery = self.delivery(received.framing);
        let persistent = self.terms.persistent
            && delivery != Delivery::Close
            && self.progress.is_finished.get()
            && !self.worker.is_draining();
        self.out.clear();
        encode_response(self.out, self.response, delivery, &clock::http_date(self.record.first_byte_at()));
        if let Some(status) = status {
            status.write(self.out);
            self.record.cache = status.word();
        }
        finish_head(self.out, delivery, persistent, self.request.version);
        if matches!(received.framing, BodyFraming::Length(length) if length > BUFFER_BYTES as u64) {
            self.buffer.enlarge();
        }
        let mut decoder = BodyDecoder::new(received.framing);
        loop {
            self.pass_content(&mut decoder, delivery).await?;
            let is_done = decoder.is_done() || self.read_more(&mut decoder, delivery).await?;
            if let Some(laggard) = self.laggard.take() {
                return self
                    .part_company(laggard, (decoder, is_done), (delivery, persistent), received)
                    .await;
            }
            if is_done {
                break;
            }
        }
        if delivery == Delivery::Chunked {
            encode::last_chunk(self.out, decoder.trailers());
        }
        self.conclude().await;
        let is_uploaded = self.progress.is_finished.get();
        if is_uploaded && !persistent {
            self.flush_last().await?;
        } else {
            self.flush().await?;
        }
        Ok(Delivered {
            after: match (persistent, is_uploaded) {
                (true, _) => After::KeepAlive,
                (false, true) => After::Close,
                (false, false) => After::Linger,
            },
            is_reusable: self.may_be_reused(received),
            is_bodiless: self.is_bodiless(),
            is_tunnel: false,
        })
    }

    /// Receives the rest at the backend's pace, and lets the client take it from the file at its own.
    async fn part_company(
        &mut self,
        laggard: Laggard<'_>,
        (mut decoder, is_done): (BodyDecoder, bool),
        (delivery, persistent): (Delivery, bool),
        received: ReceivedResponse,
    ) -> Result<Delivered, Failure> {
        let patience = self.config.timeouts.request_body;
        let wire = laggard.wire;
        let is_chunked = delivery == Delivery::Chunked;
        let crowd = self.writer.as_ref().and_then(|writer| writer.crowd());
        let is_alone = || !crowd.as_ref().is_some_and(Crowd::is_waiting);
        let mut client = Some(Box::pin(stored::catch_up(laggard, is_chunked, patience)));
        let mut is_caught_up = None;
        let mut is_received = None;
        {
            let mut rest = pin!(self.receive_rest(&mut decoder, is_done, delivery));
            poll_fn(|context| {
                if is_received.is_none()
                    && let Poll::Ready(result) = rest.as_mut().poll(context)
                {
                    is_received = Some(result);
                }
                if let Some(future) = &mut client
                    && let Poll::Ready(result) = future.as_mut().poll(context)
                {
                    client = None;
                    is_caught_up = Some(result);
                }
                let is_left = matches!(is_caught_up, Some(Err(_))) && is_alone();
                match (is_received.is_some(), is_caught_up.is_some()) {
                    (true, true) => Poll::Ready(()),
                    _ if is_left => Poll::Ready(()),
                    _ => Poll::Pending,
                }
            })
            .await;
        }
        let last = match (is_received, is_caught_up) {
            (Some(Ok(())), Some(Ok(last))) => last,
            (Some(Err(failure)), _) => return Err(failure),
            _ => return Err(Failure::ClientGone),
        };
        self.out.clear();
        if is_chunked {
            encode::last_chunk(self.out, decoder.trailers());
        }
        self.log().await;
        let sent = stored::send_last(wire, last, is_chunked, self.out, patience).await;
        sent.map_err(|_| Failure::ClientGone)?;
        Ok(Delivered {
            after: if persistent { After::KeepAlive } else { After::Close },
            is_reusable: self.may_be_reused(received),
            is_bodiless: false,
            is_tunnel: false,
        })
    }

    /// What comes behind the point at which the client fell behind, for the file and whoever reads it.
    async fn receive_rest(
        &mut self,
        decoder: &mut BodyDecoder,
        mut is_done: bool,
        delivery: Delivery,
    ) -> Result<(), Failure> {
        let result = loop {
            if is_done {
                break Ok(());
            }
            if let Err(failure) = self.pass_content(decoder, delivery).await {
                break Err(failure);
            }
            match decoder.is_done() {
                true => is_done = true,
                false => match self.read_more(decoder, delivery).await {
                    Ok(end) => is_done = end,
                    Err(failure) => break Err(failure),
                },
            }
        };
        // Dropped without its end, it tells those who read along that there is none.
        if let Some(writer) = self.writer.take().filter(|_| result.is_ok()) {
            writer.commit().await;
        }
        result
    }

    /// Whether the backend's connection, at the end of its message, may serve whoever comes next.
    fn may_be_reused(&self, received: ReceivedResponse) -> bool {
        // Bytes behind the end belong to no response: such a connection is not to be trusted.
        received.persistent
            && self.progress.is_finished.get()
            && self.buffer.is_empty()
            && !fields::signs_in_connection(&self.request.fields, self.response)
    }

    fn is_bodiless(&self) -> bool {
        self.request.method == Method::Head || matches!(self.response.status, 204 | 304)
    }

    fn delivery(&self, framing: BodyFraming) -> Delivery {
        match (framing, self.request.version) {
            _ if self.is_bodiless() => Delivery::Bodiless,
            (BodyFraming::Empty | BodyFraming::Length(_), _) => Delivery::Length,
            (_, Version::Http11 | Version::Http2) => Delivery::Chunked,
            (_, Version::Http10) => Delivery::Close,
        }
    }

    /// Moves all content that has been read towards the client.
    async fn pass_content(&mut self, decoder: &mut BodyDecoder, delivery: Delivery) -> Result<(), Failure> {
        while !decoder.is_done() && !self.buffer.is_empty() {
            let decoded = decoder.decode(self.buffer.filled()).map_err(|_| self.broken_off(delivery))?;
            let content = &self.buffer.filled()[decoded.content.clone()];
            self.record.response_bytes += content.len() as u64;
            if let Some(writer) = &mut self.writer {
                writer.write(content).await;
            }
            let is_chunk = delivery == Delivery::Chunked && !content.is_empty();
            if is_chunk {
                encode::chunk_size(self.out, content.len());
            }
            let end: &[u8] = if is_chunk { b"\r\n" } else { b"" };
            if self.out.len() + content.len() <= COPIED_BYTES {
                self.out.extend_from_slice(content);
                self.out.extend_from_slice(end);
            } else {
                // With a known length these are the last bytes, so entry and line go first.
                if decoder.is_done() && delivery != Delivery::Chunked {
                    self.conclude().await;
                }
                let content = &self.buffer.filled()[decoded.content.clone()];
                self.progress.response_started.set(true);
                let patience = self.config.timeouts.request_body;
                let pieces = [self.out.as_slice(), content, end];
                let sent = self.record.response_bytes;
                let written = write(self.client, self.writer.as_deref(), pieces, sent, patience).await;
                self.out.clear();
                self.after_writing(written)?;
            }
            self.buffer.consume(decoded.consumed);
            if decoded.consumed == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next piece; what is ready for the client is sent before waiting. `true` at the end.
    async fn read_more(&mut self, decoder: &mut BodyDecoder, delivery: Delivery) -> Result<bool, Failure> {
        // What has arrived already joins what is ready, so that head and body leave in one write.
        let ready = poll_fn(|context| {
            Poll::Ready(match self.backend.poll_fill(context, self.buffer) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            })
        })
        .await;
        let result = match ready {
            Some(result) => result,
            None => {
                self.flush().await?;
                if pace::is_of_events(&self.response.fields) {
                    self.backend.deadline.set(self.config.timeouts.between_bytes);
                    self.backend.fill(self.buffer).await
                } else {
                    self.pace.fill(self.backend, self.buffer, self.record.response_bytes).await
                }
            }
        };
        match result {
            Ok(count) if count > 0 => {
                if self.buffer.filled().len() >= BUFFER_BYTES {
                    self.buffer.enlarge();
                }
                Ok(false)
            }
            Ok(_) if decoder.finish_at_close() => Ok(true),
            Ok(_) | Err(_) => Err(self.broken_off(delivery)),
        }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.out.is_empty() {
            self.progress.response_started.set(true);
            let patience = self.config.timeouts.request_body;
            let (pieces, sent) = ([self.out.as_slice(), &[], &[]], self.record.response_bytes);
            let written = write(self.client, self.writer.as_deref(), pieces, sent, patience).await;
            self.out.clear();
            self.after_writing(written)?;
        }
        Ok(())
    }

    /// As [`Relay::flush`], for the last bytes before the client's connection is closed.
    async fn flush_last(&mut self) -> Result<(), Failure> {
        if let Audience(Some(wire)) = self.client
            && !self.out.is_empty()
        {
            self.progress.response_started.set(true);
            wire.deadline.set(self.config.timeouts.request_body);
            let written = wire.write_last(self.out).await;
            self.out.clear();
            self.after_writing(written.map(|()| None))?;
        }
        Ok(())
    }

    /// A client that has left ends the exchange, unless others wait for the same response: then it is
    /// received to its end without the client.
    fn after_writing(&mut self, written: io::Result<Option<Laggard<'a>>>) -> Result<(), Failure> {
        match written {
            Ok(None) => return Ok(()),
            Ok(Some(laggard)) => {
                self.laggard = Some(laggard);
                self.is_parted = true;
            }
            Err(_) if self.writer.as_ref().is_some_and(|writer| writer.has_followers()) => {}
            Err(_) => return Err(Failure::ClientGone),
        }
        self.client = Audience(None);
        Ok(())
    }

    /// Makes the stored response visible and writes the line of the log, once, right before the last bytes
    /// go to the client: one that asks again at once is served from the cache.
    async fn conclude(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.commit().await;
        }
        if !self.is_parted {
            self.log().await;
        }
    }

    async fn log(&mut self) {
        if !self.record.is_logged {
            self.record.request_bytes = self.progress.content_bytes.get();
            self.record.status = self.response.status;
            self.worker.write_log(self.peer, self.request, self.record);
            self.worker.log_is_written().await;
        }
    }

    /// A response that cannot be completed. If the client has seen nothing of it there can be another
    /// answer; otherwise it must notice, and where only the close marks the end it needs a reset.
    fn broken_off(&self, delivery: Delivery) -> Failure {
        match (self.progress.response_started.get(), delivery) {
            (false, _) => Failure::Bad(BadResponse::Framing),
            (true, Delivery::Close) => Failure::BrokenOff(After::Reset),
            (true, _) => Failure::BrokenOff(After::Abort),
        }
    }
}

/// How often a writer that cannot go on looks whether others wait for what it holds up.
const LOOK: Duration = Duration::from_millis(50);

/// Writes to the client, of whose content so much will then have been sent. One that is slower than others who wait for
/// the same becomes one of them: what it has not taken of these pieces comes along.
async fn write<'a>(
    client: Audience<'a>,
    writer: Option<&Writer>,
    pieces: [&[u8]; 3],
    sent: u64,
    patience: Duration,
) -> io::Result<Option<Laggard<'a>>> {
    let Audience(Some(wire)) = client else { return Ok(None) };
    wire.deadline.set(patience);
    let done = Cell::new(0);
    let mut all = pin!(wire.write_counted(pieces, &done));
    let Some(writer) = writer.filter(|writer| writer.has_leader()) else {
        return all.await.map(|()| None);
    };
    let mut look = None;
    let written = poll_fn(|context| {
        if let Poll::Ready(result) = all.as_mut().poll(context) {
            return Poll::Ready(Err(result));
        }
        loop {
            // The disk may not have begun yet; then nobody can read along, this client no more than others.
            if writer.has_followers()
                && let Some(stream) = writer.follow(sent)
            {
                return Poll::Ready(Ok(stream));
            }
            let timer = look.get_or_insert_with(|| Box::pin(tokio::time::sleep(LOOK)));
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            look = None;
        }
    })
    .await;
    match written {
        Err(result) => result.map(|()| None),
        Ok(stream) => Ok(Some(Laggard { wire, pending: pieces.concat().split_off(done.get()), stream })),
    }
}
