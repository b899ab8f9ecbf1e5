use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub struct Balanceador {
    backends: Vec<String>,
    turno: AtomicUsize,
}

impl Balanceador {
    pub fn new(backends: Vec<String>) -> Self {
        Balanceador { backends, turno: AtomicUsize::new(0) }
    }
    pub fn cuantos(&self) -> usize {
        self.backends.len()
    }
    /// round robin
    pub fn siguiente(&self) -> &str {
        let t = self.turno.fetch_add(1, Ordering::SeqCst);
        &self.backends[t % self.backends.len()]
    }
    pub fn conectar(&self, b: &str) -> Option<TcpStream> {
        let dir = b.to_socket_addrs().ok()?.next()?;
        let s = TcpStream::connect_timeout(&dir, Duration::from_secs(2)).ok()?;
        s.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        Some(s)
    }
}
