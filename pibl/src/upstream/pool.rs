//! Connections to backends that wait for their next request.
//!
//! Each worker has one, so that taking a connection needs no lock. A connection is looked at before it is
//! used again, by asking the kernel: one that the backend closed, or on which it speaks unasked, is dropped
//! here. It never opens a connection.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::Wire;

/// How long a connection must stay quiet after an answer whose end only the request or the status tells: a backend that
/// sends a body behind it sends it about now, and it would be the answer to whoever comes next.
const REST: Duration = Duration::from_millis(100);
/// How many unused connections to one backend a worker keeps.
const KEPT_PER_BACKEND: usize = 256;

/// The unused connections of one worker.
#[derive(Debug, Default)]
pub struct Pool {
    /// Few backends, so a list that is searched from the front beats a map.
    backends: RefCell<Vec<(Box<str>, VecDeque<Unused>)>>,
}

#[derive(Debug)]
struct Unused {
    wire: Wire,
    /// When it was connected.
    made: Instant,
    since: Instant,
    /// When it may be used again.
    rested_at: Instant,
}

impl Pool {
    /// The connection to this backend that was used last, with the time at which it was made, if one is
    /// alive and was not unused for longer than `max_age`.
    pub fn take(&self, address: &str, max_age: Duration) -> Option<(Wire, Instant)> {
        let mut backends = self.backends.borrow_mut();
        let (_, unused) = backends.iter_mut().find(|(known, _)| **known == *address)?;
        let now = Instant::now();
        loop {
            let place = unused.iter().rposition(|candidate| candidate.rested_at <= now)?;
            let candidate = unused.remove(place)?;
            if now.saturating_duration_since(candidate.since) > max_age {
                // Those before it have waited even longer.
                unused.drain(..place);
                return None;
            }
            if candidate.wire.is_quiet() {
                return Some((candidate.wire, candidate.made));
            }
        }
    }

    /// Keeps a connection, which was made at `made` and is unused from `now` on, for the next request to this backend.
    /// `needs_rest`: its last answer had no body because of its request or its status.
    pub fn put(&self, address: &str, wire: Wire, made: Instant, now: Instant, needs_rest: bool) {
        wire.deadline.clear();
        let rested_at = if needs_rest { now + REST } else { now };
        let entry = Unused { wire, made, since: now, rested_at };
        let mut backends = self.backends.borrow_mut();
        let unused = match backends.iter_mut().position(|(known, _)| **known == *address) {
            Some(place) => &mut backends[place].1,
            None => {
                backends.push((address.into(), VecDeque::new()));
                let last = backends.len() - 1;
                &mut backends[last].1
            }
        };
        if unused.len() >= KEPT_PER_BACKEND {
            unused.pop_front();
        }
        unused.push_back(entry);
    }

    /// Drops what is too old or closed by the backend, and everything to backends that are not `wanted`
    /// any more. Called every now and then, so that no closed connection lingers.
    pub fn tidy(&self, max_age: Duration, wanted: impl Fn(&str) -> bool) {
        self.backends.borrow_mut().retain_mut(|(address, unused)| {
            unused.retain(|candidate| candidate.since.elapsed() <= max_age && candidate.wire.is_quiet());
            wanted(address) && !unused.is_empty()
        });
    }

    /// Drops everything: one of the connections was found dead, or the program ends.
    pub fn clear(&self, address: &str) {
        self.backends.borrow_mut().retain(|(known, _)| **known != *address);
    }

    /// Drops everything to every backend.
    pub fn clear_all(&self) {
        self.backends.borrow_mut().clear();
    }

    /// How many connections are kept.
    pub fn len(&self) -> usize {
        self.backends.borrow().iter().map(|(_, unused)| unused.len()).sum()
    }

    /// Whether no connection is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::connect;

    const LONG: Duration = Duration::from_secs(60);

    async fn pair() -> (Wire, tokio::net::TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (wire, accepted) = tokio::join!(connect(&address, LONG), listener.accept());
        (wire.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn the_connection_used_last_is_taken_first_and_only_by_its_backend() {
        let pool = Pool::default();
        let (one, _keep_one) = pair().await;
        let (two, _keep_two) = pair().await;
        let made = Instant::now();
        pool.put("a:1", one, made, made, false);
        pool.put("a:1", two, made, made, false);
        assert!(pool.take("b:1", LONG).is_none());
        assert!(pool.take("a:1", LONG).is_some());
        assert!(pool.take("a:1", Duration::ZERO).is_none());
        assert!(pool.is_empty());
    }

    #[tokio::test]
    async fn a_connection_that_the_backend_closed_or_speaks_on_is_never_taken() {
        let pool = Pool::default();
        for speaks in [false, true] {
            let (wire, other_side) = pair().await;
            pool.put("a:1", wire, Instant::now(), Instant::now(), false);
            let mut other_side = other_side.into_std().unwrap();
            // The runtime cannot know of it yet.
            match speaks {
                true => std::io::Write::write_all(&mut other_side, b"x").unwrap(),
                false => other_side.shutdown(std::net::Shutdown::Both).unwrap(),
            }
            assert!(pool.take("a:1", LONG).is_none() && pool.is_empty());
        }
    }

    #[tokio::test]
    async fn a_connection_rests_after_an_answer_without_a_body() {
        let pool = Pool::default();
        let (rests, _keep_one) = pair().await;
        let (other, _keep_two) = pair().await;
        let now = Instant::now();
        pool.put("a:1", other, now, now, false);
        pool.put("a:1", rests, now, now, true);
        assert!(pool.take("a:1", LONG).is_some() && pool.take("a:1", LONG).is_none());
        let long_ago = now.checked_sub(REST).unwrap();
        let (rested, _keep_three) = pair().await;
        pool.put("a:1", rested, long_ago, long_ago, true);
        assert!(pool.take("a:1", LONG).is_some() && pool.len() == 1);
    }
}
