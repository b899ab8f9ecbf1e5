//! The cache: may it be kept, until when (pure rules), apart from where the bytes lie (store).
//!
//! `exchange` asks it for every request and hands it every response; `admin` purges. It never talks to
//! clients or backends and never reads a socket.
//!
//! What `exchange` does with it (all types are re-exported here):
//!
//! ```text
//! let cache: Arc<Cache> = Cache::open(&config.cache, open_files);       // starts the recovery thread
//! match cache.ask(&request, clock::steady_now()).await {      // the request after hop-by-hop fields were stripped
//!     Answer::Reply(reply) => …                // complete answer: 200, 206, 304, 412, 416, 504
//!     Answer::ReplyAndRefresh(reply, fetch) => …   // the same, and `fetch` goes on in the background
//!     Answer::Stream(stream) => …              // another exchange is receiving it: read along
//!     Answer::Fetch(fetch) => {                // ask a backend, also for everything that is no cache matter
//!         fetch.amend(&method, &mut fields_of_backend_request);       // validators, instead of the client's conditions
//!         // no backend answered:
//!         if let Some(reply) = fetch.failed(&request, clock::steady_now()) { … } else { 502 / 504 }
//!         // a final response head came (hop-by-hop fields stripped); `length`: Content-Length
//!         match fetch.receive(&request, &response_head, length, times).await {
//!             Received::Reply(reply) => …      // 304 to our validation, or stale-if-error: drop the backend's body
//!             Received::Forward(forward) => {  // send the backend's response; `forward.status.write(&mut out)`
//!                 // if let Some(writer) = forward.writer: writer.write(bytes).await for each piece (never fails),
//!                 // writer.commit().await BEFORE the last piece goes to the client; dropping it gives the entry up
//!             }
//!         }
//!     }
//! }
//! // reply.write_head(&mut out): status line and fields, Content-Length, Age and Cache-Status included,
//! //     without Connection, Via and the empty line; reply.body: ReplyBody::{Empty, File, Bytes, Parts};
//! //     reply.body_length(); reply.status_code; reply.status (CacheStatus, for the log)
//! // stream.write_head(&mut out); stream.length(): Option<u64>; stream.next().await: io::Result<Option<FilePart>>
//! // cache.purge_key(host, target), purge_prefix(host, prefix), purge_all(), statistics(), reconfigure(&settings)
//! ```

mod ask;
mod cache_control;
mod cache_status;
mod conditions;
mod desk;
mod disk;
mod durability;
mod entry;
mod entry_format;
mod fetch;
mod flight;
mod freshness;
mod index;
#[doc(hidden)]
pub mod inspection;
mod invalidation;
mod key;
mod part;
mod pen;
mod purge;
mod range;
mod recovery;
mod reply;
mod storable;
mod store;
mod stream;
mod targeted;
mod vary;
mod watch;
mod writer;

pub use ask::{Answer, only_if_cached};
pub use cache_status::{CacheStatus, Forwarded};
pub use fetch::{Fetch, Forward, Received};
pub use flight::Crowd;
pub use freshness::Times;
pub use key::Key;
pub use part::FilePart;
pub use reply::{BodyPart, Reply, ReplyBody};
pub use stream::Stream;
pub use writer::Writer;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::clock;
use crate::config::{CacheSettings, Sync};
use crate::http::RequestHead;
use disk::Disk;
use durability::Durability;
use flight::Flights;
use freshness::Rules;
use recovery::Presence;
use store::Store;

/// The cache of the whole process; all threads share one.
#[derive(Debug)]
pub struct Cache {
    store: Arc<Store>,
    flights: Arc<Flights>,
    _presence: Option<Arc<Presence>>,
}

/// The state of the cache, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Statistics {
    /// Whether anything can be stored.
    pub is_on: bool,
    /// Whether the scan of the start is over.
    pub is_recovered: bool,
    /// Files on the disk, lists of variants included.
    pub files: usize,
    /// What they take on the disk, in bytes.
    pub bytes: u64,
    /// Files that are open.
    pub open_files: usize,
    /// Requests to backends that others may wait for.
    pub flights: usize,
    /// Failures of the disk since the start.
    pub disk_failures: u64,
    /// Damaged, foreign or older files that were set aside since the start.
    pub set_aside: u64,
}

impl Cache {
    /// Opens the directory, makes it if need be, and starts to look what is there. At most `open_files`
    /// stored responses are held open. A directory that cannot be used is a warning, and then nothing is
    /// stored: a proxy without a cache is better than none.
    pub fn open(settings: &CacheSettings, open_files: usize) -> Arc<Self> {
        let root = &settings.directory;
        // Told apart from any other run by the time and the process.
        let run = clock::now().millis() as u64 ^ u64::from(std::process::id()) << 44;
        let opened = settings.enabled.then(|| {
            Ok((Disk::new(root, run, settings.sync != Sync::Never)?, Arc::new(Presence::announce(root)?)))
        });
        let opened = opened.transpose().unwrap_or_else(|error: std::io::Error| {
            tracing::warn!(
                "could not open the cache directory {}, going on without it: {error}",
                root.display()
            );
            None
        });
        let (disk, presence) = opened.unzip();
        let rules = Rules::new(settings);
        let durability = Durability::new(settings.sync);
        let store =
            Arc::new(Store::new(disk, run, rules, settings.size_bytes, open_files.max(16), durability));
        if let Err(error) = durability::start(&store) {
            store.complain("sync", &error);
        }
        if let Some(presence) = &presence
            && let Err(error) = recovery::start(Arc::clone(&store), presence)
        {
            // Without the scan everything is still found; only its size is not known.
            store.complain("look through", &error);
        }
        Arc::new(Self { store, flights: Flights::new(), _presence: presence })
    }

    /// Takes new rules and sizes; the directory stays the one that was opened.
    pub fn reconfigure(&self, settings: &CacheSettings) {
        self.store.take_rules(Rules::new(settings));
        let (store, size_bytes) = (Arc::clone(&self.store), settings.size_bytes);
        desk::start(move || store.resize(size_bytes));
    }

    /// Stores nothing from now on, because another process has taken over the directory: what was asked for
    /// before a write that goes through that one must not appear after it. What is stored is still served.
    pub fn leave_to_successor(&self) {
        self.store.has_successor.store(true, Ordering::Release);
    }

    /// Sets aside what a reply is sent from, if it can no longer be read.
    pub async fn set_aside_unreadable(&self, reply: &Reply) {
        if let Some(entry) = reply.entry() {
            let (store, entry) = (Arc::clone(&self.store), Arc::clone(entry));
            desk::run(move || store.refuse_entry(&entry)).await;
        }
    }

    /// Sets aside what cannot be read, and asks a backend for something in its place.
    pub async fn replace(self: &Arc<Self>, request: &RequestHead, reply: &Reply) -> Fetch {
        self.set_aside_unreadable(reply).await;
        Fetch::in_place_of_unreadable(self, request)
    }

    /// Gives back the descriptors of stored responses that are only held open; they are opened again when needed.
    pub fn close_files(&self) {
        let store = Arc::clone(&self.store);
        desk::start(move || store.close_all());
    }

    /// Whether somebody is bringing the response to this key.
    pub fn is_under_way(&self, key: &Key) -> bool {
        self.flights.is_under_way(key.hash())
    }

    /// The state of the cache.
    pub fn statistics(&self) -> Statistics {
        let index = self.store.index();
        Statistics {
            is_on: self.store.disk.is_some(),
            is_recovered: self.store.is_scanned.load(Ordering::Acquire),
            files: index.len(),
            bytes: index.total_bytes(),
            open_files: self.store.open_entries(),
            flights: self.flights.len(),
            disk_failures: self.store.disk_failures.load(Ordering::Relaxed),
            set_aside: self.store.set_aside.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests;
