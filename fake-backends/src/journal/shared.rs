//! The journal itself: shared by all backends of a run, appended to by their threads, read by others while it grows.
//!
//! An attempt enters it when its head is complete (or refused), so counts are exact as soon as an answer can have left;
//! it goes out to subscribers when it is over. Waiting is bounded by the caller. It never writes a file. One that is kept by
//! another process can be followed as if it were here ([`Journal::mirrored`]).

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::record::{Attempt, ConnectionRecord, Outcome};
use crate::clock::{Moment, RunClock};

/// The journal of a run. Clones are cheap and mean the same journal.
#[derive(Clone, Debug)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: RunClock,
    next_connection: AtomicU64,
    pages: Mutex<Pages>,
    changed: Condvar,
    mirror: Option<Mirror>,
}

/// Gives the attempts of another journal from a position on, as they stand there now, in the moments of this clock.
pub type Fetch = Box<dyn Fn(usize) -> io::Result<Vec<Attempt>> + Send + Sync>;

/// A journal elsewhere.
struct Mirror {
    fetch: Fetch,
    /// Attempts before this position are over and will not change; held while one is fetching.
    settled: Mutex<usize>,
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").field("settled", &self.settled).finish_non_exhaustive()
    }
}

/// Between two looks at a journal elsewhere, while something is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

#[derive(Debug, Default)]
struct Pages {
    /// Whether attempts and connections only pass through, on their way to subscribers.
    forgets: bool,
    attempts: Vec<Arc<Attempt>>,
    open_attempts: usize,
    connections: Vec<ConnectionRecord>,
    subscribers: Vec<Sender<Attempt>>,
    /// Threads in `wait_until`; nobody is woken up when there are none.
    waiting: usize,
}

/// An attempt that is not over yet. Dropping it ends the attempt as `Stopped`, so that none is lost with its task.
#[derive(Debug)]
pub(crate) struct OpenAttempt {
    journal: Journal,
    position: usize,
    /// What is known so far; `finish` puts it into the journal.
    pub(crate) attempt: Attempt,
    /// Its outcome, should it be dropped.
    pub(crate) if_dropped: Outcome,
}

impl Journal {
    /// An empty journal, whose moments are those of this clock.
    pub fn new(clock: RunClock) -> Journal {
        Journal::with(clock, Pages::default(), None)
    }

    /// A journal that keeps nothing and only serves its subscribers: for programs that run for days.
    pub fn forgetting(clock: RunClock) -> Journal {
        Journal::with(clock, Pages { forgets: true, ..Pages::default() }, None)
    }

    /// A journal that is kept elsewhere: each look at it fetches what is new there. Connections are not fetched.
    pub fn mirrored(clock: RunClock, fetch: Fetch) -> Journal {
        Journal::with(clock, Pages::default(), Some(Mirror { fetch, settled: Mutex::new(0) }))
    }

    fn with(clock: RunClock, pages: Pages, mirror: Option<Mirror>) -> Journal {
        let pages = Mutex::new(pages);
        let (next_connection, changed) = (AtomicU64::new(1), Condvar::new());
        Journal { inner: Arc::new(Inner { clock, next_connection, pages, changed, mirror }) }
    }

    /// Fetches what is new, where it is kept elsewhere; a look that fails is made up for by the next one that does not.
    ///
    /// # Errors
    /// The other end did not answer.
    pub fn refresh(&self) -> io::Result<()> {
        let Some(mirror) = &self.inner.mirror else { return Ok(()) };
        // One at a time, so that none enters an attempt twice.
        let mut settled = mirror.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let fetched = (mirror.fetch)(*settled)?;
        let mut pages = self.pages();
        for (position, attempt) in (*settled..).zip(fetched) {
            if pages.attempts.get(position).is_some_and(|known| known.is_over()) {
                continue;
            }
            if attempt.is_over() {
                pages.subscribers.retain(|subscriber| subscriber.send(attempt.clone()).is_ok());
            }
            let attempt = Arc::new(attempt);
            match pages.attempts.get_mut(position) {
                Some(slot) => *slot = attempt,
                None => pages.attempts.push(attempt),
            }
        }
        let fresh = pages.attempts.iter().skip(*settled);
        let (open, first_open) =
            (fresh.clone().filter(|it| !it.is_over()).count(), fresh.take_while(|it| it.is_over()).count());
        *settled += first_open;
        pages.open_attempts = open;
        Ok(())
    }

    /// All attempts so far, in the order in which their heads were complete.
    pub fn snapshot(&self) -> Vec<Arc<Attempt>> {
        self.attempts_since(0)
    }

    /// Attempts from position `first` on: with the length of the previous answer one reads on where one was.
    pub fn attempts_since(&self, first: usize) -> Vec<Arc<Attempt>> {
        self.look();
        self.pages().attempts.get(first..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// Number of attempts so far, of all backends.
    pub fn count(&self) -> usize {
        self.look();
        self.pages().attempts.len()
    }

    /// Number of attempts that are not over.
    pub fn open_count(&self) -> usize {
        self.look();
        self.pages().open_attempts
    }

    /// All connections so far, in the order in which they were accepted, those without a request included.
    pub fn connections(&self) -> Vec<ConnectionRecord> {
        self.pages().connections.clone()
    }

    /// Sends each attempt that ends from now on, once. A receiver that is gone is forgotten.
    pub fn subscribe(&self, subscriber: Sender<Attempt>) {
        self.pages().subscribers.push(subscriber);
    }

    /// Waits until the attempts so far satisfy `enough`, at most until `deadline`; says whether they did.
    pub fn wait_until(&self, deadline: Instant, mut enough: impl FnMut(&[Arc<Attempt>]) -> bool) -> bool {
        self.wait(deadline, |pages| enough(&pages.attempts))
    }

    /// Waits until there are at least `count` attempts, at most until `deadline`; says whether there are.
    pub fn wait_for_count(&self, count: usize, deadline: Instant) -> bool {
        self.wait(deadline, |pages| pages.attempts.len() >= count)
    }

    /// Waits until no attempt is open, at most until `deadline`; says whether that was so.
    pub fn wait_until_quiet(&self, deadline: Instant) -> bool {
        self.wait(deadline, |pages| pages.open_attempts == 0)
    }

    /// Waits until the connections so far satisfy `enough`, at most until `deadline`; says whether they did.
    pub fn wait_for_connections(
        &self,
        deadline: Instant,
        mut enough: impl FnMut(&[ConnectionRecord]) -> bool,
    ) -> bool {
        self.wait(deadline, |pages| enough(&pages.connections))
    }

    /// The clock of its moments.
    pub fn clock(&self) -> RunClock {
        self.inner.clock
    }

    /// A number for a connection, unique in this journal. Connections of backends that only count have one too.
    pub(crate) fn next_connection(&self) -> u64 {
        self.inner.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Enters a connection; the answer is its position, for `close_connection`.
    pub(crate) fn open_connection(&self, connection: ConnectionRecord) -> usize {
        let mut pages = self.pages();
        if !pages.forgets {
            pages.connections.push(connection);
        }
        pages.connections.len().saturating_sub(1)
    }

    /// Replaces the record of a connection by its final one.
    pub(crate) fn close_connection(&self, position: usize, connection: ConnectionRecord) {
        let mut pages = self.pages();
        if let Some(slot) = pages.connections.get_mut(position) {
            *slot = connection;
        }
        self.announce(&pages);
    }

    /// Enters an attempt that has just begun.
    pub(crate) fn begin(&self, attempt: Attempt) -> OpenAttempt {
        let mut pages = self.pages();
        let position = pages.attempts.len();
        if !pages.forgets {
            pages.attempts.push(Arc::new(attempt.clone()));
        }
        pages.open_attempts += 1;
        self.announce(&pages);
        drop(pages);
        OpenAttempt { journal: self.clone(), position, attempt, if_dropped: Outcome::Stopped }
    }

    fn announce(&self, pages: &Pages) {
        if pages.waiting > 0 {
            self.inner.changed.notify_all();
        }
    }

    /// Whoever looks wants to know what is there now. Whether the other end still answers is asked for by `refresh`.
    fn look(&self) {
        let _ = self.refresh();
    }

    fn wait(&self, deadline: Instant, mut enough: impl FnMut(&Pages) -> bool) -> bool {
        self.look();
        let mut pages = self.pages();
        loop {
            if enough(&pages) {
                return true;
            }
            let left = deadline.saturating_duration_since(self.instant_now());
            if left == Duration::ZERO {
                return false;
            }
            if self.inner.mirror.is_some() {
                drop(pages);
                std::thread::sleep(LOOK_AGAIN.min(left));
                self.look();
                pages = self.pages();
                continue;
            }
            pages.waiting += 1;
            pages = self.inner.changed.wait_timeout(pages, left).unwrap_or_else(PoisonError::into_inner).0;
            pages.waiting -= 1;
        }
    }

    fn instant_now(&self) -> Instant {
        self.inner.clock.instant_of(self.inner.clock.now())
    }

    /// Nothing that is done under this lock can leave the pages half written, so a panic elsewhere does not spoil them.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.inner.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenAttempt {
    /// Puts what is known so far into the journal, for readers that look before it is over.
    pub(crate) fn publish(&self) {
        let mut pages = self.journal.pages();
        if let Some(slot) = pages.attempts.get_mut(self.position) {
            *slot = Arc::new(self.attempt.clone());
        }
        self.journal.announce(&pages);
    }

    /// Ends the attempt at this moment.
    pub(crate) fn finish(mut self, at: Moment, outcome: Outcome) {
        self.close(at, outcome);
    }

    fn close(&mut self, at: Moment, outcome: Outcome) {
        self.attempt.finished = at;
        self.attempt.outcome = outcome;
        let attempt = std::mem::replace(&mut self.attempt, Attempt::unknown());
        let mut pages = self.journal.pages();
        pages.subscribers.retain(|subscriber| subscriber.send(attempt.clone()).is_ok());
        // There is no slot in a journal that forgets.
        if let Some(slot) = pages.attempts.get_mut(self.position) {
            *slot = Arc::new(attempt);
        }
        pages.open_attempts -= 1;
        self.journal.announce(&pages);
    }
}

impl Drop for OpenAttempt {
    fn drop(&mut self) {
        // `close` leaves an attempt that is over behind, so this acts only on one that was never finished.
        if !self.attempt.is_over() {
            let now = self.journal.inner.clock.now();
            let outcome = self.if_dropped.clone();
            self.close(now, outcome);
        }
    }
}

impl Attempt {
    /// What `close` leaves behind.
    fn unknown() -> Attempt {
        Attempt { outcome: Outcome::Stopped, ..Attempt::started("", 0, 0, Moment(0), Moment(0)) }
    }

    /// An attempt of which only the beginning is known.
    pub fn started(
        backend: &str,
        number: u64,
        connection: u64,
        accepted: Moment,
        arrived: Moment,
    ) -> Attempt {
        Attempt {
            backend: backend.to_owned(),
            number,
            connection,
            request_on_connection: 1,
            peer: None,
            accepted,
            arrived,
            head_complete: None,
            body_complete: None,
            responded: None,
            finished: arrived,
            peer_closed: None,
            method: String::new(),
            target: String::new(),
            head: Default::default(),
            head_bytes: 0,
            body_bytes: 0,
            body_hash: 0,
            body_start: Default::default(),
            extra_bytes: 0,
            expected_continue: false,
            met: None,
            status: None,
            response_bytes: 0,
            outcome: Outcome::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn journal() -> Journal {
        Journal::new(RunClock::start())
    }

    fn attempt(number: u64) -> Attempt {
        Attempt::started("b1", number, 1, Moment(1), Moment(2))
    }

    #[test]
    fn a_journal_kept_elsewhere_is_followed_and_each_end_told_once() {
        let there = journal();
        let source = there.clone();
        let fetch = move |from| {
            Ok(source.attempts_since(from).iter().map(|it| (**it).clone().shifted(1_000)).collect())
        };
        let here = Journal::mirrored(RunClock::start(), Box::new(fetch));
        let (sender, ended) = mpsc::channel();
        here.subscribe(sender);
        let (first, second) = (there.begin(attempt(1)), there.begin(attempt(2)));
        assert_eq!((here.count(), here.open_count()), (2, 2));
        // Out of order: the first is still open and is looked at again.
        second.finish(Moment(7), Outcome::Answered);
        assert_eq!(here.open_count(), 1);
        let deadline = here.instant_now() + Duration::from_secs(5);
        let ending = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            first.finish(Moment(9), Outcome::Answered);
        });
        assert!(here.wait_until_quiet(deadline));
        ending.join().unwrap();
        let ended: Vec<(u64, Moment)> = ended.try_iter().map(|it| (it.number, it.finished)).collect();
        assert_eq!(ended, [(2, Moment(1_007)), (1, Moment(1_009))]);
    }

    #[test]
    fn a_look_that_fails_is_made_up_for_and_asked_for_at_the_end() {
        let fetch = |_| Err(io::Error::other("gone"));
        let here = Journal::mirrored(RunClock::start(), Box::new(fetch));
        assert_eq!(here.count(), 0);
        assert!(here.refresh().is_err());
    }

    #[test]
    fn an_attempt_counts_from_its_beginning_and_is_sent_out_once_at_its_end() {
        let journal = journal();
        let (sender, receiver) = mpsc::channel();
        journal.subscribe(sender);
        let first = journal.begin(attempt(1));
        assert_eq!((journal.count(), journal.open_count()), (1, 1));
        assert!(receiver.try_recv().is_err());
        first.finish(Moment(9), Outcome::Answered);
        assert_eq!(journal.open_count(), 0);
        assert_eq!(receiver.try_recv().unwrap().outcome, Outcome::Answered);
        assert!(receiver.try_recv().is_err());
        assert_eq!(journal.attempts_since(0)[0].finished, Moment(9));
        assert!(journal.attempts_since(1).is_empty());
        assert!(journal.attempts_since(7).is_empty());
    }

    #[test]
    fn an_attempt_that_is_dropped_ends_as_stopped() {
        let journal = journal();
        drop(journal.begin(attempt(1)));
        assert_eq!(journal.snapshot()[0].outcome, Outcome::Stopped);
        assert_eq!(journal.snapshot()[0].backend, "b1");
        assert_eq!(journal.open_count(), 0);
    }

    #[test]
    fn a_forgetting_journal_only_passes_on() {
        let journal = Journal::forgetting(RunClock::start());
        let (sender, receiver) = mpsc::channel();
        journal.subscribe(sender);
        journal.begin(attempt(1)).finish(Moment(9), Outcome::Answered);
        assert_eq!(receiver.try_iter().count(), 1);
        assert_eq!((journal.count(), journal.open_count()), (0, 0));
    }

    #[test]
    fn waiting_ends_with_the_count_or_with_the_deadline() {
        let journal = journal();
        let deadline = journal.instant_now() + Duration::from_secs(10);
        let other = journal.clone();
        let writer = std::thread::spawn(move || {
            for number in 1..=3 {
                other.begin(attempt(number)).finish(Moment(5), Outcome::Answered);
            }
        });
        assert!(journal.wait_for_count(3, deadline));
        assert!(journal.wait_until(deadline, |seen| seen.iter().any(|attempt| attempt.number == 3)));
        assert!(journal.wait_until_quiet(deadline));
        assert!(!journal.wait_for_count(4, journal.instant_now() + Duration::from_millis(5)));
        writer.join().unwrap();
    }

    #[test]
    fn an_attempt_survives_json() {
        let mut written = attempt(3);
        written.head = b"GET /\xff HTTP/1.1\r\nHost: x\r\nhost:  y \r\n\r\n"[..].into();
        written.outcome = Outcome::Malformed("no".into());
        let text = serde_json::to_string(&written).unwrap();
        let read: Attempt = serde_json::from_str(&text).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.field("HOST"), Some(&b"x"[..]));
        assert_eq!(read.field("Cookie"), None);
    }
}
