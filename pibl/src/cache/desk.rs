//! Where calls to the disk are made that may have to wait for it.
//!
//! A thread that serves clients never makes one: it hands the work in here, and whoever needs the result waits for that
//! alone, and not for ever. What is handed in runs on threads that do nothing else. Where there is no runtime (tests,
//! the scan of the start) the caller is such a thread itself.

use std::cell::Cell;
use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::index::Plain;
use crate::wire::deadline::Deadline;

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

const PENDING: u8 = 0;
const LATE: u8 = 1;
const SETTLED: u8 = 2;

/// The duty to bring a result; dropped, it means that there is none.
#[derive(Debug)]
pub(super) struct Promise<T> {
    result: Option<oneshot::Sender<T>>,
    state: Arc<AtomicU8>,
}

/// The other side of a [`Promise`].
#[derive(Debug)]
pub(super) struct Awaited<T> {
    result: oneshot::Receiver<T>,
    state: Arc<AtomicU8>,
}

/// A result that somebody brings and somebody waits for.
pub(super) fn promise<T>() -> (Promise<T>, Awaited<T>) {
    let (sender, receiver) = oneshot::channel();
    let state = Arc::new(AtomicU8::new(PENDING));
    (Promise { result: Some(sender), state: Arc::clone(&state) }, Awaited { result: receiver, state })
}

impl<T> Promise<T> {
    /// Brings the result.
    pub(super) fn keep(mut self, result: T) {
        if let Some(sender) = self.result.take() {
            let _ = sender.send(result);
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.state.swap(SETTLED, Ordering::AcqRel) == LATE {
            OVERDUE.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<T> Awaited<T> {
    fn patience() -> Duration {
        if OVERDUE.load(Ordering::Relaxed) > 0 { PATIENCE_WITH_THE_LATE } else { PATIENCE }
    }

    fn lose_patience(&self) {
        OVERDUE.fetch_add(1, Ordering::Relaxed);
        if self.state.swap(LATE, Ordering::AcqRel) == SETTLED {
            OVERDUE.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Waits for the result, but not for ever.
    pub(super) async fn wait(mut self) -> Option<T> {
        match tokio::time::timeout(Self::patience(), &mut self.result).await {
            Ok(result) => result.ok(),
            Err(_) => {
                self.lose_patience();
                None
            }
        }
    }

    /// The same on a thread that serves clients, where a deadline costs less than a timer.
    pub(super) async fn wait_while_serving(mut self) -> Option<T> {
        let deadline = Deadline::new();
        deadline.set(Self::patience());
        poll_fn(|context| match Pin::new(&mut self.result).poll(context) {
            Poll::Ready(result) => Poll::Ready(result.ok()),
            Poll::Pending if deadline.poll_is_over(0, context) => {
                self.lose_patience();
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        })
        .await
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

    #[test]
    fn places_are_limited_and_come_back() {
        let under_way = UnderWay::default();
        let all: Vec<_> = (0..MOST_UNDER_WAY).map(|_| under_way.place().unwrap()).collect();
        assert!(under_way.place().is_none());
        drop(all);
        assert!(under_way.place().is_some());
    }
}
