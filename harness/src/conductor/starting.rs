//! Starts the proxy, and looks for it where it may be instead: at an address of its own, or at a port that it can bind.
//!
//! `run` and `steps` start through [`Stage::start`]. A proxy that does not listen where it is told to is judged where it does; one
//! that cannot bind its port again goes on at another. Both are recorded, and what they mean is for the checks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::steps::Stage;
use harness_model::history::{EventKind, PortGivenUp};
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{Ready, StartProblem};

/// A port that cannot be bound for so long is given up: connections of an earlier life linger for a minute.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(60);
/// The same once that is known of a proxy.
const GIVEN_UP_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Longer than an end takes that only takes its time.
const LATE: Duration = Duration::from_secs(10);

impl Stage {
    /// Starts the proxy with the settings in force, and waits until it answers where any backend could.
    ///
    /// # Errors
    /// It did not get ready, here or elsewhere.
    pub(super) async fn start(&mut self) -> Result<Ready, StartProblem> {
        let began = self.traffic.clients.clock().now();
        let ready = match self.start_here().await {
            Err(problem) => {
                let waited = self.traffic.clients.clock().now().since(began);
                if !self.look_elsewhere(&problem) && !self.give_the_port_up(&problem, waited)? {
                    return Err(problem);
                }
                self.start_here().await?
            }
            Ok(ready) => ready,
        };
        self.binds_late |= ready.attempts_before > 0 && ready.listening_after > LATE;
        self.down_on_purpose = false;
        Ok(ready)
    }

    /// Starts it for our own sake, in mid-run: a port that is still taken is no reason to wait for a minute.
    ///
    /// # Errors
    /// As for [`Stage::start`].
    pub(super) async fn start_in_a_hurry(&mut self) -> Result<Ready, StartProblem> {
        self.binds_late = true;
        self.start().await
    }

    async fn start_here(&mut self) -> Result<Ready, StartProblem> {
        let order = self.order()?;
        let _simple = self.backends.for_a_while(self.simple_manner());
        self.proxy.start(order).await
    }

    /// Takes an address for that which the proxy is told from now on; clients ask where it listens.
    pub(super) fn ask_where_told(&mut self, address: SocketAddr) {
        self.told = address;
        let asked = match self.elsewhere {
            None => address,
            Some((ip, port)) => SocketAddr::new(ip, port.unwrap_or(address.port())),
        };
        if asked != self.traffic.clients.address() {
            self.traffic.clients = self.traffic.clients.moved_to(asked);
        }
    }

    /// How long a port that is still taken is waited for.
    pub(super) fn rebind_within(&self) -> Duration {
        let allowed = self.proxy.adapter().rebind_within;
        match (self.may_move(), self.binds_late) {
            (false, _) => allowed,
            (true, false) => allowed.min(GIVEN_UP_AFTER),
            (true, true) => allowed.min(GIVEN_UP_AGAIN_AFTER),
        }
    }

    /// Whether another port than the one that it is told would do.
    fn may_move(&self) -> bool {
        self.proxy.adapter().fixed_port.is_none() && self.elsewhere.is_none() && !self.leaves_port_out()
    }

    /// Whether it listens elsewhere than it was told to, and is asked there from now on.
    fn look_elsewhere(&mut self, problem: &StartProblem) -> bool {
        let StartProblem::NeverListened { listens_on, .. } = problem else { return false };
        let found = nearest(listens_on, self.told).filter(|_| self.elsewhere.is_none());
        let Some(found) = found else { return false };
        let told = self.told;
        self.traffic.clients.recorder().record(EventKind::ListensElsewhere { told, found });
        self.elsewhere = Some((found.ip(), (found.port() != told.port()).then_some(found.port())));
        self.ask_where_told(told);
        true
    }

    /// Whether the port could not be bound again, and it is told another one from now on.
    fn give_the_port_up(&mut self, problem: &StartProblem, waited: Duration) -> Result<bool, StartProblem> {
        let attempts = match problem {
            StartProblem::DiedAtStart { attempts_before, .. }
            | StartProblem::NeverListened { attempts_before, .. } => *attempts_before,
            StartProblem::PortInUse { .. } => self.proxy.launches().saturating_sub(1),
            _ => 0,
        };
        if attempts == 0 || !self.may_move() {
            return Ok(false);
        }
        let lease = PortLease::any(u64::from(self.told.port()) + 1)?;
        let (from, mut to) = (self.told, self.told);
        to.set_port(lease.port());
        self.instead.push(lease);
        self.binds_late = true;
        if from == self.usual_address {
            self.usual_address = to;
        }
        self.traffic.clients.recorder().record(EventKind::PortGivenUp(PortGivenUp {
            from,
            to,
            waited,
            attempts,
        }));
        self.ask_where_told(to);
        Ok(true)
    }
}

/// Of the addresses that a proxy listens on, the one that it most likely serves at, as a client reaches it: that with the port that
/// it was told, else one that people choose for a web server.
fn nearest(listens_on: &[SocketAddr], told: SocketAddr) -> Option<SocketAddr> {
    const USUAL: [u16; 4] = [8080, 80, 8000, 8888];
    let rank = |address: &&SocketAddr| match address.port() {
        port if port == told.port() => 0,
        port => 1 + USUAL.iter().position(|usual| *usual == port).unwrap_or(USUAL.len()),
    };
    let mut found = *listens_on.iter().min_by_key(rank)?;
    match found.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => found.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => found.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_port_that_was_told_comes_first_then_what_people_choose() {
        let told = "127.0.0.1:20001".parse().unwrap();
        let of = |all: &[&str]| {
            let all: Vec<_> = all.iter().map(|one| one.parse().unwrap()).collect();
            nearest(&all, told).map(|address| address.to_string())
        };
        assert_eq!(of(&["127.0.0.1:9901", "0.0.0.0:8080"]).as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(of(&["0.0.0.0:8080", "[::1]:20001"]).as_deref(), Some("[::1]:20001"));
        assert_eq!(of(&[]), None);
    }
}
