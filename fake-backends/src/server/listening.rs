//! The handle of a backend: started by `start`, told to fail and to recover, stopped when dropped.
//!
//! The harness and the command line hold it. Its calls return when what they ask for has happened. It never runs a
//! request itself: that is done on the backend's own thread.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc as blocking};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::backend::{self, Command};
use super::manner::Manners;
use super::shared::{BackendSpec, Counts, Down, Recording, Shared, World};
use crate::behavior::Script;
use crate::journal::Journal;

/// A backend that runs. Dropping it stops the backend and joins its thread.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    shared: Arc<Shared>,
    commands: Option<mpsc::UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a backend; it listens when this returns, unless its script says that it refuses.
///
/// # Errors
/// When its name cannot stand in a field, or its address cannot be had.
pub fn start(spec: BackendSpec, world: &World) -> io::Result<Listening> {
    if spec.name.is_empty() || !spec.name.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = format!("`{}` cannot be the name of a backend", spec.name.escape_debug());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let shared = Arc::new(Shared::new(&spec, world.clone()));
    let (commands, inbox) = mpsc::unbounded_channel();
    let (ready, started) = blocking::channel();
    let thread = std::thread::Builder::new().name(format!("backend {}", spec.name)).spawn({
        let shared = Arc::clone(&shared);
        move || backend::run(shared, spec.listen, spec.backlog, inbox, &ready)
    })?;
    let address = started.recv().map_err(|_| io::Error::other("the thread of the backend ended"))??;
    Ok(Listening { address, shared, commands: Some(commands), thread: Some(thread) })
}

impl Listening {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it writes down what happens.
    pub fn journal(&self) -> &Journal {
        &self.shared.world.journal
    }

    /// How it treats connections and bodies, as do all of its world.
    pub fn manners(&self) -> &Manners {
        &self.shared.world.manners
    }

    /// What it has counted so far.
    pub fn counts(&self) -> Counts {
        self.shared.counts()
    }

    /// Exchanges the script. Requests whose head is complete keep the old one; the counts of routes begin again.
    ///
    /// # Errors
    /// When the backend cannot listen (again) as the script says.
    pub fn set_script(&self, script: Script) -> io::Result<()> {
        self.ask(|done| Command::Script(Box::new(script), done))
    }

    /// What is written down of connections and requests that come from now on.
    pub fn set_recording(&self, recording: Recording) {
        self.shared.set_recording(recording);
    }

    /// Takes the backend down, in one way or another way than before. The port stays taken.
    ///
    /// # Errors
    /// When the port could not be kept.
    pub fn take_down(&self, down: Down) -> io::Result<()> {
        self.ask(|done| Command::TakeDown(down, done))
    }

    /// Brings the backend up again, on the same port, with its script and its counters as they were.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn bring_up(&self) -> io::Result<()> {
        self.ask(Command::BringUp)
    }

    /// Closes all open connections in good order, and goes on listening.
    ///
    /// # Errors
    /// When the backend has ended.
    pub fn close_connections(&self) -> io::Result<()> {
        self.ask(Command::CloseConnections)
    }

    /// Stops it. The same as dropping it, spelled out.
    pub fn stop(self) {}

    fn ask(&self, command: impl FnOnce(blocking::Sender<io::Result<()>>) -> Command) -> io::Result<()> {
        let (done, answer) = blocking::channel();
        let gone = || io::Error::other("the backend has ended");
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        commands.send(command(done)).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A backend without a handle ends.
        self.commands = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}
