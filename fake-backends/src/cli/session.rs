//! One run of the program: backends start, requests are printed, Ctrl-C ends it with a summary.
//!
//! `run` of this module is all that happens after the arguments are read. It writes no journal itself; that is `output`.

use std::io::{self, Write};
use std::sync::{Arc, mpsc};

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use super::Complaint;
use super::arguments::Arguments;
use super::control;
use super::output::Output;
use fake_backends::clock::RunClock;
use fake_backends::journal::Journal;
use fake_backends::platform::Network;
use fake_backends::server::{Listening, World, start};

/// Runs until Ctrl-C or SIGTERM.
pub(super) fn run(arguments: Arguments) -> Result<(), Complaint> {
    let specs = arguments.backends()?;
    let output = Output::open(arguments.quiet, arguments.journal.as_deref())?;
    // Before anybody can know that it runs, so that a signal never finds it unprepared.
    let signals =
        Signals::new().map_err(|error| Complaint::world(format!("could not wait for signals: {error}")))?;
    let clock = RunClock::start();
    // The program may run for days: what has been printed is not kept, unless somebody may ask for it.
    let journal = if arguments.control.is_some() { Journal::new(clock) } else { Journal::forgetting(clock) };
    let world = World { journal, ..World::new(Network::host(), clock) };
    let world = World { applications: Arc::new(fake_backends::applications::all()), ..world };
    let (sender, attempts) = mpsc::channel();
    world.journal.subscribe(sender);
    let starting = |spec| start(spec, &world).map_err(|error| Complaint::world(error.to_string()));
    let backends = specs.into_iter().map(starting).collect::<Result<Vec<Listening>, Complaint>>()?;
    let backends = Arc::new(backends);
    for backend in backends.iter() {
        // Nobody need be reading.
        let _ = writeln!(io::stdout(), "{} listens on http://{}", backend.name(), backend.addr());
    }
    if let Some(address) = arguments.control {
        let refused = |error| Complaint::world(format!("the control could not listen on {address}: {error}"));
        let address = control::start(address, &backends).map_err(refused)?;
        let _ = writeln!(io::stdout(), "control listens on http://{address}");
    }
    let broken = Arc::new(Notify::new());
    let writer = std::thread::spawn({
        let broken = Arc::clone(&broken);
        move || {
            let result = output.follow(&attempts);
            broken.notify_one();
            result
        }
    });
    signals.wait(&broken);
    drop(backends);
    // With the last sender the writer ends.
    drop(world);
    match writer.join() {
        Ok(Ok(summary)) => {
            let _ = write!(io::stdout(), "{summary}");
            Ok(())
        }
        Ok(Err(error)) => Err(Complaint::world(format!("could not write the journal: {error}"))),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The signals that end the program.
struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let guard = runtime.enter();
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        drop(guard);
        Ok(Signals { runtime, interrupt, terminate })
    }

    /// Waits for one of them, or for the journal to break.
    fn wait(mut self, broken: &Notify) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                () = broken.notified() => {}
            }
        });
    }
}
