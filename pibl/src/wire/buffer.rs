//! Read buffers that are borrowed from the thread and given back.
//!
//! A connection leases one when bytes arrive and drops it when it is idle, so that ten thousand idle
//! connections hold no buffer at all. A buffer never crosses threads.

use std::cell::RefCell;

/// The size of a leased buffer: heads fit, and so do small bodies together with their heads.
pub const BUFFER_BYTES: usize = 16 * 1024;
/// What a buffer grows to for the body of a large response: fewer system calls for each byte.
pub const LARGE_BUFFER_BYTES: usize = 128 * 1024;
/// How many buffers of one size a thread keeps for the next lease.
const KEPT: usize = 64;

thread_local! {
    static SMALL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    static LARGE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that were read and not yet consumed.
#[derive(Debug)]
pub struct ReadBuffer {
    storage: Vec<u8>,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    /// Takes a buffer of [`BUFFER_BYTES`] from the thread, or makes one.
    pub fn lease() -> Self {
        let kept = SMALL.with_borrow_mut(Vec::pop);
        Self { storage: kept.unwrap_or_else(|| vec![0; BUFFER_BYTES]), start: 0, end: 0 }
    }

    /// The bytes that are there.
    pub fn filled(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// Whether there is nothing to consume.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets bytes at the front.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Where the next bytes are read to. Unread bytes move to the front when the end is reached; an
    /// empty result means that the buffer is full.
    pub fn space(&mut self) -> &mut [u8] {
        if self.end == self.storage.len() && self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.storage[self.end..]
    }

    /// Says that this many bytes were read into [`ReadBuffer::space`].
    pub fn commit(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.storage.len());
    }

    /// Makes room for a head of at least `length` bytes.
    pub fn reserve(&mut self, length: usize) {
        if length > self.storage.len() {
            self.storage.resize(length, 0);
        }
    }

    /// Exchanges the storage for one of [`LARGE_BUFFER_BYTES`]; the unread bytes come along.
    pub fn enlarge(&mut self) {
        if self.storage.len() >= LARGE_BUFFER_BYTES {
            return;
        }
        let kept = LARGE.with_borrow_mut(Vec::pop);
        let large = kept.unwrap_or_else(|| vec![0; LARGE_BUFFER_BYTES]);
        let small = std::mem::replace(&mut self.storage, large);
        let length = self.end - self.start;
        self.storage[..length].copy_from_slice(&small[self.start..self.end]);
        self.start = 0;
        self.end = length;
        give_back(small);
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        give_back(std::mem::take(&mut self.storage));
    }
}

fn give_back(storage: Vec<u8>) {
    let pool = match storage.len() {
        BUFFER_BYTES => &SMALL,
        LARGE_BUFFER_BYTES => &LARGE,
        // A buffer that grew for one long head is not worth keeping.
        _ => return,
    };
    // While the thread ends its pool may be gone already; then the memory is simply freed.
    let _ = pool.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < KEPT {
            pool.push(storage);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut ReadBuffer, bytes: &[u8]) {
        buffer.space()[..bytes.len()].copy_from_slice(bytes);
        buffer.commit(bytes.len());
    }

    #[test]
    fn unread_bytes_survive_moving_and_growing() {
        let mut buffer = ReadBuffer::lease();
        fill(&mut buffer, &vec![b'x'; BUFFER_BYTES]);
        assert!(buffer.space().is_empty());
        buffer.consume(BUFFER_BYTES - 3);
        assert_eq!(buffer.space().len(), BUFFER_BYTES - 3);
        fill(&mut buffer, b"abc");
        assert_eq!(buffer.filled(), b"xxxabc");
        buffer.enlarge();
        assert_eq!(buffer.filled(), b"xxxabc");
        assert_eq!(buffer.space().len(), LARGE_BUFFER_BYTES - 6);
    }

    #[test]
    fn a_dropped_buffer_is_leased_again_empty() {
        let mut buffer = ReadBuffer::lease();
        fill(&mut buffer, b"abc");
        drop(buffer);
        assert!(ReadBuffer::lease().is_empty());
    }
}
