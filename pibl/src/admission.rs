//! Who may come in: address lists, connection limits, request rates.
//!
//! `connection` asks here once for each connection and once for each request. It takes the time as an
//! argument, and it never answers anybody itself.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Limits;

/// Counts everybody who is inside. One for the whole process, because limits are the process's.
#[derive(Debug, Default)]
pub struct Admission {
    open: AtomicUsize,
    streams: AtomicUsize,
    /// Spread over several locks, so that threads seldom meet.
    visitors: [Mutex<HashMap<IpAddr, Visitor>>; 16],
    hasher: RandomState,
}

/// One client address.
#[derive(Debug)]
struct Visitor {
    connections: usize,
    tokens: f64,
    refilled: Instant,
}

/// Somebody is inside until this is dropped.
#[derive(Debug)]
pub struct Pass {
    admission: Arc<Admission>,
    address: IpAddr,
    is_counted_by_address: bool,
}

/// A stream of HTTP/2 is inside until this is dropped.
#[derive(Debug)]
pub struct StreamPass(Arc<Admission>);

impl Drop for StreamPass {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why somebody may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The address is denied, or not allowed.
    Address,
    /// Too many connections in all.
    Connections,
    /// Too many connections from this address.
    ConnectionsOfAddress,
    /// Too many requests from this address (RFC 6585 §4).
    Rate,
}

impl Denied {
    /// The status with which it is answered.
    pub fn status(self) -> u16 {
        match self {
            Self::Address => 403,
            Self::Connections => 503,
            Self::ConnectionsOfAddress | Self::Rate => 429,
        }
    }

    /// One sentence for the client.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Address => "this address is not admitted",
            Self::Connections => "too many connections",
            Self::ConnectionsOfAddress => "too many connections from this address",
            Self::Rate => "too many requests from this address",
        }
    }
}

impl Admission {
    /// Lets a connection in, or says why not.
    pub fn enter(self: &Arc<Self>, limits: &Limits, address: IpAddr, now: Instant) -> Result<Pass, Denied> {
        let is_listed =
            |networks: &[crate::config::Network]| networks.iter().any(|network| network.contains(address));
        if is_listed(&limits.deny) || (!limits.allow.is_empty() && !is_listed(&limits.allow)) {
            return Err(Denied::Address);
        }
        if self.open.fetch_add(1, Ordering::Relaxed) >= limits.connections {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Denied::Connections);
        }
        let address = household(address);
        // The pass counts from here on, so every way out below counts it back.
        let mut pass = Pass { admission: Arc::clone(self), address, is_counted_by_address: false };
        if let Some(most) = limits.connections_per_address {
            let is_free = self.with_visitor(limits, address, now, |visitor| {
                let is_free = visitor.connections < most;
                visitor.connections += usize::from(is_free);
                is_free
            });
            if !is_free {
                return Err(Denied::ConnectionsOfAddress);
            }
            pass.is_counted_by_address = true;
        }
        Ok(pass)
    }

    /// Lets a stream of a connection that is inside in, if there are fewer than there may be connections: each of them costs
    /// as much as a connection that is served, and one connection can have a hundred.
    pub fn stream(self: &Arc<Self>, limits: &Limits) -> Option<StreamPass> {
        let pass = StreamPass(Arc::clone(self));
        (self.streams.fetch_add(1, Ordering::Relaxed) < limits.connections).then_some(pass)
    }

    /// Lets a request in: a token bucket that holds `burst` and is filled at the rate (RFC 6585 §4).
    pub fn request(&self, limits: &Limits, address: IpAddr, now: Instant) -> Result<(), Denied> {
        let Some(rate) = limits.requests_per_second else { return Ok(()) };
        let has_token = self.with_visitor(limits, household(address), now, |visitor| {
            let elapsed = now.saturating_duration_since(visitor.refilled).as_secs_f64();
            visitor.refilled = now;
            visitor.tokens = (visitor.tokens + elapsed * f64::from(rate)).min(f64::from(limits.burst));
            let has_token = visitor.tokens >= 1.0;
            visitor.tokens -= f64::from(u8::from(has_token));
            has_token
        });
        if has_token { Ok(()) } else { Err(Denied::Rate) }
    }

    /// Forgets addresses that are not inside and have been silent for long; called every now and then.
    pub fn forget(&self, silent_for: Duration, now: Instant) {
        for shard in &self.visitors {
            let mut visitors = shard.lock().unwrap_or_else(PoisonError::into_inner);
            visitors.retain(|_, visitor| {
                visitor.connections > 0 || now.saturating_duration_since(visitor.refilled) < silent_for
            });
        }
    }

    /// Connections that are inside.
    pub fn open_connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn with_visitor<T>(
        &self,
        limits: &Limits,
        address: IpAddr,
        now: Instant,
        change: impl FnOnce(&mut Visitor) -> T,
    ) -> T {
        let mut visitors = self.shard(address).lock().unwrap_or_else(PoisonError::into_inner);
        let visitor = visitors.entry(address).or_insert_with(|| Visitor {
            connections: 0,
            tokens: f64::from(limits.burst),
            refilled: now,
        });
        change(visitor)
    }

    fn shard(&self, address: IpAddr) -> &Mutex<HashMap<IpAddr, Visitor>> {
        &self.visitors[(self.hasher.hash_one(address) % self.visitors.len() as u64) as usize]
    }
}

/// The addresses that limits take for one: with IPv6 whoever has one has a whole subnet of 64 bits (RFC 6177 §2).
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
        if self.is_counted_by_address {
            let shard = self.admission.shard(self.address);
            let mut visitors = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(visitor) = visitors.get_mut(&self.address) {
                visitor.connections = visitor.connections.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{File, Flags, resolve};
    use std::path::Path;

    fn limits(text: &str) -> Limits {
        let text = format!("backends = [\"a:1\"]\n[limits]\n{text}");
        resolve(&File::parse(Path::new("t"), text).unwrap(), &Flags::default()).unwrap().limits
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn lists_decide_before_limits() {
        let admission = Arc::new(Admission::default());
        let limits = limits("allow = [\"10.0.0.0/8\"]\ndeny = [\"10.9.0.0/16\"]");
        let now = crate::clock::monotonic();
        let enter = |text| admission.enter(&limits, address(text), now).map(drop);
        assert_eq!(enter("10.1.1.1"), Ok(()));
        assert_eq!(enter("10.9.1.1"), Err(Denied::Address));
        assert_eq!(enter("192.0.2.1"), Err(Denied::Address));
        assert_eq!(admission.open_connections(), 0);
    }

    #[test]
    fn streams_are_no_more_than_connections_may_be() {
        let admission = Arc::new(Admission::default());
        let limits = limits("connections = 2");
        let held = [(); 2].map(|()| admission.stream(&limits).unwrap());
        assert!(admission.stream(&limits).is_none());
        drop(held);
        assert!(admission.stream(&limits).is_some());
    }

    #[test]
    fn limits_count_those_who_are_inside() {
        let admission = Arc::new(Admission::default());
        let limits = limits("connections = 3\nconnections_per_address = 2");
        let now = crate::clock::monotonic();
        let enter = |text| admission.enter(&limits, address(text), now);
        let (one, two) = (enter("10.1.1.1").unwrap(), enter("10.1.1.1").unwrap());
        assert_eq!(enter("10.1.1.1").map(drop), Err(Denied::ConnectionsOfAddress));
        let _three = enter("10.2.2.2").unwrap();
        assert_eq!(enter("10.3.3.3").map(drop), Err(Denied::Connections));
        drop((one, two));
        assert!(enter("10.1.1.1").is_ok());
        assert_eq!(admission.open_connections(), 1);
    }

    #[test]
    fn all_addresses_of_one_ipv6_subnet_are_one_client() {
        let admission = Arc::new(Admission::default());
        let limits = limits("connections_per_address = 1");
        let now = crate::clock::monotonic();
        let enter = |text| admission.enter(&limits, address(text), now);
        let _one = enter("2001:db8::1").unwrap();
        assert_eq!(enter("2001:db8::ffff:2").map(drop), Err(Denied::ConnectionsOfAddress));
        assert!(enter("2001:db8:0:1::1").is_ok() && enter("::ffff:10.1.1.1").is_ok());
    }

    #[test]
    fn the_rate_counts_after_the_burst_and_tokens_come_back_with_time() {
        let admission = Admission::default();
        let limits = limits("requests_per_second = 10\nburst = 2");
        let start = crate::clock::monotonic();
        let request =
            |millis| admission.request(&limits, address("10.1.1.1"), start + Duration::from_millis(millis));
        assert_eq!([request(0), request(0), request(0)], [Ok(()), Ok(()), Err(Denied::Rate)]);
        assert_eq!([request(99), request(101), request(102)], [Err(Denied::Rate), Ok(()), Err(Denied::Rate)]);
        assert_eq!(admission.request(&limits, address("10.2.2.2"), start), Ok(()));
        admission.forget(Duration::from_secs(1), start + Duration::from_secs(5));
        assert!(admission.visitors.iter().all(|shard| shard.lock().unwrap().is_empty()));
    }
}
