//! Who listens where: the kernel's LISTEN table joined with the open files of processes.
//!
//! `readiness` asks it instead of connecting, because a bare connect blocks or kills some proxies, and it names the
//! program that holds a port. Nothing here opens a connection. Outside Linux nothing is known.

use std::net::SocketAddr;

/// A process that holds a port.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Holder {
    /// Its pid, where it may be known (other users' processes hide theirs).
    pub pid: Option<i32>,
    /// Name of its program, where it may be known.
    pub program: Option<String>,
    /// The address it holds.
    pub address: SocketAddr,
}

#[cfg(target_os = "linux")]
pub use linux::{held_after_the_end, holder_of, listening_sockets};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{held_after_the_end, holder_of, listening_sockets};

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashSet;
    use std::net::SocketAddr;

    use procfs::net::{TcpNetEntry, TcpState};
    use procfs::process::{FDTarget, Process};

    use super::Holder;
    use crate::program_of;

    /// The addresses on which one of these processes listens, without doubles.
    ///
    /// The table is read once per process, since each may be in another network namespace; there are few of them.
    pub fn listening_sockets(pids: &[i32]) -> Vec<SocketAddr> {
        let mut found: Vec<SocketAddr> = Vec::new();
        for &pid in pids {
            let Ok(process) = Process::new(pid) else { continue };
            let own = socket_inodes(&process);
            if own.is_empty() {
                continue;
            }
            for entry in table(&process) {
                let listens = entry.state == TcpState::Listen && own.contains(&entry.inode);
                if listens && !found.contains(&entry.local_address) {
                    found.push(entry.local_address);
                }
            }
        }
        found
    }

    /// Connections to a port that one of these processes still has open although their other ends are closed (`CLOSE_WAIT`) or have
    /// reset them, by which they are in no table any more.
    pub fn held_after_the_end(pids: &[i32], port: u16) -> u64 {
        let mut held: HashSet<u64> = HashSet::new();
        for process in pids.iter().filter_map(|&pid| Process::new(pid).ok()) {
            // What is opened meanwhile is in the tables, which are read afterwards.
            let mut own = socket_inodes(&process);
            let half_closed = |entry: &TcpNetEntry| {
                entry.state == TcpState::CloseWait && entry.local_address.port() == port
            };
            let tcp = table(&process);
            for entry in tcp.iter().filter(|entry| !half_closed(entry)) {
                own.remove(&entry.inode);
            }
            let udp = process.udp().unwrap_or_default().into_iter();
            for entry in udp.chain(process.udp6().unwrap_or_default()) {
                own.remove(&entry.inode);
            }
            for entry in process.unix().unwrap_or_default() {
                own.remove(&entry.inode);
            }
            held.extend(own);
        }
        held.len() as u64
    }

    /// Who listens at an address in the network namespace of the calling thread, or at its port at all where either is every address;
    /// `None` if nobody does.
    pub fn holder_of(address: SocketAddr) -> Option<Holder> {
        let is_there = |held: SocketAddr| {
            let everywhere = held.ip().is_unspecified() || address.ip().is_unspecified();
            held.port() == address.port()
                && (everywhere || held.ip().to_canonical() == address.ip().to_canonical())
        };
        let entry = own_table()
            .into_iter()
            .find(|entry| entry.state == TcpState::Listen && is_there(entry.local_address))?;
        let pid = procfs::process::all_processes()
            .ok()?
            .flatten()
            .find(|process| socket_inodes(process).contains(&entry.inode))
            .map(|process| process.pid);
        Some(Holder { pid, program: pid.and_then(program_of), address: entry.local_address })
    }

    /// `/proc/self/net` shows the namespace of the main thread; `/proc/<tid>/net` that of the thread.
    fn own_table() -> Vec<TcpNetEntry> {
        let thread = rustix::thread::gettid().as_raw_pid();
        Process::new(thread).map(|process| table(&process)).unwrap_or_default()
    }

    fn table(process: &Process) -> Vec<TcpNetEntry> {
        let mut entries = process.tcp().unwrap_or_default();
        entries.extend(process.tcp6().unwrap_or_default());
        entries
    }

    fn socket_inodes(process: &Process) -> HashSet<u64> {
        let Ok(descriptors) = process.fd() else { return HashSet::new() };
        descriptors
            .flatten()
            .filter_map(|descriptor| match descriptor.target {
                FDTarget::Socket(inode) => Some(inode),
                _ => None,
            })
            .collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::net::SocketAddr;

    use super::Holder;

    /// Unknown here: `readiness` then relies on the answer to its GET alone.
    pub fn listening_sockets(_pids: &[i32]) -> Vec<SocketAddr> {
        Vec::new()
    }

    /// Unknown here.
    pub fn held_after_the_end(_pids: &[i32], _port: u16) -> u64 {
        0
    }

    /// Unknown here.
    pub fn holder_of(_address: SocketAddr) -> Option<Holder> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use fake_backends::clock::RunClock;

    use super::{held_after_the_end, holder_of, listening_sockets};

    #[test]
    fn a_listener_of_this_process_is_found_with_its_holder_and_gone_when_closed() {
        let me = i32::try_from(std::process::id()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(listening_sockets(&[me]).contains(&address));
        let holder = holder_of(address).unwrap();
        assert_eq!((holder.pid, holder.address), (Some(me), address));
        assert!(holder.program.is_some());
        drop(listener);
        assert!(!listening_sockets(&[me]).contains(&address));
        assert_eq!(holder_of(address), None);
    }

    #[test]
    fn a_connection_is_held_from_the_end_of_its_other_end_to_its_own() {
        let me = i32::try_from(std::process::id()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // Other tests of this process open and close theirs.
        let comes_to = |held: u64| {
            let clock = RunClock::start();
            let waited = || Duration::from_nanos(clock.now().0);
            while held_after_the_end(&[me, me], port) != held && waited() < Duration::from_secs(5) {
                std::thread::yield_now();
            }
            assert_eq!(held_after_the_end(&[me, me], port), held);
        };
        for unread in [false, true] {
            let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut held, _) = listener.accept().unwrap();
            comes_to(0);
            if unread {
                // Whoever closes what it has not read resets: then no table has an entry for it.
                held.write_all(b"unread").unwrap();
                client.peek(&mut [0]).unwrap();
            }
            drop(client);
            comes_to(1);
            drop(held);
            comes_to(0);
        }
    }

    #[test]
    fn a_process_that_is_gone_listens_nowhere() {
        assert!(listening_sockets(&[i32::MAX]).is_empty());
    }
}
