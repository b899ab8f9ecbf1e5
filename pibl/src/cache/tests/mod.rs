//! The cache as `exchange` uses it: a request in, an answer of a backend, what the client sees.

mod confirmation;
mod damage;
mod oracle;
mod persistence;
mod reuse;
mod scale;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::config::{Sharing, Sync, TtlMode};
use crate::http::{Fields, Method, RequestHead, ResponseHead};

/// A time at which tests begin.
const START: Timestamp = Timestamp::from_seconds(1_700_000_000);
/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A cache in a directory of its own.
struct Bench {
    directory: tempfile::TempDir,
    cache: Arc<Cache>,
    settings: CacheSettings,
}

/// What a client saw, and what the backend was asked.
#[derive(Debug, Default)]
struct Seen {
    /// The fields of the request that the backend got; `None` when it was not asked.
    asked: Option<Fields>,
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn was_hit(&self) -> bool {
        self.asked.is_none()
    }

    fn has(&self, line: &str) -> bool {
        self.head.lines().any(|other| other.eq_ignore_ascii_case(line))
    }

    fn cache_status(&self) -> &str {
        self.head.lines().find_map(|line| line.strip_prefix("Cache-Status: ")).unwrap_or_default()
    }
}

/// An answer of a backend.
#[derive(Clone, Copy, Debug)]
struct Origin<'a> {
    status: u16,
    fields: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

fn origin<'a>(status: u16, fields: &'a [(&'a str, &'a str)], body: &'a [u8]) -> Origin<'a> {
    Origin { status, fields, body }
}

fn settings(directory: &std::path::Path, ttl_seconds: u64) -> CacheSettings {
    CacheSettings {
        enabled: true,
        directory: directory.join("cache"),
        ttl: Duration::from_secs(ttl_seconds),
        ttl_mode: TtlMode::Default,
        size_bytes: 64 << 20,
        max_object_bytes: 32 << 20,
        sharing: Sharing::WhereStated,
        store_set_cookie: false,
        sync: Sync::Never,
    }
}

fn bench(ttl_seconds: u64) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path(), ttl_seconds);
    let cache = Cache::open(&settings, 64);
    let bench = Bench { directory, cache, settings };
    bench.wait_for_scan();
    bench
}

impl Bench {
    /// What a crash and a restart leave: another cache over the same directory.
    fn restarted(self) -> Self {
        let Self { directory, cache, settings } = self;
        drop(cache);
        let cache = Cache::open(&settings, 64);
        Self { directory, cache, settings }
    }

    fn wait_for_scan(&self) {
        let start = crate::clock::monotonic();
        while !self.cache.statistics().is_recovered {
            assert!(start.elapsed() < PATIENCE, "the scan does not end");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for what threads do that may wait for the disk.
    async fn until(&self, what: &str, is_true: impl Fn() -> bool) {
        let start = crate::clock::monotonic();
        while !is_true() {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn get(&self, target: &str, seconds: u64, origin: Origin<'_>) -> Seen {
        self.exchange(&get(target, &[]), at(seconds), Some(origin)).await
    }

    /// One exchange; without an origin no backend can be reached.
    async fn exchange(&self, request: &RequestHead, now: Timestamp, origin: Option<Origin<'_>>) -> Seen {
        match self.cache.ask(request, now).await {
            Answer::Reply(reply) | Answer::ReplyAndRefresh(reply, _) => seen(&reply, None),
            Answer::Stream(_) => panic!("nobody else is asking"),
            Answer::Fetch(fetch) => self.finish(fetch, request, now, origin).await,
        }
    }

    async fn finish(
        &self,
        fetch: Fetch,
        request: &RequestHead,
        now: Timestamp,
        origin: Option<Origin<'_>>,
    ) -> Seen {
        let mut asked = request.fields.clone();
        fetch.amend(&request.method, &mut asked);
        let Some(origin) = origin else {
            return match fetch.failed(request, now) {
                Some(reply) => seen(&reply, Some(asked)),
                None => Seen { asked: Some(asked), status: 502, ..Seen::default() },
            };
        };
        let mut response = ResponseHead::new(origin.status);
        response.fields = origin.fields.iter().copied().collect();
        let length = Some(origin.body.len() as u64);
        match fetch.receive(request, &response, length, times(now)).await {
            Received::Reply(reply) => seen(&reply, Some(asked)),
            Received::Again(fetch) => Box::pin(self.finish(*fetch, request, now, Some(origin))).await,
            Received::Forward(Forward { writer, status }) => {
                if let Some(mut writer) = writer {
                    let (one, two) = origin.body.split_at(origin.body.len() / 2);
                    writer.write(one).await;
                    writer.write(two).await;
                    writer.commit().await;
                }
                let mut head = Vec::new();
                status.write(&mut head);
                Seen {
                    asked: Some(asked),
                    status: origin.status,
                    head: String::from_utf8(head).unwrap(),
                    body: origin.body.to_vec(),
                }
            }
        }
    }

    /// The only stored file of the bench.
    fn only_file(&self) -> std::path::PathBuf {
        let mut files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut files = Vec::new();
        let disk = self.cache.store.disk.as_ref().unwrap();
        disk.walk(|path, _| files.push(path.to_owned())).unwrap();
        files
    }
}

fn seen(reply: &Reply, asked: Option<Fields>) -> Seen {
    let mut head = Vec::new();
    reply.write_head(&mut head);
    let mut body = Vec::new();
    match &reply.body {
        ReplyBody::Empty => {}
        ReplyBody::Bytes(bytes) => body.extend_from_slice(bytes),
        ReplyBody::File(part) => body.extend(part.read().unwrap()),
        ReplyBody::Parts(parts) => {
            for part in parts {
                match part {
                    BodyPart::Bytes(bytes) => body.extend_from_slice(bytes),
                    BodyPart::File(part) => body.extend(part.read().unwrap()),
                }
            }
        }
    }
    assert_eq!(body.len() as u64, reply.body_length());
    Seen { asked, status: reply.status_code, head: String::from_utf8(head).unwrap(), body }
}

fn get(target: &str, fields: &[(&str, &str)]) -> RequestHead {
    request(Method::Get, target, fields)
}

fn request(method: Method, target: &str, fields: &[(&str, &str)]) -> RequestHead {
    let mut request = RequestHead::new(method, target);
    request.fields = fields.iter().copied().collect();
    request.fields.append("Host", "a.example");
    request
}

fn times(now: Timestamp) -> Times {
    Times { requested_at: now, received_at: now, ahead_micros: 0 }
}

fn at(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}
