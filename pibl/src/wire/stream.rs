//! A TCP stream whose every wait ends at a deadline.
//!
//! The same type serves clients and backends. It writes before it waits for readiness, because a socket
//! nearly always has room; a wait that ends at the deadline is an error of kind `TimedOut`. It never retries.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffer::ReadBuffer;
use super::deadline::Deadline;
use crate::platform;

/// A socket, before and after the runtime has come to know it.
#[derive(Debug)]
enum Socket {
    /// Accepted a moment ago. Reading and writing are tried first; the runtime learns of the socket when
    /// there is something to wait for, which a client that sends one request and leaves never needs.
    Fresh(std::net::TcpStream),
    /// The runtime says when it is ready.
    Known(TcpStream),
    /// The runtime did not take it.
    Lost,
}

/// One connection.
///
/// The stream lies in a cell because reading and writing go on at the same time (an upload while the
/// backend answers already), and because the runtime's own `poll_read` and `poll_write`, which want the
/// stream for themselves for the length of one call, know that a short read emptied the socket: that
/// saves a system call a message.
#[derive(Debug)]
pub struct Wire {
    stream: RefCell<Socket>,
    /// When the current wait ends.
    pub deadline: Deadline,
}

/// What can be known of the other side without reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It is there, as far as anybody knows.
    There,
    /// It says nothing more. It may still listen: only a write tells.
    SaidAll,
    /// It has left.
    Gone,
}

/// The place of those who wait to read among the waiters of a deadline.
pub const READING: usize = 0;
const READ: usize = READING;
const WRITE: usize = 1;

impl Socket {
    /// The stream as the runtime knows it, made known now if need be.
    fn known(&mut self) -> io::Result<&mut TcpStream> {
        if let Self::Fresh(_) = self
            && let Self::Fresh(stream) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Known(TcpStream::from_std(stream)?);
        }
        match self {
            Self::Known(stream) => Ok(stream),
            Self::Fresh(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Wire {
    /// Takes over a connected stream. Small writes are sent at once: heads and last chunks must not wait
    /// for an acknowledgement.
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self { stream: RefCell::new(Socket::Known(stream)), deadline: Deadline::new() }
    }

    /// Takes over a stream as [`platform::accept`] makes it.
    pub fn accepted(stream: std::net::TcpStream) -> Self {
        Self { stream: RefCell::new(Socket::Fresh(stream)), deadline: Deadline::new() }
    }

    /// Reads once into the free space of the buffer, which must not be full. Zero means that the other
    /// side closed.
    pub async fn fill(&self, buffer: &mut ReadBuffer) -> io::Result<usize> {
        poll_fn(|context| self.poll_fill(context, buffer)).await
    }

    /// As [`Wire::fill`], for futures that poll several things.
    pub fn poll_fill(&self, context: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<usize>> {
        let mut socket = self.stream.borrow_mut();
        if let Socket::Fresh(stream) = &mut *socket
            && let Poll::Ready(result) = read_fresh(stream, buffer)
        {
            return Poll::Ready(result);
        }
        let mut space = ReadBuf::new(buffer.space());
        match Pin::new(socket.known()?).poll_read(context, &mut space) {
            Poll::Ready(result) => {
                let count = space.filled().len();
                buffer.commit(count);
                Poll::Ready(result.map(|()| count))
            }
            Poll::Pending => self.poll_deadline(READ, context),
        }
    }

    /// As [`Wire::poll_fill`], for whoever does not wait here: the runtime is not told of a socket that has nothing to read.
    pub fn poll_fill_at_once(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<usize>> {
        if let Socket::Fresh(stream) = &mut *self.stream.borrow_mut() {
            return read_fresh(stream, buffer);
        }
        self.poll_fill(context, buffer)
    }

    /// The socket, as it was accepted; `None` if it is lost.
    pub fn into_stream(self) -> Option<std::net::TcpStream> {
        match self.stream.into_inner() {
            Socket::Fresh(stream) => Some(stream),
            Socket::Known(stream) => stream.into_std().ok(),
            Socket::Lost => None,
        }
    }

    /// Waits until something can be read, without a buffer.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.borrow_mut().known()?.poll_read_ready(context) {
            Poll::Pending => self.poll_deadline(READ, context),
            ready => ready,
        }
    }

    /// Whether the other side is silent and has not closed: what an unused connection must be. The kernel is asked,
    /// because the runtime learns of bytes only when it waits for the next events.
    pub fn is_quiet(&self) -> bool {
        let mut probe = [std::mem::MaybeUninit::uninit(); 1];
        let peeked = match &*self.stream.borrow() {
            Socket::Fresh(stream) => SockRef::from(stream).peek(&mut probe),
            Socket::Known(stream) => SockRef::from(stream).peek(&mut probe),
            Socket::Lost => Ok(0),
        };
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What the other side has done, while nothing is expected of it.
    pub fn look(&self) -> Sight {
        let mut probe = [std::mem::MaybeUninit::uninit(); 1];
        let mut look = |socket: SockRef<'_>| match socket.take_error() {
            Ok(None) => socket.peek(&mut probe),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        let seen = match &*self.stream.borrow() {
            Socket::Fresh(stream) => look(SockRef::from(stream)),
            Socket::Known(stream) => look(SockRef::from(stream)),
            Socket::Lost => return Sight::Gone,
        };
        match seen {
            Ok(0) => Sight::SaidAll,
            Ok(_) => Sight::There,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Sight::There
            }
            Err(_) => Sight::Gone,
        }
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

    /// Writes everything and says that nothing more will be sent, in one packet where it fits. What is still
    /// unread must not matter to the answer, so the end is said here and not left to the close: that would
    /// throw away what has not left yet.
    pub async fn write_last(&self, bytes: &[u8]) -> io::Result<()> {
        let taken = match &*self.stream.borrow() {
            Socket::Fresh(stream) => platform::send_before_end(stream, bytes),
            Socket::Known(stream) => {
                stream.try_io(Interest::WRITABLE, || platform::send_before_end(stream, bytes))
            }
            Socket::Lost => Ok(0),
        };
        let taken = match taken {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            taken => taken?,
        };
        if taken < bytes.len() {
            // What did not fit waits its turn, and takes the rest along.
            self.write_all(&bytes[taken..]).await?;
        }
        self.shut_down_writing();
        Ok(())
    }

    /// Writes two pieces as if they were one.
    pub async fn write_both(&self, first: &[u8], second: &[u8]) -> io::Result<()> {
        self.write_three(first, second, &[]).await
    }

    /// Writes three pieces as if they were one: chunk line, content, end of chunk.
    pub async fn write_three(&self, first: &[u8], second: &[u8], third: &[u8]) -> io::Result<()> {
        self.write_counted([first, second, third], &Cell::new(0)).await
    }

    /// The same, for whoever may lose patience: how many bytes have left stands in `done`.
    pub async fn write_counted(&self, pieces: [&[u8]; 3], done: &Cell<usize>) -> io::Result<()> {
        let total = pieces.iter().map(|piece| piece.len()).sum();
        poll_fn(|context| {
            while done.get() < total {
                let mut skip = done.get();
                let slices = pieces.map(|piece| {
                    let skipped = skip.min(piece.len());
                    skip -= skipped;
                    IoSlice::new(&piece[skipped..])
                });
                done.set(done.get() + ready!(self.poll_write(context, &slices))?);
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
                let mut socket = self.stream.borrow_mut();
                let stream = &*socket.known()?;
                let moved = stream
                    .try_io(Interest::WRITABLE, || platform::send_file(stream, file, &mut offset, rest));
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
        match &*self.stream.borrow() {
            Socket::Fresh(stream) => stream.local_addr().ok(),
            Socket::Known(stream) => stream.local_addr().ok(),
            Socket::Lost => None,
        }
    }

    /// Makes the close that follows a reset: everything unsent is thrown away and the other side gets an
    /// error instead of an end.
    pub fn reset_at_close(&self) {
        self.with_options(|socket| socket.set_linger(Some(Duration::ZERO)));
    }

    /// Says that nothing more will be sent.
    pub fn shut_down_writing(&self) {
        self.with_options(|socket| socket.shutdown(std::net::Shutdown::Write));
    }

    /// Failures do not matter: whoever asks for this is about to close.
    fn with_options(&self, change: impl FnOnce(&SockRef<'_>) -> io::Result<()>) {
        let _ = match &*self.stream.borrow() {
            Socket::Fresh(stream) => change(&SockRef::from(stream)),
            Socket::Known(stream) => change(&SockRef::from(stream)),
            Socket::Lost => Ok(()),
        };
    }

    fn poll_write(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut socket = self.stream.borrow_mut();
        if let Socket::Fresh(stream) = &mut *socket {
            let written = match slices {
                [single] => stream.write(single),
                several => stream.write_vectored(several),
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
        let stream = socket.known()?;
        let written = match slices {
            [single] => Pin::new(stream).poll_write(context, single),
            several => Pin::new(stream).poll_write_vectored(context, several),
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

fn read_fresh(stream: &mut std::net::TcpStream, buffer: &mut ReadBuffer) -> Poll<io::Result<usize>> {
    match stream.read(buffer.space()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Ok(count) => {
            buffer.commit(count);
            Poll::Ready(Ok(count))
        }
        failed => Poll::Ready(failed),
    }
}
