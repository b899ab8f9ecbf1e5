//! Sends the traffic of an executor: open loop by a queue of due arrivals, closed loop by virtual users.
//!
//! [`super::run`] starts it on a thread of its own with its own event loop, so that neither the conductor nor the record
//! delays an arrival. In the open loop nothing is dropped or skipped: an arrival that finds no free connection waits in the
//! queue, and its clock runs.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fake_backends::behavior::Random;
use fake_backends::clock::Moment;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

use super::tally::{Counters, Fate, IntervalTally, Sample, counts};
use crate::history::{Anomaly, EventKind, Exchange, Purpose};
use crate::plan::{Connections, Executor, Load};
use crate::traffic::{Clients, Connection, Numbers, Pacer, Problem, Request, expand};

/// What the engine is given.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) clients: Clients,
    pub(super) load: Load,
    pub(super) cycle: u32,
    pub(super) seed: u64,
    /// Set from outside to end early.
    pub(super) stop: Arc<AtomicBool>,
}

/// What the engine says while it runs.
#[derive(Debug)]
pub(super) enum Report {
    /// The histograms since the last one.
    Interval { start: Moment, duration: Duration, tally: Box<IntervalTally> },
    /// The warm-up is over.
    Warm,
    /// The end.
    Done(Totals),
}

/// What the engine says at its end.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) counters: Counters,
    pub(super) overloaded: bool,
    pub(super) measured: Duration,
    pub(super) anomalies: u64,
    pub(super) sample: Vec<Exchange>,
}

/// Exchanges in the sample of a step that is not judged one by one.
const SAMPLE: usize = 1_000;
/// Anomalies that are recorded in full; the rest is counted.
pub(super) const ANOMALIES_KEPT: u64 = 10_000;
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest wait between two looks at the stop flag.
const TICK: Duration = Duration::from_millis(50);

/// What the tasks of the engine share; they run on one thread.
struct Shared {
    assignment: Assignment,
    start: Moment,
    number: RefCell<u64>,
    queue: RefCell<VecDeque<Moment>>,
    arrived: Notify,
    finished: RefCell<bool>,
    idle: RefCell<u32>,
    state: RefCell<State>,
}

struct State {
    interval: IntervalTally,
    counters: Counters,
    overloaded: bool,
    anomalies: u64,
    sample: Sample,
}

/// Runs an assignment to its end on the calling thread.
pub(super) fn run(assignment: Assignment, reports: &UnboundedSender<Report>) -> Result<(), Problem> {
    crate::platform::Timer::make_this_thread_punctual();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no event loop for the load: {error}"))?;
    LocalSet::new().block_on(&runtime, drive(assignment, reports))
}

async fn drive(assignment: Assignment, reports: &UnboundedSender<Report>) -> Result<(), Problem> {
    let start = assignment.clients.clock().now();
    let sample = Sample::new(SAMPLE, Random::new(assignment.seed));
    let state = State {
        interval: IntervalTally::default(),
        counters: Counters::default(),
        overloaded: false,
        anomalies: 0,
        sample,
    };
    let shared = Rc::new(Shared {
        assignment,
        start,
        number: RefCell::new(0),
        queue: RefCell::default(),
        arrived: Notify::new(),
        finished: RefCell::new(false),
        idle: RefCell::new(0),
        state: RefCell::new(state),
    });
    let meter = spawn_local(meter(shared.clone(), reports.clone()));
    let tasks = match shared.assignment.load.executor.clone() {
        Executor::ConstantArrivalRate { rate_per_second, duration, max_in_flight } => {
            arrivals(&shared, rate_per_second, duration, max_in_flight.max(1)).await?
        }
        Executor::ConstantVus { vus, duration, iterations } => {
            let limit = if iterations == 0 { u64::MAX } else { iterations };
            (0..vus).map(|_| spawn_local(virtual_user(shared.clone(), duration, limit))).collect()
        }
    };
    for task in tasks {
        task.await.map_err(|error| error.to_string())?;
    }
    *shared.finished.borrow_mut() = true;
    meter.await.map_err(|error| error.to_string())?;
    finish(&shared, reports);
    Ok(())
}

/// The open loop: puts arrivals into the queue when they are due, and sees to it that there are enough senders.
async fn arrivals(
    shared: &Rc<Shared>,
    rate: f64,
    duration: Duration,
    cap: u32,
) -> Result<Vec<JoinHandle<()>>, Problem> {
    let clock = shared.assignment.clients.clock();
    let mut pacer = Pacer::new(clock).map_err(|error| format!("no timer: {error}"))?;
    let total = (rate * duration.as_secs_f64()).round() as u64;
    let due = |number: u64| shared.start + Duration::from_secs_f64(number as f64 / rate);
    let mut senders: Vec<JoinHandle<()>> = Vec::new();
    let mut next = 0;
    while next < total && !shared.stopped() {
        // Looking at the stop flag in between costs nothing at rates worth the name.
        let wake = due(next).min(clock.now() + TICK);
        pacer.until(wake).await.map_err(|error| format!("no timer: {error}"))?;
        let now = clock.now();
        while next < total && due(next) <= now {
            shared.queue.borrow_mut().push_back(due(next));
            next += 1;
            if shared.queue.borrow().len() > *shared.idle.borrow() as usize {
                if senders.len() < cap as usize {
                    senders.push(spawn_local(sender(shared.clone())));
                } else {
                    shared.state.borrow_mut().overloaded = true;
                }
            }
            shared.arrived.notify_one();
        }
    }
    *shared.finished.borrow_mut() = true;
    shared.arrived.notify_waiters();
    Ok(senders)
}

/// Serves arrivals from the queue, one at a time, until there will be no more.
async fn sender(shared: Rc<Shared>) {
    let mut connection = None;
    loop {
        let due = shared.queue.borrow_mut().pop_front();
        let Some(due) = due else {
            if *shared.finished.borrow() || shared.stopped() {
                return;
            }
            *shared.idle.borrow_mut() += 1;
            // The time bounds how long a stop is overlooked.
            let _ = tokio::time::timeout(TICK, shared.arrived.notified()).await;
            *shared.idle.borrow_mut() -= 1;
            continue;
        };
        if shared.stopped() {
            return;
        }
        shared.send(&mut connection, due).await;
    }
}

/// The closed loop: the next request as soon as the last is answered.
async fn virtual_user(shared: Rc<Shared>, duration: Duration, limit: u64) {
    let clock = shared.assignment.clients.clock();
    let mut connection = None;
    while !shared.stopped() && *shared.number.borrow() < limit {
        let now = clock.now();
        if now.since(shared.start) >= duration {
            return;
        }
        shared.send(&mut connection, now).await;
        // A proxy that answers at once must not keep the other users from their turn.
        tokio::task::yield_now().await;
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.assignment.stop.load(Ordering::Relaxed)
    }

    async fn send(&self, connection: &mut Option<Connection>, due: Moment) {
        let load = &self.assignment.load;
        let number = {
            let mut number = self.number.borrow_mut();
            *number += 1;
            *number - 1
        };
        let key = if load.keys == 0 { number } else { number % u64::from(load.keys) };
        let target = expand(&load.path, Numbers { n: key, batch: 0, cycle: self.assignment.cycle });
        // Numbers of the record have 32 bits; a load of more requests is not judged by them.
        let mut request = Request::get(Purpose::Load, u32::try_from(number).unwrap_or(u32::MAX), target, due);
        request.method.clone_from(&load.method);
        request.timeout = load.timeout;
        request.keep = load.connections == Connections::One;
        let clients = &self.assignment.clients;
        let exchange = match load.judged {
            true => clients.ask_on(connection, &request, None).await,
            false => clients.ask_unrecorded(connection, &request, None).await,
        };
        self.enter(exchange, due);
    }

    fn enter(&self, exchange: Exchange, due: Moment) {
        let load = &self.assignment.load;
        let fate = Fate::of(&exchange);
        let mut state = self.state.borrow_mut();
        if counts(due, self.start, load.warmup) {
            state.interval.enter(fate, &exchange, load.timeout);
            state.counters.enter(fate);
        }
        if load.judged {
            return;
        }
        if fate != Fate::Good {
            state.anomalies += 1;
            if state.anomalies <= ANOMALIES_KEPT {
                let anomaly = Anomaly { what: format!("load: {fate:?}"), exchange: Some(Box::new(exchange)) };
                self.assignment.clients.recorder().record(EventKind::Anomaly(anomaly));
            }
            return;
        }
        state.sample.offer(exchange);
    }
}

/// Hands the histograms over once a second, and tells when the warm-up is over.
async fn meter(shared: Rc<Shared>, reports: UnboundedSender<Report>) {
    let clock = shared.assignment.clients.clock();
    let warm_at = shared.start + shared.assignment.load.warmup;
    let (mut from, mut warm) = (shared.start, false);
    loop {
        tokio::time::sleep(TICK).await;
        let now = clock.now();
        if !warm && now >= warm_at {
            warm = true;
            // An error means that nobody listens any more; the stop flag follows.
            let _ = reports.send(Report::Warm);
        }
        let over = *shared.finished.borrow() && shared.queue.borrow().is_empty();
        if now.since(from) >= INTERVAL || over || shared.stopped() {
            shared.hand_over(from, now, &reports);
            from = now;
        }
        if over || shared.stopped() {
            return;
        }
    }
}

impl Shared {
    fn hand_over(&self, start: Moment, now: Moment, reports: &UnboundedSender<Report>) {
        let tally = Box::new(std::mem::take(&mut self.state.borrow_mut().interval));
        let _ = reports.send(Report::Interval { start, duration: now.since(start), tally });
    }
}

fn finish(shared: &Shared, reports: &UnboundedSender<Report>) {
    let now = shared.assignment.clients.clock().now();
    // What ended after the meter's last look.
    shared.hand_over(now, now, reports);
    let mut state = shared.state.borrow_mut();
    let sample = std::mem::replace(&mut state.sample, Sample::new(0, Random::new(0)));
    let totals = Totals {
        counters: state.counters,
        overloaded: state.overloaded,
        measured: now.since(shared.start + shared.assignment.load.warmup),
        anomalies: state.anomalies,
        sample: sample.into_exchanges(),
    };
    let _ = reports.send(Report::Done(totals));
}
