//! A TCP stream whose every wait ends at a deadline.
//!
//! The same type serves clients and backends. It writes before it waits for readiness, because a socket
//! nearly always has room; a wait that ends at the deadline is an error of kind `TimedOut`.

use std::cell::RefCell;
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffer::ReadBuffer;
use super::deadline::Deadline;
use crate::platform;

/// One connection.
///
/// The stream lies in a cell because reading and writing go on at the same time (an upload while the
/// backend answers already), and because the runtime's own `poll_read` and `poll_write`, which want the
/// stream for themselves for the length of one call, know that a short read emptied the socket: that
/// saves a system call a message.
#[derive(Debug)]
pub struct Wire {
    stream: RefCell<TcpStream>,
    /// When the current wait ends.
    pub deadline: Deadline,
}

const READ: usize = 0;
const WRITE: usize = 1;

impl Wire {
    /// Takes over a connected stream. Small writes are sent at once: heads and last chunks must not wait
    /// for an acknowledgement.
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self { stream: RefCell::new(stream), deadline: Deadline::new() }
    }

    /// Reads once into the free space of the buffer, which must not be full. Zero means that the other
    /// side closed.
    pub async fn fill(&self, buffer: &mut ReadBuffer) -> io::Result<usize> {
        poll_fn(|context| self.poll_fill(context, buffer)).await
    }

    /// As [`Wire::fill`], for futures that poll several things.
    pub fn poll_fill(&self, context: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(buffer.space());
        let mut stream = self.stream.borrow_mut();
        match Pin::new(&mut *stream).poll_read(context, &mut space) {
            Poll::Ready(result) => {
                let count = space.filled().len();
                buffer.commit(count);
                Poll::Ready(result.map(|()| count))
            }
            Poll::Pending => self.poll_deadline(READ, context),
        }
    }

    /// Waits until something can be read, without a buffer.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.borrow().poll_read_ready(context) {
            Poll::Pending => self.poll_deadline(READ, context),
            ready => ready,
        }
    }

    /// Whether the other side is silent and has not closed: what an unused connection must be.
    pub fn is_quiet(&self) -> bool {
        let mut probe = [0; 1];
        matches!(self.stream.borrow().try_read(&mut probe), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Writes everything.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|context| {
            while !bytes.is_empty() {
                let written = ready!(self.poll_write(context, &[IoSlice::new(bytes)]))?;
                bytes = &bytes[written..];
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Writes two pieces as if they were one.
    pub async fn write_both(&self, first: &[u8], second: &[u8]) -> io::Result<()> {
        self.write_three(first, second, &[]).await
    }

    /// Writes three pieces as if they were one: chunk line, content, end of chunk.
    pub async fn write_three(&self, first: &[u8], second: &[u8], third: &[u8]) -> io::Result<()> {
        let total = first.len() + second.len() + third.len();
        let mut done = 0;
        poll_fn(|context| {
            while done < total {
                let pieces = [first, second, third];
                let mut skip = done;
                let slices = pieces.map(|piece| {
                    let skipped = skip.min(piece.len());
                    skip -= skipped;
                    IoSlice::new(&piece[skipped..])
                });
                done += ready!(self.poll_write(context, &slices))?;
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Sends a part of a file; an error of kind `UnexpectedEof` when the file is shorter.
    pub async fn send_file(&self, file: &File, mut offset: u64, length: u64) -> io::Result<()> {
        let end = offset + length;
        poll_fn(|context| {
            while offset < end {
                let rest = usize::try_from(end - offset).unwrap_or(usize::MAX).min(1 << 30);
                let stream = self.stream.borrow();
                let moved = stream
                    .try_io(Interest::WRITABLE, || platform::send_file(&stream, file, &mut offset, rest));
                let moved = match moved {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if stream.poll_write_ready(context)?.is_pending() {
                            return self.poll_deadline(WRITE, context);
                        }
                        continue;
                    }
                    moved => moved?,
                };
                if moved == 0 {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// The address at which the other side found this one.
    pub fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.stream.borrow().local_addr().ok()
    }

    /// Makes the close that follows a reset: everything unsent is thrown away and the other side gets an
    /// error instead of an end.
    pub fn reset_at_close(&self) {
        let _ = self.stream.borrow().set_zero_linger();
    }

    /// Says that nothing more will be sent.
    pub fn shut_down_writing(&self) {
        let _ = socket2::SockRef::from(&*self.stream.borrow()).shutdown(std::net::Shutdown::Write);
    }

    fn poll_write(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut stream = self.stream.borrow_mut();
        let written = match slices {
            [single] => Pin::new(&mut *stream).poll_write(context, single),
            several => Pin::new(&mut *stream).poll_write_vectored(context, several),
        };
        if written.is_pending() {
            return self.poll_deadline(WRITE, context);
        }
        written
    }

    /// A wait that the socket did not end: over at the deadline, pending until then.
    fn poll_deadline<T>(&self, direction: usize, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.deadline.poll_is_over(direction, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}
