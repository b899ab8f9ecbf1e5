//! What exchanges share: the whole process, and one thread of it.
//!
//! `lib::run` makes the [`Services`] once and a [`Worker`] for each thread; `exchange`, `connection` and
//! `admin` use them. They hold things together and decide nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::counters::Counters;
use super::record::Record;
use crate::admission::Admission;
use crate::balancer::Balancer;
use crate::clock;
use crate::config::Config;
use crate::http::{RequestHead, date};
use crate::upstream::Pool;

/// What all threads share.
pub struct Services {
    config: ArcSwap<Config>,
    queued: AtomicUsize,
    /// Which backend is next.
    pub balancer: Balancer,
    log: std::fs::File,
    is_draining: AtomicBool,
    /// Who is inside.
    pub admission: Arc<Admission>,
    counters: Mutex<Vec<Arc<Counters>>>,
}

/// What one thread has for itself.
pub struct Worker {
    services: Arc<Services>,
    /// What has happened on this thread.
    pub counters: Arc<Counters>,
    /// Unused connections to backends.
    pub pool: Pool,
    /// Connections of clients on this thread.
    pub open_connections: Cell<usize>,
}

/// A request that waits for a backend counts for as long as this lives.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Services {
    /// Prepares everything that the configuration names.
    pub fn new(config: Config) -> std::io::Result<Self> {
        let log = std::fs::File::options().append(true).create(true).open(&config.log_file)?;
        let health = config.health.clone();
        let balancer = Balancer::new(&config.backends, config.policy, health, clock::monotonic());
        Ok(Self {
            config: ArcSwap::from_pointee(config),
            queued: AtomicUsize::new(0),
            balancer,
            log,
            is_draining: AtomicBool::new(false),
            admission: Arc::default(),
            counters: Mutex::default(),
        })
    }

    /// The settings in force.
    pub fn config(&self) -> arc_swap::Guard<Arc<Config>> {
        self.config.load()
    }

    /// Opens the log file again, after it was rotated.
    pub fn reopen_log(&self) {}

    /// Asks every connection to end after the exchange that is under way.
    pub fn start_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether the program is asked to end.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// A place in the queue of requests that wait for a backend, if one of `most` is free.
    pub(super) fn queue(&self, most: usize) -> Option<Place<'_>> {
        let place = Place(&self.queued);
        if self.queued.fetch_add(1, Ordering::Relaxed) < most { Some(place) } else { None }
    }

    /// The numbers of all workers.
    pub fn counters(&self) -> Vec<Arc<Counters>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other settings in force. Connections that exist go on; exchanges that are under way keep the
    /// settings with which they began.
    pub fn reconfigure(&self, config: Config) {
        self.balancer.replace(&config.backends, config.policy, config.health.clone());
        self.config.store(Arc::new(config));
    }

    pub(super) fn http_date(&self) -> [u8; date::LENGTH] {
        clock::http_date(clock::now())
    }
}

impl Worker {
    /// A worker without connections.
    pub fn new(services: Arc<Services>) -> Self {
        let counters = Arc::new(Counters::default());
        services.counters.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counters));
        Self { services, counters, pool: Pool::default(), open_connections: Cell::new(0) }
    }

    /// Counts a finished exchange and writes its line; right before its last bytes go to the client.
    pub(super) fn write_log(&self, request: &RequestHead, record: &mut Record) {
        use std::io::Write;
        record.is_logged = true;
        let duration = record.started.elapsed();
        self.counters.exchange(record.status, record.request_bytes, record.response_bytes, duration);
        let line = format!(
            "{} {} {} {} {} {}\n",
            record.backend.as_deref().unwrap_or("-"),
            request.method.as_str(),
            String::from_utf8_lossy(&request.target).escape_debug(),
            record.status,
            record.request_bytes,
            record.response_bytes
        );
        let _ = (&self.services.log).write_all(line.as_bytes());
        let _ = std::io::stdout().write_all(line.as_bytes());
    }
}

impl std::ops::Deref for Worker {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
