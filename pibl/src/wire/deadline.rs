//! Deadlines that cost one memory write to set.
//!
//! A timer per read or write would be inserted into and removed from the runtime's wheel several times
//! a request; here each connection owns a slot, and one task per thread looks at all slots when the
//! earliest is due, at most every [`TICK`]. Deadlines are late by up to one tick, and never early.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How often the slots are looked at, at most.
pub const TICK: Duration = Duration::from_millis(50);

/// The moment after which whoever waits is woken and told that time is up.
#[derive(Debug)]
pub struct Deadline {
    slot: Rc<Slot>,
}

#[derive(Debug)]
struct Slot {
    /// Milliseconds after the thread's epoch; [`NEVER`] means no deadline.
    due: Cell<u64>,
    /// Its place in the thread's list.
    index: Cell<usize>,
    waiters: RefCell<[Option<Waker>; 2]>,
}

const NEVER: u64 = u64::MAX;

struct Slots {
    epoch: Instant,
    list: Vec<Rc<Slot>>,
    /// When the sweeper looks again by itself, in milliseconds after the epoch.
    next_sweep: u64,
    /// Tells the sweeper that something is due before that.
    sooner: Rc<Notify>,
}

thread_local! {
    static SLOTS: RefCell<Slots> = RefCell::new(Slots {
        epoch: Instant::now(),
        list: Vec::new(),
        next_sweep: NEVER,
        sooner: Rc::new(Notify::new()),
    });
}

impl Deadline {
    /// A slot without a deadline.
    pub fn new() -> Self {
        SLOTS.with_borrow_mut(|slots| {
            let slot = Rc::new(Slot {
                due: Cell::new(NEVER),
                index: Cell::new(slots.list.len()),
                waiters: RefCell::default(),
            });
            slots.list.push(Rc::clone(&slot));
            Self { slot }
        })
    }

    /// Time is up this much after now.
    pub fn set(&self, after: Duration) {
        SLOTS.with_borrow_mut(|slots| {
            let due = slots.now().saturating_add(after.as_millis().max(1) as u64);
            self.slot.due.set(due);
            if due < slots.next_sweep {
                // Rare: usually some other connection is due earlier.
                slots.next_sweep = due;
                slots.sooner.notify_one();
            }
        });
    }

    /// Takes the deadline away.
    pub fn clear(&self) {
        self.slot.due.set(NEVER);
    }

    /// Whether time is up.
    pub fn is_over(&self) -> bool {
        let due = self.slot.due.get();
        due != NEVER && now() >= due
    }

    /// For a future that returns "pending" in `direction` (0 reads, 1 writes): arranges to be woken at
    /// the deadline. Returns whether time is up already.
    pub fn poll_is_over(&self, direction: usize, context: &mut Context<'_>) -> bool {
        let mut waiters = self.slot.waiters.borrow_mut();
        match &mut waiters[direction] {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        drop(waiters);
        self.slot.due.get() != NEVER && self.is_over()
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // While the thread ends the list may be gone already, and with it the need to leave it.
        let _ = SLOTS.try_with(|slots| {
            let mut slots = slots.borrow_mut();
            let index = self.slot.index.get();
            slots.list.swap_remove(index);
            if let Some(moved) = slots.list.get(index) {
                moved.index.set(index);
            }
        });
    }
}

/// Looks at the slots of this thread whenever one is due, for ever. Each worker runs it once.
pub async fn sweep_for_ever() {
    let sooner = SLOTS.with_borrow(|slots| Rc::clone(&slots.sooner));
    loop {
        wake(|due, now| due <= now);
        let next = SLOTS.with_borrow_mut(|slots| {
            let now = slots.now();
            // Whoever is due already was woken, or finds out as soon as he looks.
            let ahead = slots.list.iter().map(|slot| slot.due.get()).filter(|due| *due > now);
            let earliest = ahead.min().unwrap_or(NEVER);
            slots.next_sweep = earliest.max(now + TICK.as_millis() as u64);
            (earliest != NEVER).then(|| slots.epoch + Duration::from_millis(slots.next_sweep))
        });
        match next {
            Some(next) => {
                // Whichever comes first; a notification only means to look at the clock again.
                let _ = tokio::time::timeout_at(next, sooner.notified()).await;
            }
            None => sooner.notified().await,
        }
    }
}

/// Wakes everybody who waits on this thread, so that they notice that the program is asked to end.
pub fn wake_all() {
    wake(|_, _| true);
}

fn wake(is_due: impl Fn(u64, u64) -> bool) {
    let due: Vec<Waker> = SLOTS.with_borrow(|slots| {
        let now = slots.now();
        let due = slots.list.iter().filter(|slot| is_due(slot.due.get(), now));
        due.flat_map(|slot| std::mem::take(&mut *slot.waiters.borrow_mut())).flatten().collect()
    });
    // Woken outside the borrow: a waker may run code that makes or drops a deadline.
    due.into_iter().for_each(Waker::wake);
}

impl Slots {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_millis() as u64
    }
}

fn now() -> u64 {
    SLOTS.with_borrow(Slots::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: usize = 0;

    fn poll_once(deadline: &Deadline) -> bool {
        deadline.poll_is_over(READ, &mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_waiter_is_woken_at_its_deadline_and_not_before() {
        // Elapsed time is the subject: 120 ms and one tick, with a wide margin for a busy machine.
        let deadline = Deadline::new();
        let start = Instant::now();
        deadline.set(Duration::from_millis(120));
        assert!(!poll_once(&deadline));
        let wait = std::future::poll_fn(|context| match deadline.poll_is_over(READ, context) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        });
        tokio::select! {
            () = sweep_for_ever() => {}
            () = wait => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => panic!("nobody woke the waiter"),
        }
        assert!(start.elapsed() >= Duration::from_millis(119), "woken after {:?}", start.elapsed());
    }

    #[test]
    fn dropped_deadlines_leave_the_others_in_place() {
        let first = Deadline::new();
        let second = Deadline::new();
        let third = Deadline::new();
        drop(first);
        assert_eq!(third.slot.index.get(), 0);
        drop(third);
        assert_eq!(second.slot.index.get(), 0);
        second.set(Duration::ZERO);
        second.clear();
        assert!(!second.is_over());
    }
}
