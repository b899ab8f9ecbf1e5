//! One launch of a proxy: a guard, the program beneath it, and a thread that reads what it prints.
//!
//! `ProxyUnderTest` holds at most one at a time. It knows how a launch ends and whether that was asked for; it never starts
//! anything again and never judges.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fake_backends::clock::{Moment, RunClock};
use fake_backends::platform::Network;

use super::guard::{GuardHandle, GuardState, MainExit, Order, Wish};
use super::{OutputLog, StartProblem};

/// Lines of output that belong to the end of a launch.
pub(super) const LAST_LINES: usize = 12;
/// The kernel may still hold what a program printed last when its end is reported.
const OUTPUT_SETTLES_WITHIN: Duration = Duration::from_millis(300);

/// A launch that has begun.
#[derive(Debug)]
pub(super) struct Process {
    guard: Option<GuardHandle>,
    began: Moment,
    end: Arc<Mutex<End>>,
    reader: Option<JoinHandle<()>>,
}

/// How a launch ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) exit: MainExit,
    pub(super) expected: bool,
    pub(super) last_lines: Vec<String>,
}

type Announce = Box<dyn FnOnce(Ended) + Send>;

/// What is known of the end, and who wants to know.
#[derive(Default)]
struct End {
    expected: bool,
    ended: Option<Ended>,
    announce: Option<Announce>,
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("End")
            .field("expected", &self.expected)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl Process {
    /// Starts a program in the run's network, beneath a guard (its program, and how it may keep what it starts).
    pub(super) fn start(
        guard: (&Path, Wish),
        network: &Network,
        clock: &RunClock,
        order: Order,
        terminal: bool,
        output: &OutputLog,
    ) -> Result<Process, StartProblem> {
        let in_vain = |error: std::io::Error| StartProblem::Guard { error: error.to_string() };
        let capture = harness_platform::capture_pair(terminal).map_err(in_vain)?;
        let watched = capture.reader.try_clone().map_err(in_vain)?;
        output.begin_launch();
        let log = output.clone();
        let reader = std::thread::Builder::new()
            .name("proxy-output".into())
            .spawn(move || log.drain(capture.reader))
            .map_err(in_vain)?;
        let end = Arc::new(Mutex::new(End::default()));
        let (shared, log) = (end.clone(), output.clone());
        let on_change = move |state: &GuardState| {
            let Some(exit) = state.exit.filter(|_| !state.lives()) else { return };
            if lock(&shared).ended.is_none() {
                wait_until_read(&watched);
                note_end(&mut lock(&shared), exit, log.last_lines(LAST_LINES));
            }
        };
        let began = clock.now();
        let guard = start_in_network(guard, network, capture.writer, order, on_change).map_err(in_vain)?;
        Ok(Process { guard: Some(guard), began, end, reader: Some(reader) })
    }

    /// When the guard was started.
    pub(super) fn began(&self) -> Moment {
        self.began
    }

    /// The guard.
    pub(super) fn guard(&self) -> &GuardHandle {
        self.guard.as_ref().expect("the guard is taken in `drop` only")
    }

    /// From now on an end was asked for.
    pub(super) fn expect_end(&self) {
        lock(&self.end).expected = true;
    }

    /// How it ended, if it has. A program that puts itself into the background has not.
    pub(super) fn ended(&self) -> Option<Ended> {
        lock(&self.end).ended.clone()
    }

    /// Calls back once when it ends, or at once if it has.
    pub(super) fn announce_end(&self, announce: impl FnOnce(Ended) + Send + 'static) {
        let mut end = lock(&self.end);
        match end.ended.clone() {
            Some(ended) => {
                drop(end);
                announce(ended);
            }
            None => end.announce = Some(Box::new(announce)),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.expect_end();
        // First the guard, and with it the last that could print; then the reader sees the end of the output.
        self.guard = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn lock(end: &Mutex<End>) -> MutexGuard<'_, End> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note_end(end: &mut End, exit: MainExit, last_lines: Vec<String>) {
    let ended = Ended { exit, expected: end.expected, last_lines };
    end.ended = Some(ended.clone());
    if let Some(announce) = end.announce.take() {
        announce(ended);
    }
}

/// The guard inherits the network namespace of the thread that starts it, so that no descriptor need be handed over. The
/// thread may end at once: nothing here follows the thread of a parent.
fn start_in_network(
    (program, wish): (&Path, Wish),
    network: &Network,
    writer: OwnedFd,
    order: Order,
    on_change: impl FnMut(&GuardState) + Send + 'static,
) -> std::io::Result<GuardHandle> {
    let program = program.to_path_buf();
    let start = move || GuardHandle::start(&program, wish, writer, order, on_change);
    let thread = network.start_thread("guard-starter", start)?;
    thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts the guard panicked")))
}

fn wait_until_read(reader: &std::fs::File) {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    let mut quiet = 0;
    while waited < OUTPUT_SETTLES_WITHIN && quiet < 3 {
        quiet = if harness_platform::unread_bytes(reader) == 0 { quiet + 1 } else { 0 };
        std::thread::sleep(step);
        waited += step;
    }
}
