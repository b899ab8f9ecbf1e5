//! Network namespaces of Linux: which one a thread is in, how it gets into another, how a new one is made.
//!
//! A namespace belongs to a thread, not to a process, so each thread remembers where it is and moves when it must.
//! `Network` is the only caller. It never changes the namespace of a thread other than the one that asks.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};

use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::interface;

/// Where the calling thread's own network is named.
const OWN_NETWORK: &str = "/proc/thread-self/ns/net";

/// Number of the host's network among places.
const HOST: u64 = 0;

/// A new thread begins in the network of the thread that started it, which nobody has told it.
const UNKNOWN: u64 = u64::MAX;

/// Numbers handed out to namespaces; they are never reused, unlike descriptors.
static NEXT: AtomicU64 = AtomicU64::new(HOST + 1);

/// The network in which this process was started; opened before its first thread moves anywhere else.
static HOST_FILE: OnceLock<OwnedFd> = OnceLock::new();

thread_local! {
    /// The place this thread is in.
    static HERE: Cell<u64> = const { Cell::new(UNKNOWN) };
}

/// A network that threads can be in.
#[derive(Debug)]
pub struct Place {
    number: u64,
    file: Option<OwnedFd>,
}

impl Place {
    /// The host's network.
    pub fn host() -> Place {
        Place { number: HOST, file: None }
    }

    /// The namespace of this descriptor.
    pub fn namespace(file: OwnedFd) -> Place {
        Place { number: NEXT.fetch_add(1, Ordering::Relaxed), file: Some(file) }
    }

    /// The descriptor of the namespace, `None` for the host.
    pub fn file(&self) -> Option<&OwnedFd> {
        self.file.as_ref()
    }

    /// Starts a thread that begins here, or that may move here.
    pub fn start_thread<T: Send + 'static>(
        &self,
        builder: Builder,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let Some(home) = AT_HOME.get().filter(|_| self.file.is_none()) else { return builder.spawn(work) };
        let (started, handle) = channel();
        let start = move || drop(started.send(builder.spawn(work)));
        let gone = || io::Error::other("the thread in the network of the host is gone");
        home.lock().unwrap_or_else(PoisonError::into_inner).send(Box::new(start)).map_err(|_| gone())?;
        handle.recv().map_err(|_| gone())?
    }

    /// Moves the calling thread here, unless it is here already.
    pub fn enter(&self) -> io::Result<()> {
        if HERE.get() == self.number {
            return Ok(());
        }
        let target = match &self.file {
            Some(file) => {
                remember_host()?;
                file
            }
            None => match HOST_FILE.get() {
                Some(file) => file,
                // No thread has ever moved: whoever moves one remembers the host first.
                None => {
                    HERE.set(HOST);
                    return Ok(());
                }
            },
        };
        // A thread may have been started here; and where namespaces are not allowed even staying would be refused.
        if HERE.get() == UNKNOWN && is_own_network(target) {
            HERE.set(self.number);
            return Ok(());
        }
        rustix::thread::move_into_link_name_space(target.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| explain("enter the network namespace", error.into()))?;
        HERE.set(self.number);
        Ok(())
    }
}

/// Makes a namespace whose loopback interface is up and holds `addresses`.
pub fn new_private(addresses: &[IpAddr]) -> io::Result<Place> {
    remember_host()?;
    let addresses = addresses.to_vec();
    // A thread of its own does it and ends, so that the caller stays where it is.
    let helper =
        std::thread::Builder::new().name("new-namespace".into()).spawn(move || -> io::Result<OwnedFd> {
            // SAFETY: `unshare_unsafe` is unsafe because `CLONE_FILES` would split the table of descriptors from under
            // owned descriptors of other threads. `NEWNET` alone changes nothing but the network that this thread sees.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }
                .map_err(|error| explain("make a network namespace", error.into()))?;
            interface::bring_loopback_up()
                .map_err(|error| explain("bring the loopback interface up", error))?;
            for (index, address) in addresses.iter().enumerate() {
                interface::add_loopback_address(index, *address)
                    .map_err(|error| explain(&format!("give {address} to the loopback interface"), error))?;
            }
            // A proxy that insists on port 80 may have it here, whoever it runs as. Old kernels have no such setting.
            let _ = std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
            Ok(File::open(OWN_NETWORK)?.into())
        })?;
    let file =
        helper.join().map_err(|_| io::Error::other("the thread that makes the namespace panicked"))??;
    Ok(Place::namespace(file))
}

/// What is done by the thread that never leaves the network of the host.
type Work = Box<dyn FnOnce() + Send>;
/// The way to it. An ordinary user may make networks in a user namespace, but not go back to one that was there before.
static AT_HOME: OnceLock<Mutex<Sender<Work>>> = OnceLock::new();

/// Opens the host's network once, before any thread leaves it, and leaves a thread there.
fn remember_host() -> io::Result<()> {
    if HOST_FILE.get().is_none() {
        let (sender, work) = channel::<Work>();
        std::thread::Builder::new()
            .name("host-network".into())
            .spawn(move || work.into_iter().for_each(|work| work()))?;
        // A second thread may have been quicker, as below; the way to this one ends here, and so does it.
        let _ = AT_HOME.set(Mutex::new(sender));
        let file =
            File::open(OWN_NETWORK).map_err(|error| explain("open the host's network namespace", error))?;
        // A second thread may have been quicker; both descriptors name the same network.
        let _ = HOST_FILE.set(file.into());
    }
    Ok(())
}

/// Whether this descriptor names the network that the calling thread is in: a namespace is the same by device and inode.
fn is_own_network(file: &OwnedFd) -> bool {
    let own = rustix::fs::stat(OWN_NETWORK).map(|own| (own.st_dev, own.st_ino));
    own.is_ok() && own == rustix::fs::fstat(file).map(|file| (file.st_dev, file.st_ino))
}

fn explain(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not {what}: {error}"))
}
