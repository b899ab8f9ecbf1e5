//! Systems without network namespaces: there is only the host's network.
//!
//! It offers what `linux` offers; asking for a private network is an error with the reason. It never pretends.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

/// The host's network.
#[derive(Debug)]
pub struct Place;

impl Place {
    /// The host's network.
    pub fn host() -> Place {
        Place
    }

    /// There are no namespaces to name here; what the descriptor is of is not asked.
    pub fn namespace(_file: OwnedFd) -> Place {
        Place
    }

    /// There is no descriptor.
    pub fn file(&self) -> Option<&OwnedFd> {
        None
    }

    /// Starts a thread.
    pub fn start_thread<T: Send + 'static>(
        &self,
        builder: std::thread::Builder,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<std::thread::JoinHandle<T>> {
        builder.spawn(work)
    }

    /// Every thread is there already.
    pub fn enter(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Always an error.
pub fn new_private(_addresses: &[IpAddr]) -> io::Result<Place> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "network namespaces exist on Linux only"))
}
