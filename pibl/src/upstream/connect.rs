//! One new connection to a backend.
//!
//! `exchange` and the health checks connect through it. Names are resolved for each new connection, so
//! a change in the DNS takes effect as connections are renewed; nothing is remembered here.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::wire::Wire;

/// Why there is no connection; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailure {
    /// The name has no address, or the backend refused.
    #[error("{0}")]
    Refused(#[from] io::Error),
    /// Time was up.
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
}

/// Connects to `HOST:PORT`; all addresses of a name are tried in their order within the limit.
pub async fn connect(address: &str, limit: Duration) -> Result<Wire, ConnectFailure> {
    match tokio::time::timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => Ok(Wire::new(stream)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(ConnectFailure::TimedOut(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_a_failure_and_not_a_wait() {
        // A bound socket that never listens: the address is ours and refuses.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let result = connect(&address, Duration::from_secs(10)).await;
        assert!(matches!(result, Err(ConnectFailure::Refused(_))));
    }
}
