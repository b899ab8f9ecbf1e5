//! Connections to backends that wait for their next request.
//!
//! Each worker has one, so that taking a connection needs no lock. A connection is looked at before it is
//! used again, by asking the kernel: one that the backend closed, or on which it speaks unasked, is dropped
//! here. It never opens a connection.
//!
//! What a backend says late, behind an answer that was complete, looks like the answer to whatever is asked next. So a
//! connection goes back to the client that used it last at once, and to others when it has been quiet for a while.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::wire::Wire;

/// How long a connection must stay quiet before another client has it; and anybody, after an answer whose end only the
/// request or the status tells: a backend that sends a body behind it sends it about now.
const REST: Duration = Duration::from_millis(100);
/// So many unused connections are enough: then other clients have the one that has been quiet for longest, because
/// backends have little room for connections that only rest.
const ENOUGH: usize = 8;
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
    /// The client that it was used for.
    client: SocketAddr,
}

/// Who looks for a connection.
#[derive(Clone, Copy, Debug)]
pub struct Seeker {
    /// The client for which it is.
    pub client: SocketAddr,
    /// Whether there may be one more if none has rested.
    pub may_add: bool,
}

impl Seeker {
    /// The place of the connection that is best for him: of those that he has used or that have rested the one that was used last.
    fn choose(&self, unused: &VecDeque<Unused>, now: Instant) -> Option<usize> {
        let may_be_used = |candidate: &Unused| candidate.rested_at <= now;
        let is_quiet = |candidate: &Unused| {
            candidate.client == self.client || now.saturating_duration_since(candidate.since) >= REST
        };
        let best = unused.iter().rposition(|candidate| may_be_used(candidate) && is_quiet(candidate));
        if best.is_some() || (self.may_add && unused.len() < ENOUGH) {
            return best;
        }
        unused.iter().position(may_be_used)
    }
}

impl Pool {
    /// A connection to this backend, with the time at which it was made, if one is alive, was not unused for longer than
    /// `max_age`, and suits who asks.
    pub fn take(&self, address: &str, max_age: Duration, seeker: Seeker) -> Option<(Wire, Instant)> {
        let mut backends = self.backends.borrow_mut();
        let (_, unused) = backends.iter_mut().find(|(known, _)| **known == *address)?;
        let now = Instant::now();
        loop {
            let place = seeker.choose(unused, now)?;
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
    /// `client`: whom it has served. `needs_rest`: its last answer had no body because of its request or its status.
    pub fn put(
        &self,
        address: &str,
        wire: Wire,
        made: Instant,
        now: Instant,
        client: SocketAddr,
        needs_rest: bool,
    ) {
        wire.deadline.clear();
        let rested_at = if needs_rest { now + REST } else { now };
        let entry = Unused { wire, made, since: now, rested_at, client };
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

    fn client(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn seeker(port: u16) -> Seeker {
        Seeker { client: client(port), may_add: true }
    }

    #[tokio::test]
    async fn the_connection_used_last_is_taken_first_and_only_by_its_backend() {
        let pool = Pool::default();
        let (one, _keep_one) = pair().await;
        let (two, _keep_two) = pair().await;
        let made = Instant::now();
        pool.put("a:1", one, made, made, client(1), false);
        pool.put("a:1", two, made, made, client(1), false);
        assert!(pool.take("b:1", LONG, seeker(1)).is_none());
        assert!(pool.take("a:1", LONG, seeker(1)).is_some());
        assert!(pool.take("a:1", Duration::ZERO, seeker(1)).is_none());
        assert!(pool.is_empty());
    }

    #[tokio::test]
    async fn a_connection_that_the_backend_closed_or_speaks_on_is_never_taken() {
        let pool = Pool::default();
        for speaks in [false, true] {
            let (wire, other_side) = pair().await;
            pool.put("a:1", wire, Instant::now(), Instant::now(), client(1), false);
            let mut other_side = other_side.into_std().unwrap();
            // The runtime cannot know of it yet.
            match speaks {
                true => std::io::Write::write_all(&mut other_side, b"x").unwrap(),
                false => other_side.shutdown(std::net::Shutdown::Both).unwrap(),
            }
            assert!(pool.take("a:1", LONG, seeker(1)).is_none() && pool.is_empty());
        }
    }

    #[tokio::test]
    async fn a_connection_rests_after_an_answer_without_a_body() {
        let pool = Pool::default();
        let (rests, _keep_one) = pair().await;
        let (other, _keep_two) = pair().await;
        let now = Instant::now();
        pool.put("a:1", other, now, now, client(1), false);
        pool.put("a:1", rests, now, now, client(1), true);
        assert!(pool.take("a:1", LONG, seeker(1)).is_some() && pool.take("a:1", LONG, seeker(1)).is_none());
        let long_ago = now.checked_sub(REST).unwrap();
        let (rested, _keep_three) = pair().await;
        pool.put("a:1", rested, long_ago, long_ago, client(1), true);
        assert!(pool.take("a:1", LONG, seeker(1)).is_some() && pool.len() == 1);
    }

    #[tokio::test]
    async fn a_connection_rests_before_another_client_has_it_unless_there_are_enough() {
        let pool = Pool::default();
        let mut kept = Vec::new();
        let now = Instant::now();
        let long_ago = now.checked_sub(REST).unwrap();
        for (number, since) in [(1, long_ago), (2, now)] {
            let (wire, other_side) = pair().await;
            kept.push(other_side);
            pool.put("a:1", wire, since, since, client(number), false);
        }
        // The one that has rested, and then none but his own.
        assert!(pool.take("a:1", LONG, seeker(3)).is_some() && pool.take("a:1", LONG, seeker(3)).is_none());
        assert!(pool.take("a:1", LONG, seeker(2)).is_some() && pool.is_empty());
        for number in 0..ENOUGH as u16 {
            let (wire, other_side) = pair().await;
            kept.push(other_side);
            pool.put("a:1", wire, Instant::now(), Instant::now(), client(number), false);
        }
        // The one that has been quiet for longest.
        assert!(pool.take("a:1", LONG, seeker(99)).is_some() && pool.len() == ENOUGH - 1);
        assert!(pool.take("a:1", LONG, seeker(0)).is_none());
        // Where there may be no more of them the rest is no reason for another one.
        assert!(pool.take("a:1", LONG, Seeker { client: client(0), may_add: false }).is_some());
    }
}
