//! Which backend answers the next request.
//!
//! `exchange` picks here for each attempt and reports how it went, the health checks report too, and a
//! reload replaces the set. It never opens a socket and never reads a clock.

mod health;
mod least_connections;
mod member;
mod round_robin;
mod set;

pub use health::Standing;
pub use member::{BackendId, Choice, Member};

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::config::{Backend, HealthSettings, Policy};
use set::Set;

/// The backends of the whole process; all threads share one.
///
/// First attempts follow one exact cycle: one precomputed list of turns and one atomic counter for each
/// healthy set, continued where the set before it stopped. A repeated attempt does not use up a turn: it
/// takes the members behind the ones that were tried from a counter of its own, so that the first
/// attempts stay an exact cycle however often something is repeated.
#[derive(Debug)]
pub struct Balancer {
    current: ArcSwap<Set>,
    /// Held while a new set is made; picks never wait for it.
    change: Mutex<Settings>,
    /// Instants are kept as milliseconds after this one, so that they fit into an atomic.
    epoch: Instant,
    room: Arc<Notify>,
}

#[derive(Debug)]
struct Settings {
    policy: Policy,
    health: HealthSettings,
    next_id: u64,
}

/// Why nobody was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoChoice {
    /// Every backend was tried already.
    AllTried,
    /// Those that were not tried have as many connections as they may; see [`Balancer::room`].
    AllFull,
}

/// What is asked of the next pick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The backends that were tried for this request; a pick with any of them is a repeated attempt.
    pub tried: &'a [BackendId],
    /// Whether the request may be repeated elsewhere, so that a backend on trial may have it.
    pub is_repeatable: bool,
}

impl Balancer {
    /// A balancer in which every backend is in service.
    pub fn new(backends: &[Backend], policy: Policy, health: HealthSettings, now: Instant) -> Self {
        let balancer = Self {
            current: ArcSwap::from_pointee(Set::default()),
            change: Mutex::new(Settings { policy, health: health.clone(), next_id: 0 }),
            epoch: now,
            room: Arc::new(Notify::new()),
        };
        balancer.replace(backends, policy, health);
        balancer
    }

    /// The backend for the next attempt.
    pub fn pick(&self, wanted: Wanted<'_>, now: impl FnOnce() -> Instant) -> Result<Choice, NoChoice> {
        let set = self.current.load();
        if wanted.is_repeatable && set.has_ejected() {
            let millis = self.millis(now());
            if let Some(choice) = set.pick_for_trial(wanted.tried, millis) {
                return Ok(choice);
            }
        }
        set.pick(wanted.tried)
    }

    /// The backend answered in time; resets its count of failures and, on trial, brings it back.
    /// The time is only asked for where it matters.
    pub fn report_success(&self, choice: &mut Choice, now: impl FnOnce() -> Instant) {
        choice.is_reported = true;
        if choice.member().marks.is_clean() {
            return;
        }
        self.mark(choice.member(), true, false, now());
    }

    /// The backend refused, closed, reset, timed out or answered nonsense.
    pub fn report_failure(&self, choice: &mut Choice, now: Instant) {
        choice.is_reported = true;
        self.mark(choice.member(), false, false, now);
    }

    /// The result of an active check.
    pub fn report_check(&self, member: &Member, is_healthy: bool, now: Instant) {
        self.mark(member, is_healthy, true, now);
    }

    /// Changes the set. Backends that stay keep their marks, their open requests and their place.
    pub fn replace(&self, backends: &[Backend], policy: Policy, health: HealthSettings) {
        let mut settings = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        settings.policy = policy;
        settings.health = health;
        let old = self.current.load_full();
        let members = backends
            .iter()
            .map(|backend| {
                let known = old.members().iter().find(|member| *member.address == *backend.address);
                let id = match known {
                    Some(member) => member.id,
                    None => {
                        settings.next_id += 1;
                        BackendId(settings.next_id)
                    }
                };
                Arc::new(Member::new(id, backend, known.map(Arc::as_ref), &self.room))
            })
            .collect();
        self.current.store(Arc::new(Set::new(members, policy, Some(&old))));
    }

    /// Every backend of the set, for status pages and active checks.
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.current.load().members().to_vec()
    }

    /// Notified whenever a backend with a limit of connections has room again.
    pub fn room(&self) -> &Notify {
        &self.room
    }

    fn mark(&self, member: &Member, is_good: bool, is_check: bool, now: Instant) {
        let settings = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = self.millis(now);
        let health = &settings.health;
        let has_changed = match (is_good, is_check) {
            (true, _) => member.marks.succeed(health, is_check, millis),
            (false, _) => member.marks.fail(health, is_check, millis),
        };
        if has_changed {
            // The list of turns is made anew under the lock, so that no mark is lost.
            let old = self.current.load_full();
            let set = Set::new(old.members().to_vec(), settings.policy, Some(&old));
            self.current.store(Arc::new(set));
            let standing = member.marks.standing();
            tracing::info!(backend = %member.address, "the backend is {standing}");
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn backend(address: &str, weight: u32) -> Backend {
        Backend { address: address.into(), weight, max_connections: None }
    }

    fn health() -> HealthSettings {
        HealthSettings {
            path: None,
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            failures: 2,
            successes: 2,
            eject_for: Duration::from_secs(5),
        }
    }

    fn balancer(names: &[&str], policy: Policy) -> (Balancer, Instant) {
        let start = crate::clock::monotonic();
        let backends: Vec<_> = names.iter().map(|name| backend(name, 1)).collect();
        (Balancer::new(&backends, policy, health(), start), start)
    }

    fn first(tried: &[BackendId]) -> Wanted<'_> {
        Wanted { tried, is_repeatable: true }
    }

    fn names(balancer: &Balancer, count: usize, now: Instant) -> String {
        (0..count).map(|_| balancer.pick(first(&[]), || now).unwrap().address().to_string()).collect()
    }

    fn fail(balancer: &Balancer, name: &str, times: usize, now: Instant) {
        let member = balancer.members().into_iter().find(|member| &*member.address == name).unwrap();
        for _ in 0..times {
            balancer.mark(&member, false, false, now);
        }
    }

    #[test]
    fn serial_requests_are_exactly_cyclic() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::RoundRobin);
        assert_eq!(names(&balancer, 9, now), "abcabcabc");
    }

    #[test]
    fn eight_threads_share_one_exact_rotation() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::RoundRobin);
        let counts = Mutex::new(std::collections::BTreeMap::<String, u32>::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let picks: Vec<_> = (0..1001)
                        .map(|_| balancer.pick(first(&[]), || now).unwrap().address().to_string())
                        .collect();
                    let mut counts = counts.lock().unwrap();
                    picks.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
                });
            }
        });
        let counts = counts.into_inner().unwrap();
        let (most, least) = (counts.values().max().unwrap(), counts.values().min().unwrap());
        assert!(counts.len() == 3 && most - least <= 1, "{counts:?}");
    }

    #[test]
    fn a_repeated_attempt_goes_elsewhere_and_uses_up_no_turn() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::RoundRobin);
        let one = balancer.pick(first(&[]), || now).unwrap();
        let tried = [one.id()];
        for _ in 0..5 {
            assert_ne!(&**balancer.pick(first(&tried), || now).unwrap().address(), "a");
        }
        assert_eq!(names(&balancer, 4, now), "bcab");
        let all: Vec<_> = balancer.members().iter().map(|member| member.id).collect();
        assert_eq!(balancer.pick(first(&all), || now).unwrap_err(), NoChoice::AllTried);
    }

    #[test]
    fn failures_in_a_row_eject_and_the_cycle_goes_on_where_it_was() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::RoundRobin);
        assert_eq!(names(&balancer, 2, now), "ab");
        fail(&balancer, "b", 2, now);
        assert_eq!(names(&balancer, 4, now), "caca");
    }

    #[test]
    fn a_success_between_failures_keeps_a_backend_in_service() {
        let (balancer, now) = balancer(&["a", "b"], Policy::RoundRobin);
        fail(&balancer, "b", 1, now);
        let mut choice = (0..2).map(|_| balancer.pick(first(&[]), || now).unwrap()).last().unwrap();
        assert_eq!(&**choice.address(), "b");
        balancer.report_success(&mut choice, || now);
        fail(&balancer, "b", 1, now);
        assert_eq!(names(&balancer, 4, now), "abab");
    }

    #[test]
    fn a_backend_returns_by_one_trial_after_the_other() {
        let (balancer, now) = balancer(&["a", "b"], Policy::RoundRobin);
        fail(&balancer, "b", 2, now);
        assert_eq!(names(&balancer, 2, now), "aa");
        let later = now + Duration::from_secs(6);
        let not_repeatable = Wanted { tried: &[], is_repeatable: false };
        assert_eq!(&**balancer.pick(not_repeatable, || later).unwrap().address(), "a");
        for _ in 0..2 {
            let mut trial = balancer.pick(first(&[]), || later).unwrap();
            assert_eq!(&**trial.address(), "b");
            // While one is on its way nobody else is sent there.
            assert_eq!(names(&balancer, 3, later), "aaa");
            balancer.report_success(&mut trial, || later);
        }
        let after = names(&balancer, 4, later);
        assert!(after == "abab" || after == "baba", "{after}");
    }

    #[test]
    fn a_trial_that_nobody_reports_is_given_again_and_a_failed_one_waits_longer() {
        let (balancer, now) = balancer(&["a", "b"], Policy::RoundRobin);
        fail(&balancer, "b", 2, now);
        let later = now + Duration::from_secs(6);
        drop(balancer.pick(first(&[]), || later).unwrap());
        let mut trial = balancer.pick(first(&[]), || later).unwrap();
        assert_eq!(&**trial.address(), "b");
        balancer.report_failure(&mut trial, later);
        assert_eq!(names(&balancer, 2, later + Duration::from_secs(6)), "aa");
        assert_eq!(names(&balancer, 1, later + Duration::from_secs(11)), "b");
    }

    #[test]
    fn when_all_are_ejected_all_are_used() {
        let (balancer, now) = balancer(&["a", "b"], Policy::RoundRobin);
        fail(&balancer, "a", 2, now);
        fail(&balancer, "b", 2, now);
        let picked = names(&balancer, 4, now);
        assert!(picked == "abab" || picked == "baba", "{picked}");
    }

    #[test]
    fn weights_are_spread_smoothly() {
        let (balancer, now) = balancer(&[], Policy::RoundRobin);
        let backends = [backend("a", 5), backend("b", 1), backend("c", 1)];
        balancer.replace(&backends, Policy::RoundRobin, health());
        assert_eq!(names(&balancer, 7, now), "aabacaa");
    }

    #[test]
    fn least_connections_counts_open_requests_and_rotates_among_equals() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::LeastConnections);
        assert_eq!(names(&balancer, 6, now), "abcabc");
        let held = [balancer.pick(first(&[]), || now).unwrap(), balancer.pick(first(&[]), || now).unwrap()];
        assert_eq!(names(&balancer, 3, now), "ccc");
        drop(held);
        assert_eq!(balancer.members().iter().map(|member| member.open_requests()).sum::<usize>(), 0);
    }

    #[test]
    fn a_full_backend_is_passed_over_and_has_room_again() {
        let (balancer, now) = balancer(&[], Policy::RoundRobin);
        let limited = |address: &str| Backend { max_connections: Some(1), ..backend(address, 1) };
        balancer.replace(&[limited("a"), limited("b")], Policy::RoundRobin, health());
        let one = balancer.pick(first(&[]), || now).unwrap();
        let two = balancer.pick(first(&[]), || now).unwrap();
        assert_ne!(one.id(), two.id());
        assert_eq!(balancer.pick(first(&[]), || now).unwrap_err(), NoChoice::AllFull);
        drop(one);
        assert!(balancer.pick(first(&[]), || now).is_ok());
    }

    #[test]
    fn a_replaced_set_keeps_marks_and_open_requests_of_those_that_stay() {
        let (balancer, now) = balancer(&["a", "b", "c"], Policy::RoundRobin);
        let open = balancer.pick(first(&[]), || now).unwrap();
        fail(&balancer, "b", 2, now);
        let set = [backend("a", 1), backend("b", 1), backend("d", 1)];
        balancer.replace(&set, Policy::RoundRobin, health());
        assert_eq!(balancer.members()[0].open_requests(), 1);
        let picked = names(&balancer, 4, now);
        assert!(picked == "dada" || picked == "adad", "{picked}");
        drop(open);
        assert_eq!(balancer.members()[0].open_requests(), 0);
    }

    #[test]
    fn active_checks_alone_bring_a_backend_back() {
        let start = crate::clock::monotonic();
        let settings = HealthSettings { path: Some("/".into()), ..health() };
        let balancer =
            Balancer::new(&[backend("a", 1), backend("b", 1)], Policy::RoundRobin, settings, start);
        fail(&balancer, "b", 2, start);
        let later = start + Duration::from_secs(60);
        assert_eq!(names(&balancer, 2, later), "aa");
        let member = balancer.members().remove(1);
        balancer.report_check(&member, true, later);
        assert_eq!(names(&balancer, 2, later), "aa");
        balancer.report_check(&member, true, later);
        assert_eq!(member.standing(), Standing::InService);
        assert!(names(&balancer, 2, later).contains('b'));
    }
}
