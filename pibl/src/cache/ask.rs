//! What becomes of a request: answered from what is stored, read along, or sent to a backend.
//!
//! `exchange` asks for every request before it picks a backend. It decides by the rules of RFC 9111 §4
//! and never touches a socket; it waits only for the leader of the same request.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Cache;
use super::cache_control::RequestDirectives;
use super::cache_status::{CacheStatus, Forwarded};
use super::conditions;
use super::desk;
use super::entry::Entry;
use super::fetch::Fetch;
use super::flight::{Joined, State};
use super::key::Key;
use super::reply::Reply;
use super::store::{Found, SOON_CHECKED_BYTES};
use super::stream::Stream;
use super::vary;
use crate::clock::{self, Timestamp};
use crate::config::Sharing;
use crate::http::{Method, RequestHead, has_credentials, overrides};

/// How long others wait for a leader whose backend has said nothing: then one of them asks as well, and is led by another
/// backend perhaps. As in nginx (`proxy_cache_lock_age`).
const LEADER_PATIENCE: Duration = Duration::from_secs(5);

/// What to do with a request.
#[derive(Debug)]
pub enum Answer {
    /// Send this.
    Reply(Reply),
    /// Send this, and let the fetch go on in the background (RFC 5861 §3).
    ReplyAndRefresh(Reply, Fetch),
    /// Send what another exchange is receiving.
    Stream(Stream),
    /// Ask a backend.
    Fetch(Fetch),
}

/// May an entry be used for a request now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Yes,
    /// Yes, but it should be refreshed.
    WhileRefreshed,
    /// Only after the origin was asked.
    No(Forwarded),
}

impl Cache {
    /// Decides about a request whose hop-by-hop fields were stripped. Waits while another exchange brings
    /// the same response, for [`LEADER_PATIENCE`] at a time.
    pub async fn ask(self: &Arc<Self>, request: &RequestHead, now: Timestamp) -> Answer {
        let directives = RequestDirectives::read(&request.fields);
        let key = match self.key_of(request) {
            Ok(key) => key,
            Err(_) if directives.only_if_cached && is_for_cache(&request.method) => {
                return Answer::Reply(Reply::only_if_cached());
            }
            Err((reason, detail)) => return Answer::Fetch(Fetch::passing(self, reason, detail)),
        };
        let mut now = now;
        let mut overdue = None;
        loop {
            let found = match self.store.find_open(&key, &request.fields) {
                // In a box, because it is rare and would make the memory of every connection larger.
                Found::Closed => Box::pin(self.find_closed(&key, request)).await,
                found => found,
            };
            let (reason, stored) = match found {
                Found::Entry(entry) => match decide(&entry, &directives, now) {
                    Use::Yes => return Answer::Reply(self.hit(request, entry, now)),
                    Use::WhileRefreshed if directives.only_if_cached => {
                        return Answer::Reply(self.hit(request, entry, now));
                    }
                    Use::WhileRefreshed => return self.refresh(request, key, directives, entry, now),
                    Use::No(reason) => (reason, Some(entry)),
                },
                Found::NoVariant => (Forwarded::VaryMiss, None),
                Found::Nothing | Found::Closed | Found::Unchecked => (Forwarded::UriMiss, None),
            };
            if directives.only_if_cached {
                return Answer::Reply(Reply::only_if_cached());
            }
            let watch = self.store.watches.watch(key.hash());
            let epoch = watch.epoch();
            let fetch = Fetch::taking_part(self, key.clone(), watch, directives, reason, stored);
            let may_join = may_share(request, &directives, fetch.validates())
                && !self.flights.is_solo(crowd(&key, request), now);
            if !may_join {
                return Answer::Fetch(fetch);
            }
            let mut receiver = match self.flights.join(key.hash(), epoch, overdue.as_ref()) {
                Joined::Outdated => return Answer::Fetch(fetch),
                Joined::Follows(receiver) => receiver,
                Joined::Leads(leader) => {
                    // The leader before this one may have landed since the look-up.
                    let found = self.store.find_open(&key, &request.fields);
                    let landed = match found {
                        Found::Entry(entry) => decide(&entry, &directives, now) == Use::Yes,
                        _ => false,
                    };
                    if landed {
                        continue;
                    }
                    return Answer::Fetch(fetch.leading(leader));
                }
            };
            let state = wait(&mut receiver).await;
            now = clock::steady_now();
            let Some(state) = state else {
                overdue = Some(receiver);
                continue;
            };
            match state {
                State::Gone | State::Waiting => {}
                State::Released | State::Ended(_) => return Answer::Fetch(fetch),
                State::Landed(entry) => {
                    let fits = fits(request, &key, &entry)
                        && !matches!(decide(&entry, &directives, now), Use::No(_));
                    if !fits {
                        return Answer::Fetch(fetch);
                    }
                    let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(reason) };
                    return Answer::Reply(Reply::new(request, entry, status, now));
                }
                State::Streaming(incoming, _) => {
                    let names = incoming.vary.iter().map(AsRef::as_ref);
                    let fits = *incoming.key == *key.bytes()
                        && vary::variant(names, &request.fields) == incoming.variant
                        && incoming.freshness.is_fresh(now);
                    if !fits {
                        return Answer::Fetch(fetch);
                    }
                    let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(reason) };
                    return Answer::Stream(Stream::new(receiver, incoming, status, now));
                }
            }
        }
    }

    /// The key under which a request may be answered, or why the cache has no part in it.
    fn key_of(&self, request: &RequestHead) -> Result<Key, (Forwarded, Option<&'static str>)> {
        if !is_for_cache(&request.method) {
            return Err((Forwarded::Method, None));
        }
        if self.store.disk.is_none() {
            return Err((Forwarded::Bypass, Some("off")));
        }
        if self.store.rules.load().sharing == Sharing::Never && has_credentials(&request.fields) {
            return Err((Forwarded::Bypass, Some("token")));
        }
        if overrides(&request.fields) {
            return Err((Forwarded::Bypass, Some("override")));
        }
        if conditions::is_for_origin(&request.fields) {
            return Err((Forwarded::Request, Some("precondition")));
        }
        Key::of_request(request).ok_or((Forwarded::Bypass, None))
    }

    /// Looks up what is not open; it is opened and checked at the desk.
    async fn find_closed(&self, key: &Key, request: &RequestHead) -> Found {
        let look = |most_bytes| {
            let (store, key, fields) = (Arc::clone(&self.store), key.clone(), request.fields.clone());
            move || store.find(&key, &fields, most_bytes)
        };
        match desk::run(look(SOON_CHECKED_BYTES)).await {
            Some(Found::Unchecked) => desk::run_to_end(look(u64::MAX)).await.unwrap_or(Found::Nothing),
            found => found.unwrap_or(Found::Nothing),
        }
    }

    fn hit(&self, request: &RequestHead, entry: Arc<Entry>, now: Timestamp) -> Reply {
        let remaining = entry.freshness.remaining_millis(now);
        Reply::new(request, entry, CacheStatus::hit(remaining), now)
    }

    /// The stale response at once; a fetch too, unless somebody refreshes it already.
    fn refresh(
        self: &Arc<Self>,
        request: &RequestHead,
        key: Key,
        directives: RequestDirectives,
        entry: Arc<Entry>,
        now: Timestamp,
    ) -> Answer {
        let reply = self.hit(request, Arc::clone(&entry), now);
        let watch = self.store.watches.watch(key.hash());
        if request.method != Method::Get {
            return Answer::Reply(reply);
        }
        match self.flights.join(key.hash(), watch.epoch(), None) {
            Joined::Leads(leader) => {
                let fetch = Fetch::taking_part(self, key, watch, directives, Forwarded::Stale, Some(entry));
                Answer::ReplyAndRefresh(reply, fetch.leading(leader))
            }
            Joined::Follows(_) | Joined::Outdated => Answer::Reply(reply),
        }
    }
}

/// The answer to a request that goes around the cache and yet wants nothing but what is stored (RFC 9111 §5.2.1.7).
pub fn only_if_cached(request: &RequestHead) -> Option<Reply> {
    let is_meant = is_for_cache(&request.method) && RequestDirectives::read(&request.fields).only_if_cached;
    is_meant.then(Reply::only_if_cached)
}

fn is_for_cache(method: &Method) -> bool {
    matches!(method, Method::Get | Method::Head)
}

/// The news of a flight; `None` when there were none for too long.
async fn wait(receiver: &mut watch::Receiver<State>) -> Option<State> {
    let news = receiver.wait_for(|state| !matches!(state, State::Waiting));
    // In a box, because it is rare and would make the memory of every connection larger.
    let state = Box::pin(tokio::time::timeout(LEADER_PATIENCE, news)).await.ok()?;
    Some(state.map_or(State::Gone, |state| state.clone()))
}

/// RFC 9111 §4, §4.2.4 and §5.2.1, in the order in which the reasons weigh.
fn decide(entry: &Entry, directives: &RequestDirectives, now: Timestamp) -> Use {
    let freshness = &entry.freshness;
    if directives.no_cache {
        return Use::No(Forwarded::Request);
    }
    if freshness.no_cache {
        return Use::No(Forwarded::Stale);
    }
    let millis = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    if directives.max_age.is_some_and(|limit| freshness.age_millis(now) > millis(limit)) {
        return Use::No(Forwarded::Request);
    }
    let remaining = freshness.remaining_millis(now);
    if remaining > 0 {
        let is_fresh_enough = directives.min_fresh.is_none_or(|wanted| remaining >= millis(wanted));
        return if is_fresh_enough { Use::Yes } else { Use::No(Forwarded::Request) };
    }
    let is_accepted = directives.max_stale.is_some_and(|limit| remaining.saturating_neg() <= millis(limit));
    if is_accepted && freshness.may_be_stale() {
        return Use::Yes;
    }
    if freshness.may_be_used_while_refreshed(now) {
        return Use::WhileRefreshed;
    }
    Use::No(Forwarded::Stale)
}

/// Whether one backend request may serve this request and others. What asks for something of its own
/// (a part, its own credentials, a condition that is passed on) goes alone.
fn may_share(request: &RequestHead, directives: &RequestDirectives, validates: bool) -> bool {
    let fields = &request.fields;
    request.method == Method::Get
        && !directives.no_store
        && !directives.no_cache
        && !fields.contains("range")
        && !fields.contains("authorization")
        && (validates || !conditions::is_conditional(fields))
}

/// Those who may wait for one answer. Whoever brings credentials gets another answer than the rest, or may: whether
/// that can be shared is learnt of each crowd apart.
pub(super) fn crowd(key: &Key, request: &RequestHead) -> u128 {
    key.hash() ^ u128::from(has_credentials(&request.fields))
}

fn fits(request: &RequestHead, key: &Key, entry: &Entry) -> bool {
    let names = entry.record.vary.iter().map(AsRef::as_ref);
    let variant =
        if entry.record.vary.is_empty() { Vec::new() } else { vary::variant(names, &request.fields) };
    entry.belongs_to(key.bytes(), &variant)
}
