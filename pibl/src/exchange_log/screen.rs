//! Lines on their way to stdout: a bounded buffer and a thread of its own.
//!
//! `ExchangeLog` hands over copies of what it wrote to the file. A stdout that does not take them
//! (a paused terminal, a full pipe) costs lines, which are counted and confessed, and never time of a
//! client.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that wait at most; a blocked stdout costs the lines beyond.
const MOST_BYTES: usize = 4 << 20;
/// While lines come, the thread looks this often instead of being woken for each: a wake-up would cost
/// more than the request that it tells of.
const PAUSE: Duration = Duration::from_millis(5);

/// The side that takes lines.
#[derive(Debug)]
pub(super) struct Screen {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Tells the thread that there is something, and `finish` that there is nothing left.
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Dropped lines that stdout has not been told of.
    unconfessed: u64,
    is_asleep: bool,
    is_writing: bool,
    is_closed: bool,
}

impl Screen {
    /// Starts the thread that writes to `sink`.
    pub(super) fn new(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("stdout".into()).spawn(move || theirs.write_for_ever(sink))?;
        Ok(Self { shared })
    }

    /// Takes whole lines, or drops and counts them.
    pub(super) fn show(&self, bytes: &[u8], lines: u64) {
        let mut waiting = self.shared.lock();
        if waiting.is_closed || waiting.bytes.len() + bytes.len() > MOST_BYTES {
            waiting.unconfessed += lines;
            self.shared.dropped.fetch_add(lines, Ordering::Relaxed);
            return;
        }
        waiting.bytes.extend_from_slice(bytes);
        if waiting.is_asleep {
            waiting.is_asleep = false;
            self.shared.changed.notify_all();
        }
    }

    pub(super) fn dropped_lines(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&self, at_most: Duration) {
        let is_busy =
            |waiting: &mut Waiting| !waiting.is_closed && (waiting.is_writing || !waiting.bytes.is_empty());
        // A blocked stdout must not hold up the end of the program, so the result does not matter.
        let _ = self.shared.changed.wait_timeout_while(self.shared.lock(), at_most, is_busy);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self, mut sink: impl Write) {
        let mut taken = Vec::new();
        loop {
            let mut waiting = self.lock();
            waiting.is_writing = false;
            self.changed.notify_all();
            while waiting.bytes.is_empty() {
                waiting.is_asleep = true;
                waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            }
            waiting.is_asleep = false;
            waiting.is_writing = true;
            std::mem::swap(&mut waiting.bytes, &mut taken);
            let unconfessed = std::mem::take(&mut waiting.unconfessed);
            drop(waiting);
            if unconfessed > 0 {
                taken.extend_from_slice(
                    format!("({unconfessed} lines are only in the log file: stdout was blocked)\n")
                        .as_bytes(),
                );
            }
            if sink.write_all(&taken).and_then(|()| sink.flush()).is_err() {
                // Nobody listens any more (EPIPE): the file goes on alone.
                let mut waiting = self.lock();
                waiting.is_closed = true;
                waiting.bytes = Vec::new();
                self.changed.notify_all();
                return;
            }
            taken.clear();
            if taken.capacity() > MOST_BYTES / 4 {
                taken = Vec::new();
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[derive(Clone, Default)]
    struct Sink {
        seen: Arc<Mutex<Vec<u8>>>,
        gate: Arc<Mutex<()>>,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.seen.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let sink = Sink::default();
        let screen = Screen::new(sink.clone()).unwrap();
        for number in 0..1000 {
            screen.show(format!("{number}\n").as_bytes(), 1);
        }
        screen.finish(PATIENCE);
        let text = String::from_utf8(sink.seen.lock().unwrap().clone()).unwrap();
        assert!(text.lines().map(|line| line.parse::<u32>().unwrap()).eq(0..1000));
    }

    #[test]
    fn a_blocked_stdout_costs_counted_lines_and_no_time() {
        let sink = Sink::default();
        let screen = Screen::new(sink.clone()).unwrap();
        let closed = sink.gate.lock().unwrap();
        let line = vec![b'x'; MOST_BYTES / 4];
        for _ in 0..12 {
            screen.show(&line, 1);
        }
        let dropped = screen.dropped_lines();
        // One buffer may be in the thread's hands, one waits.
        assert!((4..=8).contains(&dropped), "{dropped} of 12 dropped");
        drop(closed);
        screen.finish(PATIENCE);
        screen.show(b"after\n", 1);
        screen.finish(PATIENCE);
        let text = String::from_utf8(sink.seen.lock().unwrap().clone()).unwrap();
        assert!(text.contains(&format!("({dropped} lines are only in the log file")), "not confessed");
        assert!(text.contains("after\n"));
    }

    #[test]
    fn a_closed_stdout_is_given_up() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let screen = Screen::new(Closed).unwrap();
        screen.show(b"one\n", 1);
        screen.finish(PATIENCE);
        screen.show(b"two\n", 1);
        assert_eq!(screen.dropped_lines(), 1);
    }
}
