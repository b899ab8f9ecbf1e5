//! A TCP stream whose every wait ends at a deadline.
//!
//! The same type serves clients and backends. It writes before it waits for readiness, because a socket
//! nearly always has room; a wait that ends at the deadline is an error of kind `TimedOut`. It never retries.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use super::buffer::ReadBuffer;
use super::deadline::Deadline;
use super::socket::Socket;
use super::tls::{self, Identity, Session};
use crate::platform;

/// One connection.
///
/// The stream lies in a cell because reading and writing go on at the same time (an upload while the
/// backend answers already), and because the runtime's own `poll_read` and `poll_write`, which want the
/// stream for themselves for the length of one call, know that a short read emptied the socket: that
/// saves a system call a message.
#[derive(Debug)]
pub struct Wire {
    pub(super) stream: RefCell<Socket>,
    /// When the current wait ends.
    pub deadline: Deadline,
}

/// A connection while it waits for its next request.
#[derive(Debug)]
pub struct Resting {
    stream: std::net::TcpStream,
    session: Option<Session>,
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

impl Wire {
    /// Takes over a connected stream. Small writes are sent at once: heads and last chunks must not wait
    /// for an acknowledgement.
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self::of(Socket::Known(stream))
    }

    /// Takes over a stream as [`platform::accept`] makes it.
    pub fn accepted(stream: std::net::TcpStream) -> Self {
        Self::of(Socket::Fresh(stream))
    }

    /// The same where TLS is spoken; the handshake comes first.
    pub fn accepted_under_tls(stream: std::net::TcpStream, identity: &Identity) -> io::Result<Self> {
        tls::accept(stream, identity).map(Self::of)
    }

    /// Goes on where [`Wire::into_resting`] ended.
    pub fn resumed(resting: Resting) -> Self {
        let Resting { stream, session } = resting;
        match session {
            Some(session) => Self::of(session.resume(stream)),
            None => Self::accepted(stream),
        }
    }

    fn of(socket: Socket) -> Self {
        Self { stream: RefCell::new(socket), deadline: Deadline::new() }
    }

    /// Waits for the handshake, where there is one.
    pub fn poll_handshake(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.borrow_mut().tls().map(|tls| tls.poll_handshake(context)) {
            None => Poll::Ready(Ok(())),
            Some(Poll::Pending) => self.poll_deadline(READ, context),
            Some(ready) => ready,
        }
    }

    /// Whether everybody on the way can read along.
    pub fn is_plain(&self) -> bool {
        self.stream.borrow().is_plain()
    }

    /// A wire whose other end is here.
    #[cfg(feature = "tls")]
    pub fn in_memory() -> (Self, super::Far) {
        let (end, far) = super::pipe::new();
        (Self::of(Socket::Pipe(end)), far)
    }

    /// Has the kernel keep little of what the other side does not read.
    #[cfg(feature = "tls")]
    pub fn keep_little_unsent(&self) {
        const MOST_UNSENT: u32 = 128 << 10;
        let _ = self.stream.borrow().raw().map(|socket| platform::limit_unsent(&socket, MOST_UNSENT));
    }

    /// Whether the handshake ended in HTTP/2.
    #[cfg(feature = "tls")]
    pub fn speaks_http2(&self) -> bool {
        self.stream.borrow_mut().tls().is_some_and(|tls| tls.speaks_http2())
    }

    /// Reads once into the free space of the buffer, which must not be full. Zero means that the other
    /// side closed.
    pub async fn fill(&self, buffer: &mut ReadBuffer) -> io::Result<usize> {
        poll_fn(|context| self.poll_fill(context, buffer)).await
    }

    /// As [`Wire::fill`], for futures that poll several things.
    pub fn poll_fill(&self, context: &mut Context<'_>, buffer: &mut ReadBuffer) -> Poll<io::Result<usize>> {
        match self.poll_read(context, buffer, true) {
            Poll::Pending => self.poll_deadline(READ, context),
            ready => ready,
        }
    }

    /// As [`Wire::poll_fill`], for whoever does not wait here: the runtime is not told of a socket that has nothing to read.
    pub fn poll_fill_at_once(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuffer,
    ) -> Poll<io::Result<usize>> {
        self.poll_read(context, buffer, false)
    }

    fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuffer,
        is_waiting: bool,
    ) -> Poll<io::Result<usize>> {
        let mut space = ReadBuf::new(buffer.space());
        let read = self.stream.borrow_mut().poll_read(context, &mut space, is_waiting);
        let count = space.filled().len();
        buffer.commit(count);
        read.map_ok(|()| count)
    }

    /// What remains of a connection between two requests: nothing of the runtime's. `None` if it is lost.
    pub fn into_resting(self) -> Option<Resting> {
        let (socket, session) = tls::rest(self.stream.into_inner());
        Some(Resting { stream: socket.into_stream()?, session })
    }

    /// Waits until something can be read, without a buffer.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.borrow_mut().poll_readable(context) {
            Poll::Pending => self.poll_deadline(READ, context),
            ready => ready,
        }
    }

    /// Whether the other side is silent and has not closed: what an unused connection must be. The kernel is asked,
    /// because the runtime learns of bytes only when it waits for the next events.
    pub fn is_quiet(&self) -> bool {
        let mut probe = [std::mem::MaybeUninit::uninit(); 1];
        let peeked = self.stream.borrow().raw().map_or(Ok(0), |socket| socket.peek(&mut probe));
        matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What the other side has done, while nothing is expected of it.
    pub fn look(&self) -> Sight {
        let mut socket = self.stream.borrow_mut();
        match (socket.look(), socket.tls()) {
            (Sight::There, Some(tls)) => tls.look(),
            (sight, _) => sight,
        }
    }

    /// Whether the other side has broken off while it still sends.
    pub fn is_broken(&self) -> bool {
        self.stream.borrow().look() == Sight::Gone
    }

    /// Whether the other side has left, for which whoever asks is woken. Known at once only where both are in this program.
    pub fn poll_left(&self, context: &Context<'_>) -> bool {
        self.stream.borrow().pipe().is_some_and(|end| end.poll_left(context))
    }

    /// Writes everything.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        poll_fn(|context| {
            while !bytes.is_empty() {
                let written = ready!(self.poll_write(context, &[IoSlice::new(bytes)]))?;
                bytes = &bytes[written..];
            }
            self.poll_flush(context)
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
            _ => Ok(0),
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
            self.poll_flush(context)
        })
        .await
    }

    /// Sends a part of a file; an error of kind `UnexpectedEof` when the file is shorter.
    pub async fn send_file(&self, file: &File, mut offset: u64, length: u64) -> io::Result<()> {
        if !self.is_plain() {
            return Box::pin(self.copy_file(file, offset, length)).await;
        }
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

    /// The same where the kernel cannot do it: every byte is hidden on its way.
    async fn copy_file(&self, file: &File, offset: u64, length: u64) -> io::Result<()> {
        let mut buffer = ReadBuffer::lease();
        if self.stream.borrow().pipe().is_none() {
            buffer.enlarge();
        }
        let mut moved = 0;
        while moved < length {
            let space = buffer.space();
            let wanted = usize::try_from(length - moved).map_or(space.len(), |rest| rest.min(space.len()));
            let count = platform::read_at(file, &mut space[..wanted], offset + moved)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer.commit(count);
            self.write_all(buffer.filled()).await?;
            buffer.consume(count);
            moved += count as u64;
        }
        Ok(())
    }

    /// The address at which the other side found this one.
    pub fn local_address(&self) -> Option<std::net::SocketAddr> {
        self.stream.borrow().raw()?.local_addr().ok()?.as_socket()
    }

    /// Makes the close that follows a reset: everything unsent is thrown away and the other side gets an
    /// error instead of an end.
    pub fn reset_at_close(&self) {
        // Failures do not matter, here and below: whoever asks for this is about to close.
        let _ = self.stream.borrow().raw().map(|socket| socket.set_linger(Some(Duration::ZERO)));
    }

    /// Says that nothing more will be sent.
    pub fn shut_down_writing(&self) {
        self.say_end();
        let _ = self.stream.borrow().raw().map(|socket| socket.shutdown(std::net::Shutdown::Write));
    }

    /// Says what the close of a plain socket says by itself.
    pub fn say_end(&self) {
        let mut socket = self.stream.borrow_mut();
        if let Some(end) = socket.pipe() {
            end.end();
        }
        if let Some(tls) = socket.tls() {
            tls.say_end();
        }
    }

    fn poll_write(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut socket = self.stream.borrow_mut();
        match socket.poll_write(context, slices) {
            // Whoever has the other end in this program knows what the client waits for, and leaves in time.
            Poll::Pending if socket.pipe().is_some() => Poll::Pending,
            Poll::Pending => self.poll_deadline(WRITE, context),
            ready => ready,
        }
    }

    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.borrow_mut().poll_flush(context) {
            Poll::Pending => self.poll_deadline(WRITE, context),
            ready => ready,
        }
    }

    /// A wait that the socket did not end: over at the deadline, pending until then.
    fn poll_deadline<T>(&self, direction: usize, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.deadline.poll_is_over(direction, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl Resting {
    /// Closes, and says so where that must be said.
    pub fn end(self) {
        if self.session.is_some() {
            Wire::resumed(self).say_end();
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for Resting {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
