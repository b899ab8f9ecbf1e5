//! A wire in memory: an exchange reads a request from it and writes its answer to it, as if a client of HTTP/1.1 were there.
//!
//! `connection` holds the far end and speaks to the client in the form of HTTP/2. Both ends live on one thread. What
//! neither side has taken is bounded, so that a slow reader holds up the exchange that it waits for and nothing else.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use tokio::io::ReadBuf;

use super::Sight;

/// What one side may be ahead of the other ...
const MOST_BYTES: usize = 32 * 1024;
/// ... and an answer before its head was taken, which must lie there as a whole: more than the longest one.
const MOST_WITH_HEAD: usize = 96 * 1024;

/// The exchange's end.
#[derive(Debug)]
pub(super) struct End(Rc<RefCell<Pipe>>);

/// The end of whoever speaks to the client.
#[derive(Debug)]
pub struct Far(Rc<RefCell<Pipe>>);

/// Nobody is at the other end any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over;

#[derive(Debug)]
struct Pipe {
    /// Towards the exchange.
    request: Direction,
    /// Towards the client.
    response: Direction,
    /// Whether the client has left.
    is_left: bool,
    /// Whether the exchange has ended.
    is_over: bool,
    /// Who waits to hear that the client has left.
    watcher: Option<Waker>,
}

#[derive(Debug)]
struct Direction {
    bytes: BytesMut,
    /// How many of them may wait.
    most: usize,
    is_ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both ends of a new pipe.
pub(super) fn new() -> (End, Far) {
    let pipe = Rc::new(RefCell::new(Pipe {
        request: Direction::new(MOST_BYTES),
        response: Direction::new(MOST_WITH_HEAD),
        is_left: false,
        is_over: false,
        watcher: None,
    }));
    (End(Rc::clone(&pipe)), Far(pipe))
}

impl Direction {
    fn new(most: usize) -> Self {
        Self { bytes: BytesMut::new(), most, is_ended: false, reader: None, writer: None }
    }

    fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes.len())
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        wake(&mut self.reader);
    }

    fn end(&mut self) {
        self.is_ended = true;
        wake(&mut self.reader);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

fn wait<T>(place: &mut Option<Waker>, context: &Context<'_>) -> Poll<T> {
    match place {
        Some(waker) => waker.clone_from(context.waker()),
        empty => *empty = Some(context.waker().clone()),
    }
    Poll::Pending
}

impl End {
    pub(super) fn poll_read(&self, context: &Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.0.borrow_mut();
        std::task::ready!(pipe.poll_readable(context))?;
        let taken = pipe.request.bytes.len().min(space.remaining());
        space.put_slice(&pipe.request.bytes.split_to(taken));
        wake(&mut pipe.request.writer);
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_readable(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_readable(context)
    }

    pub(super) fn poll_write(
        &self,
        context: &Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Pipe { response, is_left, .. } = &mut *self.0.borrow_mut();
        if *is_left {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if response.room() == 0 {
            return wait(&mut response.writer, context);
        }
        let mut written = 0;
        for slice in slices {
            let taken = slice.len().min(response.room());
            response.append(&slice[..taken]);
            written += taken;
        }
        Poll::Ready(Ok(written))
    }

    pub(super) fn look(&self) -> Sight {
        if self.0.borrow().is_left { Sight::Gone } else { Sight::There }
    }

    /// Whether the client has left, for which whoever asks is woken.
    pub(super) fn poll_left(&self, context: &Context<'_>) -> bool {
        let pipe = &mut *self.0.borrow_mut();
        if !pipe.is_left {
            let _: Poll<()> = wait(&mut pipe.watcher, context);
        }
        pipe.is_left
    }

    /// Says that nothing more will be written.
    pub(super) fn end(&self) {
        self.0.borrow_mut().response.end();
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let pipe = &mut *self.0.borrow_mut();
        pipe.is_over = true;
        pipe.response.end();
        wake(&mut pipe.request.writer);
    }
}

impl Pipe {
    fn poll_readable(&mut self, context: &Context<'_>) -> Poll<io::Result<()>> {
        if self.is_left {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match self.request.bytes.is_empty() && !self.request.is_ended {
            true => wait(&mut self.request.reader, context),
            false => Poll::Ready(Ok(())),
        }
    }
}

impl Far {
    /// Begins with bytes for which room need not be made.
    pub fn start(&self, head: Vec<u8>) {
        let request = &mut self.0.borrow_mut().request;
        request.bytes = BytesMut::from(Bytes::from(head));
        wake(&mut request.reader);
    }

    /// Hands the exchange so many of these bytes as there is room for.
    pub fn poll_push(&self, context: &Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Over>> {
        let Pipe { request, is_over, .. } = &mut *self.0.borrow_mut();
        if *is_over {
            return Poll::Ready(Err(Over));
        }
        let taken = bytes.len().min(request.room());
        if taken == 0 && !bytes.is_empty() {
            return wait(&mut request.writer, context);
        }
        request.append(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    /// Says that the request has ended.
    pub fn end(&self) {
        self.0.borrow_mut().request.end();
    }

    /// Says that the head of the answer was taken: what comes behind it need not lie there as a whole.
    pub fn narrow(&self) {
        self.0.borrow_mut().response.most = MOST_BYTES;
    }

    /// Lets the function take what it can of the answer, until it has something. It also learns whether the answer has
    /// ended: then nothing will be added to what it sees.
    pub fn poll_pull<T>(
        &self,
        context: &Context<'_>,
        take: impl FnOnce(&mut BytesMut, bool) -> Option<T>,
    ) -> Poll<T> {
        let Direction { bytes, is_ended, reader, writer, .. } = &mut self.0.borrow_mut().response;
        let before = bytes.len();
        let taken = take(bytes, *is_ended);
        if bytes.len() < before {
            wake(writer);
        }
        match taken {
            Some(taken) => Poll::Ready(taken),
            None => wait(reader, context),
        }
    }

    /// Says that the client has left.
    pub fn leave(&self) {
        let pipe = &mut *self.0.borrow_mut();
        pipe.is_left = true;
        for waker in [&mut pipe.watcher, &mut pipe.request.reader, &mut pipe.response.writer] {
            wake(waker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn both_directions_are_bounded_and_go_on_when_something_was_taken() {
        let (end, far) = new();
        let piece = vec![b'x'; MOST_WITH_HEAD + 1];
        assert_eq!(far.poll_push(&context(), &piece), Poll::Ready(Ok(MOST_BYTES)));
        assert!(far.poll_push(&context(), &piece).is_pending());
        let written = end.poll_write(&context(), &[IoSlice::new(&piece), IoSlice::new(&piece)]);
        assert!(matches!(written, Poll::Ready(Ok(MOST_WITH_HEAD))));
        assert!(end.poll_write(&context(), &[IoSlice::new(&piece)]).is_pending());
        let taken = far.poll_pull(&context(), |bytes, _| Some(bytes.split_to(7).len()));
        assert_eq!(taken, Poll::Ready(7));
        assert!(matches!(end.poll_write(&context(), &[IoSlice::new(&piece)]), Poll::Ready(Ok(7))));
        far.narrow();
        let taken =
            far.poll_pull(&context(), |bytes, _| Some(bytes.split_to(MOST_WITH_HEAD - MOST_BYTES).len()));
        assert!(taken.is_ready() && end.poll_write(&context(), &[IoSlice::new(&piece)]).is_pending());
        let taken = far.poll_pull(&context(), |bytes, _| Some(bytes.split_to(7).len()));
        assert_eq!(taken, Poll::Ready(7));
        assert!(matches!(end.poll_write(&context(), &[IoSlice::new(&piece)]), Poll::Ready(Ok(7))));
    }

    #[test]
    fn each_end_learns_that_the_other_is_gone() {
        let (end, far) = new();
        assert!(!end.poll_left(&context()) && end.look() == Sight::There);
        far.leave();
        assert!(end.poll_left(&context()) && end.look() == Sight::Gone);
        assert!(matches!(end.poll_write(&context(), &[IoSlice::new(b"x")]), Poll::Ready(Err(_))));
        assert!(matches!(end.poll_readable(&context()), Poll::Ready(Err(_))));
        drop(end);
        assert_eq!(far.poll_push(&context(), b"x"), Poll::Ready(Err(Over)));
        assert_eq!(far.poll_pull(&context(), |_, is_ended| is_ended.then_some(())), Poll::Ready(()));
    }
}
