//! One generation of backends: who is in service, and whose turn it is.
//!
//! The balancer makes a new one whenever a backend comes, goes or changes its standing; picks read the
//! current one without a lock. Nothing in it changes but its counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::NoChoice;
use super::health::Standing;
use super::least_connections;
use super::member::{BackendId, Choice, Member};
use super::round_robin::Rotation;
use crate::config::Policy;

#[derive(Debug, Default)]
pub(super) struct Set {
    members: Vec<Arc<Member>>,
    /// Places of those in service; of all when nobody is.
    in_use: Vec<u32>,
    ejected: Vec<u32>,
    policy: Policy,
    rotation: Rotation,
    /// Repeated attempts have a counter of their own and leave the rotation alone.
    repeated: AtomicUsize,
}

impl Set {
    pub(super) fn new(members: Vec<Arc<Member>>, policy: Policy, before: Option<&Self>) -> Self {
        let all = 0..members.len() as u32;
        let is_ejected = |place: &u32| members[*place as usize].standing() == Standing::Ejected;
        let (ejected, in_service): (Vec<u32>, Vec<u32>) = all.clone().partition(is_ejected);
        let in_use = if in_service.is_empty() { all.collect() } else { in_service };
        let last = before.and_then(|before| {
            let last = before.members.get(before.rotation.last()? as usize)?;
            let place = members.iter().position(|member| member.id == last.id);
            place.map(|place| place as u32)
        });
        let turns: Vec<_> = in_use.iter().map(|&place| (place, members[place as usize].weight)).collect();
        let rotation = Rotation::new(&turns, last);
        Self { members, in_use, ejected, policy, rotation, repeated: AtomicUsize::new(0) }
    }

    pub(super) fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    pub(super) fn has_ejected(&self) -> bool {
        !self.ejected.is_empty()
    }

    /// An ejected backend whose trial is due: one request finds out whether it is back.
    pub(super) fn pick_for_trial(&self, tried: &[BackendId], now_millis: u64) -> Option<Choice> {
        if self.in_use.len() == self.members.len() {
            // Everybody is out and therefore in use: each request is a trial.
            return None;
        }
        let candidates = self.ejected.iter().map(|&place| &self.members[place as usize]);
        candidates
            .filter(|member| !tried.contains(&member.id))
            .find(|member| member.marks.take_trial(now_millis))
            .and_then(|member| {
                member.try_open(true).or_else(|| {
                    member.marks.give_trial_again();
                    None
                })
            })
    }

    pub(super) fn pick(&self, tried: &[BackendId]) -> Result<Choice, NoChoice> {
        let mut reason = NoChoice::AllTried;
        let mut consider = |place: u32| {
            let member = &self.members[place as usize];
            if tried.contains(&member.id) {
                return None;
            }
            reason = NoChoice::AllFull;
            member.try_open(false)
        };
        let choice = match self.policy {
            Policy::RoundRobin if tried.is_empty() => {
                let Some((turn, place)) = self.rotation.next() else { return Err(reason) };
                consider(place).or_else(|| self.rotation.following(turn).find_map(&mut consider))
            }
            Policy::RoundRobin => {
                let turn = self.repeated.fetch_add(1, Ordering::Relaxed);
                self.rotation.following(turn).find_map(&mut consider)
            }
            Policy::LeastConnections => {
                let turn = self.repeated.fetch_add(1, Ordering::Relaxed);
                let order = least_connections::by_load(&self.members, &self.in_use, turn);
                order.into_iter().find_map(&mut consider)
            }
        };
        // A repeated attempt whose only untried backends are ejected goes there rather than nowhere.
        let choice = choice.or_else(|| match tried {
            [] => None,
            _ => self.ejected.iter().copied().find_map(&mut consider),
        });
        choice.ok_or(reason)
    }
}
