//! The response on its way from a backend to the client.
//!
//! `attempt` runs it beside the upload of the request body. It passes on what it understands, piece by
//! piece in constant memory, and never sends a byte of a response whose framing is in doubt.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use super::attempt::{Delivered, Failure, Terms};
use super::client::{Audience, Outlet};
use super::fields::{Delivery, encode_response, finish_head};
use super::record::Record;
use super::services::Worker;
use super::upload::Progress;
use super::{After, stored};
use crate::cache::{CacheStatus, Fetch, Received, Writer};
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
}

impl Relay<'_> {
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
        match fetch.receive(self.request, self.response, length, times) {
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
                let sent = stored::send(self.worker, &mut outlet, &reply, persistent, self.record).await;
                let Ok(after) = sent else {
                    *self.fetch = Some(self.worker.cache.replace(self.request, &reply));
                    return Err(Failure::Unconfirmed);
                };
                self.progress.response_started.set(true);
                // A body that came with the response is of no use and is not read.
                let is_reusable = received.persistent
                    && received.framing == BodyFraming::Empty
                    && is_uploaded
                    && self.buffer.is_empty();
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
        let Some(protocol) = switched.filter(|name| self.terms.upgrade && super::may_be_asked_for(name)) else {
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
            if decoder.is_done() || self.read_more(&mut decoder, delivery).await? {
                break;
            }
        }
        if delivery == Delivery::Chunked {
            encode::last_chunk(self.out, decoder.trailers());
        }
        self.conclude().await;
        let is_uploaded = self.progress.is_finished.get();
        if is_uploaded && !persistent {
            self.flush_last(delivery).await?;
        } else {
            self.flush(delivery).await?;
        }
        Ok(Delivered {
            after: match (persistent, is_uploaded) {
                (true, _) => After::KeepAlive,
                (false, true) => After::Close,
                (false, false) => After::Linger,
            },
            // Bytes behind the end belong to no response: such a connection is not to be trusted.
            is_reusable: received.persistent && is_uploaded && self.buffer.is_empty(),
            is_bodiless: self.is_bodiless(),
            is_tunnel: false,
        })
    }

    fn is_bodiless(&self) -> bool {
        self.request.method == Method::Head || matches!(self.response.status, 204 | 304)
    }

    fn delivery(&self, framing: BodyFraming) -> Delivery {
        match (framing, self.request.version) {
            _ if self.is_bodiless() => Delivery::Bodiless,
            (BodyFraming::Empty | BodyFraming::Length(_), _) => Delivery::Length,
            (_, Version::Http11) => Delivery::Chunked,
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
                writer.write(content);
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
                let written = self.client.write_three([self.out, content, end], patience).await;
                self.out.clear();
                self.after_writing(written, delivery)?;
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
                self.flush(delivery).await?;
                self.backend.deadline.set(self.config.timeouts.between_bytes);
                self.backend.fill(self.buffer).await
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

    async fn flush(&mut self, delivery: Delivery) -> Result<(), Failure> {
        if !self.out.is_empty() {
            self.progress.response_started.set(true);
            let patience = self.config.timeouts.request_body;
            let written = self.client.write(self.out, patience).await;
            self.out.clear();
            self.after_writing(written, delivery)?;
        }
        Ok(())
    }

    /// As [`Relay::flush`], for the last bytes before the client's connection is closed.
    async fn flush_last(&mut self, delivery: Delivery) -> Result<(), Failure> {
        if let Audience(Some(wire)) = self.client
            && !self.out.is_empty()
        {
            self.progress.response_started.set(true);
            wire.deadline.set(self.config.timeouts.request_body);
            let written = wire.write_last(self.out).await;
            self.out.clear();
            self.after_writing(written, delivery)?;
        }
        Ok(())
    }

    /// A client that has left ends the exchange, unless others wait for the same response: then it is
    /// received to its end without the client.
    fn after_writing(&mut self, written: io::Result<()>, delivery: Delivery) -> Result<(), Failure> {
        if written.is_ok() {
            return Ok(());
        }
        if self.writer.as_ref().is_some_and(|writer| writer.has_followers()) {
            self.client = Audience(None);
            return Ok(());
        }
        Err(self.broken_off(delivery))
    }

    /// Makes the stored response visible and writes the line of the log, once, right before the last bytes
    /// go to the client: one that asks again at once is served from the cache.
    async fn conclude(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.commit();
        }
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
