//! Where the sockets of a run are made: on the host's own network, or in a network namespace of the run's own.
//!
//! Backends, clients and the guard of the proxy all ask here, so nothing of a run can end up outside its network. It is
//! the only module that knows the operating system, and it never sends a byte.

#[cfg(target_os = "linux")]
mod interface;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Where the sockets of a run are made. Clones are cheap and mean the same network.
#[derive(Clone, Debug)]
pub struct Network {
    inner: Arc<system::Place>,
}

impl Network {
    /// The network of the host, which this process was started in.
    pub fn host() -> Network {
        Network { inner: Arc::new(system::Place::host()) }
    }

    /// The network namespace that this descriptor names (such as an opened `/proc/PID/ns/net`).
    pub fn namespace(file: OwnedFd) -> Network {
        Network { inner: Arc::new(system::Place::namespace(file)) }
    }

    /// A new network namespace of our own: its loopback interface is up and holds `addresses` beside 127.0.0.1 and ::1.
    ///
    /// # Errors
    /// Where the host does not allow it (no privilege, no such kernel feature, not Linux), with the step that failed.
    pub fn new_private(addresses: &[IpAddr]) -> io::Result<Network> {
        Ok(Network { inner: Arc::new(system::new_private(addresses)?) })
    }

    /// Whether this is a network namespace and not the host's own network.
    pub fn is_private(&self) -> bool {
        self.inner.file().is_some()
    }

    /// The descriptor of the namespace, to be handed to a child process that is to start in it; `None` for the host.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.inner.file().map(AsFd::as_fd)
    }

    /// Moves the calling thread into this network. Everything here does it by itself; it is public for threads that
    /// open sockets through somebody else's code, such as an HTTP library.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn enter(&self) -> io::Result<()> {
        self.inner.enter()
    }

    /// Starts a thread in this network, wherever the caller is. Of an ordinary user no thread goes back to the network of the host,
    /// but a new one may begin there.
    ///
    /// # Errors
    /// No thread can be started; what the thread returns is an error where it could not enter the network.
    pub fn start_thread<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<std::thread::JoinHandle<io::Result<T>>> {
        let network = self.clone();
        let builder = std::thread::Builder::new().name(name.to_owned());
        self.inner.start_thread(builder, move || {
            network.enter()?;
            work()
        })
    }

    /// Makes a socket. Every socket of a run comes from here.
    ///
    /// # Errors
    /// When the namespace cannot be entered or the socket not be made.
    pub fn socket(&self, domain: Domain, kind: Type) -> io::Result<Socket> {
        self.enter()?;
        let protocol = (kind == Type::STREAM && domain != Domain::UNIX).then_some(Protocol::TCP);
        Socket::new(domain, kind, protocol)
    }

    /// A socket that is bound to `address` and never listens: connecting to it is refused, and the system gives the port
    /// to nobody who asks for a free one (only a program that names this very port, and sets SO_REUSEADDR, could take
    /// it). This is what "the backend is down" means.
    ///
    /// # Errors
    /// When the address is in use or not this machine's.
    pub fn bind_without_listening(&self, address: SocketAddr) -> io::Result<Socket> {
        let socket = self.socket(Domain::for_address(address), Type::STREAM)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(address))?;
        Ok(socket)
    }

    /// A listening socket; port 0 lets the system choose. It blocks, until made non-blocking.
    ///
    /// # Errors
    /// When the address is in use or not this machine's.
    pub fn listen(&self, address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
        let socket = self.bind_without_listening(address)?;
        socket.listen(backlog)?;
        Ok(socket.into())
    }

    /// A blocking connection, with Nagle's algorithm off.
    ///
    /// # Errors
    /// As `connect` reports them; `TimedOut` when it took longer than `timeout`.
    pub fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        let socket = self.socket(Domain::for_address(address), Type::STREAM)?;
        socket.connect_timeout(&SockAddr::from(address), timeout)?;
        socket.set_tcp_nodelay(true)?;
        Ok(socket.into())
    }

    /// The same for tokio, within its runtime. The caller bounds the time.
    ///
    /// # Errors
    /// As `connect` reports them.
    pub async fn connect_async(&self, address: SocketAddr) -> io::Result<tokio::net::TcpStream> {
        self.connect_async_from(None, address).await
    }

    /// The same, coming from an address of this machine where one is chosen.
    ///
    /// # Errors
    /// As `bind` and `connect` report them.
    pub async fn connect_async_from(
        &self,
        source: Option<IpAddr>,
        address: SocketAddr,
    ) -> io::Result<tokio::net::TcpStream> {
        // No await lies between entering the namespace and making the socket, so the task cannot change threads there.
        let socket = self.socket(Domain::for_address(address), Type::STREAM)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
        }
        tokio::net::TcpSocket::from_std_stream(socket.into()).connect(address).await
    }
}

#[cfg(test)]
mod tests;
