//! `instance`: a server of a fleet, with so many places and service times of its own; its occupancy can be read.
//!
//! Instances of one process have no CPU of their own, so theirs is modelled: a request takes a place for its service time
//! and waits where none is free. The control plane of the harness reads how long places were taken. It burns no CPU.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use super::dialogue::with_field;
use crate::behavior::{Answer, Application, Asked, Distribution, Random, Working};

/// The instances of a run, by the name of their backend.
#[derive(Debug)]
pub struct Instances {
    model: Mutex<Model>,
    by_name: Mutex<HashMap<String, Arc<Instance>>>,
}

/// What every instance is like.
#[derive(Clone, Copy, Debug)]
struct Model {
    places: u32,
    service: Distribution,
    seed: u64,
}

#[derive(Debug)]
struct Instance {
    places: Semaphore,
    model: Model,
    /// One for the first launch under its name.
    launches: u64,
    arrived: AtomicU64,
    inside: AtomicU64,
    served: AtomicU64,
    taken: AtomicU64,
    drawn: AtomicU64,
    stayed: AtomicU64,
}

/// What an instance has done since it was launched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that came.
    pub arrived: u64,
    /// Requests inside now, waiting ones included.
    pub inside: u64,
    /// Requests served.
    pub served: u64,
    /// Time for which places were taken, summed over them.
    pub taken: Duration,
    /// Service times as they were drawn: what `taken` would be if timers were exact.
    pub drawn: Duration,
    /// From arrival to answer, summed over the requests served.
    pub stayed: Duration,
}

/// Counts one request as long as it is inside, also when its task is dropped.
struct Inside<'a>(&'a AtomicU64);

impl Instances {
    /// Instances with one place and 10 ms.
    pub fn new() -> Instances {
        let model = Model {
            places: 1,
            service: Distribution::Constant(crate::behavior::Span(Duration::from_millis(10))),
            seed: 0,
        };
        Instances { model: Mutex::new(model), by_name: Mutex::default() }
    }

    /// Forgets all instances; what those that are launched from now on are like.
    pub fn set_model(&self, places: u32, service: Distribution, seed: u64) {
        *self.model.lock().unwrap_or_else(PoisonError::into_inner) =
            Model { places: places.max(1), service, seed };
        self.by_name().clear();
    }

    /// A new instance under this name: nothing waits, nothing is counted.
    pub fn launch(&self, name: &str) {
        let mut by_name = self.by_name();
        let launches = by_name.get(name).map_or(0, |instance| instance.launches) + 1;
        by_name.insert(name.to_owned(), Arc::new(self.new_instance(launches)));
    }

    /// What the instance of a name has done.
    pub fn usage(&self, name: &str) -> Usage {
        let instance = self.by_name().get(name).cloned();
        let time = |sum: &AtomicU64| Duration::from_nanos(sum.load(Ordering::Relaxed));
        instance.map_or_else(Usage::default, |instance| Usage {
            arrived: instance.arrived.load(Ordering::Relaxed),
            inside: instance.inside.load(Ordering::Relaxed),
            served: instance.served.load(Ordering::Relaxed),
            taken: time(&instance.taken),
            drawn: time(&instance.drawn),
            stayed: time(&instance.stayed),
        })
    }

    fn by_name(&self) -> MutexGuard<'_, HashMap<String, Arc<Instance>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_instance(&self, launches: u64) -> Instance {
        let model = *self.model.lock().unwrap_or_else(PoisonError::into_inner);
        Instance {
            places: Semaphore::new(model.places as usize),
            model,
            launches,
            arrived: AtomicU64::new(0),
            inside: AtomicU64::new(0),
            served: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            drawn: AtomicU64::new(0),
            stayed: AtomicU64::new(0),
        }
    }

    async fn reply(&self, asked: Asked<'_>) -> Answer {
        let name = &asked.stamp.backend;
        let instance =
            Arc::clone(self.by_name().entry(name.clone()).or_insert_with(|| Arc::new(self.new_instance(1))));
        let arrived = asked.clock.now();
        let before = instance.arrived.fetch_add(1, Ordering::Relaxed);
        let _inside = Inside::one_more(&instance.inside);
        // The semaphore is never closed; without a permit the request would only be served at once.
        let place = instance.places.acquire().await;
        let began = asked.clock.now();
        let Model { service, seed, .. } = instance.model;
        let drawn = service_time(&service, seed, name, instance.launches, before);
        tokio::time::sleep(drawn).await;
        let now = asked.clock.now();
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        instance.served.fetch_add(1, Ordering::Relaxed);
        instance.taken.fetch_add(nanoseconds(now.since(began)), Ordering::Relaxed);
        instance.drawn.fetch_add(nanoseconds(drawn), Ordering::Relaxed);
        instance.stayed.fetch_add(nanoseconds(now.since(arrived)), Ordering::Relaxed);
        drop(place);
        with_field(Answer::json(200, &json!({ "instance": name })), "Cache-Control", "no-store")
    }
}

/// The service time of a request at an instance: of the instance's name, how often it was launched under it, and how many
/// requests had reached it before. Whoever simulates instances draws the same.
pub fn service_time(service: &Distribution, seed: u64, name: &str, launches: u64, before: u64) -> Duration {
    let whose = xxhash_rust::xxh3::xxh3_64_with_seed(name.as_bytes(), seed.wrapping_add(launches));
    service.draw(&mut Random::new(whose.wrapping_add(before.wrapping_mul(0x9E6C_63D0_876A_68DE))))
}

impl<'a> Inside<'a> {
    fn one_more(count: &'a AtomicU64) -> Inside<'a> {
        count.fetch_add(1, Ordering::Relaxed);
        Inside(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Instances {
    fn default() -> Instances {
        Instances::new()
    }
}

impl Application for Instances {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(self.reply(asked))
    }
}
