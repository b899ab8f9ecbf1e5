//! One connection of HTTP/2: streams in, each of them an exchange of its own, until one side wants to end (RFC 9113).
//!
//! `connection` comes here when the handshake says so. The library `h2` knows frames, header compression and flow control;
//! `stream` lets each request travel through the proxy as HTTP/1.1, so that whatever holds for that holds here.

mod calm;
mod message;
mod outflow;
mod stream;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};

use super::{Guest, LINGER, linger, patience};
use crate::admission::StreamPass;
use crate::clock;
use crate::config::Limits;
use crate::exchange::Worker;
use crate::wire::{Deadline, READING, ReadBuffer, SharedWire, Wire};
use calm::Calm;
use outflow::{MOST_OF_STREAM, Outflow, Piece};

/// Streams of one connection at any time (RFC 9113 §5.1.2), as nginx and Apache have them at most. A stream that the client
/// has reset keeps its place until its exchange has ended, so that resets buy nothing (CVE-2023-44487).
const MOST_STREAMS: usize = 100;
/// Streams that were reset before anybody saw them.
const MOST_UNSEEN: usize = 2 * MOST_STREAMS;
/// Resets by this side for what the client did wrong.
const MOST_WRONG: usize = 128;
/// What a stream may send before anybody has read it, and all of them together (RFC 9113 §5.2).
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// What the streams of one connection share with it.
struct Carrier {
    worker: Rc<Worker>,
    peer: SocketAddr,
    /// Counts it for as long as one of its exchanges lasts.
    _guest: Guest,
    /// Streams whose exchange has not ended, or whose answer has not left the library.
    open: Cell<usize>,
    has_asked: Cell<bool>,
    calm: Calm,
    outflow: Outflow,
    /// Who accepts the next stream, while he waits.
    driver: RefCell<Option<Waker>>,
}

impl Carrier {
    /// Counts an exchange that the client has broken off.
    fn give_up(&self) {
        self.calm.disturb(clock::monotonic());
        if self.calm.is_over() {
            self.wake_driver();
        }
    }

    fn wake_driver(&self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}

/// One stream of a connection, for as long as this lives.
struct Place {
    carrier: Rc<Carrier>,
    _pass: Option<StreamPass>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let open = self.carrier.open.get();
        self.carrier.open.set(open - 1);
        // Whether there are thirty or forty is of no interest to anybody.
        if open == MOST_STREAMS || open == 1 {
            self.carrier.wake_driver();
        }
    }
}

type Stream = (http::Request<RecvStream>, SendResponse<Piece>);

/// Serves a client until the connection ends.
pub(super) async fn serve(worker: &Rc<Worker>, wire: Wire, guest: Guest) {
    wire.keep_little_unsent();
    let wire = Rc::new(wire);
    let shared = SharedWire::new(Rc::clone(&wire));
    let deadline = Deadline::new();
    deadline.set(patience(worker, false));
    let handshake = builder(&worker.config().limits).handshake(shared.clone());
    let mut handshake = pin!(handshake);
    let begun = poll_fn(|context| {
        let begun = handshake.as_mut().poll(context);
        if let Poll::Ready(Err(_)) = shared.poll_leave(context) {
            return Poll::Ready(None);
        }
        match begun {
            Poll::Pending if deadline.poll_is_over(READING, context) => Poll::Ready(None),
            polled => polled.map(Result::ok),
        }
    });
    let Some(connection) = begun.await else { return wire.say_end() };
    let carrier = Rc::new(Carrier {
        worker: Rc::clone(worker),
        peer: guest.peer,
        _guest: guest,
        open: Cell::new(0),
        has_asked: Cell::new(false),
        calm: Calm::new(clock::monotonic()),
        outflow: Outflow::default(),
        driver: RefCell::default(),
    });
    let mut driver = Driver {
        connection,
        wire: shared,
        sheddings: worker.sheddings.get(),
        is_leaving: false,
        is_calmed: false,
        idle_since: None,
        sent: 0,
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
        .max_send_buffer_size(MOST_OF_STREAM);
    builder
}

/// Accepts streams and decides when the connection ends.
struct Driver {
    connection: Connection<SharedWire, Piece>,
    wire: SharedWire,
    carrier: Rc<Carrier>,
    /// For how long nothing may be under way, or nothing of what is under way leave.
    deadline: Deadline,
    /// Since when nothing is under way, and nothing waits for the kernel to take it.
    idle_since: Option<Instant>,
    /// What had been sent when the deadline was set.
    sent: u64,
    /// Whether the client has been told to open no more streams.
    is_leaving: bool,
    /// Whether the client has been told that it resets too many.
    is_calmed: bool,
    /// How often idle clients had been asked to leave when it began.
    sheddings: u64,
}

/// What becomes of a connection on which nothing happens now.
enum Step {
    Stay,
    /// The client is told to open no more streams.
    Leave,
    Close,
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
            carrier.has_asked.set(true);
            // In a box, because the runtime copies what it is given several times.
            let place = Place { carrier: Rc::clone(carrier), _pass: pass };
            let stream = Box::pin(stream::serve(place, request, respond));
            tokio::task::spawn_local(stream);
        }
    }

    /// The next stream. `None`: the connection is over.
    fn poll_stream(&mut self, context: &mut Context<'_>) -> Poll<Option<Stream>> {
        // What happens meanwhile is seen at the end.
        let waker = self.carrier.driver.take().filter(|waker| waker.will_wake(context.waker()));
        let polled = self.poll_connection(context);
        if polled.is_pending() {
            self.carrier.driver.replace(Some(waker.unwrap_or_else(|| context.waker().clone())));
        }
        polled
    }

    fn poll_connection(&mut self, context: &mut Context<'_>) -> Poll<Option<Stream>> {
        if self.carrier.calm.is_over() && !std::mem::replace(&mut self.is_calmed, true) {
            tracing::debug!(peer = %self.carrier.peer, "too many streams were reset");
            self.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        }
        loop {
            let has_room = self.carrier.open.get() < MOST_STREAMS;
            let polled = match has_room {
                true => self.connection.poll_accept(context),
                // The connection goes on, but nobody is let in.
                false => self.connection.poll_closed(context).map(|_| None),
            };
            if let Poll::Ready(accepted) = polled {
                return Poll::Ready(accepted.and_then(Result::ok));
            }
            // Everything that streams have had to say until now leaves together.
            if let Poll::Ready(Err(_)) = self.wire.poll_leave(context) {
                return Poll::Ready(None);
            }
            match self.next_step(context) {
                Step::Stay if has_room || self.carrier.open.get() == MOST_STREAMS => return Poll::Pending,
                Step::Stay => {}
                Step::Close => return Poll::Ready(None),
                Step::Leave => {
                    // Streams that are on their way are still taken, and those under way end (RFC 9113 §6.8).
                    self.is_leaving = true;
                    self.connection.graceful_shutdown();
                    if let Some(since) = self.idle_since {
                        self.deadline.set(self.farewell(since));
                    }
                }
            }
        }
    }

    /// Whether an answer is on its way, as far as it can be known: the kernel has all of those that are not.
    fn is_busy(&self) -> bool {
        self.carrier.open.get() > 0 || self.connection.has_streams() || self.wire.has_unsent()
    }

    /// How long a client has to leave that has been told so, when nothing has been under way since then: the kernel may still have
    /// something for it, which a close would destroy as soon as the client says a word.
    fn farewell(&self, since: Instant) -> Duration {
        let patience = self.carrier.worker.config().timeouts.request_body;
        patience.saturating_sub(clock::monotonic().saturating_duration_since(since)).max(LINGER)
    }

    fn next_step(&mut self, context: &mut Context<'_>) -> Step {
        let is_busy = self.is_busy();
        if is_busy && self.idle_since.take().is_some() {
            self.await_progress();
        } else if !is_busy && self.idle_since.is_none() {
            self.wire.forget();
            let now = clock::monotonic();
            self.idle_since = Some(now);
            self.deadline.set(match self.is_leaving {
                true => self.farewell(now),
                false => patience(&self.carrier.worker, self.carrier.has_asked.get()),
            });
        }
        let is_over = self.deadline.poll_is_over(READING, context);
        if is_over && is_busy {
            if self.is_stuck() {
                return Step::Close;
            }
            self.await_progress();
        }
        let worker = &self.carrier.worker;
        let is_asked_to = worker.is_draining() || (!is_busy && worker.sheddings.get() > self.sheddings);
        match self.is_leaving {
            true if is_over && !is_busy => Step::Close,
            false if (is_over && !is_busy) || is_asked_to => Step::Leave,
            _ => Step::Stay,
        }
    }

    /// Whether answers that have left their exchanges, which have deadlines of their own, are not taken.
    fn is_stuck(&self) -> bool {
        let Carrier { outflow, open, .. } = &*self.carrier;
        outflow.sent() == self.sent && (self.wire.has_unsent() || outflow.is_waiting() || open.get() == 0)
    }

    fn await_progress(&mut self) {
        self.sent = self.carrier.outflow.sent();
        self.deadline.set(self.carrier.worker.config().timeouts.request_body);
    }
}
