//! Connections that wait for their next request, without a task, a buffer or anything else of the runtime's.
//!
//! `connection` leaves here whoever does not ask again at once, and takes him back when there is something to read.
//! The kernel watches all of them behind one descriptor, which is all that the runtime knows. It never reads a byte.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use super::{Guest, Hall, LAST_CALL, serve};
use crate::platform::Watched;
use crate::wire::{Deadline, Resting, Wire};

/// How many are woken before the others have their turn.
const AT_ONCE: usize = 64;

/// Somebody who waits.
struct Parked {
    resting: Resting,
    guest: Guest,
    /// Milliseconds after the lot was opened.
    since: u64,
    due: u64,
}

/// Those who wait on one thread.
pub(super) struct Parking {
    /// `None` where the system cannot watch for it.
    watched: Option<AsyncFd<Watched>>,
    opened: Instant,
    deadline: Deadline,
    lot: RefCell<Lot>,
}

#[derive(Default)]
struct Lot {
    places: Vec<Option<Parked>>,
    free: Vec<u32>,
    /// What the deadline is set to.
    next_due: Option<u64>,
    /// How often idle clients had been asked to leave when this was last looked at.
    sheddings: u64,
    is_hurried: bool,
}

impl Parking {
    /// An empty lot.
    pub(super) fn new() -> Self {
        let watched = Watched::new().and_then(|watched| {
            #[expect(deprecated, reason = "sound here: it owns its descriptor and never changes it")]
            AsyncFd::with_interest(watched, Interest::READABLE)
        });
        Self {
            watched: watched.ok(),
            opened: Instant::now(),
            deadline: Deadline::new(),
            lot: RefCell::default(),
        }
    }

    fn now(&self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }

    /// Whether anybody can be left here.
    pub(super) fn is_open(&self) -> bool {
        self.watched.is_some()
    }

    /// Keeps a connection until something can be read, at most so long. One that cannot be watched is closed.
    pub(super) fn park(&self, resting: Resting, mut guest: Guest, patience: Duration) {
        let Some(watched) = &self.watched else { return };
        let mut lot = self.lot.borrow_mut();
        let place = lot.free.pop().unwrap_or_else(|| {
            lot.places.push(None);
            lot.places.len() as u32 - 1
        });
        if let Err(error) = watched.get_ref().watch_once(&resting, u64::from(place), guest.is_watched) {
            tracing::debug!("could not wait for the next request: {error}");
            lot.free.push(place);
            return;
        }
        guest.is_watched = true;
        let since = self.now();
        let due = since.saturating_add(patience.as_millis().max(1) as u64);
        lot.places[place as usize] = Some(Parked { resting, guest, since, due });
        if lot.next_due.is_none_or(|next| due < next) {
            lot.next_due = Some(due);
            self.deadline.set(patience);
        }
    }
}

/// Serves whoever has something to say, and closes whoever has waited for too long, for ever.
pub(super) async fn watch_for_ever(hall: Rc<Hall>) {
    poll_fn(|context| poll(&hall, context)).await;
}

fn poll(hall: &Rc<Hall>, context: &mut Context<'_>) -> Poll<()> {
    let Hall { worker, parking } = &**hall;
    let Some(watched) = &parking.watched else { return Poll::Ready(()) };
    let mut ready = Vec::with_capacity(AT_ONCE);
    while let Poll::Ready(Ok(mut guard)) = watched.poll_read_ready(context) {
        ready.clear();
        // An error would come again for ever.
        if watched.get_ref().take_ready(&mut ready).is_err() || ready.len() < AT_ONCE {
            guard.clear_ready();
        }
        for place in &ready {
            wake(hall, *place as usize);
        }
    }
    let is_draining = worker.is_draining();
    let sheddings = worker.sheddings.get();
    let is_shedding = std::mem::replace(&mut parking.lot.borrow_mut().sheddings, sheddings) != sheddings;
    if parking.deadline.poll_is_over(0, context) || is_draining || is_shedding {
        parking.sweep(is_draining, is_shedding);
    }
    Poll::Pending
}

fn wake(hall: &Rc<Hall>, place: usize) {
    let parking = &hall.parking;
    let mut lot = parking.lot.borrow_mut();
    let Some(parked) = lot.places.get_mut(place).and_then(Option::take) else { return };
    lot.free.push(place as u32);
    drop(lot);
    let slept = Duration::from_millis(parking.now().saturating_sub(parked.since));
    tokio::task::spawn_local(serve(Wire::resumed(parked.resting), parked.guest, Some(slept)));
}

impl Parking {
    /// Closes those whose time is up, and those who have had an answer if somebody else needs the room or the program ends.
    fn sweep(&self, is_draining: bool, is_shedding: bool) {
        let now = self.now();
        let mut lot = self.lot.borrow_mut();
        let is_first = is_draining && !std::mem::replace(&mut lot.is_hurried, is_draining);
        let Lot { places, free, next_due, .. } = &mut *lot;
        *next_due = None;
        let mut gone = Vec::new();
        for (place, slot) in places.iter_mut().enumerate() {
            let Some(parked) = slot else { continue };
            if is_first && !parked.guest.has_asked {
                // One that was accepted and has asked nothing yet may still ask, if it does so soon: a browser
                // opens connections that it may never use.
                parked.due = parked.due.min(now + LAST_CALL.as_millis() as u64);
            }
            if parked.due <= now || (parked.guest.has_asked && (is_draining || is_shedding)) {
                gone.extend(slot.take());
                free.push(place as u32);
            } else {
                *next_due = Some(next_due.map_or(parked.due, |next| next.min(parked.due)));
            }
        }
        match *next_due {
            Some(next) => self.deadline.set(Duration::from_millis(next - now)),
            None => {
                // Thousands may have waited here, and never will again.
                *places = Vec::new();
                *free = Vec::new();
                self.deadline.clear();
            }
        }
        drop(lot);
        // Closed outside the borrow.
        gone.into_iter().for_each(|parked| parked.resting.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_waits_takes_few_bytes() {
        // Ten thousand idle connections are ordinary, and the list has room for twice as many when it has grown.
        let bytes = size_of::<Option<Parked>>();
        assert!(bytes <= 112, "{bytes} bytes");
    }
}
