//! Performs a reply: waits, writes, trickles, breaks off, and notes in the journal what was done when.
//!
//! `connection` calls it for each request and learns what becomes of the connection. What to do stands in the `Reply`;
//! here it is only done.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::connection_log::Entry;
use super::render::{Following, push_head};
use super::shared::Shared;
use super::socket::Socket;
use crate::behavior::{Asked, Before, Cut, CutHow, CutPlace, Flaw, Received, Reply, Source};
use crate::clock::Moment;
use crate::journal::{ConnectionEnd, Met, Outcome};
use crate::stamp::Stamp;
use crate::wire::{LAST_CHUNK, push_field, push_status_line, reason_of};

/// Bytes of a body that are generated and written at a time.
const PIECE: u64 = 64 * 1024;
/// A trickled body is written this often.
const TRICKLE: Duration = Duration::from_millis(20);
/// Between the last bytes and a reset: a reset overtakes bytes that the kernel has not delivered yet.
const BEFORE_RESET: Duration = Duration::from_millis(10);

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The next request.
    GoOn,
    /// We close it.
    Close,
    /// We reset it.
    Reset,
    /// It is over.
    Gone(ConnectionEnd),
}

/// An answer on its way out.
struct Performance<'a> {
    shared: &'a Shared,
    socket: &'a mut Socket,
    out: &'a mut Vec<u8>,
    entry: Entry,
    responded: Option<Moment>,
    sent: u64,
    status: Option<u16>,
}

/// Performs a reply to a request.
#[expect(clippy::too_many_arguments, reason = "each is another thing of the request at hand; one caller")]
pub(super) async fn perform(
    shared: &Shared,
    socket: &mut Socket,
    out: &mut Vec<u8>,
    request: &Received,
    mut reply: Reply,
    mut entry: Entry,
    stamp: &Stamp,
    may_keep: bool,
) -> Next {
    let at_once = reply.before.is_empty() && reply.application.is_none() && reply.gap.is_zero();
    if !at_once || matches!(reply.cut, Some(Cut { how: CutHow::Hang(_), .. })) {
        entry.publish(if reply.cut.is_some() { reply.intended_outcome() } else { Outcome::Stopped });
    }
    out.clear();
    let mut performance = Performance { shared, socket, out, entry, responded: None, sent: 0, status: None };
    let done = performance.whole(request, &mut reply, stamp, may_keep).await;
    performance.conclude(reply.intended_outcome(), done)
}

/// Answers bytes that are not a request, and closes.
pub(super) async fn refuse(shared: &Shared, socket: &mut Socket, entry: Entry, reason: String) -> Next {
    let mut out = Vec::new();
    push_status_line(&mut out, 400, reason_of(400));
    push_field(&mut out, "Content-Type", "text/plain; charset=utf-8");
    let text = format!("{reason}\n");
    push_field(&mut out, "Content-Length", text.len().to_string());
    push_field(&mut out, "Connection", "close");
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(text.as_bytes());
    let out = &mut out;
    let mut performance =
        Performance { shared, socket, out, entry, responded: None, sent: 0, status: Some(400) };
    // Whether the answer arrives is of no importance: the request was malformed either way.
    let done = performance.flush().await.map(|()| Next::Close);
    let next = done.as_ref().map_or(Next::Gone(ConnectionEnd::PeerReset), |next| *next);
    performance.conclude(Outcome::Malformed(reason), Ok(next))
}

/// What is answered where too many wait already (RFC 9110 §15.6.4).
fn overfull(reply: &mut Reply) {
    reply.status = 503;
    reply.application = None;
    reply.field("Retry-After", "1");
    reply.body = Source::Bytes(b"too many requests wait already\n".to_vec());
}

impl Performance<'_> {
    async fn whole(
        &mut self,
        request: &Received,
        reply: &mut Reply,
        stamp: &Stamp,
        may_keep: bool,
    ) -> io::Result<Next> {
        for before in std::mem::take(&mut reply.before) {
            match before {
                Before::Wait(delay) => self.socket.wait_until(Instant::now() + delay).await?,
                Before::Send(bytes) => {
                    self.out.extend_from_slice(&bytes);
                    self.flush().await?;
                }
                Before::Meet { barrier, wanted, deadline } => self.meet(barrier, wanted, deadline).await?,
                Before::Occupy { name, places, service, most_waiting } => {
                    let clock = self.shared.world.clock;
                    let workplaces = &self.shared.world.workplaces;
                    match workplaces.reserve(&name, places, service, most_waiting, clock.now()) {
                        Some(done) => self.socket.wait_until(clock.instant_of(done).into()).await?,
                        None => {
                            overfull(reply);
                            break;
                        }
                    }
                }
            }
        }
        if let Some(application) =
            reply.application.take().and_then(|name| self.shared.world.applications.find(&name))
        {
            let asked =
                Asked { request, stamp, clock: self.shared.world.clock, secret: self.shared.world.secret };
            let answer = tokio::select! {
                answer = application.answer(asked) => answer,
                error = self.socket.until_reset() => return Err(error),
            };
            answer.apply(reply);
        }
        if let Some(Cut { place: CutPlace::BeforeHead, how }) = reply.cut {
            return self.cut(how).await;
        }
        if let Some(raw) = &reply.raw {
            self.out.extend_from_slice(raw);
            self.flush().await?;
            return Ok(Next::Close);
        }
        let begin = self.out.len();
        let following = push_head(self.out, reply, &request.head, may_keep);
        self.status = Some(reply.status);
        if let Some(Cut { place: CutPlace::InHead, how }) = reply.cut {
            // Two thirds hold the status line and the beginning of the fields, and never their end.
            self.out.truncate(begin + (self.out.len() - begin) * 2 / 3);
            self.flush().await?;
            return self.cut(how).await;
        }
        if !reply.gap.is_zero() {
            self.flush().await?;
            self.socket.wait_until(Instant::now() + reply.gap).await?;
        }
        self.body(reply, following).await?;
        if let Some(Cut { how, .. }) = reply.cut {
            self.flush().await?;
            return self.cut(how).await;
        }
        if following.chunk.is_some() {
            self.out.extend_from_slice(LAST_CHUNK);
        }
        if let Some(Flaw::ExtraBytes(count)) = reply.flaw {
            // Extra bytes have no meaning, so a letter does; their number is kept within memory.
            self.out.resize(self.out.len() + count.0.min(PIECE) as usize, b'x');
        }
        self.flush().await?;
        Ok(if following.keep { Next::GoOn } else { Next::Close })
    }

    /// Writes the body as far as it goes, the last piece of it perhaps into the buffer only.
    async fn body(&mut self, reply: &Reply, following: Following) -> io::Result<()> {
        let total = following.body_bytes;
        let limit = match reply.cut {
            Some(Cut { place: CutPlace::InBody(after), .. }) => total.min(after),
            _ => total,
        };
        let trickle = reply.rate.map(|rate| (rate * TRICKLE.as_millis() as u64 / 1000).max(1));
        let pause_after = reply.pauses.map(|pauses| pauses.every_bytes.max(1));
        let piece = [following.chunk, trickle, pause_after].into_iter().flatten().min().unwrap_or(PIECE);
        let start = Instant::now();
        let mut offset = 0;
        while offset < limit {
            // A pause falls on a multiple of its distance, whatever the pieces are.
            let to_pause = pause_after.map_or(u64::MAX, |every| every - offset % every);
            let announced = piece.min(to_pause).min(total - offset);
            let count = announced.min(limit - offset);
            if following.chunk.is_some() {
                let size = if reply.flaw == Some(Flaw::BadChunkSize) {
                    "zz".into()
                } else {
                    format!("{announced:x}")
                };
                self.out.extend_from_slice(size.as_bytes());
                self.out.extend_from_slice(b"\r\n");
            }
            // A piece is at most a chunk, which is at most 1 MiB.
            reply.body.append(offset, count as usize, self.out);
            offset += count;
            if following.chunk.is_some() && count == announced {
                self.out.extend_from_slice(b"\r\n");
            }
            if let Some(rate) = reply.rate {
                self.flush().await?;
                self.socket.wait_until(start + Duration::from_secs_f64(offset as f64 / rate as f64)).await?;
            }
            match (reply.pauses, pause_after) {
                (Some(pauses), Some(every)) if offset % every == 0 && offset < limit => {
                    self.flush().await?;
                    self.socket.wait_until(Instant::now() + pauses.pause).await?;
                }
                _ if self.out.len() as u64 >= PIECE => self.flush().await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn meet(&mut self, barrier: String, wanted: u32, deadline: Duration) -> io::Result<()> {
        let inside = tokio::select! {
            inside = self.shared.world.meeting_points.meet(&barrier, wanted, deadline) => inside,
            error = self.socket.until_reset() => return Err(error),
        };
        let opened = self.shared.world.clock.now();
        self.entry.note(|attempt| attempt.met = Some(Met { barrier, inside, wanted, opened }));
        Ok(())
    }

    async fn cut(&mut self, how: CutHow) -> io::Result<Next> {
        match how {
            CutHow::Close => Ok(Next::Close),
            CutHow::Reset => {
                if self.sent > 0 {
                    tokio::time::sleep(BEFORE_RESET).await;
                }
                Ok(Next::Reset)
            }
            CutHow::Hang(limit) => {
                let (sent, responded, status) = (self.sent, self.responded, self.status);
                self.entry.note(|attempt| {
                    attempt.response_bytes = sent;
                    attempt.responded = responded;
                    attempt.status = status;
                });
                self.entry.publish(Outcome::Hung);
                let end = self.socket.drain(limit.map(|limit| Instant::now() + limit)).await;
                Ok(match end {
                    Err(_) => {
                        self.socket.closed.get_or_insert(self.shared.world.clock.now());
                        Next::Gone(ConnectionEnd::PeerReset)
                    }
                    Ok(()) if self.socket.closed.is_some() => Next::Gone(ConnectionEnd::Peer),
                    Ok(()) => Next::Close,
                })
            }
        }
    }

    /// Writes what is in the buffer.
    async fn flush(&mut self) -> io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        if self.responded.is_none() {
            // Before the write: nobody can have received the byte before this moment.
            self.responded = Some(self.shared.world.clock.now());
        }
        self.socket.write(self.out).await?;
        self.sent += self.out.len() as u64;
        self.out.clear();
        Ok(())
    }

    fn conclude(mut self, intended: Outcome, done: io::Result<Next>) -> Next {
        let (outcome, next) = match done {
            Ok(next) => (intended, next),
            Err(_) => (Outcome::ClientLeft, Next::Gone(ConnectionEnd::PeerReset)),
        };
        let counters = &self.shared.counters;
        counters.response_bytes.fetch_add(self.sent, Ordering::Relaxed);
        if outcome != Outcome::ClientLeft {
            counters.answered.fetch_add(1, Ordering::Relaxed);
        }
        if self.entry.is_recorded() {
            let now = self.shared.world.clock.now();
            let (responded, sent, closed, status) =
                (self.responded, self.sent, self.socket.closed, self.status);
            self.entry.note(|attempt| {
                attempt.responded = responded;
                attempt.response_bytes = sent;
                attempt.peer_closed = closed;
                attempt.status = status.filter(|_| responded.is_some());
            });
            self.entry.finish(now, outcome);
        }
        next
    }
}
