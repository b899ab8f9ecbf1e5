//! One worker: an epoll loop that keeps a set of connections busy at the pace it is given.
//!
//! The engine starts one per load thread. A worker owns its connections, its schedule and its tally, shares nothing
//! while it runs, and never judges: it counts what the reader of each response says.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;
use rustix::event::{Timespec, epoll};

use super::connection::{Connection, Ended, InFlight, Progress};
use super::pace::Schedule;
use super::requests::Mix;
use super::tally::TagTally;

/// What decides when the next request is sent.
#[derive(Debug)]
pub enum Pace {
    /// Open loop: arrivals are due at fixed instants, whatever happened before.
    Open(Schedule),
    /// Closed loop: each connection sends its next request when it has its answer.
    Closed {
        /// Pause between an answer and the next request, in nanoseconds.
        think_ns: u64,
        /// Most requests in all; zero: no limit but the time.
        iterations: u64,
        /// Most time in nanoseconds.
        length_ns: u64,
    },
}

/// What a worker does.
#[derive(Debug)]
pub struct Assignment {
    /// The proxy.
    pub target: SocketAddr,
    /// Makes the sockets.
    pub network: Network,
    /// The run's clock.
    pub clock: RunClock,
    /// Connections; with an open loop also the cap on requests in flight.
    pub connections: usize,
    /// Whether connections are kept after an answer.
    pub persistent: bool,
    /// When.
    pub pace: Pace,
    /// What.
    pub mix: Mix,
    /// Number of tags.
    pub tags: usize,
    /// Requests due before this offset are sent and not counted.
    pub warmup_ns: u64,
    /// A request that takes longer, counted from its sending, is given up.
    pub timeout_ns: u64,
    /// Set from outside to end early.
    pub stop: Arc<AtomicBool>,
}

/// What a worker reports, once a second and at its end.
#[derive(Debug)]
pub struct Report {
    /// Tallies by tag since the last report.
    pub tallies: Vec<TagTally>,
    /// When.
    pub at: Moment,
    /// Requests in flight or waiting for a connection.
    pub unfinished: usize,
    /// Whether arrivals have waited because every connection was busy.
    pub overloaded: bool,
    /// Connections opened so far.
    pub connections_opened: u64,
    /// What was strange, as far as it was kept, and how many more there were.
    pub anomalies: Vec<(Ended, Moment)>,
    /// Anomalies that were only counted.
    pub anomalies_dropped: u64,
}

/// Anomalies kept in full per report; the rest is counted.
const ANOMALIES_KEPT: usize = 100;
const REPORT_EVERY_NS: u64 = 1_000_000_000;
/// How long a loop may sleep without looking at the stop flag and the time-outs.
const LONGEST_WAIT_NS: u64 = 20_000_000;

/// Runs a worker to its end; reports go to `reports`.
///
/// # Errors
/// What the operating system refuses in making the epoll descriptor; everything that happens to connections is counted.
pub fn run(assignment: Assignment, reports: &Sender<Report>) -> io::Result<()> {
    crate::platform::Timer::make_this_thread_punctual();
    Worker::new(assignment)?.run(reports)
}

struct Worker {
    a: Assignment,
    epoll: std::os::fd::OwnedFd,
    connections: Vec<Connection>,
    /// Idle ones, the last used on top, so that a low rate uses few.
    free: Vec<usize>,
    /// Arrivals that are due or will be, as offsets, in order.
    waiting: VecDeque<u64>,
    next_due: Option<u64>,
    /// (when to give up, connection, its use) in order, since every request has the same time.
    deadlines: VecDeque<(u64, usize, u64)>,
    uses: Vec<u64>,
    started: u64,
    sent: u64,
    tallies: Vec<TagTally>,
    overloaded: bool,
    opened: u64,
    anomalies: Vec<(Ended, Moment)>,
    anomalies_dropped: u64,
    buffer: Vec<u8>,
}

impl Worker {
    fn new(assignment: Assignment) -> io::Result<Worker> {
        let count = assignment.connections.max(1);
        let tags = assignment.tags;
        Ok(Worker {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            connections: (0..count).map(|_| Connection::default()).collect(),
            free: (0..count).rev().collect(),
            waiting: VecDeque::new(),
            next_due: None,
            deadlines: VecDeque::new(),
            uses: vec![0; count],
            started: assignment.clock.now().0,
            sent: 0,
            tallies: vec![TagTally::default(); tags],
            overloaded: false,
            opened: 0,
            anomalies: Vec::new(),
            anomalies_dropped: 0,
            buffer: vec![0; 64 * 1024],
            a: assignment,
        })
    }

    fn run(mut self, reports: &Sender<Report>) -> io::Result<()> {
        let end = match &self.a.pace {
            Pace::Open(schedule) => schedule.length_ns(),
            Pace::Closed { length_ns, .. } => *length_ns,
        };
        match &mut self.a.pace {
            Pace::Open(schedule) => self.next_due = schedule.next(),
            Pace::Closed { .. } => self.waiting.extend(std::iter::repeat_n(0, self.connections.len())),
        }
        let mut events = Vec::with_capacity(self.connections.len().clamp(16, 1024));
        let mut next_report = REPORT_EVERY_NS;
        loop {
            let now = self.offset();
            let stopping = self.a.stop.load(Ordering::Relaxed);
            self.admit(now, end, stopping);
            self.give_up(now);
            if now >= next_report {
                self.report(reports);
                next_report = now + REPORT_EVERY_NS;
            }
            let idle = self.free.len() == self.connections.len();
            let nothing_to_come = self.next_due.is_none() && self.waiting.is_empty();
            if idle && nothing_to_come || stopping {
                self.report(reports);
                return Ok(());
            }
            let timeout = self.wait_for(self.offset());
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                self.handle(data.u64() as usize, flags);
            }
        }
    }

    /// Takes over what is due and puts it on free connections.
    fn admit(&mut self, now: u64, end: u64, stopping: bool) {
        if let Pace::Open(schedule) = &mut self.a.pace {
            while let Some(due) = self.next_due.filter(|&due| due <= now) {
                self.waiting.push_back(due);
                self.next_due = if stopping { None } else { schedule.next() };
            }
        }
        while let Some(&due) = self.waiting.front().filter(|&&due| due <= now) {
            if let Pace::Closed { iterations, .. } = self.a.pace {
                if now >= end || stopping || (iterations > 0 && self.sent >= iterations) {
                    self.waiting.clear();
                    return;
                }
            }
            let Some(index) = self.free.pop() else {
                self.overloaded |= matches!(self.a.pace, Pace::Open(_));
                return;
            };
            self.waiting.pop_front();
            let intended = if matches!(self.a.pace, Pace::Open(_)) { due } else { self.offset() };
            self.send(index, intended);
        }
    }

    fn send(&mut self, index: usize, intended: u64) {
        self.sent += 1;
        self.uses[index] += 1;
        let mut out = std::mem::take(&mut self.connections[index].out);
        let (kind, target) = self.a.mix.next(&mut out);
        let target = String::from_utf8_lossy(&out[target]).into_owned();
        let to_head = self.a.mix.kinds()[kind].method == "HEAD";
        let connection = &mut self.connections[index];
        connection.out = out;
        let sent = self.a.clock.now().0 - self.started;
        let request = InFlight { kind, target, intended, sent };
        if !connection.is_open() {
            let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT | epoll::EventFlags::RDHUP | epoll::EventFlags::ET;
            let opened = connection.open(&self.a.network, self.a.target).and_then(|stream| {
                Ok(epoll::add(&self.epoll, stream, epoll::EventData::new_u64(index as u64), flags)?)
            });
            self.opened += 1;
            if let Err(error) = opened {
                connection.close();
                let ended = Ended { request, fate: super::tally::Fate::Broken, body_bytes: 0, detail: Some(format!("could not connect: {error}")) };
                self.ended(index, ended);
                return;
            }
        }
        self.deadlines.push_back((sent + self.a.timeout_ns, index, self.uses[index]));
        if let Progress::Ended(ended) = connection.start(request, to_head) {
            self.ended(index, ended);
        }
    }

    fn handle(&mut self, index: usize, flags: epoll::EventFlags) {
        let was_busy = self.connections[index].is_busy();
        if flags.contains(epoll::EventFlags::OUT) {
            if let Progress::Ended(ended) = self.connections[index].write() {
                return self.ended(index, ended);
            }
        }
        let readable = epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        if flags.intersects(readable) {
            if let Progress::Ended(ended) = self.connections[index].read(&mut self.buffer) {
                debug_assert!(was_busy, "only a busy connection has a request that can end");
                self.ended(index, ended);
            }
        }
    }

    fn ended(&mut self, index: usize, ended: Ended) {
        let now = self.offset();
        if !self.a.persistent {
            self.connections[index].close();
        }
        self.free.push(index);
        if ended.request.intended >= self.a.warmup_ns {
            let tally = &mut self.tallies[self.a.mix.kinds()[ended.request.kind].tag];
            tally.body_bytes += ended.body_bytes;
            tally.enter(ended.fate, ended.times(now), self.a.timeout_ns);
        }
        if let Pace::Closed { think_ns, .. } = self.a.pace {
            self.waiting.push_back(now + think_ns);
        }
        if ended.detail.is_some() {
            if self.anomalies.len() < ANOMALIES_KEPT {
                self.anomalies.push((ended, Moment(self.started + now)));
            } else {
                self.anomalies_dropped += 1;
            }
        }
    }

    fn give_up(&mut self, now: u64) {
        while let Some(&(_, index, used)) = self.deadlines.front().filter(|(at, index, used)| {
            *at <= now || self.uses[*index] != *used || !self.connections[*index].is_busy()
        }) {
            self.deadlines.pop_front();
            if self.uses[index] == used && self.connections[index].is_busy() {
                if let Progress::Ended(ended) = self.connections[index].time_out() {
                    self.ended(index, ended);
                }
            }
        }
    }

    fn wait_for(&self, now: u64) -> Timespec {
        let due = self.next_due.into_iter().chain(self.waiting.front().copied().filter(|_| !self.free.is_empty())).min();
        let wait = due.map_or(LONGEST_WAIT_NS, |due| due.saturating_sub(now)).min(LONGEST_WAIT_NS);
        Timespec { tv_sec: 0, tv_nsec: wait as i64 }
    }

    fn report(&mut self, reports: &Sender<Report>) {
        let tags = self.tallies.len();
        let report = Report {
            tallies: std::mem::replace(&mut self.tallies, vec![TagTally::default(); tags]),
            at: self.a.clock.now(),
            unfinished: self.connections.len() - self.free.len() + self.waiting.len(),
            overloaded: self.overloaded,
            connections_opened: self.opened,
            anomalies: std::mem::take(&mut self.anomalies),
            anomalies_dropped: std::mem::take(&mut self.anomalies_dropped),
        };
        // Nobody listens any more when the run was interrupted; the worker ends by its stop flag then.
        let _ = reports.send(report);
    }

    fn offset(&self) -> u64 {
        self.a.clock.now().0.saturating_sub(self.started)
    }
}
