//! The cache: may it be kept, until when (pure rules), apart from where the bytes lie (store).
//!
//! `exchange` asks it for every request and hands it every response; `admin` purges. It never talks to
//! clients or backends and never reads a socket.
//!
//! What `exchange` does with it (all types are re-exported here):
//!
//! ```text
//! let cache: Arc<Cache> = Cache::open(&config.cache, open_files)?;      // starts the recovery thread
//! match cache.ask(&request, clock::now()).await {      // the request after hop-by-hop fields were stripped
//!     Answer::Reply(reply) => …                // complete answer: 200, 206, 304, 412, 416, 504
//!     Answer::ReplyAndRefresh(reply, fetch) => …   // the same, and `fetch` goes on in the background
//!     Answer::Stream(stream) => …              // another exchange is receiving it: read along
//!     Answer::Fetch(fetch) => {                // ask a backend, also for everything that is no cache matter
//!         fetch.amend(&mut fields_of_backend_request);        // validators, instead of the client's conditions
//!         // no backend answered:
//!         if let Some(reply) = fetch.failed(clock::now()) { … } else { 502 / 504 }
//!         // a final response head came (hop-by-hop fields stripped, Date added); `length`: Content-Length
//!         match fetch.receive(&mut response_head, length, asked_at, clock::now()) {
//!             Received::Reply(reply) => …      // 304 to our validation, or stale-if-error: drop the backend's body
//!             Received::Forward(forward) => {  // send the backend's response; `forward.status.write(&mut out)`
//!                 // if let Some(writer) = forward.writer: writer.write(bytes) for each piece (never fails),
//!                 // writer.commit() BEFORE the last piece goes to the client; dropping it gives the entry up
//!             }
//!         }
//!     }
//! }
//! // reply.write_head(&mut out): status line and fields, Content-Length, Age and Cache-Status included,
//! //     without Connection, Via and the empty line; reply.body: ReplyBody::{Empty, File, Bytes, Parts};
//! //     reply.body_length(); reply.status_code; reply.status (CacheStatus, for the log)
//! // stream.write_head(&mut out); stream.length(): Option<u64>; stream.next().await: io::Result<Option<FilePart>>
//! // cache.purge_key(host, target), cache.purge_prefix(prefix), cache.purge_all(), cache.statistics()
//! ```
