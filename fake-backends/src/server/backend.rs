//! The life of a backend on its thread: accepts connections, obeys its handle, ends with it.
//!
//! `listening::start` runs it. Each connection is a task of this thread's runtime; what happens on one is the business
//! of `connection`.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak, mpsc as blocking};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::connection;
use super::connection_log::ConnectionLog;
use super::door::Door;
use super::shared::{Down, Shared};
use crate::behavior::{Accept, Script};
use crate::journal::ConnectionEnd;

/// Pause after an error of `accept`, such as too many open files: trying again at once would only burn the CPU.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What the handle asks for. The sender hears when it has happened.
pub(super) enum Command {
    Script(Box<Script>, blocking::Sender<io::Result<()>>),
    TakeDown(Down, blocking::Sender<io::Result<()>>),
    BringUp(blocking::Sender<io::Result<()>>),
    CloseConnections(blocking::Sender<io::Result<()>>),
}

/// Runs a backend until its handle is gone. Says through `ready` where it listens, or why it does not.
pub(super) fn run(
    shared: Arc<Shared>,
    listen: SocketAddr,
    backlog: i32,
    commands: mpsc::UnboundedReceiver<Command>,
    ready: &blocking::Sender<io::Result<SocketAddr>>,
) {
    let network = shared.world.network.clone();
    let runtime =
        network.enter().and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
    // Nobody listens to `ready` only when the caller is gone; then the commands end at once.
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let explain = |error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("backend {} could not listen on {listen}: {error}", shared.name),
            )
        };
        let started = async {
            let mut door = Door::new(network, listen, backlog).map_err(explain)?;
            if shared.script().script.connections.accept != Accept::Refuse {
                door.open().await.map_err(explain)?;
            }
            Ok(door)
        };
        match started.await {
            Ok(door) => {
                let _ = ready.send(Ok(door.address()));
                Backend {
                    shared: Arc::clone(&shared),
                    door,
                    down: None,
                    tasks: JoinSet::new(),
                    open: HashMap::new(),
                    held: Vec::new(),
                }
                .serve(commands)
                .await;
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        }
    });
}

struct Backend {
    shared: Arc<Shared>,
    door: Door,
    down: Option<Down>,
    tasks: JoinSet<u64>,
    /// Connections that are served. The tasks own the sockets, so that a reset happens when a task drops its own.
    open: HashMap<u64, (AbortHandle, Weak<TcpStream>)>,
    /// Connections that are left alone.
    held: Vec<(Arc<TcpStream>, Option<ConnectionLog>)>,
}

impl Backend {
    async fn serve(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => break,
                },
                Some(ended) = self.tasks.join_next() => self.forget(ended),
                accepted = self.door.accept() => match accepted {
                    Ok((stream, peer)) => self.welcome(stream, peer),
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        self.end_connections().await;
    }

    async fn obey(&mut self, command: Command) {
        let (result, done) = match command {
            Command::Script(script, done) => {
                self.shared.set_script(*script);
                (self.set_door().await, done)
            }
            Command::TakeDown(down, done) => {
                self.down = Some(down);
                let result = self.set_door().await;
                match down {
                    Down::Refuse | Down::Close => self.end_connections().await,
                    Down::Reset => {
                        self.each_stream(|stream| drop(stream.set_zero_linger()));
                        self.end_connections().await;
                    }
                    Down::Hang => {
                        let streams: Vec<_> =
                            self.open.values().filter_map(|(_, stream)| stream.upgrade()).collect();
                        self.held.extend(streams.into_iter().map(|stream| (stream, None)));
                        self.end_tasks().await;
                    }
                }
                (result, done)
            }
            Command::BringUp(done) => {
                self.down = None;
                self.held.clear();
                (self.set_door().await, done)
            }
            Command::CloseConnections(done) => {
                self.end_connections().await;
                (Ok(()), done)
            }
        };
        // The handle waits for this; if it is gone, nobody needs to know.
        let _ = done.send(result);
    }

    /// What happens to a connection that comes in now.
    fn acceptance(&self) -> Accept {
        match self.down {
            None => self.shared.script().script.connections.accept,
            Some(Down::Refuse) => Accept::Refuse,
            Some(Down::Close) => Accept::Close,
            Some(Down::Reset) => Accept::Reset,
            Some(Down::Hang) => Accept::Hang,
        }
    }

    async fn set_door(&mut self) -> io::Result<()> {
        match self.acceptance() {
            Accept::Refuse => self.door.shut().await,
            Accept::Serve | Accept::Close | Accept::Reset | Accept::Hang => self.door.open().await,
        }
    }

    fn welcome(&mut self, stream: TcpStream, peer: SocketAddr) {
        // Without it small answers would wait for acknowledgements; it fails only on a connection that is dead already.
        let _ = stream.set_nodelay(true);
        let mut log = ConnectionLog::open(&self.shared, peer);
        let acceptance = match self.acceptance() {
            Accept::Serve if !self.lets_in(peer) => Accept::Reset,
            acceptance => acceptance,
        };
        match acceptance {
            Accept::Serve => {
                let (stream, number) = (Arc::new(stream), log.number());
                let weak = Arc::downgrade(&stream);
                let task = connection::serve(Arc::clone(&self.shared), stream, log);
                let handle = self.tasks.spawn(async move {
                    task.await;
                    number
                });
                self.open.insert(number, (handle, weak));
            }
            // A connection that came in just before the door was shut goes the way of those that are closed.
            Accept::Close | Accept::Refuse => log.end(ConnectionEnd::Backend),
            Accept::Reset => {
                let _ = stream.set_zero_linger();
                log.end(ConnectionEnd::BackendReset);
            }
            Accept::Hang => self.held.push((Arc::new(stream), Some(log))),
        }
    }

    /// Whether the address of a peer is one of those that may come in.
    fn lets_in(&self, peer: SocketAddr) -> bool {
        let loaded = self.shared.script();
        let allow = &loaded.script.connections.allow;
        allow.is_empty() || allow.contains(&peer.ip().to_canonical())
    }

    fn forget(&mut self, ended: Result<u64, JoinError>) {
        match ended {
            Ok(number) => drop(self.open.remove(&number)),
            // A panic in a connection is a bug of ours: it goes up to who joins this thread.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }

    fn each_stream(&self, act: impl Fn(&TcpStream)) {
        let held = self.held.iter().map(|(stream, _)| Arc::clone(stream));
        self.open
            .values()
            .filter_map(|(_, stream)| stream.upgrade())
            .chain(held)
            .for_each(|stream| act(&stream));
    }

    async fn end_connections(&mut self) {
        self.held.clear();
        self.end_tasks().await;
    }

    /// Ends all tasks where they wait; what they hold is dropped, so their attempts are journalled as stopped.
    async fn end_tasks(&mut self) {
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next().await {
            self.forget(ended);
        }
        self.open.clear();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.counters.connections_open.store(0, Ordering::Relaxed);
    }
}
