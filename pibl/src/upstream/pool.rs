//! Connections to backends that wait for their next request.
//!
//! Each worker has one, so that taking a connection needs no lock. A connection is looked at before it is
//! used again: one that the backend closed, or on which it speaks unasked, is dropped here. It never
//! opens a connection.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::Wire;

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
}

impl Pool {
    /// The connection to this backend that was used last, with the time at which it was made, if one is
    /// alive and was not unused for longer than `max_age`.
    pub fn take(&self, address: &str, max_age: Duration) -> Option<(Wire, Instant)> {
        let mut backends = self.backends.borrow_mut();
        let (_, unused) = backends.iter_mut().find(|(known, _)| **known == *address)?;
        while let Some(candidate) = unused.pop_back() {
            if candidate.since.elapsed() > max_age {
                // Those that are left have waited even longer.
                unused.clear();
                return None;
            }
            if candidate.wire.is_quiet() {
                return Some((candidate.wire, candidate.made));
            }
        }
        None
    }

    /// Keeps a connection, which was made at `made` and is unused from `now` on, for the next request to this backend.
    pub fn put(&self, address: &str, wire: Wire, made: Instant, now: Instant) {
        wire.deadline.clear();
        let entry = Unused { wire, made, since: now };
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
        pool.put("a:1", one, made, made);
        pool.put("a:1", two, made, made);
        assert!(pool.take("b:1", LONG).is_none());
        assert!(pool.take("a:1", LONG).is_some());
        assert!(pool.take("a:1", Duration::ZERO).is_none());
        assert!(pool.is_empty());
    }

    #[tokio::test]
    async fn a_connection_closed_by_the_backend_is_never_taken() {
        let pool = Pool::default();
        let (wire, other_side) = pair().await;
        pool.put("a:1", wire, Instant::now(), Instant::now());
        drop(other_side);
        // The news of the close arrives through the runtime; it is there as soon as the pool is tidy.
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(1)).await;
            pool.tidy(LONG, |_| true);
            if pool.is_empty() {
                return;
            }
        }
        panic!("the closed connection was kept for a second");
    }
}
