//! The accept loop of one worker.
//!
//! `lib::run` starts one in each thread, on a clone of the one listening socket. It ends as soon as the
//! program is asked to; the connections that it started go on by themselves.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::connection::{self, Open};
use crate::exchange::Worker;

/// How long to wait when the system has no file descriptor left: accepting again at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// The most connections that one worker still accepts when the program ends: as many as may wait.
const LAST_ACCEPTED: usize = 4096;

/// Accepts connections for ever.
pub async fn accept_for_ever(listener: TcpListener, worker: Rc<Worker>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => start(&worker, stream, peer),
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("could not accept a connection: {error}");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Accepts those who wait already, and nobody who comes later. When the listening socket is closed the
/// kernel resets whoever is still in its queue, although it has told him that he is connected.
///
/// The listener is the system's own, in non-blocking mode: the runtime's would ask the kernel only after the
/// kernel's last event had reached it.
pub fn accept_waiting(listener: &std::net::TcpListener, worker: &Rc<Worker>) {
    for _ in 0..LAST_ACCEPTED {
        let accepted = listener.accept().and_then(|(stream, peer)| {
            stream.set_nonblocking(true)?;
            Ok((TcpStream::from_std(stream)?, peer))
        });
        match accepted {
            Ok((stream, peer)) => start(worker, stream, peer),
            Err(error) if is_about_one_connection(&error) => {}
            Err(_) => return,
        }
    }
}

fn start(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr) {
    tokio::task::spawn_local(connection::serve(Open::new(Rc::clone(worker)), stream, peer));
}

/// The client that was about to be accepted is gone; the next one may be there already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
