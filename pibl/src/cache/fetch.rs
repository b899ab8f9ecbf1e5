//! What a backend's answer means for the cache.
//!
//! `exchange` carries a fetch from `ask` through its attempts at backends and hands it the final head.
//! It decides what the client gets and whether it is kept; it never reads a socket.

use std::sync::Arc;

use super::Cache;
use super::ask::crowd;
use super::cache_control::RequestDirectives;
use super::cache_status::{CacheStatus, Forwarded};
use super::conditions;
use super::desk;
use super::entry::Entry;
use super::entry_format::{Kind, Record};
use super::flight::{Crowd, Lead, Leader};
use super::freshness::{Directives, Freshness, Times};
use super::invalidation;
use super::key::Key;
use super::pen::Begin;
use super::reply::Reply;
use super::storable::{self, NotStored, add_date, fields_to_keep};
use super::vary;
use super::watch::Watch;
use super::writer::Writer;
use crate::clock::Timestamp;
use crate::http::{Fields, Method, RequestHead, ResponseHead, overrides};

/// A request that goes to a backend. Dropped without an answer, it lets the next who waits for the same
/// try his luck.
#[derive(Debug)]
pub struct Fetch {
    cache: Arc<Cache>,
    status: CacheStatus,
    /// `None` when the response is no matter of the cache.
    part: Option<Part>,
}

#[derive(Debug)]
struct Part {
    key: Key,
    watch: Watch,
    directives: RequestDirectives,
    /// What is stored and may not be used as it is.
    stored: Option<Arc<Entry>>,
    leader: Option<Leader>,
}

/// What becomes of a backend's answer.
#[derive(Debug)]
pub enum Received {
    /// Send this instead, and drop the body of the backend's answer.
    Reply(Reply),
    /// Send the backend's answer.
    Forward(Forward),
    /// The backend has confirmed what nobody has: ask it again, for all of it.
    Again(Box<Fetch>),
}

/// A backend's answer on its way to the client.
#[derive(Debug)]
pub struct Forward {
    /// Takes the body, if the response is kept.
    pub writer: Option<Box<Writer>>,
    /// What the cache did, for `Cache-Status` and the log.
    pub status: CacheStatus,
}

impl Fetch {
    /// A request in which the cache has no part.
    pub(super) fn passing(cache: &Arc<Cache>, reason: Forwarded, detail: Option<&'static str>) -> Self {
        let status = CacheStatus { detail, ..CacheStatus::forwarded(reason) };
        Self { cache: Arc::clone(cache), status, part: None }
    }

    /// A request whose stored answer can no longer be read.
    pub(super) fn in_place_of_unreadable(cache: &Arc<Cache>, request: &RequestHead) -> Self {
        let part = Key::of_request(request).map(|key| {
            let watch = cache.store.watches.watch(key.hash());
            let directives = RequestDirectives::read(&request.fields);
            Part { key, watch, directives, stored: None, leader: None }
        });
        let status = CacheStatus { detail: Some("unreadable"), ..CacheStatus::forwarded(Forwarded::UriMiss) };
        Self { cache: Arc::clone(cache), status, part }
    }

    /// A request whose answer may be kept.
    pub(super) fn taking_part(
        cache: &Arc<Cache>,
        key: Key,
        watch: Watch,
        directives: RequestDirectives,
        reason: Forwarded,
        stored: Option<Arc<Entry>>,
    ) -> Self {
        let part = Part { key, watch, directives, stored, leader: None };
        Self { cache: Arc::clone(cache), status: CacheStatus::forwarded(reason), part: Some(part) }
    }

    pub(super) fn leading(mut self, leader: Leader) -> Self {
        if let Some(part) = &mut self.part {
            part.leader = Some(leader);
        }
        self
    }

    /// Whether the backend is asked if what is stored is still current.
    pub fn validates(&self) -> bool {
        self.part.as_ref().and_then(|part| part.stored.as_ref()).is_some_and(|entry| entry.has_validator())
    }

    /// Those who may wait for the same answer.
    pub fn crowd(&self) -> Option<Crowd> {
        self.part.as_ref()?.leader.as_ref().map(Leader::crowd)
    }

    /// What the cache has found so far; for answers that pibl gives itself.
    pub fn status(&self) -> CacheStatus {
        self.status
    }

    /// Makes the request for the backend out of that of the client: its own validators in place of the
    /// client's conditions and range (RFC 9111 §4.3.1). Does nothing to a HEAD.
    pub fn amend(&self, method: &Method, fields: &mut Fields) {
        let stored = self.part.as_ref().and_then(|part| part.stored.as_ref());
        let Some(entry) = stored.filter(|entry| *method == Method::Get && entry.has_validator()) else {
            return;
        };
        for name in ["if-none-match", "if-modified-since", "range", "if-range"] {
            fields.remove(name);
        }
        let record = &entry.record;
        if let Some(tag) = entry.entity_tag() {
            fields.append("If-None-Match", tag);
        }
        if let Some(changed) = record.fields.get("last-modified") {
            fields.append("If-Modified-Since", changed);
        }
    }

    /// No backend gave an answer: what is stored, where that is allowed (RFC 9111 §4.2.4).
    pub fn failed(self, request: &RequestHead, now: Timestamp) -> Option<Reply> {
        let Part { directives, stored, leader, .. } = self.part?;
        let usable =
            stored.filter(|entry| entry.freshness.may_be_used_disconnected(directives.stale_if_error, now));
        match usable {
            Some(entry) => {
                let status = CacheStatus { detail: Some("unreachable"), ..self.status };
                Some(stand_in(request, entry, leader, status, now))
            }
            None => {
                // Whoever waits asks for himself at once, instead of failing one after the other.
                leader.into_iter().for_each(Leader::release);
                None
            }
        }
    }

    /// The final head of a backend's answer, without hop-by-hop fields. `length` is that of its body where
    /// the backend stated it.
    pub async fn receive(
        mut self,
        request: &RequestHead,
        response: &ResponseHead,
        length: Option<u64>,
        times: Times,
    ) -> Received {
        if !request.method.is_safe() && (200..400).contains(&response.status) {
            for key in invalidation::keys(request, &response.fields) {
                Box::pin(self.cache.store.remove_soon(&key)).await;
            }
        }
        if self.part.is_none() && request.method == Method::Post {
            self.part = self.part_of_post(request);
        }
        let Some(part) = self.part.take() else {
            return Received::Forward(Forward { writer: None, status: self.status });
        };
        let now = times.received_at;
        match (&request.method, response.status, part.stored.is_some()) {
            (Method::Get, 304, true) => match confirmed(part.stored.as_deref(), response) {
                true => Box::pin(confirm(&self.cache, part, self.status, request, response, times)).await,
                false => {
                    let part = Box::pin(without_stored(&self.cache, part)).await;
                    Received::Again(Box::new(Self { part: Some(part), ..self }))
                }
            },
            (Method::Head, 200, true) => {
                Box::pin(freshen(&self.cache, part, self.status, request, response, times)).await
            }
            (Method::Get, 500 | 502 | 503 | 504, true) => {
                let entry = part.stored.as_ref();
                let wanted = part.directives.stale_if_error;
                let usable = entry.filter(|entry| entry.freshness.may_be_used_on_error(wanted, now)).cloned();
                match usable {
                    Some(entry) => {
                        let status = CacheStatus {
                            forwarded_status: Some(response.status),
                            detail: Some("stale-if-error"),
                            ..self.status
                        };
                        Received::Reply(stand_in(request, entry, part.leader, status, now))
                    }
                    None => self.keep(part, request, response, length, times).await,
                }
            }
            _ => self.keep(part, request, response, length, times).await,
        }
    }

    /// A full answer. What is stored goes where the origin has replaced it by something that may not be kept.
    async fn keep(
        &self,
        part: Part,
        request: &RequestHead,
        response: &ResponseHead,
        length: Option<u64>,
        times: Times,
    ) -> Received {
        let (received, replaced) = keep(&self.cache, part, self.status, request, response, length, times);
        if let Some(key) = replaced {
            Box::pin(self.cache.store.remove_soon(&key)).await;
        }
        received
    }

    /// RFC 9110 §9.3.3: the answer to a POST may serve later GETs; whether it does is judged as for others.
    fn part_of_post(&self, request: &RequestHead) -> Option<Part> {
        self.cache.store.disk.as_ref()?;
        if overrides(&request.fields) {
            return None;
        }
        let key = Key::of_request(request)?;
        // Taken after the POST has made wrong what was stored.
        let watch = self.cache.store.watches.watch(key.hash());
        let directives = RequestDirectives::read(&request.fields);
        Some(Part { key, watch, directives, stored: None, leader: None })
    }
}

/// A stale response in place of an origin that fails; also for those who wait.
fn stand_in(
    request: &RequestHead,
    entry: Arc<Entry>,
    leader: Option<Leader>,
    status: CacheStatus,
    now: Timestamp,
) -> Reply {
    leader.into_iter().for_each(Leader::release);
    let ttl_seconds = Some(entry.freshness.remaining_millis(now).div_euclid(1000));
    Reply::new(request, entry, CacheStatus { ttl_seconds, ..status }, now)
}

/// Whether a 304 may be used for what is stored. The client's own condition stands where there is no validator.
fn confirmed(stored: Option<&Entry>, response: &ResponseHead) -> bool {
    stored.is_none_or(|entry| {
        !entry.has_validator() || conditions::is_about(&response.fields, &entry.record.fields)
    })
}

/// Forgets what is stored, which its origin no longer knows, but not that others wait.
async fn without_stored(cache: &Cache, part: Part) -> Part {
    cache.store.remove_file_soon(part.key.hash()).await;
    Part { stored: None, ..part }
}

/// RFC 9111 §4.3.4: a 304 gives the stored response new fields and a new life.
async fn confirm(
    cache: &Arc<Cache>,
    part: Part,
    status: CacheStatus,
    request: &RequestHead,
    response: &ResponseHead,
    times: Times,
) -> Received {
    let Part { key, stored, leader, watch, directives } = part;
    let Some(entry) = stored.filter(|entry| entry.has_validator()) else {
        // The client's own condition was answered; there is nothing to confirm.
        leader.into_iter().for_each(Leader::release);
        return Received::Forward(Forward { writer: None, status });
    };
    let updated = updated(cache, &entry, response, times);
    let status = CacheStatus { forwarded_status: Some(304), ..status };
    let (entry, is_kept) = store_updated(cache, &key, &watch, directives, request, &entry, updated).await;
    match leader {
        Some(leader) if is_kept && entry.freshness.is_fresh(times.received_at) => {
            leader.land(Arc::clone(&entry));
        }
        leader => leader.into_iter().for_each(Leader::release),
    }
    Received::Reply(Reply::new(request, entry, status, times.received_at))
}

/// RFC 9111 §4.3.5: a HEAD shows whether the stored response is the current one.
async fn freshen(
    cache: &Arc<Cache>,
    part: Part,
    status: CacheStatus,
    request: &RequestHead,
    response: &ResponseHead,
    times: Times,
) -> Received {
    let Part { key, stored, watch, directives, .. } = part;
    let forward = || Received::Forward(Forward { writer: None, status });
    let Some(entry) = stored else { return forward() };
    let agrees = |name: &str| match (response.fields.get(name), entry.record.fields.get(name)) {
        (Some(new), Some(old)) => new == old,
        (new, _) => new.is_none(),
    };
    let length = response.fields.get("content-length");
    let has_same_length = length.is_none_or(|text| {
        super::cache_control::seconds(text).is_some_and(|length| length == entry.body_bytes())
    });
    let is_same = agrees("etag") && agrees("last-modified") && agrees("content-encoding") && has_same_length;
    if !(is_same && entry.record.status == 200) {
        cache.store.remove_soon(&key).await;
        return forward();
    }
    let updated = updated(cache, &entry, response, times);
    let (entry, _) = store_updated(cache, &key, &watch, directives, request, &entry, updated).await;
    let status = CacheStatus { forwarded_status: Some(200), ..status };
    Received::Reply(Reply::new(request, entry, status, times.received_at))
}

/// The record of a stored response with the fields of a newer head (RFC 9111 §3.2).
fn updated(cache: &Cache, entry: &Entry, response: &ResponseHead, times: Times) -> Record {
    let mut record = entry.record.clone();
    let rules = cache.store.rules.load();
    let mut newer = response.fields.clone();
    fields_to_keep(&rules, &Directives::read(&newer), &mut newer);
    if entry.record.fields.contains("etag") {
        // The same tag, perhaps in a weaker form.
        newer.remove("etag");
    }
    // They describe the bytes that are stored, which are what they were.
    for name in ["content-encoding", "content-range"] {
        newer.remove(name);
    }
    record.fields.remove("age");
    let is_replaced = |name: &[u8]| newer.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    record.fields.retain(|name, _| !is_replaced(name));
    for (name, value) in newer.iter() {
        record.fields.append(name, value);
    }
    if !newer.contains("date") {
        record.fields.remove("date");
        add_date(&mut record.fields, times.received_by_wall());
    }
    (record.times, record.run, record.is_of_future) = (times, cache.store.run, false);
    record
}

/// Keeps an updated response, unless its new fields forbid that, or make it differ for others by fields that nobody
/// looked at (RFC 9111 §4.1): then it serves this request only. Says whether it was kept.
async fn store_updated(
    cache: &Cache,
    key: &Key,
    watch: &Watch,
    directives: RequestDirectives,
    request: &RequestHead,
    entry: &Arc<Entry>,
    record: Record,
) -> (Arc<Entry>, bool) {
    let rules = cache.store.rules.load();
    let head = ResponseHead { fields: record.fields.clone(), ..ResponseHead::new(record.status) };
    let stated = Directives::read(&record.fields);
    let freshness = Freshness::by(&stated, &rules, record.status, &record.fields, record.times);
    let get = RequestHead { method: Method::Get, ..request.clone() };
    let verdict =
        storable::judge(&rules, &get, false, (&head, &stated), Some(entry.body_bytes()), &freshness);
    let varies_as_before = vary::names(&record.fields).is_some_and(|names| names == record.vary);
    let is_current = !watch.is_spoiled();
    if verdict.is_ok() && varies_as_before && is_current && !directives.no_store {
        let (store, stored, kept) = (Arc::clone(&cache.store), Arc::clone(entry), record.clone());
        return match desk::run(move || store.confirm(&stored, kept)).await {
            Some(entry) => (entry, true),
            None => (cache.store.unnamed(entry, record), false),
        };
    }
    if !varies_as_before || verdict.is_err_and(|reason| !reason.is_about_request()) {
        cache.store.remove_soon(key).await;
    }
    (cache.store.unnamed(entry, record), false)
}

/// A full answer: forwarded, and kept if RFC 9111 §3 allows it. Also says what has to go.
fn keep(
    cache: &Arc<Cache>,
    part: Part,
    status: CacheStatus,
    request: &RequestHead,
    response: &ResponseHead,
    length: Option<u64>,
    times: Times,
) -> (Received, Option<Key>) {
    let Part { key, watch, directives, stored, leader } = part;
    let store = &cache.store;
    let rules = store.rules.load();
    let stated = Directives::read(&response.fields);
    let freshness = Freshness::by(&stated, &rules, response.status, &response.fields, times);
    let judged =
        storable::judge(&rules, request, directives.no_store, (response, &stated), length, &freshness);
    // A validation of our own took the place of what the client asked of a part or under a condition.
    let is_validation = stored.as_ref().is_some_and(|entry| entry.has_validator());
    let verdict = match judged {
        Ok(()) if !is_validation && conditions::is_answer_to_one(request, response.status) => {
            Err(NotStored::Condition)
        }
        judged => judged,
    };
    let forwarded_status = stored.as_ref().map(|_| response.status);
    let mut status = CacheStatus { forwarded_status, ..status };
    if let Err(reason) = verdict {
        leader.into_iter().for_each(Leader::release);
        // Otherwise a stranger who asks for a part or under a condition would send a crowd to the origin one by one.
        let is_about_answer =
            response.status < 500 && response.status != 304 && !reason.is_chosen_by_client();
        if is_about_answer && request.method == Method::Get {
            cache.flights.note_solo(crowd(&key, request), times.received_at);
        }
        // What was stored has been replaced at the origin by something that may not be kept.
        let is_replaced = request.method == Method::Get && matches!(response.status, 200..=299 | 404 | 410);
        let is_replaced = is_replaced && stored.is_some() && response.status != 206 && !directives.no_store;
        // That a method is not kept is said already by the reason for forwarding it.
        if reason != NotStored::Method {
            status.detail = status.detail.or(Some(reason.as_str()));
        }
        return (Received::Forward(Forward { writer: None, status }), is_replaced.then_some(key));
    }
    let is_shareable = freshness.is_fresh(times.received_at);
    let leader = match leader {
        Some(leader) if !is_shareable => {
            // Kept, but never used without asking: there is nothing to wait for.
            leader.release();
            cache.flights.note_solo(crowd(&key, request), times.received_at);
            None
        }
        leader => {
            cache.flights.note_shared(crowd(&key, request));
            leader
        }
    };
    let names = vary::names(&response.fields).unwrap_or_default();
    let variant = match names.is_empty() {
        true => Vec::new(),
        false => vary::variant(names.iter().map(AsRef::as_ref), &request.fields),
    };
    let mut fields = response.fields.clone();
    fields_to_keep(&rules, &stated, &mut fields);
    add_date(&mut fields, times.received_by_wall());
    let record = Record {
        kind: Kind::Response,
        key: key.bytes().to_vec(),
        variant,
        generation: 0,
        vary: names,
        status: response.status,
        reason: response.reason.clone(),
        fields,
        times,
        run: store.run,
        is_of_future: false,
    };
    let writer =
        Writer::begin(store, Begin { lead: Lead::new(leader), key, watch, record, freshness, length });
    status.stored = writer.is_some();
    (Received::Forward(Forward { writer: writer.map(Box::new), status }), None)
}
