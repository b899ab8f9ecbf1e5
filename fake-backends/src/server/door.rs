//! The door of a backend: a listening socket, or one that is bound and does not listen, always on the same port.
//!
//! `backend` opens and shuts it. While it is shut, connecting is refused and nobody else gets the port.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;
use tokio::net::{TcpListener, TcpStream};

use crate::platform::Network;

/// How often, and how far apart, binding again is tried: another process may hold the port for an instant.
const BIND_TRIES: u32 = 100;
const BIND_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Door {
    network: Network,
    backlog: i32,
    address: SocketAddr,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
    Shut(Socket),
    /// Between the two; only after an error.
    Gone,
}

impl Door {
    /// A door that is shut. Must be made within a tokio runtime.
    pub fn new(network: Network, address: SocketAddr, backlog: i32) -> io::Result<Door> {
        let socket = network.bind_without_listening(address)?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok(Door { network, backlog, address: bound, state: State::Shut(socket) })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens from now on.
    pub async fn open(&mut self) -> io::Result<()> {
        let socket = match std::mem::replace(&mut self.state, State::Gone) {
            open @ State::Open(_) => {
                self.state = open;
                return Ok(());
            }
            State::Shut(socket) => socket,
            State::Gone => self.bind().await?,
        };
        socket.listen(self.backlog)?;
        socket.set_nonblocking(true)?;
        self.state = State::Open(TcpListener::from_std(socket.into())?);
        Ok(())
    }

    /// Listens no more.
    pub async fn shut(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Shut(_)) {
            return Ok(());
        }
        // The listener must go before its port can be bound again.
        self.state = State::Gone;
        self.state = State::Shut(self.bind().await?);
        Ok(())
    }

    /// The next connection; waits forever while the door is shut.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.state {
            State::Open(listener) => listener.accept().await,
            State::Shut(_) | State::Gone => std::future::pending().await,
        }
    }

    async fn bind(&self) -> io::Result<Socket> {
        for _ in 1..BIND_TRIES {
            match self.network.bind_without_listening(self.address) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    tokio::time::sleep(BIND_PAUSE).await;
                }
                result => return result,
            }
        }
        self.network.bind_without_listening(self.address)
    }
}
