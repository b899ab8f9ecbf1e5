//! The accept loop of one worker.
//!
//! `lib::run` starts one in each thread, on a clone of the one listening socket. It ends as soon as the
//! program is asked to; the connections that it started go on by themselves.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::connection;
use crate::exchange::Worker;

/// How long to wait when the system has no file descriptor left: accepting again at once would spin.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Accepts connections for ever.
pub async fn accept_for_ever(listener: TcpListener, worker: Rc<Worker>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::task::spawn_local(connection::serve(Rc::clone(&worker), stream, peer));
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("could not accept a connection: {error}");
                tokio::time::sleep(EXHAUSTED).await;
            }
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
