//! Places at which requests are worked on: when one is free for the next request, and how busy they were.
//!
//! `perform` reserves a place for a request and waits until its work is done; the harness reads how busy they were. Since
//! each service time is known when its request comes, the end of each follows from those before it: no task runs here, and
//! a timer that fires late delays one answer and not those behind it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// The places of a run, by name. Clones mean the same places.
#[derive(Clone, Debug, Default)]
pub struct Workplaces {
    by_name: Arc<Mutex<BTreeMap<String, Places>>>,
}

/// How busy some places have been since the start of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Their name: that of their backend, or the one that backends share.
    pub name: String,
    /// How many there are.
    pub places: u32,
    /// Time that they have worked, all together.
    pub busy: Duration,
    /// Requests that wait now.
    pub waiting: u64,
    /// Requests that were taken in.
    pub taken: u64,
    /// Requests that were refused because too many waited.
    pub refused: u64,
}

#[derive(Debug)]
struct Places {
    free_at: Vec<Moment>,
    /// When those that wait will be taken up, in order.
    begins: VecDeque<Moment>,
    service: Duration,
    taken: u64,
    refused: u64,
}

impl Workplaces {
    /// Reserves a place for work that takes so long; when it will be done. `None` where too many wait.
    pub(super) fn reserve(
        &self,
        name: &str,
        places: u32,
        service: Duration,
        most_waiting: Option<u32>,
        now: Moment,
    ) -> Option<Moment> {
        let mut by_name = self.lock();
        let own = by_name.entry(name.to_owned()).or_insert_with(|| Places::new(places));
        own.reserve(service, most_waiting, now)
    }

    /// How busy they have been until now, by name.
    pub fn usage(&self, now: Moment) -> Vec<Usage> {
        self.lock().iter_mut().map(|(name, places)| places.usage(name, now)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Places>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn new(places: u32) -> Places {
        Places {
            free_at: vec![Moment(0); places.max(1) as usize],
            begins: VecDeque::new(),
            service: Duration::ZERO,
            taken: 0,
            refused: 0,
        }
    }

    fn reserve(&mut self, service: Duration, most_waiting: Option<u32>, now: Moment) -> Option<Moment> {
        if most_waiting.is_some_and(|most| self.waiting(now) >= u64::from(most)) {
            self.refused += 1;
            return None;
        }
        // There is at least one.
        let first = (0..self.free_at.len()).min_by_key(|&place| self.free_at[place]).unwrap_or(0);
        let begins = self.free_at[first].max(now);
        if begins > now {
            self.begins.push_back(begins);
        }
        self.free_at[first] = begins + service;
        self.service += service;
        self.taken += 1;
        Some(self.free_at[first])
    }

    fn waiting(&mut self, now: Moment) -> u64 {
        // The first place to be free is given away each time, so the beginnings are in order.
        while self.begins.front().is_some_and(|begins| *begins <= now) {
            self.begins.pop_front();
        }
        self.begins.len() as u64
    }

    fn usage(&mut self, name: &str, now: Moment) -> Usage {
        // A place that will be free later works without a pause until then.
        let to_come: Duration = self.free_at.iter().map(|free| free.since(now)).sum();
        Usage {
            name: name.to_owned(),
            places: u32::try_from(self.free_at.len()).unwrap_or(u32::MAX),
            busy: self.service.saturating_sub(to_come),
            waiting: self.waiting(now),
            taken: self.taken,
            refused: self.refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment(milliseconds * 1_000_000)
    }

    #[test]
    fn requests_wait_for_the_first_place_that_is_free_and_the_line_has_an_end() {
        let places = Workplaces::default();
        let reserve =
            |now: u64, service| places.reserve("b1", 2, Duration::from_millis(service), Some(1), at(now));
        assert_eq!([reserve(0, 10), reserve(0, 30)], [Some(at(10)), Some(at(30))]);
        assert_eq!([reserve(5, 10), reserve(5, 10)], [Some(at(20)), None], "one waits, no more");
        assert_eq!(reserve(10, 4), Some(at(24)), "the one that waited is at work");
    }

    #[test]
    fn time_counts_as_busy_when_it_has_passed() {
        let places = Workplaces::default();
        for _ in 0..3 {
            places.reserve("db", 1, Duration::from_millis(10), None, at(100));
        }
        let usage = |now: u64| places.usage(at(now)).remove(0);
        assert_eq!((usage(100).busy, usage(100).waiting), (Duration::ZERO, 2));
        assert_eq!((usage(115).busy, usage(115).waiting), (Duration::from_millis(15), 1));
        assert_eq!((usage(900).busy, usage(900).taken), (Duration::from_millis(30), 3));
    }
}
