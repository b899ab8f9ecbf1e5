//! A port for a proxy that must be told one.
//!
//! Chosen below the ephemeral range, so that no client connection of the host ever has it, and locked by a file among
//! parallel runs of the harness. The port itself is not held: a held port makes proxies without SO_REUSEADDR fail.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::FlockOperation;

use super::StartProblem;

/// Ports are looked for up from here: below lie those that daemons of this machine are likely to be told.
const LOWEST: u16 = 20_000;
/// Where the ephemeral range begins if the system does not say.
const EPHEMERAL: u16 = 32_768;

/// A port that no other run of the harness will take while this value lives.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    /// The lock goes with the descriptor, also when the harness is killed.
    _lock: File,
}

impl PortLease {
    /// A free port of the caller's network namespace. `seed` spreads parallel runs over the range.
    ///
    /// # Errors
    /// Every port is taken, or the lock files cannot be written.
    pub fn any(seed: u64) -> Result<PortLease, StartProblem> {
        let count = u64::from(first_ephemeral_port().saturating_sub(LOWEST)).max(1);
        for step in 0..count {
            let offset = u16::try_from(seed.wrapping_add(step) % count).unwrap_or(0);
            let port = LOWEST + offset;
            if let Some(lock) = lock(port)?
                && can_be_bound(everywhere(port))
            {
                return Ok(PortLease { port, _lock: lock });
            }
        }
        Err(StartProblem::NoPort { fixed: None })
    }

    /// The port that a proxy insists on; waits while another run of the harness has it.
    ///
    /// # Errors
    /// The other run has it for longer than `patience`, or the lock files cannot be written.
    pub async fn fixed(port: u16, patience: Duration) -> Result<PortLease, StartProblem> {
        const PAUSE: Duration = Duration::from_millis(200);
        let mut waited = Duration::ZERO;
        loop {
            if let Some(lock) = lock(port)? {
                return Ok(PortLease { port, _lock: lock });
            }
            if waited >= patience {
                return Err(StartProblem::NoPort { fixed: Some(port) });
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Its number.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address on the loopback interface.
    pub fn loopback(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

/// `None`: another run has it.
fn lock(port: u16) -> Result<Option<File>, StartProblem> {
    let directory = lock_directory()?;
    let path = directory.join(format!("{port}.lock"));
    // Opened for reading where another user has created it: a lock needs no more.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .or_else(|_| File::open(&path))
        .map_err(StartProblem::file(&path))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(StartProblem::file(&path)(error.into())),
    }
}

/// One directory for all users of the machine, since ports are common to them.
fn lock_directory() -> Result<PathBuf, StartProblem> {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join("harness-ports");
    if !path.is_dir() {
        std::fs::create_dir_all(&path).map_err(StartProblem::file(&path))?;
        // As /tmp itself: everybody may create, nobody may remove another's.
        let everybody = std::fs::Permissions::from_mode(0o1777);
        std::fs::set_permissions(&path, everybody).map_err(StartProblem::file(&path))?;
    }
    Ok(path)
}

/// Whether a proxy without SO_REUSEADDR could bind this address in the network of the calling thread: nobody listens there,
/// and no connection of an earlier life lingers (F-8). The test leaves no trace, since it never listens.
pub(super) fn can_be_bound(address: SocketAddr) -> bool {
    let bind = || {
        let socket =
            socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
        socket.bind(&address.into())
    };
    bind().is_ok()
}

/// A port at every address.
pub(super) fn everywhere(port: u16) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, port).into()
}

/// Whether nobody listens on a port in the network of the calling thread, nor lingers there.
pub fn is_free(port: u16) -> bool {
    can_be_bound(everywhere(port))
}

fn first_ephemeral_port() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .filter(|&port| port > LOWEST)
        .unwrap_or(EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::{PortLease, StartProblem, first_ephemeral_port};

    #[test]
    fn two_leases_never_share_a_port_and_a_lease_does_not_hold_it() {
        let one = PortLease::any(7).unwrap();
        let two = PortLease::any(7).unwrap();
        assert_ne!(one.port(), two.port());
        assert!(one.port() < first_ephemeral_port());
        TcpListener::bind(one.loopback()).unwrap();
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let lease = PortLease::any(90).unwrap();
        let port = lease.port();
        let _listener = TcpListener::bind(lease.loopback()).unwrap();
        drop(lease);
        assert_ne!(PortLease::any(u64::from(port - super::LOWEST)).unwrap().port(), port);
    }

    #[tokio::test]
    async fn a_fixed_port_is_waited_for_and_then_given_up() {
        let lease = PortLease::any(1_234).unwrap();
        let refused = PortLease::fixed(lease.port(), Duration::from_millis(1)).await;
        assert!(matches!(refused, Err(StartProblem::NoPort { fixed: Some(port) }) if port == lease.port()));
        let port = lease.port();
        drop(lease);
        assert_eq!(PortLease::fixed(port, Duration::ZERO).await.unwrap().port(), port);
    }
}
