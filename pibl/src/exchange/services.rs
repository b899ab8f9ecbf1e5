//! What exchanges share: the whole process, and one thread of it.
//!
//! `lib::run` makes the [`Services`] once and a [`Worker`] for each thread; `exchange`, `connection` and
//! `admin` use them. They hold things together and decide nothing.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::record::Record;
use crate::config::Config;
use crate::http::{RequestHead, date};
use crate::upstream::Pool;

/// What all threads share.
pub struct Services {
    config: ArcSwap<Config>,
    turn: AtomicUsize,
    log: std::fs::File,
    is_draining: AtomicBool,
    /// What has happened so far.
    pub counters: Counters,
}

/// What has happened since the start.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Counters {
    pub connections_accepted: AtomicU64,
    pub connections_open: AtomicU64,
    pub requests: AtomicU64,
    pub requests_refused: AtomicU64,
    pub retries: AtomicU64,
}

/// What one thread has for itself.
pub struct Worker {
    services: Arc<Services>,
    /// Unused connections to backends.
    pub pool: Pool,
    /// Connections of clients on this thread.
    pub open_connections: Cell<usize>,
}

/// A backend that was chosen.
pub struct Choice {
    pub(super) index: usize,
    pub(super) address: Arc<str>,
}

impl Services {
    /// Prepares everything that the configuration names.
    pub fn new(config: Config) -> std::io::Result<Self> {
        let log = std::fs::File::options().append(true).create(true).open(&config.log_file)?;
        Ok(Self {
            config: ArcSwap::from_pointee(config),
            turn: AtomicUsize::new(0),
            log,
            is_draining: AtomicBool::new(false),
            counters: Counters::default(),
        })
    }

    /// The settings in force.
    pub fn config(&self) -> arc_swap::Guard<Arc<Config>> {
        self.config.load()
    }

    /// Asks every connection to end after the exchange that is under way.
    pub fn start_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether the program is asked to end.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// The next backend that is not among those tried.
    pub(super) fn pick(&self, tried: &[usize]) -> Option<Choice> {
        let config = self.config.load();
        let count = config.backends.len();
        let start = self.turn.fetch_add(1, Ordering::Relaxed);
        let index = (0..count).map(|step| (start + step) % count).find(|index| !tried.contains(index))?;
        Some(Choice { index, address: config.backends[index].address.as_str().into() })
    }

    pub(super) fn write_log(&self, request: &RequestHead, record: &mut Record) {
        use std::io::Write;
        record.is_logged = true;
        let line = format!(
            "{} {} {} {} {} {}\n",
            record.backend.as_deref().unwrap_or("-"),
            request.method.as_str(),
            String::from_utf8_lossy(&request.target).escape_debug(),
            record.status,
            record.request_bytes,
            record.response_bytes
        );
        let _ = (&self.log).write_all(line.as_bytes());
        let _ = std::io::stdout().write_all(line.as_bytes());
    }

    pub(super) fn http_date(&self) -> [u8; date::LENGTH] {
        #[expect(clippy::disallowed_methods, reason = "until the clock room is there")]
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        date::format(now as i64)
    }
}

impl Worker {
    /// A worker without connections.
    pub fn new(services: Arc<Services>) -> Self {
        Self { services, pool: Pool::default(), open_connections: Cell::new(0) }
    }
}

impl std::ops::Deref for Worker {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}
