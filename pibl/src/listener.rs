//! The accept loop of one worker.
//!
//! `lib::run` starts one in each thread, on a clone of the one listening socket. It ends as soon as the
//! program is asked to; the connections that it started go on by themselves.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use crate::connection::{self, Door, Hall};
use crate::platform;

/// How long to wait when the system has no file descriptor left: accepting again at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// The most connections that one worker still accepts when the program ends: as many as may wait.
const LAST_ACCEPTED: usize = 4096;

/// How many connections are accepted before those that exist have their turn.
const AT_ONCE: usize = 16;

/// Accepts connections for ever. What is accepted is not yet known to the runtime: a client that sends its
/// request at once and leaves with the answer never has to be.
#[cfg(unix)]
pub async fn accept_for_ever(listener: std::net::TcpListener, door: Door, hall: Rc<Hall>) {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    #[expect(deprecated, reason = "sound here: a TcpListener owns its descriptor and never changes it")]
    let listener = match AsyncFd::with_interest(listener, Interest::READABLE) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("could not wait for connections: {error}"),
    };
    loop {
        let Ok(mut ready) = listener.readable().await else { return };
        let mut accepted = 0;
        while accepted < AT_ONCE
            && let Ok(result) = ready.try_io(|listener| platform::accept(listener.get_ref()))
        {
            welcome(&hall, door, result).await;
            accepted += 1;
        }
        if accepted == AT_ONCE {
            tokio::task::yield_now().await;
        }
    }
}

/// The portable form: the runtime accepts.
#[cfg(not(unix))]
pub async fn accept_for_ever(listener: std::net::TcpListener, door: Door, hall: Rc<Hall>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("could not wait for connections: {error}"),
    };
    loop {
        let accepted = match listener.accept().await {
            Ok((stream, peer)) => stream.into_std().map(|stream| (stream, peer)),
            Err(error) => Err(error),
        };
        welcome(&hall, door, accepted).await;
    }
}

async fn welcome(hall: &Rc<Hall>, door: Door, accepted: io::Result<(TcpStream, SocketAddr)>) {
    match accepted {
        Ok((stream, peer)) => connection::begin(hall, door, stream, peer),
        Err(error) if is_about_one_connection(&error) => {}
        Err(error) => {
            if platform::is_out_of_descriptors(&error) {
                hall.worker.give_back_descriptors();
            }
            tracing::warn!("could not accept a connection: {error}");
            tokio::time::sleep(EXHAUSTED).await;
        }
    }
}

/// Accepts those who wait already, and nobody who comes later. When the listening socket is closed the
/// kernel resets whoever is still in its queue, although it has told him that he is connected.
///
/// The listener is the system's own, in non-blocking mode: the runtime's would ask the kernel only after the
/// kernel's last event had reached it.
pub fn accept_waiting(listener: &std::net::TcpListener, door: Door, hall: &Rc<Hall>) {
    for _ in 0..LAST_ACCEPTED {
        match platform::accept(listener) {
            Ok((stream, peer)) => connection::begin(hall, door, stream, peer),
            Err(error) if is_about_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

/// The client that was about to be accepted is gone; the next one may be there already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
