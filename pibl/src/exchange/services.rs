//! What exchanges share: the whole process, and one thread of it.
//!
//! `lib::run` makes the [`Services`] once and a [`Worker`] for each thread; `exchange`, `connection` and
//! `admin` use them. They hold things together and decide nothing.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::counters::Counters;
use super::record::Record;
use super::retry_budget::RetryBudget;

use crate::admission::Admission;
use crate::balancer::Balancer;
use crate::cache::Cache;
use crate::clock;
use crate::config::Config;
use crate::exchange_log::{Batch, Exchange, ExchangeLog};
use crate::http::{RequestHead, date};
use crate::platform;
use crate::upstream::Pool;
use crate::wire::deadline;

/// How many stored responses are held open at most, so that a popular one is not opened again for each hit ...
const OPEN_STORED_RESPONSES: usize = 4096;
/// ... and the part of all descriptors that they may take: the rest is for clients and backends.
const SHARE_OF_DESCRIPTORS: u64 = 4;

/// What all threads share.
pub struct Services {
    config: ArcSwap<Config>,
    queued: AtomicUsize,
    /// What is stored.
    pub cache: Arc<Cache>,
    /// Which backend is next.
    pub balancer: Balancer,
    /// One line per exchange.
    pub log: ExchangeLog,
    is_draining: AtomicBool,
    /// Who is inside.
    pub admission: Arc<Admission>,
    counters: Mutex<Vec<Arc<Counters>>>,
    /// How often descriptors were asked back; every worker watches it.
    sheddings: watch::Sender<u64>,
}

/// What one thread has for itself.
pub struct Worker {
    services: Arc<Services>,
    /// What has happened on this thread.
    pub counters: Arc<Counters>,
    /// Unused connections to backends.
    pub pool: Pool,
    /// How often something may still be repeated.
    pub(super) retry_budget: RetryBudget,
    /// Lines of the log that were not written yet.
    batch: RefCell<Batch>,
    lines_added: Cell<u64>,
    lines_written: Cell<u64>,
    /// Connections of clients on this thread.
    pub open_connections: Cell<usize>,
    /// How often idle clients of this thread were asked to leave.
    pub sheddings: Cell<u64>,
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
        let log = ExchangeLog::open(&config.log_file, config.log_format, config.log_to_stdout)?;
        let limit = platform::open_file_limit().unwrap_or(u64::MAX) / SHARE_OF_DESCRIPTORS;
        let open_files = usize::try_from(limit).unwrap_or(usize::MAX).min(OPEN_STORED_RESPONSES);
        let cache = Cache::open(&config.cache, open_files);
        let health = config.health.clone();
        let balancer = Balancer::new(&config.backends, config.policy, health, clock::monotonic());
        Ok(Self {
            config: ArcSwap::from_pointee(config),
            queued: AtomicUsize::new(0),
            balancer,
            cache,
            log,
            is_draining: AtomicBool::new(false),
            admission: Arc::default(),
            counters: Mutex::default(),
            sheddings: watch::Sender::new(0),
        })
    }

    /// The settings in force.
    pub fn config(&self) -> arc_swap::Guard<Arc<Config>> {
        self.config.load()
    }

    /// Opens the log file again, after it was rotated.
    pub fn reopen_log(&self) {
        if let Err(error) = self.log.reopen() {
            tracing::warn!("could not open the log again, the old file stays in use: {error}");
        }
    }

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

    /// Whether requests wait because every backend has as many as it may.
    pub(super) fn is_crowded(&self) -> bool {
        self.queued.load(Ordering::Relaxed) > 0
    }

    /// The numbers of all workers.
    pub fn counters(&self) -> Vec<Arc<Counters>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts other settings in force. Connections that exist go on; exchanges that are under way keep the
    /// settings with which they began.
    pub fn reconfigure(&self, mut config: Config) {
        if let (Some(new), Some(old)) = (&mut config.tls, &self.config().tls) {
            new.identity.go_on_with(&old.identity);
        }
        self.cache.reconfigure(&config.cache);
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
        Self {
            services,
            counters,
            pool: Pool::default(),
            retry_budget: RetryBudget::new(clock::monotonic()),
            batch: RefCell::default(),
            lines_added: Cell::new(0),
            lines_written: Cell::new(0),
            open_connections: Cell::new(0),
            sheddings: Cell::new(0),
        }
    }

    /// Gives back every descriptor that nobody needs now: stored responses that are only held open, unused connections
    /// to backends, clients that are between two requests. Somebody who asks for something comes first. The limit is one
    /// for the whole process, so every worker gives: this one may have nothing left while others are full. It is done
    /// soon after this returns.
    pub fn give_back_descriptors(&self) {
        self.cache.close_files();
        self.services.sheddings.send_modify(|count| *count += 1);
    }

    /// Gives what this worker has whenever any of them asks, for ever. Each worker runs it once.
    pub async fn shed_for_ever(&self) {
        let mut asked = self.services.sheddings.subscribe();
        while asked.changed().await.is_ok() {
            self.pool.clear_all();
            self.sheddings.set(self.sheddings.get() + 1);
            deadline::wake_all();
        }
    }

    /// Counts a finished exchange and writes its line, before its last bytes go to the client.
    pub(super) fn write_log(&self, client: SocketAddr, request: &RequestHead, record: &mut Record) {
        record.is_logged = true;
        if record.is_silent {
            return;
        }
        let duration = record.started.elapsed();
        self.counters.exchange(record.status, record.request_bytes, record.response_bytes, duration);
        let exchange = Exchange {
            client,
            method: if request.target.is_empty() { "-" } else { request.method.as_str() },
            target: if request.target.is_empty() { b"-" } else { &request.target },
            version: request.version,
            status: record.status,
            backend: record.backend.as_deref(),
            attempts: record.attempts,
            cache: record.cache,
            request_bytes: record.request_bytes,
            response_bytes: record.response_bytes,
            duration,
            first_byte: record.first_byte,
        };
        // The wall clock is not asked again: a line never seems to end before it began.
        let now = record.started_at.plus(duration);
        self.services.log.line(&mut self.batch.borrow_mut(), &exchange, now);
        self.lines_added.set(self.lines_added.get() + 1);
    }

    /// Returns when the lines added so far are in the file. Whoever waits lets the tasks that are ready go
    /// first, so that the lines of one wake-up share one write: under load that is one system call for
    /// dozens of exchanges.
    pub(super) async fn log_is_written(&self) {
        let mine = self.lines_added.get();
        let mut has_yielded = false;
        poll_fn(|context| {
            if self.lines_written.get() >= mine {
                return Poll::Ready(());
            }
            if !has_yielded {
                has_yielded = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.write_lines();
            Poll::Ready(())
        })
        .await;
    }

    /// Writes the lines added so far.
    pub(super) fn write_lines(&self) {
        self.services.log.flush(&mut self.batch.borrow_mut(), clock::now);
        self.lines_written.set(self.lines_added.get());
    }
}

impl std::ops::Deref for Worker {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
