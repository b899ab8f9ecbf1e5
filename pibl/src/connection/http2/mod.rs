//! One connection of HTTP/2: streams in, each of them an exchange of its own, until one side wants to end (RFC 9113).
//!
//! `connection` comes here when the handshake says so. The library `h2` knows frames, header compression and flow control;
//! `stream` lets each request travel through the proxy as HTTP/1.1, so that whatever holds for that holds here.

mod message;
mod stream;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};

use super::{Guest, LINGER, linger, patience};
use crate::admission::StreamPass;
use crate::config::Limits;
use crate::exchange::Worker;
use crate::wire::{Deadline, READING, ReadBuffer, SharedWire, Wire};

/// Streams of one connection at any time (RFC 9113 §5.1.2), as nginx and Apache have them at most. A stream that the client
/// has reset keeps its place until its exchange has ended, so that resets buy nothing (CVE-2023-44487).
const MOST_STREAMS: usize = 100;
/// Streams that were reset before anybody saw them.
const MOST_UNSEEN: usize = 64;
/// Resets by this side for what the client did wrong.
const MOST_WRONG: usize = 128;
/// Exchanges that the client has broken off, if they are more than half of all: then it is not a client that changes its mind.
const MOST_ABANDONED: u64 = 200;
/// What a stream may send before anybody has read it, and all of them together (RFC 9113 §5.2).
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// What waits in the library for the client to take it, for each stream.
const SEND_BUFFER: usize = 64 << 10;

/// What the streams of one connection share with it.
struct Carrier {
    worker: Rc<Worker>,
    peer: SocketAddr,
    /// Counts it for as long as one of its exchanges lasts.
    _guest: Guest,
    /// Exchanges that have not ended.
    open: Cell<usize>,
    accepted: Cell<u64>,
    abandoned: Cell<u64>,
    /// Who accepts the next stream.
    driver: RefCell<Option<Waker>>,
}

/// One exchange of a connection, for as long as this lives.
struct Place {
    carrier: Rc<Carrier>,
    _pass: Option<StreamPass>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let carrier = &self.carrier;
        carrier.open.set(carrier.open.get() - 1);
        if let Some(driver) = carrier.driver.take() {
            driver.wake();
        }
    }
}

type Stream = (http::Request<RecvStream>, SendResponse<Bytes>);

/// Serves a client until the connection ends.
pub(super) async fn serve(worker: &Rc<Worker>, wire: Wire, guest: Guest) {
    let wire = Rc::new(wire);
    let deadline = Deadline::new();
    deadline.set(patience(worker, false));
    let handshake = builder(&worker.config().limits).handshake(SharedWire(Rc::clone(&wire)));
    let mut handshake = pin!(handshake);
    let begun = poll_fn(|context| match handshake.as_mut().poll(context) {
        Poll::Pending if deadline.poll_is_over(READING, context) => Poll::Ready(None),
        polled => polled.map(Result::ok),
    });
    let Some(connection) = begun.await else { return wire.say_end() };
    let carrier = Rc::new(Carrier {
        worker: Rc::clone(worker),
        peer: guest.peer,
        _guest: guest,
        open: Cell::new(0),
        accepted: Cell::new(0),
        abandoned: Cell::new(0),
        driver: RefCell::default(),
    });
    let mut driver = Driver {
        connection,
        sheddings: worker.sheddings.get(),
        is_leaving: false,
        is_calmed: false,
        is_idle: false,
        deadline,
        carrier,
    };
    driver.run().await;
    drop(driver);
    // A reset would destroy the last word on its way, as with HTTP/1.1.
    linger(&wire, &mut ReadBuffer::lease()).await;
}

/// Every bound is stated here, whatever the library thinks of it by itself.
fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MOST_STREAMS as u32)
        .max_pending_accept_reset_streams(MOST_UNSEEN)
        .max_local_error_reset_streams(Some(MOST_WRONG))
        .max_concurrent_reset_streams(MOST_WRONG)
        // A head that is longer, however many frames it comes in, is answered with 431 (CVE-2024-27316).
        .max_header_list_size(limits.head_bytes as u32)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    builder
}

/// Accepts streams and decides when the connection ends.
struct Driver {
    connection: Connection<SharedWire, Bytes>,
    carrier: Rc<Carrier>,
    /// For how long nothing may be under way.
    deadline: Deadline,
    is_idle: bool,
    /// Whether the client has been told to open no more streams.
    is_leaving: bool,
    /// Whether the client has been told that it resets too many.
    is_calmed: bool,
    /// How often idle clients had been asked to leave when it began.
    sheddings: u64,
}

impl Driver {
    async fn run(&mut self) {
        while let Some((request, mut respond)) = poll_fn(|context| self.poll_stream(context)).await {
            let carrier = &self.carrier;
            let worker = &carrier.worker;
            // The first one is counted already, as the connection that it comes on: whoever was let in is served, however many streams
            // others have open.
            let pass = match carrier.open.get() {
                0 => Some(None),
                _ => worker.admission.stream(&worker.config().limits).map(Some),
            };
            let Some(pass) = pass else {
                // Nothing has been done with it, and the client may ask again (RFC 9113 §8.7).
                worker.counters.requests_refused.add(1);
                respond.send_reset(Reason::REFUSED_STREAM);
                continue;
            };
            carrier.open.set(carrier.open.get() + 1);
            carrier.accepted.set(carrier.accepted.get() + 1);
            // In a box, because the runtime copies what it is given several times.
            let place = Place { carrier: Rc::clone(carrier), _pass: pass };
            let stream = Box::pin(stream::serve(place, request, respond));
            tokio::task::spawn_local(stream);
        }
    }

    /// The next stream. `None`: the connection is over.
    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Option<Stream>> {
        if !self.carrier.driver.borrow().as_ref().is_some_and(|driver| driver.will_wake(context.waker())) {
            self.carrier.driver.replace(Some(context.waker().clone()));
        }
        if self.is_flood() && !std::mem::replace(&mut self.is_calmed, true) {
            tracing::debug!(peer = %self.carrier.peer, "too many streams were reset");
            self.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        }
        if self.is_to_leave(context) {
            if std::mem::replace(&mut self.is_leaving, true) {
                return Poll::Ready(None);
            }
            // Streams that are on their way are still taken, and those under way end (RFC 9113 §6.8).
            self.connection.graceful_shutdown();
            match self.is_idle {
                true => self.deadline.set(self.farewell()),
                false => self.deadline.clear(),
            }
        }
        if self.carrier.open.get() < MOST_STREAMS {
            let accepted = std::task::ready!(self.connection.poll_accept(context));
            return Poll::Ready(accepted.and_then(Result::ok));
        }
        // The connection goes on, but nobody is let in.
        self.connection.poll_closed(context).map(|_| None)
    }

    /// How long a client that has been told to leave has for it when no exchange is under way. The ends of answers may still wait in the library
    /// for it to read them, which only a drain has the time for.
    fn farewell(&self) -> Duration {
        let worker = &self.carrier.worker;
        if worker.is_draining() { worker.config().timeouts.drain.max(LINGER) } else { LINGER }
    }

    fn is_flood(&self) -> bool {
        let abandoned = self.carrier.abandoned.get();
        abandoned > MOST_ABANDONED && abandoned * 2 > self.carrier.accepted.get()
    }

    /// Whether it is time to say that no more streams are wanted or, when that was said, to close.
    fn is_to_leave(&mut self, context: &mut Context<'_>) -> bool {
        let Carrier { worker, accepted, open, .. } = &*self.carrier;
        let is_idle = open.get() == 0;
        let has_asked = accepted.get() > 0;
        if is_idle != std::mem::replace(&mut self.is_idle, is_idle) {
            match is_idle {
                true if self.is_leaving => self.deadline.set(self.farewell()),
                true => self.deadline.set(patience(worker, has_asked)),
                false => self.deadline.clear(),
            }
        }
        let is_over = self.deadline.poll_is_over(READING, context);
        let is_asked_to = worker.is_draining() || (is_idle && worker.sheddings.get() > self.sheddings);
        is_over || (is_asked_to && !self.is_leaving)
    }
}
