//! Where calls to the disk are made that may have to wait for it.
//!
//! A thread that serves clients never makes one: it hands the work in here, and whoever needs the result waits for that
//! alone, and not for ever. What is handed in runs on threads that do nothing else. Where there is no runtime (tests,
//! the scan of the start) the caller is such a thread itself.
//!
//! Waking a thread costs as much as making a file. What is short and comes by the hundred stands in a line, which one such
//! thread takes from front to back, and a worker is told once of all that was done since it last looked. Whoever stands
//! behind somebody for whom the disk does not answer gets another thread.

use std::cell::Cell;
use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::index::Plain;
use crate::wire::deadline::{Deadline, TICK};

/// How long a client waits for the disk: then it is served without it.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long while something else is overdue already.
const PATIENCE_WITH_THE_LATE: Duration = Duration::from_millis(50);

/// How many responses may be on their way to the disk. A disk that does not keep up costs places in the cache and no
/// memory without end.
const MOST_UNDER_WAY: usize = 256;

thread_local! {
    /// The threads of a runtime that may wait do nothing else, so this is never taken back.
    static AT_DESK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread may wait for the disk.
fn may_wait() -> bool {
    AT_DESK.get() || Handle::try_current().is_err()
}

/// Does something for which nobody waits.
pub(super) fn start(work: impl FnOnce() + Send + 'static) {
    if may_wait() {
        return work();
    }
    tokio::task::spawn_blocking(move || {
        AT_DESK.set(true);
        work();
    });
}

/// Does something and waits for its result, but not for ever; it is done to its end in any case.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if may_wait() {
        return Some(work());
    }
    let (promise, awaited) = promise();
    start(move || promise.keep(work()));
    awaited.wait().await
}

/// The same, for as long as it takes.
pub(super) async fn run_to_end<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (result, arrived) = oneshot::channel();
    start(move || drop(result.send(work())));
    arrived.await.ok()
}

/// The same, for so long.
pub(super) async fn run_within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    tokio::time::timeout(patience, run_to_end(work)).await.ok().flatten()
}

/// How many results have not come although somebody lost patience. A disk that has stopped must not cost everybody all
/// of his patience again; there is one for each process, as there is one disk for most.
static OVERDUE: AtomicUsize = AtomicUsize::new(0);

/// Locks what no panic can leave half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The duty to bring a result; dropped, it means that there is none.
#[derive(Debug)]
pub(super) struct Promise<T>(Arc<Mutex<Outcome<T>>>);

/// The other side of a [`Promise`].
#[derive(Debug)]
pub(super) struct Awaited<T>(Arc<Mutex<Outcome<T>>>);

#[derive(Debug)]
struct Outcome<T> {
    result: Option<T>,
    is_settled: bool,
    /// Nobody waits any more, and it counts among the overdue.
    is_late: bool,
    waker: Option<Waker>,
    /// Where whoever waits is woken together with others.
    doorbell: Option<Arc<Doorbell>>,
}

/// A result that somebody brings and somebody waits for.
pub(super) fn promise<T>() -> (Promise<T>, Awaited<T>) {
    let outcome = Outcome { result: None, is_settled: false, is_late: false, waker: None, doorbell: None };
    let outcome = Arc::new(Mutex::new(outcome));
    (Promise(Arc::clone(&outcome)), Awaited(outcome))
}

impl<T> Promise<T> {
    /// Brings the result.
    pub(super) fn keep(self, result: T) {
        lock(&self.0).result = Some(result);
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let mut outcome = lock(&self.0);
        outcome.is_settled = true;
        if outcome.is_late {
            OVERDUE.fetch_sub(1, Ordering::Relaxed);
        }
        let (waker, doorbell) = (outcome.waker.take(), outcome.doorbell.take());
        drop(outcome);
        match (waker, doorbell) {
            (Some(waker), Some(doorbell)) => doorbell.ring(waker),
            (Some(waker), None) => waker.wake(),
            (None, _) => {}
        }
    }
}

impl<T> Awaited<T> {
    fn patience() -> Duration {
        if OVERDUE.load(Ordering::Relaxed) > 0 { PATIENCE_WITH_THE_LATE } else { PATIENCE }
    }

    fn lose_patience(&self) {
        let mut outcome = lock(&self.0);
        if !outcome.is_settled {
            outcome.is_late = true;
            OVERDUE.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut outcome = lock(&self.0);
        if outcome.is_settled {
            return Poll::Ready(outcome.result.take());
        }
        match &mut outcome.waker {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Waits for the result, but not for ever.
    pub(super) async fn wait(self) -> Option<T> {
        match tokio::time::timeout(Self::patience(), poll_fn(|context| self.poll(context))).await {
            Ok(result) => result,
            Err(_) => {
                self.lose_patience();
                None
            }
        }
    }

    /// The same on a thread that serves clients, where a deadline costs less than a timer, for what stands in `line`.
    pub(super) async fn wait_while_serving(self, mut line: Option<Standing>) -> Option<T> {
        let patience = Self::patience();
        let begun = crate::clock::monotonic();
        let deadline = Deadline::new();
        deadline.set(if line.is_some() { HELD_UP.min(patience / 2) } else { patience });
        if line.is_some() {
            lock(&self.0).doorbell = Doorbell::of_this_thread();
        }
        poll_fn(|context| {
            if let Poll::Ready(result) = self.poll(context) {
                return Poll::Ready(result);
            }
            while deadline.poll_is_over(0, context) {
                match line.take() {
                    Some(standing) => {
                        standing.step_out();
                        deadline.set(patience.saturating_sub(begun.elapsed()));
                    }
                    None => {
                        self.lose_patience();
                        return Poll::Ready(None);
                    }
                }
            }
            Poll::Pending
        })
        .await
    }
}

type Work = Box<dyn FnOnce() + Send>;

/// What stands in line for the disk: short work of one worker, done one after the other by one thread, or by more of them when
/// the disk does not answer the first.
#[derive(Default)]
struct Line(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    works: VecDeque<Work>,
    /// How many have come, and how many were taken.
    come: u64,
    taken: u64,
    threads: usize,
    /// When one of the threads last took something.
    moved_at: Option<Instant>,
}

/// A place in the line.
pub(super) struct Standing {
    line: Arc<Line>,
    number: u64,
}

/// How long whoever stands in line does before another thread takes from it: no less than deadlines can tell apart without
/// being looked at more often.
const HELD_UP: Duration = TICK;

/// How long the line may stand still before whoever comes next sends for another thread.
const STANDSTILL: Duration = Duration::from_millis(10);

thread_local! {
    static LINE: Arc<Line> = Arc::default();
    static DOORBELL: Arc<Doorbell> = Arc::default();
}

/// Does something short behind what was handed in before it. `None` if it is done already.
pub(super) fn line_up(work: impl FnOnce() + Send + 'static) -> Option<Standing> {
    if may_wait() {
        work();
        return None;
    }
    let line = LINE.with(Arc::clone);
    let mut waiting = lock(&line.0);
    waiting.works.push_back(Box::new(work));
    waiting.come += 1;
    let number = waiting.come;
    let is_held_up = waiting.moved_at.is_none_or(|moved| moved.elapsed() > STANDSTILL);
    let taking = (waiting.threads == 0 || is_held_up).then(|| waiting.expect_thread(&line));
    drop(waiting);
    taking.into_iter().for_each(Taking::begin);
    Some(Standing { line, number })
}

impl Standing {
    /// Waits behind nobody any longer.
    fn step_out(self) {
        let mut waiting = lock(&self.line.0);
        let taking = (waiting.taken < self.number).then(|| waiting.expect_thread(&self.line));
        drop(waiting);
        taking.into_iter().for_each(Taking::begin);
    }
}

impl Waiting {
    /// Another thread that takes from the line. It is to begin when the lock is given back: where the system has no thread
    /// to give, it ends at once, and needs the lock for that.
    #[must_use]
    fn expect_thread(&mut self, line: &Arc<Line>) -> Taking {
        self.threads += 1;
        self.moved_at = Some(crate::clock::monotonic());
        Taking { line: Arc::clone(line), has_left: false }
    }
}

/// A thread that takes from a line, or is on its way there.
struct Taking {
    line: Arc<Line>,
    has_left: bool,
}

impl Taking {
    fn begin(self) {
        start(move || self.take_all());
    }

    fn take_all(mut self) {
        loop {
            let mut waiting = lock(&self.line.0);
            let Some(work) = waiting.works.pop_front() else {
                // Under the same lock, so that nobody stands behind a thread that has seen the end.
                waiting.threads -= 1;
                self.has_left = true;
                return;
            };
            waiting.taken += 1;
            waiting.moved_at = Some(crate::clock::monotonic());
            drop(waiting);
            work();
        }
    }
}

impl Drop for Taking {
    /// It was never begun, or panicked.
    fn drop(&mut self) {
        if !self.has_left {
            lock(&self.line.0).threads -= 1;
        }
    }
}

/// Wakes many tasks of one thread at once: only the first of them has to wake the thread.
#[derive(Debug, Default)]
struct Doorbell(Mutex<Rung>);

#[derive(Debug, Default)]
struct Rung {
    wakers: Vec<Waker>,
    /// Of the task that wakes the others; `None` while it is about to look.
    listener: Option<Waker>,
    is_listened_to: bool,
}

impl Doorbell {
    /// That of this thread, with somebody who listens.
    fn of_this_thread() -> Option<Arc<Self>> {
        let doorbell = DOORBELL.with(Arc::clone);
        let mut rung = lock(&doorbell.0);
        if !rung.is_listened_to {
            rung.is_listened_to = true;
            let listening = Listening(Arc::clone(&doorbell));
            tokio::spawn(async move { poll_fn(|context| listening.0.wake_all(context)).await });
        }
        drop(rung);
        Some(doorbell)
    }

    fn ring(&self, waker: Waker) {
        let mut rung = lock(&self.0);
        if !rung.is_listened_to {
            drop(rung);
            return waker.wake();
        }
        rung.wakers.push(waker);
        let listener = rung.listener.take();
        drop(rung);
        if let Some(listener) = listener {
            listener.wake();
        }
    }

    fn wake_all(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut rung = lock(&self.0);
        rung.listener = Some(context.waker().clone());
        let wakers = std::mem::take(&mut rung.wakers);
        drop(rung);
        wakers.into_iter().for_each(Waker::wake);
        Poll::Pending
    }
}

/// The task that wakes the others, for as long as its runtime lives.
struct Listening(Arc<Doorbell>);

impl Drop for Listening {
    fn drop(&mut self) {
        let mut rung = lock(&self.0.0);
        rung.is_listened_to = false;
        rung.listener = None;
        let wakers = std::mem::take(&mut rung.wakers);
        drop(rung);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Names of files that somebody is just giving, taking or reading: what is done to one name is done one after the other,
/// and nobody else waits. Only for threads that may.
#[derive(Debug, Default)]
pub(super) struct Names {
    held: Mutex<HashSet<u128, Plain>>,
    released: Condvar,
}

/// The right to change a name; it ends when dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    names: &'a Names,
    hash: u128,
}

impl Names {
    /// Waits until nobody else holds this name.
    pub(super) fn hold(&self, hash: u128) -> Held<'_> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while !held.insert(hash) {
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        Held { names: self, hash }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.names.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.hash);
        self.names.released.notify_all();
    }
}

/// Counts the responses that are on their way to the disk.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

/// One of them, for as long as it lives.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl UnderWay {
    /// A place, unless the disk has too much to do already.
    pub(super) fn place(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.0));
        (self.0.fetch_add(1, Ordering::AcqRel) < MOST_UNDER_WAY).then_some(place)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_by_one_at_a_time_and_other_names_by_others() {
        let names = Names::default();
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for other in 8..12 {
                let (names, inside) = (&names, &inside);
                scope.spawn(move || {
                    for _ in 0..500 {
                        let _other = names.hold(other);
                        let _held = names.hold(7);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(names.held.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_stands_behind_somebody_who_is_held_up_is_done_by_another_thread() {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (first, first_done) = promise();
        let first_line = line_up(move || {
            let _ = held.recv();
            first.keep(1);
        });
        let other = |number| {
            let (other, done) = promise();
            let line = line_up(move || other.keep(number));
            done.wait_while_serving(line)
        };
        // Nobody but the sweeper tells that time is up.
        tokio::select! {
            () = crate::wire::deadline::sweep_for_ever() => unreachable!(),
            results = async { tokio::join!(other(2), other(3), other(4)) } => {
                assert_eq!(results, (Some(2), Some(3), Some(4)));
            }
        };
        release.send(()).unwrap();
        assert_eq!(first_done.wait_while_serving(first_line).await, Some(1));
    }

    #[tokio::test]
    async fn a_promise_that_is_dropped_is_no_result() {
        let (promise, awaited) = promise::<()>();
        let line = line_up(move || drop(promise));
        assert_eq!(awaited.wait_while_serving(line).await, None);
    }

    #[test]
    fn a_thread_that_serves_another_runtime_later_is_woken_there_too() {
        for number in 0..3 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let result = runtime.block_on(async {
                let (promise, awaited) = promise();
                let line = line_up(move || promise.keep(number));
                awaited.wait_while_serving(line).await
            });
            assert_eq!(result, Some(number));
        }
    }

    #[test]
    fn places_are_limited_and_come_back() {
        let under_way = UnderWay::default();
        let all: Vec<_> = (0..MOST_UNDER_WAY).map(|_| under_way.place().unwrap()).collect();
        assert!(under_way.place().is_none());
        drop(all);
        assert!(under_way.place().is_some());
    }
}
