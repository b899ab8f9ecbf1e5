//! One thread of the engine: a loop that keeps a set of connections busy at the pace it is given.
//!
//! [`super::run`] starts it. It owns its connections, its schedule and its tallies, shares nothing while it runs, and hands
//! over what it counted once a second. It never judges, and nothing is dropped or skipped: an arrival that finds every
//! connection busy waits, and its clock runs.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fake_backends::behavior::Random;
use fake_backends::clock::{Moment, RunClock};
use tokio::sync::mpsc::UnboundedSender;

use super::connection::{Connection, Ended, InFlight};
use super::pace::Pace;
use super::proof::Memory;
use super::requests::Mix;
use super::tally::{Counters, Fate, IntervalTally, Phase, Sample, Times};
use super::testimony;
use crate::traffic::Clients;
use crate::traffic::client::{may_be_repeated, not_connected};
use harness_model::history::{Exchange, ExchangeEnd};
use harness_platform::{Poller, Ready, Timer, thread_cpu_time};

/// What a worker does.
#[derive(Debug)]
pub(super) struct Assignment {
    /// Whom to ask, where sockets are made, who numbers exchanges.
    pub(super) clients: Clients,
    /// Connections; with an open loop also the cap on requests in flight.
    pub(super) connections: usize,
    /// Whether connections are kept after an answer.
    pub(super) persistent: bool,
    /// Whether all connections are used in turn.
    pub(super) spread: bool,
    /// When.
    pub(super) pace: Pace,
    /// Our share of the users of a closed loop: every `of`-th, from `index` on.
    pub(super) share: (usize, usize),
    /// What.
    pub(super) mix: Mix,
    /// Number of tags.
    pub(super) tags: usize,
    /// Requests due before this offset are sent and not counted.
    pub(super) warmup_ns: u64,
    /// Nor are those due from this offset on.
    pub(super) cooldown_from_ns: u64,
    /// A request that takes longer, counted from its sending, is given up.
    pub(super) timeout_ns: u64,
    /// Seed of the sample.
    pub(super) seed: u64,
    /// Set from outside to end early.
    pub(super) stop: Arc<AtomicBool>,
}

/// What a worker says while it runs.
#[derive(Debug)]
pub(super) enum Report {
    /// What ended since the last one.
    Interval(Interval),
    /// The warm-up is over.
    Warm,
    /// The end.
    Done(Box<Totals>),
}

/// What ended within about a second.
#[derive(Debug)]
pub(super) struct Interval {
    pub(super) start: Moment,
    pub(super) duration: Duration,
    /// By tag and phase; those without requests are left out.
    pub(super) tallies: Vec<(usize, Phase, Box<IntervalTally>)>,
    pub(super) errors: u64,
    pub(super) in_flight: usize,
    /// What was strange, as far as it is kept.
    pub(super) anomalies: Vec<(Fate, Exchange)>,
}

/// What a worker says at its end, warm-up and cool-down excluded.
#[derive(Debug)]
pub(super) struct Totals {
    /// By tag.
    pub(super) counters: Vec<Counters>,
    /// Whether an arrival has ever waited because every connection was busy.
    pub(super) overloaded: bool,
    pub(super) measured: Duration,
    /// Anomalies beyond those that were kept.
    pub(super) anomalies_dropped: u64,
    pub(super) sample: Vec<Exchange>,
    pub(super) connections_opened: u64,
    /// Those that are open still.
    pub(super) connections_held: u64,
    pub(super) cpu: Option<Duration>,
}

/// Exchanges in the sample of a step.
const SAMPLE: usize = 1_000;
/// Anomalies that are recorded in full; the rest is counted.
const ANOMALIES_KEPT: u64 = 10_000;
const INTERVAL_NS: u64 = 1_000_000_000;
/// The longest wait between two looks at the stop flag and the deadlines.
const TICK: Duration = Duration::from_millis(20);
/// What one read takes at most.
const BUFFER: usize = 64 << 10;

/// Runs a worker to its end on the calling thread.
///
/// # Errors
/// What the operating system refuses; everything that happens to connections is counted.
pub(super) fn run(assignment: Assignment, reports: &UnboundedSender<Report>) -> io::Result<()> {
    Timer::make_this_thread_punctual();
    Worker::new(assignment)?.run(reports)
}

struct Worker {
    a: Assignment,
    clock: RunClock,
    start: Moment,
    length_ns: u64,
    poller: Poller,
    connections: Vec<Connection>,
    /// Idle ones, the last used on top, so that a low rate uses few.
    free: VecDeque<usize>,
    next_due: Option<u64>,
    /// Users of a closed loop: how many there are, and when those who pause go on, in order.
    users: usize,
    pausing: VecDeque<u64>,
    /// (when to give up, connection, its use) in order, since every request has the same time.
    deadlines: VecDeque<(u64, usize, u64)>,
    uses: Vec<u64>,
    sent: u64,
    tallies: Vec<Option<Box<IntervalTally>>>,
    interval_start: u64,
    interval_errors: u64,
    counters: Vec<Counters>,
    overloaded: bool,
    opened: u64,
    anomalies: Vec<(Fate, Exchange)>,
    anomalies_seen: u64,
    sample: Sample,
    memories: Vec<Memory>,
    buffer: Vec<u8>,
}

impl Worker {
    fn new(assignment: Assignment) -> io::Result<Worker> {
        let count = assignment.connections.max(1);
        let clock = assignment.clients.clock();
        Ok(Worker {
            clock,
            start: clock.now(),
            length_ns: assignment.pace.length_ns(),
            poller: Poller::new()?,
            connections: (0..count).map(|_| Connection::new(assignment.clients.secret())).collect(),
            free: (0..count).rev().collect(),
            next_due: None,
            users: 0,
            pausing: VecDeque::new(),
            deadlines: VecDeque::new(),
            uses: vec![0; count],
            sent: 0,
            tallies: (0..assignment.tags * Phase::ALL.len()).map(|_| None).collect(),
            interval_start: 0,
            interval_errors: 0,
            counters: vec![Counters::default(); assignment.tags],
            overloaded: false,
            opened: 0,
            anomalies: Vec::new(),
            anomalies_seen: 0,
            sample: Sample::new(SAMPLE, Random::new(assignment.seed)),
            memories: assignment.mix.kinds().iter().map(|_| Memory::default()).collect(),
            buffer: vec![0; BUFFER],
            a: assignment,
        })
    }

    fn run(mut self, reports: &UnboundedSender<Report>) -> io::Result<()> {
        if let Pace::Open(schedule) = &mut self.a.pace {
            self.next_due = schedule.next();
        }
        let mut ready: Vec<Ready> = Vec::new();
        let (mut warm, mut cpu_before) = (false, None);
        loop {
            let now = self.offset();
            if !warm && now >= self.a.warmup_ns {
                (warm, cpu_before) = (true, thread_cpu_time());
                // An error means that nobody listens any more; the stop flag follows.
                let _ = reports.send(Report::Warm);
            }
            let stopping = self.a.stop.load(Ordering::Relaxed);
            if !stopping {
                self.admit(now);
            }
            self.give_up(now);
            if now >= self.interval_start + INTERVAL_NS {
                self.hand_over(now, reports);
            }
            let idle = self.free.len() == self.connections.len();
            if stopping || (idle && self.nothing_to_come(now)) {
                break;
            }
            self.poller.wait(self.wait_for(self.offset()), &mut ready)?;
            for event in &ready {
                self.handle(*event);
            }
        }
        let now = self.offset();
        self.hand_over(now, reports);
        let cpu = thread_cpu_time().zip(cpu_before).map(|(now, before)| now.saturating_sub(before));
        let until = now.min(self.a.cooldown_from_ns);
        let held = self.connections.iter().filter(|connection| connection.is_open()).count();
        let totals = Totals {
            counters: self.counters,
            overloaded: self.overloaded,
            measured: Duration::from_nanos(until.saturating_sub(self.a.warmup_ns)),
            anomalies_dropped: self.anomalies_seen.saturating_sub(ANOMALIES_KEPT),
            sample: self.sample.into_exchanges(),
            connections_opened: self.opened,
            connections_held: held as u64,
            cpu,
        };
        let _ = reports.send(Report::Done(Box::new(totals)));
        Ok(())
    }

    /// Sends what is due, as far as connections are free.
    fn admit(&mut self, now: u64) {
        match &self.a.pace {
            Pace::Open(_) => self.admit_arrivals(now),
            Pace::Closed { crowd, iterations, .. } => {
                let done = now >= self.length_ns || (*iterations > 0 && self.sent >= *iterations);
                let (index, of) = self.a.share;
                let all = if done { 0 } else { crowd.at(now) };
                let allowed = (all + of - 1 - index.min(of - 1)) / of;
                self.admit_users(now, allowed);
            }
        }
    }

    fn admit_arrivals(&mut self, now: u64) {
        while let Some(due) = self.next_due.filter(|&due| due <= now) {
            let Some(index) = self.take() else {
                self.overloaded = true;
                // A proxy that answers nothing must not hold the run for as long as it takes to ask it everything.
                if now >= self.length_ns + self.a.timeout_ns {
                    self.never_sent(now);
                }
                return;
            };
            if let Pace::Open(schedule) = &mut self.a.pace {
                self.next_due = schedule.next();
            }
            self.send(index, due);
        }
    }

    fn admit_users(&mut self, now: u64, allowed: usize) {
        while self.pausing.front().is_some_and(|&due| due <= now) {
            self.pausing.pop_front();
            if self.users > allowed {
                self.users -= 1;
            } else if let Some(index) = self.take() {
                self.send(index, now);
            }
        }
        while self.users < allowed {
            let Some(index) = self.take() else { return };
            self.users += 1;
            self.send(index, now);
        }
        // Whoever pauses beyond the end goes home.
        if allowed == 0 {
            self.users -= self.pausing.len().min(self.users);
            self.pausing.clear();
        }
    }

    /// An idle connection: the one that has rested longest, or the last used.
    fn take(&mut self) -> Option<usize> {
        if self.a.spread { self.free.pop_front() } else { self.free.pop_back() }
    }

    fn nothing_to_come(&self, now: u64) -> bool {
        match &self.a.pace {
            Pace::Open(_) => self.next_due.is_none(),
            Pace::Closed { iterations, .. } => {
                now >= self.length_ns || (*iterations > 0 && self.sent >= *iterations)
            }
        }
    }

    fn send(&mut self, index: usize, intended: u64) {
        self.sent += 1;
        self.uses[index] += 1;
        let connection = &mut self.connections[index];
        let written = self.a.mix.next(&mut connection.out);
        let kind = &self.a.mix.kinds()[written.kind];
        let to_head = kind.to_head;
        let sent = self.clock.now().since(self.start).as_nanos() as u64;
        // A closed loop has no schedule to be late for.
        let intended = if matches!(self.a.pace, Pace::Open(_)) { intended } else { sent };
        let counters = &mut self.counters[kind.tag];
        if sent <= self.length_ns
            && Phase::of(intended, self.a.warmup_ns, self.a.cooldown_from_ns) == Phase::Measured
        {
            counters.sent_in_time += 1;
        }
        self.deadlines.push_back((sent + self.a.timeout_ns, index, self.uses[index]));
        self.start(index, InFlight { written, intended, sent, again: false }, to_head);
    }

    /// Starts a request whose bytes lie in its connection, which is opened where it is not.
    fn start(&mut self, index: usize, request: InFlight, to_head: bool) {
        let connection = &mut self.connections[index];
        if !connection.is_open() {
            self.opened += 1;
            let (clients, poller) = (&self.a.clients, &self.poller);
            let opened = connection
                .open(clients.network(), clients.source(), clients.address(), clients.next_connection())
                .and_then(|stream| poller.add(stream, index));
            if let Err(error) = opened {
                connection.close();
                return self.ended(index, &Ended { request, end: not_connected(&error), extra: 0 });
            }
        }
        if let Some(ended) = connection.start(request, to_head) {
            self.ended(index, &ended);
        }
    }

    fn handle(&mut self, event: Ready) {
        let Some(connection) = self.connections.get_mut(event.token) else { return };
        let mut ended = None;
        if event.writable {
            ended = connection.write();
        }
        if ended.is_none() && event.readable {
            ended = connection.read(&mut self.buffer);
        }
        if let Some(ended) = ended {
            self.ended(event.token, &ended);
        }
    }

    fn ended(&mut self, index: usize, ended: &Ended) {
        let now = self.offset();
        let written = &ended.request.written;
        let kind = &self.a.mix.kinds()[written.kind];
        let connection = &mut self.connections[index];
        if connection.was_crossed(ended) && may_be_repeated(kind.method()) {
            self.counters[kind.tag].asked_again += 1;
            let (request, to_head) = (InFlight { again: true, ..ended.request.clone() }, kind.to_head);
            return self.start(index, request, to_head);
        }
        let status = connection.answer.status;
        let has_body = !kind.to_head && !matches!(status, 204 | 304);
        let proven = (ended.end == ExchangeEnd::Complete && has_body).then(|| {
            let target = connection.out.get(written.target.clone()).unwrap_or_default();
            let target = std::str::from_utf8(target).unwrap_or_default();
            connection.proof.conclude(target, written.key, &mut self.memories[written.kind])
        });
        let fate = Fate::of(&ended.end, status, ended.extra, proven.as_ref());
        let times = Times { intended: ended.request.intended, sent: Some(ended.request.sent), finished: now };
        let phase = Phase::of(times.intended, self.a.warmup_ns, self.a.cooldown_from_ns);
        let slot = &mut self.tallies[kind.tag * Phase::ALL.len() + phase as usize];
        slot.get_or_insert_default().enter(fate, times, self.a.timeout_ns);
        if phase == Phase::Measured {
            self.counters[kind.tag].enter(fate, connection.proof.bytes());
        }
        let strange = fate != Fate::Good;
        self.interval_errors += u64::from(strange);
        self.anomalies_seen += u64::from(strange);
        let place = if strange { None } else { self.sample.place() };
        if place.is_some() || (strange && self.anomalies_seen <= ANOMALIES_KEPT) {
            let id = self.a.clients.next_exchange();
            let (method, start) = (kind.method(), self.start);
            let exchange =
                testimony::exchange((id, self.sent), method, connection, ended, proven.as_ref(), start, now);
            match place {
                Some(place) => self.sample.keep(place, exchange),
                None => self.anomalies.push((fate, exchange)),
            }
        }
        if !self.a.persistent || fate == Fate::Corrupt {
            connection.close();
        }
        self.free.push_back(index);
        if let Pace::Closed { think_ns, .. } = self.a.pace {
            self.pausing.push_back(now + think_ns);
        }
    }

    /// The arrivals that found no connection until the engine gave up: their users waited in vain.
    fn never_sent(&mut self, now: u64) {
        let Pace::Open(schedule) = &mut self.a.pace else { return };
        while let Some(intended) = self.next_due {
            self.next_due = schedule.next();
            let phase = Phase::of(intended, self.a.warmup_ns, self.a.cooldown_from_ns);
            let times = Times { intended, sent: None, finished: now };
            self.tallies[phase as usize].get_or_insert_default().enter(
                Fate::TimedOut,
                times,
                self.a.timeout_ns,
            );
            self.interval_errors += 1;
            if phase == Phase::Measured {
                self.counters[0].enter(Fate::TimedOut, 0);
                self.counters[0].never_sent += 1;
            }
        }
    }

    fn give_up(&mut self, now: u64) {
        while let Some(&(at, index, used)) = self.deadlines.front() {
            let over = self.uses[index] != used || !self.connections[index].is_busy();
            if !over && at > now {
                return;
            }
            self.deadlines.pop_front();
            if !over && let Some(ended) = self.connections[index].time_out() {
                self.ended(index, &ended);
            }
        }
    }

    fn wait_for(&self, now: u64) -> Duration {
        let next = match &self.a.pace {
            // Without a free connection only the sockets can help.
            Pace::Open(_) => self.next_due.filter(|_| !self.free.is_empty()),
            Pace::Closed { .. } => self.pausing.front().copied(),
        };
        next.map_or(TICK, |due| Duration::from_nanos(due.saturating_sub(now)).min(TICK))
    }

    fn hand_over(&mut self, now: u64, reports: &UnboundedSender<Report>) {
        let mut tallies = Vec::new();
        for (place, slot) in self.tallies.iter_mut().enumerate() {
            if let Some(tally) = slot.take() {
                tallies.push((place / Phase::ALL.len(), Phase::ALL[place % Phase::ALL.len()], tally));
            }
        }
        let interval = Interval {
            start: Moment(self.start.0 + self.interval_start),
            duration: Duration::from_nanos(now - self.interval_start),
            tallies,
            errors: std::mem::take(&mut self.interval_errors),
            in_flight: self.connections.len() - self.free.len(),
            anomalies: std::mem::take(&mut self.anomalies),
        };
        self.interval_start = now;
        // Nobody listens any more when the run was interrupted; the worker ends by its stop flag then.
        let _ = reports.send(Report::Interval(interval));
    }

    fn offset(&self) -> u64 {
        self.clock.now().0.saturating_sub(self.start.0)
    }
}
