//! A wire as the library of HTTP/2 would like it: a stream of the runtime's kind. Another handle of the same wire stays with
//! whoever says the last word.
//!
//! The library writes and flushes frame by frame. Here frames are gathered until whoever drives the library has no more of
//! them: then what many streams have to say leaves as one record, by one call.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Wire;

/// What fits into one record (RFC 8446 §5.1).
pub const RECORD: usize = 16 << 10;

/// One of several handles of a wire. Its waits have no end but those that the owner sets.
#[derive(Clone, Debug)]
pub struct SharedWire {
    wire: Rc<Wire>,
    /// Less than a record, of frames that have not been hidden yet.
    gathered: Rc<RefCell<Vec<u8>>>,
}

impl SharedWire {
    /// The first handle.
    pub fn new(wire: Rc<Wire>) -> Self {
        Self { wire, gathered: Rc::default() }
    }

    /// Hands the kernel whatever was written, and waits here while it has no room.
    pub fn poll_leave(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_hide(context, &[]))?;
        self.wire.stream.borrow_mut().poll_flush(context)
    }

    /// Whether something was written that the kernel does not have.
    pub fn has_unsent(&self) -> bool {
        !self.gathered.borrow().is_empty() || self.wire.stream.borrow_mut().has_unsent()
    }

    /// Gives back the memory of what many streams have said at once.
    pub fn forget(&self) {
        const KEPT: usize = 4 << 10;
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() && gathered.capacity() > KEPT {
            *gathered = Vec::new();
        }
    }

    /// Makes records of what was gathered and of these bytes behind it. How many of these were taken.
    fn poll_hide(&self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut socket = self.wire.stream.borrow_mut();
        let mut gathered = self.gathered.borrow_mut();
        while !gathered.is_empty() {
            let all: Vec<_> = std::iter::once(&gathered[..])
                .chain(slices.iter().map(|slice| &**slice))
                .map(IoSlice::new)
                .collect();
            let taken = ready!(socket.poll_take(context, &all))?;
            let own = taken.min(gathered.len());
            gathered.drain(..own);
            if taken > own {
                return Poll::Ready(Ok(taken - own));
            }
        }
        match slices {
            [] => Poll::Ready(Ok(0)),
            slices => socket.poll_take(context, slices),
        }
    }
}

impl AsyncRead for SharedWire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire.stream.borrow_mut().poll_read(context, space, true)
    }
}

impl AsyncWrite for SharedWire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut gathered = self.gathered.borrow_mut();
        // What fills a record by itself is not copied.
        if length < RECORD / 2 && gathered.len() + length <= RECORD {
            slices.iter().for_each(|slice| gathered.extend_from_slice(slice));
            return Poll::Ready(Ok(length));
        }
        drop(gathered);
        self.poll_hide(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing: the library flushes behind each frame, and whoever drives it calls [`SharedWire::poll_leave`].
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_leave(context)
    }
}
