//! One accepted connection: reads into a buffer with the moment of each read, writes, watches the other end, ends.
//!
//! `receive` and `perform` use it. It tells a close of the other end from a reset, and it never interprets a byte.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::clock::{Moment, RunClock};

/// Room for one read of a head, and of a body.
const SMALL_READ: usize = 16 * 1024;
const LARGE_READ: usize = 64 * 1024;
/// Bytes that are read ahead while an answer is due; more stay in the kernel, and the other end must wait.
const READ_AHEAD_LIMIT: usize = 256 * 1024;
/// How long the other end may take to close after we have.
const LINGER: Duration = Duration::from_secs(1);

/// A connection of a backend.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    clock: RunClock,
    input: Vec<u8>,
    consumed: usize,
    /// When the last bytes were read.
    pub last_read: Moment,
    /// Bytes read so far.
    pub received: u64,
    /// When the other end was seen to have closed its side.
    pub closed: Option<Moment>,
    /// Whether it is never closed for being idle.
    pub stays: bool,
}

impl Socket {
    pub fn new(stream: Arc<TcpStream>, clock: RunClock, accepted: Moment) -> Socket {
        Socket {
            stream,
            clock,
            input: Vec::new(),
            consumed: 0,
            last_read: accepted,
            received: 0,
            closed: None,
            stays: false,
        }
    }

    /// What has been read and not consumed.
    pub fn pending(&self) -> &[u8] {
        &self.input[self.consumed..]
    }

    /// Takes bytes from the front of what is pending.
    pub fn consume(&mut self, count: usize) {
        self.consumed = (self.consumed + count).min(self.input.len());
        if self.consumed == self.input.len() {
            self.input.clear();
            self.consumed = 0;
        }
    }

    /// Reads once; zero when the other end has closed its side.
    pub async fn read(&mut self, body: bool) -> io::Result<usize> {
        loop {
            match self.try_read(if body { LARGE_READ } else { SMALL_READ }) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.readable().await?,
                result => return result,
            }
        }
    }

    fn try_read(&mut self, room: usize) -> io::Result<usize> {
        if self.closed.is_some() {
            return Ok(0);
        }
        if self.consumed > 0 {
            self.input.drain(..self.consumed);
            self.consumed = 0;
        }
        self.input.reserve(room);
        let count = self.stream.try_read_buf(&mut self.input)?;
        self.last_read = self.clock.now();
        self.received += count as u64;
        if count == 0 {
            self.closed = Some(self.last_read);
        }
        Ok(count)
    }

    /// Writes all of it.
    pub async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Runs until the other end resets; reads ahead meanwhile. A close of its sending side is noted and is no reset:
    /// it may still want the answer.
    pub async fn until_reset(&mut self) -> io::Error {
        loop {
            if self.closed.is_some() || self.pending().len() >= READ_AHEAD_LIMIT {
                // A reset that follows shows when the answer is written.
                std::future::pending::<()>().await;
            }
            if let Err(error) = self.read(false).await {
                return error;
            }
        }
    }

    /// Lets time pass; an error when the other end resets meanwhile.
    pub async fn wait_until(&mut self, deadline: Instant) -> io::Result<()> {
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => Ok(()),
            error = self.until_reset() => Err(error),
        }
    }

    /// Reads and drops everything until the other end closes or resets, at most until `deadline`.
    pub async fn drain(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let read_all = async {
            while self.read(false).await? > 0 {
                let pending = self.pending().len();
                self.consume(pending);
            }
            Ok(())
        };
        match deadline {
            Some(deadline) => tokio::time::timeout_at(deadline, read_all).await.unwrap_or(Ok(())),
            None => read_all.await,
        }
    }

    /// Closes in good order: what was written arrives even if the other end goes on sending for a while. Without this,
    /// closing with bytes unread would reset the connection and could destroy the answer on its way.
    pub async fn close(mut self) {
        let shut = socket2::SockRef::from(&*self.stream).shutdown(std::net::Shutdown::Write);
        if shut.is_ok() {
            // How the other end takes it makes no difference any more.
            let _ = self.drain(Some(Instant::now() + LINGER)).await;
        }
    }

    /// Resets the connection, now.
    pub fn reset(self) {
        // Should it fail, the connection is closed instead, which the other end will notice all the same.
        let _ = self.stream.set_zero_linger();
    }
}
