//! Requests to backends that are under way, so that many clients who want the same make one request.
//!
//! The first to miss becomes the leader of a flight; `ask` lets others wait or read along. The leader's
//! end, however it comes, wakes everybody: the news are in the last state. Nothing here knows what a
//! response is worth.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::watch;

use super::disk::StoredFile;
use super::entry::Entry;
use super::freshness::Freshness;
use super::index::Plain;
use super::watch::Epoch;
use crate::clock::Timestamp;

const SHARDS: usize = 16;
/// How many keys are remembered as not worth waiting for.
const SOLO_PLACES: usize = 8192;
/// For how long: then somebody tries again whether the answer can be shared.
const SOLO_SECONDS: i64 = 60;

/// How far a flight has come.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// The backend has not answered.
    Waiting,
    /// The body is coming; so many bytes of it can be read.
    Streaming(Arc<Incoming>, u64),
    /// It is stored, or confirmed.
    Landed(Arc<Entry>),
    /// So many bytes were the body, and nothing of it is stored: those who read along have all of it, and whoever has not
    /// begun asks for himself.
    Ended(u64),
    /// The answer is not for sharing: everybody asks for himself, at once.
    Released,
    /// The leader died without an answer: somebody else leads.
    Gone,
}

/// A response whose body is still coming.
#[derive(Debug)]
pub(super) struct Incoming {
    /// The key in full: flights are found by hash.
    pub key: Box<[u8]>,
    pub vary: Vec<Box<[u8]>>,
    pub variant: Vec<u8>,
    pub status: u16,
    /// Status line and fields, without a length.
    pub head: Box<[u8]>,
    pub length: Option<u64>,
    pub freshness: Freshness,
    pub file: Arc<StoredFile>,
    pub body_offset: u64,
    /// Where the body goes on when the disk took no more of it, and from which byte on.
    pub tail: OnceLock<(u64, Arc<StoredFile>)>,
}

/// Flights by hash, each with the state of the writes when it began.
type Shard = HashMap<u128, (Epoch, watch::Sender<State>), Plain>;

/// All flights of the process.
#[derive(Debug)]
pub(super) struct Flights {
    shards: [Mutex<Shard>; SHARDS],
    /// Keys whose last answer was not for sharing, with the time until which that is believed.
    solo: Box<[AtomicU64]>,
}

/// The right and the duty to bring the answer. Dropped without an end it counts as the leader's death.
#[derive(Debug)]
pub(super) struct Leader {
    flights: Arc<Flights>,
    hash: u128,
    sender: watch::Sender<State>,
    is_over: bool,
}

/// Those who may wait for the answer of a leader.
#[derive(Clone, Debug)]
pub struct Crowd(watch::Sender<State>);

impl Crowd {
    /// Whether anybody waits.
    pub fn is_waiting(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// A place among those who read along, and what they read, once the body is coming.
    pub(super) fn follow(&self) -> Option<(watch::Receiver<State>, Arc<Incoming>)> {
        let incoming = match &*self.0.borrow() {
            State::Streaming(incoming, _) => Arc::clone(incoming),
            _ => return None,
        };
        Some((self.0.subscribe(), incoming))
    }
}

/// What a newcomer finds.
pub(super) enum Joined {
    Leads(Leader),
    Follows(watch::Receiver<State>),
    /// The flight under way began before a write that this request must see.
    Outdated,
}

impl Flights {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            solo: (0..SOLO_PLACES).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// Joins the flight of a key, or starts one. `overdue`: one that somebody has waited for long enough; if nobody has
    /// taken its place yet, he does, and whoever loses patience after him joins him.
    pub(super) fn join(
        self: &Arc<Self>,
        hash: u128,
        epoch: Epoch,
        overdue: Option<&watch::Receiver<State>>,
    ) -> Joined {
        let mut shard = self.shard(hash);
        let is_overdue = |sender: &watch::Sender<State>| {
            overdue.is_some_and(|receiver| sender.subscribe().same_channel(receiver))
        };
        if let Some((began, sender)) = shard.get(&hash).filter(|(_, sender)| !is_overdue(sender)) {
            return if *began == epoch { Joined::Follows(sender.subscribe()) } else { Joined::Outdated };
        }
        let sender = watch::Sender::new(State::Waiting);
        shard.insert(hash, (epoch, sender.clone()));
        Joined::Leads(Leader { flights: Arc::clone(self), hash, sender, is_over: false })
    }

    /// Whether somebody is bringing this key.
    pub(super) fn is_under_way(&self, hash: u128) -> bool {
        self.shard(hash).contains_key(&hash)
    }

    /// How many flights there are.
    pub(super) fn len(&self) -> usize {
        (0..SHARDS).map(|shard| self.shard(shard as u128).len()).sum()
    }

    /// Whether waiting for this key was in vain lately.
    pub(super) fn is_solo(&self, hash: u128, now: Timestamp) -> bool {
        let (tag, until) = split(self.place(hash).load(Ordering::Relaxed));
        tag == tag_of(hash) && now.seconds() < until
    }

    pub(super) fn note_solo(&self, hash: u128, now: Timestamp) {
        let until = (now.seconds() + SOLO_SECONDS) as u64;
        self.place(hash).store(tag_of(hash) << 32 | (until & u64::from(u32::MAX)), Ordering::Relaxed);
    }

    pub(super) fn note_shared(&self, hash: u128) {
        let place = self.place(hash);
        if split(place.load(Ordering::Relaxed)).0 == tag_of(hash) {
            place.store(0, Ordering::Relaxed);
        }
    }

    fn place(&self, hash: u128) -> &AtomicU64 {
        &self.solo[hash as usize % SOLO_PLACES]
    }

    fn shard(&self, hash: u128) -> MutexGuard<'_, Shard> {
        self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Half of the hash that does not choose the place.
fn tag_of(hash: u128) -> u64 {
    (hash >> 96) as u64
}

fn split(word: u64) -> (u64, i64) {
    (word >> 32, (word & u64::from(u32::MAX)) as i64)
}

impl Leader {
    /// Whether anybody waits.
    pub(super) fn has_followers(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    /// A look at those who wait.
    pub(super) fn crowd(&self) -> Crowd {
        Crowd(self.sender.clone())
    }

    /// Lets everybody read along.
    pub(super) fn stream(&self, incoming: Arc<Incoming>, readable: u64) {
        self.sender.send_replace(State::Streaming(incoming, readable));
    }

    /// More of the body can be read.
    pub(super) fn progress(&self, readable: u64) {
        if self.has_followers() {
            self.sender.send_modify(|state| {
                if let State::Streaming(_, length) = state {
                    *length = readable;
                }
            });
        } else {
            // Nobody to wake, but whoever comes next must see it.
            self.sender.send_if_modified(|state| {
                if let State::Streaming(_, length) = state {
                    *length = readable;
                }
                false
            });
        }
    }

    /// The answer is stored or confirmed.
    pub(super) fn land(mut self, entry: Arc<Entry>) {
        self.end(State::Landed(entry));
    }

    /// All of the body has come, and nothing is stored.
    pub(super) fn finish(mut self, body_bytes: u64) {
        self.end(State::Ended(body_bytes));
    }

    /// The answer is not for sharing.
    pub(super) fn release(mut self) {
        self.end(State::Released);
    }

    fn end(&mut self, state: State) {
        self.is_over = true;
        // First out of the map: whoever comes now finds the stored response, or starts anew.
        let mut shard = self.flights.shard(self.hash);
        if shard.get(&self.hash).is_some_and(|(_, sender)| sender.same_channel(&self.sender)) {
            shard.remove(&self.hash);
        }
        drop(shard);
        // Nobody can join any more, so where nobody waits the news need not be told: that is the usual case,
        // and telling takes longer than all the rest here.
        let _ = self.sender.send(state);
    }
}

/// The lead of a response that two threads bring together: one from the backend, the other to the disk.
#[derive(Clone, Debug)]
pub(super) struct Lead(Arc<Mutex<Option<Leader>>>);

impl Lead {
    pub(super) fn new(leader: Option<Leader>) -> Self {
        Self(Arc::new(Mutex::new(leader)))
    }

    fn leader(&self) -> MutexGuard<'_, Option<Leader>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look at those who wait.
    pub(super) fn crowd(&self) -> Option<Crowd> {
        self.leader().as_ref().map(|leader| Crowd(leader.sender.clone()))
    }

    /// Whether anybody waits.
    pub(super) fn has_followers(&self) -> bool {
        self.leader().as_ref().is_some_and(Leader::has_followers)
    }

    /// Tells those who wait, if this still leads.
    pub(super) fn tell(&self, news: impl FnOnce(&Leader)) {
        if let Some(leader) = &*self.leader() {
            news(leader);
        }
    }

    /// Ends the lead with news, if this still leads.
    pub(super) fn end(&self, news: impl FnOnce(Leader)) {
        let leader = self.leader().take();
        if let Some(leader) = leader {
            news(leader);
        }
    }

    /// There will be no answer. If they are released, all who wait ask for themselves at once, instead of failing one after
    /// the other; otherwise one of them leads.
    pub(super) fn leave(&self, is_released: bool) {
        self.end(|leader| if is_released { leader.release() } else { drop(leader) });
    }

    /// Those who have had nothing yet have waited for long enough.
    pub(super) fn lose_patience(&self) {
        let crowd = self.crowd();
        if crowd.is_some_and(|crowd| matches!(*crowd.0.borrow(), State::Waiting)) {
            self.leave(true);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(State::Gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(flights: &Arc<Flights>, hash: u128) -> Leader {
        match flights.join(hash, Epoch::default(), None) {
            Joined::Leads(leader) => leader,
            _ => panic!("somebody leads already"),
        }
    }

    fn follow(flights: &Arc<Flights>, hash: u128) -> watch::Receiver<State> {
        match flights.join(hash, Epoch::default(), None) {
            Joined::Follows(receiver) => receiver,
            _ => panic!("nobody leads"),
        }
    }

    #[tokio::test]
    async fn the_death_of_a_leader_wakes_everybody_and_frees_the_key() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let mut followers = [follow(&flights, 1), follow(&flights, 1)];
        assert!(leader.has_followers() && flights.len() == 1);
        drop(leader);
        for follower in &mut followers {
            let state = follower.wait_for(|state| !matches!(state, State::Waiting)).await.unwrap();
            assert!(matches!(*state, State::Gone));
        }
        drop(lead(&flights, 1));
    }

    #[tokio::test]
    async fn a_release_sends_everybody_on_his_way() {
        let flights = Flights::new();
        let leader = lead(&flights, 1);
        let mut follower = follow(&flights, 1);
        leader.release();
        let state = follower.wait_for(|state| !matches!(state, State::Waiting)).await.unwrap();
        assert!(matches!(*state, State::Released));
        assert!(!flights.is_under_way(1));
    }

    #[test]
    fn one_of_those_who_have_waited_for_too_long_leads_and_the_late_leader_ends_his_own_flight_only() {
        let flights = Flights::new();
        let late = lead(&flights, 1);
        let followers = [follow(&flights, 1), follow(&flights, 1)];
        let Joined::Leads(next) = flights.join(1, Epoch::default(), Some(&followers[0])) else {
            panic!("the overdue flight was joined")
        };
        let joined = flights.join(1, Epoch::default(), Some(&followers[1]));
        assert!(matches!(joined, Joined::Follows(receiver) if !receiver.same_channel(&followers[1])));
        drop(late);
        assert!(flights.is_under_way(1));
        drop(next);
        assert!(!flights.is_under_way(1));
    }

    #[test]
    fn eight_threads_make_one_leader() {
        let flights = Flights::new();
        let leaders = std::sync::atomic::AtomicUsize::new(0);
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let joined = flights.join(7, Epoch::default(), None);
                    if matches!(joined, Joined::Leads(_)) {
                        leaders.fetch_add(1, Ordering::Relaxed);
                    }
                    barrier.wait();
                });
            }
        });
        assert_eq!(leaders.into_inner(), 1);
    }

    #[test]
    fn a_key_is_solo_for_a_minute_or_until_it_is_shared() {
        let flights = Flights::new();
        let now = Timestamp::from_seconds(1_800_000_000);
        let hash = 0xdead_beef_u128 << 96 | 5;
        flights.note_solo(hash, now);
        assert!(flights.is_solo(hash, now) && !flights.is_solo(hash + (1 << 96), now));
        let later = now.plus(std::time::Duration::from_secs(61));
        assert!(!flights.is_solo(hash, later));
        flights.note_solo(hash, now);
        flights.note_shared(hash);
        assert!(!flights.is_solo(hash, now));
    }
}
