//! The writer's side of the record: one cheap handle that every thread of a run holds.
//!
//! `conductor`, `traffic` and `proxy_under_test` call [`Recorder::record`]; a thread of its own turns events into lines
//! of `events.jsonl` and passes them on to live listeners. Recording never blocks on the disk and never decides anything.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_backends::clock::RunClock;

use super::{Event, EventKind};

/// Receives every event as it is recorded.
pub type Listener = Receiver<Arc<Event>>;

/// A handle of the record. Clones are cheap and mean the same record.
#[derive(Clone, Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: RunClock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    step: Option<usize>,
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

enum Message {
    Event(Arc<Event>),
    Listen(Sender<Arc<Event>>),
    Flush(SyncSender<()>),
}

/// What is written lies in the buffer no longer than about this.
const IDLE: Duration = Duration::from_millis(200);

impl Recorder {
    /// Begins a record in an empty file.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn begin(file: File, clock: RunClock) -> io::Result<Recorder> {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("history".into())
            .spawn(move || write(&receiver, file, clock))?;
        let inner = Inner { step: None, sender: Some(sender), thread: Some(thread) };
        Ok(Recorder { shared: Arc::new(Shared { clock, inner: Mutex::new(inner) }) })
    }

    /// Records that something happened, now, during the current step. After [`Recorder::close`] it does nothing.
    pub fn record(&self, event: EventKind) {
        // The moment is taken under the lock, so lines are in the order of their moments.
        let inner = self.lock();
        let event = Event { at: self.shared.clock.now(), step: inner.step, event };
        if let Some(sender) = &inner.sender {
            // The receiver lives as long as the sender; a writer that panicked is reported by `close`.
            let _ = sender.send(Message::Event(Arc::new(event)));
        }
    }

    /// Says to which step of the plan events belong from now on.
    pub fn enter_step(&self, step: Option<usize>) {
        self.lock().step = step;
    }

    /// The clock of the record.
    pub fn clock(&self) -> RunClock {
        self.shared.clock
    }

    /// A channel that receives every event recorded from now on. A listener that is dropped is forgotten.
    pub fn listen(&self) -> Listener {
        let (sender, receiver) = mpsc::channel();
        if let Some(queue) = &self.lock().sender {
            let _ = queue.send(Message::Listen(sender));
        }
        receiver
    }

    /// Waits until everything recorded so far has been handed to the operating system.
    pub fn flush(&self) {
        let (sender, receiver) = mpsc::sync_channel(1);
        if let Some(queue) = &self.lock().sender {
            let _ = queue.send(Message::Flush(sender));
        }
        // An error means that the writer is gone; `close` tells why.
        let _ = receiver.recv();
    }

    /// Ends the record: everything is on disk when this returns. Later events are ignored.
    ///
    /// # Errors
    /// The first error of writing, whenever it was.
    pub fn close(&self) -> io::Result<()> {
        let (sender, thread) = {
            let mut inner = self.lock();
            (inner.sender.take(), inner.thread.take())
        };
        drop(sender);
        match thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        inner.sender = None;
        if let Some(thread) = inner.thread.take() {
            // A run that was abandoned: what was recorded is kept, errors have nobody left to hear them.
            let _ = thread.join();
        }
    }
}

/// The writer thread. Listeners are served also when the disk is full; the first error is reported at the end.
fn write(receiver: &Receiver<Message>, file: File, clock: RunClock) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(256 << 10, file);
    let mut flushed = clock.now();
    let mut listeners: Vec<Sender<Arc<Event>>> = Vec::new();
    let mut result = Ok(());
    loop {
        match receiver.recv_timeout(IDLE) {
            Ok(Message::Event(event)) => {
                if result.is_ok() {
                    result = append(&mut out, &event);
                }
                listeners.retain(|listener| listener.send(event.clone()).is_ok());
            }
            Ok(Message::Listen(listener)) => listeners.push(listener),
            Ok(Message::Flush(done)) => {
                if result.is_ok() {
                    result = out.flush();
                }
                // Whoever asked may have given up.
                let _ = done.send(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return result.and_then(|()| out.flush()),
        }
        // Whoever reads along from the disk sees what has happened also while something happens all the time.
        let now = clock.now();
        if result.is_ok() && now.since(flushed) >= IDLE {
            result = out.flush();
            flushed = now;
        }
    }
}

fn append(out: &mut BufWriter<File>, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    out.write_all(b"\n")?;
    // What a person looks for after a crash of the harness itself must be in the file.
    match event.event {
        EventKind::StepEnded { .. } | EventKind::Interrupted { .. } | EventKind::ProxyExited(_) => {
            out.flush()
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Anomaly;

    fn anomaly(number: usize) -> EventKind {
        EventKind::Anomaly(Anomaly { what: format!("number {number}"), exchange: None })
    }

    #[test]
    fn events_of_many_threads_are_whole_lines_in_the_order_of_their_moments() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let recorder = Recorder::begin(file.reopen().unwrap(), RunClock::start()).unwrap();
        recorder.enter_step(Some(3));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..500).for_each(|number| recorder.record(anomaly(number))));
            }
        });
        recorder.close().unwrap();
        recorder.record(anomaly(0));
        let text = std::fs::read_to_string(file.path()).unwrap();
        let events: Vec<Event> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2000);
        assert!(events.is_sorted_by_key(|event| event.at));
        assert!(events.iter().all(|event| event.step == Some(3)));
    }

    #[test]
    fn who_reads_along_sees_what_happened_while_more_goes_on_happening() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let recorder = Recorder::begin(file.reopen().unwrap(), RunClock::start()).unwrap();
        let clock = RunClock::start();
        // One event every few milliseconds is never a pause of `IDLE`, and all of them are less than a buffer.
        while std::fs::metadata(file.path()).unwrap().len() == 0 {
            recorder.record(anomaly(1));
            std::thread::sleep(Duration::from_millis(5));
            assert!(clock.now().0 < 10_000_000_000, "nothing of it is on the disk");
        }
    }

    #[test]
    fn a_flush_brings_everything_to_the_file_and_listeners_hear_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let recorder = Recorder::begin(file.reopen().unwrap(), RunClock::start()).unwrap();
        let heard = recorder.listen();
        recorder.record(anomaly(7));
        recorder.flush();
        assert_eq!(std::fs::read_to_string(file.path()).unwrap().lines().count(), 1);
        assert!(
            matches!(&heard.recv().unwrap().event, EventKind::Anomaly(anomaly) if anomaly.what == "number 7")
        );
    }
}
