//! What a wire stands on: a TCP socket before and after the runtime has come to know it, and the same beneath TLS.
//!
//! `stream` reads and writes through it. It never waits for longer than its caller, who brings the deadline.

use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Sight;
#[cfg(feature = "tls")]
use super::{pipe::End, tls::Tls};

/// A socket, before and after the runtime has come to know it.
#[derive(Debug)]
pub(super) enum Socket {
    /// Accepted a moment ago. Reading and writing are tried first; the runtime learns of the socket when
    /// there is something to wait for, which a client that sends one request and leaves never needs.
    Fresh(TcpStream),
    /// The runtime says when it is ready.
    Known(tokio::net::TcpStream),
    /// One of these beneath TLS.
    #[cfg(feature = "tls")]
    Tls(Box<Tls>),
    /// No socket at all: both ends are in this program.
    #[cfg(feature = "tls")]
    Pipe(End),
    /// The runtime did not take it.
    Lost,
}

impl Socket {
    /// The stream as the runtime knows it, made known now if need be.
    pub(super) fn known(&mut self) -> io::Result<&mut tokio::net::TcpStream> {
        if let Self::Fresh(_) = self
            && let Self::Fresh(stream) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Known(tokio::net::TcpStream::from_std(stream)?);
        }
        match self {
            Self::Known(stream) => Ok(stream),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.socket.known(),
            #[cfg(feature = "tls")]
            Self::Pipe(_) => Err(io::ErrorKind::NotConnected.into()),
            Self::Fresh(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The socket as it was accepted, which the runtime forgets; `None` if it is lost.
    pub(super) fn into_stream(self) -> Option<TcpStream> {
        match self {
            Self::Fresh(stream) => Some(stream),
            Self::Known(stream) => stream.into_std().ok(),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.socket.into_stream(),
            #[cfg(feature = "tls")]
            Self::Pipe(_) => None,
            Self::Lost => None,
        }
    }

    /// The kernel's socket, for what has nothing to do with the bytes.
    pub(super) fn raw(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Fresh(stream) => Some(SockRef::from(stream)),
            Self::Known(stream) => Some(SockRef::from(stream)),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.socket.raw(),
            #[cfg(feature = "tls")]
            Self::Pipe(_) => None,
            Self::Lost => None,
        }
    }

    /// What lies between the socket and the messages, if anything does.
    #[cfg(feature = "tls")]
    pub(super) fn tls(&mut self) -> Option<&mut Tls> {
        match self {
            Self::Tls(tls) => Some(tls),
            Self::Fresh(_) | Self::Known(_) | Self::Pipe(_) | Self::Lost => None,
        }
    }

    /// The end of a pipe, if it is one.
    #[cfg(feature = "tls")]
    pub(super) fn pipe(&self) -> Option<&End> {
        if let Self::Pipe(end) = self { Some(end) } else { None }
    }

    /// There are no pipes without HTTP/2.
    #[cfg(not(feature = "tls"))]
    pub(super) fn pipe(&self) -> Option<&super::tls::End> {
        None
    }

    /// Whether bytes are the same here and in the kernel.
    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Fresh(_) | Self::Known(_) | Self::Lost)
    }

    /// What the other side has done, as far as it can be known without receiving anything.
    pub(super) fn look(&self) -> Sight {
        if let Some(end) = self.pipe() {
            return end.look();
        }
        let mut probe = [std::mem::MaybeUninit::uninit(); 1];
        let Some(socket) = self.raw() else { return Sight::Gone };
        let seen = match socket.take_error() {
            Ok(None) => socket.peek(&mut probe),
            Ok(Some(error)) | Err(error) => Err(error),
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

    /// Nothing does: this program was built without TLS.
    #[cfg(not(feature = "tls"))]
    pub(super) fn tls(&mut self) -> Option<&mut super::tls::Tls> {
        None
    }

    /// Reads once. `is_waiting`: whoever asks waits here if there is nothing, so the runtime is told of the socket.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
        is_waiting: bool,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Fresh(stream) => match stream.read(space.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !is_waiting {
                        return Poll::Pending;
                    }
                }
                Ok(count) => {
                    space.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) => return Poll::Ready(Err(error)),
            },
            #[cfg(feature = "tls")]
            Self::Tls(tls) => return tls.poll_read(context, space, is_waiting),
            #[cfg(feature = "tls")]
            Self::Pipe(end) => return end.poll_read(context, space),
            Self::Known(_) | Self::Lost => {}
        }
        Pin::new(self.known()?).poll_read(context, space)
    }

    /// Waits until something can be read.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(end) = self.pipe() {
            return end.poll_readable(context);
        }
        match self.tls() {
            Some(tls) => tls.poll_readable(context),
            None => self.known()?.poll_read_ready(context),
        }
    }

    /// Writes once. Beneath TLS what was taken may still wait for [`Socket::poll_flush`].
    pub(super) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Fresh(stream) => {
                let written = match slices {
                    [single] => stream.write(single),
                    several => stream.write_vectored(several),
                };
                match written {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return Poll::Ready(done),
                }
            }
            #[cfg(feature = "tls")]
            Self::Tls(tls) => return tls.poll_write(context, slices),
            #[cfg(feature = "tls")]
            Self::Pipe(end) => return end.poll_write(context, slices),
            Self::Known(_) | Self::Lost => {}
        }
        let stream = Pin::new(self.known()?);
        match slices {
            [single] => stream.poll_write(context, single),
            several => stream.poll_write_vectored(context, several),
        }
    }

    /// As [`Socket::poll_write`], but beneath TLS nothing leaves before the next flush, if there is room to keep it.
    #[cfg(feature = "tls")]
    pub(super) fn poll_take(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.tls() {
            Some(tls) => tls.poll_take(context, slices),
            None => self.poll_write(context, slices),
        }
    }

    /// Whether something was taken that the kernel does not have.
    #[cfg(feature = "tls")]
    pub(super) fn has_unsent(&mut self) -> bool {
        self.tls().is_some_and(|tls| tls.has_unsent())
    }

    /// Hands the kernel whatever was taken and waits here.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.tls() {
            Some(tls) => tls.poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }
}
